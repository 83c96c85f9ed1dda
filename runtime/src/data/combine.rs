//! Datasets made of several.

use super::error::shape;
use super::{DataError, Dataset};

/// The samples of several datasets, one dataset after the other (PyTorch's `ConcatDataset`). For datasets of different
/// types `D` is `Box<dyn Dataset<Input = …, Target = …>>`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConcatDataset<D> {
    datasets: Vec<D>,
    /// Where each dataset ends.
    ends: Vec<usize>,
}

impl<D: Dataset> ConcatDataset<D> {
    /// The datasets in their order.
    ///
    /// # Errors
    /// If there is none, or their samples have different shapes.
    pub fn new(datasets: Vec<D>) -> Result<Self, DataError> {
        let first = datasets.first().ok_or(DataError::Empty)?;
        for other in &datasets {
            if other.input_shape() != first.input_shape() {
                let (found, expected) = (format!("{:?}", other.input_shape()), format!("{:?}", first.input_shape()));
                return Err(shape("shape of inputs", found, expected));
            }
            if other.target_shape() != first.target_shape() {
                let (found, expected) = (format!("{:?}", other.target_shape()), format!("{:?}", first.target_shape()));
                return Err(shape("shape of targets", found, expected));
            }
        }
        let end = |end: &mut usize, dataset: &D| {
            *end += dataset.len();
            Some(*end)
        };
        let ends = datasets.iter().scan(0, end).collect();
        Ok(ConcatDataset { datasets, ends })
    }
}

impl<D: Dataset> ConcatDataset<D> {
    /// The dataset that has a sample, and its place there.
    fn find(&self, index: usize) -> Result<(&D, usize), DataError> {
        let which = self.ends.partition_point(|&end| end <= index);
        let dataset = self.datasets.get(which).ok_or(DataError::Index { index, len: self.len() })?;
        Ok((dataset, index - if which == 0 { 0 } else { self.ends[which - 1] }))
    }
}

impl<D: Dataset> Dataset for ConcatDataset<D> {
    type Input = D::Input;
    type Target = D::Target;

    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
    fn input_shape(&self) -> &[usize] {
        self.datasets[0].input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.datasets[0].target_shape()
    }
    fn read(&self, index: usize, input: &mut [D::Input], target: &mut [D::Target]) -> Result<(), DataError> {
        let (dataset, index) = self.find(index)?;
        dataset.read(index, input, target)
    }
    fn read_in(
        &self,
        epoch: u64,
        index: usize,
        input: &mut [D::Input],
        target: &mut [D::Target],
    ) -> Result<(), DataError> {
        let (dataset, index) = self.find(index)?;
        dataset.read_in(epoch, index, input, target)
    }
}
