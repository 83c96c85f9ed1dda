//! Element-wise functions. Any shape; the shape stays.
//!
//! One that follows a [`Linear`](super::Linear) is computed where the linear layer writes its result, in one pass, and its
//! derivative where the next layer writes the gradient. `inplace` is accepted as PyTorch's users write it and changes
//! nothing: which memory is used again is decided when the network is compiled.

/// y = max(0, x).
///
/// `ReLU(inplace = false)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < ReLU > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [0.0, 0.0, 0.5, 4.0]));
/// ```
///
/// # References
/// `torch.nn.ReLU`. The derivative at 0 is 0.
#[derive(Clone, Copy, Debug)]
pub struct ReLU;

/// y = min(max(0, x), 6).
///
/// `ReLU6(inplace = false)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < ReLU6 > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [0.0, 0.0, 0.5, 4.0]));
/// ```
///
/// # References
/// `torch.nn.ReLU6`. The derivative at 0 and at 6 is 0.
#[derive(Clone, Copy, Debug)]
pub struct ReLU6;

/// y = x where x > 0, else `negative_slope`·x.
///
/// `LeakyReLU(negative_slope = 0.01, inplace = false)`. `negative_slope`: any number.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < LeakyReLU(0.1) > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.2, -0.05, 0.5, 4.0]));
/// ```
///
/// # References
/// `torch.nn.LeakyReLU`.
#[derive(Clone, Copy, Debug)]
pub struct LeakyReLU;

/// y = x where x > 0, else `alpha`·(eˣ - 1).
///
/// `ELU(alpha = 1.0, inplace = false)`. `alpha`: any number.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < ELU > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.864665, -0.393469, 0.5, 4.0]));
/// ```
///
/// # References
/// `torch.nn.ELU`.
#[derive(Clone, Copy, Debug)]
pub struct ELU;

/// y = s·x where x > 0, else s·a·(eˣ - 1), with a = 1.6732632 and s = 1.0507010.
///
/// `SELU(inplace = false)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < SELU > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-1.520167, -0.691758, 0.525351, 4.202804]));
/// ```
///
/// # References
/// `torch.nn.SELU`. Klambauer et al., Self-Normalizing Neural Networks, 2017.
#[derive(Clone, Copy, Debug)]
pub struct SELU;

/// y = max(0, x) + min(0, `alpha`·(exp(x/`alpha`) - 1)).
///
/// `CELU(alpha = 1.0, inplace = false)`. `alpha`: other than 0.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < CELU(2.0) > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-1.264241, -0.442398, 0.5, 4.0]));
/// ```
///
/// # References
/// `torch.nn.CELU`.
#[derive(Clone, Copy, Debug)]
pub struct CELU;

/// y = x·Φ(x), with Φ the normal distribution; `approximate = "tanh"`: x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
///
/// `GELU(approximate = "none")`. `approximate`: `"none"` or `"tanh"`. The default is the exact one, by the error function.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < GELU > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.0455, -0.154269, 0.345731, 3.999874]));
/// ```
///
/// # References
/// `torch.nn.GELU`. Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
#[derive(Clone, Copy, Debug)]
pub struct GELU;

/// y = x·σ(x), with σ the logistic function; also called swish.
///
/// `SiLU(inplace = false)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < SiLU > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.238406, -0.188770, 0.311230, 3.928055]));
/// ```
///
/// # References
/// `torch.nn.SiLU`.
#[derive(Clone, Copy, Debug)]
pub struct SiLU;

/// y = x·tanh(softplus(x)).
///
/// `Mish(inplace = false)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Mish > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.252501, -0.220744, 0.375245, 3.997413]));
/// ```
///
/// # References
/// `torch.nn.Mish`.
#[derive(Clone, Copy, Debug)]
pub struct Mish;

/// y = 1/(1 + e⁻ˣ).
///
/// `Sigmoid`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Sigmoid > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [0.119203, 0.377541, 0.622459, 0.982014]));
/// ```
///
/// # References
/// `torch.nn.Sigmoid`. Before a `BCEWithLogitsLoss` it is a mistake: that loss has its own.
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// y = log(1/(1 + e⁻ˣ)), without overflow.
///
/// `LogSigmoid`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < LogSigmoid > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-2.126928, -0.974077, -0.474077, -0.018150]));
/// ```
///
/// # References
/// `torch.nn.LogSigmoid`.
#[derive(Clone, Copy, Debug)]
pub struct LogSigmoid;

