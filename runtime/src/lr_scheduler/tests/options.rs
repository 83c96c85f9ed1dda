//! Options out of their range, and settings that do not fit the groups.

use crate::lr_scheduler::*;

/// The text of the refusal.
fn refusal<S: LrScheduler>(settings: S) -> String {
    let error = settings.check().expect_err("an option is out of its range");
    assert_eq!(settings.attach(&mut Rates::new(&[0.1], None)).err(), Some(error.clone()), "attach checks too");
    error.to_string()
}

/// The text of the refusal, where the options are in their range, but do not fit two groups with a rate of 0.1.
fn misfit<S: LrScheduler>(settings: S, momentum: Option<f64>) -> String {
    settings.check().expect("each option is in its range");
    let mut rates = Rates::new(&[0.1, 0.1], momentum);
    let error = settings.attach(&mut rates).expect_err("they do not fit the groups");
    assert_eq!(rates, Rates::new(&[0.1, 0.1], momentum), "nothing has changed");
    error.to_string()
}

#[test]
fn required_options_are_asked_for() {
    assert_eq!(refusal(StepLR::DEFAULT), "StepLR: step_size = 0, expected 1 or more (it is required)");
    let expected = "MultiStepLR: milestones = 0, expected one step or more (they are required)";
    assert_eq!(refusal(MultiStepLR::DEFAULT), expected);
    let expected = "ExponentialLR: gamma = nothing (NaN), expected a finite number, 0 or more (it is required)";
    assert_eq!(refusal(ExponentialLR::DEFAULT), expected);
    assert_eq!(
        refusal(CosineAnnealingLR::DEFAULT),
        "CosineAnnealingLR: T_max = 0, expected 1 or more (it is required)"
    );
    let expected = "CosineAnnealingWarmRestarts: T_0 = 0, expected 1 or more (it is required)";
    assert_eq!(refusal(CosineAnnealingWarmRestarts::DEFAULT), expected);
    let expected = "OneCycleLR: max_lr = nothing (NaN), expected a rate above 0 (it is required)";
    assert_eq!(refusal(OneCycleLR::DEFAULT), expected);
    let expected =
        "OneCycleLR: total_steps = nothing, expected 1 or more: give it, or let `fit` or the builder tell it";
    assert_eq!(refusal(OneCycleLR { max_lr: 0.1, ..OneCycleLR::DEFAULT }), expected);
    let expected = "CyclicLR: base_lr = nothing (NaN), expected a rate, 0 or more (it is required)";
    assert_eq!(refusal(CyclicLR::DEFAULT), expected);
    let expected = "CyclicLR: max_lr = nothing (NaN), expected a rate, 0 or more (it is required)";
    assert_eq!(refusal(CyclicLR { base_lr: 0.1, ..CyclicLR::DEFAULT }), expected);
    let expected = "SWALR: swa_lr = nothing (NaN), expected a rate, 0 or more (it is required)";
    assert_eq!(refusal(SWALR::DEFAULT), expected);
    assert_eq!(refusal(NoamLR::DEFAULT), "NoamLR: d_model = 0, expected 1 or more (it is required)");
    let expected = "WarmupStableDecayLR: decay_steps = 0, expected 1 or more (it is required)";
    assert_eq!(refusal(WarmupStableDecayLR::DEFAULT), expected);
    let expected = "LambdaLR: lr_lambda = a function with the value NaN at step 0, \
                    expected a function with finite values (it is required)";
    assert_eq!(refusal(LambdaLR::DEFAULT), expected);
    assert_eq!(refusal(MultiplicativeLR::DEFAULT), expected.replace("LambdaLR", "MultiplicativeLR"));
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    fn check(settings: impl LrScheduler, option: &str) {
        let text = refusal(settings.clone());
        let begin = format!("{}: {option} = ", settings.name());
        assert!(text.starts_with(&begin), "{text:?} does not begin with {begin:?}");
    }
    check(StepLR { step_size: 1, gamma: f64::NAN }, "gamma");
    check(MultiStepLR { milestones: vec![1].into(), gamma: -0.1 }, "gamma");
    check(ConstantLR { factor: 0.0, total_iters: 5 }, "factor");
    check(ConstantLR { factor: 1.1, total_iters: 5 }, "factor");
    check(ConstantLR { factor: 0.5, total_iters: 0 }, "total_iters");
    check(LinearLR { start_factor: 0.0, ..LinearLR::DEFAULT }, "start_factor");
    check(LinearLR { end_factor: 1.5, ..LinearLR::DEFAULT }, "end_factor");
    check(LinearLR { total_iters: 0, ..LinearLR::DEFAULT }, "total_iters");
    check(PolynomialLR { total_iters: 0, power: 1.0 }, "total_iters");
    for power in [-1.0, f64::NAN, f64::INFINITY] {
        check(PolynomialLR { total_iters: 5, power }, "power");
        check(WarmupPolynomialLR { total_steps: 5, power, ..WarmupPolynomialLR::DEFAULT }, "power");
    }
    check(CosineAnnealingLR { T_max: 5, eta_min: -1.0 }, "eta_min");
    check(CosineAnnealingWarmRestarts { T_0: 5, T_mult: 0, eta_min: 0.0 }, "T_mult");
    let cycle = || OneCycleLR { max_lr: 0.1, total_steps: 9, ..OneCycleLR::DEFAULT };
    check(OneCycleLR { max_lr: 0.0, ..cycle() }, "max_lr");
    check(OneCycleLR { pct_start: 1.1, ..cycle() }, "pct_start");
    check(OneCycleLR { base_momentum: 1.0, ..cycle() }, "base_momentum");
    check(OneCycleLR { max_momentum: f64::NAN, ..cycle() }, "max_momentum");
    check(OneCycleLR { div_factor: 0.0, ..cycle() }, "div_factor");
    check(OneCycleLR { final_div_factor: -1.0, ..cycle() }, "final_div_factor");
    check(OneCycleLR { total_steps: 0, epochs: 3, ..cycle() }, "epochs");
    let cycles = || CyclicLR { base_lr: 0.1, max_lr: 1.0, ..CyclicLR::DEFAULT };
    check(CyclicLR { step_size_up: 0, ..cycles() }, "step_size_up");
    check(CyclicLR { gamma: f64::INFINITY, ..cycles() }, "gamma");
    check(CyclicLR { base_momentum: -0.1, ..cycles() }, "base_momentum");
    check(ReduceLROnPlateau { factor: 1.0, ..ReduceLROnPlateau::DEFAULT }, "factor");
    check(ReduceLROnPlateau { threshold: -1.0, ..ReduceLROnPlateau::DEFAULT }, "threshold");
    check(ReduceLROnPlateau { min_lr: f64::NAN, ..ReduceLROnPlateau::DEFAULT }, "min_lr");
    check(ReduceLROnPlateau { eps: -1.0, ..ReduceLROnPlateau::DEFAULT }, "eps");
    check(SWALR { swa_lr: -0.1, ..SWALR::DEFAULT }, "swa_lr");
    let short = WarmupCosineLR { warmup_steps: 9, total_steps: 9, ..WarmupCosineLR::DEFAULT };
    check(WarmupCosineLR { start_factor: 1.5, total_steps: 10, ..short.clone() }, "start_factor");
    check(short, "total_steps");
    check(WarmupPolynomialLR { warmup_steps: 9, total_steps: 8, ..WarmupPolynomialLR::DEFAULT }, "total_steps");
    check(WarmupPolynomialLR::DEFAULT, "total_steps");
    let trapezoid = WarmupStableDecayLR { warmup_steps: 5, decay_steps: 5, ..WarmupStableDecayLR::DEFAULT };
    check(trapezoid.clone(), "total_steps");
    check(WarmupStableDecayLR { total_steps: 9, ..trapezoid.clone() }, "total_steps");
    check(WarmupStableDecayLR { total_steps: 10, min_lr_ratio: 2.0, ..trapezoid }, "min_lr_ratio");
    check(NoamLR { d_model: 64, warmup_steps: 0 }, "warmup_steps");
}

