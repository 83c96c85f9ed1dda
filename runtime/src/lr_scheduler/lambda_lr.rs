//! LambdaLR: the rate is any function of the step.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, implement_settings};
use super::lambda::{self, Lambda};
use super::{At, GroupWise, Groups, List, SchedulerError};

/// Multiplies the rate before any schedule by a function of the step.
///
/// lrₜ = base_lr · lr_lambda(t)
///
/// The function is required; its values are finite. It is not saved in a state dict: the schedule that loads one keeps
/// its own.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{LambdaLR, preview};
/// let schedule = LambdaLR { lr_lambda: |t| 1.0 / (1.0 + t as f64), ..LambdaLR::DEFAULT };
/// assert_eq!(preview(schedule, 1.0, 3)?, [1.0, 0.5, 1.0 / 3.0, 0.25]);
///
/// let warm_up = 4; // A closure that captures goes into the list.
/// let schedule = LambdaLR::of(move |t| (t + 1).min(warm_up) as f64 / warm_up as f64);
/// assert_eq!(preview(schedule, 1.0, 4)?, [0.25, 0.5, 0.75, 1.0, 1.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.LambdaLR`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LambdaLR {
    /// The function, the same for all groups.
    #[serde(skip)]
    pub lr_lambda: fn(usize) -> f64,
    /// Functions that have captured something, or one for each group; `lr_lambda` is not asked then. Just one is for
    /// all groups.
    #[serde(skip)]
    pub lr_lambdas: List<Lambda>,
}

impl LambdaLR {
    /// `lr_lambda` is required.
    pub const DEFAULT: Self = LambdaLR { lr_lambda: lambda::missing, lr_lambdas: Cow::Borrowed(&[]) };

    /// With a closure that has captured something, for all groups.
    pub fn of(lr_lambda: impl Fn(usize) -> f64 + Send + Sync + 'static) -> Self {
        LambdaLR { lr_lambdas: Cow::Owned(vec![Lambda::new(lr_lambda)]), ..Self::DEFAULT }
    }

    /// A constant cannot call a function, so there is nothing to find at compile time.
    const fn fault(&self) -> Option<Fault> {
        None
    }
}

implement_settings!(LambdaLR);

impl PartialEq for LambdaLR {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.lr_lambda, other.lr_lambda) && self.lr_lambdas == other.lr_lambdas
    }
}

impl GroupWise for LambdaLR {
    const CLASS: &'static str = "LambdaLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        lambda::check(Self::CLASS, self.lr_lambda, &self.lr_lambdas)
    }
    fn check_groups(&self, groups: &dyn Groups) -> Result<(), SchedulerError> {
        lambda::check_groups(Self::CLASS, &self.lr_lambdas, groups)
    }
    fn rate(&self, at: At, group: usize, base_lr: f64, _lr: f64) -> f64 {
        base_lr * lambda::factor(self.lr_lambda, &self.lr_lambdas, group, at.step)
    }
    fn keep_functions(&mut self, attached: &Self) {
        *self = attached.clone();
    }
}
