//! Metrics: what is measured beside the loss, in training, in validation and in loops of one's own.
//!
//! A metric is one struct: its options, and what it has seen so far, which begins empty in `DEFAULT`. It takes in
//! outputs and targets batch by batch, and its value is that of all of them together. Nothing is allocated after the
//! first batch.
//!
//! Names and definitions are those of torchmetrics, since PyTorch has none. The value of nothing at all is NaN, and NaN
//! is better than no other value.

use std::fmt::Debug;

use crate::Real;

mod accuracy;
mod binary;
mod class_scores;
mod classes;
mod confusion_matrix;
mod confusion_table;
mod errors;
mod mean;
mod perplexity;
mod r2_score;
#[cfg(test)]
mod tests;
mod top_k;

pub use accuracy::Accuracy;
pub use binary::{Answer, BinaryAccuracy, BinaryCounts, BinaryF1Score, BinaryPrecision, BinaryRecall};
pub use class_scores::{Average, ClassCount, F1Score, Precision, Recall};
pub use confusion_matrix::{ClassReport, ConfusionMatrix};
pub use confusion_table::ConfusionTable;
pub use errors::{MeanAbsoluteError, MeanSquaredError};
pub use mean::Mean;
pub use perplexity::Perplexity;
pub use r2_score::{R2Score, Variance};
pub use top_k::TopK;

/// Something that is measured.
pub trait Metric: Clone + Debug + PartialEq + Send + 'static {
    /// The name under which its value is reported: `accuracy`, `top5`.
    fn name(&self) -> String;
    /// The value over everything since the last reset. NaN if that is nothing.
    fn value(&self) -> f64;
    /// Forgets what it has seen. Options and memory stay.
    fn reset(&mut self);
    /// Whether a larger value is better, as that of an accuracy, or a smaller one, as that of an error.
    fn larger_is_better(&self) -> bool {
        true
    }
}

/// A metric of outputs in `T` and targets in `Y`: `i64` for class indices, or the outputs' own scalars.
///
/// # Example
/// ```
/// use glulam::metrics::{Accuracy, Metric, MetricOf};
/// let mut accuracy = Accuracy::DEFAULT;
/// let logits = [0.1, 2.0, -1.0, /* the second sample */ 3.0, 0.0, 1.0];
/// accuracy.update(&[3], &logits, &[1, 2])?;
/// assert_eq!(accuracy.value(), 0.5);
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
pub trait MetricOf<T: Real, Y>: Metric {
    /// Takes in some samples: outputs of `shape` each, one after the other, and their targets.
    ///
    /// # Errors
    /// An option that does not fit the shape, a wrong number of targets, a class that does not exist. Then nothing of
    /// these samples is counted.
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[Y]) -> Result<(), MetricError>;
}

/// What is wrong with a metric's options, or with targets for outputs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum MetricError {
    /// An option has a value that is not allowed, or that does not fit the outputs.
    #[error("{metric}: {option} = {found}, expected {expected}")]
    Option { metric: &'static str, option: &'static str, found: String, expected: String },
    /// The outputs are not whole samples.
    #[error("{metric}: {found} output elements are not a multiple of {expected}, as many as shape {shape:?} has")]
    OutputLength { metric: &'static str, found: usize, expected: usize, shape: Vec<usize> },
    /// The number of targets does not fit the number of outputs.
    #[error("{metric}: {found} target elements for {samples} outputs of shape {shape:?}, expected {expected}")]
    TargetLength { metric: &'static str, found: usize, expected: usize, samples: usize, shape: Vec<usize> },
    /// A class index is neither a class nor `ignore_index`.
    #[error("{metric}: target {index} is class {found}, expected 0..{classes} (or ignore_index {ignore_index})")]
    ClassOutOfRange { metric: &'static str, index: usize, found: i64, classes: usize, ignore_index: i64 },
    /// The outputs have another number of classes, or of elements, than those before.
    #[error("{metric}: outputs have {found} {what}, but those before had {expected}; reset it first")]
    Changed { metric: &'static str, what: &'static str, found: usize, expected: usize },
}

/// The number of samples, if outputs are whole ones and have `per_sample` targets each.
fn check_lengths(
    metric: &'static str,
    shape: &[usize],
    outputs: usize,
    targets: usize,
    per_sample: usize,
) -> Result<usize, MetricError> {
    let elements: usize = shape.iter().product();
    if elements == 0 || !outputs.is_multiple_of(elements) {
        return Err(MetricError::OutputLength { metric, found: outputs, expected: elements, shape: shape.to_vec() });
    }
    let samples = outputs / elements;
    let expected = samples * per_sample;
    if targets != expected {
        return Err(MetricError::TargetLength { metric, found: targets, expected, samples, shape: shape.to_vec() });
    }
    Ok(samples)
}

/// `a / b`, or 0 where `b` is 0.
fn share(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// What all metrics have: `Default`, and checks that can run in a constant.
macro_rules! implement_checks {
    ($metric:ident) => {
        impl Default for $metric {
            fn default() -> Self {
                Self::DEFAULT
            }
        }

        impl $metric {
            /// Stops if an option is out of its range: in a constant, with an error of the compiler.
            ///
            /// # Panics
            /// With the option's name and what is allowed.
            #[track_caller]
            pub const fn assert_valid(&self) {
                if let Err(text) = self.problem() {
                    panic!("{}", text);
                }
            }

            /// Stops unless the metric can measure outputs of this shape.
            ///
            /// # Panics
            /// If it cannot, with what to change.
            #[track_caller]
            pub const fn assert_fits(&self, output_shape: &[usize]) {
                self.assert_valid();
                if let Err(text) = self.misfit(output_shape) {
                    panic!("{}", text);
                }
            }
        }
    };
}
use implement_checks;
