//! Options with one value for each parameter group: PyTorch's `max_lr=[0.1, 0.2]` is `max_lrs` here, beside `max_lr`.

use super::{Groups, SchedulerError};

/// The value of a group: its own, or the one for all if there is no list.
pub(crate) fn of_group(all: f64, each: &[f64], group: usize) -> f64 {
    if each.is_empty() { all } else { each[group] }
}

/// Whether a list, if there is one, has a value for each group, and allowed values.
pub(crate) fn check_list(
    scheduler: &'static str,
    option: &'static str,
    list: &[f64],
    groups: &dyn Groups,
    allowed: fn(f64) -> bool,
    expected: &'static str,
) -> Result<(), SchedulerError> {
    let (found, groups) = (list.len(), groups.count());
    if found > 0 && found != groups {
        return Err(SchedulerError::Groups { scheduler, option, found, groups });
    }
    match list.iter().find(|&&value| !(value.is_finite() && allowed(value))) {
        None => Ok(()),
        Some(value) => {
            let (found, expected) = (value.to_string(), expected.to_string());
            Err(SchedulerError::Option { scheduler, option, found, expected })
        }
    }
}

/// Whether there is a momentum to cycle, between values that are allowed.
pub(crate) fn check_momentum(
    scheduler: &'static str,
    base: &[f64],
    max: &[f64],
    groups: &dyn Groups,
) -> Result<(), SchedulerError> {
    if (0..groups.count()).any(|group| groups.momentum(group).is_none()) {
        return Err(SchedulerError::NoMomentum { scheduler });
    }
    let allowed: fn(f64) -> bool = |momentum| (0.0..1.0).contains(&momentum);
    check_list(scheduler, "base_momentums", base, groups, allowed, "from 0 to below 1")?;
    check_list(scheduler, "max_momentums", max, groups, allowed, "from 0 to below 1")
}