#[test]
fn lists_have_a_value_for_each_group() {
    let expected = "OneCycleLR: max_lrs has 3 values for 2 parameter groups";
    let max_lrs: List<f64> = vec![0.1, 0.2, 0.3].into();
    assert_eq!(misfit(OneCycleLR { max_lrs, total_steps: 9, ..OneCycleLR::DEFAULT }, Some(0.9)), expected);
    let min_lrs: List<f64> = vec![0.1].into();
    let expected = "ReduceLROnPlateau: min_lrs has 1 values for 2 parameter groups";
    assert_eq!(misfit(ReduceLROnPlateau { min_lrs, ..ReduceLROnPlateau::DEFAULT }, None), expected);
    let swa_lrs: List<f64> = vec![0.1, -0.1].into();
    let expected = "SWALR: swa_lrs = -0.1, expected rates, 0 or more";
    assert_eq!(misfit(SWALR { swa_lrs, ..SWALR::DEFAULT }, None), expected);
    let lr_lambdas: List<Lambda> = vec![Lambda::new(|_| 1.0), Lambda::new(|_| 1.0), Lambda::new(|_| 1.0)].into();
    let expected = "LambdaLR: lr_lambdas has 3 values for 2 parameter groups";
    assert_eq!(misfit(LambdaLR { lr_lambdas, ..LambdaLR::DEFAULT }, None), expected);
    let expected = "WarmupPolynomialLR: lr_end = 0.1, expected less than the rate of every group: one has 0.1";
    let schedule = WarmupPolynomialLR { lr_end: 0.1, total_steps: 9, ..WarmupPolynomialLR::DEFAULT };
    assert_eq!(misfit(schedule, None), expected);
}

