//! Parts of a dataset.

use std::sync::Arc;

use super::error::option;
use super::{DataError, Dataset};
use crate::rng::Generator;

/// Some samples of a dataset, in an order of their own. Made by [`Dataset::subset`] and [`random_split`].
#[derive(Clone, Debug, PartialEq)]
pub struct Subset<D> {
    dataset: D,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    pub(super) fn new(dataset: D, indices: Vec<usize>) -> Result<Self, DataError> {
        let len = dataset.len();
        match indices.iter().find(|&&index| index >= len) {
            Some(&index) => Err(DataError::Index { index, len }),
            None => Ok(Subset { dataset, indices }),
        }
    }

    /// The whole dataset.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// The places in the whole dataset.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Input = D::Input;
    type Target = D::Target;

    fn len(&self) -> usize {
        self.indices.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.dataset.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.dataset.target_shape()
    }
    fn read(&self, index: usize, input: &mut [D::Input], target: &mut [D::Target]) -> Result<(), DataError> {
        self.dataset.read(self.indices[index], input, target)
    }
    fn read_in(
        &self,
        epoch: u64,
        index: usize,
        input: &mut [D::Input],
        target: &mut [D::Target],
    ) -> Result<(), DataError> {
        self.dataset.read_in(epoch, self.indices[index], input, target)
    }
}

/// The sizes of the parts of a split: numbers of samples (`[50_000, 10_000]`), or fractions of the whole (`[0.8, 0.2]`).
pub trait Lengths {
    /// Something of each part: an array for an array of lengths, a vector for a slice.
    type Parts<P>;

    /// The sizes of the parts of `len` samples.
    ///
    /// # Errors
    /// Sizes that are not `len` together; fractions that are negative or not 1 together.
    fn lengths(&self, len: usize) -> Result<Self::Parts<usize>, DataError>;
    /// Makes the parts of their sizes, in their order.
    fn parts<P>(lengths: Self::Parts<usize>, part: impl FnMut(usize) -> P) -> Self::Parts<P>;
}

macro_rules! lengths {
    ($element:ty, $sizes:ident) => {
        impl<const N: usize> Lengths for [$element; N] {
            type Parts<P> = [P; N];
            fn lengths(&self, len: usize) -> Result<[usize; N], DataError> {
                let mut sizes = [0; N];
                $sizes(self, len, &mut sizes)?;
                Ok(sizes)
            }
            fn parts<P>(lengths: [usize; N], part: impl FnMut(usize) -> P) -> [P; N] {
                lengths.map(part)
            }
        }
        impl Lengths for &[$element] {
            type Parts<P> = Vec<P>;
            fn lengths(&self, len: usize) -> Result<Vec<usize>, DataError> {
                let mut sizes = vec![0; self.len()];
                $sizes(self, len, &mut sizes)?;
                Ok(sizes)
            }
            fn parts<P>(lengths: Vec<usize>, part: impl FnMut(usize) -> P) -> Vec<P> {
                lengths.into_iter().map(part).collect()
            }
        }
    };
}
lengths!(usize, counted);
lengths!(f64, of_fractions);

fn counted(lengths: &[usize], len: usize, sizes: &mut [usize]) -> Result<(), DataError> {
    let sum = lengths.iter().try_fold(0usize, |sum, &length| sum.checked_add(length));
    if sum != Some(len) {
        return Err(option("lengths", format!("{lengths:?}"), format!("{len} together")));
    }
    sizes.copy_from_slice(lengths);
    Ok(())
}

fn of_fractions(fractions: &[f64], len: usize, sizes: &mut [usize]) -> Result<(), DataError> {
    let sum: f64 = fractions.iter().sum();
    // A sum of decimals misses 1 by some rounding.
    let whole = (1.0 - 1e-9..=1.0 + 1e-9).contains(&sum);
    if !whole || !fractions.iter().all(|f| (0.0..=1.0).contains(f)) {
        return Err(option("fractions", format!("{fractions:?}"), "numbers of 0 to 1, 1 together"));
    }
    for (size, fraction) in sizes.iter_mut().zip(fractions) {
        *size = (len as f64 * fraction).floor() as usize;
    }
    // What is left over goes to the first parts, one sample each, as in PyTorch.
    let parts = sizes.len();
    for part in 0..len.saturating_sub(sizes.iter().sum()) {
        sizes[part % parts] += 1;
    }
    Ok(())
}

/// Splits a dataset at random into parts that have no sample in common.
///
/// # Errors
/// Lengths that are not the dataset's together; fractions that are negative or not 1 together.
///
/// # Example
/// ```
/// use glulam::data::{Dataset, TensorDataset, random_split};
/// use glulam::rng::Generator;
///
/// let dataset = TensorDataset::from_flat(vec![0.0f32; 10], &[1], vec![0i64; 10], &[])?;
/// let [train, validation] = random_split(dataset, [0.75, 0.25], &mut Generator::seed_from(42))?;
/// assert_eq!((train.len(), validation.len()), (8, 2));
/// # Ok::<(), glulam::data::DataError>(())
/// ```
///
/// # References
/// PyTorch's `random_split`: the same lengths, another order.
pub fn random_split<D: Dataset, L: Lengths>(
    dataset: D,
    lengths: L,
    generator: &mut Generator,
) -> Result<L::Parts<Subset<Arc<D>>>, DataError> {
    let lengths = lengths.lengths(dataset.len())?;
    let mut indices = generator.permutation(dataset.len());
    let dataset = Arc::new(dataset);
    // From the back: no index is moved twice.
    indices.reverse();
    Ok(L::parts(lengths, |length| {
        let mut part = indices.split_off(indices.len() - length);
        part.reverse();
        Subset { dataset: Arc::clone(&dataset), indices: part }
    }))
}
