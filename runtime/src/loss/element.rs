//! Losses of one output and one target element each: the loops over rows, and what all of them have in common.

use super::kernel::{check_len, flush};
use super::*;

/// A loss that is a function of one output and one target.
pub(super) trait Element<T> {
    /// The loss of output `x` for target `y`, and its derivative with respect to `x`; `w` are the element's
    /// [`weights`](Self::weights). Without branches that a vector cannot take.
    fn element<S: Simd>(&self, x: T, y: T, w: [T; 2]) -> (T, T);

    /// The weights of elements, 1 where there are none.
    #[inline(always)]
    fn weights(&self) -> [&LossWeights; 2] {
        [&LossWeights::NONE; 2]
    }
}

/// What there is to check of a batch beside the number of its targets. A loss that all outputs fit says nothing of them.
pub(super) trait CheckTargets {
    /// Checks weights against the shape, and targets against their range.
    fn check_targets<T: Real>(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<(), LossError>;
    /// See [`Loss::check_outputs`].
    fn check_outputs<T: Real>(&self, _outputs: &[T]) -> Result<(), LossError> {
        Ok(())
    }
}

/// Elements that are worked on at a time: their losses, before they are summed, and their weights stay in the cache.
const BLOCK: usize = 256;

/// The losses and derivatives of at most [`BLOCK`] elements, the first of which is element `first` of the batch: what is
/// compiled for each loss.
#[inline(always)]
pub(super) fn map<S: Simd, T: Math, L: Element<T>>(
    loss: &L,
    first: usize,
    x: &[T],
    y: &[T],
    values: &mut [T],
    dx: &mut [T],
) {
    let n = x.len();
    let (y, values, dx) = (&y[..n], &mut values[..n], &mut dx[..n]);
    let weights = loss.weights();
    if weights.iter().all(|w| w.as_slice().is_none()) {
        for i in 0..n {
            (values[i], dx[i]) = loss.element::<S>(x[i], y[i], [T::ONE; 2]);
        }
        return;
    }
    let (mut w, mut v) = ([T::ONE; BLOCK], [T::ONE; BLOCK]);
    weights[0].fill_from(first, &mut w[..n]);
    weights[1].fill_from(first, &mut v[..n]);
    for i in 0..n {
        (values[i], dx[i]) = loss.element::<S>(x[i], y[i], [w[i], v[i]]);
    }
}

/// [`map`] of some loss.
pub(super) type Map<'a, T> = &'a dyn Fn(usize, &[T], &[T], &mut [T], &mut [T]);

/// What is shared by the loops of all element-wise losses for one scalar type.
pub trait ElementKernels: Sized {
    /// See [`RowKernel::rows`](super::kernel::RowKernel::rows).
    fn element_rows(
        map: Map<'_, Self>,
        rows: Rows<'_, Self, Self>,
        factor: Self,
        losses: &mut [Self],
        gradient: &mut [Self],
    );
}

/// Σ over each sample, times `factor`.
///
/// The elements of several short samples are worked on in one go. The blocks begin where samples do, so that a sum has
/// the same order wherever a share of the batch begins.
#[inline(always)]
fn rows_body<S: Simd, T: Math>(map: Map<'_, T>, rows: Rows<'_, T, T>, factor: T, losses: &mut [T], gradient: &mut [T]) {
    let len = elements(rows.shape);
    let first = rows.first * len;
    losses.fill(T::ZERO);
    let block = if len <= BLOCK { BLOCK / len * len } else { len };
    let samples = rows.outputs.chunks(block).zip(rows.targets.chunks(block)).zip(gradient.chunks_mut(block));
    for (i, ((x, y), dx)) in samples.enumerate() {
        for part in (0..x.len()).step_by(BLOCK) {
            let end = x.len().min(part + BLOCK);
            let mut values = [T::ZERO; BLOCK];
            let values = &mut values[..end - part];
            let at = i * block + part;
            map(first + at, &x[part..end], &y[part..end], values, &mut dx[part..end]);
            for dx in &mut dx[part..end] {
                *dx = flush(factor * *dx);
            }
            if len == 1 {
                for (sum, &value) in losses[at..].iter_mut().zip(&*values) {
                    *sum = factor * value;
                }
            } else {
                for (sum, values) in losses[at / len..].iter_mut().zip(values.chunks(len)) {
                    *sum += factor * reduce::sum(values);
                }
            }
        }
    }
}

/// Each element for itself.
pub(super) fn unreduced<T: Math>(
    map: Map<'_, T>,
    rows: Rows<'_, T, T>,
    upstream: &[T],
    losses: &mut [T],
    gradient: &mut [T],
) {
    let first = rows.first * elements(rows.shape);
    let inputs = rows.outputs.chunks(BLOCK).zip(rows.targets.chunks(BLOCK)).zip(upstream.chunks(BLOCK));
    let results = losses.chunks_mut(BLOCK).zip(gradient.chunks_mut(BLOCK));
    for (i, (((x, y), upstream), (values, dx))) in inputs.zip(results).enumerate() {
        map(first + i * BLOCK, x, y, values, dx);
        for (dx, &upstream) in dx.iter_mut().zip(upstream) {
            *dx = upstream * *dx;
        }
    }
}

macro_rules! element_kernels {
    ($($t:ident $rows:ident),*) => {
        crate::simd::multiversion! { $(
            fn $rows(map: Map<'_, $t>, rows: Rows<'_, $t, $t>, factor: $t, losses: &mut [$t], gradient: &mut [$t])
                = rows_body::<S, $t>;
        )* }
        $(impl ElementKernels for $t {
            fn element_rows(
                map: Map<'_, $t>,
                rows: Rows<'_, $t, $t>,
                factor: $t,
                losses: &mut [$t],
                gradient: &mut [$t],
            ) {
                $rows(map, rows, factor, losses, gradient);
            }
        })*
    };
}
element_kernels!(f32 rows_f32, f64 rows_f64);

/// [`Batch::count`](super::kernel::Batch::count) of an element-wise loss: a target for each output.
pub(super) fn count<T: Real>(
    loss: &impl CheckTargets,
    shape: &[usize],
    samples: usize,
    targets: &[T],
) -> Result<f64, LossError> {
    let expected = samples * elements(shape);
    check_len(shape, samples, expected, targets.len())?;
    loss.check_targets(shape, samples, targets)?;
    Ok(expected as f64)
}

/// Implements [`Loss`] for an element-wise loss, from its `problem` (a constant function), its [`Element`], and its
/// [`CheckTargets`] if it says `checked`.
macro_rules! element_wise {
    ($speed:ident $loss:ident, expects $expects:ident) => {
        impl $crate::loss::element::CheckTargets for $loss {
            fn check_targets<T: $crate::Real>(
                &self,
                _shape: &[usize],
                _samples: usize,
                _targets: &[T],
            ) -> Result<(), $crate::loss::LossError> {
                Ok(())
            }
        }
        $crate::loss::element::element_wise!($speed $loss, expects $expects, checked);
    };
    ($speed:ident $loss:ident, expects $expects:ident, checked) => {
        impl $crate::loss::kernel::Positioned for $loss {
            fn losses_len(&self, shape: &[usize]) -> usize {
                $crate::loss::elements(shape)
            }
        }
        impl<T: $crate::Real> $crate::loss::kernel::Batch<T> for $loss {
            fn target_len(&self, shape: &[usize]) -> usize {
                $crate::loss::elements(shape)
            }
            fn count(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<f64, $crate::loss::LossError> {
                $crate::loss::element::count(self, shape, samples, targets)
            }
            fn check_outputs<R: $crate::Real>(&self, outputs: &[R]) -> Result<(), $crate::loss::LossError> {
                $crate::loss::element::CheckTargets::check_outputs(self, outputs)
            }
        }
        $crate::loss::element::concrete!($speed $loss, [f32 f64]);
        $crate::loss::kernel::implement!($loss, targets T, expects $expects);
    };
}
pub(super) use element_wise;

/// Compiles the [`map`] of a loss for some scalar types.
///
/// `vector` compiles it for each instruction set that `multiversion!` has for the scalar. Only the losses that large
/// batches are trained with say so, as each version takes the compiler some time; the others are `portable`.
macro_rules! concrete {
    ($speed:ident $loss:ident, [$($t:ident)*]) => { $(
        const _: () = {
            use $crate::loss::Rows;
            use $crate::loss::element::{ElementKernels, map, unreduced};

            $crate::loss::element::$speed! {
                fn run(loss: &$loss, first: usize, x: &[$t], y: &[$t], values: &mut [$t], dx: &mut [$t])
                    = map::<S, $t, $loss>;
            }
            fn map_of(loss: &$loss) -> impl Fn(usize, &[$t], &[$t], &mut [$t], &mut [$t]) {
                move |first, x, y, values, dx| run(loss, first, x, y, values, dx)
            }
            impl $crate::loss::kernel::RowKernel<$loss, $t> for $t {
                fn rows(loss: &$loss, rows: Rows<'_, $t, $t>, factor: $t, losses: &mut [$t], gradient: &mut [$t]) {
                    <$t>::element_rows(&map_of(loss), rows, factor, losses, gradient);
                }
                fn unreduced(
                    loss: &$loss,
                    rows: Rows<'_, $t, $t>,
                    upstream: &[$t],
                    losses: &mut [$t],
                    gradient: &mut [$t],
                ) {
                    unreduced(&map_of(loss), rows, upstream, losses, gradient);
                }
            }
        };
    )* };
}
pub(super) use concrete;

/// A function with a version for each instruction set.
pub(super) use crate::simd::multiversion as vector;

/// A function with one version.
macro_rules! portable {
    (fn $name:ident($($arg:ident: $ty:ty),*) = $body:ident::<S $(, $param:ident)*>;) => {
        #[inline(never)]
        fn $name($($arg: $ty),*) {
            $body::<$crate::simd::Portable $(, $param)*>($($arg),*);
        }
    };
}
pub(super) use portable;
