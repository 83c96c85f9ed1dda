//! A schedule's rates before a run, and groups that belong to no optimizer.

use super::{Groups, LrScheduler, SchedulerError, SchedulerState};

/// The rates and momenta of parameter groups without an optimizer: to look at a schedule, or to drive rates of one's
/// own.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates(Vec<Rate>);

#[derive(Clone, Debug, PartialEq)]
struct Rate {
    lr: f64,
    initial_lr: Option<f64>,
    momentum: Option<f64>,
}

impl Rates {
    /// Groups with these rates, and with the same momentum, or none.
    pub fn new(lrs: &[f64], momentum: Option<f64>) -> Self {
        Rates(lrs.iter().map(|&lr| Rate { lr, initial_lr: None, momentum }).collect())
    }
}

impl Groups for Rates {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn lr(&self, group: usize) -> f64 {
        self.0[group].lr
    }
    fn set_lr(&mut self, group: usize, lr: f64) {
        self.0[group].lr = lr;
    }
    fn initial_lr(&self, group: usize) -> Option<f64> {
        self.0[group].initial_lr
    }
    fn set_initial_lr(&mut self, group: usize, lr: f64) {
        self.0[group].initial_lr = Some(lr);
    }
    fn momentum(&self, group: usize) -> Option<f64> {
        self.0[group].momentum
    }
    fn set_momentum(&mut self, group: usize, momentum: f64) {
        self.0[group].momentum = Some(momentum);
    }
}

/// The rates of a schedule over `steps` steps: `steps + 1` numbers, the first being the rate right after it is
/// attached.
///
/// The rate before the schedule is `base_lr`. A schedule that cycles the momentum finds one of 0.
///
/// # Errors
/// Options out of their range, a list for several groups, a schedule that watches a metric.
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{CosineAnnealingLR, preview};
/// let rates = preview(CosineAnnealingLR { T_max: 100, ..CosineAnnealingLR::DEFAULT }, 0.1, 100)?;
/// assert!(rates.is_sorted_by(|a, b| a > b));
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
pub fn preview<S: LrScheduler>(settings: S, base_lr: f64, steps: usize) -> Result<Vec<f64>, SchedulerError> {
    Ok(preview_momentum(settings, base_lr, 0.0, steps)?.into_iter().map(|(lr, _)| lr).collect())
}

/// As [`preview`], with the momentum beside the rate. The momentum before the schedule is `momentum`.
///
/// # Errors
/// Those of [`preview`].
pub fn preview_momentum<S: LrScheduler>(
    settings: S,
    base_lr: f64,
    momentum: f64,
    steps: usize,
) -> Result<Vec<(f64, f64)>, SchedulerError> {
    if settings.needs_metric() {
        return Err(SchedulerError::NeedsMetric { scheduler: settings.name(), place: "for a preview" });
    }
    let mut rates = Rates::new(&[base_lr], Some(momentum));
    let mut state = settings.attach(&mut rates)?;
    let now = |rates: &Rates| (rates.0[0].lr, rates.0[0].momentum.unwrap_or(momentum));
    let mut curve = Vec::with_capacity(steps + 1);
    curve.push(now(&rates));
    for _ in 0..steps {
        state.step_groups(&mut rates);
        curve.push(now(&rates));
    }
    Ok(curve)
}
