//! Accuracy: how often the class with the highest score is the right one.

use serde::{Deserialize, Serialize};

use super::classes::{each_position, misfit};
use super::{Metric, MetricError, MetricOf, implement_checks};
use crate::Real;

/// The share of targets whose class has the highest score.
///
/// accuracy = (number of targets y with argmax_c x_c = y) / (number of targets that are not `ignore_index`)
///
/// Of equal scores the first counts as the highest, and NaN is above all numbers, as in `torch.argmax`. Logits,
/// probabilities and logarithms of them give the same.
///
/// # Shapes
/// `x: [N, C]` and `y: [N]`, or `x: [N, C, d1, …]` and `y: [N, d1, …]`. The classes are along axis `dim`, 1 unless said
/// otherwise; `dim = -1` reads `x: [N, T, C]`, `y: [N, T]`.
///
/// # Example
/// ```
/// use glulam::metrics::{Accuracy, Metric, MetricOf};
/// let mut accuracy = Accuracy { ignore_index: 0, ..Accuracy::DEFAULT };
/// accuracy.update(&[2], &[0.1, 0.9, 0.9, 0.1, 0.9, 0.1], &[1, 1, 0])?;
/// assert_eq!(accuracy.value(), 0.5); // The third target is not counted.
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
///
/// # References
/// `MulticlassAccuracy(average="micro")` of torchmetrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// A target that counts for nothing, such as padding.
    pub ignore_index: i64,
    /// The axis of the classes, the batch being axis 0.
    pub dim: isize,
    /// How many targets it has seen.
    pub total: u64,
    /// For how many of them the prediction was right.
    pub correct: u64,
}

impl Accuracy {
    /// −100 ignored, classes along axis 1; nothing seen.
    pub const DEFAULT: Self = Accuracy { ignore_index: -100, dim: 1, total: 0, correct: 0 };

    const fn problem(&self) -> Result<(), &'static str> {
        Ok(())
    }
    const fn misfit(&self, output_shape: &[usize]) -> Result<(), &'static str> {
        misfit(output_shape, self.dim)
    }
}

implement_checks!(Accuracy);

impl Metric for Accuracy {
    fn name(&self) -> String {
        "accuracy".to_string()
    }
    fn value(&self) -> f64 {
        self.correct as f64 / self.total as f64
    }
    fn reset(&mut self) {
        (self.total, self.correct) = (0, 0);
    }
}

impl<T: Real> MetricOf<T, i64> for Accuracy {
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[i64]) -> Result<(), MetricError> {
        let (total, correct) = (&mut self.total, &mut self.correct);
        each_position("Accuracy", (shape, self.dim), outputs, targets, self.ignore_index, |scores, class| {
            *total += 1;
            *correct += u64::from(scores.argmax() == class);
        })
    }
}
