//! Schedules one after the other, at once, and resumed.

use crate::lr_scheduler::*;

/// The rates of one group, from 1, over so many steps.
fn curve(schedule: impl LrScheduler, steps: usize) -> Vec<f64> {
    preview(schedule, 1.0, steps).expect("valid settings")
}

fn warm_up(total_iters: usize) -> LinearLR {
    LinearLR { start_factor: 0.5, total_iters, ..LinearLR::DEFAULT }
}

#[test]
fn attaching_remembers_the_first_initial_rate() {
    let mut rates = Rates::new(&[0.5], None);
    LinearLR { start_factor: 0.5, ..LinearLR::DEFAULT }.attach(&mut rates).expect("valid settings");
    assert_eq!((rates.lr(0), rates.initial_lr(0)), (0.25, Some(0.5)));
    LinearLR { start_factor: 0.5, ..LinearLR::DEFAULT }.attach(&mut rates).expect("valid settings");
    assert_eq!((rates.lr(0), rates.initial_lr(0)), (0.125, Some(0.5)));
}

#[test]
fn schedules_in_turn_know_their_milestones() {
    let cosine = CosineAnnealingLR { T_max: 20, ..CosineAnnealingLR::DEFAULT };
    let step = StepLR { step_size: 3, ..StepLR::DEFAULT };
    let schedule = SequentialLR::in_turn((warm_up(5), cosine, step), &[Some(7), None]);
    assert_eq!(*schedule.milestones, [7, 27]);
}

#[test]
fn the_last_schedule_gets_the_rest_of_the_run() {
    let cycle = OneCycleLR { max_lr: 0.1, ..OneCycleLR::DEFAULT };
    let mut schedule = SequentialLR::in_turn((warm_up(5), cycle), &[None]);
    schedule.set_total_steps(100);
    assert_eq!(schedule.schedulers.1.total_steps, 95);
    assert_eq!(schedule.length(), Some(100));
}

#[test]
fn the_length_of_the_run_leaves_a_given_length_alone() {
    let mut schedule = AnyScheduler::from(OneCycleLR { max_lr: 0.1, total_steps: 10, ..OneCycleLR::DEFAULT });
    schedule.set_total_steps(100);
    assert_eq!(schedule.length(), Some(10));
}

#[test]
fn a_tuple_a_vector_and_a_nested_sequence_are_the_same_schedule() {
    let (warm, fall) = (warm_up(4), ExponentialLR { gamma: 0.5 });
    let steps = StepLR { step_size: 2, gamma: 0.5 };
    let tuple = SequentialLR { schedulers: (warm.clone(), fall.clone(), steps.clone()), milestones: vec![4, 7].into() };
    let any: Vec<AnyScheduler> = vec![warm.clone().into(), fall.clone().into(), steps.clone().into()];
    let vector = SequentialLR { schedulers: any, milestones: vec![4, 7].into() };
    let inner = SequentialLR { schedulers: (fall.clone(), steps.clone()), milestones: vec![3].into() };
    let right = SequentialLR { schedulers: (warm.clone(), inner), milestones: vec![4].into() };
    let inner = SequentialLR { schedulers: (warm, fall), milestones: vec![4].into() };
    let left = SequentialLR { schedulers: (inner, steps), milestones: vec![7].into() };

    let expected = [0.5, 0.625, 0.75, 0.875, 1.0, 0.5, 0.25, 1.0, 1.0, 0.5, 0.5];
    assert_eq!(curve(tuple, 10), expected);
    assert_eq!(curve(vector, 10), expected);
    assert_eq!(curve(right, 10), expected);
    assert_eq!(curve(left, 10), expected);
}

#[test]
fn a_chain_begins_anew_when_its_turn_comes() {
    let chain = ChainedScheduler { schedulers: (warm_up(4), ExponentialLR { gamma: 0.5 }) };
    let alone = curve(chain.clone(), 6);
    let after = SequentialLR { schedulers: (StepLR { step_size: 2, gamma: 0.1 }, chain), milestones: vec![5].into() };
    assert_eq!(curve(after, 11)[5..], alone);
}

