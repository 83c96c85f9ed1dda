//! Distances of vectors, for triplet losses: [`PairwiseDistance`], and the trait for the user's own.

use std::fmt::Debug;

use super::check::Problem;
use super::kernel::sum_of;
use super::*;
use crate::simd::Portable;

/// A distance of two vectors, for [`TripletMarginWithDistanceLoss`](super::TripletMarginWithDistanceLoss).
pub trait Distance: Clone + Debug + PartialEq + Send + Sync {
    /// Whether the options are in their range.
    ///
    /// # Errors
    /// The first that is not, with what is allowed.
    fn check(&self) -> Result<(), LossError> {
        Ok(())
    }

    /// The distance of `a` and `b`.
    fn distance<T: Real>(&self, a: &[T], b: &[T]) -> T;

    /// Adds `by` times the derivative of the distance to `da` and `db`, given the distance itself.
    fn gradient<T: Real>(&self, a: &[T], b: &[T], distance: T, by: T, da: &mut [T], db: &mut [T]);
}

/// The p-norm of the difference, `‖a − b + ε‖_p = (Σ |a_i − b_i + ε|^p)^(1/p)`; the largest for `p = ∞`.
///
/// p is `p`, more than 0. ε is `eps`, a small number that keeps the derivative finite where the vectors are equal.
///
/// # Example
/// ```
/// use glulam::loss::{Distance, PairwiseDistance};
/// let manhattan = PairwiseDistance { p: 1.0, eps: 0.0 };
/// assert_eq!(manhattan.distance(&[1.0, 2.0], &[0.0, 0.0]), 3.0);
/// ```
///
/// # References
/// `torch.nn.PairwiseDistance`, with the derivatives of `torch.linalg.vector_norm`: 0 where the norm is, and shared
/// among the largest differences for `p = ∞`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairwiseDistance {
    /// The norm's degree.
    pub p: f64,
    /// Added to each difference.
    pub eps: f64,
}

impl PairwiseDistance {
    /// PyTorch's defaults: the Euclidean distance.
    pub const DEFAULT: Self = PairwiseDistance { p: 2.0, eps: 1e-6 };

    pub(super) const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.p > 0.0, "p", self.p, "more than 0")
    }
}

impl Distance for PairwiseDistance {
    fn check(&self) -> Result<(), LossError> {
        match self.problem() {
            Some(problem) => Err(problem.error("PairwiseDistance")),
            None => Ok(()),
        }
    }
    fn distance<T: Real>(&self, a: &[T], b: &[T]) -> T {
        T::distance(*self, a, b)
    }
    fn gradient<T: Real>(&self, a: &[T], b: &[T], distance: T, by: T, da: &mut [T], db: &mut [T]) {
        T::distance_gradient(*self, a, b, distance, by, da, db);
    }
}

/// The loops of [`PairwiseDistance`], for one scalar type.
pub trait DistanceKernels: Sized {
    /// See [`Distance::distance`].
    fn distance(options: PairwiseDistance, a: &[Self], b: &[Self]) -> Self;
    /// See [`Distance::gradient`].
    fn distance_gradient(
        options: PairwiseDistance,
        a: &[Self],
        b: &[Self],
        distance: Self,
        by: Self,
        da: &mut [Self],
        db: &mut [Self],
    );
}

macro_rules! distance_kernels {
    ($($t:ident)*) => { $(
        impl DistanceKernels for $t {
            fn distance(options: PairwiseDistance, a: &[$t], b: &[$t]) -> $t {
                norm(options, a, b)
            }
            fn distance_gradient(
                options: PairwiseDistance, a: &[$t], b: &[$t], distance: $t, by: $t, da: &mut [$t], db: &mut [$t],
            ) {
                norm_gradient(options, a, b, distance, by, da, db);
            }
        }
    )* };
}
distance_kernels!(f32 f64);

fn norm<T: Math>(options: PairwiseDistance, a: &[T], b: &[T]) -> T {
    let (p, eps, b) = (options.p, T::from_f64(options.eps), &b[..a.len()]);
    let size = |i: usize| (a[i] - b[i] + eps).abs();
    if p == 2.0 {
        sum_of(a.len(), |i| size(i) * size(i)).sqrt()
    } else if p == 1.0 {
        sum_of(a.len(), size)
    } else if p == f64::INFINITY {
        (0..a.len()).map(size).fold(T::ZERO, |m, x| if m >= x { m } else { x })
    } else {
        power(sum_of(a.len(), |i| power(size(i), p)), 1.0 / p)
    }
}

fn norm_gradient<T: Math>(options: PairwiseDistance, a: &[T], b: &[T], distance: T, by: T, da: &mut [T], db: &mut [T]) {
    if distance == T::ZERO {
        return;
    }
    let (p, eps) = (options.p, T::from_f64(options.eps));
    // The largest differences share the derivative among them.
    let largest = || (0..a.len()).filter(|&i| (a[i] - b[i] + eps).abs() == distance).count();
    let share = if p == f64::INFINITY { by / T::from_f64(largest() as f64) } else { by };
    for i in 0..a.len() {
        let d = a[i] - b[i] + eps;
        let ratio = d.abs() / distance;
        let slope = if d == T::ZERO {
            T::ZERO
        } else if p == 2.0 {
            ratio
        } else if p == 1.0 {
            T::ONE
        } else if p == f64::INFINITY {
            if d.abs() == distance { T::ONE } else { T::ZERO }
        } else {
            power(ratio, p - 1.0)
        };
        let step = share * slope.copysign(d);
        da[i] += step;
        db[i] += -step;
    }
}

/// x^p of a number that is not negative, for any p but 0.
fn power<T: Math>(x: T, p: f64) -> T {
    (T::from_f64(p) * x.ln::<Portable>()).exp::<Portable>()
}
