//! Perplexity: between how many classes a language model hesitates.

use serde::{Deserialize, Serialize};

use super::classes::{each_position, misfit};
use super::{Metric, MetricError, MetricOf, implement_checks};
use crate::Real;

/// The exponential of the mean cross entropy.
///
/// perplexity = exp(−mean ln p_y), with p = softmax(x) and y the target; the mean is over the targets that are not
/// `ignore_index`. Uniform outputs over C classes have a perplexity of C, certain and right ones of 1.
///
/// `x` are logits (or logarithms of probabilities, which give the same). In training with `CrossEntropyLoss` the
/// exponential of the mean loss says the same, at no cost.
///
/// # Shapes
/// As of [`Accuracy`](super::Accuracy), but the classes are along the last axis unless said otherwise: `x: [N, T, C]`,
/// `y: [N, T]`.
///
/// # Example
/// ```
/// use glulam::metrics::{Metric, MetricOf, Perplexity};
/// let mut perplexity = Perplexity::DEFAULT;
/// perplexity.update(&[2, 4], &[0.0; 8], &[3, 1])?;
/// assert!((perplexity.value() - 4.0).abs() < 1e-12);
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
///
/// # References
/// `torchmetrics.text.Perplexity`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perplexity {
    /// A target that counts for nothing, such as padding.
    pub ignore_index: i64,
    /// The axis of the classes, the batch being axis 0.
    pub dim: isize,
    /// How many targets it has seen.
    pub total: u64,
    /// The sum of their cross entropies.
    #[serde(with = "crate::nan_as_null")]
    pub sum: f64,
}

impl Perplexity {
    /// −100 ignored, classes along the last axis; nothing seen.
    pub const DEFAULT: Self = Perplexity { ignore_index: -100, dim: -1, total: 0, sum: 0.0 };

    const fn problem(&self) -> Result<(), &'static str> {
        Ok(())
    }
    const fn misfit(&self, output_shape: &[usize]) -> Result<(), &'static str> {
        misfit(output_shape, self.dim)
    }
}

implement_checks!(Perplexity);

impl Metric for Perplexity {
    fn name(&self) -> String {
        "perplexity".to_string()
    }
    fn value(&self) -> f64 {
        (self.sum / self.total as f64).exp()
    }
    fn reset(&mut self) {
        (self.total, self.sum) = (0, 0.0);
    }
    fn larger_is_better(&self) -> bool {
        false
    }
}

impl<T: Real> MetricOf<T, i64> for Perplexity {
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[i64]) -> Result<(), MetricError> {
        let (total, sum) = (&mut self.total, &mut self.sum);
        each_position("Perplexity", (shape, self.dim), outputs, targets, self.ignore_index, |scores, class| {
            let top = scores.of(scores.argmax()).to_f64();
            let exponentials: f64 = (0..scores.classes).map(|c| (scores.of(c).to_f64() - top).exp()).sum();
            *total += 1;
            *sum += exponentials.ln() + top - scores.of(class).to_f64();
        })
    }
}
