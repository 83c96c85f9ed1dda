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
/// values of a channel are equal, up to 316 times that of the value; here it is the bias alone.
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

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each sample over groups of channels.
///
/// `GroupNorm(num_groups, num_channels, eps = 1e-5, affine = true, bias = true)`, `bias` by name only: the channels in
/// `num_groups` groups of neighbours, each channel with a weight and a bias of its own. `eps`: 0 or more. There are no running
/// statistics: training and evaluation are the same, and samples do not meet.
///
/// # Shapes
/// `[C, …]`, which stays, in PyTorch's order or channels last. `weight` and `bias`: `[C]`.
///
/// # Errors
/// `num_groups` does not divide `num_channels`, or a group has one value: it is its own mean, and the output the bias,
/// whatever comes in. (PyTorch refuses that for a batch of one sample alone.)
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [4, 1, 2] < GroupNorm(2, 4) > }
/// let y = Net::seeded(0).predict(&[[[[1.0, 3.0]], [[3.0, 1.0]], [[7.0, 7.0]], [[7.0, 7.0]]]]);
/// assert!((y[0][0][0][0] + 1.0).abs() < 1e-4 && (y[0][0][0][1] - 1.0).abs() < 1e-4);
/// assert_eq!(y[0][2..], [[[0.0; 2]]; 2]);
/// ```
///
/// # References
/// `torch.nn.GroupNorm`. Wu and He, Group Normalization, 2018. PyTorch's `f32` leaves rounding noise where all values of a
/// group are equal, up to 316 times that of the value; here it is the bias alone.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm;

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each channel of each sample.
///
/// `InstanceNorm1d(num_features, eps = 1e-5, momentum = 0.1, affine = false, track_running_stats = false, bias = true)`, `bias`
/// by name only: without `affine` there is neither weight nor bias. `eps`: 0 or more. With `track_running_stats` evaluation uses running
/// statistics, which training moves by `momentum` towards the mean, over the samples of a batch, of their means and of their
/// unbiased variances.
///
/// # Shapes
/// `[C, L]`, which stays, in PyTorch's order or channels last. Parameters, `running_mean`, `running_var`: `[C]`;
/// `num_batches_tracked`: `[]`, which stays 0, as in PyTorch.
///
/// # Errors
/// A channel has one value, which is its own mean (PyTorch refuses that except in evaluation with running statistics), or
/// `num_features` is another number than there are channels (PyTorch warns, without `affine`).
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2, 2] < InstanceNorm1d(2) > }
/// let y = Net::seeded(0).predict(&[[[1.0, 3.0], [50.0, 30.0]]]);
/// assert!((y[0][0][0] + 1.0).abs() < 1e-4 && (y[0][1][0] - 1.0).abs() < 1e-4);
/// ```
///
/// # References
/// `torch.nn.InstanceNorm1d`. Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016. The unbiased variances are
/// those of 1/√(variance + `eps`): exact but for the rounding of variance + `eps`.
#[derive(Clone, Copy, Debug)]
pub struct InstanceNorm1d;

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each channel of each sample.
///
/// `InstanceNorm2d(num_features, eps = 1e-5, momentum = 0.1, affine = false, track_running_stats = false, bias = true)`: the
/// options, buffers and errors are those of [`InstanceNorm1d`].
///
/// # Shapes
/// `[C, H, W]`, which stays, in PyTorch's order or channels last. Parameters and running statistics: `[C]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [1, 2, 2] < InstanceNorm2d(_, affine = true) > }
/// let y = Net::seeded(0).predict(&[[[[1.0, 3.0], [3.0, 1.0]]]]);
/// assert!((y[0][0][0][0] + 1.0).abs() < 1e-4 && (y[0][0][0][1] - 1.0).abs() < 1e-4);
/// ```
///
/// # References
/// `torch.nn.InstanceNorm2d`.
#[derive(Clone, Copy, Debug)]
pub struct InstanceNorm2d;

/// y = (x - mean)/√(variance + `eps`)·weight + bias, with mean and variance of each channel of each sample.
///
/// `InstanceNorm3d(num_features, eps = 1e-5, momentum = 0.1, affine = false, track_running_stats = false, bias = true)`: the
/// options, buffers and errors are those of [`InstanceNorm1d`].
///
/// # Shapes
/// `[C, D, H, W]`, which stays, in PyTorch's order or channels last. Parameters and running statistics: `[C]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [1, 1, 1, 2] < InstanceNorm3d(1, track_running_stats = true) > }
/// // The running statistics begin at mean 0 and variance 1.
/// let y = Net::seeded(0).predict(&[[[[[1.0, 3.0]]]]]);
/// assert!((y[0][0][0][0][0] - 1.0).abs() < 1e-4 && (y[0][0][0][0][1] - 3.0).abs() < 1e-4);
/// ```
///
/// # References
/// `torch.nn.InstanceNorm3d`.
#[derive(Clone, Copy, Debug)]
pub struct InstanceNorm3d;

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

/// y = x/√(mean(x²) + `eps`)·weight, with the mean square of each sample over its last axes.
///
/// `RMSNorm(normalized_shape, eps = None, elementwise_affine = true)`: `normalized_shape` is the last axis, `RMSNorm(64)`, or
/// the last several, `RMSNorm([4, 64])`. `eps`: 0 or more; `None` is the epsilon of the network's type, 1.1920929e-7 for `f32`.
///
/// # Shapes
/// Any that ends with `normalized_shape`; it stays. `weight` has the shape `normalized_shape`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < RMSNorm(2) > }
/// let y = Net::seeded(0).predict(&[[1.0, 7.0]]);
/// assert!((y[0][0] - 0.2).abs() < 1e-6 && (y[0][1] - 1.4).abs() < 1e-6);
/// ```
///
/// # References
/// `torch.nn.RMSNorm`. Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
#[derive(Clone, Copy, Debug)]
pub struct RMSNorm;

/// y = x/(`k` + `alpha`·mean(x²))^`beta`, the mean square at each position over `size` channels around each.
///
/// `LocalResponseNorm(size, alpha = 1e-4, beta = 0.75, k = 1)`: the channels from c - ⌊`size`/2⌋ to c + ⌊(`size` - 1)/2⌋. At the
/// edges there are fewer, but it is divided by `size` all the same.
///
/// # Shapes
/// `[C, L, …]`, which stays, in PyTorch's order or channels last.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [3, 1] < LocalResponseNorm(2, alpha = 2.0, beta = 1.0) > }
/// // 1/(1 + 1), 2/(1 + 1 + 4), 3/(1 + 4 + 9)
/// let y = Net::seeded(0).predict(&[[[1.0], [2.0], [3.0]]]);
/// assert!((y[0][0][0] - 0.5).abs() < 1e-6 && (y[0][1][0] - 1.0 / 3.0).abs() < 1e-6);
/// assert!((y[0][2][0] - 3.0 / 14.0).abs() < 1e-6);
/// ```
///
/// # References
/// `torch.nn.LocalResponseNorm`. Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural
/// Networks, 2012, section 3.3, where `alpha` is not divided by `size`.
#[derive(Clone, Copy, Debug)]
pub struct LocalResponseNorm;