#[test]
fn one_cycle_stays_at_its_end() {
    for anneal_strategy in [AnnealStrategy::Cos, AnnealStrategy::Linear] {
        for three_phase in [false, true] {
            for total_steps in [1, 2, 3, 10, 61] {
                for pct_start in [0.0, 0.3, 0.5, 1.0] {
                    let settings = OneCycleLR {
                        max_lr: 1.0,
                        total_steps,
                        pct_start,
                        anneal_strategy,
                        three_phase,
                        ..OneCycleLR::DEFAULT
                    };
                    let rows = preview_momentum(settings.clone(), 0.1, 0.9, total_steps + 5).expect("valid settings");
                    let last = rows[total_steps - 1];
                    assert!(rows[total_steps..].iter().all(|&row| row == last), "{settings:?}: {rows:?}");
                    let in_range = |&(lr, momentum): &(f64, f64)| (0.0..=1.0).contains(&lr) && momentum < 0.96;
                    assert!(rows.iter().all(in_range), "{settings:?}: {rows:?}");
                }
            }
        }
    }
    let linear = AnnealStrategy::Linear;
    let settings = OneCycleLR { max_lr: 1.0, total_steps: 10, anneal_strategy: linear, ..OneCycleLR::DEFAULT };
    // PyTorch 2.15 goes on to −0.14285, and stops with an error one step later.
    let rates = curve(settings, 12);
    assert!((rates[9] - 4.000000000004e-06).abs() < 1e-16 && rates[9..] == [rates[9]; 4], "{rates:?}");
}

/// The rates of PyTorch 2.15, where it does not divide by zero.
#[test]
fn one_cycle_of_few_steps_is_that_of_pytorch() {
    fn check(total_steps: usize, pct_start: f64, three_phase: bool, expected: &[f64]) {
        let anneal_strategy = AnnealStrategy::Linear;
        let settings =
            OneCycleLR { max_lr: 1.0, total_steps, pct_start, three_phase, anneal_strategy, ..OneCycleLR::DEFAULT };
        for (step, (lr, expected)) in curve(settings, total_steps - 1).into_iter().zip(expected).enumerate() {
            assert!((lr - expected).abs() < 1e-14, "{total_steps} steps, {pct_start}, step {step}: {lr}");
        }
    }
    check(1, 0.0, false, &[4.000000000004e-06]);
    check(1, 0.3, true, &[3.9999999999970615e-06]);
    check(2, 0.0, false, &[0.5000020000000001, 4.000000000004e-06]);
    check(2, 0.0, true, &[0.013336, 3.9999999999970615e-06]);
    check(2, 0.3, false, &[0.7142868571428571, 4.000000000004e-06]);
    check(2, 1.0, false, &[0.04, 1.0]);
    check(3, 0.5, true, &[0.04, 0.040000000000000036, 3.9999999999970615e-06]);
    check(3, 1.0, true, &[0.04, 0.52, 1.0]);
}

/// Whatever the length of a schedule, what comes after it is what its last step was.
#[test]
fn a_schedule_beyond_its_last_step_stays_there() {
    fn check(settings: impl LrScheduler, last: f64) {
        let length = settings.length().expect("it has one");
        let rates = curve(settings.clone(), length + 7);
        for &lr in &rates[length..] {
            assert!((lr - last).abs() < 1e-15, "{settings:?}: {rates:?}");
        }
        // The same where the run was interrupted before, at or after the end.
        for stop in [length - 1, length, length + 3] {
            let (mut rates, mut other) = (Rates::new(&[1.0], Some(0.9)), Rates::new(&[1.0], Some(0.9)));
            let mut state = settings.clone().attach(&mut rates).expect("valid settings");
            (0..stop).for_each(|_| state.step_groups(&mut rates));
            let mut resumed = settings.clone().attach(&mut other).expect("valid settings");
            resumed.load_state_dict(&state.state_dict()).expect("a state of the same schedule");
            let mut other = rates.clone();
            for _ in 0..5 {
                state.step_groups(&mut rates);
                resumed.step_groups(&mut other);
                assert_eq!(rates, other, "{settings:?} after {stop} steps");
            }
        }
    }
    for length in [1, 2, 5] {
        check(LinearLR { start_factor: 0.5, end_factor: 0.0, total_iters: length }, 0.0);
        check(ConstantLR { factor: 0.5, total_iters: length }, 1.0);
        check(PolynomialLR { total_iters: length, power: 0.5 }, 0.0);
        check(PolynomialLR { total_iters: length, power: 0.0 }, 1.0);
        check(WarmupCosineLR { total_steps: length, eta_min: 0.1, ..WarmupCosineLR::DEFAULT }, 0.1);
        let decay_steps = length;
        check(WarmupStableDecayLR { decay_steps, total_steps: length, ..WarmupStableDecayLR::DEFAULT }, 0.0);
        for power in [0.0, 0.5, 3.0] {
            let schedule =
                WarmupPolynomialLR { total_steps: length, lr_end: 0.1, power, ..WarmupPolynomialLR::DEFAULT };
            check(schedule, 0.1);
            let schedule = WarmupPolynomialLR { total_steps: length + 2, warmup_steps: 2, lr_end: 0.1, power };
            check(schedule, 0.1);
        }
        let ways = (
            WarmupPolynomialLR { total_steps: 3, power: 0.0, lr_end: 0.5, ..WarmupPolynomialLR::DEFAULT },
            LinearLR { start_factor: 0.5, end_factor: 0.25, total_iters: length },
        );
        check(SequentialLR { schedulers: ways, milestones: vec![3].into() }, 0.25);
    }
}

