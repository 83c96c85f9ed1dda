//! Adadelta: the ratio of the last updates and the last gradients is the step.

use serde::{Deserialize, Serialize};

use super::options::non_negative;
use super::rules::{Squares, each, first};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Adadelta: v ← rho · v + (1 − rho) · g²; δ = g · √(u + eps) / √(v + eps); u ← rho · u + (1 − rho) · δ²; p ← p − lr · δ.
///
/// g is ±∇ + weight_decay · p. State: `square_avg` (v), `acc_delta` (u), `step`.
///
/// # Example
/// ```
/// use glulam::optim::Adadelta;
/// const SETTINGS: Adadelta = Adadelta { rho: 0.95, ..Adadelta::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.Adadelta`. Zeiler, ADADELTA: an adaptive learning rate method (2012), algorithm 1, which has no learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adadelta {
    /// Factor of the step, 1 in the paper.
    pub lr: f64,
    /// Share of the last averages that stays, in [0, 1].
    pub rho: f64,
    /// Added under both roots.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Adadelta {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = Adadelta { lr: 1.0, rho: 0.9, eps: 1e-6, weight_decay: 0.0, maximize: false };
}

options!(Adadelta, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    rho: o.rho >= 0.0 && o.rho <= 1.0, "a number in [0, 1]";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for Adadelta {
    const NAME: &'static str = "Adadelta";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(-, weight_decay);
}

impl ElementWise for Adadelta {
    const SLOTS: &'static [&'static str] = &["square_avg", "acc_delta"];
    type Rule<T: Real> = AdadeltaRule<T>;

    fn rule<T: Real>(&self, _progress: &mut StepProgress) -> AdadeltaRule<T> {
        AdadeltaRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            weight_decay: T::from_f64(self.weight_decay),
            squares: Squares::mean(self.rho, 1.0 - self.rho),
            eps: T::from_f64(self.eps),
            lr: T::from_f64(self.lr),
        }
    }
}

/// One step of [`Adadelta`].
#[derive(Clone, Debug)]
pub struct AdadeltaRule<T> {
    sign: T,
    weight_decay: T,
    squares: Squares<T>,
    eps: T,
    lr: T,
}

impl<T: Real> AdadeltaRule<T> {
    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        each(self, p, g, first(slots), Self::element);
    }

    #[inline(always)]
    fn element(&self, p: T, g: T, [v, u]: [T; 2]) -> (T, [T; 2]) {
        let g = self.sign * g + self.weight_decay * p;
        let v = self.squares.after(v, g);
        let delta = (u + self.eps).sqrt() / (v + self.eps).sqrt() * g;
        let u = self.squares.after(u, delta);
        (p - self.lr * delta, [v, u])
    }
}
