//! Normalisations.

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each channel over the batch.
///
/// `BatchNorm1d(num_features, eps = 1e-5, momentum = 0.1, affine = true, track_running_stats = true, bias = true)`, `bias`
/// by name only. In training the statistics are the batch's, and the running ones move by `momentum` towards them
/// (`momentum = None`: they are the average of all batches); in evaluation they are the running ones. What normalises is the
/// biased variance, what is stored the unbiased one.
///
/// # Shapes
/// `[C]` or `[C, L]`, which stays. `weight`, `bias`, `running_mean`, `running_var`: `[C]`; `num_batches_tracked`: `[]`.
///
/// # Panics
/// In training, if the batch has one value for each channel; with `track_running_stats = false`, in evaluation too.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [1] < BatchNorm1d(_) > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(2);
/// let y = net.forward(Mode::Train, &[[1.0], [3.0]], &mut workspace);
/// assert!((y[0][0] + 1.0).abs() < 1e-4 && (y[1][0] - 1.0).abs() < 1e-4);
/// ```
///
/// # References
/// `torch.nn.BatchNorm1d`. Ioffe and Szegedy, Batch Normalization, 2015. PyTorch's `f32` leaves rounding noise where all
/// values of a channel are equal, up to 316 times that of the value; here it is the bias alone. A state dict without
/// `num_batches_tracked` lacks a key, whatever its version.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm1d;

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each channel over the batch and the image.
///
/// `BatchNorm2d(num_features, eps = 1e-5, momentum = 0.1, affine = true, track_running_stats = true, bias = true)`: the options,
/// statistics and panics are those of [`BatchNorm1d`].
///
/// # Shapes
/// `[C, H, W]`, which stays, in PyTorch's order or channels last. Parameters and buffers: `[C]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [1, 2, 2] < BatchNorm2d(_) > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(1);
/// let y = net.forward(Mode::Train, &[[[[1.0, 3.0], [3.0, 1.0]]]], &mut workspace);
/// assert!((y[0][0][0][0] + 1.0).abs() < 1e-4 && (y[0][0][0][1] - 1.0).abs() < 1e-4);
/// ```
///
/// # References
/// `torch.nn.BatchNorm2d`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm2d;

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each channel over the batch and the volume.
///
/// `BatchNorm3d(num_features, eps = 1e-5, momentum = 0.1, affine = true, track_running_stats = true, bias = true)`: the options,
/// statistics and panics are those of [`BatchNorm1d`].
///
/// # Shapes
/// `[C, D, H, W]`, which stays, in PyTorch's order or channels last. Parameters and buffers: `[C]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [1, 1, 1, 2] < BatchNorm3d(1, momentum = 1.0) > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(1);
/// net.forward(Mode::Train, &[[[[[1.0, 3.0]]]]], &mut workspace);
/// // The stored variance is the unbiased one.
/// assert_eq!(net.weights().buffers[..2], [2.0, 2.0]);
/// ```
///
/// # References
/// `torch.nn.BatchNorm3d`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm3d;

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each sample over its last axes.
///
/// `LayerNorm(normalized_shape, eps = 1e-5, elementwise_affine = true, bias = true)`: `normalized_shape` is the last axis,
/// `LayerNorm(64)`, or the last several, `LayerNorm([4, 64])`. `eps`: 0 or more.
///
/// # Shapes
/// Any that ends with `normalized_shape`; it stays. `weight` and `bias` have the shape `normalized_shape`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < LayerNorm(2) > }
/// let y = Net::seeded(0).predict(&[[1.0, 3.0]]);
/// assert!((y[0][0] + 1.0).abs() < 1e-4 && (y[0][1] - 1.0).abs() < 1e-4);
/// ```
///
/// # References
/// `torch.nn.LayerNorm`. Ba et al., Layer Normalization, 2016.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm;
