//! Muon: momentum descent whose step is made orthogonal, for matrices.

use serde::{Deserialize, Serialize};

use super::options::{finite, non_negative};
use super::rules::flush;
use super::{OptimError, Optimizer, ParamStep, ParamWise, ParamWiseState};
use crate::Real;
use crate::network::ParamSpec;

/// Muon: b ← b + (1 − momentum)(g − b); p ← (1 − lr · weight_decay) · p − lr · s · NS(b), where NS makes all singular values about 1.
///
/// With `nesterov` the argument of NS is g + momentum · (b − g). NS is a Newton–Schulz iteration: X ← b / max(‖b‖, eps), then
/// `ns_steps` times X ← aX + (bA + cA²)X with A = XXᵀ, (a, b, c) being `ns_coefficients`. s follows from the matrix's shape
/// and `adjust_lr_fn`. State: `momentum_buffer` (b).
///
/// # Errors
/// Parameters that are not matrices: give them to another optimizer, such as AdamW, or freeze them.
///
/// # Example
/// ```
/// use glulam::optim::{AdjustLr, Muon, NsDtype};
/// const SETTINGS: Muon =
///     Muon { lr: 0.02, adjust_lr_fn: Some(AdjustLr::MatchRmsAdamw), ns_dtype: NsDtype::Parameters, ..Muon::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.Muon`. Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024). `ns_dtype` is not in
/// PyTorch, which always iterates in bfloat16.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Muon {
    /// Learning rate, per step.
    pub lr: f64,
    /// How much the parameters shrink, times the learning rate.
    pub weight_decay: f64,
    /// Share of the last buffer that stays, at least 0.
    pub momentum: f64,
    /// Look ahead by one momentum step.
    pub nesterov: bool,
    /// Coefficients of the iteration's polynomial.
    pub ns_coefficients: (f64, f64, f64),
    /// The least norm that the matrix is divided by.
    pub eps: f64,
    /// Number of iterations, below 100.
    pub ns_steps: u32,
    /// How the learning rate follows from the shape; `None` is `Original`.
    pub adjust_lr_fn: Option<AdjustLr>,
    /// The precision of the iteration.
    pub ns_dtype: NsDtype,
}

/// How [`Muon`]'s step size follows from the shape [A, B] of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustLr {
    /// √max(1, A/B).
    Original,
    /// 0.2 √max(A, B): steps as long as AdamW's.
    MatchRmsAdamw,
    /// √(A/B).
    SpectralUnclamped,
}

/// The precision of [`Muon`]'s iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NsDtype {
    /// Every matrix is rounded to bfloat16, as in PyTorch.
    BFloat16,
    /// That of the parameters: more exact, and on a CPU faster.
    Parameters,
}

impl Muon {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = Muon {
        lr: 1e-3,
        weight_decay: 0.1,
        momentum: 0.95,
        nesterov: true,
        ns_coefficients: (3.4445, -4.775, 2.0315),
        eps: 1e-7,
        ns_steps: 5,
        adjust_lr_fn: None,
        ns_dtype: NsDtype::BFloat16,
    };
}

options!(Muon, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
    momentum: non_negative(o.momentum), "a finite number of at least 0";
    ns_coefficients: finite(o.ns_coefficients.0) && finite(o.ns_coefficients.1) && finite(o.ns_coefficients.2),
        "three finite numbers";
    eps: non_negative(o.eps), "a finite number of at least 0";
    ns_steps: o.ns_steps < 100, "a number below 100";
});

impl Optimizer for Muon {
    const NAME: &'static str = "Muon";
    const ELEMENT_WISE: bool = false;
    type State<T: Real> = ParamWiseState<T, Self>;
    accessors!(momentum, weight_decay);
}

impl ParamWise for Muon {
    const SLOTS: &'static [&'static str] = &["momentum_buffer"];
    const HAS_STEP: bool = false;

    fn accepts(&self, spec: &ParamSpec) -> Result<(), OptimError> {
        if spec.shape.len() == 2 {
            return Ok(());
        }
        Err(OptimError::Unsupported {
            optimizer: Self::NAME,
            parameter: spec.name.to_owned(),
            found: format!("shape {:?}", spec.shape),
            expected: "a matrix",
        })
    }

    fn scratch_len(&self, spec: &ParamSpec) -> usize {
        let small = spec.shape[0].min(spec.shape[1]);
        2 * (spec.len + small * small)
    }

    fn step_param<T: Real>(&self, step: ParamStep<'_, T>) {
        T::muon(self, step);
    }
}

