//! What holds for every schedule: one list, gone through by every test.

use serde_json::Value;

use super::*;

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
