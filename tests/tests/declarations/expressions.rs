//! What may stand for a number: any constant expression, and the commas in it are its own.

use glulam::lr_scheduler::LambdaLR;
use glulam::prelude::*;

use crate::{Scale, check_gradients, mine};

const N: usize = 4;
const NORM: f64 = 2.0;

const fn sum<const A: usize, const B: usize>() -> usize {
    A + B
}

trait Width<const A: usize, const B: usize> {
    const WIDTH: usize;
}

struct Wide;

impl Width<1, 2> for Wide {
    const WIDTH: usize = 6;
}

struct Point {
    x: usize,
}

network! {
    Operators <
        Linear(3, 1 << 3) -> Linear(_, 0b1100 >> 2) -> Linear(_, 6 & 3) -> Linear(_, 6 | 3) -> Linear(_, 6 ^ 3) -> Linear(_, !0 >> 61)
            -> Linear(_, { 5 }) -> Linear(_, 6u8 as usize) -> Linear(_, (7))
            -> Linear(_, N << 1) -> Linear(_, N >> 1) -> Linear(_, N & 6) -> Linear(_, N | 3) -> Linear(_, N ^ 1) -> Linear(_, !N & 3)
            -> Linear(_, N as u8 as usize)
    >
    Expressions <
        Linear(3, sum::<1, 2>()) -> Linear(sum::<1, 2>(), out_features = if cfg!(test) { 2 } else { 4 }) -> Linear(_, match N { 4 => 5, _ => 1 })
            -> Linear(_, <Wide as Width<1, 2>>::WIDTH, bias = false) -> Linear(_, [2, 7][N - 3]) -> Linear(_, Point { x: 3 }.x)
            -> Linear(_, { let n = N; n * 2 }) -> Linear(_, { 1 } + { N } * 2) -> Linear(_, if N == 4 { 1 } else { 2 } * 3)
            -> Linear(_, N.pow(2)) -> Linear(_, 12 / N) -> Linear(_, (N, 2).1) -> Linear(_, size_of::<[u8; N]>())
            -> Unflatten(1, [if N == 4 { 2 } else { 1 }, N / 2]) -> Flatten
    >
    block Chosen(D) < Linear(_, if D == N { 3 } else { 2 }) -> Linear(_, Point { x: D }.x) -> Linear(_, (0..D).end) >
    Parameters: [2] < Chosen(4) -> Chosen(N + 1) >
    Channels: [8, Point { x: 3 }.x] < BatchNorm1d(8) >
    Windows: [2, N + 3, 3 * N] <
        Conv2d(2, 3, 1) -> MaxPool2d(2, padding = 1, ceil_mode = true) -> AvgPool2d(N - 2, stride = (1, N / 2), ceil_mode = true)
            -> LPPool2d(NORM, (1, N - 2), stride = 1) -> AdaptiveAvgPool2d((None, N - 2)) -> Flatten -> Linear(_, 2)
    >
    Numbers: [1] < LeakyReLU(1 << 1) -> LeakyReLU({ 1.0 } / 4.0) -> LeakyReLU(if N == 4 { 2.0 } else { 0.0 }) -> LeakyReLU(7 % 4) >
}

fn widths<M: Network<f32>>(_: M) -> Vec<usize> {
    M::PARAMS.iter().filter(|spec| spec.shape.len() == 2).map(|spec| spec.shape[0]).collect()
}

#[test]
fn parameters_of_blocks_are_values_wherever_they_stand() {
    assert_eq!(widths(Parameters::seeded(1)), [3, 4, 4, 2, 5, 5]);
    assert_eq!(<Channels<f32> as Network<f32>>::MIN_TRAIN_BATCH, 1);
}

#[test]
fn integers_have_the_operators_of_rust() {
    assert_eq!(widths(Operators::seeded(1)), [8, 3, 2, 7, 5, 7, 5, 6, 7, 8, 2, 4, 7, 5, 3, 4]);
    check_gradients(Operators::seeded(1).cast::<f64>());
}

