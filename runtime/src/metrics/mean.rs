//! Mean: the average of a number that comes batch by batch, such as the loss.

use serde::{Deserialize, Serialize};

use super::Metric;

/// A weighted mean: of the losses of batches, weighted by what each was divided by (`weight` of a trainer's step).
///
/// mean = (Σ wᵢ vᵢ) / (Σ wᵢ)
///
/// It is fed by [`add`](Self::add), not with outputs and targets.
///
/// # Example
/// ```
/// use glulam::metrics::{Mean, Metric};
/// let mut loss = Mean::DEFAULT;
/// loss.add(0.5, 96.0);
/// loss.add(0.25, 32.0); // The last batch is smaller.
/// assert_eq!(loss.value(), 0.4375);
/// ```
///
/// # References
/// `MeanMetric` of torchmetrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The sum of values times weights.
    #[serde(with = "crate::nan_as_null")]
    pub sum: f64,
    /// The sum of weights.
    #[serde(with = "crate::nan_as_null")]
    pub weight: f64,
}

impl Mean {
    /// Nothing seen.
    pub const DEFAULT: Self = Mean { sum: 0.0, weight: 0.0 };

    /// Takes in a value with its weight. One of no weight counts for nothing, not even as NaN: a batch of which no target
    /// counts has such a loss.
    pub fn add(&mut self, value: f64, weight: f64) {
        if weight != 0.0 {
            self.sum += value * weight;
            self.weight += weight;
        }
    }
}

impl Default for Mean {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Metric for Mean {
    fn name(&self) -> String {
        "mean".to_string()
    }
    fn value(&self) -> f64 {
        self.sum / self.weight
    }
    fn reset(&mut self) {
        *self = Self::DEFAULT;
    }
    fn larger_is_better(&self) -> bool {
        false
    }
}
