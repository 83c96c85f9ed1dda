//! MultiplicativeLR: each step multiplies the rate by a function of the step.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, implement_settings};
use super::lambda::{self, Lambda};
use super::{At, GroupWise, Groups, List, SchedulerError};

/// Multiplies the current rate at every step by a function of the step.
///
/// lrₜ = lrₜ₋₁ · lr_lambda(t) for t ≥ 1
///
/// The function is required; its values are finite. It is not saved in a state dict: the schedule that loads one keeps
/// its own.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{MultiplicativeLR, preview};
/// let schedule = MultiplicativeLR { lr_lambda: |_| 0.5, ..MultiplicativeLR::DEFAULT };
/// assert_eq!(preview(schedule, 1.0, 3)?, [1.0, 0.5, 0.25, 0.125]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// `torch.optim.lr_scheduler.MultiplicativeLR`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiplicativeLR {
    /// The function, the same for all groups.
    #[serde(skip)]
    pub lr_lambda: fn(usize) -> f64,
    /// Functions that have captured something, or one for each group; `lr_lambda` is not asked then. Just one is for
    /// all groups.
    #[serde(skip)]
    pub lr_lambdas: List<Lambda>,
}

impl MultiplicativeLR {
    /// `lr_lambda` is required.
    pub const DEFAULT: Self = MultiplicativeLR { lr_lambda: lambda::missing, lr_lambdas: Cow::Borrowed(&[]) };

    /// With a closure that has captured something, for all groups.
    pub fn of(lr_lambda: impl Fn(usize) -> f64 + Send + Sync + 'static) -> Self {
        MultiplicativeLR { lr_lambdas: Cow::Owned(vec![Lambda::new(lr_lambda)]), ..Self::DEFAULT }
    }

    /// A constant cannot call a function, so there is nothing to find at compile time.
    const fn fault(&self) -> Option<Fault> {
        None
    }
}

implement_settings!(MultiplicativeLR);

impl PartialEq for MultiplicativeLR {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.lr_lambda, other.lr_lambda) && self.lr_lambdas == other.lr_lambdas
    }
}

impl GroupWise for MultiplicativeLR {
    const CLASS: &'static str = "MultiplicativeLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        lambda::check(Self::CLASS, self.lr_lambda, &self.lr_lambdas)
    }
    fn check_groups(&self, groups: &dyn Groups) -> Result<(), SchedulerError> {
        lambda::check_groups(Self::CLASS, &self.lr_lambdas, groups)
    }
    fn rate(&self, at: At, group: usize, _base_lr: f64, lr: f64) -> f64 {
        if at.initial { lr } else { lr * lambda::factor(self.lr_lambda, &self.lr_lambdas, group, at.step) }
    }
    fn keep_functions(&mut self, attached: &Self) {
        *self = attached.clone();
    }
}
