//! What optimizers that evaluate the loss several times in a step ask of the training loop.

use crate::{Gradients, Network, Real};

/// Parameters, and a way to evaluate the loss and its gradient at them.
pub(super) trait Objective<T: Real> {
    /// The flat array of parameters.
    fn parameters(&mut self) -> &mut [T];
    /// Evaluates the loss, and writes its gradient over `gradients`.
    fn evaluate(&mut self, gradients: &mut Gradients<T>) -> f64;
}

/// A model and PyTorch's closure.
pub(super) struct OfModel<'a, N, F> {
    pub(super) model: &'a mut N,
    pub(super) closure: F,
}

impl<T: Real, N: Network<T>, F: FnMut(&mut N, &mut Gradients<T>) -> T> Objective<T> for OfModel<'_, N, F> {
    fn parameters(&mut self) -> &mut [T] {
        &mut self.model.weights_mut().parameters
    }
    fn evaluate(&mut self, gradients: &mut Gradients<T>) -> f64 {
        gradients.zero();
        (self.closure)(self.model, gradients).to_f64()
    }
}

/// A flat array and a function of it.
pub(super) struct OfArray<'a, T, F> {
    pub(super) parameters: &'a mut [T],
    pub(super) closure: F,
}

impl<T: Real, F: FnMut(&[T], &mut [T]) -> T> Objective<T> for OfArray<'_, T, F> {
    fn parameters(&mut self) -> &mut [T] {
        self.parameters
    }
    fn evaluate(&mut self, gradients: &mut Gradients<T>) -> f64 {
        gradients.zero();
        (self.closure)(self.parameters, &mut gradients.0).to_f64()
    }
}