/// y = min(max(0, x + 3), 6)/6.
///
/// `Hardsigmoid(inplace = false)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Hardsigmoid > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [0.166667, 0.416667, 0.583333, 1.0]));
/// ```
///
/// # References
/// `torch.nn.Hardsigmoid`. The derivative at -3 and at 3 is 0.
#[derive(Clone, Copy, Debug)]
pub struct Hardsigmoid;

/// y = tanh(x).
///
/// `Tanh`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Tanh > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.964028, -0.462117, 0.462117, 0.999329]));
/// ```
///
/// # References
/// `torch.nn.Tanh`.
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// y = min(max(`min_val`, x), `max_val`).
///
/// `Hardtanh(min_val = -1.0, max_val = 1.0, inplace = false)`. `min_val` < `max_val`. The deprecated `min_value` and `max_value` are refused.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Hardtanh > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-1.0, -0.5, 0.5, 1.0]));
/// ```
///
/// # References
/// `torch.nn.Hardtanh`. The derivative at both ends is 0.
#[derive(Clone, Copy, Debug)]
pub struct Hardtanh;

/// y = x·min(max(0, x + 3), 6)/6.
///
/// `Hardswish(inplace = false)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Hardswish > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.333333, -0.208333, 0.291667, 4.0]));
/// ```
///
/// # References
/// `torch.nn.Hardswish`.
#[derive(Clone, Copy, Debug)]
pub struct Hardswish;

/// y = log(1 + exp(`beta`·x))/`beta`, and x itself where `beta`·x > `threshold`.
///
/// `Softplus(beta = 1.0, threshold = 20.0)`. `beta`: other than 0.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Softplus > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [0.126928, 0.474077, 0.974077, 4.018150]));
/// ```
///
/// # References
/// `torch.nn.Softplus`.
#[derive(Clone, Copy, Debug)]
pub struct Softplus;

/// y = x/(1 + |x|).
///
/// `Softsign`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Softsign > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-0.666667, -0.333333, 0.333333, 0.8]));
/// ```
///
/// # References
/// `torch.nn.Softsign`.
#[derive(Clone, Copy, Debug)]
pub struct Softsign;

/// y = x - `lambd` where x > `lambd`, x + `lambd` where x < -`lambd`, else 0.
///
/// `Softshrink(lambd = 0.5)`. `lambd`: 0 or more.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Softshrink > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-1.5, 0.0, 0.0, 3.5]));
/// ```
///
/// # References
/// `torch.nn.Softshrink`.
#[derive(Clone, Copy, Debug)]
pub struct Softshrink;

/// y = x where |x| > `lambd`, else 0.
///
/// `Hardshrink(lambd = 0.5)`. `lambd`: any number; none shrinks if it is negative.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Hardshrink(1.0) > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-2.0, 0.0, 0.0, 4.0]));
/// ```
///
/// # References
/// `torch.nn.Hardshrink`.
#[derive(Clone, Copy, Debug)]
pub struct Hardshrink;

/// y = x - tanh(x).
///
/// `Tanhshrink`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Tanhshrink > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [-1.035972, -0.037883, 0.037883, 3.000671]));
/// ```
///
/// # References
/// `torch.nn.Tanhshrink`.
#[derive(Clone, Copy, Debug)]
pub struct Tanhshrink;

/// y = x where x > `threshold`, else `value`.
///
/// `Threshold(threshold, value, inplace = false)`. Both have to be given.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// # fn near(y: &[[f32; 4]], z: [f32; 4]) -> bool { y[0].iter().zip(z).all(|(y, z)| (y - z).abs() < 1e-5) }
/// network! { Net: [4] < Threshold(0.1, 20.0) > }
/// let y = Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]);
/// assert!(near(&y, [20.0, 20.0, 0.5, 4.0]));
/// ```
///
/// # References
/// `torch.nn.Threshold`.
#[derive(Clone, Copy, Debug)]
pub struct Threshold;
