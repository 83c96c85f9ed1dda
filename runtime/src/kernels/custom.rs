//! Layers of the users' own: their functions, which see one sample, called for many.

use super::Span;
use crate::layer::CustomLayer;
use crate::{Real, Update};

/// y of each sample.
#[inline]
pub(crate) fn custom_forward<T: Real, L: CustomLayer, const X: usize, const Y: usize>(
    layer: &L,
    parameters: &[T],
    x: &[[T; X]],
    y: &mut [[T; Y]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    for (x, y) in x.iter().zip(y) {
        layer.forward(parameters, x, y);
    }
}

/// dx of each sample.
#[inline]
pub(crate) fn custom_backward_input<T: Real, L: CustomLayer, const X: usize, const Y: usize>(
    layer: &L,
    parameters: &[T],
    x: &[[T; X]],
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    assert!(x.len() == dy.len() && x.len() == dx.len(), "batches of different lengths");
    for ((x, dy), dx) in x.iter().zip(dy).zip(dx) {
        layer.backward_input(parameters, x, dy, dx);
    }
}

/// The gradient of the parameters, summed over the samples of the whole batch in their order.
#[inline]
pub(crate) fn custom_backward_parameters<T: Real, L: CustomLayer, const X: usize, const Y: usize>(
    layer: &L,
    parameters: &[T],
    x: &[[T; X]],
    dy: &[[T; Y]],
    gradient: &mut [T],
) {
    assert_eq!(x.len(), dy.len(), "batches of different lengths");
    gradient.fill(T::ZERO);
    if L::PARAMETERS > 0 {
        for (x, dy) in x.iter().zip(dy) {
            layer.backward_parameters(parameters, x, dy, gradient);
        }
    }
}

/// Hands over the part of the gradient that is within the update's range.
#[inline]
pub fn custom_finish<T: Real, const P: usize>(gradient: &[T], parameters: Span<1, P>, update: &mut Update<'_, T>) {
    assert_eq!(gradient.len(), P, "another number of gradients than of parameters");
    update.finish_within(parameters.index, parameters.offset, gradient);
}
