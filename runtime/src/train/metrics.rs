//! The metrics of a trainer: a tuple of them, followed together.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TrainError;
use crate::Real;
use crate::metrics::{Metric, MetricOf};
use crate::network::Sample;

/// Some metrics, of types known at compile time: a tuple of up to eight, or `()`.
pub trait MetricList: Clone + Debug + Serialize + DeserializeOwned {
    /// Their values, in their order.
    type Values: Copy + Debug + PartialEq + AsRef<[f64]>;

    /// The values over everything since the last reset.
    fn values(&self) -> Self::Values;
    /// The same by their names.
    fn by_name(&self) -> BTreeMap<String, f64>;
    /// Whether larger values of the metric of this name are better; `None` if there is none.
    fn larger_is_better(&self, name: &str) -> Option<bool>;
    /// Forgets what they have seen.
    fn reset(&mut self);
}

/// Metrics of outputs in `T` and targets in `Y`.
pub trait Metrics<T: Real, Y>: MetricList {
    /// Takes in the outputs for some samples and their targets, and returns the values so far.
    ///
    /// # Errors
    /// Targets that a metric does not allow.
    fn update<O: Sample<T>>(
        &mut self,
        shape: &[usize],
        outputs: &[O],
        targets: &[Y],
    ) -> Result<Self::Values, TrainError>;
}

impl MetricList for () {
    type Values = [f64; 0];
    fn values(&self) -> [f64; 0] {
        []
    }
    fn by_name(&self) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }
    fn larger_is_better(&self, _name: &str) -> Option<bool> {
        None
    }
    fn reset(&mut self) {}
}

impl<T: Real, Y> Metrics<T, Y> for () {
    fn update<O: Sample<T>>(
        &mut self,
        _shape: &[usize],
        _outputs: &[O],
        _targets: &[Y],
    ) -> Result<[f64; 0], TrainError> {
        Ok([])
    }
}

macro_rules! tuple {
    ($count:literal: $($metric:ident $index:tt),+) => {
        impl<$($metric: Metric + Serialize + DeserializeOwned),+> MetricList for ($($metric,)+) {
            type Values = [f64; $count];
            fn values(&self) -> [f64; $count] {
                [$(self.$index.value()),+]
            }
            fn by_name(&self) -> BTreeMap<String, f64> {
                BTreeMap::from([$((self.$index.name(), self.$index.value())),+])
            }
            fn larger_is_better(&self, name: &str) -> Option<bool> {
                $(if self.$index.name() == name {
                    return Some(self.$index.larger_is_better());
                })+
                None
            }
            fn reset(&mut self) {
                $(self.$index.reset();)+
            }
        }

        impl<T: Real, Y, $($metric),+> Metrics<T, Y> for ($($metric,)+)
        where
            $($metric: MetricOf<T, Y> + Serialize + DeserializeOwned),+
        {
            fn update<O: Sample<T>>(
                &mut self,
                shape: &[usize],
                outputs: &[O],
                targets: &[Y],
            ) -> Result<[f64; $count], TrainError> {
                let outputs = O::to_flat(outputs);
                $(self.$index.update(shape, outputs, targets)?;)+
                Ok(self.values())
            }
        }
    };
}
tuple!(1: A 0);
tuple!(2: A 0, B 1);
tuple!(3: A 0, B 1, C 2);
tuple!(4: A 0, B 1, C 2, D 3);
tuple!(5: A 0, B 1, C 2, D 3, E 4);
tuple!(6: A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// No metrics at all, to be changed.
pub fn no_metrics() -> &'static mut () {
    // A value of no size takes no memory.
    Box::leak(Box::new(()))
}
