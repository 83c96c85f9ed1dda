//! What holds for every schedule: one list, gone through by every test.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::conformance;

mod compose;
mod options;

const STEPS: usize = 40;

/// The rates and momenta of two groups after attaching, and after each of `STEPS` steps; with `stop`, the state is
/// saved after so many, and loaded into a new one.
fn run<S: LrScheduler>(settings: &S, stop: Option<usize>) -> Vec<[(f64, Option<f64>); 2]> {
    let start = || Rates::new(&[0.3, 0.02], Some(0.9));
    let now = |rates: &Rates| [0, 1].map(|group| (rates.lr(group), rates.momentum(group)));
    let mut rates = start();
    let mut state = settings.clone().attach(&mut rates).expect("valid settings");
    let mut rows = vec![now(&rates)];
    for step in 0..STEPS {
        if stop == Some(step) {
            // Text, as in a file.
            let text = state.state_dict().to_string();
            let saved: Value = serde_json::from_str(&text).expect("a state dict is JSON");
            state = settings.clone().attach(&mut start()).expect("valid settings");
            state.load_state_dict(&saved).expect("a state fits its own schedule");
        }
        state.step_groups_on(&mut rates, metric(step));
        assert_eq!(state.last_lr(), [rates.lr(0), rates.lr(1)], "last_lr of {}", settings.name());
        rows.push(now(&rates));
    }
    rows
}

/// A loss that falls, rises and stays.
fn metric(step: usize) -> f64 {
    [3.0, 2.0, 2.5, 2.5, 2.4, 1.0, 1.5, 1.5][step % 8]
}

/// One check for every schedule.
trait Check {
    fn check<S: LrScheduler>(&self, settings: S);
}

fn every_schedule(check: &impl Check) {
    check.check(LambdaLR { lr_lambda: |t| 1.0 / (1.0 + 0.1 * t as f64), ..LambdaLR::DEFAULT });
    let (fast, slow) = (Lambda::new(|t| 0.9f64.powf(t as f64)), Lambda::new(|t| 0.99f64.powf(t as f64)));
    check.check(LambdaLR { lr_lambdas: vec![fast, slow].into(), ..LambdaLR::DEFAULT });
    check.check(MultiplicativeLR::of(|t| if t % 3 == 0 { 0.7 } else { 1.1 }));
    check.check(StepLR { step_size: 3, gamma: 0.7 });
    check.check(MultiStepLR { milestones: vec![4, 9, 9, 20].into(), gamma: 0.6 });
    check.check(ConstantLR { factor: 0.3, total_iters: 8 });
    check.check(LinearLR { start_factor: 0.25, total_iters: 7, ..LinearLR::DEFAULT });
    check.check(ExponentialLR { gamma: 0.93 });
    check.check(PolynomialLR { total_iters: 25, power: 1.7 });
    check.check(CosineAnnealingLR { T_max: 9, eta_min: 1e-3 });
    check.check(CosineAnnealingWarmRestarts { T_0: 5, T_mult: 2, eta_min: 1e-4 });
    check.check(OneCycleLR { max_lr: 0.4, epochs: 3, steps_per_epoch: 11, three_phase: true, ..OneCycleLR::DEFAULT });
    check.check(OneCycleLR {
        max_lrs: vec![0.4, 0.2].into(),
        max_momentums: vec![0.9, 0.99].into(),
        anneal_strategy: AnnealStrategy::Linear,
        total_steps: 45,
        ..OneCycleLR::DEFAULT
    });
    check.check(CyclicLR {
        base_lrs: vec![0.01, 0.001].into(),
        max_lr: 0.3,
        step_size_up: 4,
        step_size_down: 7,
        mode: CyclicMode::Triangular2,
        ..CyclicLR::DEFAULT
    });
    check.check(CyclicLR {
        base_lr: 0.01,
        max_lr: 0.3,
        step_size_up: 4,
        scale_fn: Some(|step| 1.0 / (1.0 + step)),
        scale_mode: ScaleMode::Iterations,
        ..CyclicLR::DEFAULT
    });
    check.check(ReduceLROnPlateau { patience: 1, cooldown: 2, factor: 0.5, ..ReduceLROnPlateau::DEFAULT });
    check.check(SWALR { swa_lr: 0.05, ..SWALR::DEFAULT });
    check.check(WarmupCosineLR { warmup_steps: 5, total_steps: 30, eta_min: 1e-3, ..WarmupCosineLR::DEFAULT });
    check.check(WarmupPolynomialLR { warmup_steps: 5, total_steps: 30, power: 2.0, ..WarmupPolynomialLR::DEFAULT });
    check.check(WarmupStableDecayLR {
        warmup_steps: 5,
        decay_steps: 10,
        total_steps: 35,
        warmup_type: Curve::OneMinusSqrt,
        ..WarmupStableDecayLR::DEFAULT
    });
    check.check(InverseSqrtLR { warmup_steps: 5, ..InverseSqrtLR::DEFAULT });
    check.check(NoamLR { d_model: 64, warmup_steps: 9 });

    let warm_up = LinearLR { start_factor: 0.1, total_iters: 5, ..LinearLR::DEFAULT };
    let cosine = CosineAnnealingLR { T_max: 30, eta_min: 0.0 };
    let fall = ExponentialLR { gamma: 0.95 };
    check.check(SequentialLR { schedulers: (warm_up.clone(), cosine.clone()), milestones: vec![6].into() });
    check.check(ChainedScheduler { schedulers: (warm_up.clone(), cosine.clone(), fall.clone()) });
    let both = ChainedScheduler { schedulers: vec![warm_up.clone().into(), fall.into()] };
    check.check(SequentialLR::<Vec<AnyScheduler>> {
        schedulers: vec![both.into(), LambdaLR::of(|t| 1.0 / (1.0 + t as f64)).into(), cosine.into()],
        milestones: vec![7, 20].into(),
    });
    check.check(AnyScheduler::from(warm_up));
}

