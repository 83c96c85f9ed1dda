//! Datasets that change the samples of another one.

use std::fmt;

use super::error::{option, shape};
use super::{DataError, Dataset};
use crate::Real;

/// A dataset whose samples are changed in place. Made by [`Dataset::map`].
#[derive(Clone)]
pub struct Map<D, F> {
    dataset: D,
    change: F,
}

impl<D, F> Map<D, F> {
    pub(super) fn new(dataset: D, change: F) -> Self {
        Map { dataset, change }
    }
}

impl<D: fmt::Debug, F> fmt::Debug for Map<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("dataset", &self.dataset).finish_non_exhaustive()
    }
}

impl<D: Dataset, F> Dataset for Map<D, F>
where
    F: Fn(&mut [D::Input], &mut [D::Target]) + Send + Sync,
{
    type Input = D::Input;
    type Target = D::Target;

    fn len(&self) -> usize {
        self.dataset.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.dataset.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.dataset.target_shape()
    }
    fn read(&self, index: usize, input: &mut [D::Input], target: &mut [D::Target]) -> Result<(), DataError> {
        self.dataset.read(index, input, target)?;
        (self.change)(input, target);
        Ok(())
    }
    fn read_in(
        &self,
        epoch: u64,
        index: usize,
        input: &mut [D::Input],
        target: &mut [D::Target],
    ) -> Result<(), DataError> {
        self.dataset.read_in(epoch, index, input, target)?;
        (self.change)(input, target);
        Ok(())
    }
}

/// A dataset with (x - mean) / std for every input x. Made by [`Dataset::normalize`].
#[derive(Clone, Debug)]
pub struct Normalized<D: Dataset> {
    dataset: D,
    scaling: Scaling<D::Input>,
}

impl<D: Dataset<Input: Real>> Normalized<D> {
    pub(super) fn new(dataset: D, mean: &[f64], std: &[f64]) -> Result<Self, DataError> {
        let scaling = Scaling::new(dataset.input_shape(), mean, std)?;
        Ok(Normalized { dataset, scaling })
    }
}

impl<D: Dataset<Input: Real>> Dataset for Normalized<D> {
    type Input = D::Input;
    type Target = D::Target;

    fn len(&self) -> usize {
        self.dataset.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.dataset.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.dataset.target_shape()
    }
    fn read(&self, index: usize, input: &mut [D::Input], target: &mut [D::Target]) -> Result<(), DataError> {
        self.dataset.read(index, input, target)?;
        self.scaling.apply(input);
        Ok(())
    }
    fn read_in(
        &self,
        epoch: u64,
        index: usize,
        input: &mut [D::Input],
        target: &mut [D::Target],
    ) -> Result<(), DataError> {
        self.dataset.read_in(epoch, index, input, target)?;
        self.scaling.apply(input);
        Ok(())
    }
}

/// Means and deviations of the channels of an input, or one of each for all.
#[derive(Clone, Debug)]
pub(super) struct Scaling<T> {
    channels: Vec<(T, T)>,
}

impl<T: Real> Scaling<T> {
    pub(super) fn new(input_shape: &[usize], mean: &[f64], std: &[f64]) -> Result<Self, DataError> {
        let channels = input_shape.first().copied().unwrap_or(1);
        if mean.is_empty() || mean.len() != 1 && mean.len() != channels {
            return Err(shape("number of means", mean.len(), format!("1 or {channels}, for inputs {input_shape:?}")));
        }
        if std.len() != mean.len() {
            return Err(shape("number of deviations", std.len(), mean.len()));
        }
        if let Some(mean) = mean.iter().find(|mean| !mean.is_finite()) {
            return Err(option("mean", mean, "a finite number"));
        }
        // In the type that divides: a deviation may round to zero there.
        let valid = |std: f64| std > 0.0 && T::from_f64(std) > T::ZERO && T::from_f64(std).is_finite();
        if let Some(std) = std.iter().find(|&&std| !valid(std)) {
            return Err(option("std", std, "a finite number above 0"));
        }
        let channels = mean.iter().zip(std).map(|(&mean, &std)| (T::from_f64(mean), T::from_f64(std))).collect();
        Ok(Scaling { channels })
    }

    pub(super) fn apply(&self, input: &mut [T]) {
        let each = input.len() / self.channels.len();
        for (channel, &(mean, std)) in input.chunks_exact_mut(each).zip(&self.channels) {
            channel.iter_mut().for_each(|x| *x = (*x - mean) / std);
        }
    }
}
