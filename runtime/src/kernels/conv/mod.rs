//! Convolutions over one, two and three axes, and transposed ones.
//!
//! A value's channels lie side by side: a sample is `[L, C]`, `[H, W, C]` or `[D, H, W, C]`. The weight is stored
//! `[taps][in / groups][out]`, the taps of a kernel in the order of its axes; group g owns the g-th part of the columns.
//! Window o of an axis reads x̃[o·stride + t·dilation] with tap t, where x̃ is x with `padding` elements before it.
//!
//! | | formula | sum over, in this order |
//! |---|---|---|
//! | forward | y[o] = b + Σ x̃[o·s + t·d]·w[t] | taps, inputs of the group |
//! | gradient of the input | dx[i] = Σ dy[o]·w[t]ᵀ, where o·s + t·d = i + padding | taps from the last to the first, outputs of the group |
//! | gradient of the weight | dw[t] = Σ x̃[o·s + t·d]ᵀ·dy[o] | samples, windows |
//! | gradient of the bias | [`linear_backward_bias`](super::linear_backward_bias) | samples, windows |
//!
//! 3×3 windows of many channels are computed otherwise (`winograd.rs`), forward and for the gradient of the input. All else
//! is one chain of multiply-adds, fused where the instruction set can, that begins with the bias or with zero (with
//! strides, a transposed convolution's bias comes last). With padding other than zeros the gradient of the padded sample is
//! one, and then added up in each element that it was copied from. Where there are few input channels, the gradient of the input is the sum, in the order of windows, of chains over
//! outputs (`spread.rs`). A transposed convolution is the gradient of another one's input, and the other way round.
//!
//! They are products of matrices (`gemm/`) one of whose operands is never made: a block finds the elements of windows by
//! tables of places (`window.rs`). What is made of a sample is at most a copy with its padding; but what a part of the weight's
//! gradient needs of windows with many channels is laid out (`weight.rs`). Rows of a product are windows, of as many samples as
//! make a few dozen. Where each channel is a group of its own, the same blocks multiply registers of channels instead
//! (`Left::Channels`).
//!
//! # References
//! `torch.nn.Conv1d` to `Conv3d`, `torch.nn.ConvTranspose1d` to `ConvTranspose3d`.

mod forward;
mod input;
mod product;
mod shape;
mod spread;
mod weight;
mod window;
mod winograd;

pub(crate) use shape::Shape;
pub(in crate::kernels) use window::window_options;
pub use window::{Conv, Padding, Window};

use super::batch_norm::normalise;
use super::gemm::Epilogue;
use super::{Activation, Keeps, Span};
use crate::{Real, Update};

