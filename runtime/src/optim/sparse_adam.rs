//! SparseAdam: Adam for tables of embeddings, which moves only the rows that were looked up.

use serde::{Deserialize, Serialize};

use super::options::{both_below_one, non_negative, positive};
use super::rules::{Squares, bias_correction, flush};
use super::{OptimError, Optimizer, ParamStep, ParamWise, ParamWiseState};
use crate::Real;
use crate::network::{Kind, ParamSpec};

/// SparseAdam: [`Adam`](super::Adam)'s step for the rows of an embedding that have a gradient; the others, and their
/// moments, stay as they are.
///
/// For those rows m ← m + (1 − β₁)(g − m); v ← v + (1 − β₂)(g² − v); p ← p − lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + eps), t
/// being the number of steps of the whole table. State: `exp_avg` (m), `exp_avg_sq` (v), `step` (t).
///
/// # Errors
/// Parameters other than embeddings: their gradients are dense. Give them to another optimizer, or freeze them.
///
/// # Example
/// ```
/// use glulam::optim::SparseAdam;
/// const SETTINGS: SparseAdam = SparseAdam { lr: 1e-2, ..SparseAdam::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.SparseAdam`. PyTorch knows the rows from the indices of a sparse gradient, here they are those whose
/// gradient is not all zero: a row that was looked up and has a gradient of exactly zero is left out as well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SparseAdam {
    /// Learning rate, per step.
    pub lr: f64,
    /// Shares of the last moments that stay, each in [0, 1).
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl SparseAdam {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = SparseAdam { lr: 1e-3, betas: (0.9, 0.999), eps: 1e-8, maximize: false };
}

options!(SparseAdam, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    betas: both_below_one(o.betas), "two numbers in [0, 1)";
    eps: positive(o.eps), "a finite number above 0";
});

impl Optimizer for SparseAdam {
    const NAME: &'static str = "SparseAdam";
    const ELEMENT_WISE: bool = false;
    type State<T: Real> = ParamWiseState<T, Self>;
    accessors!(betas, -);
}

impl ParamWise for SparseAdam {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];
    const SLOTS_AS_STORED: bool = false;

    fn accepts(&self, spec: &ParamSpec) -> Result<(), OptimError> {
        if spec.kind == Kind::Embedding && !spec.shape.is_empty() {
            return Ok(());
        }
        Err(OptimError::Unsupported {
            optimizer: Self::NAME,
            parameter: spec.name.to_owned(),
            found: format!("a {:?}", spec.kind).to_lowercase(),
            expected: "a table of embeddings",
        })
    }

    fn scratch_len(&self, spec: &ParamSpec) -> usize {
        if spec.in_pytorchs_order() { 0 } else { 2 * spec.len }
    }

    fn step_param<T: Real>(&self, step: ParamStep<'_, T>) {
        let spec = step.spec;
        if spec.in_pytorchs_order() {
            return T::sparse_adam(self, step);
        }
        // The rows of another order do not lie together: the step is made in PyTorch's.
        let ParamStep { number, parameters: stored, gradient: stored_gradient, slots, scratch, .. } = step;
        let (parameters, gradient) = scratch.split_at_mut(spec.len);
        spec.read_matrix(stored, false, parameters);
        spec.read_matrix(stored_gradient, false, gradient);
        T::sparse_adam(self, ParamStep { spec, number, parameters, gradient, slots, scratch: &mut [] });
        spec.write_matrix(parameters, false, stored);
    }
}

impl SparseAdam {
    #[inline(always)]
    pub(super) fn body<T: Real>(&self, step: ParamStep<'_, T>) {
        let ParamStep { spec, number, parameters, gradient, slots: [m, v], .. } = step else {
            unreachable!("SparseAdam keeps two moments");
        };
        let (beta1, beta2) = self.betas;
        let correction = |beta| bias_correction(beta, number);
        let step_size = T::from_f64(self.lr * correction(beta2).sqrt() / correction(beta1));
        let sign = T::from_f64(if self.maximize { -1.0 } else { 1.0 });
        let (fresh1, fresh2, eps) = (T::from_f64(1.0 - beta1), T::from_f64(1.0 - beta2), T::from_f64(self.eps));
        let squares = Squares::mean(beta2, 1.0 - beta2);

        let width = (spec.len / spec.shape[0].max(1)).max(1);
        let rows = parameters.chunks_exact_mut(width).zip(gradient.chunks_exact(width));
        let rows = rows.zip(m.chunks_exact_mut(width)).zip(v.chunks_exact_mut(width));
        for (((p, g), m), v) in rows {
            if g.iter().all(|&g| g == T::ZERO) {
                continue;
            }
            for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                let g = sign * g;
                *m = flush(*m + fresh1 * (g - *m));
                let counted = squares.counted(g);
                *v = squares.settled(*v, *v + fresh2 * (counted * counted - *v));
                *p -= step_size * (*m / (v.sqrt() + eps));
            }
        }
    }
}
