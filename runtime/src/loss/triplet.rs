//! [`TripletMarginLoss`] and [`TripletMarginWithDistanceLoss`]: nearer to the one than to the other.

use super::check::Problem;
use super::distance::{Distance, PairwiseDistance};
use super::joint::{self, Flow, Input, Joint};
use super::*;

/// A vector is to be nearer to one of its kind than to another, by a margin:
/// `L = max(0, d(a, p) − d(a, n) + m)`, with `d(u, v) = ‖u − v + ε‖_p`.
///
/// `a` is the anchor, `p` a vector of its kind (positive), `n` one of another kind (negative), all put out by the same
/// network; m is `margin`, more than 0. With `swap` the smaller of `d(a, n)` and `d(p, n)` counts.
///
/// # Shapes
/// `a`, `p` and `n: [N, D]`.
///
/// # Example
/// ```
/// use glulam::loss::{Input, TripletMarginLoss};
/// let (mut da, mut dp, mut dn) = ([0.0; 2], [0.0; 2], [0.0; 2]);
/// let anchor = Input::new(1, &[0.0, 0.0], &mut da);
/// let positive = Input::new(1, &[1.0, 0.0], &mut dp);
/// let negative = Input::new(1, &[0.0, 1.5], &mut dn);
/// let loss = TripletMarginLoss::DEFAULT.forward(anchor, positive, negative).unwrap();
/// assert!((loss - 0.5_f64).abs() < 1e-5);
/// ```
///
/// # References
/// `torch.nn.TripletMarginLoss`; Balntas et al. 2016, "Learning local feature descriptors with triplets and shallow
/// convolutional neural networks". The derivative at the kink is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripletMarginLoss {
    /// By how much the positive is to be nearer.
    pub margin: f64,
    /// The degree of the distance's norm; more than 0, `f64::INFINITY` for the largest difference.
    pub p: f64,
    /// Added to each difference.
    pub eps: f64,
    /// Take the distance of positive and negative where it is smaller than that of anchor and negative.
    pub swap: bool,
    /// How the losses of all triplets become one number.
    pub reduction: Reduction,
}

impl TripletMarginLoss {
    /// PyTorch's defaults: a margin of 1, the Euclidean distance, no swap, the mean.
    pub const DEFAULT: Self =
        TripletMarginLoss { margin: 1.0, p: 2.0, eps: 1e-6, swap: false, reduction: Reduction::Mean };

    joint::assertions!("TripletMarginLoss");

    /// The loss of a batch; the gradient of each input goes to its place. No allocation.
    ///
    /// # Errors
    /// [`LossError`] for options out of their range, inputs of different lengths, a reduction of `None`, a mean over
    /// nothing.
    pub fn forward<'a, T: Real>(
        &self,
        anchor: impl Into<Input<'a, T>>,
        positive: impl Into<Input<'a, T>>,
        negative: impl Into<Input<'a, T>>,
    ) -> Result<T, LossError> {
        let distance = PairwiseDistance { p: self.p, eps: self.eps };
        self.triplets(&distance)?.forward(self.reduction, anchor.into(), positive.into(), negative.into())
    }

    /// The loss of each triplet, and the gradients for `upstream`, the gradient flowing into each.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward) but for the reduction.
    ///
    /// # Panics
    /// If `upstream` or `losses` have a wrong length.
    pub fn unreduced<'a, T: Real>(
        &self,
        anchor: impl Into<Input<'a, T>>,
        positive: impl Into<Input<'a, T>>,
        negative: impl Into<Input<'a, T>>,
        upstream: &[T],
        losses: &mut [T],
    ) -> Result<(), LossError> {
        let distance = PairwiseDistance { p: self.p, eps: self.eps };
        self.triplets(&distance)?.unreduced(anchor.into(), positive.into(), negative.into(), upstream, losses)
    }

    fn triplets<'d>(&self, distance: &'d PairwiseDistance) -> Result<Triplets<'d, PairwiseDistance>, LossError> {
        match self.problem() {
            Some(problem) => Err(problem.error("TripletMarginLoss")),
            None => Ok(Triplets { name: "TripletMarginLoss", distance, margin: self.margin, swap: self.swap }),
        }
    }

    const fn problem(&self) -> Option<Problem> {
        if let Some(problem) = check_margin(self.margin) {
            return Some(problem);
        }
        PairwiseDistance { p: self.p, eps: self.eps }.problem()
    }
}

