//! Activations: element-wise functions without parameters, under PyTorch's names and with PyTorch's options.
//!
//! Each is a plain struct of its options with two formulas, its value and its gradient ([`Formula`]); the loops around
//! them are compiled once per scalar type and instruction set. Conventions at kinks are PyTorch's: the tests ask it.
//!
//! | file | what |
//! |---|---|
//! | `piecewise.rs` | made of straight lines: ReLU and its kin, the hard and the shrinking ones |
//! | `exponential.rs` | ELU and its kin |
//! | `smooth.rs` | made of exponentials everywhere: sigmoid, tanh, GELU and their kin |
//! | `channels.rs` | with a parameter, a random number or a gate: PReLU, RReLU, GLU |

mod channels;
mod exponential;
mod piecewise;
mod smooth;

use std::fmt::Debug;

pub(super) use channels::ChannelKernels;
pub use channels::{
    glu_backward, glu_forward, prelu_backward_input, prelu_backward_weight, prelu_forward, rrelu_backward,
    rrelu_forward,
};
pub use exponential::{CELU, ELU, SELU};
pub use piecewise::{
    Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, ReLU, ReLU6, Softshrink, Softsign, Threshold,
};
use smooth::{ErfGELU, TanhGELU};
pub use smooth::{GELU, LogSigmoid, Mish, SiLU, Sigmoid, Softplus, Tanh, Tanhshrink};

use crate::Real;
use crate::simd::math::Math;
use crate::simd::{Simd, multiversion};

/// What an activation's derivative is computed from, so what the forward pass must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Its input.
    Input,
    /// Its output; the input may be overwritten.
    Output,
}

/// An element-wise function and its derivative.
///
/// # Example
/// ```
/// use glulam::kernels::{Activation, Keeps, ReLU};
///
/// let (mut y, mut d) = ([-1.0, 0.0, 2.0], [5.0, 5.0, 5.0]);
/// ReLU.forward_in_place(&mut y);
/// assert_eq!(y, [0.0, 0.0, 2.0]);
/// // ReLU's derivative follows from its output.
/// assert_eq!(<ReLU as Activation<f64>>::KEEPS, Keeps::Output);
/// ReLU.backward(&y, &mut d);
/// assert_eq!(d, [0.0, 0.0, 5.0]);
/// ```
pub trait Activation<T>: Copy + Debug + Send + Sync {
    /// What [`backward`](Self::backward) is given.
    const KEEPS: Keeps;
    /// y = a(x).
    fn forward(&self, x: &[T], y: &mut [T]);
    /// y = a(y).
    fn forward_in_place(&self, y: &mut [T]);
    /// d *= a'(x), where `kept` is x or a(x), as [`KEEPS`](Self::KEEPS) says.
    fn backward(&self, kept: &[T], d: &mut [T]);
}

/// The value and the gradient of an activation at one element.
///
/// Both sides of a choice are computed and one selected, so that a loop over elements becomes vector instructions.
pub(crate) trait Formula: Copy {
    /// a(x).
    fn value<S: Simd, T: Math>(self, x: T) -> T;
    /// d·a'(x), from what the activation keeps: x or a(x).
    fn gradient<S: Simd, T: Math>(self, kept: T, d: T) -> T;
}

/// One copy's length in bytes, for what is copied and then worked on in place: well within the first-level cache.
const BLOCK_BYTES: usize = 8192;

/// dx = dy ⊙ a'(kept), where `kept` is what `activation` keeps.
#[inline]
pub fn activation_backward<T: Real, const X: usize>(
    activation: impl Activation<T>,
    kept: &[[T; X]],
    dy: &[[T; X]],
    dx: &mut [[T; X]],
) {
    let (kept, dy, dx) = (kept.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
    assert!(kept.len() == dy.len() && dy.len() == dx.len(), "batches of different lengths");
    let block = BLOCK_BYTES / size_of::<T>();
    for ((kept, dy), dx) in kept.chunks(block).zip(dy.chunks(block)).zip(dx.chunks_mut(block)) {
        dx.copy_from_slice(dy);
        activation.backward(kept, dx);
    }
}

/// d = d ⊙ a'(kept): the gradient after an activation becomes the one before it.
#[inline]
pub fn activation_backward_in_place<T: Real, const X: usize>(
    activation: impl Activation<T>,
    kept: &[[T; X]],
    d: &mut [[T; X]],
) {
    assert_eq!(kept.len(), d.len(), "batches of different lengths");
    activation.backward(kept.as_flattened(), d.as_flattened_mut());
}

/// y = a(x).
#[inline]
pub fn activation_forward<T: Real, const X: usize>(activation: impl Activation<T>, x: &[[T; X]], y: &mut [[T; X]]) {
    activation.forward(x.as_flattened(), y.as_flattened_mut());
}

#[inline(always)]
fn map<S: Simd, T: Math>(f: impl Formula, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f.value::<S, T>(x);
    }
}

