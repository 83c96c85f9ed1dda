//! Functions along an axis.

/// yᵢ = exp(xᵢ)/Σⱼ exp(xⱼ) along the axis `dim`, without overflow.
///
/// `Softmax(dim = None)`: the batch is axis 0, so `dim = 0` is refused. Without `dim`, PyTorch's old rule: axis 1, but
/// samples of no axis or of two need it, for which that is the batch.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < Softmax(dim = -1) > }
/// assert_eq!(Net::seeded(0).predict(&[[7.0, 7.0]]), [[0.5, 0.5]]);
/// ```
///
/// # References
/// `torch.nn.Softmax`. Before a `CrossEntropyLoss` it is a mistake: that loss has its own.
#[derive(Clone, Copy, Debug)]
pub struct Softmax;

/// yᵢ = xᵢ - log Σⱼ exp(xⱼ) along the axis `dim`, without overflow.
///
/// `LogSoftmax(dim = None)`, as [`Softmax`]. What `NLLLoss` takes.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < LogSoftmax(dim = -1) > }
/// let y = Net::seeded(0).predict(&[[7.0, 7.0]]);
/// assert!((y[0][0] - 0.5f32.ln()).abs() < 1e-6);
/// ```
///
/// # References
/// `torch.nn.LogSoftmax`.
#[derive(Clone, Copy, Debug)]
pub struct LogSoftmax;

/// yᵢ = exp(-xᵢ)/Σⱼ exp(-xⱼ) along the axis `dim`, without overflow.
///
/// `Softmin(dim = None)`, as [`Softmax`].
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < Softmin(dim = -1) > }
/// let y = Net::seeded(0).predict(&[[1.0, 2.0]]);
/// assert!(y[0][0] > y[0][1]);
/// ```
///
/// # References
/// `torch.nn.Softmin`.
#[derive(Clone, Copy, Debug)]
pub struct Softmin;

/// [`Softmax`] over the channels of images.
///
/// # Shapes
/// `[C, H, W]`, which stays.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2, 1, 1] < Softmax2d > }
/// assert_eq!(Net::seeded(0).predict(&[[[[3.0]], [[3.0]]]]), [[[[0.5]], [[0.5]]]]);
/// ```
///
/// # References
/// `torch.nn.Softmax2d`.
#[derive(Clone, Copy, Debug)]
pub struct Softmax2d;

/// y = a ⊙ σ(b), where a and b are the two halves of x along the axis `dim`.
///
/// `GLU(dim = -1)`.
///
/// # Shapes
/// The axis becomes half as long: `[2·C]` → `[C]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [4] < GLU > }
/// assert_eq!(Net::seeded(0).predict(&[[2.0, 4.0, 0.0, 0.0]]), [[1.0, 2.0]]);
/// ```
///
/// # References
/// `torch.nn.GLU`. Dauphin et al., Language Modeling with Gated Convolutional Networks, 2016.
#[derive(Clone, Copy, Debug)]
pub struct GLU;
