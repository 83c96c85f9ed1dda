//! Samplers: in which order the samples of an epoch come.

use std::fmt::Debug;

use super::DataError;
use super::error::option;
use crate::rng::Generator;

/// The order of an epoch's samples.
///
/// A sampler remembers nothing: the loader gives it a generator of the epoch's own, so that any epoch can be begun again
/// in the same order.
pub trait Sampler: Debug + Send + Sync {
    /// The number of samples in an epoch.
    fn len(&self) -> usize;
    /// Appends the indices of an epoch to `indices`, [`len`](Self::len) of them.
    fn sample(&self, generator: &mut Generator, indices: &mut Vec<usize>);

    /// Whether an epoch has no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// 0, 1, 2, … (PyTorch's `SequentialSampler`).
#[derive(Clone, Debug, PartialEq)]
pub struct SequentialSampler {
    samples: usize,
}

impl SequentialSampler {
    /// For a dataset of `samples` samples.
    pub fn new(samples: usize) -> Self {
        SequentialSampler { samples }
    }
}

impl Sampler for SequentialSampler {
    fn len(&self) -> usize {
        self.samples
    }
    fn sample(&self, _generator: &mut Generator, indices: &mut Vec<usize>) {
        indices.extend(0..self.samples);
    }
}

/// All samples in a random order, or samples drawn with replacement (PyTorch's `RandomSampler`).
#[derive(Clone, Debug, PartialEq)]
pub struct RandomSampler {
    samples: usize,
    replacement: bool,
    num_samples: usize,
}

impl RandomSampler {
    /// For a dataset of `samples` samples, each of which comes once.
    pub fn new(samples: usize) -> Self {
        RandomSampler { samples, replacement: false, num_samples: samples }
    }

    /// `num_samples` in an epoch. Without replacement they are the dataset in a new order as often as it takes, and part
    /// of another; with replacement each is drawn from all.
    ///
    /// # Errors
    /// If there are no samples to draw from, or none to draw.
    pub fn with(samples: usize, replacement: bool, num_samples: usize) -> Result<Self, DataError> {
        if samples == 0 {
            return Err(DataError::Empty);
        }
        if num_samples == 0 {
            return Err(option("num_samples", 0, "at least 1"));
        }
        Ok(RandomSampler { samples, replacement, num_samples })
    }
}

impl Sampler for RandomSampler {
    fn len(&self) -> usize {
        self.num_samples
    }
    fn sample(&self, generator: &mut Generator, indices: &mut Vec<usize>) {
        if self.replacement {
            indices.extend((0..self.num_samples).map(|_| generator.below(self.samples)));
            return;
        }
        let mut left = self.num_samples;
        while left > 0 {
            let start = indices.len();
            indices.extend(0..self.samples);
            generator.shuffle(&mut indices[start..]);
            let used = left.min(self.samples);
            indices.truncate(start + used);
            left -= used;
        }
    }
}

/// Some samples, in a random order (PyTorch's `SubsetRandomSampler`).
#[derive(Clone, Debug, PartialEq)]
pub struct SubsetRandomSampler {
    indices: Vec<usize>,
}

impl SubsetRandomSampler {
    /// For the samples of these indices.
    pub fn new(indices: Vec<usize>) -> Self {
        SubsetRandomSampler { indices }
    }
}

impl Sampler for SubsetRandomSampler {
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn sample(&self, generator: &mut Generator, indices: &mut Vec<usize>) {
        let start = indices.len();
        indices.extend(&self.indices);
        generator.shuffle(&mut indices[start..]);
    }
}

/// Samples drawn with the given weights (PyTorch's `WeightedRandomSampler`).
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedRandomSampler {
    weights: Vec<f64>,
    /// Their sums, up to each.
    sums: Vec<f64>,
    num_samples: usize,
    replacement: bool,
}

impl WeightedRandomSampler {
    /// `num_samples` in an epoch, sample i being drawn with a probability proportional to `weights[i]`. Without
    /// `replacement` no sample comes twice, and each draw is among what is left.
    ///
    /// # Errors
    /// Weights that are negative or not finite, or of which none is positive; nothing to draw; without replacement more
    /// to draw than there are positive weights.
    pub fn new(weights: Vec<f64>, num_samples: usize, replacement: bool) -> Result<Self, DataError> {
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            return Err(option("weights", weight, "finite numbers of 0 or more"));
        }
        let mut sum = 0.0;
        let sums: Vec<f64> = weights.iter().map(|weight| (sum += weight, sum).1).collect();
        let positive = weights.iter().filter(|weight| **weight > 0.0).count();
        if positive == 0 || !sum.is_finite() {
            return Err(option("sum of weights", sum, "a finite number above 0"));
        }
        if num_samples == 0 {
            return Err(option("num_samples", 0, "at least 1"));
        }
        if !replacement && num_samples > positive {
            let expected = format!("at most {positive}, the number of positive weights, without replacement");
            return Err(option("num_samples", num_samples, expected));
        }
        Ok(WeightedRandomSampler { weights, sums, num_samples, replacement })
    }
}

impl Sampler for WeightedRandomSampler {
    fn len(&self) -> usize {
        self.num_samples
    }
    fn sample(&self, generator: &mut Generator, indices: &mut Vec<usize>) {
        if self.replacement {
            let last = self.weights.iter().rposition(|&weight| weight > 0.0).expect("there is a positive weight");
            indices.extend((0..self.num_samples).map(|_| {
                let x = generator.uniform(0.0, self.sums[last]);
                // Rounding may make x the whole sum.
                self.sums.partition_point(|&sum| sum <= x).min(last)
            }));
            return;
        }
        // Each sample waits for an exponential time, the shorter the larger its weight: the first to come are a draw
        // without replacement, in the order of the draws (Efraimidis and Spirakis 2006).
        let positive = self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
        let mut times: Vec<(f64, usize)> =
            positive.map(|(index, weight)| (-(1.0 - generator.unit()).ln() / weight, index)).collect();
        times.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        indices.extend(times[..self.num_samples].iter().map(|(_, index)| index));
    }
}