impl Muon {
    #[inline(always)]
    pub(super) fn body<T: Real>(&self, step: ParamStep<'_, T>) {
        let ParamStep { spec, parameters, gradient, slots: [buffer], scratch, .. } = step else {
            unreachable!("Muon keeps one buffer");
        };
        let [a, b] = *spec.shape else { unreachable!("Muon is given matrices alone") };
        let (small, large) = (a.min(b), a.max(b));
        // The transpose of an orthogonal matrix is orthogonal: the one with fewer rows is iterated, and of a square matrix
        // the one that is stored.
        let transposed = a > b || a == b && spec.order.last() == Some(&0);
        let (x, rest) = scratch.split_at_mut(spec.len);

        let (momentum, fresh) = (T::from_f64(self.momentum), T::from_f64(1.0 - self.momentum));
        let update = &mut rest[..spec.len];
        for ((update, &g), b) in update.iter_mut().zip(gradient).zip(buffer.iter_mut()) {
            *b = flush(*b + fresh * (g - *b));
            *update = if self.nesterov { g + momentum * (*b - g) } else { *b };
        }
        spec.read_matrix(update, transposed, x);
        match self.ns_dtype {
            NsDtype::BFloat16 => self.orthogonalize(small, large, x, rest, bfloat16),
            NsDtype::Parameters => self.orthogonalize(small, large, x, rest, |x| x),
        }

        let (a, b) = (a as f64, b as f64);
        let adjust = match self.adjust_lr_fn {
            None | Some(AdjustLr::Original) => (a / b).max(1.0).sqrt(),
            Some(AdjustLr::MatchRmsAdamw) => 0.2 * a.max(b).sqrt(),
            Some(AdjustLr::SpectralUnclamped) => (a / b).sqrt(),
        };
        let (shrink, step_size) = (T::from_f64(1.0 - self.lr * self.weight_decay), T::from_f64(self.lr * adjust));
        let update = &mut rest[..spec.len];
        spec.write_matrix(x, transposed, update);
        for (p, &update) in parameters.iter_mut().zip(update.iter()) {
            *p = *p * shrink - step_size * update;
        }
    }

    /// Makes `x`, a matrix [r, c] with r ≤ c, about orthogonal; `round` is applied to all that is stored. `scratch` holds
    /// a matrix [r, c] and two [r, r].
    #[inline(always)]
    fn orthogonalize<T: Real>(
        &self,
        r: usize,
        c: usize,
        x: &mut [T],
        scratch: &mut [T],
        round: impl Fn(T) -> T + Copy,
    ) {
        let (product, rest) = scratch.split_at_mut(r * c);
        let (gram, polynomial) = rest.split_at_mut(r * r);
        let (a, b, c2) = self.ns_coefficients;
        let (a, b, c2) = (T::from_f64(a), T::from_f64(b), T::from_f64(c2));

        for x in x.iter_mut() {
            *x = round(*x);
        }
        let norm = round(T::from_f64(T::sum_of_squares(x).sqrt())).max_nan(T::from_f64(self.eps));
        for x in x.iter_mut() {
            *x = round(*x / norm);
        }
        for _ in 0..self.ns_steps {
            // A = X·Xᵀ: [r, c]·[c, r].
            T::linear_backward_input(r, c, x, x, gram, &|_, _| {});
            for a in gram.iter_mut() {
                *a = round(*a);
            }
            // A·A: [r, r]·[r, r]; then bA + cA².
            T::linear_forward(r, r, gram, gram, &[], polynomial, &|_, _| {});
            for (square, &a) in polynomial.iter_mut().zip(gram.iter()) {
                *square = round(b * a + c2 * *square);
            }
            // (bA + cA²)·X: [r, r]·[r, c]; then aX + ….
            T::linear_forward(r, c, polynomial, x, &[], product, &|_, _| {});
            for (x, &product) in x.iter_mut().zip(product.iter()) {
                *x = round(a * *x + product);
            }
        }
    }
}

/// `x` rounded to the nearest number that has only 8 significant bits, ties to even.
#[inline(always)]
fn bfloat16<T: Real>(x: T) -> T {
    let bits = (x.to_f64() as f32).to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    let rounded = T::from_f64(f32::from_bits(rounded) as f64);
    // Rounding up the bits of a NaN could make something else of it.
    if x.is_nan() { x } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bfloat16_rounds_to_nearest_and_ties_to_even() {
        for (x, expected) in [
            (1.0, 1.0),
            (1.0 + 1.0 / 256.0, 1.0),
            (1.0 + 3.0 / 256.0, 1.0 + 4.0 / 256.0),
            (1.0 + 1.001 / 256.0, 1.0 + 2.0 / 256.0),
            (-3.1401, -3.140625),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(bfloat16(x), expected, "{x}");
        }
        assert!(bfloat16(f32::NAN).is_nan());
    }
}
