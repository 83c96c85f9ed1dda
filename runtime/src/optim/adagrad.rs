//! Adagrad.

use serde::{Deserialize, Serialize};

use super::options::non_negative;
use super::rules::{Squares, each, first};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Adagrad: s ← s + g²; p ← p − lrₜ · g / (√s + eps), with lrₜ = lr / (1 + (t − 1) · lr_decay), g = ±∇ + weight_decay · p.
///
/// State: `sum` (s, which begins with `initial_accumulator_value`), `step` (t).
///
/// # Example
/// ```
/// use glulam::optim::Adagrad;
/// const SETTINGS: Adagrad = Adagrad { lr: 0.05, initial_accumulator_value: 0.1, ..Adagrad::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.Adagrad`. Duchi, Hazan and Singer, Adaptive subgradient methods (2011).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adagrad {
    /// Learning rate, per step.
    pub lr: f64,
    /// How fast the learning rate falls.
    pub lr_decay: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// What the sums of squares begin with.
    pub initial_accumulator_value: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Adagrad {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = Adagrad {
        lr: 1e-2,
        lr_decay: 0.0,
        weight_decay: 0.0,
        initial_accumulator_value: 0.0,
        eps: 1e-10,
        maximize: false,
    };
}

options!(Adagrad, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    lr_decay: non_negative(o.lr_decay), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
    initial_accumulator_value: non_negative(o.initial_accumulator_value), "a finite number of at least 0";
    eps: non_negative(o.eps), "a finite number of at least 0";
});

impl Optimizer for Adagrad {
    const NAME: &'static str = "Adagrad";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(-, weight_decay);
}

impl ElementWise for Adagrad {
    const SLOTS: &'static [&'static str] = &["sum"];
    type Rule<T: Real> = AdagradRule<T>;

    fn initial_value(&self, _slot: usize) -> f64 {
        self.initial_accumulator_value
    }

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> AdagradRule<T> {
        AdagradRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            lr: T::from_f64(self.lr / (1.0 + (progress.step - 1) as f64 * self.lr_decay)),
            weight_decay: T::from_f64(self.weight_decay),
            eps: T::from_f64(self.eps),
            squares: Squares::mean(1.0, 1.0),
        }
    }
}

/// One step of [`Adagrad`].
#[derive(Clone, Debug)]
pub struct AdagradRule<T> {
    sign: T,
    lr: T,
    weight_decay: T,
    eps: T,
    squares: Squares<T>,
}

impl<T: Real> AdagradRule<T> {
    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        each(self, p, g, first(slots), Self::element);
    }

    #[inline(always)]
    fn element(&self, p: T, g: T, [sum]: [T; 1]) -> (T, [T; 1]) {
        let g = self.sign * g + self.weight_decay * p;
        let counted = self.squares.counted(g);
        let sum = sum + counted * counted;
        (p - self.lr * (g / (sum.sqrt() + self.eps)), [sum])
    }
}
