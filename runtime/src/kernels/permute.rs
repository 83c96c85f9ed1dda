//! The axes of a sample in another order: what shuffles pixels and channels.

use crate::Real;

/// The loops of this file, on flat slices.
pub trait PermuteKernels: Sized {
    /// y = x, with axes of these lengths, and so far apart in x.
    fn permute(lens: &[usize], strides: &[usize], sample: usize, x: &[Self], y: &mut [Self]);
}

macro_rules! permute_kernels {
    ($($t:ident)*) => { $(
        impl PermuteKernels for $t {
            fn permute(lens: &[usize], strides: &[usize], sample: usize, x: &[$t], y: &mut [$t]) {
                for (x, y) in x.chunks_exact(sample).zip(y.chunks_exact_mut(sample)) {
                    permute_sample(lens, strides, x, y);
                }
            }
        }
    )* };
}
permute_kernels!(f32 f64);

/// Samples with axes of lengths `dims` get them in another order: axis i of the result is axis `order[i]`.
///
/// # Panics
/// If the batches differ in length, a sample is not of these axes, or `order` lacks one of them.
///
/// # Example
/// ```
/// use glulam::kernels::permute;
/// let mut y = [[0.0; 6]];
/// permute([2, 3], [1, 0], &[[1.0f32, 2.0, 3.0, 10.0, 20.0, 30.0]], &mut y);
/// assert_eq!(y, [[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]]);
/// ```
#[inline]
pub fn permute<T: Real, const K: usize, const X: usize>(
    dims: [usize; K],
    order: [usize; K],
    x: &[[T; X]],
    y: &mut [[T; X]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    assert!(X > 0 && dims.iter().product::<usize>() == X, "samples of {X} elements with axes {dims:?}");
    assert!((0..K).all(|axis| order.contains(&axis)), "the order {order:?} of {K} axes");
    let mut strides = [1; K];
    for axis in (1..K).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    let (lens, strides) = (order.map(|axis| dims[axis]), order.map(|axis| strides[axis]));
    T::permute(&lens, &strides, X, x.as_flattened(), y.as_flattened_mut());
}

/// Axis by axis from the first one: the last is a line.
fn permute_sample<T: Real>(lens: &[usize], strides: &[usize], x: &[T], y: &mut [T]) {
    let (&[len, ref lens @ ..], &[stride, ref strides @ ..]) = (lens, strides) else {
        y.copy_from_slice(&x[..y.len()]);
        return;
    };
    if !lens.is_empty() {
        let part = y.len() / len;
        for (i, y) in y.chunks_exact_mut(part).enumerate() {
            permute_sample(lens, strides, &x[i * stride..], y);
        }
    } else if stride == 1 {
        y.copy_from_slice(&x[..len]);
    } else {
        for (y, &x) in y.iter_mut().zip(x.iter().step_by(stride)) {
            *y = x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_and_back() {
        const DIMS: [usize; 4] = [2, 3, 1, 5];
        let x: [[f64; 30]; 2] = std::array::from_fn(|n| std::array::from_fn(|i| (30 * n + i) as f64));
        let mut orders = 0;
        for code in 0..256 {
            let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6];
            if !(0..4).all(|axis| order.contains(&axis)) {
                continue;
            }
            orders += 1;
            let (mut y, mut back) = ([[0.0; 30]; 2], [[0.0; 30]; 2]);
            permute(DIMS, order, &x, &mut y);
            let dims = order.map(|axis| DIMS[axis]);
            for i in 0..30 {
                // The place of element i of the result, and of x.
                let mut at = [0; 4];
                let mut rest = i;
                for axis in (0..4).rev() {
                    at[order[axis]] = rest % dims[axis];
                    rest /= dims[axis];
                }
                let from = at.iter().zip(DIMS).fold(0, |from, (at, dim)| from * dim + at);
                assert_eq!([y[0][i], y[1][i]], [x[0][from], x[1][from]], "{order:?}");
            }
            let inverse = [0, 1, 2, 3].map(|axis| order.iter().position(|&o| o == axis).expect("it is there"));
            permute(dims, inverse, &y, &mut back);
            assert_eq!(back, x);
        }
        assert_eq!(orders, 24);
    }
}
