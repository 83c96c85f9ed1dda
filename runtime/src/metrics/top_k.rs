//! TopK: how often the right class is among those with the highest scores.

use serde::{Deserialize, Serialize};

use super::classes::{Axes, class_count, each_position, misfit};
use super::{Metric, MetricError, MetricOf, implement_checks};
use crate::Real;

/// The share of targets whose class has one of the `k` highest scores.
///
/// Of equal scores the first counts as higher, so `k = 1` is [`Accuracy`](super::Accuracy). NaN is above all numbers.
///
/// `k` is 1 or more, and at most the number of classes.
///
/// # Shapes
/// As of [`Accuracy`](super::Accuracy).
///
/// # Example
/// ```
/// use glulam::metrics::{Metric, MetricOf, TopK};
/// let mut top2 = TopK { k: 2, ..TopK::DEFAULT };
/// top2.update(&[3], &[0.5, 0.3, 0.2, 0.5, 0.3, 0.2], &[1, 2])?;
/// assert_eq!((top2.name(), top2.value()), ("top2".to_string(), 0.5));
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
///
/// # References
/// `MulticlassAccuracy(top_k=k, average="micro")` of torchmetrics, where equal scores have no fixed order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    /// How many of the highest scores count.
    pub k: usize,
    /// A target that counts for nothing, such as padding.
    pub ignore_index: i64,
    /// The axis of the classes, the batch being axis 0.
    pub dim: isize,
    /// How many targets it has seen.
    pub total: u64,
    /// For how many of them the class was among the `k`.
    pub correct: u64,
}

impl TopK {
    /// The five highest, −100 ignored, classes along axis 1; nothing seen.
    pub const DEFAULT: Self = TopK { k: 5, ignore_index: -100, dim: 1, total: 0, correct: 0 };

    const fn problem(&self) -> Result<(), &'static str> {
        if self.k == 0 { Err("TopK: `k` must be 1 or more") } else { Ok(()) }
    }
    const fn misfit(&self, output_shape: &[usize]) -> Result<(), &'static str> {
        if let Err(text) = misfit(output_shape, self.dim) {
            return Err(text);
        }
        let few = class_count(output_shape, self.dim) < self.k;
        if few { Err("TopK: `k` is more than the network's output has classes") } else { Ok(()) }
    }
}

implement_checks!(TopK);

impl Metric for TopK {
    fn name(&self) -> String {
        format!("top{}", self.k)
    }
    fn value(&self) -> f64 {
        self.correct as f64 / self.total as f64
    }
    fn reset(&mut self) {
        (self.total, self.correct) = (0, 0);
    }
}

impl<T: Real> MetricOf<T, i64> for TopK {
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[i64]) -> Result<(), MetricError> {
        let classes = Axes::of("TopK", shape, self.dim)?.classes;
        if self.k == 0 || self.k > classes {
            let expected = format!("1 or more, and no more than there are classes, {classes}");
            return Err(MetricError::Option { metric: "TopK", option: "k", found: self.k.to_string(), expected });
        }
        let (k, total, correct) = (self.k, &mut self.total, &mut self.correct);
        each_position("TopK", (shape, self.dim), outputs, targets, self.ignore_index, |scores, class| {
            *total += 1;
            *correct += u64::from(scores.rank(class) < k);
        })
    }
}
