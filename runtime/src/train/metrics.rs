//! The metrics of a trainer: a tuple of them, followed together.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde_json::Value;

use super::TrainError;
use crate::Real;
use crate::network::Sample;

/// Some metrics, of types known at compile time.
pub trait MetricList: Clone + Debug {
    /// Their values.
    type Values: Copy + Debug + PartialEq;

    /// The values over everything since the last reset.
    fn values(&self) -> Self::Values;
    /// The same by their names.
    fn by_name(&self) -> BTreeMap<String, f64>;
    /// Forgets what they have seen.
    fn reset(&mut self);
    /// What they have seen, for a checkpoint.
    fn state(&self) -> Value;
    /// Takes over what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// The state of other metrics.
    fn restore(&mut self, state: &Value) -> Result<(), TrainError>;
}

/// Metrics of outputs in `T` and targets in `Y`.
pub trait Metrics<T: Real, Y>: MetricList {
    /// Takes in the outputs for some samples and their targets, and returns the values so far.
    fn update<O: Sample<T>>(&mut self, shape: &'static [usize], outputs: &[O], targets: &[Y]) -> Self::Values;
}

impl MetricList for () {
    type Values = ();
    fn values(&self) {}
    fn by_name(&self) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }
    fn reset(&mut self) {}
    fn state(&self) -> Value {
        Value::Null
    }
    fn restore(&mut self, _state: &Value) -> Result<(), TrainError> {
        Ok(())
    }
}

impl<T: Real, Y> Metrics<T, Y> for () {
    fn update<O: Sample<T>>(&mut self, _shape: &'static [usize], _outputs: &[O], _targets: &[Y]) {}
}

/// No metrics at all, to be changed.
pub fn no_metrics() -> &'static mut () {
    // A value of no size takes no memory.
    Box::leak(Box::new(()))
}
