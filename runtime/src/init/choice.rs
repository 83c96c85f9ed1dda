//! An initialisation as a value: what the macro writes for each parameter, as a constant.

use super::{
    FanMode, InitError, Nonlinearity, calculate_gain, fans, fill_normal, fill_trunc_normal, fill_uniform, matrices,
};
use crate::Real;
use crate::network::ParamSpec;
use crate::rng::Generator;

/// How a parameter of a new network is filled: a function of [`init`](super) with its arguments.
///
/// # Example
/// ```
/// use glulam::init::Init;
/// use glulam::rng::Generator;
///
/// const INIT: Init = Init::Default { fan_in: 4 };
/// const _: () = assert!(INIT.problem(&[3, 4]).is_none());
///
/// let mut weight = [0.0f32; 12];
/// INIT.fill_tensor(&mut weight, &[3, 4], &mut Generator::seed_from(1))?;
/// assert!(weight.iter().all(|w| w.abs() <= 0.5));
/// # Ok::<(), glulam::init::InitError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are the arguments of the functions that the variants refer to")]
pub enum Init {
    /// U(±1/√fan_in): what PyTorch does for the weights and biases of linear, convolutional and recurrent layers
    /// (`kaiming_uniform_(a = √5)`). Of a recurrent layer `fan_in` is the hidden size.
    Default {
        /// The inputs of a unit: `in_features`, or channels of a group times the kernel's size.
        fan_in: usize,
    },
    /// N(0, 1), and zeros in the row of padding: what PyTorch does for embeddings.
    Embedding {
        /// The row that stands for padding.
        padding_idx: Option<usize>,
    },
    /// See [`uniform_`](super::uniform_).
    Uniform { a: f64, b: f64 },
    /// See [`normal_`](super::normal_).
    Normal { mean: f64, std: f64 },
    /// See [`constant_`](super::constant_).
    Constant(f64),
    /// See [`eye_`](super::eye_).
    Eye,
    /// See [`dirac_`](super::dirac_).
    Dirac { groups: usize },
    /// See [`xavier_uniform_`](super::xavier_uniform_).
    XavierUniform { gain: f64 },
    /// See [`xavier_normal_`](super::xavier_normal_).
    XavierNormal { gain: f64 },
    /// See [`kaiming_uniform_`](super::kaiming_uniform_).
    KaimingUniform { a: f64, mode: FanMode, nonlinearity: Nonlinearity },
    /// See [`kaiming_normal_`](super::kaiming_normal_).
    KaimingNormal { a: f64, mode: FanMode, nonlinearity: Nonlinearity },
    /// See [`trunc_normal_`](super::trunc_normal_).
    TruncNormal { mean: f64, std: f64, a: f64, b: f64 },
    /// See [`orthogonal_`](super::orthogonal_).
    Orthogonal { gain: f64 },
    /// See [`sparse_`](super::sparse_).
    Sparse { sparsity: f64, std: f64 },
}

impl Init {
    /// 1 everywhere.
    pub const ONES: Init = Init::Constant(1.0);
    /// 0 everywhere.
    pub const ZEROS: Init = Init::Constant(0.0);
    /// `kaiming_uniform_` with PyTorch's defaults.
    pub const KAIMING_UNIFORM: Init =
        Init::KaimingUniform { a: 0.0, mode: FanMode::FanIn, nonlinearity: Nonlinearity::LeakyReLU };
    /// `kaiming_normal_` with PyTorch's defaults.
    pub const KAIMING_NORMAL: Init =
        Init::KaimingNormal { a: 0.0, mode: FanMode::FanIn, nonlinearity: Nonlinearity::LeakyReLU };
    /// `trunc_normal_` with PyTorch's defaults.
    pub const TRUNC_NORMAL: Init = Init::TruncNormal { mean: 0.0, std: 1.0, a: -2.0, b: 2.0 };

    /// What `Linear` begins with: uniform within ±1/√`fan_in`, its weight and its bias alike.
    pub const fn default_for(fan_in: usize) -> Init {
        Init::Default { fan_in }
    }

