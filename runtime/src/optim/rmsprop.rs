//! RMSprop.

use serde::{Deserialize, Serialize};

use super::options::non_negative;
use super::rules::{Squares, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// RMSprop: v ← alpha · v + (1 − alpha) · g²; p ← p − lr · g / (√v + eps), with g = ±∇ + weight_decay · p.
///
/// With `centered` the variance v − a² takes the place of v, a being the running mean of g. With `momentum`,
/// b ← momentum · b + g / (√v + eps); p ← p − lr · b. State: `square_avg` (v), `momentum_buffer` (b), `grad_avg` (a), `step`.
///
/// # Example
/// ```
/// use glulam::optim::RMSprop;
/// const SETTINGS: RMSprop = RMSprop { lr: 1e-3, momentum: 0.9, ..RMSprop::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.RMSprop`. Tieleman and Hinton, lecture 6.5 of Neural networks for machine learning (2012); `centered` from
/// Graves, Generating sequences with recurrent neural networks (2013), equation 40. TensorFlow adds eps under the
/// root, PyTorch behind it. Where rounding makes v − a² negative PyTorch's step is NaN; here the difference is 0 then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RMSprop {
    /// Learning rate, per step.
    pub lr: f64,
    /// Share of the last average of squares that stays, in [0, 1]. (PyTorch takes more than 1, and is NaN at once.)
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Share of the last buffer that stays, at least 0.
    pub momentum: f64,
    /// Divide by an estimate of the standard deviation.
    pub centered: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl RMSprop {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = RMSprop {
        lr: 1e-2,
        alpha: 0.99,
        eps: 1e-8,
        weight_decay: 0.0,
        momentum: 0.0,
        centered: false,
        maximize: false,
    };
}

options!(RMSprop, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    alpha: o.alpha >= 0.0 && o.alpha <= 1.0, "a number in [0, 1]";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
    momentum: non_negative(o.momentum), "a finite number of at least 0";
});

impl Optimizer for RMSprop {
    const NAME: &'static str = "RMSprop";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(momentum, weight_decay);
}

impl ElementWise for RMSprop {
    const SLOTS: &'static [&'static str] = &["square_avg", "momentum_buffer", "grad_avg"];
    type Rule<T: Real> = RMSpropRule<T>;

    fn uses(&self, slot: usize) -> bool {
        [true, self.momentum > 0.0, self.centered][slot]
    }

    fn rule<T: Real>(&self, _progress: &mut StepProgress) -> RMSpropRule<T> {
        let fresh = 1.0 - self.alpha;
        RMSpropRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            lr: T::from_f64(self.lr),
            fresh: T::from_f64(fresh),
            squares: Squares::mean(self.alpha, fresh),
            eps: T::from_f64(self.eps),
            weight_decay: T::from_f64(self.weight_decay),
            momentum: T::from_f64(self.momentum),
            centered: self.centered,
            has_momentum: self.momentum > 0.0,
        }
    }
}

/// One step of [`RMSprop`].
#[derive(Clone, Debug)]
pub struct RMSpropRule<T> {
    sign: T,
    lr: T,
    fresh: T,
    squares: Squares<T>,
    eps: T,
    weight_decay: T,
    momentum: T,
    centered: bool,
    has_momentum: bool,
}

impl<T: Real> RMSpropRule<T> {
    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        let [v, b, a] = first(slots);
        match (self.centered, self.has_momentum) {
            (false, false) => each(self, p, g, [v], Self::plain),
            (false, true) => each(self, p, g, [v, b], Self::with_momentum),
            (true, false) => each(self, p, g, [v, a], Self::centered),
            (true, true) => each(self, p, g, [v, b, a], Self::centered_with_momentum),
        }
    }

    #[inline(always)]
    fn plain(&self, p: T, g: T, [v]: [T; 1]) -> (T, [T; 1]) {
        let (g, v) = self.square(p, g, v);
        (p - self.lr * (g / (v.sqrt() + self.eps)), [v])
    }

    #[inline(always)]
    fn with_momentum(&self, p: T, g: T, [v, b]: [T; 2]) -> (T, [T; 2]) {
        let (g, v) = self.square(p, g, v);
        let b = flush(self.momentum * b + g / (v.sqrt() + self.eps));
        (p - self.lr * b, [v, b])
    }

    #[inline(always)]
    fn centered(&self, p: T, g: T, [v, a]: [T; 2]) -> (T, [T; 2]) {
        let (g, v) = self.square(p, g, v);
        let a = flush(a + self.fresh * (g - a));
        (p - self.lr * (g / (deviation(v, a) + self.eps)), [v, a])
    }

    #[inline(always)]
    fn centered_with_momentum(&self, p: T, g: T, [v, b, a]: [T; 3]) -> (T, [T; 3]) {
        let (g, v) = self.square(p, g, v);
        let a = flush(a + self.fresh * (g - a));
        let b = flush(self.momentum * b + g / (deviation(v, a) + self.eps));
        (p - self.lr * b, [v, b, a])
    }

    /// The gradient with the weight decay, and the new mean of its square.
    #[inline(always)]
    fn square(&self, p: T, g: T, v: T) -> (T, T) {
        let g = self.sign * g + self.weight_decay * p;
        (g, self.squares.after(v, g))
    }
}

/// √(v − a²). A v that has overflown stays infinite whatever a² is: PyTorch does not round a², which is finite then.
#[inline(always)]
fn deviation<T: Real>(v: T, a: T) -> T {
    let variance = if v == T::INFINITY { v } else { v - a * a };
    variance.max_nan(T::ZERO).sqrt()
}
