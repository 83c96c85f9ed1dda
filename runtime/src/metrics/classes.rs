//! Outputs with one score for each class: where the classes are, and which of them is predicted.

use super::{MetricError, check_lengths};
use crate::Real;

/// One sample of outputs, as `outer` × `classes` × `inner` scores, and a target for each `outer` × `inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axes {
    pub(super) outer: usize,
    pub(super) classes: usize,
    pub(super) inner: usize,
}

/// The place in a sample's shape of axis `dim`, which counts the batch as axis 0; negative ones count from the end.
const fn class_axis(shape: &[usize], dim: isize) -> Option<usize> {
    let axis = if dim < 0 { shape.len() as isize + dim } else { dim - 1 };
    if axis >= 0 && axis < shape.len() as isize { Some(axis as usize) } else { None }
}

/// Whether a sample has the axis `dim`, for constants.
pub(super) const fn misfit(shape: &[usize], dim: isize) -> Result<(), &'static str> {
    match class_axis(shape, dim) {
        Some(_) => Ok(()),
        None => Err("the metric's `dim` is no axis of the network's output (the batch is axis 0)"),
    }
}

/// The number of classes, for constants.
pub(super) const fn class_count(shape: &[usize], dim: isize) -> usize {
    match class_axis(shape, dim) {
        Some(axis) => shape[axis],
        None => 0,
    }
}

impl Axes {
    pub(super) fn of(metric: &'static str, shape: &[usize], dim: isize) -> Result<Axes, MetricError> {
        let Some(axis) = class_axis(shape, dim) else {
            let expected = format!("an axis of outputs of shape {shape:?} (the batch is axis 0)");
            return Err(MetricError::Option { metric, option: "dim", found: dim.to_string(), expected });
        };
        let product = |axes: &[usize]| axes.iter().product();
        Ok(Axes { outer: product(&shape[..axis]), classes: shape[axis], inner: product(&shape[axis + 1..]) })
    }
}

/// The scores of the classes at one position.
#[derive(Clone, Copy)]
pub(super) struct Scores<'a, T> {
    from: &'a [T],
    stride: usize,
    pub(super) classes: usize,
}

impl<T: Real> Scores<'_, T> {
    /// The score of a class.
    pub(super) fn of(&self, class: usize) -> T {
        self.from[class * self.stride]
    }

    /// The first class with the highest score; NaN counts as the highest, as in `torch.argmax`.
    pub(super) fn argmax(&self) -> usize {
        let mut best = 0;
        for class in 1..self.classes {
            if above(self.of(class), self.of(best)) {
                best = class;
            }
        }
        best
    }

    /// How many classes come before this one, when they are sorted from the highest score to the lowest.
    pub(super) fn rank(&self, class: usize) -> usize {
        let score = self.of(class);
        let before = |&other: &usize| above(self.of(other), score) || (other < class && !above(score, self.of(other)));
        (0..self.classes).filter(before).count()
    }
}

/// a > b, where NaN is above all numbers.
fn above<T: Real>(a: T, b: T) -> bool {
    a > b || (a.is_nan() && !b.is_nan())
}

/// Goes through all positions that are not ignored: their scores and their classes. All targets are checked first, so
/// that nothing is visited if one of them is wrong.
pub(super) fn each_position<T: Real>(
    metric: &'static str,
    (shape, dim): (&[usize], isize),
    outputs: &[T],
    targets: &[i64],
    ignore_index: i64,
    mut visit: impl FnMut(Scores<'_, T>, usize),
) -> Result<(), MetricError> {
    let Axes { outer, classes, inner } = Axes::of(metric, shape, dim)?;
    check_lengths(metric, shape, outputs.len(), targets.len(), outer * inner)?;
    let wrong = |&target: &i64| target != ignore_index && !(0..classes as i64).contains(&target);
    if let Some(index) = targets.iter().position(wrong) {
        return Err(MetricError::ClassOutOfRange { metric, index, found: targets[index], classes, ignore_index });
    }
    for (block, targets) in outputs.chunks_exact(classes * inner).zip(targets.chunks_exact(inner)) {
        for (place, &target) in targets.iter().enumerate() {
            if target != ignore_index {
                visit(Scores { from: &block[place..], stride: inner, classes }, target as usize);
            }
        }
    }
    Ok(())
}
