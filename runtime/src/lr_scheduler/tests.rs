//! What holds for every schedule: one list, gone through by every test.

use serde_json::Value;

use super::*;

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
    check.check(StepLR { step_size: 3, gamma: 0.7 });
    check.check(LinearLR { start_factor: 0.25, total_iters: 7, ..LinearLR::DEFAULT });
    check.check(CosineAnnealingLR { T_max: 9, eta_min: 1e-3 });
    let warm_up = LinearLR { start_factor: 0.1, total_iters: 5, ..LinearLR::DEFAULT };
    let cosine = CosineAnnealingLR { T_max: 30, eta_min: 0.0 };
    check.check(SequentialLR { schedulers: (warm_up.clone(), cosine.clone()), milestones: vec![6].into() });
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

#[test]
fn attaching_remembers_the_first_initial_rate() {
    let mut rates = Rates::new(&[0.5], None);
    LinearLR { start_factor: 0.5, ..LinearLR::DEFAULT }.attach(&mut rates).expect("valid settings");
    assert_eq!((rates.lr(0), rates.initial_lr(0)), (0.25, Some(0.5)));
    LinearLR { start_factor: 0.5, ..LinearLR::DEFAULT }.attach(&mut rates).expect("valid settings");
    assert_eq!((rates.lr(0), rates.initial_lr(0)), (0.125, Some(0.5)));
}

/// The text of the refusal.
fn refusal<S: LrScheduler>(settings: S) -> String {
    let error = settings.check().expect_err("an option is out of its range");
    assert_eq!(settings.attach(&mut Rates::new(&[0.1], None)).err(), Some(error.clone()), "attach checks too");
    error.to_string()
}

#[test]
fn options_out_of_their_range_are_refused_by_name() {
    let expected = "StepLR: step_size = 0, expected 1 or more (it is required)";
    assert_eq!(refusal(StepLR::DEFAULT), expected);
    assert_eq!(
        refusal(StepLR { step_size: 1, gamma: f64::NAN }),
        "StepLR: gamma = nothing (NaN), expected a finite number, 0 or more"
    );
    assert_eq!(
        refusal(LinearLR { start_factor: 0.0, ..LinearLR::DEFAULT }),
        "LinearLR: start_factor = 0, expected above 0, and at most 1"
    );
    assert_eq!(
        refusal(LinearLR { end_factor: 1.5, ..LinearLR::DEFAULT }),
        "LinearLR: end_factor = 1.5, expected from 0 to 1"
    );
    assert_eq!(
        refusal(CosineAnnealingLR::DEFAULT),
        "CosineAnnealingLR: T_max = 0, expected 1 or more (it is required)"
    );
}

#[test]
fn constants_accept_valid_settings() {
    const _: () = StepLR { step_size: 3, ..StepLR::DEFAULT }.assert_valid();
    const _: () = LinearLR::DEFAULT.assert_valid();
    let panic = std::panic::catch_unwind(|| StepLR::DEFAULT.assert_valid()).expect_err("step_size is required");
    assert_eq!(
        panic.downcast_ref::<String>().map(String::as_str),
        Some("StepLR: `step_size` should be 1 or more (it is required)")
    );
}

#[test]
fn schedules_in_turn_know_their_milestones() {
    let warm_up = LinearLR { total_iters: 5, ..LinearLR::DEFAULT };
    let cosine = CosineAnnealingLR { T_max: 20, ..CosineAnnealingLR::DEFAULT };
    let step = StepLR { step_size: 3, ..StepLR::DEFAULT };
    let schedule = SequentialLR::in_turn((warm_up, cosine, step.clone()), &[Some(7), None]);
    assert_eq!(*schedule.milestones, [7, 27]);
    let unknown = SequentialLR::in_turn((step.clone(), step), &[None]);
    assert_eq!(
        refusal(unknown),
        "SequentialLR: milestones = nothing, expected a number of steps: StepLR does not know how long it takes"
    );
}

#[test]
fn the_last_schedule_gets_the_rest_of_the_run() {
    let schedulers = (LinearLR::DEFAULT, CosineAnnealingLR::DEFAULT);
    let mut schedule = SequentialLR::in_turn(schedulers, &[None]);
    schedule.set_total_steps(100);
    assert_eq!(schedule.schedulers.1.T_max, 95);
    assert_eq!(schedule.length(), Some(100));
}