/// The loops behind this file's functions, on flat slices.
pub trait ConvKernels: spread::SpreadKernels + winograd::WinogradKernels {
    /// y = b + windows · w.
    fn conv_forward(shape: &Shape, x: &[Self], w: &[Self], b: &[Self], y: &mut [Self], then: Epilogue<'_, Self>);
    /// dx = b + what windows make of dy.
    fn conv_backward_input(
        shape: &Shape,
        dy: &[Self],
        w: &[Self],
        b: &[Self],
        dx: &mut [Self],
        then: Epilogue<'_, Self>,
    );
    /// dw = Σ windowsᵀ·dy, for the parameter at `(index, offset)`.
    fn conv_backward_weight(
        shape: &Shape,
        x: &[Self],
        dy: &[Self],
        parameter: (usize, usize),
        update: &mut Update<'_, Self>,
    ) where
        Self: Real;
}

macro_rules! conv_kernels {
    ($($t:ident)*) => { $(
        impl ConvKernels for $t {
            fn conv_forward(shape: &Shape, x: &[$t], w: &[$t], b: &[$t], y: &mut [$t], then: Epilogue<'_, $t>) {
                forward::forward(shape, x, w, b, y, then);
            }
            fn conv_backward_input(shape: &Shape, dy: &[$t], w: &[$t], b: &[$t], dx: &mut [$t], then: Epilogue<'_, $t>) {
                input::backward_input(shape, dy, w, b, dx, then);
            }
            fn conv_backward_weight(
                shape: &Shape, x: &[$t], dy: &[$t], parameter: (usize, usize), update: &mut Update<'_, $t>,
            ) {
                weight::backward_weight(shape, x, dy, parameter, update);
            }
        }
    )* };
}
conv_kernels!(f32 f64);

type Kernel<T> = fn(&Shape, &[T], &[T], &[T], &mut [T], Epilogue<'_, T>);

/// The kernel of a layer's forward pass.
#[inline]
fn along<T: Real, const D: usize>(conv: Conv<D>) -> Kernel<T> {
    if conv.transposed { T::conv_backward_input } else { T::conv_forward }
}

/// The kernel of the gradient of its input.
#[inline]
fn against<T: Real, const D: usize>(conv: Conv<D>) -> Kernel<T> {
    if conv.transposed { T::conv_forward } else { T::conv_backward_input }
}

/// y = b + windows of x · w; of a transposed convolution, y = b + what windows of y's shape, x in each, have of every element.
///
/// # Shapes
/// `x`: [N, input…, C], `weight`: [taps·C/groups, O], `bias`: `[O]` or nothing, `y`: [N, output…, O], where input and output
/// are those of `conv`'s window. Of a transposed convolution `x`: [N, output…, O], `bias`: `[C]` or nothing, `y`:
/// [N, input…, C].
///
/// # Panics
/// If shapes do not fit `conv`, the batches differ in length, `bias` is neither empty nor as long as there are channels, or a
/// transposed convolution has another padding than zeros.
///
/// # Example
/// ```
/// use glulam::kernels::{Conv, conv_forward};
/// // Differences of neighbours, and their sums, with a zero behind the last element.
/// let conv = Conv::new([3], [2]).output([3]);
/// let weight = [[-1.0f32, 1.0], [1.0, 1.0]];
/// let mut y = [[0.0; 6]];
/// conv_forward(conv, &[[1.0, 4.0, 9.0]], &weight, &[], &mut y);
/// assert_eq!(y, [[3.0, 5.0, 5.0, 13.0, -9.0, 9.0]]);
///
/// // Each element spread over two.
/// let conv = Conv::new([4], [2]).stride([2]).transposed();
/// let mut y = [[0.0; 4]];
/// conv_forward(conv, &[[1.0f32, 2.0]], &[[1.0], [10.0]], &[0.5], &mut y);
/// assert_eq!(y, [[1.5, 10.5, 2.5, 20.5]]);
/// ```
#[inline]
pub fn conv_forward<T: Real, const D: usize, const X: usize, const Y: usize, const K: usize, const O: usize>(
    conv: Conv<D>,
    x: &[[T; X]],
    weight: &[[T; O]; K],
    bias: &[T],
    y: &mut [[T; Y]],
) {
    forward_then(conv, x, weight, bias, None, &|_| (), y);
}

/// y = a(b + windows of x · w): for predictions, and for activations whose derivative is computed from their output. Shapes:
/// see [`conv_forward`].
///
/// The activation is applied to some rows at a time, while they are in the first-level cache.
#[inline]
pub fn conv_activation_forward<
    T: Real,
    const D: usize,
    const X: usize,
    const Y: usize,
    const K: usize,
    const O: usize,
>(
    conv: Conv<D>,
    x: &[[T; X]],
    weight: &[[T; O]; K],
    bias: &[T],
    activation: impl Activation<T>,
    y: &mut [[T; Y]],
) {
    forward_then(conv, x, weight, bias, None, &|y| activation.forward_in_place(y), y);
}

/// y = (b + windows of x · w) with its channels scaled and shifted: a batch norm of a prediction, as
/// [`batch_norm_predict`](super::batch_norm_predict) makes it. Shapes: see [`conv_forward`]; `norm`: 3 for each channel of y.
///
/// # Panics
/// As [`conv_forward`], and if `norm` has another length.
#[inline]
pub fn conv_norm_forward<T: Real, const D: usize, const X: usize, const Y: usize, const K: usize, const O: usize>(
    conv: Conv<D>,
    x: &[[T; X]],
    weight: &[[T; O]; K],
    bias: &[T],
    norm: &[T],
    y: &mut [[T; Y]],
) {
    forward_then(conv, x, weight, bias, Some(norm), &|_| (), y);
}

/// y = a(…) of the same. Panics as [`conv_norm_forward`].
#[inline]
pub fn conv_norm_activation_forward<
    T: Real,
    const D: usize,
    const X: usize,
    const Y: usize,
    const K: usize,
    const O: usize,
>(
    conv: Conv<D>,
    x: &[[T; X]],
    weight: &[[T; O]; K],
    bias: &[T],
    norm: &[T],
    activation: impl Activation<T>,
    y: &mut [[T; Y]],
) {
    forward_then(conv, x, weight, bias, Some(norm), &|y| activation.forward_in_place(y), y);
}

/// z = b + windows of x · w and y = a(z), for activations whose derivative is computed from their input. Shapes: see
/// [`conv_forward`].
#[inline]
pub fn conv_activation_forward_keep<
    T: Real,
    A: Activation<T>,
    const D: usize,
    const X: usize,
    const Y: usize,
    const K: usize,
    const O: usize,
>(
    conv: Conv<D>,
    x: &[[T; X]],
    weight: &[[T; O]; K],
    bias: &[T],
    activation: A,
    z: &mut [[T; Y]],
    y: &mut [[T; Y]],
) {
    const { assert!(matches!(A::KEEPS, Keeps::Input), "the derivative is computed from the output: z is of no use") }
    assert_eq!(z.len(), y.len(), "batches of different lengths");
    conv_forward(conv, x, weight, bias, z);
    activation.forward(z.as_flattened(), y.as_flattened_mut());
}

/// The gradient of the loss with respect to the input.
///
/// # Shapes
/// `dy`: [N, output…, O], `weight`: [taps·C/groups, O], `dx`: [N, input…, C]; of a transposed convolution `dy`:
/// [N, input…, C], `dx`: [N, output…, O].
///
/// # Panics
/// As [`conv_forward`].
#[inline]
pub fn conv_backward_input<T: Real, const D: usize, const X: usize, const Y: usize, const K: usize, const O: usize>(
    conv: Conv<D>,
    weight: &[[T; O]; K],
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    let shape = check(conv, (dx, dy), weight, &[]);
    let (dy, dx) = (dy.as_flattened(), dx.as_flattened_mut());
    against(conv)(&shape, dy, weight.as_flattened(), &[], dx, &|_, _| ());
}

/// The same times a'(kept), where a is the activation that made this layer's input, and `kept` what its derivative is
/// computed from. Shapes: see [`conv_backward_input`]; `kept` is like `dx`.
#[inline]
pub fn conv_activation_backward_input<
    T: Real,
    const D: usize,
    const X: usize,
    const Y: usize,
    const K: usize,
    const O: usize,
>(
    conv: Conv<D>,
    weight: &[[T; O]; K],
    dy: &[[T; Y]],
    activation: impl Activation<T>,
    kept: &[[T; X]],
    dx: &mut [[T; X]],
) {
    let shape = check(conv, (dx, dy), weight, &[]);
    assert_eq!(kept.len(), dx.len(), "batches of different lengths");
    let kept = kept.as_flattened();
    let then = |at: usize, d: &mut [T]| activation.backward(&kept[at..at + d.len()], d);
    let (dy, dx) = (dy.as_flattened(), dx.as_flattened_mut());
    against(conv)(&shape, dy, weight.as_flattened(), &[], dx, &then);
}

/// The gradient of the weight, summed over samples and their windows in order: those rows of the weight that `update` is
/// responsible for are handed to it, while they are in cache.
///
/// # Shapes
/// `x` and the weight as of [`conv_forward`], `dy` as y there.
///
/// # Panics
/// As [`conv_forward`].
#[inline]
pub fn conv_backward_weight<T: Real, const D: usize, const X: usize, const Y: usize, const K: usize, const O: usize>(
    conv: Conv<D>,
    x: &[[T; X]],
    dy: &[[T; Y]],
    weight: Span<K, O>,
    update: &mut Update<'_, T>,
) {
    assert_eq!(x.len(), dy.len(), "batches of different lengths");
    if !update.wants(weight.index) {
        return;
    }
    let shape = conv.shape(X, Y, K, O);
    let (x, dy) = (x.as_flattened(), dy.as_flattened());
    let (from, to) = if conv.transposed { (dy, x) } else { (x, dy) };
    T::conv_backward_weight(&shape, from, to, (weight.index, weight.offset), update);
}

/// The channels of the layer's y.
fn channels<const D: usize>(conv: Conv<D>, shape: &Shape) -> usize {
    if conv.transposed { shape.inputs } else { shape.outputs }
}

/// y = b + windows of x · w, then `norm` if there is one, then `then`: to some rows at a time, while they are in the
/// first-level cache.
#[inline]
fn forward_then<T: Real, const D: usize, const X: usize, const Y: usize, const K: usize, const O: usize>(
    conv: Conv<D>,
    x: &[[T; X]],
    weight: &[[T; O]; K],
    bias: &[T],
    norm: Option<&[T]>,
    then: &dyn Fn(&mut [T]),
    y: &mut [[T; Y]],
) {
    let shape = check(conv, (x, y), weight, bias);
    if let Some(norm) = norm {
        assert_eq!(norm.len(), 3 * channels(conv, &shape), "a norm of another number of channels");
    }
    let then = |_, y: &mut [T]| {
        if let Some(norm) = norm {
            normalise(norm, y);
        }
        then(y);
    };
    along(conv)(&shape, x.as_flattened(), weight.as_flattened(), bias, y.as_flattened_mut(), &then);
}

/// Checks the elements of a sample of the layer's x and of its y, and of a bias, against the convolution.
#[inline]
fn check<T: Real, const D: usize, const X: usize, const Y: usize, const K: usize, const O: usize>(
    conv: Conv<D>,
    (x, y): (&[[T; X]], &[[T; Y]]),
    _: &[[T; O]; K],
    bias: &[T],
) -> Shape {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    let shape = conv.shape(X, Y, K, O);
    let channels = channels(conv, &shape);
    assert!(bias.is_empty() || bias.len() == channels, "a bias of {} for {channels} channels", bias.len());
    shape
}

#[cfg(test)]
mod tests;
