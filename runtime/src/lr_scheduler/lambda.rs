//! Functions of the step, which LambdaLR and MultiplicativeLR are made of.

use std::fmt;
use std::sync::Arc;

use super::{Groups, List, SchedulerError};

/// A function of the number of the step, which may have captured something.
#[derive(Clone)]
pub struct Lambda(Arc<dyn Fn(usize) -> f64 + Send + Sync>);

impl Lambda {
    /// Wraps a function or a closure.
    pub fn new(function: impl Fn(usize) -> f64 + Send + Sync + 'static) -> Self {
        Lambda(Arc::new(function))
    }

    /// Its value at `step`.
    pub fn call(&self, step: usize) -> f64 {
        (self.0)(step)
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("|step| …")
    }
}

impl PartialEq for Lambda {
    /// The very same function, not one with the same values.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What the default settings hold in the place of a function.
pub(crate) fn missing(_step: usize) -> f64 {
    f64::NAN
}

/// The value of a group's function: of its own one, the only one, or the plain one if there is no list.
pub(crate) fn factor(plain: fn(usize) -> f64, list: &[Lambda], group: usize, step: i64) -> f64 {
    let step = usize::try_from(step).expect("rates are computed from step 0 on");
    match list {
        [] => plain(step),
        [only] => only.call(step),
        each => each[group].call(step),
    }
}

/// Whether there is a function, and a number at step 0.
pub(crate) fn check(name: &'static str, plain: fn(usize) -> f64, list: &List<Lambda>) -> Result<(), SchedulerError> {
    let count = list.len().max(1);
    match (0..count).map(|group| factor(plain, list, group, 0)).find(|factor| !factor.is_finite()) {
        None => Ok(()),
        Some(found) => Err(SchedulerError::Option {
            scheduler: name,
            option: "lr_lambda",
            found: format!("a function with the value {found} at step 0"),
            expected: "a function with finite values (it is required)".to_string(),
        }),
    }
}

/// Whether there are as many functions as groups, or one for all.
pub(crate) fn check_groups(name: &'static str, list: &[Lambda], groups: &dyn Groups) -> Result<(), SchedulerError> {
    if list.len() > 1 && list.len() != groups.count() {
        let (found, groups) = (list.len(), groups.count());
        return Err(SchedulerError::Groups { scheduler: name, option: "lr_lambdas", found, groups });
    }
    Ok(())
}