#[test]
fn every_schedule_has_a_row() {
    struct Names(RefCell<BTreeSet<String>>);
    impl Check for Names {
        fn check<S: LrScheduler>(&self, settings: S) {
            self.0.borrow_mut().insert(settings.name().into());
        }
    }
    let names = Names(RefCell::default());
    every_schedule(&names);
    let all =
        conformance::members("lr_scheduler").into_iter().chain(["SequentialLR", "ChainedScheduler"].map(String::from));
    let missing: Vec<_> = all.filter(|name| !names.0.borrow().contains(name)).collect();
    assert_eq!(missing, [""; 0], "schedules without a row");
}

/// The sequences of PyTorch's schedules are compared with PyTorch's own; these are what people add.
#[test]
fn schedules_that_pytorch_does_not_have_follow_their_formulas() {
    fn check(settings: impl LrScheduler, formula: impl Fn(f64) -> f64) {
        for (step, lr) in preview(settings.clone(), 0.3, STEPS).expect("valid settings").into_iter().enumerate() {
            let expected = formula(step as f64);
            assert!((lr - expected).abs() < 1e-15, "{} at {step}: {lr}, expected {expected}", settings.name());
        }
    }
    let part = |t: f64, from: f64, to: f64| ((t - from) / (to - from)).min(1.0);
    let wave = |p: f64| (1.0 + (std::f64::consts::PI * p).cos()) / 2.0;
    let settings =
        WarmupCosineLR { warmup_steps: 5, total_steps: 30, eta_min: 0.1, start_factor: 0.2, num_cycles: 1.5 };
    check(settings, |t| match t {
        t if t < 5.0 => 0.3 * (0.2 + 0.8 * t / 5.0),
        t => 0.1 + 0.2 * wave(3.0 * part(t, 5.0, 30.0)),
    });
    let settings = WarmupPolynomialLR { warmup_steps: 5, total_steps: 30, lr_end: 0.1, power: 2.0 };
    check(settings, |t| match t {
        t if t < 5.0 => 0.3 * t / 5.0,
        t => 0.1 + 0.2 * (1.0 - part(t, 5.0, 30.0)).powi(2),
    });
    for (curve, form) in [
        (Curve::Linear, (|p| p) as fn(f64) -> f64),
        (Curve::Cosine, |p| (1.0 - (std::f64::consts::PI * p).cos()) / 2.0),
        (Curve::OneMinusSqrt, |p| 1.0 - (1.0 - p).sqrt()),
    ] {
        let settings = WarmupStableDecayLR {
            warmup_steps: 5,
            decay_steps: 10,
            total_steps: 30,
            warmup_type: curve,
            decay_type: curve,
            min_lr_ratio: 0.25,
        };
        let height = |t: f64| if t < 5.0 { form(t / 5.0) } else { form(1.0 - part(t.max(20.0), 20.0, 30.0)) };
        check(settings, |t| 0.3 * (0.25 + 0.75 * height(t)));
    }
    let inverse =
        |t: f64, warm: f64, scale: f64| if t < warm { t / warm } else { ((t - warm + scale) / scale).powf(-0.5) };
    check(InverseSqrtLR { warmup_steps: 5, timescale: 20 }, |t| 0.3 * inverse(t, 5.0, 20.0));
    check(InverseSqrtLR { warmup_steps: 5, timescale: 0 }, |t| 0.3 * inverse(t, 5.0, 5.0));
    check(InverseSqrtLR::DEFAULT, |t| 0.3 * inverse(t, 0.0, 1e4));
    check(NoamLR { d_model: 64, warmup_steps: 9 }, |t| 0.3 / 8.0 * (t + 1.0).powf(-0.5).min((t + 1.0) / 27.0));
}

