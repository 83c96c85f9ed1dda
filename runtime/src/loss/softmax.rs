//! The loops of losses over a softmax: `ln p_c = x_c − m − ln Σ_k e^(x_k − m)`, with `m = max x`, so that logits of any
//! size give finite numbers.
//!
//! Positions (samples, or pixels of samples) are taken in blocks that stay in the cache nearest to the processor: the
//! exponentials of a block are written where its gradient will be, as one flat array whatever the number of classes.

use super::*;

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
        match check::class_axis(shape, dim) {
            Some(axis) => {
                Ok(Axes { outer: elements(&shape[..axis]), classes: shape[axis], inner: elements(&shape[axis + 1..]) })
            }
            None => Err(LossError::Shape {
                loss,
                shape: shape.to_vec(),
                expected: format!("classes along axis {dim} (the batch is axis 0)"),
            }),
        }
    }

    /// The same for a shape that has been checked.
    pub(super) fn of_checked(shape: &[usize], dim: isize) -> Axes {
        Axes::of("", shape, dim).unwrap_or(Axes { outer: 1, classes: 1, inner: 0 })
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

impl<T: Real> Position<'_, T> {
    /// No gradient.
    #[inline(always)]
    pub(super) fn clear(self, classes: usize) {
        for c in 0..classes {
            self.dx[c * self.stride] = T::ZERO;
        }
    }
}

/// Positions in a block: as many as have an accumulator on the stack.
const BLOCK_POSITIONS: usize = 64;
/// Elements in a block: 4 KiB of `f32` outputs and as much gradient stay in a first-level cache.
const BLOCK_ELEMENTS: usize = 1024;

/// Calls `finish` for each position of `outputs`, in order.
#[inline(always)]
pub(super) fn each_position<T: Real>(
    axes: Axes,
    outputs: &[T],
    gradient: &mut [T],
    mut finish: impl FnMut(Position<'_, T>),
) {
    if axes.inner == 1 {
        rows_of_classes(axes.classes, outputs, gradient, &mut finish);
    } else {
        planes_of_classes(axes, outputs, gradient, &mut finish);
    }
}

/// The classes of a position lie side by side.
#[inline(always)]
fn rows_of_classes<T: Real>(
    classes: usize,
    outputs: &[T],
    gradient: &mut [T],
    finish: &mut impl FnMut(Position<'_, T>),
) {
    let in_block = (BLOCK_ELEMENTS / classes).clamp(1, BLOCK_POSITIONS);
    let blocks = outputs.chunks(in_block * classes).zip(gradient.chunks_mut(in_block * classes));
    for (block, (x, dx)) in blocks.enumerate() {
        let mut shifts = [T::ZERO; BLOCK_POSITIONS];
        let rows = x.chunks_exact(classes).zip(dx.chunks_exact_mut(classes));
        for ((x, dx), shift) in rows.zip(&mut shifts) {
            *shift = largest(x);
            for (e, &x) in dx.iter_mut().zip(x) {
                *e = x - *shift;
            }
        }
        exp(dx);
        let rows = x.chunks_exact(classes).zip(dx.chunks_exact_mut(classes));
        for (i, (x, dx)) in rows.enumerate() {
            let sum = kernel::lane_sum(classes, |c| dx[c]);
            let softmax = Softmax { shift: shifts[i], log_sum: sum.ln(), inverse: T::ONE / sum };
            let index = block * in_block + i;
            finish(Position { index, start: index * classes, stride: 1, x, dx, softmax });
        }
    }
}

/// The classes of a position lie `inner` elements apart: whole rows of positions are worked on at once.
#[inline(always)]
fn planes_of_classes<T: Real>(axes: Axes, outputs: &[T], gradient: &mut [T], finish: &mut impl FnMut(Position<'_, T>)) {
    let Axes { classes, inner, .. } = axes;
    let planes = outputs.chunks_exact(classes * inner).zip(gradient.chunks_exact_mut(classes * inner));
    for (plane, (x, dx)) in planes.enumerate() {
        for first in (0..inner).step_by(BLOCK_POSITIONS) {
            let len = BLOCK_POSITIONS.min(inner - first);
            let row = |c: usize| c * inner + first..c * inner + first + len;
            let mut shifts = [T::ZERO; BLOCK_POSITIONS];
            shifts[..len].copy_from_slice(&x[row(0)]);
            for c in 1..classes {
                for (shift, &x) in shifts.iter_mut().zip(&x[row(c)]) {
                    *shift = if x > *shift { x } else { *shift };
                }
            }
            let mut sums = [T::ZERO; BLOCK_POSITIONS];
            for c in 0..classes {
                let dx = &mut dx[row(c)];
                for ((e, &x), &shift) in dx.iter_mut().zip(&x[row(c)]).zip(&shifts) {
                    *e = x - shift;
                }
                exp(dx);
                for (sum, &e) in sums.iter_mut().zip(&*dx) {
                    *sum += e;
                }
            }
            for i in 0..len {
                let softmax = Softmax { shift: shifts[i], log_sum: sums[i].ln(), inverse: T::ONE / sums[i] };
                let (index, at) = (plane * inner + first + i, first + i);
                let start = plane * classes * inner + at;
                finish(Position { index, start, stride: inner, x: &x[at..], dx: &mut dx[at..], softmax });
            }
        }
    }
}

/// The largest number; a NaN shows in what is computed with it.
#[inline(always)]
fn largest<T: Real>(x: &[T]) -> T {
    const LANES: usize = 8;
    let mut lanes = [x[0]; LANES];
    let (whole, tail) = x.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().chain(tail).fold(x[0], |m, &x| if x > m { x } else { m })
}

/// e to the power of each element, in place.
#[inline(always)]
fn exp<T: Real>(x: &mut [T]) {
    for x in x {
        *x = x.exp();
    }
}
