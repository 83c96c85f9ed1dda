//! Initial values of parameters: the functions of `torch.nn.init`, under its names and with its defaults.
//!
//! Each fills `values`, a row-major tensor of `shape` in PyTorch's order (`[out, in, …]`), with numbers of
//! `generator`. They are drawn in f64 and rounded, so that an f32 and an f64 network of one seed are the same network.
//! [`Init`] is such a function with its arguments as a value: what `init = kaiming_normal(…)` in `network!` becomes.
//! That a shape is refused, and why, is said by [`Init::problem`] alone, which the compiler can evaluate.

mod choice;
mod matrices;

use std::str::FromStr;

pub use choice::Init;
pub use matrices::{dirac_, eye_, orthogonal_, sparse_};

use crate::Real;
use crate::rng::Generator;

/// Which number of connections keeps its variance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FanMode {
    /// The inputs of a unit: activations keep their scale in the forward pass.
    #[default]
    FanIn,
    /// The outputs of a unit: gradients keep their scale in the backward pass.
    FanOut,
}

/// What follows the layer, for [`calculate_gain`]. Every convolution is `Linear` here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nonlinearity {
    /// `"linear"`, `"conv1d"` to `"conv3d"`, `"conv_transpose1d"` to `"conv_transpose3d"`: gain 1.
    Linear,
    /// `"sigmoid"`: gain 1.
    Sigmoid,
    /// `"tanh"`: gain 5/3.
    Tanh,
    /// `"relu"`: gain √2.
    ReLU,
    /// `"leaky_relu"`: gain √(2 / (1 + slope²)).
    #[default]
    LeakyReLU,
    /// `"selu"`: gain 3/4.
    SELU,
}

impl FromStr for Nonlinearity {
    type Err = InitError;

    fn from_str(name: &str) -> Result<Self, InitError> {
        Ok(match name {
            "linear" | "conv1d" | "conv2d" | "conv3d" => Nonlinearity::Linear,
            "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d" => Nonlinearity::Linear,
            "sigmoid" => Nonlinearity::Sigmoid,
            "tanh" => Nonlinearity::Tanh,
            "relu" => Nonlinearity::ReLU,
            "leaky_relu" => Nonlinearity::LeakyReLU,
            "selu" => Nonlinearity::SELU,
            _ => {
                return Err(InitError::Name { what: "nonlinearity", found: name.to_owned(), expected: NONLINEARITIES });
            }
        })
    }
}
const NONLINEARITIES: &str = "linear, conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, \
                              sigmoid, tanh, relu, leaky_relu or selu";

impl FromStr for FanMode {
    type Err = InitError;

    fn from_str(name: &str) -> Result<Self, InitError> {
        match name {
            "fan_in" => Ok(FanMode::FanIn),
            "fan_out" => Ok(FanMode::FanOut),
            _ => Err(InitError::Name { what: "mode", found: name.to_owned(), expected: "fan_in or fan_out" }),
        }
    }
}

/// What is wrong with the arguments of an initialisation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub enum InitError {
    /// The shape or a number does not suit the function.
    #[error("{init:?} cannot fill shape {shape:?}: {problem}")]
    Unsuitable { init: Init, shape: Vec<usize>, problem: &'static str },
    /// A name that PyTorch does not know.
    #[error("{what} {found:?}, expected {expected}")]
    Name { what: &'static str, found: String, expected: &'static str },
}

/// The factor by which a nonlinearity's layer is scaled. `param` is the slope of a leaky ReLU, 0.01 if absent.
///
/// # Example
/// ```
/// use glulam::init::{Nonlinearity, calculate_gain};
/// assert_eq!(calculate_gain(Nonlinearity::Tanh, None), 5.0 / 3.0);
/// ```
///
/// # References
/// `torch.nn.init.calculate_gain`.
pub fn calculate_gain(nonlinearity: Nonlinearity, param: Option<f64>) -> f64 {
    match nonlinearity {
        Nonlinearity::Linear | Nonlinearity::Sigmoid => 1.0,
        Nonlinearity::Tanh => 5.0 / 3.0,
        Nonlinearity::ReLU => 2f64.sqrt(),
        Nonlinearity::LeakyReLU => (2.0 / (1.0 + param.unwrap_or(0.01).powi(2))).sqrt(),
        Nonlinearity::SELU => 0.75,
    }
}

/// The connections into and out of a unit of `shape` (`[out, in, kernel…]`), of two axes at least.
fn fans(shape: &[usize]) -> (f64, f64) {
    let receptive_field: usize = shape[2..].iter().product();
    ((shape[1] * receptive_field) as f64, (shape[0] * receptive_field) as f64)
}

/// U(a, b). PyTorch's defaults are 0 and 1.
///
/// # Errors
/// If `a > b`, or one of them is not finite.
///
/// # Panics
/// As all functions here: if `values` and `shape` differ in length.
pub fn uniform_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    a: f64,
    b: f64,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::Uniform { a, b }.fill_tensor(values, shape, generator)
}

