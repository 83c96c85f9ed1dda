//! [`CosineEmbeddingLoss`]: angles of pairs that are alike or not.

use super::check::Problem;
use super::hinge_embedding::check_signs;
use super::joint::{self, Input, Joint, JointBody, joint};
use super::kernel::{Sink, sum_of};
use super::*;

/// Two vectors are to point the same way if they are alike, and not if they are not: `L = 1 − cos(x₁, x₂)` where
/// `y = 1`, and `L = max(0, cos(x₁, x₂) − m)` where `y = −1`.
///
/// `x₁` and `x₂` are vectors, `y` is 1 or −1, m is `margin`, from −1 to 1. With ε = 1e-12
/// `cos(x₁, x₂) = x₁·x₂/√((x₁·x₁ + ε)(x₂·x₂ + ε))`.
///
/// # Shapes
/// `x₁` and `x₂: [N, D]`, `y: [N]`.
///
/// # Example
/// ```
/// use glulam::loss::{CosineEmbeddingLoss, Input};
/// let (mut d1, mut d2) = ([0.0; 2], [0.0; 2]);
/// let (x1, x2) = (Input::new(1, &[1.0, 0.0], &mut d1), Input::new(1, &[0.0, 2.0], &mut d2));
/// assert_eq!(CosineEmbeddingLoss::DEFAULT.forward(x1, x2, &[1.0]), Ok(1.0));
/// ```
///
/// # References
/// `torch.nn.CosineEmbeddingLoss`. There a target that is neither 1 nor −1 costs nothing; here it is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineEmbeddingLoss {
    /// The cosine from which on unlike pairs cost something.
    pub margin: f64,
    /// How the losses of all pairs become one number.
    pub reduction: Reduction,
}

const NAME: &str = "CosineEmbeddingLoss";

impl CosineEmbeddingLoss {
    /// PyTorch's defaults: no margin, the mean.
    pub const DEFAULT: Self = CosineEmbeddingLoss { margin: 0.0, reduction: Reduction::Mean };

    joint::pair!(NAME);

    fn check<T: Real>(&self, input: &Input<'_, T>, targets: &[T]) -> Result<(), LossError> {
        joint::check_targets(NAME, targets, input.samples())?;
        check_signs(NAME, targets)
    }

    const fn problem(&self) -> Option<Problem> {
        Problem::unless(self.margin >= -1.0 && self.margin <= 1.0, "margin", self.margin, "in [-1, 1]")
    }
}

impl<T: Math> JointBody<T, 2> for CosineEmbeddingLoss {
    fn each(&self, joint: Joint<'_, T, 2>, sink: &mut dyn Sink<T>) {
        let Joint { values: [x1, x2], gradients: [d1, d2], targets, .. } = joint;
        let len = x1.len() / targets.len().max(1);
        // In PyTorch a constant of single precision in double precision too.
        let (margin, epsilon) = (T::from_f64(self.margin), T::from_f64(1e-12_f32 as f64));
        for (i, &y) in targets.iter().enumerate() {
            let row = i * len..(i + 1) * len;
            let (a, b, da, db) = (&x1[row.clone()], &x2[row.clone()], &mut d1[row.clone()], &mut d2[row]);
            let square1 = sum_of(len, |j| a[j] * a[j]) + epsilon;
            let square2 = sum_of(len, |j| b[j] * b[j]) + epsilon;
            let inverse = T::ONE / (square1 * square2).sqrt();
            let cosine = sum_of(len, |j| a[j] * b[j]) * inverse;
            let (value, slope) = if y == T::ONE {
                (T::ONE - cosine, -T::ONE)
            } else if cosine <= margin {
                (T::ZERO, T::ZERO)
            } else {
                (cosine - margin, T::ONE)
            };
            // ∂cos/∂a = b/(|a||b|) − cos·a/|a|²
            let by = sink.scale(i) * slope;
            let (across, along1, along2) = (by * inverse, by * cosine / square1, by * cosine / square2);
            for j in 0..len {
                da[j] = across * b[j] - along1 * a[j];
                db[j] = across * a[j] - along2 * b[j];
            }
            sink.put(i, value);
        }
    }
}

joint!(CosineEmbeddingLoss, 2, [f32 f64]);
