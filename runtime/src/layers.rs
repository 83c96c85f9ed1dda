//! The layers by name, for documentation: hovering on one in a declaration finds it here.

/// ReLU.
#[derive(Clone, Copy, Debug)]
pub struct ReLU;

/// ReLU6.
#[derive(Clone, Copy, Debug)]
pub struct ReLU6;

/// LeakyReLU.
#[derive(Clone, Copy, Debug)]
pub struct LeakyReLU;

/// ELU.
#[derive(Clone, Copy, Debug)]
pub struct ELU;

/// SELU.
#[derive(Clone, Copy, Debug)]
pub struct SELU;

/// CELU.
#[derive(Clone, Copy, Debug)]
pub struct CELU;

/// GELU.
#[derive(Clone, Copy, Debug)]
pub struct GELU;

/// SiLU.
#[derive(Clone, Copy, Debug)]
pub struct SiLU;

/// Mish.
#[derive(Clone, Copy, Debug)]
pub struct Mish;

/// Sigmoid.
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// LogSigmoid.
#[derive(Clone, Copy, Debug)]
pub struct LogSigmoid;

/// Hardsigmoid.
#[derive(Clone, Copy, Debug)]
pub struct Hardsigmoid;

/// Tanh.
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// Hardtanh.
#[derive(Clone, Copy, Debug)]
pub struct Hardtanh;

/// Hardswish.
#[derive(Clone, Copy, Debug)]
pub struct Hardswish;

/// Softplus.
#[derive(Clone, Copy, Debug)]
pub struct Softplus;

/// Softsign.
#[derive(Clone, Copy, Debug)]
pub struct Softsign;

/// Softshrink.
#[derive(Clone, Copy, Debug)]
pub struct Softshrink;

/// Hardshrink.
#[derive(Clone, Copy, Debug)]
pub struct Hardshrink;

/// Tanhshrink.
#[derive(Clone, Copy, Debug)]
pub struct Tanhshrink;

/// Threshold.
#[derive(Clone, Copy, Debug)]
pub struct Threshold;

/// Linear.
#[derive(Clone, Copy, Debug)]
pub struct Linear;

/// Identity.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

/// Flatten.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

/// Unflatten.
#[derive(Clone, Copy, Debug)]
pub struct Unflatten;

/// BatchNorm1d.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm1d;

/// LayerNorm.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm;

/// Dropout.
#[derive(Clone, Copy, Debug)]
pub struct Dropout;

/// Softmax.
#[derive(Clone, Copy, Debug)]
pub struct Softmax;

/// LogSoftmax.
#[derive(Clone, Copy, Debug)]
pub struct LogSoftmax;

/// Softmin.
#[derive(Clone, Copy, Debug)]
pub struct Softmin;

/// Softmax2d.
#[derive(Clone, Copy, Debug)]
pub struct Softmax2d;

/// GLU.
#[derive(Clone, Copy, Debug)]
pub struct GLU;

/// PReLU.
#[derive(Clone, Copy, Debug)]
pub struct PReLU;

/// RReLU.
#[derive(Clone, Copy, Debug)]
pub struct RReLU;

/// Add.
#[derive(Clone, Copy, Debug)]
pub struct Add;
