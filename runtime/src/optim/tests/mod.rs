//! What every optimizer has to do, one row each: learn, be the same folded and in two phases and on one and four threads,
//! go on after save and load with the same bits, keep no subnormal state, leave frozen parameters alone. (Those that
//! evaluate the loss themselves have their rows in `closures`.)

mod beyond_pytorch;
mod closures;
mod extremes;
mod frozen;
mod orders;
mod parameter_groups;
mod state_dicts;

use std::sync::{Mutex, PoisonError};

use super::*;
use crate::conformance;
use crate::network::Kind;
use crate::parallel;

const fn param(name: &'static str, shape: &'static [usize], offset: usize, order: &'static [usize]) -> ParamSpec {
    let kind = if shape.len() == 1 { Kind::Bias } else { Kind::Weight };
    ParamSpec::new(name, shape, offset, kind).stored(order)
}

/// Odd sizes, in PyTorch's order and in another one.
static TABLE: [ParamSpec; 4] = [
    param("stem.weight", &[7, 5], 0, &[1, 0]),
    param("stem.bias", &[7], 48, &[]),
    param("head.weight", &[3, 2, 2], 64, &[1, 2, 0]),
    param("head.bias", &[3], 80, &[]),
];
/// The same for optimizers of matrices alone.
static MATRICES: [ParamSpec; 2] = [param("stem.weight", &[7, 5], 0, &[1, 0]), param("head.weight", &[3, 4], 48, &[])];
/// Two tables of embeddings.
static TABLES: [ParamSpec; 2] = [
    ParamSpec { kind: Kind::Embedding, ..param("stem.weight", &[7, 5], 0, &[]) },
    ParamSpec { kind: Kind::Embedding, ..param("head.weight", &[3, 4], 48, &[]) },
];
const LEN: usize = 96;

/// Numbers in (-1, 1) that look random, the same for both scalar types.
fn noise<T: Real>(seed: usize, i: usize) -> T {
    T::from_f64((((seed * 7919 + i) * 2654435761) % 1000003) as f64 / 500001.5 - 1.0)
}

fn start<T: Real>(table: &[ParamSpec]) -> Vec<T> {
    let mut parameters = vec![T::ZERO; LEN];
    for spec in table {
        for i in spec.offset..spec.offset + spec.len {
            parameters[i] = noise(1, i);
        }
    }
    parameters
}

/// The gradient of step `step`: of ∑ aᵢ (pᵢ − cᵢ)² / 2, and a little noise.
fn gradient<T: Real>(table: &[ParamSpec], step: usize, parameters: &[T]) -> Vec<T> {
    let mut gradients = vec![T::ZERO; LEN];
    for spec in table {
        for i in spec.offset..spec.offset + spec.len {
            let slope = (parameters[i].to_f64() - 0.3) * (1.0 + (i % 3) as f64);
            gradients[i] = T::from_f64(slope + 0.01 * noise::<f64>(step + 2, i));
        }
    }
    gradients
}

fn steps<T: Real, O: OptimizerState<T>>(
    table: &[ParamSpec],
    state: &mut O,
    parameters: &mut [T],
    range: std::ops::Range<usize>,
) {
    for step in range {
        let gradients = gradient(table, step, parameters);
        state.step_flat(parameters, &gradients);
    }
}

/// In tiles of odd sizes, cut in two as for two threads.
fn folded_step<T: Real>(table: &[ParamSpec], fold: &mut dyn FoldedUpdate<T>, parameters: &mut [T], gradients: &[T]) {
    let cut = 5;
    let (mut left, mut right) = fold.begin(parameters).split_at(cut);
    for (index, spec) in table.iter().enumerate() {
        let (mut at, end, mut tile) = (spec.offset, spec.offset + spec.len, 1);
        while at < end {
            let to = if at < cut { (at + tile).min(cut).min(end) } else { (at + tile).min(end) };
            let part = if at < cut { &mut left } else { &mut right };
            part.finish(index, at, &gradients[at..to]);
            (at, tile) = (to, tile + 2);
        }
    }
}

fn folding_gives_the_same_bits<T: Real, S: Optimizer>(table: &'static [ParamSpec], settings: S) {
    let mut whole = settings.clone().init_for::<T>(table).unwrap();
    let mut tiles = whole.clone();
    assert_eq!(tiles.fold().is_some(), S::ELEMENT_WISE);
    let (mut p, mut q) = (start::<T>(table), start::<T>(table));
    for step in 0..20 {
        let gradients = gradient(table, step, &p);
        whole.step_flat(&mut p, &gradients);
        match tiles.fold() {
            Some(fold) => folded_step(table, fold, &mut q, &gradients),
            None => tiles.step_flat(&mut q, &gradients),
        }
        assert_eq!(p, q, "step {step}");
    }
    assert_eq!(whole.state_dict(), tiles.state_dict());
}

