//! Declarations written by `macro_rules!`: a fragment is one expression, one layer, one path or one name, wherever it stands.

use glulam::prelude::*;

use crate::{Scale, check_gradients, keys, mine};

const A: usize = 1;
const B: usize = 2;
const RATE: f64 = 0.1;

/// The number of rows of each parameter as PyTorch has it.
fn rows<N: Network<f32>>(_: N) -> Vec<usize> {
    N::PARAMS.iter().map(|spec| spec.shape[0]).collect()
}

macro_rules! widths {
    ($name:ident, $w:expr) => {
        network! {
            $name: [$w * 2] <
                Linear($w * 2, $w) -> Linear(_, 12 / $w, false) -> Linear(_, out_features = 6 - $w, bias = false)
                    -> Linear(_, $w as usize + 3, bias = false) -> Unflatten(1, [$w, 6 / $w]) -> Flatten -> Linear(2 * $w, [2, 7][4 - $w], false)
            >
        }
    };
}

widths!(Literals, 1 + 2);
widths!(Constants, A + B);
widths!(Conditional, if A < B { 3 } else { 4 });
widths!(Shifted, 24 >> 3);

#[test]
fn a_sum_is_one_operand() {
    let expected = [3, 3, 4, 3, 6, 7];
    assert_eq!(rows(Literals::seeded(1)), expected);
    assert_eq!(rows(Constants::seeded(1)), expected);
    assert_eq!(rows(Conditional::seeded(1)), expected);
    assert_eq!(rows(Shifted::seeded(1)), expected);
    check_gradients(Constants::seeded(1).cast::<f64>());
}

macro_rules! blocks {
    ($name:ident, $w:expr, $n:expr) => {
        network! {
            block Wide(D, H = $w * 2) < Linear(D, H, false) -> Linear(H, 3 * D, false) >
            $name < Wide($w) -> Wide(9, 2 * $w) -> Linear(_, 2, false) * 1 -> Linear(2, 2, false) * $n -> (Linear(2, 2, false) -> ReLU) * (2 * $n) >
        }
    };
}

blocks!(BlocksOfLiterals, 1 + 2, 1 + 1);
blocks!(BlocksOfConstants, A + B, 3 - 1);

#[test]
fn a_block_and_a_count_take_a_sum_as_one_operand() {
    let expected = [6, 9, 6, 27, 2, 2, 2, 2, 2, 2, 2];
    assert_eq!(rows(BlocksOfLiterals::seeded(1)), expected);
    assert_eq!(rows(BlocksOfConstants::seeded(1)), expected);
}

macro_rules! layers {
    ($name:ident, $layer:path, $ty:ty, $slice:expr, $w:expr, $width:literal, $shape:tt, $item:expr, $option:expr) => {
        network! {
            block Half(N) < mine::Slice(start = 7 - N, len = N) => [N] >
            $name: $shape <
                Linear($width, 6) -> $layer(start = 6 - $w * 2, len = $w * 2) => [$w * 2] -> Scale::<{ 2 * $w }> => [2 * $w]
                    -> $ty => [6] -> Scale::<6> => [$w, 2] -> Flatten -> Linear(_, 7) -> Half($w) -> Scale::<$w> => [3] -> $slice
                    -> $item -> [_, $item, $item -> $item] => Add -> Residual($item -> $item, shortcut = $item) -> last: $slice -> Linear(3, $width, $option)
            >
        }
    };
}

layers!(Layers, mine::Slice, Scale::<6>, Linear(3, 3) * 2, A + B, 4, [4], LeakyReLU(-0.5 + 0.25), bias = false);

#[test]
fn layers_paths_and_literals_are_fragments_too() {
    assert_eq!(keys(&Layers::seeded(1)).last(), Some(&"14.weight"));
    check_gradients(Layers::seeded(1).cast::<f64>());
}

macro_rules! slopes {
    ($name:ident, $s:expr, $label:ident, $tap:ident, $vis:vis, #[$attr:meta]) => {
        network! {
            #[$attr]
            $vis $name: [1] < $label: LeakyReLU($s * 2.0) as $tap -> [_, $tap -> LeakyReLU(negative_slope = 1.0 - $s)] => Add >
        }
    };
}

slopes!(SlopesOfLiterals, 0.1 + 0.2, gen, gen, pub(crate), #[doc = "A network."]);
slopes!(SlopesOfConstants, RATE + 0.2, r, s, , #[allow(missing_docs, reason = "nothing to say")]);

#[test]
fn a_sum_of_fractions_is_one_operand() {
    let expected = [[-0.6 - 0.6 * 0.7]];
    assert!((SlopesOfLiterals::seeded(1).predict(&[[-1.0]])[0][0] - expected[0][0]).abs() < 1e-6);
    assert!((SlopesOfConstants::seeded(1).predict(&[[-1.0]])[0][0] - expected[0][0]).abs() < 1e-6);
}

network! { One < head: Linear(1, 1, bias = false, init = zeros) > }

macro_rules! trainers {
    ($name:ident, $network:path, $loss:expr, $optimizer:path, $lr:expr, $n:expr, $pattern:literal, $schedules:expr, $option:expr) => {
        train! {
            $name for $network {
                loss: $loss,
                optimizer: $optimizer(lr = $lr * 2.0, momentum = 1.0 - $lr * 3.0, $option) { $pattern => (weight_decay = $lr * 10.0) },
                scheduler: $schedules for 2 * $n -> ConstantLR(factor = 1.0) per step,
                clip_grad_norm: 1000.0 * $lr,
                accumulate: 3 - $n,
            }
        }
    };
}

trainers!(
    OfLiterals,
    One,
    MSELoss,
    SGD,
    0.1 + 0.2,
    1 + 1,
    "head.*",
    ConstantLR(factor = 0.5) + ConstantLR(factor = 0.5),
    nesterov = false
);
trainers!(
    OfConstants,
    self::One,
    MSELoss(reduction = Reduction::Mean),
    SGD,
    RATE + 0.2,
    A + 1,
    "head.*",
    ConstantLR(factor = 0.5),
    dampening = 0.0
);

#[test]
fn a_trainer_takes_a_sum_as_one_operand() {
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a}, not {b}");
    let mut trainer = OfLiterals::new(One::seeded(1));
    let settings = &trainer.optimizer.groups()[0].settings;
    close(settings.momentum, 0.1);
    close(settings.weight_decay, 3.0);
    close(trainer.clip_grad_norm, 300.0);
    assert_eq!(trainer.accumulate, 1);
    // Two schedules together halve the rate twice, until the third takes over.
    for rate in [0.15, 0.15, 0.15, 0.15, 0.6] {
        let out = trainer.step((&[[1.0f32]][..], &[1.0f32][..])).expect("it fits");
        close(out.lr, rate);
    }
    let trainer = OfConstants::new(One::seeded(1));
    close(trainer.optimizer.groups()[0].settings.lr, 0.3);
    close(trainer.optimizer.groups()[0].settings.momentum, 0.1);
}