/// [`TripletMarginLoss`] with a distance of the user's own: `L = max(0, d(a, p) − d(a, n) + m)`.
///
/// `a` is the anchor, `p` a vector of its kind (positive), `n` one of another kind (negative); d is
/// `distance_function`, m is `margin`, more than 0. With `swap` the smaller of `d(a, n)` and `d(p, n)` counts (half of
/// the derivative goes to each where they are equal).
///
/// # Shapes
/// `a`, `p` and `n: [N, D]`.
///
/// # Example
/// ```
/// use glulam::Real;
/// use glulam::loss::{Distance, Input, TripletMarginWithDistanceLoss};
///
/// /// Half of the squared Euclidean distance.
/// #[derive(Clone, Debug, PartialEq)]
/// struct HalfSquare;
/// impl Distance for HalfSquare {
///     fn distance<T: Real>(&self, a: &[T], b: &[T]) -> T {
///         a.iter().zip(b).map(|(&a, &b)| (a - b) * (a - b) * T::from_f64(0.5)).sum()
///     }
///     fn gradient<T: Real>(&self, a: &[T], b: &[T], _distance: T, by: T, da: &mut [T], db: &mut [T]) {
///         for i in 0..a.len() {
///             da[i] += by * (a[i] - b[i]);
///             db[i] -= by * (a[i] - b[i]);
///         }
///     }
/// }
///
/// let criterion = TripletMarginWithDistanceLoss { margin: 0.25, ..TripletMarginWithDistanceLoss::with(HalfSquare) };
/// let (mut da, mut dp, mut dn) = ([0.0; 1], [0.0; 1], [0.0; 1]);
/// let anchor = Input::new(1, &[0.0], &mut da);
/// let positive = Input::new(1, &[2.0], &mut dp);
/// let negative = Input::new(1, &[1.0], &mut dn);
/// assert_eq!(criterion.forward(anchor, positive, negative), Ok(2.0 - 0.5 + 0.25));
/// assert_eq!((da, dp, dn), ([-1.0], [2.0], [-1.0]));
/// ```
///
/// # References
/// `torch.nn.TripletMarginWithDistanceLoss`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripletMarginWithDistanceLoss<D = PairwiseDistance> {
    /// The distance of two vectors.
    pub distance_function: D,
    /// By how much the positive is to be nearer.
    pub margin: f64,
    /// Take the distance of positive and negative where it is smaller than that of anchor and negative.
    pub swap: bool,
    /// How the losses of all triplets become one number.
    pub reduction: Reduction,
}

impl TripletMarginWithDistanceLoss {
    /// PyTorch's defaults: the Euclidean distance, a margin of 1, no swap, the mean.
    pub const DEFAULT: Self = TripletMarginWithDistanceLoss::with(PairwiseDistance::DEFAULT);
}

impl<D> TripletMarginWithDistanceLoss<D> {
    /// PyTorch's defaults with this distance.
    pub const fn with(distance_function: D) -> Self {
        TripletMarginWithDistanceLoss { distance_function, margin: 1.0, swap: false, reduction: Reduction::Mean }
    }

    joint::assertions!("TripletMarginWithDistanceLoss");

    const fn problem(&self) -> Option<Problem> {
        check_margin(self.margin)
    }
}

impl<D: Distance> TripletMarginWithDistanceLoss<D> {
    /// The loss of a batch; the gradient of each input goes to its place. No allocation.
    ///
    /// # Errors
    /// [`LossError`] for options out of their range, inputs of different lengths, a reduction of `None`, a mean over
    /// nothing.
    pub fn forward<'a, T: Real>(
        &self,
        anchor: impl Into<Input<'a, T>>,
        positive: impl Into<Input<'a, T>>,
        negative: impl Into<Input<'a, T>>,
    ) -> Result<T, LossError> {
        self.triplets()?.forward(self.reduction, anchor.into(), positive.into(), negative.into())
    }

    /// The loss of each triplet, and the gradients for `upstream`, the gradient flowing into each.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward) but for the reduction.
    ///
    /// # Panics
    /// If `upstream` or `losses` have a wrong length.
    pub fn unreduced<'a, T: Real>(
        &self,
        anchor: impl Into<Input<'a, T>>,
        positive: impl Into<Input<'a, T>>,
        negative: impl Into<Input<'a, T>>,
        upstream: &[T],
        losses: &mut [T],
    ) -> Result<(), LossError> {
        self.triplets()?.unreduced(anchor.into(), positive.into(), negative.into(), upstream, losses)
    }

    fn triplets(&self) -> Result<Triplets<'_, D>, LossError> {
        let name = "TripletMarginWithDistanceLoss";
        if let Some(problem) = self.problem() {
            return Err(problem.error(name));
        }
        self.distance_function.check()?;
        Ok(Triplets { name, distance: &self.distance_function, margin: self.margin, swap: self.swap })
    }
}

