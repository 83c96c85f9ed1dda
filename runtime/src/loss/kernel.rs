//! What the loops of all losses share. They are compiled in this crate, for `f32` and `f64`, so that they are fast in a
//! user's debug build too: each loss writes its loops once, generic in the scalar, and a `concrete!` instantiates them.

use super::joint::JointKernel;
use super::*;

/// The loops of loss `L` with targets `Y`, for one scalar type. See [`Loss::rows`] and [`Loss::unreduced_rows`].
pub trait RowKernel<L, Y>: Sized {
    /// One number for each sample, scaled.
    fn rows(loss: &L, rows: Rows<'_, Self, Y>, factor: Self, losses: &mut [Self], gradient: &mut [Self]);
    /// One number for each element.
    fn unreduced(loss: &L, rows: Rows<'_, Self, Y>, upstream: &[Self], losses: &mut [Self], gradient: &mut [Self]);
}

/// The loops of all losses for one scalar type.
pub trait LossKernels:
    super::ctc::CtcKernels
    + super::distance::DistanceKernels
    + super::element::ElementKernels
    + JointKernel<CosineEmbeddingLoss, 2>
    + JointKernel<GaussianNLLLoss, 2>
    + JointKernel<MarginRankingLoss, 2>
    + RowKernel<BCELoss, Self>
    + RowKernel<BCEWithLogitsLoss, Self>
    + RowKernel<BinaryFocalLoss, Self>
    + RowKernel<CategoricalFocalLoss, i64>
    + RowKernel<CrossEntropyLoss, Self>
    + RowKernel<CrossEntropyLoss, i64>
    + RowKernel<DiceLoss, Self>
    + RowKernel<HingeEmbeddingLoss, Self>
    + RowKernel<HuberLoss, Self>
    + RowKernel<KLDivLoss, Self>
    + RowKernel<L1Loss, Self>
    + RowKernel<LogCoshLoss, Self>
    + RowKernel<MSELoss, Self>
    + RowKernel<MultiLabelMarginLoss, i64>
    + RowKernel<MultiLabelSoftMarginLoss, Self>
    + RowKernel<MultiMarginLoss, i64>
    + RowKernel<NLLLoss, i64>
    + RowKernel<PoissonNLLLoss, Self>
    + RowKernel<SmoothL1Loss, Self>
    + RowKernel<SoftMarginLoss, Self>
    + RowKernel<TverskyLoss, Self>
{
    /// The sum of `losses`, in an order that their number alone fixes.
    fn total(losses: &[Self]) -> Self;
    /// The place of the first number that is not in [`least`, `most`].
    fn first_outside(numbers: &[Self], least: Self, most: Self) -> Option<usize>;
    /// The place of the first negative number.
    fn first_negative(numbers: &[Self]) -> Option<usize>;
    /// The place of the first number that is neither 1 nor −1.
    fn first_not_sign(numbers: &[Self]) -> Option<usize>;
}

macro_rules! loss_kernels {
    ($($t:ident)*) => { $(
        impl LossKernels for $t {
            fn total(losses: &[Self]) -> Self {
                // In f64: the value of a large batch keeps its digits, and the gradient does not depend on it. Eight sums
                // at once, as each addition waits for the one before.
                let mut sums = [0.0; 8];
                let (chunks, rest) = losses.as_chunks::<8>();
                for chunk in chunks.iter().map(|chunk| &chunk[..]).chain([rest]) {
                    for (sum, &l) in sums.iter_mut().zip(chunk) {
                        *sum += f64::from(l);
                    }
                }
                sums.iter().sum::<f64>() as $t
            }
            fn first_outside(numbers: &[Self], least: Self, most: Self) -> Option<usize> {
                numbers.iter().position(|x| !(least..=most).contains(x))
            }
            fn first_negative(numbers: &[Self]) -> Option<usize> {
                numbers.iter().position(|&x| x < 0.0)
            }
            fn first_not_sign(numbers: &[Self]) -> Option<usize> {
                numbers.iter().position(|x| x.abs() != 1.0)
            }
        }
    )* };
}
loss_kernels!(f32 f64);

/// Where the loss of one position (a sample, or a pixel of it) goes, and what its gradient is to be multiplied with.
pub(super) trait Sink<T> {
    fn scale(&self, position: usize) -> T;
    fn put(&mut self, position: usize, loss: T);
}

/// Positions are summed for each sample, times a factor.
pub(super) struct Reduced<'a, T> {
    factor: T,
    per_sample: usize,
    losses: &'a mut [T],
}

impl<'a, T: Math> Reduced<'a, T> {
    #[inline(always)]
    pub(super) fn new(factor: T, per_sample: usize, losses: &'a mut [T]) -> Self {
        losses.fill(T::ZERO);
        Reduced { factor, per_sample, losses }
    }
}

impl<T: Math> Sink<T> for Reduced<'_, T> {
    #[inline(always)]
    fn scale(&self, _position: usize) -> T {
        self.factor
    }
    #[inline(always)]
    fn put(&mut self, position: usize, loss: T) {
        // A division by 1 is worth a test: it is the usual case, and takes longer than the rest.
        let sample = if self.per_sample == 1 { position } else { position / self.per_sample };
        self.losses[sample] += self.factor * loss;
    }
}

