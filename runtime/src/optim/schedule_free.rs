//! AdamW without a schedule: an average of the iterates takes the place of a falling learning rate.

use serde::{Deserialize, Serialize};

use super::options::{below_one, finite, non_negative};
use super::rules::{Squares, bias_correction, body_by, each, first, flush};
use super::{ElementWise, ElementWiseState, Optimizer, StepProgress};
use crate::Real;

/// Schedule-free AdamW: z ← z − γ · u; x ← x + c (z − x), with gradients taken at y = z + β₁ (x − z), the parameters in training.
///
/// u = g / (√v̂ + eps) + weight_decay · y, v̂ as in [`Adam`](super::Adam) with β₂, g = ±∇. γ is lr, growing evenly over the first
/// `warmup_steps`; c = w / ∑w with w = tʳ · (max γ)^weight_lr_power. The averages x are the parameters to evaluate and to
/// save: [`eval`](super::OptimizerState::eval) puts them in place, [`train`](super::OptimizerState::train) takes them away.
/// State: `z`, `exp_avg_sq` (v), `lr_max`, `weight_sum`, `step` (t), and y while evaluating.
///
/// # Panics
/// A step after [`eval`](super::OptimizerState::eval) without [`train`](super::OptimizerState::train).
///
/// # Example
/// ```
/// use glulam::optim::AdamWScheduleFree;
/// const SETTINGS: AdamWScheduleFree =
///     AdamWScheduleFree { lr: 5e-3, warmup_steps: 200, ..AdamWScheduleFree::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// Defazio et al., The road less scheduled (2024), as the authors' `AdamWScheduleFree`. Not in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamWScheduleFree {
    /// Learning rate, per step.
    pub lr: f64,
    /// How near to x the gradients are taken, in (0, 1), and the share of the last mean square that stays, in [0, 1).
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// How much the parameters shrink, times the learning rate.
    pub weight_decay: f64,
    /// Over how many steps the learning rate grows.
    pub warmup_steps: u64,
    /// Power of the step count in the weights of the average.
    pub r: f64,
    /// Power of the largest learning rate so far in the weights of the average.
    pub weight_lr_power: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
    /// Whether the parameters are those for training, which the state sets itself.
    pub train_mode: bool,
}

impl AdamWScheduleFree {
    /// The defaults of the authors' code.
    pub const DEFAULT: Self = AdamWScheduleFree {
        lr: 2.5e-3,
        betas: (0.9, 0.999),
        eps: 1e-8,
        weight_decay: 0.0,
        warmup_steps: 0,
        r: 0.0,
        weight_lr_power: 2.0,
        maximize: false,
        train_mode: true,
    };
}

options!(AdamWScheduleFree, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: o.betas.0 > 0.0 && below_one(o.betas.0) && below_one(o.betas.1), "a number in (0, 1) and one in [0, 1)";
    eps: non_negative(o.eps), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
    r: finite(o.r), "a finite number";
    weight_lr_power: finite(o.weight_lr_power), "a finite number";
});

impl Optimizer for AdamWScheduleFree {
    const NAME: &'static str = "AdamWScheduleFree";
    const ELEMENT_WISE: bool = true;
    const SWITCHES: bool = true;
    type State<T: Real> = ElementWiseState<T, Self>;
    accessors!(betas, weight_decay);
}

impl ElementWise for AdamWScheduleFree {
    const SLOTS: &'static [&'static str] = &["z", "exp_avg_sq", "y"];
    const SCALARS: &'static [&'static str] = &["lr_max", "weight_sum"];
    type Rule<T: Real> = AdamWScheduleFreeRule<T>;

    fn uses(&self, slot: usize) -> bool {
        slot < 2 || !self.train_mode
    }

    fn switch(&mut self, train: bool) -> Option<f64> {
        if self.train_mode == train {
            return None;
        }
        self.train_mode = train;
        // y = z + β₁ (x − z), so x = y + (1 − 1/β₁)(z − y).
        Some(1.0 - 1.0 / self.betas.0)
    }

    fn rule<T: Real>(&self, progress: &mut StepProgress) -> AdamWScheduleFreeRule<T> {
        assert!(self.train_mode, "AdamWScheduleFree: a step with the parameters for evaluation; call `train` first");
        let (beta1, beta2) = self.betas;
        let step = progress.step as f64;
        let warmup = if progress.step <= self.warmup_steps { step / self.warmup_steps as f64 } else { 1.0 };
        let lr = self.lr * warmup;
        let [lr_max, weight_sum] = &mut progress.scalars;
        *lr_max = lr_max.max(lr);
        let weight = step.powf(self.r) * lr_max.powf(self.weight_lr_power);
        *weight_sum += weight;
        let share = if *weight_sum == 0.0 { 0.0 } else { weight / *weight_sum };
        let correction2 = bias_correction(beta2, progress.step).sqrt();
        AdamWScheduleFreeRule {
            sign: T::from_f64(if self.maximize { -1.0 } else { 1.0 }),
            weight_decay: T::from_f64(self.weight_decay),
            squares: Squares::mean(beta2, 1.0 - beta2),
            correction2: T::from_f64(correction2),
            eps: T::from_f64(self.eps * correction2),
            lr: T::from_f64(lr),
            share: T::from_f64(share),
            of_direction: T::from_f64(lr * (1.0 - beta1 * (1.0 - share))),
            is_first: progress.step == 1,
        }
    }
}

/// One step of [`AdamWScheduleFree`].
#[derive(Clone, Debug)]
pub struct AdamWScheduleFreeRule<T> {
    sign: T,
    weight_decay: T,
    squares: Squares<T>,
    /// √(1 − β₂ᵗ), which is in eps as well.
    correction2: T,
    eps: T,
    lr: T,
    /// c.
    share: T,
    /// How far y moves against the direction, beside its share of the way to z.
    of_direction: T,
    is_first: bool,
}

impl<T: Real> AdamWScheduleFreeRule<T> {
    body_by!(is_first);

    #[inline(always)]
    fn element<const FIRST: bool>(&self, y: T, g: T, [z, v]: [T; 2]) -> (T, [T; 2]) {
        let z = if FIRST { y } else { z };
        let g = self.sign * g;
        let v = self.squares.after(v, g);
        let direction = g * self.correction2 / (v.sqrt() + self.eps) + self.weight_decay * y;
        let y = y + self.share * (z - y) - self.of_direction * direction;
        (y, [flush(z - self.lr * direction), v])
    }
}
