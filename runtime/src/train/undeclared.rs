//! What stands for the loss of a trainer that was declared without one. Such a program does not compile; with this its
//! trainer has its methods all the same, so that one mistake gives one message.

use crate::Real;
use crate::loss::{Loss, LossError, Reduction, Rows};

/// A loss that nobody has declared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Undeclared;

impl Undeclared {
    /// The only one there is.
    pub const DEFAULT: Self = Undeclared;
}

impl<T: Real, Y: Copy> Loss<T, Y> for Undeclared {
    const NAME: &'static str = "Undeclared";

    fn reduction(&self) -> Reduction {
        Reduction::None
    }
    fn target_len(&self, _shape: &[usize]) -> usize {
        0
    }
    fn prepare(&self, _shape: &[usize], _samples: usize, _targets: &[Y]) -> Result<T, LossError> {
        Err(LossError::NotReduced("Undeclared"))
    }
    fn rows(&self, _rows: Rows<'_, T, Y>, _factor: T, _losses: &mut [T], _gradient: &mut [T]) {}
    fn unreduced_len(&self, _shape: &[usize]) -> usize {
        0
    }
    fn unreduced_rows(&self, _rows: Rows<'_, T, Y>, _upstream: &[T], _losses: &mut [T], _gradient: &mut [T]) {}
}
