//! What a step takes: a loader's batch, or samples and targets side by side.

use super::TrainError;
use crate::Real;
use crate::data::Batch;
use crate::network::{Network, Sample};

/// Inputs and targets of a training step for the network `N`: a [`Batch`] of a loader, or a pair of slices, vectors or
/// arrays. `Y` is the scalar of a target.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no batch for the network `{N}` and targets `{Y}`",
    note = "a step takes a loader's `&batch`, or a pair `(&inputs, &targets)` of slices, vectors or arrays"
)]
pub trait AsBatch<'a, T: Real, N: Network<T>, Y> {
    /// The inputs, one by one, and the targets, flat.
    ///
    /// # Errors
    /// Inputs with another number of scalars than the network takes.
    fn samples(self) -> Result<(&'a [N::Input], &'a [Y]), TrainError>;
}

impl<'a, T: Real, N: Network<T>, Y> AsBatch<'a, T, N, Y> for &'a Batch<N::InputScalar, Y> {
    fn samples(self) -> Result<(&'a [N::Input], &'a [Y]), TrainError> {
        self.check()?;
        // Only their number counts: 28 rows of 28 pixels are 784 numbers too.
        if self.input_shape.iter().product::<usize>() != <N::Input as Sample<N::InputScalar>>::LEN {
            let (found, expected) = (self.input_shape.to_vec(), N::INPUT_SHAPE.to_vec());
            return Err(TrainError::InputShape { found, expected });
        }
        Ok((N::Input::from_flat(&self.inputs), &self.targets))
    }
}

impl<'a, T, N, Y, A, B> AsBatch<'a, T, N, Y> for (&'a A, &'a B)
where
    T: Real,
    N: Network<T>,
    A: AsRef<[N::Input]> + ?Sized,
    B: AsRef<[Y]> + ?Sized,
{
    fn samples(self) -> Result<(&'a [N::Input], &'a [Y]), TrainError> {
        Ok((self.0.as_ref(), self.1.as_ref()))
    }
}
