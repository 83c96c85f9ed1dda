//! Samples in memory.

use ndarray::{ArrayBase, Data, Dimension};

use super::batch::samples;
use super::error::shape;
use super::transform::Scaling;
use super::{DataError, Dataset};
use crate::Real;
use crate::network::Sample;

/// Inputs and targets in two arrays, whose first axis counts the samples (PyTorch's `TensorDataset`). To read a sample
/// is to copy its memory.
///
/// # Example
/// ```
/// use glulam::data::{Dataset, TensorDataset};
/// use ndarray::array;
///
/// let dataset = TensorDataset::new(array![[0.0f32, 1.0], [2.0, 3.0]], array![0i64, 1])?;
/// assert_eq!((dataset.len(), dataset.input_shape(), dataset.target_shape()), (2, &[2][..], &[][..]));
/// # Ok::<(), glulam::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TensorDataset<X, Y> {
    inputs: Vec<X>,
    targets: Vec<Y>,
    input_shape: Vec<usize>,
    target_shape: Vec<usize>,
    len: usize,
}

impl<X: Copy, Y: Copy> TensorDataset<X, Y> {
    /// The samples of two arrays: `inputs: [N, …]`, `targets: [N, …]`. Owned arrays in row-major order are taken over
    /// without a copy.
    ///
    /// # Errors
    /// If the arrays have different numbers of samples, or samples without elements.
    pub fn new<SX, SY, DX, DY>(inputs: ArrayBase<SX, DX>, targets: ArrayBase<SY, DY>) -> Result<Self, DataError>
    where
        SX: Data<Elem = X>,
        SY: Data<Elem = Y>,
        DX: Dimension,
        DY: Dimension,
    {
        let (inputs, input_shape) = flat("axes of inputs", inputs)?;
        let (targets, target_shape) = flat("axes of targets", targets)?;
        TensorDataset::from_flat(inputs, &input_shape, targets, &target_shape)
    }

    /// The samples of two flat arrays, one after the other.
    ///
    /// # Errors
    /// If the arrays are no whole number of samples of their shapes, or not the same number.
    pub fn from_flat(
        inputs: Vec<X>,
        input_shape: &[usize],
        targets: Vec<Y>,
        target_shape: &[usize],
    ) -> Result<Self, DataError> {
        let len = samples("elements of inputs", inputs.len(), input_shape)?;
        let target_len = samples("elements of targets", targets.len(), target_shape)?;
        if target_len != len {
            return Err(shape("number of targets", target_len, len));
        }
        let (input_shape, target_shape) = (input_shape.to_vec(), target_shape.to_vec());
        Ok(TensorDataset { inputs, targets, input_shape, target_shape, len })
    }

    /// The same samples, whose inputs are seen in another shape of as many elements: `[1, 28, 28]` for `[28, 28]`.
    ///
    /// # Errors
    /// If the shapes have different numbers of elements.
    pub fn reshape(mut self, input_shape: &[usize]) -> Result<Self, DataError> {
        let (found, expected): (usize, usize) = (input_shape.iter().product(), self.input_shape.iter().product());
        if found != expected {
            return Err(shape("elements of an input", format!("{found}, shape {input_shape:?}"), expected));
        }
        self.input_shape = input_shape.to_vec();
        Ok(self)
    }

    /// All inputs, flat.
    pub fn inputs(&self) -> &[X] {
        &self.inputs
    }

    /// All targets, flat.
    pub fn targets(&self) -> &[Y] {
        &self.targets
    }

    /// All inputs as a network takes them: `&[[f32; 784]]`.
    ///
    /// # Errors
    /// If an input has another number of elements.
    pub fn samples<S: Sample<X>>(&self) -> Result<&[S], DataError> {
        let found: usize = self.input_shape.iter().product();
        if found != S::LEN {
            return Err(shape("elements of an input", format!("{found}, shape {:?}", self.input_shape), S::LEN));
        }
        Ok(S::from_flat(&self.inputs))
    }
}

impl<X: Real, Y: Copy> TensorDataset<X, Y> {
    /// The same samples, with (x - mean) / std for every input x, computed once. The arguments are those of
    /// [`Dataset::normalize`].
    ///
    /// # Errors
    /// Those of [`Dataset::normalize`].
    pub fn normalize(mut self, mean: &[f64], std: &[f64]) -> Result<Self, DataError> {
        let scaling = Scaling::new(&self.input_shape, mean, std)?;
        let each = self.input_shape.iter().product();
        self.inputs.chunks_exact_mut(each).for_each(|input| scaling.apply(input));
        Ok(self)
    }

    /// The same samples with inputs of another precision.
    pub fn cast<T: Real>(self) -> TensorDataset<T, Y> {
        TensorDataset {
            inputs: self.inputs.iter().map(|&x| T::from_f64(x.to_f64())).collect(),
            targets: self.targets,
            input_shape: self.input_shape,
            target_shape: self.target_shape,
            len: self.len,
        }
    }
}

impl<X, Y> Dataset for TensorDataset<X, Y>
where
    X: Copy + Default + Send + Sync + 'static,
    Y: Copy + Default + Send + Sync + 'static,
{
    type Input = X;
    type Target = Y;

    fn len(&self) -> usize {
        self.len
    }
    fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }
    fn target_shape(&self) -> &[usize] {
        &self.target_shape
    }
    fn read(&self, index: usize, input: &mut [X], target: &mut [Y]) -> Result<(), DataError> {
        input.copy_from_slice(&self.inputs[index * input.len()..][..input.len()]);
        target.copy_from_slice(&self.targets[index * target.len()..][..target.len()]);
        Ok(())
    }
}

/// The elements in row-major order, and the shape of one sample.
fn flat<T: Copy, S: Data<Elem = T>, D: Dimension>(
    what: &'static str,
    array: ArrayBase<S, D>,
) -> Result<(Vec<T>, Vec<usize>), DataError> {
    let Some((_, sample)) = array.shape().split_first() else {
        return Err(shape(what, 0, "at least one, which counts the samples"));
    };
    let sample = sample.to_vec();
    let len = array.len();
    let array = if array.is_standard_layout() { array.into_owned() } else { array.as_standard_layout().into_owned() };
    let (mut elements, offset) = array.into_raw_vec_and_offset();
    // A slice of an owned array keeps what lies before and after it.
    elements.drain(..offset.unwrap_or(0));
    elements.truncate(len);
    Ok((elements, sample))
}