#[test]
fn an_optimizer_without_momentum_cannot_cycle_it() {
    let cycle = OneCycleLR { max_lr: 0.1, total_steps: 9, ..OneCycleLR::DEFAULT };
    let expected = "OneCycleLR: the optimizer has no momentum to cycle; set cycle_momentum = false";
    assert_eq!(misfit(cycle.clone(), None), expected);
    let mut rates = Rates::new(&[0.1], None);
    OneCycleLR { cycle_momentum: false, ..cycle }.attach(&mut rates).expect("no momentum is needed");
}

#[test]
fn compositions_are_refused_with_the_reason() {
    let step = StepLR { step_size: 3, ..StepLR::DEFAULT };
    let plateau = ReduceLROnPlateau::DEFAULT;
    let sequence = SequentialLR { schedulers: (step.clone(), plateau.clone()), milestones: vec![3].into() };
    assert_eq!(refusal(sequence), "ReduceLROnPlateau watches a metric, and cannot be used in a SequentialLR");
    let any: Vec<AnyScheduler> = vec![step.clone().into(), plateau.into()];
    let expected = "ReduceLROnPlateau watches a metric, and cannot be used in a ChainedScheduler";
    assert_eq!(refusal(ChainedScheduler { schedulers: any }), expected);
    let none = ChainedScheduler { schedulers: Vec::<StepLR>::new() };
    assert_eq!(refusal(none), "ChainedScheduler: schedulers = no schedule, expected at least one");

    let three = |milestones: Vec<usize>| SequentialLR {
        schedulers: vec![step.clone(), step.clone(), step.clone()],
        milestones: milestones.into(),
    };
    let expected = "SequentialLR: milestones = 1 milestones, expected 2, one less than there are schedules";
    assert_eq!(refusal(three(vec![3])), expected);
    assert_eq!(refusal(three(vec![7, 3])), "SequentialLR: milestones = [7, 3], expected rising numbers of steps");
    assert_eq!(
        refusal(SequentialLR::in_turn((step.clone(), step.clone()), &[None])),
        "SequentialLR: milestones = nothing, expected a number of steps: StepLR does not know how long it takes"
    );
    assert_eq!(refusal(SequentialLR::in_turn((StepLR::DEFAULT, step), &[Some(3)])), refusal(StepLR::DEFAULT));
}

#[test]
fn constants_accept_valid_settings() {
    const _: () = StepLR { step_size: 3, ..StepLR::DEFAULT }.assert_valid();
    const _: () = LinearLR::DEFAULT.assert_valid();
    const _: () = MultiStepLR { milestones: List::Borrowed(&[30, 80]), ..MultiStepLR::DEFAULT }.assert_valid();
    const _: () = OneCycleLR { max_lr: 0.1, ..OneCycleLR::DEFAULT }.assert_valid();
    const _: () = LambdaLR { lr_lambda: |t| 1.0 / (1.0 + t as f64), ..LambdaLR::DEFAULT }.assert_valid();
    let panic = std::panic::catch_unwind(|| StepLR::DEFAULT.assert_valid()).expect_err("step_size is required");
    let text = panic.downcast_ref::<String>().map(String::as_str);
    assert_eq!(text, Some("StepLR: `step_size` must be 1 or more (it is required)"));
}
