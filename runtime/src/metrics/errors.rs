//! Errors of predicted numbers: their mean square and their mean size.

use serde::{Deserialize, Serialize};

use super::{Metric, MetricError, MetricOf, check_lengths, implement_checks};
use crate::Real;

/// The mean square of the differences between outputs and targets, or its root.
///
/// mse = (Σ (x − y)²) / n over all n elements; with `squared = false`, √mse.
///
/// # Shapes
/// `x` and `y` of the same shape, whatever it is.
///
/// # Example
/// ```
/// use glulam::metrics::{MeanSquaredError, Metric, MetricOf};
/// let mut rmse = MeanSquaredError { squared: false, ..MeanSquaredError::DEFAULT };
/// rmse.update(&[1], &[1.0, 2.0], &[1.0, 4.0])?;
/// assert_eq!((rmse.name(), rmse.value()), ("rmse".to_string(), 2f64.sqrt()));
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
///
/// # References
/// `MeanSquaredError` of torchmetrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanSquaredError {
    /// Whether the value is the mean square, or its root.
    pub squared: bool,
    /// How many elements it has seen.
    pub total: u64,
    /// The sum of squares.
    #[serde(with = "crate::nan_as_null")]
    pub sum: f64,
}

impl MeanSquaredError {
    /// The mean square; nothing seen.
    pub const DEFAULT: Self = MeanSquaredError { squared: true, total: 0, sum: 0.0 };

    const fn problem(&self) -> Result<(), &'static str> {
        Ok(())
    }
    /// Any shape will do.
    const fn misfit(&self, _output_shape: &[usize]) -> Result<(), &'static str> {
        Ok(())
    }
}

implement_checks!(MeanSquaredError);

impl Metric for MeanSquaredError {
    fn name(&self) -> String {
        if self.squared { "mse" } else { "rmse" }.to_string()
    }
    fn value(&self) -> f64 {
        let mean = self.sum / self.total as f64;
        if self.squared { mean } else { mean.sqrt() }
    }
    fn reset(&mut self) {
        (self.total, self.sum) = (0, 0.0);
    }
    fn larger_is_better(&self) -> bool {
        false
    }
}

impl<T: Real> MetricOf<T, T> for MeanSquaredError {
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[T]) -> Result<(), MetricError> {
        check_lengths("MeanSquaredError", shape, outputs.len(), targets.len(), shape.iter().product())?;
        self.total += outputs.len() as u64;
        self.sum += outputs.iter().zip(targets).map(|(x, y)| (x.to_f64() - y.to_f64()).powi(2)).sum::<f64>();
        Ok(())
    }
}

/// The mean size of the differences between outputs and targets.
///
/// mae = (Σ |x − y|) / n over all n elements
///
/// # Shapes
/// `x` and `y` of the same shape, whatever it is.
///
/// # Example
/// ```
/// use glulam::metrics::{MeanAbsoluteError, Metric, MetricOf};
/// let mut mae = MeanAbsoluteError::DEFAULT;
/// mae.update(&[1], &[1.0, 2.0], &[1.0, 4.0])?;
/// assert_eq!(mae.value(), 1.0);
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
///
/// # References
/// `MeanAbsoluteError` of torchmetrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanAbsoluteError {
    /// How many elements it has seen.
    pub total: u64,
    /// The sum of sizes.
    #[serde(with = "crate::nan_as_null")]
    pub sum: f64,
}

impl MeanAbsoluteError {
    /// Nothing seen.
    pub const DEFAULT: Self = MeanAbsoluteError { total: 0, sum: 0.0 };

    const fn problem(&self) -> Result<(), &'static str> {
        Ok(())
    }
    /// Any shape will do.
    const fn misfit(&self, _output_shape: &[usize]) -> Result<(), &'static str> {
        Ok(())
    }
}

implement_checks!(MeanAbsoluteError);

impl Metric for MeanAbsoluteError {
    fn name(&self) -> String {
        "mae".to_string()
    }
    fn value(&self) -> f64 {
        self.sum / self.total as f64
    }
    fn reset(&mut self) {
        (self.total, self.sum) = (0, 0.0);
    }
    fn larger_is_better(&self) -> bool {
        false
    }
}

impl<T: Real> MetricOf<T, T> for MeanAbsoluteError {
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[T]) -> Result<(), MetricError> {
        check_lengths("MeanAbsoluteError", shape, outputs.len(), targets.len(), shape.iter().product())?;
        self.total += outputs.len() as u64;
        self.sum += outputs.iter().zip(targets).map(|(x, y)| (x.to_f64() - y.to_f64()).abs()).sum::<f64>();
        Ok(())
    }
}