#[test]
fn an_argument_is_any_constant_expression() {
    assert_eq!(widths(Expressions::seeded(1)), [3, 2, 5, 6, 7, 3, 8, 9, 3, 16, 3, 2, 4]);
    check_gradients(Expressions::seeded(1).cast::<f64>());
}

#[test]
fn windows_of_any_constant_expression_are_counted() {
    // [3, 7, 12] → [3, 4, 7]: at (7 + 1) / 2 and (12 + 1) / 2, rounded up, a window would begin behind. → [3, 3, 4] → [3, 3, 3] → [3, 3, 2]
    let net = Windows::seeded(1);
    assert_eq!(<Windows<f32> as Network<f32>>::PARAMS[2].shape, [2, 18]);
    check_gradients(net.cast::<f64>());
}

#[test]
fn a_fraction_is_any_constant_expression() {
    assert_eq!(Numbers::seeded(1).predict(&[[-1.0]]), [[-3.0]]);
}

/// The first elements: arguments in the type.
#[derive(Clone, Copy, Debug)]
struct Take<const FROM: usize, const TO: usize>;

impl<const FROM: usize, const TO: usize> glulam::layer::CustomLayer for Take<FROM, TO> {
    const PARAMETERS: usize = 0;

    fn forward<T: Real>(&self, _parameters: &[T], x: &[T], y: &mut [T]) {
        y.copy_from_slice(&x[FROM..TO]);
    }

    fn backward_input<T: Real>(&self, _parameters: &[T], _x: &[T], dy: &[T], dx: &mut [T]) {
        dx.fill(T::ZERO);
        dx[FROM..TO].copy_from_slice(dy);
    }
}

network! {
    block Front(A, B) < Linear(4, 4) -> Take::<A, B> => [2] >
    Generic <
        Linear(3, 4) as s -> [ReLU -> Take::<0, 3> => [3], Linear(_, 2), s -> Tanh -> Take::<1, { 2 + 1 }> => [2]] => Concat(1)
            -> (Take<0, 4> => [4]) -> Residual(ReLU -> Take::<0, 4> => [4] -> Linear(4, 4), shortcut = Linear(4, 4) -> Take::<0, 4> => [4]) -> Front(1, 3)
            -> Front2(0, N - 2) -> mine::Slice(start = sum::<0, 0>(), len = 2) => [sum::<1, 1>()] -> Scale<2> => [2]
    >
    block Front2(A, B) < Linear(2, 4) -> Take::<A, B> => [2] >
}

#[test]
fn a_layer_has_generic_arguments_wherever_it_stands() {
    check_gradients(Generic::seeded(1).cast::<f64>());
}

network! { One < head: Linear(1, 1) > }

train! {
    Trainer for One {
        loss: MSELoss,
        optimizer: SGD(lr = if N == 4 { 0.5 } else { 1.0 }, momentum = sum::<0, 0>() as f64) { "head.*" => (lr = { 1.0 } / 4.0) },
        scheduler: ConstantLR(factor = 1.0, total_iters = sum::<1, 2>()) for 2 * N - 6 -> LambdaLR(lr_lambda = |t| if t < 1 { 0.5 } else { f64::max(0.25, 0.125) }) per step,
        accumulate: match N { 4 => 1, _ => 2 },
        clip_grad_norm: <Wide as Width<1, 2>>::WIDTH as f64,
    }
}

#[test]
fn a_trainer_takes_any_expression() {
    let mut trainer = Trainer::new(One::seeded(1));
    assert_eq!((trainer.accumulate, trainer.clip_grad_norm), (1, 6.0));
    let rates = [0; 4].map(|_| trainer.step((&[[1.0f32]][..], &[1.0f32][..])).expect("it fits").lr);
    assert_eq!(rates, [0.25, 0.25, 0.125, 0.0625]);
    let _ = LambdaLR::DEFAULT;
}
