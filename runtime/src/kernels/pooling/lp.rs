//! Power averages: loops around those of averages, for every instruction set alike.

use super::{PoolKernels, Shape};
use crate::Real;
use crate::parallel::with_scratch;

/// x^p, signed: NaN for a negative number and a power that is not whole.
fn power<T: Real>(x: T, p: f64) -> T {
    match p {
        1.0 => x,
        2.0 => x * x,
        3.0 => x * x * x,
        0.5 => x.sqrt(),
        -1.0 => T::ONE / x,
        _ => T::from_f64(x.to_f64().powf(p)),
    }
}

/// y = (k·mean of x^p)^(1/p), where k is the number of cells of a window that is not cut.
pub(super) fn forward<T: Real + PoolKernels>(shape: &Shape, p: f64, x: &[T], y: &mut [T]) {
    let cells = T::from_f64(shape.window() as f64);
    with_scratch(shape.sample(), |powers: &mut [T]| {
        for (x, y) in x.chunks_exact(shape.sample()).zip(y.chunks_exact_mut(shape.result())) {
            for (power_of_x, &x) in powers.iter_mut().zip(x) {
                *power_of_x = power(x, p);
            }
            T::average_pool(shape, powers, y);
            for y in y {
                *y = power(*y * cells, 1.0 / p);
            }
        }
    });
}

/// dx = x^(p - 1)·Σ dy·y^(1 - p)·k/n over the windows that have it, of n cells. A window whose result is 0 passes nothing on,
/// as in PyTorch.
pub(super) fn backward<T: Real + PoolKernels>(shape: &Shape, p: f64, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    let cells = T::from_f64(shape.window() as f64);
    with_scratch(shape.result(), |gradient: &mut [T]| {
        let results = y.chunks_exact(shape.result()).zip(dy.chunks_exact(shape.result()));
        let samples = x.chunks_exact(shape.sample()).zip(dx.chunks_exact_mut(shape.sample()));
        for ((y, dy), (x, dx)) in results.zip(samples) {
            for ((gradient, &y), &dy) in gradient.iter_mut().zip(y).zip(dy) {
                *gradient = if y == T::ZERO { T::ZERO } else { dy * power(y, 1.0 - p) * cells };
            }
            T::average_pool_backward(shape, gradient, dx, &|_, _| ());
            for (dx, &x) in dx.iter_mut().zip(x) {
                *dx *= power(x, p - 1.0);
            }
        }
    });
}