/// The number of threads belongs to the whole process, so one test at a time sets it.
static THREADS: Mutex<()> = Mutex::new(());

fn threads_give_the_same_bits<T: Real, S: Optimizer>(table: &'static [ParamSpec], settings: S) {
    let _alone = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    // Shares as small as can be, whatever the machine.
    parallel::set_min_work(0);
    let [one, four] = [1, 4].map(|threads| {
        parallel::set_num_threads(threads);
        let mut state = settings.clone().init_for::<T>(table).unwrap();
        let mut parameters = start::<T>(table);
        steps(table, &mut state, &mut parameters, 0..20);
        (parameters, state.state_dict())
    });
    assert_eq!(one, four);
}

/// To the bit, or nearly, where there are matrix products.
fn every_instruction_set_agrees<S: Optimizer>(table: &'static [ParamSpec], settings: S) {
    let run = || {
        let mut state = settings.clone().init_for::<f32>(table).unwrap();
        let mut parameters = start(table);
        steps(table, &mut state, &mut parameters, 0..20);
        parameters
    };
    let expected = run();
    for isa in crate::simd::Isa::all() {
        let found = isa.force(run);
        if S::ELEMENT_WISE {
            assert_eq!(found, expected, "{isa:?}");
        }
        let far = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-3, "{isa:?}: {far}");
    }
}