/// `torch.optim.swa_utils.SWALR(swa_lr=0.05)` of PyTorch 2.15, on groups with rates of 0.5 and 0.02.
#[test]
fn swalr_has_the_numbers_of_pytorch() {
    fn check(anneal_strategy: AnnealStrategy, anneal_epochs: usize, expected: [&[f64]; 2]) {
        let mut groups = Rates::new(&[0.5, 0.02], None);
        let settings = SWALR { swa_lr: 0.05, anneal_epochs, anneal_strategy, ..SWALR::DEFAULT };
        let mut state = settings.attach(&mut groups).expect("valid settings");
        for step in 0..expected[0].len() {
            for (group, expected) in expected.iter().enumerate() {
                let lr = groups.lr(group);
                assert!((lr - expected[step]).abs() < 1e-15, "{anneal_epochs}: {lr} at {step}, {}", expected[step]);
            }
            state.step_groups(&mut groups);
        }
    }
    check(AnnealStrategy::Cos, 0, [&[0.05; 4], &[0.05; 4]]);
    let first = [0.5, 0.3875, 0.16250000000000006, 0.05, 0.05];
    check(AnnealStrategy::Cos, 3, [&first, &[0.02, 0.027499999999999997, 0.0425, 0.05, 0.05]]);
    let first = [0.5, 0.48898771616640957, 0.45702882373436315, 0.40725168176580645, 0.34452882373436317, 0.275];
    let second = [0.02, 0.0207341522555727, 0.02286474508437579, 0.02618322121561291, 0.030364745084375793, 0.035];
    check(AnnealStrategy::Cos, 10, [&first, &second]);
    let first = [0.5, 0.35000000000000003, 0.2, 0.05, 0.05];
    check(AnnealStrategy::Linear, 3, [&first, &[0.02, 0.030000000000000002, 0.04, 0.05, 0.05]]);
    check(AnnealStrategy::Linear, 0, [&[0.05; 3], &[0.05; 3]]);

    // As in PyTorch's tutorial: a cosine for five epochs, then SWALR from where that has come to.
    let mut groups = Rates::new(&[0.1], None);
    let mut cosine = CosineAnnealingLR { T_max: 20, eta_min: 0.0 }.attach(&mut groups).expect("valid settings");
    let swa = SWALR { swa_lr: 0.05, anneal_epochs: 4, ..SWALR::DEFAULT };
    let mut swa = swa.attach(&mut groups).expect("valid settings");
    (0..5).for_each(|_| cosine.step_groups(&mut groups));
    for expected in [0.0801776695296637, 0.06767766952966368, 0.055177669529663693, 0.05, 0.05] {
        swa.step_groups(&mut groups);
        assert!((groups.lr(0) - expected).abs() < 1e-15, "{}, expected {expected}", groups.lr(0));
    }
}

#[test]
fn a_schedule_goes_on_as_if_it_had_not_been_saved() {
    struct Resumes;
    impl Check for Resumes {
        fn check<S: LrScheduler>(&self, settings: S) {
            let whole = run(&settings, None);
            assert!(whole.windows(2).any(|pair| pair[0] != pair[1]), "{} changes nothing", settings.name());
            for stop in [0, 1, 6, 7, 20] {
                assert_eq!(run(&settings, Some(stop)), whole, "{} saved after {stop} steps", settings.name());
            }
        }
    }
    every_schedule(&Resumes);
}

#[test]
fn a_preview_equals_the_run() {
    struct Previews;
    impl Check for Previews {
        fn check<S: LrScheduler>(&self, settings: S) {
            let mut rates = Rates::new(&[0.3], Some(0.9));
            let Ok(mut state) = settings.clone().attach(&mut rates) else {
                return; // Lists for two groups.
            };
            if settings.needs_metric() {
                let error = preview(settings.clone(), 0.3, STEPS).expect_err("there is no metric");
                assert_eq!(error, SchedulerError::NeedsMetric { scheduler: settings.name(), place: "for a preview" });
                return;
            }
            let curve = preview_momentum(settings.clone(), 0.3, 0.9, STEPS).expect("valid settings");
            let lrs: Vec<f64> = curve.iter().map(|row| row.0).collect();
            assert_eq!(preview(settings, 0.3, STEPS), Ok(lrs));
            for (step, row) in curve.into_iter().enumerate() {
                if step > 0 {
                    state.step_groups(&mut rates);
                }
                assert_eq!(row, (rates.lr(0), rates.momentum(0).expect("given")));
            }
        }
    }
    every_schedule(&Previews);
}

#[test]
fn a_state_of_other_groups_is_refused_and_changes_nothing() {
    struct Refuses;
    impl Check for Refuses {
        fn check<S: LrScheduler>(&self, settings: S) {
            let mut state = settings.clone().attach(&mut Rates::new(&[0.3, 0.02], Some(0.9))).expect("valid settings");
            let before = state.state_dict();
            for wrong in [Value::Null, serde_json::json!({ "last_epoch": 3, "base_lrs": [0.1], "_last_lr": [0.1] })] {
                let error = state.load_state_dict(&wrong).expect_err("it does not fit");
                assert!(matches!(error, SchedulerError::State { .. }), "{error}");
                assert_eq!(state.state_dict(), before);
            }
        }
    }
    every_schedule(&Refuses);
}