const fn check_margin(margin: f64) -> Option<Problem> {
    Problem::unless(margin > 0.0, "margin", margin, "more than 0")
}

/// A loss whose options have been checked, whatever its distance.
struct Triplets<'d, D> {
    name: &'static str,
    distance: &'d D,
    margin: f64,
    swap: bool,
}

impl<D: Distance> Triplets<'_, D> {
    fn forward<T: Real>(
        &self,
        reduction: Reduction,
        anchor: Input<'_, T>,
        positive: Input<'_, T>,
        negative: Input<'_, T>,
    ) -> Result<T, LossError> {
        self.check(&anchor, &positive, &negative)?;
        let samples = anchor.samples();
        let factor = joint::factor(self.name, reduction, samples, samples)?;
        Ok(self.run(Joint::new([anchor, positive, negative], &[]), Flow::Factor(factor)))
    }

    fn unreduced<T: Real>(
        &self,
        anchor: Input<'_, T>,
        positive: Input<'_, T>,
        negative: Input<'_, T>,
        upstream: &[T],
        losses: &mut [T],
    ) -> Result<(), LossError> {
        self.check(&anchor, &positive, &negative)?;
        joint::check_room(self.name, anchor.samples(), upstream, losses);
        self.run(Joint::new([anchor, positive, negative], &[]), Flow::Each { upstream, losses });
        Ok(())
    }

    fn check<T>(
        &self,
        anchor: &Input<'_, T>,
        positive: &Input<'_, T>,
        negative: &Input<'_, T>,
    ) -> Result<(), LossError> {
        joint::check_like(self.name, anchor, "positive", positive)?;
        joint::check_like(self.name, anchor, "negative", negative)
    }

    /// The loss, or 0 if the losses are kept apart; gradients are overwritten.
    fn run<T: Real>(&self, joint: Joint<'_, T, 3>, mut flow: Flow<'_, T>) -> T {
        let mut total = 0.0;
        let Joint { samples, values: [anchor, positive, negative], gradients, .. } = joint;
        let [d_anchor, d_positive, d_negative] = gradients;
        d_anchor.fill(T::ZERO);
        d_positive.fill(T::ZERO);
        d_negative.fill(T::ZERO);
        let (len, margin, d) = (anchor.len() / samples.max(1), T::from_f64(self.margin), self.distance);
        for i in 0..samples {
            let row = i * len..(i + 1) * len;
            let (a, p, n) = (&anchor[row.clone()], &positive[row.clone()], &negative[row.clone()]);
            let (near, far) = (d.distance(a, p), d.distance(a, n));
            let swapped = if self.swap { d.distance(p, n) } else { far };
            let value = margin + near - far.min_nan(swapped);
            let loss = value.max_nan(T::ZERO);
            let scale = match &mut flow {
                Flow::Factor(factor) => {
                    total += (*factor * loss).to_f64();
                    *factor
                }
                Flow::Each { upstream, losses } => {
                    losses[i] = loss;
                    upstream[i]
                }
            };
            if value <= T::ZERO {
                continue;
            }
            let (da, dp, dn) = (&mut d_anchor[row.clone()], &mut d_positive[row.clone()], &mut d_negative[row]);
            d.gradient(a, p, near, scale, da, dp);
            // Of two equal distances each gets half, as `torch.minimum` has it.
            let tie = self.swap && far == swapped;
            let share = if tie { scale * T::from_f64(0.5) } else { scale };
            if !self.swap || far <= swapped {
                d.gradient(a, n, far, -share, da, dn);
            }
            if self.swap && swapped <= far {
                d.gradient(p, n, swapped, -share, dp, dn);
            }
        }
        T::from_f64(total)
    }
}
