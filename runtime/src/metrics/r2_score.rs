//! R2Score: how much of the targets' variance the outputs explain.

use serde::{Deserialize, Serialize};

use super::{Metric, MetricError, MetricOf, check_lengths, implement_checks};
use crate::Real;

/// The coefficient of determination, averaged over the elements of an output.
///
/// R² = 1 − Σ (x − y)² / Σ (y − ȳ)², with ȳ the mean of the targets: 1 for exact outputs, 0 for outputs that are always
/// ȳ. Where all targets of an element are the same, it is 1 for exact outputs and else 0. NaN before two samples.
///
/// # Shapes
/// `x` and `y` of the same shape. An R² is computed for each of its elements over the samples, and then their mean.
///
/// # Example
/// ```
/// use glulam::metrics::{Metric, MetricOf, R2Score};
/// let mut r2 = R2Score::DEFAULT;
/// r2.update(&[1], &[2.5, 0.0, 2.0, 8.0], &[3.0, -0.5, 2.0, 7.0])?;
/// assert!((r2.value() - 0.9486).abs() < 1e-4);
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
///
/// # References
/// `R2Score(multioutput="uniform_average")` of torchmetrics. The variance is summed up by Welford's method, which keeps
/// its digits where the mean is far from zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct R2Score {
    /// How many samples it has seen.
    pub samples: u64,
    /// What it has seen of each element of an output.
    pub elements: Vec<Variance>,
}

/// The sums of one element of an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Variance {
    /// The mean of the targets.
    #[serde(with = "crate::nan_as_null")]
    pub mean: f64,
    /// The sum of the squared distances of the targets from their mean.
    #[serde(with = "crate::nan_as_null")]
    pub spread: f64,
    /// The sum of the squared differences between outputs and targets.
    #[serde(with = "crate::nan_as_null")]
    pub residual: f64,
}

impl R2Score {
    /// Nothing seen.
    pub const DEFAULT: Self = R2Score { samples: 0, elements: Vec::new() };

    const fn problem(&self) -> Result<(), &'static str> {
        Ok(())
    }
    /// Any shape will do.
    const fn misfit(&self, _output_shape: &[usize]) -> Result<(), &'static str> {
        Ok(())
    }
}

implement_checks!(R2Score);

impl Metric for R2Score {
    fn name(&self) -> String {
        "r2".to_string()
    }
    fn value(&self) -> f64 {
        if self.samples < 2 {
            return f64::NAN;
        }
        let r2 = |element: &Variance| match (element.spread == 0.0, element.residual == 0.0) {
            (true, true) => 1.0,
            (true, false) => 0.0,
            (false, _) => 1.0 - element.residual / element.spread,
        };
        self.elements.iter().map(r2).sum::<f64>() / self.elements.len() as f64
    }
    fn reset(&mut self) {
        self.samples = 0;
        self.elements.fill(Variance::default());
    }
}

impl<T: Real> MetricOf<T, T> for R2Score {
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[T]) -> Result<(), MetricError> {
        let per_sample = shape.iter().product();
        check_lengths("R2Score", shape, outputs.len(), targets.len(), per_sample)?;
        if self.elements.len() != per_sample {
            if self.samples > 0 {
                let (metric, found, expected) = ("R2Score", per_sample, self.elements.len());
                return Err(MetricError::Changed { metric, what: "elements", found, expected });
            }
            self.elements = vec![Variance::default(); per_sample];
        }
        for (outputs, targets) in outputs.chunks_exact(per_sample).zip(targets.chunks_exact(per_sample)) {
            self.samples += 1;
            for (element, (x, y)) in self.elements.iter_mut().zip(outputs.iter().zip(targets)) {
                let (x, y) = (x.to_f64(), y.to_f64());
                let before = y - element.mean;
                element.mean += before / self.samples as f64;
                element.spread += before * (y - element.mean);
                element.residual += (x - y) * (x - y);
            }
        }
        Ok(())
    }
}