#[inline(always)]
fn map_in_place<S: Simd, T: Math>(f: impl Formula, y: &mut [T]) {
    for y in y {
        *y = f.value::<S, T>(*y);
    }
}

#[inline(always)]
fn map_gradient<S: Simd, T: Math>(f: impl Formula, kept: &[T], d: &mut [T]) {
    for (d, &kept) in d.iter_mut().zip(kept) {
        *d = f.gradient::<S, T>(kept, *d);
    }
}

/// Makes the enum of all formulas and the bodies of its loops.
macro_rules! activations {
    ($($name:ident)*) => {
        /// Any activation, as the compiled loops take it.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum AnyActivation {
            $(
                #[doc = concat!("[`", stringify!($name), "`]")]
                $name($name),
            )*
        }

        #[inline(always)]
        fn forward_body<S: Simd, T: Math>(f: AnyActivation, x: &[T], y: &mut [T]) {
            match f {
                $( AnyActivation::$name(f) => map::<S, T>(f, x, y), )*
            }
        }

        #[inline(always)]
        fn forward_in_place_body<S: Simd, T: Math>(f: AnyActivation, y: &mut [T]) {
            match f {
                $( AnyActivation::$name(f) => map_in_place::<S, T>(f, y), )*
            }
        }

        #[inline(always)]
        fn backward_body<S: Simd, T: Math>(f: AnyActivation, kept: &[T], d: &mut [T]) {
            match f {
                $( AnyActivation::$name(f) => map_gradient::<S, T>(f, kept, d), )*
            }
        }

        $(
            impl From<$name> for AnyActivation {
                fn from(f: $name) -> Self {
                    AnyActivation::$name(f)
                }
            }
        )*
    };
}
activations! {
    ReLU ReLU6 LeakyReLU Hardsigmoid Hardtanh Hardswish Softsign Softshrink Hardshrink Threshold
    ELU SELU CELU
    Sigmoid Tanh ErfGELU TanhGELU SiLU Mish LogSigmoid Softplus Tanhshrink
}

/// The two kinds are two loops: a choice within one would be made for every element.
impl From<GELU> for AnyActivation {
    fn from(f: GELU) -> Self {
        if f.tanh { TanhGELU.into() } else { ErfGELU.into() }
    }
}

macro_rules! public_activations {
    ($($name:ident: $keeps:ident,)*) => { $(
        impl<T: Real> Activation<T> for $name {
            const KEEPS: Keeps = Keeps::$keeps;
            #[inline]
            fn forward(&self, x: &[T], y: &mut [T]) {
                assert_eq!(x.len(), y.len(), "input and output of different lengths");
                T::activation_forward((*self).into(), x, y);
            }
            #[inline]
            fn forward_in_place(&self, y: &mut [T]) {
                T::activation_forward_in_place((*self).into(), y);
            }
            #[inline]
            fn backward(&self, kept: &[T], d: &mut [T]) {
                assert_eq!(kept.len(), d.len(), "values and gradient of different lengths");
                T::activation_backward((*self).into(), kept, d);
            }
        }
    )* };
}
// What the formulas keep, right for every value of the options that PyTorch allows.
public_activations! {
    ReLU: Output, ReLU6: Output, LeakyReLU: Input, Hardsigmoid: Input, Hardtanh: Output, Hardswish: Input,
    Softsign: Output, Softshrink: Output, Hardshrink: Output, Threshold: Input,
    ELU: Input, SELU: Output, CELU: Input,
    Sigmoid: Output, Tanh: Output, GELU: Input, SiLU: Input, Mish: Input, LogSigmoid: Output, Softplus: Input,
    Tanhshrink: Input,
}

/// The loops behind [`Activation`], compiled in this crate.
pub trait ActivationKernels: Sized {
    /// y = a(x).
    fn activation_forward(f: AnyActivation, x: &[Self], y: &mut [Self]);
    /// y = a(y).
    fn activation_forward_in_place(f: AnyActivation, y: &mut [Self]);
    /// d *= a'.
    fn activation_backward(f: AnyActivation, kept: &[Self], d: &mut [Self]);
}

macro_rules! activation_kernels {
    ($($t:ident)*) => { $(
        impl ActivationKernels for $t {
            fn activation_forward(f: AnyActivation, x: &[$t], y: &mut [$t]) {
                multiversion! { fn run(f: AnyActivation, x: &[$t], y: &mut [$t]) = forward_body::<S, $t>; }
                run(f, x, y);
            }
            fn activation_forward_in_place(f: AnyActivation, y: &mut [$t]) {
                multiversion! { fn run(f: AnyActivation, y: &mut [$t]) = forward_in_place_body::<S, $t>; }
                run(f, y);
            }
            fn activation_backward(f: AnyActivation, kept: &[$t], d: &mut [$t]) {
                multiversion! { fn run(f: AnyActivation, kept: &[$t], d: &mut [$t]) = backward_body::<S, $t>; }
                run(f, kept, d);
            }
        }
    )* };
}
activation_kernels!(f32 f64);

#[cfg(test)]
mod tests;
