//! Forward and backward kernels, side by side, formulas on top.
//!
//! The functions that generated code calls are thin and generic over shapes; the loops behind them are methods of the
//! traits gathered in [`Kernels`], compiled in this crate for `f32` and `f64` and each instruction set, on flat slices
//! with run-time sizes. A value is `&[[T; F]]`, one row per sample; a kernel that works on shorter rows (a `Linear` on
//! `[S, D]`) sees the same memory as more rows.
//!
//! Every element of a result is one sum in one fixed order, whichever rows are in the same call: the same bits for any
//! number of threads.

mod activation;
mod batch_norm;
mod columns;
mod concat;
mod conv;
mod custom;
mod dropout;
mod elementwise;
mod gather;
mod gemm;
mod group_norm;
mod layer_norm;
mod linear;
mod local_response_norm;
mod pad;
mod permute;
mod pooling;
mod relayout;
pub(crate) mod softmax;
#[cfg(test)]
pub(crate) mod testing;
mod unfold;
mod upsample;

pub use activation::{
    Activation, CELU, ELU, GELU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, Keeps, LeakyReLU, LogSigmoid, Mish,
    ReLU, ReLU6, SELU, SiLU, Sigmoid, Softplus, Softshrink, Softsign, Tanh, Tanhshrink, Threshold, activation_backward,
    activation_backward_in_place, activation_forward, glu_backward, glu_forward, prelu_backward_input,
    prelu_backward_weight, prelu_forward, rrelu_backward, rrelu_forward,
};
pub use batch_norm::{
    batch_norm_activation_forward, batch_norm_activation_forward_keep, batch_norm_backward_bias,
    batch_norm_backward_input, batch_norm_backward_weight, batch_norm_forward, batch_norm_moments,
    batch_norm_partial_sums, batch_norm_predict, batch_norm_statistics, batch_norm_statistics_predict, batch_norm_sums,
};
pub use concat::{concat_backward, concat_forward};
pub use conv::{
    Conv, Padding, Window, conv_activation_backward_input, conv_activation_forward, conv_activation_forward_keep,
    conv_backward_input, conv_backward_weight, conv_forward, conv_norm_activation_forward, conv_norm_forward,
};
pub use custom::custom_finish;
pub(crate) use custom::{custom_backward_input, custom_backward_parameters, custom_forward};
pub use dropout::{
    alpha_dropout_backward, alpha_dropout_forward, channel_alpha_dropout_backward, channel_alpha_dropout_forward,
    channel_dropout_backward, channel_dropout_forward, dropout_backward, dropout_forward,
};
pub use elementwise::{accumulate, add, add_activation, add_activation_keep, copy, multiply};
pub(crate) use gemm::rows_of_a_cut;
pub use group_norm::{
    Groups, group_norm_backward_bias, group_norm_backward_input, group_norm_backward_weight, group_norm_forward,
    group_norm_predict, instance_norm_backward_input, instance_norm_forward, instance_norm_running,
    instance_norm_statistics,
};
pub use layer_norm::{
    layer_norm_backward_bias, layer_norm_backward_input, layer_norm_backward_weight, layer_norm_forward,
    layer_norm_predict, rms_norm_backward_input, rms_norm_forward, rms_norm_predict,
};
pub use linear::{
    linear_activation_backward_input, linear_activation_forward, linear_activation_forward_keep, linear_backward_bias,
    linear_backward_input, linear_backward_weight, linear_forward,
};
pub use local_response_norm::{Response, local_response_norm_backward, local_response_norm_forward};
pub use pad::{Pads, pad_backward, pad_forward};
pub use permute::permute;
pub use pooling::{
    Divisor, Pool, average_pool_activation_backward, average_pool_backward, average_pool_forward, lp_pool_backward,
    lp_pool_forward, max_pool_activation_backward, max_pool_backward, max_pool_forward, max_pool_predict,
};
pub use relayout::{channels_first, channels_last};
pub use softmax::{
    log_softmax_backward_from_output, log_softmax_forward, softmax_backward_from_output, softmax_forward,
    softmin_backward_from_output, softmin_forward,
};
pub use unfold::{fold, unfold};
pub use upsample::{Interpolation, Resampling, upsample_backward, upsample_forward};

/// The kernels of one scalar type, compiled in this crate.
pub trait Kernels:
    gemm::GemmKernels
    + linear::LinearKernels
    + conv::ConvKernels
    + pooling::PoolKernels
    + activation::ActivationKernels
    + activation::ChannelKernels
    + softmax::SoftmaxKernels
    + columns::ColumnKernels
    + layer_norm::LayerNormKernels
    + batch_norm::BatchNormKernels
    + group_norm::GroupNormKernels
    + local_response_norm::LocalResponseKernels
    + dropout::DropoutKernels
    + elementwise::ElementwiseKernels
    + gather::GatherKernels
    + permute::PermuteKernels
    + upsample::UpsampleKernels
    + unfold::UnfoldKernels
{
}
impl Kernels for f32 {}
impl Kernels for f64 {}

/// A parameter of `I` rows of `O` elements: its place in the parameter table and in the flat array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<const I: usize, const O: usize> {
    /// The place in the table.
    pub index: usize,
    /// Where it begins in the flat array.
    pub offset: usize,
}

impl<const I: usize, const O: usize> Span<I, O> {
    /// Parameter `index` of the table, which begins at `offset`.
    pub const fn new(index: usize, offset: usize) -> Self {
        Span { index, offset }
    }
}

/// One axis of a sample, for what works along it: the flat sample is `[outer, len, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The number of elements along the axis.
    pub len: usize,
    /// The distance between two of them: the product of the dimensions after it.
    pub inner: usize,
}
