//! A user's crate with the strictest lints: every form of a declaration expands to code that they have nothing to say of.
//!
//! (A library, since rustc looks for missing documentation in libraries alone. The tests are in `tests/`.)
#![deny(warnings, missing_docs, unused, nonstandard_style, rust_2018_idioms, unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use glulam::layer::CustomLayer;
use glulam::prelude::*;

/// A named width.
pub const WIDTH: usize = 8;

/// A named rate.
pub const RATE: f64 = 1e-3;

/// A layer of the user's own.
#[derive(Clone, Copy, Debug)]
pub struct Double;

impl CustomLayer for Double {
    const PARAMETERS: usize = 0;

    fn forward<T: Real>(&self, _parameters: &[T], x: &[T], y: &mut [T]) {
        for (x, y) in x.iter().zip(y) {
            *y = *x + *x;
        }
    }

    fn backward_input<T: Real>(&self, _parameters: &[T], _x: &[T], dy: &[T], dx: &mut [T]) {
        for (dy, dx) in dy.iter().zip(dx) {
            *dx = *dy + *dy;
        }
    }
}

network! { pub < Linear(4, 3) -> Tanh -> Linear(3, 2) > }

network! {
    block Mixer(D, H = 2 * D) < Residual(LayerNorm(D) -> Linear(D, H) -> GELU("tanh") -> Linear(H, D)) >

    /// Every form of a chain.
    pub Everything: [2, 4] <
        Flatten -> stem: Linear(_, WIDTH, bias = false, init = kaiming_normal(nonlinearity = "relu")) -> BatchNorm1d(WIDTH)
            -> ReLU as s1 -> Dropout(0.1) -> [_, s1] => Add -> (Linear(WIDTH, 8) -> PReLU(8)) -> blocks: Mixer(8) * 2
            -> Residual(Linear(8, 4), shortcut = Linear(8, 4)) -> [Linear(_, 2), Linear(_, 2) -> Sigmoid] => Concat(1)
            -> Unflatten(1, [2, _]) -> Flatten -> self::Double => [4] -> RReLU -> head: Linear(_, 3)
    >

    /// A named input, and what is left of a network without parameters.
    pub Plain < |image: [3]| Tanh -> Softmax >

    /// Views alone.
    pub Views: [2, 3] < Flatten >

    /// The crate's own.
    pub(crate) Inner < Linear(4, 1) -> Hardsigmoid >

    Private < Linear(4, 2) -> Softmax >
}

train! {
    /// Every item.
    pub Full for Everything {
        loss: CrossEntropyLoss(label_smoothing = 0.1),
        optimizer: AdamW(lr = RATE, weight_decay = 0.01) { no_decay: [bias, norm], head => (lr = 3e-3) },
        scheduler: LinearLR(start_factor = 0.1, total_iters = 500) -> CosineAnnealingLR(T_max = 10_000) per step,
        freeze: [stem],
        clip_grad_norm: 1.0,
        clip_grad_value: 2.0,
        accumulate: 4,
        ema: 0.999,
        metrics: [Accuracy, TopK(k = 2)],
    }
}

train! { pub Short for Network { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9) } }

train! { pub(crate) Wrapped for Inner { loss: BCELoss, optimizer: Lookahead(Adam, k = 5) } }

train! {
    Watching for Private {
        loss: MSELoss,
        optimizer: Adam(lr = rate()),
        scheduler: ReduceLROnPlateau(patience = 3) on val_loss,
    }
}

/// A rate that no constant holds.
fn rate() -> f64 {
    RATE
}

/// What is not public is used once.
#[must_use]
pub fn losses() -> [f32; 2] {
    let mut wrapped = Wrapped::new(Inner::seeded(1));
    let mut watching = Watching::new(Private::seeded(1));
    let one = wrapped.step((&[[0.0; 4]][..], &[1.0][..])).map_or(f32::NAN, |out| out.loss);
    let two = watching.step((&[[0.0; 4]][..], &[1.0, 0.0][..])).map_or(f32::NAN, |out| out.loss);
    [one, two]
}
