//! The loops of losses over a softmax: `ln p_c = x_c − m − ln Σ_k e^(x_k − m)`, with `m = max x`, so that logits of any
//! size give finite numbers.
//!
//! Positions (samples, or pixels of samples) are taken in blocks that stay in the cache nearest to the processor: the
//! exponentials of a block are written where its gradient will be, as one flat array whatever the number of classes.

use super::*;
use crate::kernels::softmax::{ROWS, block_rows, exponentials};

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
    fn finish<S: Simd>(&mut self, at: Position<'_, T>);
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
pub(super) fn each_position<S: Simd, T: Math>(
    axes: Axes,
    outputs: &[T],
    gradient: &mut [T],
    finish: &mut impl Finish<T>,
) {
    if axes.inner == 1 {
        rows_of_classes::<S, T>(axes.classes, outputs, gradient, finish);
    } else {
        planes_of_classes::<S, T>(axes, outputs, gradient, finish);
    }
}

/// The classes of a position lie side by side.
#[inline(always)]
fn rows_of_classes<S: Simd, T: Math>(classes: usize, outputs: &[T], gradient: &mut [T], finish: &mut impl Finish<T>) {
    let in_block = block_rows(classes);
    let (mut tops, mut sums) = ([T::ZERO; ROWS], [T::ONE; ROWS]);
    let blocks = outputs.chunks(in_block * classes).zip(gradient.chunks_mut(in_block * classes));
    for (block, (x, dx)) in blocks.enumerate() {
        exponentials::<S, T>(classes, x, dx, &mut tops, &mut sums);
        // Whole registers: what follows the last row is not read.
        let rows = (x.len() / classes).next_multiple_of(16);
        let (log_sums, inverses) = logarithms_and_inverses::<S, T>(&sums, rows);
        let rows = x.chunks_exact(classes).zip(dx.chunks_exact_mut(classes));
        for (i, (x, dx)) in rows.enumerate() {
            let softmax = Softmax { shift: tops[i], log_sum: log_sums[i], inverse: inverses[i] };
            let index = block * in_block + i;
            finish.finish::<S>(Position { index, start: index * classes, stride: 1, x, dx, softmax });
        }
    }
}

/// Of the first `rows` sums.
#[inline(always)]
fn logarithms_and_inverses<S: Simd, T: Math>(sums: &[T; ROWS], rows: usize) -> ([T; ROWS], [T; ROWS]) {
    let (mut logarithms, mut inverses) = ([T::ZERO; ROWS], [T::ONE; ROWS]);
    let results = logarithms[..rows].iter_mut().zip(&mut inverses[..rows]);
    for ((logarithm, inverse), &sum) in results.zip(sums) {
        (*logarithm, *inverse) = (sum.ln::<S>(), T::ONE / sum);
    }
    (logarithms, inverses)
}

/// The classes of a position lie `inner` elements apart: whole rows of positions are worked on at once.
#[inline(always)]
fn planes_of_classes<S: Simd, T: Math>(axes: Axes, outputs: &[T], gradient: &mut [T], finish: &mut impl Finish<T>) {
    let Axes { classes, inner, .. } = axes;
    let planes = outputs.chunks_exact(classes * inner).zip(gradient.chunks_exact_mut(classes * inner));
    for (plane, (x, dx)) in planes.enumerate() {
        for first in (0..inner).step_by(ROWS) {
            let len = ROWS.min(inner - first);
            let row = |c: usize| c * inner + first..c * inner + first + len;
            let mut tops = [T::ZERO; ROWS];
            tops[..len].copy_from_slice(&x[row(0)]);
            for c in 1..classes {
                for (top, &x) in tops.iter_mut().zip(&x[row(c)]) {
                    *top = if *top > x { *top } else { x };
                }
            }
            let mut sums = [T::ZERO; ROWS];
            for c in 0..classes {
                let operands = x[row(c)].iter().zip(&tops);
                for ((e, (&x, &top)), sum) in dx[row(c)].iter_mut().zip(operands).zip(&mut sums) {
                    *e = (x - top).exp::<S>();
                    *sum += *e;
                }
            }
            let (log_sums, inverses) = logarithms_and_inverses::<S, T>(&sums, len);
            for i in 0..len {
                let softmax = Softmax { shift: tops[i], log_sum: log_sums[i], inverse: inverses[i] };
                let (index, at) = (plane * inner + first + i, first + i);
                let start = plane * classes * inner + at;
                finish.finish::<S>(Position { index, start, stride: inner, x: &x[at..], dx: &mut dx[at..], softmax });
            }
        }
    }
}
