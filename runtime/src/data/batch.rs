//! A batch of samples.

use std::fmt;
use std::mem::take;
use std::sync::Arc;

use super::DataError;
use super::pool::Pool;
use crate::network::Sample;

/// Some samples, one after the other. A loader's batch gives its memory back when it is dropped, for the next one; it may
/// also be kept.
///
/// A loader's batch may be one that could not be read: it is empty, and every typed view of it returns the error.
///
/// # Example
/// ```
/// use glulam::data::Batch;
///
/// let batch = Batch::new(vec![0.0f32, 1.0, 2.0, 3.0], &[2], vec![0i64, 1], &[])?;
/// let (inputs, targets) = batch.pair::<[f32; 2], i64>()?;
/// assert_eq!(inputs, [[0.0, 1.0], [2.0, 3.0]]);
/// assert_eq!(targets, [0, 1]);
/// # Ok::<(), glulam::data::DataError>(())
/// ```
pub struct Batch<X, Y> {
    /// The inputs, flat.
    pub inputs: Vec<X>,
    /// The targets, flat.
    pub targets: Vec<Y>,
    /// The number of samples.
    pub len: usize,
    /// The shape of one input.
    pub input_shape: Arc<[usize]>,
    /// The shape of one target.
    pub target_shape: Arc<[usize]>,
    /// Why it could not be read.
    failed: Option<DataError>,
    /// Where its memory goes when it is dropped.
    home: Option<Arc<Pool<X, Y>>>,
}

impl<X, Y> Batch<X, Y> {
    /// A batch of these samples.
    ///
    /// # Errors
    /// If inputs or targets are no whole number of their shapes, or there are more of the ones than of the others.
    pub fn new(
        inputs: Vec<X>,
        input_shape: &[usize],
        targets: Vec<Y>,
        target_shape: &[usize],
    ) -> Result<Self, DataError> {
        let len = samples("elements of inputs", inputs.len(), input_shape)?;
        let target_len = samples("elements of targets", targets.len(), target_shape)?;
        if target_len != len {
            return Err(super::error::shape("number of targets", target_len, len));
        }
        let (input_shape, target_shape) = (input_shape.into(), target_shape.into());
        Ok(Batch { inputs, targets, len, input_shape, target_shape, failed: None, home: None })
    }

    /// A batch without samples, in the memory of a pool.
    pub(super) fn of(pool: &Arc<Pool<X, Y>>) -> Self {
        let (inputs, targets) = pool.take();
        let (input_shape, target_shape) = (Arc::clone(&pool.input_shape), Arc::clone(&pool.target_shape));
        Batch { inputs, targets, len: 0, input_shape, target_shape, failed: None, home: Some(Arc::clone(pool)) }
    }

    /// Empties it, and keeps the error for whoever looks at it.
    pub(super) fn fail(&mut self, error: DataError) {
        self.inputs.clear();
        self.targets.clear();
        self.len = 0;
        self.failed = Some(error);
    }

    /// Whether it could be read.
    ///
    /// # Errors
    /// What the dataset reported.
    pub fn check(&self) -> Result<(), DataError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The inputs as a network takes them: `&[[f32; 784]]`. Only the number of elements counts, so that images of
    /// 28 by 28 pixels are read as 784 numbers too.
    ///
    /// # Errors
    /// If a sample has another number of elements, or the batch could not be read.
    pub fn inputs<S: Sample<X>>(&self) -> Result<&[S], DataError> {
        self.check()?;
        typed("elements of an input", &self.inputs, &self.input_shape, self.len)
    }

    /// The targets as a criterion takes them: `&[i64]` for class indices.
    ///
    /// # Errors
    /// If a target has another number of elements, or the batch could not be read.
    pub fn targets<S: Sample<Y>>(&self) -> Result<&[S], DataError> {
        self.check()?;
        typed("elements of a target", &self.targets, &self.target_shape, self.len)
    }

    /// Inputs and targets.
    ///
    /// # Errors
    /// Those of [`inputs`](Self::inputs) and [`targets`](Self::targets).
    pub fn pair<SX: Sample<X>, SY: Sample<Y>>(&self) -> Result<(&[SX], &[SY]), DataError> {
        Ok((self.inputs()?, self.targets()?))
    }
}

impl<X, Y> Drop for Batch<X, Y> {
    fn drop(&mut self) {
        if let Some(pool) = self.home.take() {
            pool.give_back(take(&mut self.inputs), take(&mut self.targets));
        }
    }
}

impl<X: Clone, Y: Clone> Clone for Batch<X, Y> {
    /// The same samples, in memory of their own.
    fn clone(&self) -> Self {
        Batch {
            inputs: self.inputs.clone(),
            targets: self.targets.clone(),
            len: self.len,
            input_shape: Arc::clone(&self.input_shape),
            target_shape: Arc::clone(&self.target_shape),
            failed: self.failed.clone(),
            home: None,
        }
    }
}

impl<X: fmt::Debug, Y: fmt::Debug> fmt::Debug for Batch<X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.len)
            .field("input_shape", &self.input_shape)
            .field("target_shape", &self.target_shape)
            .field("inputs", &self.inputs)
            .field("targets", &self.targets)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl<X: PartialEq, Y: PartialEq> PartialEq for Batch<X, Y> {
    /// The same samples; one that could not be read equals none.
    fn eq(&self, other: &Self) -> bool {
        self.failed.is_none()
            && other.failed.is_none()
            && self.len == other.len
            && self.input_shape == other.input_shape
            && self.target_shape == other.target_shape
            && self.inputs == other.inputs
            && self.targets == other.targets
    }
}

/// How many samples of `shape` the elements are.
pub(super) fn samples(what: &'static str, elements: usize, shape: &[usize]) -> Result<usize, DataError> {
    let each: usize = shape.iter().product();
    if each == 0 {
        return Err(super::error::shape("shape of a sample", format!("{shape:?}"), "one with elements"));
    }
    if !elements.is_multiple_of(each) {
        return Err(super::error::shape(what, elements, format!("a multiple of {each}")));
    }
    Ok(elements / each)
}

fn typed<'a, T, S: Sample<T>>(
    what: &'static str,
    flat: &'a [T],
    shape: &[usize],
    len: usize,
) -> Result<&'a [S], DataError> {
    let found: usize = shape.iter().product();
    if found != S::LEN {
        return Err(super::error::shape(what, format!("{found}, shape {shape:?}"), S::LEN));
    }
    Ok(&S::from_flat(flat)[..len])
}
