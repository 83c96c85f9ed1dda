//! Normalisations, and dropout.

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
/// In training, if the batch has one value for each channel.
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
/// `torch.nn.BatchNorm1d`. Ioffe and Szegedy, Batch Normalization, 2015.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm1d;

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

/// In training each element becomes 0 with probability `p`, the others grow by 1/(1 - `p`); in evaluation y = x.
///
/// `Dropout(p = 0.5, inplace = false)`: `p` between 0 and 1. `inplace` is accepted and changes nothing.
///
/// # Shapes
/// Any; it stays.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [64] < Dropout(0.25) > }
/// let mut net = Net::seeded(0);
/// assert_eq!(net.predict(&[[3.0; 64]]), [[3.0; 64]]);
/// let mut workspace = net.workspace(1);
/// let y = net.forward(Mode::Train, &[[3.0; 64]], &mut workspace);
/// assert!(y[0].iter().all(|&y| y == 0.0 || y == 4.0));
/// ```
///
/// # References
/// `torch.nn.Dropout`. Which elements are dropped is other than in PyTorch: it follows from seed, step, layer and element,
/// so that it does not depend on the number of threads.
#[derive(Clone, Copy, Debug)]
pub struct Dropout;