fn resumes_with_the_same_bits<T: Real, S: Optimizer>(table: &'static [ParamSpec], settings: S) {
    let mut state = settings.clone().init_for::<T>(table).unwrap();
    let mut parameters = start::<T>(table);
    steps(table, &mut state, &mut parameters, 0..12);
    state.groups_mut()[0].settings.set_lr(settings.lr() * 0.5);
    state.groups_mut()[0].initial_lr = Some(settings.lr());

    let text = serde_json::to_string(&state.state_dict()).unwrap();
    let mut resumed = settings.init_for::<T>(table).unwrap();
    resumed.load_state_dict(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(resumed.groups(), state.groups());
    assert_eq!(resumed.state_dict(), state.state_dict());

    let mut other = parameters.clone();
    steps(table, &mut state, &mut parameters, 12..24);
    steps(table, &mut resumed, &mut other, 12..24);
    assert_eq!(parameters, other);
}

/// Means of squares: they may be subnormal as long as every square was (`rules::Squares`).
const SQUARES: [&str; 9] =
    ["exp_avg_sq", "max_exp_avg_sq", "square_avg", "acc_delta", "sum", "variance", "row_var", "col_var", "exp_inf"];

fn state_is_never_subnormal<T: Real, S: Optimizer>(table: &'static [ParamSpec], settings: S) {
    let mut state = settings.init_for::<T>(table).unwrap();
    let mut parameters = start::<T>(table);
    let tiny = T::MIN_POSITIVE.to_f64();
    for step in 0..60 {
        // Around the smallest normal number, around its root (whose square is looked at), then nothing at all.
        let scale = [tiny, tiny.sqrt(), tiny.powf(0.75), 0.0][step / 15];
        let gradients: Vec<T> = (0..LEN).map(|i| T::from_f64(8.0 * scale * noise::<f64>(step, i))).collect();
        state.step_flat(&mut parameters, &gradients);
        for (name, value) in state.state_dict().state.into_values().flatten() {
            let StateValue::Tensor { values, .. } = value else { continue };
            for x in values {
                assert!(
                    SQUARES.contains(&name.as_str()) || x == T::ZERO || x.abs() >= T::MIN_POSITIVE,
                    "{name} is {x:e} after step {step}",
                    x = x.to_f64()
                );
            }
        }
    }
    assert!(parameters.iter().all(|p| p.is_finite()));
}

fn frozen_parameters_stay<T: Real, S: Optimizer>(table: &'static [ParamSpec], settings: S) {
    let mut state = groups(table, settings).freeze("stem").build::<T>().unwrap();
    let before = start::<T>(table);
    let mut parameters = before.clone();
    let gradients = gradient(table, 0, &parameters);
    state.step_flat(&mut parameters, &gradients);
    for (index, spec) in table.iter().enumerate() {
        let range = spec.offset..spec.offset + spec.len;
        let moves = spec.name.starts_with("head");
        assert_eq!(state.trainable()[index], moves, "{}", spec.name);
        assert_eq!(parameters[range.clone()] != before[range], moves, "{}", spec.name);
    }
    let trained = table.iter().filter(|spec| spec.name.starts_with("head")).count();
    assert!(state.state_dict().state.keys().all(|&number| number < trained), "frozen parameters have no state");
    if let Some(fold) = state.fold() {
        assert!(!fold.trains(0));
        assert!(!fold.begin(&mut parameters).wants(0));
    }
}

/// ∑ (pᵢ − 0.3)² falls at least to `share` of what it was.
fn learns_a_parabola<T: Real, S: Optimizer>(table: &'static [ParamSpec], settings: S, share: f64) {
    let distance = |parameters: &[T]| -> f64 {
        let of = |spec: &ParamSpec| parameters[spec.offset..spec.offset + spec.len].to_vec();
        table.iter().flat_map(of).map(|p| (p.to_f64() - 0.3).powi(2)).sum()
    };
    let mut state = settings.init_for::<T>(table).unwrap();
    let mut parameters = start::<T>(table);
    let before = distance(&parameters);
    steps(table, &mut state, &mut parameters, 0..200);
    let after = distance(&parameters);
    assert!(after < share * before, "{} from {before} to {after}", S::NAME);
}

/// 100 (y − x²)² + (1 − x)², from (−1, 1): the loss falls at least to `share` of the 4 that it was.
fn descends_rosenbrocks_valley<S: Optimizer>(settings: S, share: f64) {
    static POINT: [ParamSpec; 1] = [ParamSpec { kind: Kind::Embedding, ..param("point", &[1, 2], 0, &[]) }];
    let loss = |p: &[f64]| 100.0 * (p[1] - p[0] * p[0]).powi(2) + (1.0 - p[0]).powi(2);
    let mut state = settings.init_for::<f64>(&POINT).unwrap();
    let mut p = vec![0.0; 16];
    (p[0], p[1]) = (-1.0, 1.0);
    for _ in 0..2000 {
        let mut gradients = vec![0.0; 16];
        gradients[0] = -400.0 * p[0] * (p[1] - p[0] * p[0]) - 2.0 * (1.0 - p[0]);
        gradients[1] = 200.0 * (p[1] - p[0] * p[0]);
        state.step_flat(&mut p, &gradients);
    }
    assert!(loss(&p) < 4.0 * share, "{} at {:?}, loss {}", S::NAME, &p[..2], loss(&p));
}

/// ½ ‖A W − C‖², where C = A W* for some W*, and its gradient: a linear regression of four numbers on three.
fn regression(w: &[f64], gradient: &mut [f64]) -> f64 {
    let a = |i: usize, j: usize| f64::from(u8::from(i % 3 == j)) + 0.5 * noise::<f64>(11, 3 * i + j);
    let best = |i: usize| (i * 5 % 7) as f64 / 2.0 - 1.5;
    let mut loss = 0.0;
    for (row, column) in (0..5).flat_map(|row| (0..4).map(move |column| (row, column))) {
        let far: f64 = (0..3).map(|k| a(row, k) * (w[4 * k + column] - best(4 * k + column))).sum();
        loss += far * far / 2.0;
        (0..3).for_each(|k| gradient[4 * k + column] += a(row, k) * far);
    }
    loss
}

/// The loss of a regression of matrices falls at least to a twentieth, with a little noise in the gradients.
fn learns_a_matrix<S: Optimizer>(settings: S) {
    static MATRIX: [ParamSpec; 1] = [ParamSpec { kind: Kind::Embedding, ..param("weight", &[3, 4], 0, &[]) }];
    let mut state = settings.init_for::<f64>(&MATRIX).unwrap();
    let mut w: Vec<f64> = (0..16).map(|i| if i < 12 { 0.1 * noise::<f64>(1, i) } else { 0.0 }).collect();
    let loss = |w: &[f64]| regression(w, &mut [0.0; 16]);
    let before = loss(&w);
    for step in 0..300 {
        let mut gradients = vec![0.0; 16];
        regression(&w, &mut gradients);
        gradients[..12].iter_mut().enumerate().for_each(|(i, g)| *g += 0.01 * noise::<f64>(step + 2, i));
        state.step_flat(&mut w, &gradients);
    }
    assert!(loss(&w) < 0.05 * before, "{} from {before} to {}", S::NAME, loss(&w));
}

/// What a table of tests calls an optimizer.
fn name_of<S: Optimizer>(_: S) -> &'static str {
    S::NAME
}

