//! The manual of the layers that `network!` knows: what each computes, its arguments and its shapes.
//!
//! The types here hold nothing and do nothing. They stand for the layers, so that hovering over a layer's name in a
//! declaration, or going to its definition, finds its documentation.
//!
//! Names, order of the arguments, defaults and numbers are those of `torch.nn`. What holds for all:
//! - Arguments are positional, then by name: `Linear(784, 64, bias = false)`.
//! - A dimension is a number, a computation (`4 * D`), a named constant of type `usize`, or, where what comes before says
//!   it, `_`.
//! - Shapes are written without the batch, `[C, L]`, but axes are counted as PyTorch counts them, the batch being axis 0.
//! - `device` and `dtype` do not exist: a network runs on the CPU, in the type that its type parameter says.
//!
//! Your own layer is any type that implements [`CustomLayer`](crate::layer::CustomLayer).

mod activations;
mod convolutions;
mod dropouts;
mod joins;
mod linear;
mod norms;
mod pads;
mod pools;
mod resolutions;
mod shapes;
mod slopes;
mod softmaxes;

pub use activations::{
    CELU, ELU, GELU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid, Mish, ReLU, ReLU6, SELU,
    SiLU, Sigmoid, Softplus, Softshrink, Softsign, Tanh, Tanhshrink, Threshold,
};
pub use convolutions::{Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d};
pub use dropouts::{AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout};
pub use joins::{Add, Concat, Mul, Residual, Stack};
pub use linear::Linear;
pub use norms::{
    BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, LayerNorm,
    LocalResponseNorm, RMSNorm,
};
pub use pads::{
    CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d, ReflectionPad1d,
    ReflectionPad2d, ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, ZeroPad1d, ZeroPad2d,
    ZeroPad3d,
};
pub use pools::{
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d,
    AvgPool1d, AvgPool2d, AvgPool3d, LPPool1d, LPPool2d, LPPool3d, MaxPool1d, MaxPool2d, MaxPool3d,
};
pub use resolutions::{
    ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold, Upsample, UpsamplingBilinear2d, UpsamplingNearest2d,
};
pub use shapes::{Flatten, Identity, Unflatten};
pub use slopes::{PReLU, RReLU};
pub use softmaxes::{GLU, LogSoftmax, Softmax, Softmax2d, Softmin};
