//! Adafactor: mean squares kept as their row and column means alone.

use serde::{Deserialize, Serialize};

use super::options::non_negative;
use super::rules::Squares;
use super::{Optimizer, ParamStep, ParamWise, ParamWiseState};
use crate::Real;
use crate::network::ParamSpec;

/// Adafactor: p ← p − α · u / max(1, RMS(u) / d), with u = g / √v̂, where v̂ is made of the mean squares of rows and columns.
///
/// With t the step, ρ = min(lr, 1/√t), α = max(eps₂, RMS(p)) · ρ, w = t^beta2_decay: r ← r + w (mean of g² over the last
/// axis − r), c ← c + w (mean over the axis before it − c), v̂ = r·c / mean(r). A parameter of one axis keeps v itself. p shrinks by
/// lr · weight_decay · p first; g = ±∇. State: `row_var` (r), `col_var` (c) or `variance` (v), `step` (t).
///
/// # Example
/// ```
/// use glulam::optim::Adafactor;
/// const SETTINGS: Adafactor = Adafactor { eps: (Some(1e-8), 1e-3), ..Adafactor::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// `torch.optim.Adafactor`. Shazeer and Stern, Adafactor: adaptive learning rates with sublinear memory cost (2018); as in
/// PyTorch eps₁ bounds the denominators and is not added to the squares, and lr limits ρ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adafactor {
    /// The largest relative step ρ.
    pub lr: f64,
    /// Power of the step count that is the weight of new squares, at most 0.
    pub beta2_decay: f64,
    /// The least denominator (`None`: the machine epsilon of the parameters' type), and the least RMS(p).
    pub eps: (Option<f64>, f64),
    /// The largest root mean square of an update, at least 1.
    pub d: f64,
    /// How much the parameters shrink, times the learning rate.
    pub weight_decay: f64,
    /// Ascend instead of descend.
    pub maximize: bool,
}

impl Adafactor {
    /// PyTorch's defaults.
    pub const DEFAULT: Self =
        Adafactor { lr: 1e-2, beta2_decay: -0.8, eps: (None, 1e-3), d: 1.0, weight_decay: 0.0, maximize: false };
}

const fn both_non_negative(eps: (Option<f64>, f64)) -> bool {
    let first = match eps.0 {
        Some(eps) => non_negative(eps),
        None => true,
    };
    first && non_negative(eps.1)
}

options!(Adafactor, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    beta2_decay: non_negative(-o.beta2_decay), "a finite number of at most 0";
    eps: both_non_negative(o.eps), "finite numbers of at least 0 (the first may be left out)";
    d: o.d >= 1.0, "a number of at least 1";
    weight_decay: non_negative(o.weight_decay), "a finite number of at least 0";
});

impl Optimizer for Adafactor {
    const NAME: &'static str = "Adafactor";
    const ELEMENT_WISE: bool = false;
    type State<T: Real> = ParamWiseState<T, Self>;
    accessors!(-, weight_decay);
}

impl ParamWise for Adafactor {
    const SLOTS: &'static [&'static str] = &["row_var", "col_var", "variance"];
    const SLOTS_AS_STORED: bool = false;

    fn slot_shape(&self, slot: usize, spec: &ParamSpec) -> Option<Vec<usize>> {
        let axes = spec.shape.len();
        let mut shape = spec.shape.to_vec();
        match slot {
            0 | 1 if axes > 1 => {
                shape[axes - 1 - slot] = 1;
                Some(shape)
            }
            2 if axes <= 1 => Some(shape),
            _ => None,
        }
    }

    fn scratch_len(&self, spec: &ParamSpec) -> usize {
        2 * spec.len
    }

    fn step_param<T: Real>(&self, step: ParamStep<'_, T>) {
        T::adafactor(self, step);
    }
}

impl Adafactor {
    #[inline(always)]
    pub(super) fn body<T: Real>(&self, step: ParamStep<'_, T>) {
        let ParamStep { spec, number, parameters, gradient, slots: [row_var, col_var, variance], scratch } = step
        else {
            unreachable!("Adafactor keeps up to three arrays");
        };
        let t = number as f64;
        let weight = t.powf(self.beta2_decay);
        let (fresh, squares) = (T::from_f64(weight), Squares::mean(1.0 - weight, weight));
        let eps1 = T::from_f64(self.eps.0.unwrap_or(T::EPSILON.to_f64()));
        let root_mean_square = |x: &[T]| (T::sum_of_squares(x) / x.len().max(1) as f64).sqrt();
        let alpha = self.eps.1.max(root_mean_square(parameters)) * self.lr.min(1.0 / t.sqrt());
        if self.weight_decay != 0.0 {
            T::scale(parameters, T::from_f64(1.0 - self.lr * self.weight_decay));
        }

        // Rows and columns are those of PyTorch's order of elements.
        let here = ParamSpec { offset: 0, ..*spec };
        let (u, stored) = scratch.split_at_mut(spec.len);
        here.read(gradient, u);
        if self.maximize {
            T::scale(u, -T::ONE);
        }
        if let [.., rows, columns] = *spec.shape {
            let matrices = u.chunks_exact_mut((rows * columns).max(1));
            let factors = row_var.chunks_exact_mut(rows.max(1)).zip(col_var.chunks_exact_mut(columns.max(1)));
            for (g, (row_var, col_var)) in matrices.zip(factors) {
                factored(g, row_var, col_var, fresh, squares, eps1, &mut stored[..columns]);
            }
        } else {
            for (u, v) in u.iter_mut().zip(variance.iter_mut()) {
                *v = squares.settled(*v, *v + fresh * (*u * *u - *v));
                *u /= v.max_nan(eps1 * eps1).sqrt();
            }
        }
        let denominator = (root_mean_square(u) / self.d).max(1.0);
        let step_size = T::from_f64(alpha / denominator);
        here.write(u, stored);
        for (p, &u) in parameters.iter_mut().zip(stored.iter()) {
            *p -= step_size * u;
        }
    }
}

/// Moves the means of the squares of the rows and columns of the matrix `g` on, and divides `g` by the roots of their
/// product. `squares` is scratch memory for one row.
#[inline(always)]
fn factored<T: Real>(
    g: &mut [T],
    row_var: &mut [T],
    col_var: &mut [T],
    fresh: T,
    means: Squares<T>,
    eps1: T,
    squares: &mut [T],
) {
    let (rows, columns) = (row_var.len(), col_var.len());
    squares.fill(T::ZERO);
    for (g, row_var) in g.chunks_exact(columns).zip(row_var.iter_mut()) {
        let mean = T::from_f64(T::sum_of_squares(g) / columns as f64);
        *row_var = means.settled(*row_var, *row_var + fresh * (mean - *row_var));
        for (sum, &g) in squares.iter_mut().zip(g) {
            *sum += g * g;
        }
    }
    let rows = T::from_f64(rows as f64);
    for (col_var, &sum) in col_var.iter_mut().zip(squares.iter()) {
        *col_var = means.settled(*col_var, *col_var + fresh * (sum / rows - *col_var));
    }
    let mean = row_var.iter().copied().sum::<T>() / rows;
    let mean = mean.max_nan(eps1);
    for (g, &row_var) in g.chunks_exact_mut(columns).zip(row_var.iter()) {
        for (g, &col_var) in g.iter_mut().zip(col_var.iter()) {
            let v = row_var * col_var / mean;
            *g /= v.max_nan(eps1 * eps1).sqrt();
        }
    }
}
