//! Sums, products and copies of whole values: residual connections, gates and forks.

use super::{Activation, Keeps};
use crate::Real;
use crate::simd::math::Math;
use crate::simd::{Simd, multiversion};

/// Elements that stay in the first-level cache.
const CHUNK: usize = 2048;

/// The loops behind this file's functions.
pub trait ElementwiseKernels: Sized {
    /// y = a + b.
    fn add_values(a: &[Self], b: &[Self], y: &mut [Self]);
    /// y = a ⊙ b.
    fn multiply_values(a: &[Self], b: &[Self], y: &mut [Self]);
    /// sum += d.
    fn accumulate_values(d: &[Self], sum: &mut [Self]);
}

/// y = a + b.
#[inline]
pub fn add<T: Real, const X: usize>(a: &[[T; X]], b: &[[T; X]], y: &mut [[T; X]]) {
    assert!(a.len() == b.len() && b.len() == y.len(), "batches of different lengths");
    T::add_values(a.as_flattened(), b.as_flattened(), y.as_flattened_mut());
}

/// y = f(a + b): for predictions, and for activations whose derivative is computed from their output.
///
/// The activation is applied to some elements at a time, while they are in the first-level cache.
#[inline]
pub fn add_activation<T: Real, const X: usize>(
    a: &[[T; X]],
    b: &[[T; X]],
    activation: impl Activation<T>,
    y: &mut [[T; X]],
) {
    assert!(a.len() == b.len() && b.len() == y.len(), "batches of different lengths");
    let (a, b) = (a.as_flattened().chunks(CHUNK), b.as_flattened().chunks(CHUNK));
    for ((a, b), y) in a.zip(b).zip(y.as_flattened_mut().chunks_mut(CHUNK)) {
        T::add_values(a, b, y);
        activation.forward_in_place(y);
    }
}

/// z = a + b and y = f(z), for activations whose derivative is computed from their input.
#[inline]
pub fn add_activation_keep<T: Real, A: Activation<T>, const X: usize>(
    a: &[[T; X]],
    b: &[[T; X]],
    activation: A,
    z: &mut [[T; X]],
    y: &mut [[T; X]],
) {
    const { assert!(matches!(A::KEEPS, Keeps::Input), "the derivative is computed from the output: z is of no use") }
    assert_eq!(z.len(), y.len(), "batches of different lengths");
    add(a, b, z);
    activation.forward(z.as_flattened(), y.as_flattened_mut());
}

/// y = a ⊙ b.
#[inline]
pub fn multiply<T: Real, const X: usize>(a: &[[T; X]], b: &[[T; X]], y: &mut [[T; X]]) {
    assert!(a.len() == b.len() && b.len() == y.len(), "batches of different lengths");
    T::multiply_values(a.as_flattened(), b.as_flattened(), y.as_flattened_mut());
}

/// sum += d: the gradients of a value that is used several times.
#[inline]
pub fn accumulate<T: Real, const X: usize>(d: &[[T; X]], sum: &mut [[T; X]]) {
    assert_eq!(d.len(), sum.len(), "batches of different lengths");
    T::accumulate_values(d.as_flattened(), sum.as_flattened_mut());
}

/// y = x.
#[inline]
pub fn copy<T: Real, const X: usize>(x: &[[T; X]], y: &mut [[T; X]]) {
    y.copy_from_slice(x);
}

#[inline(always)]
fn add_body<S: Simd, T: Math>(a: &[T], b: &[T], y: &mut [T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = a + b;
    }
}

#[inline(always)]
fn multiply_body<S: Simd, T: Math>(a: &[T], b: &[T], y: &mut [T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = a * b;
    }
}

#[inline(always)]
fn accumulate_body<S: Simd, T: Math>(d: &[T], sum: &mut [T]) {
    for (sum, &d) in sum.iter_mut().zip(d) {
        *sum += d;
    }
}

macro_rules! elementwise_kernels {
    ($($t:ident)*) => { $(
        impl ElementwiseKernels for $t {
            fn add_values(a: &[$t], b: &[$t], y: &mut [$t]) {
                multiversion! { fn run(a: &[$t], b: &[$t], y: &mut [$t]) = add_body::<S, $t>; }
                run(a, b, y);
            }
            fn multiply_values(a: &[$t], b: &[$t], y: &mut [$t]) {
                multiversion! { fn run(a: &[$t], b: &[$t], y: &mut [$t]) = multiply_body::<S, $t>; }
                run(a, b, y);
            }
            fn accumulate_values(d: &[$t], sum: &mut [$t]) {
                multiversion! { fn run(d: &[$t], sum: &mut [$t]) = accumulate_body::<S, $t>; }
                run(d, sum);
            }
        }
    )* };
}
elementwise_kernels!(f32 f64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;

    #[test]
    fn sums_and_copies_are_exact_at_any_length() {
        for isa in Isa::all() {
            isa.force(|| {
                for n in [1, 5, 16, 67] {
                    let a: Vec<[f32; 3]> = (0..n).map(|i| [i as f32, 0.5, -1.0]).collect();
                    let b: Vec<[f32; 3]> = (0..n).map(|i| [1.0, i as f32, 2.0]).collect();
                    let (mut y, mut z) = (vec![[0.0; 3]; n], vec![[0.0; 3]; n]);
                    add(&a, &b, &mut y);
                    copy(&a, &mut z);
                    accumulate(&b, &mut z);
                    let want: Vec<[f32; 3]> = (0..n).map(|i| [i as f32 + 1.0, i as f32 + 0.5, 1.0]).collect();
                    assert_eq!((&y, &z), (&want, &want), "{isa:?}, {n} rows");
                }
            });
        }
    }
}
