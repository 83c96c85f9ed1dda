//! The loops of losses over a softmax: `ln p_c = x_c − m − ln Σ_k e^(x_k − m)`, with `m = max x`, so that logits of any
//! size give finite numbers.
//!
//! Positions (samples, or pixels of samples) are taken in blocks that stay in the cache nearest to the processor: the
//! exponentials of a block are written where its gradient will be, as one flat array whatever the number of classes.
//! They, their sums and logarithms are computed with the instruction set at hand, by kernels that all these losses and the
//! layers share; what a loss makes of them is a few operations per class, compiled once.

use super::*;
use crate::kernels::Axis;
use crate::kernels::softmax::{ROWS, SoftmaxKernels, Terms, block_rows};

/// How a sample's axes lie around the axis of the classes: `[outer, classes, inner]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    pub(super) outer: usize,
    pub(super) classes: usize,
    pub(super) inner: usize,
}

impl Axes {
    /// With the classes along axis `dim` of a batch of `shape` (the batch being axis 0).
    pub(super) fn of(loss: &'static str, shape: &[usize], dim: isize) -> Result<Axes, LossError> {
        Axes::find(shape, dim).ok_or_else(|| LossError::Shape {
            loss,
            shape: shape.to_vec(),
            expected: format!("classes along axis {dim} (the batch is axis 0)"),
        })
    }

    /// The same for a shape that has been checked.
    pub(super) fn of_checked(shape: &[usize], dim: isize) -> Axes {
        Axes::find(shape, dim).unwrap_or(Axes { outer: 1, classes: 1, inner: 0 })
    }

    fn find(shape: &[usize], dim: isize) -> Option<Axes> {
        let axis = check::class_axis(shape, dim)?;
        Some(Axes { outer: elements(&shape[..axis]), classes: shape[axis], inner: elements(&shape[axis + 1..]) })
    }

    /// The number of positions of one sample, each with a target of its own.
    pub(super) fn positions(&self) -> usize {
        self.outer * self.inner
    }
}

/// The softmax of one position: `ln p_c = x_c − shift − log_sum`, and `p_c` is the exponential times `inverse`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Softmax<T> {
    pub(super) shift: T,
    pub(super) log_sum: T,
    pub(super) inverse: T,
}

/// The classes of one position: every `stride`-th number from the start of `x` and `dx`.
pub(super) struct Position<'a, T> {
    /// The place among all positions at hand.
    pub(super) index: usize,
    /// The place of its first class among the outputs at hand.
    pub(super) start: usize,
    pub(super) stride: usize,
    pub(super) x: &'a [T],
    /// The exponentials; to become the gradient.
    pub(super) dx: &'a mut [T],
    pub(super) softmax: Softmax<T>,
}

/// What a loss does with a position once its softmax is known.
pub(super) trait Finish<T> {
    /// Puts the loss of the position where it belongs, and turns its exponentials into its gradient.
    /// `#[inline(always)]`, as is all that it calls.
    fn finish(&mut self, at: Position<'_, T>);
}

/// No gradient for the classes of a position.
#[inline(always)]
pub(super) fn clear<T: Math>(classes: usize, stride: usize, dx: &mut [T]) {
    for c in 0..classes {
        dx[c * stride] = T::ZERO;
    }
}

/// Finishes each position of `outputs`, in order.
#[inline(always)]
pub(super) fn each_position<T: Math + SoftmaxKernels>(
    axes: Axes,
    outputs: &[T],
    gradient: &mut [T],
    finish: &mut impl Finish<T>,
) {
    if axes.inner == 1 {
        rows_of_classes(axes.classes, outputs, gradient, finish);
    } else {
        planes_of_classes(axes, outputs, gradient, finish);
    }
}

/// The softmax of position `i` of a block.
#[inline(always)]
fn softmax<T: Copy>(terms: &Terms<T>, i: usize) -> Softmax<T> {
    Softmax { shift: terms.tops[i], log_sum: terms.log_sums[i], inverse: terms.inverses[i] }
}

/// The classes of a position lie side by side.
#[inline(always)]
fn rows_of_classes<T: Math + SoftmaxKernels>(
    classes: usize,
    outputs: &[T],
    gradient: &mut [T],
    finish: &mut impl Finish<T>,
) {
    let in_block = block_rows(classes);
    let mut terms = Terms::filled(T::ZERO);
    let blocks = outputs.chunks(in_block * classes).zip(gradient.chunks_mut(in_block * classes));
    for (block, (x, dx)) in blocks.enumerate() {
        dx.copy_from_slice(x);
        T::row_exponentials(classes, dx, &mut terms);
        let rows = x.chunks_exact(classes).zip(dx.chunks_exact_mut(classes));
        for (i, (x, dx)) in rows.enumerate() {
            let (index, softmax) = (block * in_block + i, softmax(&terms, i));
            finish.finish(Position { index, start: index * classes, stride: 1, x, dx, softmax });
        }
    }
}

/// The classes of a position lie `inner` elements apart: whole rows of positions are worked on at once.
#[inline(always)]
fn planes_of_classes<T: Math + SoftmaxKernels>(
    axes: Axes,
    outputs: &[T],
    gradient: &mut [T],
    finish: &mut impl Finish<T>,
) {
    let Axes { classes, inner, .. } = axes;
    let mut terms = Terms::filled(T::ZERO);
    let planes = outputs.chunks_exact(classes * inner).zip(gradient.chunks_exact_mut(classes * inner));
    for (plane, (x, dx)) in planes.enumerate() {
        dx.copy_from_slice(x);
        for first in (0..inner).step_by(ROWS) {
            let len = ROWS.min(inner - first);
            T::plane_exponentials(Axis { len: classes, inner }, first, len, dx, &mut terms);
            for i in 0..len {
                let (index, at) = (plane * inner + first + i, first + i);
                let start = plane * classes * inner + at;
                let softmax = softmax(&terms, i);
                finish.finish(Position { index, start, stride: inner, x: &x[at..], dx: &mut dx[at..], softmax });
            }
        }
    }
}
