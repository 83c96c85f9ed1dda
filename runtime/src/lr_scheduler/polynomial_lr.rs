//! PolynomialLR: the rate falls to zero along a power of the way left.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, GroupWise, SchedulerError};

/// Lowers the rate to zero in `total_iters` steps, along a power of the way that is left.
///
/// lrₜ = base_lr · (1 − min(t, total_iters) / total_iters)^power where nothing else changes the rate; as a chain,
/// lrₜ = lrₜ₋₁ · ((1 − t / total_iters) / (1 − (t − 1) / total_iters))^power.
///
/// `total_iters` is 1 or more, `power` 0 or more; with `power = 0` the rate stays as it is, as in PyTorch (0⁰ = 1).
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{PolynomialLR, preview};
/// let rates = preview(PolynomialLR { total_iters: 4, ..PolynomialLR::DEFAULT }, 1.0, 5)?;
/// assert_eq!(rates[..2], [1.0, 0.75]);
/// assert_eq!(rates[4..], [0.0, 0.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.PolynomialLR`. PyTorch lets `total_iters = 0` pass, and then changes nothing; with a
/// negative `power` it raises the rate, and divides by zero at step `total_iters`: that is refused here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolynomialLR {
    /// The number of steps to zero.
    pub total_iters: usize,
    /// The exponent; 1 is a straight line.
    pub power: f64,
}

impl PolynomialLR {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = PolynomialLR { total_iters: 5, power: 1.0 };

    const fn fault(&self) -> Option<Fault> {
        demand!(PolynomialLR, total_iters = self.total_iters, self.total_iters > 0, "1 or more");
        let power = self.power;
        demand!(PolynomialLR, power = power, power >= 0.0 && power.is_finite(), "a finite number, 0 or more");
        None
    }
}

implement_settings!(PolynomialLR);

impl GroupWise for PolynomialLR {
    const CLASS: &'static str = "PolynomialLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())
    }
    fn rate(&self, at: At, _group: usize, _base_lr: f64, lr: f64) -> f64 {
        if at.initial || at.step > self.total_iters as i64 {
            return lr;
        }
        let (step, total) = (at.step as f64, self.total_iters as f64);
        // Step 0 of a schedule in the middle of others is asked for anew, so step − 1 is not negative here.
        lr * ((1.0 - step / total) / (1.0 - (step - 1.0) / total)).powf(self.power)
    }
    fn rate_at_restart(&self, _group: usize, base_lr: f64) -> Option<f64> {
        Some(base_lr)
    }
    fn own_length(&self) -> Option<usize> {
        Some(self.total_iters)
    }
}
