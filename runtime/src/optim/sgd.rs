//! Stochastic gradient descent, with momentum.

use serde::{Deserialize, Serialize};

use super::options::{finite, non_negative};
use super::rules::{each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Stochastic gradient descent: g ← ±∇ + weight_decay · p; b ← momentum · b + (1 − dampening) · g; p ← p − lr · b.
///
/// The first b is g itself, undampened. With `nesterov`, p ← p − lr · (g + momentum · b). Without momentum b is g.
/// State: `momentum_buffer`, if there is momentum.
///
/// # Example
/// ```
/// use glulam::optim::SGD;
/// const SETTINGS: SGD = SGD { lr: 0.01, momentum: 0.9, nesterov: true, ..SGD::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.SGD`. Sutskever et al., On the importance of initialization and momentum in deep learning (2013),
/// in PyTorch's form: the learning rate multiplies the buffer and is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SGD {
    /// Learning rate, per step.
    pub lr: f64,
    /// Share of the last buffer that stays, at least 0.
    pub momentum: f64,
    /// How much less than fully a new gradient enters the buffer.
    pub dampening: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Look ahead by one momentum step.
    pub nesterov: bool,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl SGD {
    /// PyTorch's defaults.
    pub const DEFAULT: Self =
        SGD { lr: 1e-3, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false };
}

options!(SGD, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    momentum: non_negative(o.momentum), "a finite number of at least 0";
    dampening: finite(o.dampening), "a finite number";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
    nesterov: !o.nesterov || (o.momentum > 0.0 && o.dampening == 0.0), "false without momentum or with dampening";
});

impl Optimizer for SGD {
    const NAME: &'static str = "SGD";
    const ELEMENT_WISE: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(momentum, weight_decay);
}

impl ElementWise for SGD {
    const SLOTS: &'static [&'static str] = &["momentum_buffer"];
    const HAS_STEP: bool = false;
    type Rule<T: Real> = SGDRule<T>;

    fn uses(&self, _slot: usize) -> bool {
        self.momentum != 0.0
    }

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> SGDRule<T> {
        // The buffer begins with the first gradient, and is zero until then.
        let started = progress.started[0];
        SGDRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            lr: T::from_f64(self.lr),
            weight_decay: T::from_f64(self.weight_decay),
            momentum: T::from_f64(self.momentum),
            keep: T::from_f64(if started { self.momentum } else { 0.0 }),
            fresh: T::from_f64(if started { 1.0 - self.dampening } else { 1.0 }),
            has_momentum: self.momentum != 0.0,
            nesterov: self.nesterov,
        }
    }
}

/// One step of [`SGD`].
#[derive(Clone, Debug)]
pub struct SGDRule<T> {
    sign: T,
    lr: T,
    weight_decay: T,
    momentum: T,
    /// What stays of the buffer.
    keep: T,
    fresh: T,
    has_momentum: bool,
    nesterov: bool,
}

impl<T: Real> SGDRule<T> {
    #[inline(always)]
    pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
        match (self.has_momentum, self.nesterov) {
            (false, _) => each(self, p, g, [], Self::plain),
            (true, false) => each(self, p, g, first(slots), Self::with_momentum::<false>),
            (true, true) => each(self, p, g, first(slots), Self::with_momentum::<true>),
        }
    }

    #[inline(always)]
    fn plain(&self, p: T, g: T, []: [T; 0]) -> (T, [T; 0]) {
        (p - self.lr * (self.sign * g + self.weight_decay * p), [])
    }

    #[inline(always)]
    fn with_momentum<const NESTEROV: bool>(&self, p: T, g: T, [b]: [T; 1]) -> (T, [T; 1]) {
        let g = self.sign * g + self.weight_decay * p;
        let b = flush(self.keep * b + self.fresh * g);
        (p - self.lr * (if NESTEROV { g + self.momentum * b } else { b }), [b])
    }
}