#[test]
fn one_cycle_survives_phases_of_no_length() {
    for (total_steps, pct_start) in [(10, 0.1), (1, 0.3), (1, 1.0), (7, 0.0), (7, 1.0)] {
        let settings = OneCycleLR { max_lr: 1.0, total_steps, pct_start, ..OneCycleLR::DEFAULT };
        let rates = curve(settings, total_steps + 2);
        assert!(rates.iter().all(|lr| (0.0..=1.0).contains(lr)), "{total_steps} steps, {pct_start}: {rates:?}");
    }
}

#[test]
fn momentum_is_cycled_against_the_rate() {
    let settings = OneCycleLR { max_lr: 1.0, total_steps: 100, ..OneCycleLR::DEFAULT };
    let rows = preview_momentum(settings.clone(), 0.1, 0.5, 99).expect("valid settings");
    assert_eq!([rows[0].1, rows[29].1, rows[99].1], [0.95, 0.85, 0.95]);
    let without = OneCycleLR { cycle_momentum: false, ..settings };
    assert!(preview_momentum(without, 0.1, 0.5, 99).expect("valid settings").iter().all(|row| row.1 == 0.5));
}

#[test]
fn a_schedule_resumed_by_its_last_epoch_goes_on() {
    fn check(settings: impl GroupWise) {
        let mut rates = Rates::new(&[1.0], Some(0.9));
        let mut state = settings.clone().attach(&mut rates).expect("valid settings");
        let error = settings.clone().resume(&mut Rates::new(&[1.0], None), 4).expect_err("no rate before any schedule");
        assert_eq!(error, SchedulerError::NoInitialLr { scheduler: state.settings().name(), group: 0, last_epoch: 4 });
        (0..5).for_each(|_| state.step_groups(&mut rates));

        let mut resumed_rates = rates.clone();
        let mut resumed = settings.resume(&mut resumed_rates, 4).expect("valid settings");
        for _ in 0..20 {
            assert_eq!(resumed_rates, rates);
            state.step_groups(&mut rates);
            resumed.step_groups(&mut resumed_rates);
        }
    }
    check(warm_up(12));
    check(PolynomialLR { total_iters: 12, power: 2.0 });
    check(CosineAnnealingLR { T_max: 12, eta_min: 0.01 });
    check(CosineAnnealingWarmRestarts { T_0: 3, T_mult: 2, eta_min: 0.0 });
    check(MultiplicativeLR::of(|_| 0.9));
    check(OneCycleLR { max_lr: 0.1, total_steps: 30, ..OneCycleLR::DEFAULT });
}

#[test]
fn the_best_metric_is_saved_before_the_first() {
    for mode in [PlateauMode::Min, PlateauMode::Max] {
        let settings = ReduceLROnPlateau { mode, ..ReduceLROnPlateau::DEFAULT };
        let mut state = settings.attach(&mut Rates::new(&[1.0], None)).expect("valid settings");
        let (saved, best) = (state.state_dict(), state.best());
        assert!(best.is_infinite());
        state.step_groups_on(&mut Rates::new(&[1.0], None), 3.0);
        assert_eq!(state.best(), 3.0);
        state.load_state_dict(&saved).expect("its own state");
        assert_eq!(state.best(), best);
    }
}