/// One row: `name: table, settings, share of the parabola left, lr and share for Rosenbrock's valley;`
macro_rules! conformance {
    ($($row:ident: $table:ident, $settings:expr, $parabola:expr, $lr:expr, $valley:expr;)*) => {
        #[test]
        fn every_optimizer_has_a_row() {
            let rows = [&closures::NAMES[..], &[$(name_of($settings)),*]].concat();
            let missing: Vec<_> =
                conformance::members("optim").into_iter().filter(|name| !rows.contains(&name.as_str())).collect();
            assert_eq!(missing, [""; 0], "optimizers without a row");
        }

        $(mod $row {
            use super::*;

            #[test]
            fn gives_the_same_bits_on_one_and_four_threads() {
                threads_give_the_same_bits::<f32, _>(&$table, $settings);
                threads_give_the_same_bits::<f64, _>(&$table, $settings);
            }

            #[test]
            fn gives_the_same_bits_folded_and_in_two_phases() {
                folding_gives_the_same_bits::<f32, _>(&$table, $settings);
                folding_gives_the_same_bits::<f64, _>(&$table, $settings);
            }

            #[test]
            fn gives_the_same_on_every_instruction_set() {
                every_instruction_set_agrees(&$table, $settings);
            }

            #[test]
            fn resumes_with_the_same_bits() {
                super::resumes_with_the_same_bits::<f32, _>(&$table, $settings);
                super::resumes_with_the_same_bits::<f64, _>(&$table, $settings);
            }

            #[test]
            fn never_keeps_subnormal_state() {
                state_is_never_subnormal::<f32, _>(&$table, $settings);
                state_is_never_subnormal::<f64, _>(&$table, $settings);
            }

            #[test]
            fn leaves_frozen_parameters_alone() {
                frozen_parameters_stay::<f32, _>(&$table, $settings);
            }

            #[test]
            fn learns() {
                learns_a_parabola::<f32, _>(&$table, $settings, $parabola);
                learns_a_parabola::<f64, _>(&$table, $settings, $parabola);
                let mut settings = $settings;
                settings.set_lr($lr);
                descends_rosenbrocks_valley(settings, $valley);
                learns_a_matrix($settings);
            }
        })*
    };
}