/// Positions stay apart, each with its upstream gradient.
pub(super) struct Each<'a, T> {
    pub(super) upstream: &'a [T],
    pub(super) losses: &'a mut [T],
}

impl<T: Math> Sink<T> for Each<'_, T> {
    #[inline(always)]
    fn scale(&self, position: usize) -> T {
        self.upstream[position]
    }
    #[inline(always)]
    fn put(&mut self, position: usize, loss: T) {
        self.losses[position] = loss;
    }
}

/// `d`, or zero where it is so small that products with it are subnormal numbers. Each of those costs a hundred cycles in
/// every kernel after this one, and a network that has learnt its data makes hardly any others.
#[inline(always)]
pub(super) fn flush<T: Math>(d: T) -> T {
    let tiny = T::MIN_POSITIVE * T::LARGE;
    if d.abs() < tiny { T::ZERO } else { d }
}

/// A loss whose number of losses follows from the shape of a sample.
pub(super) trait Positioned {
    /// See [`Loss::unreduced_len`].
    fn losses_len(&self, shape: &[usize]) -> usize;
}

/// What a loss knows of a batch before it sees the outputs; `Y` is the target's element.
pub(super) trait Batch<Y>: Positioned {
    /// See [`Loss::target_len`].
    fn target_len(&self, shape: &[usize]) -> usize;
    /// Checks a batch whose options are in their range, and counts what a mean divides by.
    fn count(&self, shape: &[usize], samples: usize, targets: &[Y]) -> Result<f64, LossError>;
    /// See [`Loss::check_outputs`].
    fn check_outputs<T: Real>(&self, _outputs: &[T]) -> Result<(), LossError> {
        Ok(())
    }
}

