//! Layers of your own, as good as the built-in ones.
//!
//! A type that implements [`CustomLayer`] stands in a declaration by its path, with its output shape:
//! `my::Scale => [64]`. Its arguments make the value: `my::Layer(7)` is the tuple struct, `my::Layer(size = 7)` the struct
//! with that field, `my::Layer::<3>` takes a constant.

use std::fmt::Debug;

use crate::Real;
use crate::init::Init;
use crate::kernels::{custom_backward_input, custom_backward_parameters, custom_forward};

/// A layer that `network!` does not know: a function of one sample, and its derivatives.
///
/// Samples come as flat slices, in row-major order. The methods are generic over the scalar, so that the network can be
/// cast to `f64` and its gradients checked against differences. They run for many samples, on several threads: what they
/// compute may depend on nothing but their arguments.
///
/// Its parameters are one flat array, `parameters` in the state dict (`3.parameters`), updated by the optimizer like any
/// weight.
///
/// # Example
/// A scale and a shift for each of `N` numbers, y = a ⊙ x + b:
///
/// ```
/// use glulam::prelude::*;
/// use glulam::init::Init;
/// use glulam::layer::CustomLayer;
///
/// #[derive(Clone, Copy, Debug)]
/// struct Scale<const N: usize>;
///
/// impl<const N: usize> CustomLayer for Scale<N> {
///     const PARAMETERS: usize = 2 * N;
///     const INIT: Init = Init::Uniform { a: 0.5, b: 1.5 };
///
///     fn forward<T: Real>(&self, parameters: &[T], x: &[T], y: &mut [T]) {
///         let (a, b) = parameters.split_at(N);
///         for i in 0..N {
///             y[i] = a[i] * x[i] + b[i];
///         }
///     }
///
///     fn backward_input<T: Real>(&self, parameters: &[T], _x: &[T], dy: &[T], dx: &mut [T]) {
///         for i in 0..N {
///             dx[i] = parameters[i] * dy[i];
///         }
///     }
///
///     fn backward_parameters<T: Real>(&self, _parameters: &[T], x: &[T], dy: &[T], gradient: &mut [T]) {
///         let (da, db) = gradient.split_at_mut(N);
///         for i in 0..N {
///             da[i] += dy[i] * x[i];
///             db[i] += dy[i];
///         }
///     }
/// }
///
/// network! { Net < Linear(3, 2) -> scale: Scale::<2> => [2] -> Linear(2, 1) > }
///
/// let mut net = Net::seeded(0);
/// net.params_mut().scale_parameters.copy_from_slice(&[2.0, 3.0, 0.5, 0.5]);
/// assert_eq!(Net::PARAMETERS, 8 + 4 + 3);
/// ```
///
/// # References
/// `torch.autograd.Function`, whose `backward` returns all gradients at once; here the two kinds are apart, since they
/// are computed in different phases of a step.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer of a network",
    label = "`glulam::layer::CustomLayer` is not implemented for it",
    note = "the documentation of `glulam::layer` shows a layer of one's own"
)]
pub trait CustomLayer: Copy + Debug + Send + Sync + 'static {
    /// The number of parameters, 0 for none.
    const PARAMETERS: usize;

    /// How the parameters of a new network begin.
    const INIT: Init = Init::ZEROS;

    /// Computes `y` of one sample. `y` holds anything before, and has to be filled.
    fn forward<T: Real>(&self, parameters: &[T], x: &[T], y: &mut [T]);

    /// Computes `dx`, the gradient of one sample's input, from `dy`, that of its output. `dx` has to be filled.
    fn backward_input<T: Real>(&self, parameters: &[T], x: &[T], dy: &[T], dx: &mut [T]);

    /// Adds one sample's gradient of the parameters to `gradient`. Never called for a layer without parameters.
    fn backward_parameters<T: Real>(&self, parameters: &[T], x: &[T], dy: &[T], gradient: &mut [T]) {
        let _ = (parameters, x, dy, gradient);
    }

    // What generated code calls: as methods, so that a type that is no layer is reported once, at its name.

    #[doc(hidden)]
    fn forward_rows<T: Real, const X: usize, const Y: usize>(&self, parameters: &[T], x: &[[T; X]], y: &mut [[T; Y]]) {
        custom_forward(self, parameters, x, y);
    }

    #[doc(hidden)]
    fn backward_input_rows<T: Real, const X: usize, const Y: usize>(
        &self,
        parameters: &[T],
        x: &[[T; X]],
        dy: &[[T; Y]],
        dx: &mut [[T; X]],
    ) {
        custom_backward_input(self, parameters, x, dy, dx);
    }

    #[doc(hidden)]
    fn backward_parameters_batch<T: Real, const X: usize, const Y: usize>(
        &self,
        parameters: &[T],
        x: &[[T; X]],
        dy: &[[T; Y]],
        gradient: &mut [T],
    ) {
        custom_backward_parameters(self, parameters, x, dy, gradient);
    }
}