conformance! {
    sgd: TABLE, SGD { lr: 0.05, ..SGD::DEFAULT }, 1e-3, 1e-3, 0.2;
    sgd_momentum: TABLE, SGD { lr: 0.05, momentum: 0.9, weight_decay: 1e-4, ..SGD::DEFAULT }, 1e-3, 1e-3, 1e-3;
    sgd_nesterov: TABLE, SGD { lr: 0.05, momentum: 0.9, nesterov: true, ..SGD::DEFAULT }, 1e-3, 1e-3, 1e-3;
    adam: TABLE, Adam { lr: 0.05, ..Adam::DEFAULT }, 1e-3, 0.05, 1e-3;
    adam_coupled: TABLE, Adam { lr: 0.05, weight_decay: 1e-4, ..Adam::DEFAULT }, 1e-3, 0.05, 1e-2;
    adam_amsgrad: TABLE, Adam { lr: 0.05, amsgrad: true, ..Adam::DEFAULT }, 1e-3, 0.05, 1e-2;
    adamw: TABLE, AdamW { lr: 0.05, weight_decay: 1e-4, ..AdamW::DEFAULT }, 1e-3, 0.05, 1e-2;
    rmsprop: TABLE, RMSprop { lr: 1e-2, ..RMSprop::DEFAULT }, 1e-2, 1e-3, 1e-2;
    rmsprop_full: TABLE, RMSprop { lr: 2e-3, momentum: 0.5, centered: true, ..RMSprop::DEFAULT }, 1e-2, 1e-3, 1e-2;
    adadelta: TABLE, Adadelta { lr: 0.3, eps: 1e-2, ..Adadelta::DEFAULT }, 1e-2, 1e-2, 0.9;
    adamax: TABLE, Adamax { lr: 0.05, weight_decay: 1e-4, ..Adamax::DEFAULT }, 1e-3, 0.05, 1e-2;
    nadam: TABLE, NAdam { lr: 0.05, ..NAdam::DEFAULT }, 1e-3, 0.05, 1e-2;
    nadam_decoupled: TABLE, NAdam { lr: 0.05, weight_decay: 1e-4, decoupled_weight_decay: true, ..NAdam::DEFAULT },
        1e-3, 0.05, 1e-2;
    radam: TABLE, RAdam { lr: 0.05, ..RAdam::DEFAULT }, 1e-2, 5e-3, 0.1;
    asgd: TABLE, ASGD { lr: 0.05, t0: 6.0, ..ASGD::DEFAULT }, 1e-2, 1e-3, 0.5;
    rprop: TABLE, Rprop::DEFAULT, 1e-2, 1e-2, 1e-2;
    lion: TABLE, Lion { lr: 0.01, weight_decay: 1e-4, ..Lion::DEFAULT }, 5e-2, 1e-3, 1e-1;
    adan: TABLE, Adan { lr: 0.05, weight_decay: 1e-4, ..Adan::DEFAULT }, 1e-2, 0.05, 1e-2;
    lamb: TABLE, LAMB { lr: 0.02, ..LAMB::DEFAULT }, 1e-2, 1e-3, 0.5;
    lars: TABLE, LARS { lr: 10.0, ..LARS::DEFAULT }, 1e-2, 0.1, 0.5;
    adafactor: TABLE, Adafactor { lr: 0.1, ..Adafactor::DEFAULT }, 1e-2, 0.1, 0.1;
    muon: MATRICES, Muon { lr: 0.02, weight_decay: 1e-4, ..Muon::DEFAULT }, 5e-2, 1e-3, 0.5;
    muon_exact: MATRICES, Muon { lr: 0.02, weight_decay: 0.0, ns_dtype: NsDtype::Parameters, ..Muon::DEFAULT },
        5e-2, 1e-3, 0.5;
    sparse_adam: TABLES, SparseAdam { lr: 0.05, ..SparseAdam::DEFAULT }, 1e-2, 0.05, 1e-2;
    schedule_free: TABLE, AdamWScheduleFree { lr: 0.05, warmup_steps: 5, ..AdamWScheduleFree::DEFAULT },
        1e-2, 0.05, 0.5;
    lookahead: TABLE, Lookahead { optimizer: Adam { lr: 0.1, ..Adam::DEFAULT }, ..Lookahead::DEFAULT }, 1e-2, 0.05, 0.5;
    lookahead_whole: TABLE, Lookahead { optimizer: LAMB { lr: 0.02, ..LAMB::DEFAULT }, k: 3, alpha: 0.8 },
        1e-2, 1e-3, 0.5;
    adagrad: TABLE, Adagrad { lr: 0.3, initial_accumulator_value: 0.1, ..Adagrad::DEFAULT }, 1e-2, 0.3, 1e-1;
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    fn refused<S: Optimizer>(settings: S, option: &str, found: &str) {
        let Err(OptimError::Option { optimizer, option: name, found: value, .. }) = settings.init_for::<f32>(&TABLE)
        else {
            panic!("{}: {option} = {found} was taken", S::NAME);
        };
        assert_eq!((optimizer, name, &*value), (S::NAME, option, found));
    }
    refused(SGD { lr: -1.0, ..SGD::DEFAULT }, "lr", "-1.0");
    refused(SGD { lr: f64::NAN, ..SGD::DEFAULT }, "lr", "NaN");
    refused(SGD { momentum: -0.1, ..SGD::DEFAULT }, "momentum", "-0.1");
    refused(SGD { nesterov: true, ..SGD::DEFAULT }, "nesterov", "true");
    refused(SGD { nesterov: true, momentum: 0.9, dampening: 0.1, ..SGD::DEFAULT }, "nesterov", "true");
    refused(Adam { betas: (0.9, 1.0), ..Adam::DEFAULT }, "betas", "(0.9, 1.0)");
    refused(Adam { eps: -1e-8, ..Adam::DEFAULT }, "eps", "-1e-8");
    refused(AdamW { weight_decay: -0.01, ..AdamW::DEFAULT }, "weight_decay", "-0.01");
    refused(RMSprop { alpha: -0.1, ..RMSprop::DEFAULT }, "alpha", "-0.1");
    refused(Adagrad { lr_decay: f64::INFINITY, ..Adagrad::DEFAULT }, "lr_decay", "inf");
}

#[test]
fn a_refused_option_says_what_is_allowed() {
    let error = SGD { lr: -1.0, ..SGD::DEFAULT }.check().unwrap_err();
    assert_eq!(error.to_string(), "SGD: lr = -1.0, expected a finite number of at least 0");
}