#[test]
fn options_come_from_the_saved_state_and_functions_stay() {
    let mut rates = Rates::new(&[1.0], None);
    let saved = StepLR { step_size: 3, gamma: 0.5 }.attach(&mut rates).expect("valid settings").state_dict();
    assert_eq!(
        saved.to_string(),
        r#"{"_last_lr":[1.0],"_step_count":1,"base_lrs":[1.0],"gamma":0.5,"last_epoch":0,"step_size":3}"#
    );
    let mut state = StepLR { step_size: 7, gamma: 0.1 }.attach(&mut rates).expect("valid settings");
    state.load_state_dict(&saved).expect("the same schedule");
    assert_eq!(*state.settings(), StepLR { step_size: 3, gamma: 0.5 });

    let mut state = LambdaLR::of(|_| 0.25).attach(&mut rates).expect("valid settings");
    let saved = LambdaLR::of(|_| 0.5).attach(&mut rates).expect("valid settings").state_dict();
    state.load_state_dict(&saved).expect("the same schedule");
    state.step_groups(&mut rates);
    assert_eq!(rates.lr(0), 0.25);
}

/// Settings of one's own need no names: a factor, nothing, or one of several.
#[test]
fn settings_without_named_fields_come_from_the_saved_state_too() {
    use serde::{Deserialize, Serialize};

    fn check(saved: impl GroupWise, attached: impl GroupWise, text: &str) {
        let saved = saved.attach(&mut Rates::new(&[1.0], None)).expect("valid settings").state_dict();
        let mut state = attached.attach(&mut Rates::new(&[1.0], None)).expect("valid settings");
        state.load_state_dict(&saved).expect("the same schedule");
        assert_eq!(state.state_dict(), saved);
        let progress = r#"{"_last_lr":[1.0],"_step_count":1,"base_lrs":[1.0],"last_epoch":0"#;
        assert_eq!(saved.to_string(), format!("{progress}{text}}}"));
    }
    macro_rules! own {
        ($($settings:ident),+) => {
            $(impl GroupWise for $settings {
                const CLASS: &'static str = stringify!($settings);
                fn check_options(&self) -> Result<(), SchedulerError> {
                    Ok(())
                }
                fn rate(&self, _at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
                    lr
                }
            })+
        };
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Factor(f64);
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Limit(Option<f64>);
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Nothing;
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Way {
        Fast,
        Slow,
    }
    own!(Factor, Limit, Nothing, Way);
    check(Factor(0.5), Factor(0.25), r#","settings":0.5"#);
    check(Limit(Some(0.5)), Limit(Some(0.25)), r#","settings":0.5"#);
    check(Nothing, Nothing, "");
    check(Way::Slow, Way::Fast, r#","settings":"Slow""#);
}

#[test]
fn a_schedule_is_read_from_a_file_under_its_name_in_pytorch() {
    let text = r#"{
        "name": "SequentialLR",
        "schedulers": [
            { "name": "LinearLR", "start_factor": 0.5, "total_iters": 2 },
            { "name": "OneCycleLR", "max_lrs": [0.1], "anneal_strategy": "linear", "total_steps": 9 }
        ],
        "milestones": [2]
    }"#;
    let schedule: AnyScheduler = serde_json::from_str(text).expect("valid JSON");
    let warm_up = LinearLR { start_factor: 0.5, total_iters: 2, ..LinearLR::DEFAULT };
    let anneal_strategy = AnnealStrategy::Linear;
    let max_lrs = vec![0.1].into();
    let cycle = OneCycleLR { max_lrs, anneal_strategy, total_steps: 9, ..OneCycleLR::DEFAULT };
    let schedulers: Vec<AnyScheduler> = vec![warm_up.into(), cycle.into()];
    let expected = AnyScheduler::from(SequentialLR { schedulers, milestones: vec![2].into() });
    assert_eq!(format!("{schedule:?}"), format!("{expected:?}"), "compared as text: options not given are NaN");

    let written = serde_json::to_string(&schedule).expect("it can be written");
    let again: AnyScheduler = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(format!("{again:?}"), format!("{expected:?}"));

    let misspelt = serde_json::from_str::<AnyScheduler>(r#"{ "name": "StepLR", "stepsize": 3 }"#);
    let error = misspelt.expect_err("no such option").to_string();
    assert!(error.contains("unknown field `stepsize`, expected `step_size` or `gamma`"), "{error}");
}

#[test]
fn names_are_parsed_and_shown_as_pytorch_writes_them() {
    assert_eq!("exp_range".parse(), Ok(CyclicMode::ExpRange));
    assert_eq!(CyclicMode::ExpRange.to_string(), "exp_range");
    let error = "cosine".parse::<AnnealStrategy>().expect_err("PyTorch's name is cos");
    assert_eq!(error.to_string(), r#"there is no "cosine", only ["cos", "linear"]"#);
}
