//! The loss of one of several batches that make a step together. Each counts alike, whatever it weighs, as in PyTorch's
//! `(loss / n).backward()`; where fewer are there than were expected, [`Run::end_sum`](super::Run::end_sum) makes up for it.

use crate::Real;
use crate::network::RowLoss;

/// A loss divided by the number of batches whose gradients are added up: PyTorch's `(loss / n).backward()`.
pub struct Share<'a, T: Real> {
    loss: &'a dyn RowLoss<T>,
    batches: T,
}

impl<'a, T: Real> Share<'a, T> {
    /// `loss / batches`.
    pub fn of(loss: &'a dyn RowLoss<T>, batches: usize) -> Self {
        Share { loss, batches: T::from_f64(batches as f64) }
    }
}

impl<T: Real> RowLoss<T> for Share<'_, T> {
    /// The losses stay whole, to be reported; the gradients are those of the share.
    fn rows(&self, first_row: usize, outputs: &[T], losses: &mut [T], gradient: &mut [T]) {
        self.loss.rows(first_row, outputs, losses, gradient);
        T::scale(gradient, T::ONE / self.batches);
    }
}