/// N(mean, std²). PyTorch's defaults are 0 and 1.
///
/// # Errors
/// If `std` is negative or not finite.
pub fn normal_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    mean: f64,
    std: f64,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::Normal { mean, std }.fill_tensor(values, shape, generator)
}

/// The same number everywhere.
pub fn constant_<T: Real>(values: &mut [T], value: f64) {
    values.fill(T::from_f64(value));
}

/// 1 everywhere.
pub fn ones_<T: Real>(values: &mut [T]) {
    values.fill(T::ONE);
}

/// 0 everywhere.
pub fn zeros_<T: Real>(values: &mut [T]) {
    values.fill(T::ZERO);
}

/// U(-b, b), b = gain · √(6 / (fan_in + fan_out)). PyTorch's default gain is 1.
///
/// # Errors
/// If the shape has fewer than two axes.
///
/// # References
/// Glorot and Bengio 2010, equation 16.
pub fn xavier_uniform_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    gain: f64,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::XavierUniform { gain }.fill_tensor(values, shape, generator)
}

/// N(0, std²), std = gain · √(2 / (fan_in + fan_out)). PyTorch's default gain is 1.
///
/// # Errors
/// If the shape has fewer than two axes.
///
/// # References
/// Glorot and Bengio 2010, equation 12.
pub fn xavier_normal_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    gain: f64,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::XavierNormal { gain }.fill_tensor(values, shape, generator)
}

/// U(-b, b), b = gain · √(3 / fan). The gain is that of `nonlinearity`, `a` being the slope of a leaky ReLU. PyTorch's
/// defaults are 0, `FanIn` and `LeakyReLU`.
///
/// # Errors
/// If the shape has fewer than two axes.
///
/// # Example
/// ```
/// use glulam::init::{FanMode, Nonlinearity, kaiming_uniform_};
/// use glulam::rng::Generator;
///
/// let mut weight = [0.0f32; 64 * 784];
/// let mut generator = Generator::seed_from(0);
/// kaiming_uniform_(&mut weight, &[64, 784], 0.0, FanMode::FanIn, Nonlinearity::ReLU, &mut generator)?;
/// assert!(weight.iter().all(|w| w.abs() <= (6.0f32 / 784.0).sqrt()));
/// # Ok::<(), glulam::init::InitError>(())
/// ```
///
/// # References
/// He et al. 2015, equation 14.
pub fn kaiming_uniform_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::KaimingUniform { a, mode, nonlinearity }.fill_tensor(values, shape, generator)
}

/// N(0, std²), std = gain / √fan. The arguments are those of [`kaiming_uniform_`].
///
/// # Errors
/// If the shape has fewer than two axes.
///
/// # References
/// He et al. 2015, equation 14.
pub fn kaiming_normal_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::KaimingNormal { a, mode, nonlinearity }.fill_tensor(values, shape, generator)
}

/// N(mean, std²) without what lies outside of [a, b]. PyTorch's defaults are 0, 1, -2 and 2: bounds are values, not
/// multiples of `std`.
///
/// # Errors
/// If `std` is not positive, or `a < b` is not so.
pub fn trunc_normal_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    mean: f64,
    std: f64,
    a: f64,
    b: f64,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::TruncNormal { mean, std, a, b }.fill_tensor(values, shape, generator)
}

// The three fillers are `inline(never)`, since `Init::fill_tensor` calls them from ten places.

#[inline(never)]
fn fill_uniform<T: Real>(values: &mut [T], a: f64, b: f64, generator: &mut Generator) {
    for value in values {
        *value = T::from_f64(generator.uniform(a, b));
    }
}

#[inline(never)]
fn fill_normal<T: Real>(values: &mut [T], mean: f64, std: f64, generator: &mut Generator) {
    for pair in values.chunks_mut(2) {
        let (x, y) = generator.normal_pair();
        for (value, z) in pair.iter_mut().zip([x, y]) {
            *value = T::from_f64(mean + std * z);
        }
    }
}

#[inline(never)]
fn fill_trunc_normal<T: Real>(values: &mut [T], mean: f64, std: f64, a: f64, b: f64, generator: &mut Generator) {
    // Rejection, as in PyTorch: from the normal distribution where much of it lies within the bounds (a third at
    // least), from the uniform one where little does.
    if (a..=b).contains(&mean) && b - a >= std {
        for value in values {
            *value = loop {
                let x = mean + std * generator.normal();
                if (a..=b).contains(&x) {
                    break T::from_f64(x);
                }
            };
        }
        return;
    }
    // The density falls from `mode`; ten standard deviations further it is below e⁻⁵⁰ of that.
    let mode = mean.clamp(a, b);
    let (low, high) = (a.max(mode - 10.0 * std), b.min(mode + 10.0 * std));
    let log_density = |x: f64| -0.5 * ((x - mean) / std).powi(2);
    for value in values {
        *value = loop {
            let x = generator.uniform(low, high);
            if (1.0 - generator.unit()).ln() <= log_density(x) - log_density(mode) {
                break T::from_f64(x);
            }
        };
    }
}

#[cfg(test)]
mod tests;