    /// Why a tensor of `shape` cannot be filled so; `None` if it can. Constant, so that the compiler can tell.
    pub const fn problem(&self, shape: &[usize]) -> Option<&'static str> {
        match *self {
            Init::Default { fan_in: 0 } => Some("fan_in must be positive"),
            Init::Default { .. } => None,
            Init::Embedding { padding_idx } => match padding_idx {
                _ if shape.len() != 2 => Some("an embedding has two dimensions"),
                Some(row) if row >= shape[0] => Some("padding_idx must be a row of the table"),
                _ => None,
            },
            Init::Uniform { a, b } if !(a <= b && a.is_finite() && b.is_finite()) => {
                Some("a and b must be finite, and a <= b")
            }
            Init::Normal { mean, std } if !(std >= 0.0 && std.is_finite() && mean.is_finite()) => {
                Some("mean must be finite, std finite and not negative")
            }
            Init::TruncNormal { mean, std, a, b } if !(std > 0.0 && std.is_finite() && mean.is_finite() && a < b) => {
                Some("mean must be finite, std finite and positive, and a < b")
            }
            Init::Uniform { .. } | Init::Normal { .. } | Init::TruncNormal { .. } | Init::Constant(_) => None,
            Init::Eye if shape.len() != 2 => Some("only tensors with 2 dimensions are supported"),
            Init::Eye => None,
            Init::Dirac { .. } if shape.len() < 3 || shape.len() > 5 => {
                Some("only tensors with 3, 4, or 5 dimensions are supported")
            }
            Init::Dirac { groups } if groups == 0 || !shape[0].is_multiple_of(groups) => {
                Some("dim 0 must be divisible by groups")
            }
            Init::Dirac { .. } => None,
            Init::Sparse { .. } if shape.len() != 2 => Some("only tensors with 2 dimensions are supported"),
            Init::Sparse { sparsity, std }
                if !(sparsity >= 0.0 && sparsity <= 1.0 && std >= 0.0 && std.is_finite()) =>
            {
                Some("sparsity must be within 0 and 1, std finite and not negative")
            }
            Init::Sparse { .. } => None,
            Init::Orthogonal { .. } if shape.len() < 2 => Some("only tensors with 2 or more dimensions are supported"),
            Init::XavierUniform { .. } | Init::XavierNormal { .. } if shape.len() < 2 => Some(NO_FANS),
            Init::KaimingUniform { .. } | Init::KaimingNormal { .. } if shape.len() < 2 => Some(NO_FANS),
            Init::Orthogonal { gain } | Init::XavierUniform { gain } | Init::XavierNormal { gain }
                if !gain.is_finite() =>
            {
                Some("gain must be finite")
            }
            Init::Orthogonal { .. } | Init::XavierUniform { .. } | Init::XavierNormal { .. } => None,
            Init::KaimingUniform { a, .. } | Init::KaimingNormal { a, .. } if !a.is_finite() => {
                Some("a must be finite")
            }
            Init::KaimingUniform { .. } | Init::KaimingNormal { .. } => None,
        }
    }

    /// Fills `values`, a tensor of `shape` in PyTorch's order.
    ///
    /// # Errors
    /// If [`problem`](Self::problem) names one.
    ///
    /// # Panics
    /// If `values` has another length than `shape` says.
    pub fn fill_tensor<T: Real>(
        &self,
        values: &mut [T],
        shape: &[usize],
        generator: &mut Generator,
    ) -> Result<(), InitError> {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "values for shape {shape:?}");
        if let Some(problem) = self.problem(shape) {
            return Err(InitError::Unsuitable { init: *self, shape: shape.to_vec(), problem });
        }
        if values.is_empty() {
            return Ok(());
        }
        match *self {
            Init::Default { fan_in } => {
                let bound = (fan_in as f64).sqrt().recip();
                fill_uniform(values, -bound, bound, generator);
            }
            Init::Embedding { padding_idx } => {
                fill_normal(values, 0.0, 1.0, generator);
                if let Some(row) = padding_idx {
                    values[row * shape[1]..][..shape[1]].fill(T::ZERO);
                }
            }
            Init::Uniform { a, b } => fill_uniform(values, a, b, generator),
            Init::Normal { mean, std } => fill_normal(values, mean, std, generator),
            Init::Constant(value) => values.fill(T::from_f64(value)),
            Init::Eye => matrices::fill_eye(values, shape),
            Init::Dirac { groups } => matrices::fill_dirac(values, shape, groups),
            Init::XavierUniform { gain } => {
                let bound = 3f64.sqrt() * xavier_std(shape, gain);
                fill_uniform(values, -bound, bound, generator);
            }
            Init::XavierNormal { gain } => fill_normal(values, 0.0, xavier_std(shape, gain), generator),
            Init::KaimingUniform { a, mode, nonlinearity } => {
                let bound = 3f64.sqrt() * kaiming_std(shape, a, mode, nonlinearity);
                fill_uniform(values, -bound, bound, generator);
            }
            Init::KaimingNormal { a, mode, nonlinearity } => {
                fill_normal(values, 0.0, kaiming_std(shape, a, mode, nonlinearity), generator);
            }
            Init::TruncNormal { mean, std, a, b } => fill_trunc_normal(values, mean, std, a, b, generator),
            Init::Orthogonal { gain } => matrices::fill_orthogonal(values, shape, gain, generator),
            Init::Sparse { sparsity, std } => matrices::fill_sparse(values, shape, sparsity, std, generator),
        }
        Ok(())
    }

    /// Fills the parameter `spec` of the flat array `flat`, in whatever order it is stored.
    ///
    /// # Panics
    /// If [`problem`](Self::problem) names one: the macro has it checked by the compiler.
    pub fn fill<T: Real>(&self, spec: &ParamSpec, flat: &mut [T], generator: &mut Generator) {
        let mut values = vec![T::ZERO; spec.len];
        if let Err(error) = self.fill_tensor(&mut values, spec.shape, generator) {
            panic!("{}: {error}", spec.name);
        }
        spec.write(&values, flat);
    }
}

const NO_FANS: &str = "fan in and fan out can not be computed for tensor with fewer than 2 dimensions";

fn xavier_std(shape: &[usize], gain: f64) -> f64 {
    let (fan_in, fan_out) = fans(shape);
    gain * (2.0 / (fan_in + fan_out)).sqrt()
}

fn kaiming_std(shape: &[usize], a: f64, mode: FanMode, nonlinearity: Nonlinearity) -> f64 {
    let (fan_in, fan_out) = fans(shape);
    let fan = match mode {
        FanMode::FanIn => fan_in,
        FanMode::FanOut => fan_out,
    };
    calculate_gain(nonlinearity, Some(a)) / fan.sqrt()
}