/// A loss of positions: samples, or places in a sample that have a target each.
pub(super) trait Positions<T, Y>: Positioned {
    /// Goes through the positions of `rows` in order: their losses go to `sink`, their gradients to `gradient`. (One
    /// function for sums and for single losses: a call for each position costs little, and compiling it twice much.)
    fn each(&self, rows: Rows<'_, T, Y>, sink: &mut dyn Sink<T>, gradient: &mut [T]);
}

/// Compiles the loops of a loss of [`Positions`] for pairs of scalar type and target type.
macro_rules! concrete {
    ($loss:ident, [$($t:ident $target:ident),*]) => { $(
        impl $crate::loss::kernel::RowKernel<$loss, $target> for $t {
            fn rows(
                loss: &$loss,
                rows: $crate::loss::Rows<'_, $t, $target>,
                factor: $t,
                losses: &mut [$t],
                gradient: &mut [$t],
            ) {
                use $crate::loss::kernel::{Positioned, Positions, Reduced};
                let per_sample = Positioned::losses_len(loss, rows.shape);
                Positions::each(loss, rows, &mut Reduced::new(factor, per_sample, losses), gradient);
            }
            fn unreduced(
                loss: &$loss,
                rows: $crate::loss::Rows<'_, $t, $target>,
                upstream: &[$t],
                losses: &mut [$t],
                gradient: &mut [$t],
            ) {
                use $crate::loss::kernel::{Each, Positions};
                Positions::each(loss, rows, &mut Each { upstream, losses }, gradient);
            }
        }
    )* };
}
pub(super) use concrete;

/// Implements [`Loss`] from a loss's `problem` (a constant function), its [`Batch`] and its [`RowKernel`].
macro_rules! implement {
    ($loss:ident, targets $target:ident, expects $expects:ident) => {
        impl<T: $crate::Real> $crate::loss::Loss<T, $target> for $loss {
            const NAME: &'static str = stringify!($loss);
            const EXPECTS: $crate::loss::Expects = $crate::loss::Expects::$expects;

            fn reduction(&self) -> $crate::loss::Reduction {
                self.reduction
            }
            fn target_len(&self, shape: &[usize]) -> usize {
                $crate::loss::kernel::Batch::<$target>::target_len(self, shape)
            }
            fn prepare(
                &self,
                shape: &[usize],
                samples: usize,
                targets: &[$target],
            ) -> Result<T, $crate::loss::LossError> {
                if let Some(problem) = self.problem() {
                    return Err(problem.error(stringify!($loss)));
                }
                let count = $crate::loss::kernel::Batch::<$target>::count(self, shape, samples, targets)?;
                Ok($crate::loss::kernel::factor(self.reduction, count, samples))
            }
            fn check_outputs(&self, outputs: &[T]) -> Result<(), $crate::loss::LossError> {
                $crate::loss::kernel::Batch::<$target>::check_outputs(self, outputs)
            }
            fn rows(&self, rows: $crate::loss::Rows<'_, T, $target>, factor: T, losses: &mut [T], gradient: &mut [T]) {
                <T as $crate::loss::kernel::RowKernel<$loss, $target>>::rows(self, rows, factor, losses, gradient);
            }
            fn unreduced_len(&self, shape: &[usize]) -> usize {
                $crate::loss::kernel::Positioned::losses_len(self, shape)
            }
            fn unreduced_rows(
                &self,
                rows: $crate::loss::Rows<'_, T, $target>,
                upstream: &[T],
                losses: &mut [T],
                gradient: &mut [T],
            ) {
                <T as $crate::loss::kernel::RowKernel<$loss, $target>>::unreduced(
                    self, rows, upstream, losses, gradient,
                );
            }
        }
    };
}
pub(super) use implement;

/// As many targets as expected.
pub(super) fn check_len(shape: &[usize], samples: usize, expected: usize, found: usize) -> Result<(), LossError> {
    if found == expected {
        return Ok(());
    }
    Err(LossError::TargetLength { found, expected, samples, shape: shape.to_vec() })
}

/// The factor of a mean over `count` terms, and of the other reductions.
pub(super) fn factor<T: Real>(reduction: Reduction, count: f64, samples: usize) -> T {
    T::from_f64(match reduction {
        Reduction::Mean => 1.0 / count,
        Reduction::BatchMean => 1.0 / samples as f64,
        Reduction::Sum | Reduction::None => 1.0,
    })
}

/// The sum of `f(0..len)`, in an order that the length alone fixes. `f` is called from one place only, so that it is
/// inlined and becomes vector instructions.
#[inline(always)]
pub(super) fn sum_of<T: Math>(len: usize, mut f: impl FnMut(usize) -> T) -> T {
    const BLOCK: usize = 64;
    let mut total = T::ZERO;
    for start in (0..len).step_by(BLOCK) {
        let mut block = [T::ZERO; BLOCK];
        let block = &mut block[..BLOCK.min(len - start)];
        for (i, value) in block.iter_mut().enumerate() {
            *value = f(start + i);
        }
        total += reduce::sum(block);
    }
    total
}
