//! [`GaussianNLLLoss`]: a mean and a variance.

use super::check::Problem;
use super::joint::{self, Input, Joint, JointBody, joint};
use super::kernel::Sink;
use super::*;
use crate::simd::Portable;

/// Negative log-likelihood under a normal distribution whose variance is predicted too:
/// `L = ½ (ln v + (x − y)²/v)`, with `v = max(var, eps)`.
///
/// `x` is the expected value, `var` its variance, both from networks, and `y` the target. With `full` the constant
/// `½ ln 2π` is added. The gradient of `var` is that at `v`, below `eps` too.
///
/// # Shapes
/// `x: [N, …]`, `y` the same. `var` the same, or with the last axes left out: one variance for each run of elements
/// (`[N]` or `[N, 1]`: one for each sample).
///
/// # Example
/// ```
/// use glulam::loss::{GaussianNLLLoss, Input};
/// let (mut dx, mut dv) = ([0.0; 2], [0.0; 1]);
/// let (x, var) = (Input::new(1, &[1.0, 3.0], &mut dx), Input::new(1, &[1.0], &mut dv));
/// assert_eq!(GaussianNLLLoss::DEFAULT.forward(x, &[1.0, 1.0], var), Ok(1.0));
/// assert_eq!((dx, dv), ([0.0, 1.0], [-0.5]));
/// ```
///
/// # References
/// `torch.nn.GaussianNLLLoss`; Nix and Weigend 1994, "Estimating the mean and variance of the target probability
/// distribution". A variance that is broadcast along an axis other than the last ones is written out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNLLLoss {
    /// Add the constant term.
    pub full: bool,
    /// The smallest variance; positive.
    pub eps: f64,
    /// How the losses of all elements become one number.
    pub reduction: Reduction,
}

const NAME: &str = "GaussianNLLLoss";

impl GaussianNLLLoss {
    /// PyTorch's defaults: no constant term, a variance of at least 1e-6, the mean.
    pub const DEFAULT: Self = GaussianNLLLoss { full: false, eps: 1e-6, reduction: Reduction::Mean };

    joint::assertions!(NAME);

    /// The loss of a batch; the gradients of `input` and `var` go to their places. No allocation.
    ///
    /// # Errors
    /// [`LossError`] for an `eps` that is not positive, a negative variance, inputs or targets whose lengths do not fit,
    /// a reduction of `None`, a mean over nothing.
    pub fn forward<'a, T: Real>(
        &self,
        input: impl Into<Input<'a, T>>,
        targets: &[T],
        var: impl Into<Input<'a, T>>,
    ) -> Result<T, LossError> {
        let joint = self.join(input.into(), targets, var.into())?;
        joint::forward(NAME, self, self.reduction, targets.len(), joint)
    }

    /// The loss of each element, and the gradients for `upstream`, the gradient flowing into each.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward) but for the reduction.
    ///
    /// # Panics
    /// If `upstream` or `losses` have a wrong length.
    pub fn unreduced<'a, T: Real>(
        &self,
        input: impl Into<Input<'a, T>>,
        targets: &[T],
        var: impl Into<Input<'a, T>>,
        upstream: &[T],
        losses: &mut [T],
    ) -> Result<(), LossError> {
        let joint = self.join(input.into(), targets, var.into())?;
        joint::unreduced(NAME, self, targets.len(), joint, upstream, losses);
        Ok(())
    }

    fn join<'a, T: Real>(
        &self,
        input: Input<'a, T>,
        targets: &'a [T],
        var: Input<'a, T>,
    ) -> Result<Joint<'a, T, 2>, LossError> {
        if let Some(problem) = self.problem() {
            return Err(problem.error(NAME));
        }
        joint::check_targets(NAME, targets, input.values().len())?;
        let (variances, elements) = (var.values().len(), input.values().len());
        let runs = if variances == 0 { elements == 0 } else { elements.is_multiple_of(variances) };
        if var.samples() != input.samples() || !runs {
            let found = format!("{variances} elements in {} samples", var.samples());
            let expected = format!("{} samples, and a whole number of the {elements} inputs for each", input.samples());
            return Err(LossError::Input { loss: NAME, input: "var", found, expected });
        }
        if let Some(index) = T::first_negative(var.values()) {
            let found = format!("{} at {index}", var.values()[index]);
            return Err(LossError::Input { loss: NAME, input: "var", found, expected: "no negative variance".into() });
        }
        Ok(Joint::new([input, var], targets))
    }

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.eps > 0.0, "eps", self.eps, "more than 0")
    }
}

impl<T: Math> JointBody<T, 2> for GaussianNLLLoss {
    fn each(&self, joint: Joint<'_, T, 2>, sink: &mut dyn Sink<T>) {
        let Joint { values: [x, var], gradients: [dx, dvar], targets, .. } = joint;
        let run = x.len() / var.len().max(1);
        let (least, half) = (T::from_f64(self.eps), T::from_f64(0.5));
        let constant = if self.full { 0.5 * std::f64::consts::TAU.ln() } else { 0.0 };
        let constant = T::from_f64(constant);
        for (i, &variance) in var.iter().enumerate() {
            let v = if variance < least { least } else { variance };
            let (inverse, log) = (T::ONE / v, v.ln::<Portable>());
            let mut slopes = T::ZERO;
            for j in i * run..(i + 1) * run {
                let d = x[j] - targets[j];
                let share = d * d * inverse;
                let scale = sink.scale(j);
                dx[j] = scale * d * inverse;
                slopes += scale * half * (T::ONE - share) * inverse;
                sink.put(j, half * (log + share) + constant);
            }
            dvar[i] = slopes;
        }
    }
}

joint!(GaussianNLLLoss, 2, [f32 f64]);
