//! Layers whose weight slides over the axes behind the channels.

/// y at (o, position) = b at o + Σ over channels c and taps k of x at (c, position·stride + k·dilation - padding) · w at
/// (o, c, k), over `[C, H, W]`.
///
/// `Conv2d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
/// padding_mode = "zeros")`, and by name `init` and `bias_init` as of [`Linear`](crate::layers::Linear). Without them both
/// are U(±1/√fan_in), fan_in = in_channels/groups · the kernel's elements, as in PyTorch.
///
/// - `kernel_size`, `stride`, `padding` and `dilation` are one number, or one for each axis: `(3, 5)`.
/// - `padding` may be `"valid"`, which is 0, or `"same"`: the output is as large as the input, and where that takes an odd
///   number of elements, the odd one stands at the right and at the bottom. It needs `stride = 1`.
/// - `padding_mode` says what is read beyond the edges: `"zeros"`; `"reflect"`, the image mirrored without its edge (by at
///   most one less than its size); `"replicate"`, the edge; `"circular"`, the other end (by at most its size).
/// - With `groups`, channels are in so many groups, and only those of the same group meet: `groups = in_channels` is a
///   depthwise convolution.
///
/// # Shapes
/// `[in_channels, H, W]` → `[out_channels, H', W']`, H' = ⌊(H + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1.
/// `weight: [out_channels, in_channels/groups, kernel…]`, `bias: [out_channels]` in a state dict. In memory the weight is
/// `[kernel…, in_channels/groups, out_channels]`, and images are stored with the channels last; both are PyTorch's in state
/// dicts, inputs and outputs.
///
/// Windows of 3×3 with stride 1, dilation 1, one group, zeros beyond the edges, 32 or more channels on both sides (multiples of
/// 16) and at least 16 tiles of 2×2 results (7×7, say) are computed in such tiles, with 16 multiplications for 36 (Winograd's
/// F(2×2, 3×3)). Differences of a window's elements are multiplied there by sums of the taps: an error of rounding is as large
/// as the largest element times the largest tap, though these two may not meet in the window, and an infinite element may give
/// NaN where the sum is infinite.
///
/// # Errors
/// When the declaration is compiled: an output without elements, channels that do not fit, groups that do not divide them,
/// more padding than the mode can find. (PyTorch finds most of these in the first forward.)
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Blur: [1, 3, 4] < Conv2d(1, 1, (1, 2), bias = false, init = constant(0.5)) > }
/// let image = [[[0.0, 2.0, 4.0, 6.0], [1.0, 1.0, 1.0, 1.0], [8.0, 0.0, 8.0, 0.0]]];
/// assert_eq!(Blur::seeded(0).predict(&[image]), [[[[1.0, 3.0, 5.0], [1.0, 1.0, 1.0], [4.0, 4.0, 4.0]]]]);
/// ```
///
/// # References
/// `torch.nn.Conv2d`.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d;

/// [`Conv2d`] over `[C, L]`: sequences and signals.
///
/// `Conv1d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
/// padding_mode = "zeros")`.
///
/// # Shapes
/// `[in_channels, L]` → `[out_channels, L']`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Sums: [1, 5] < Conv1d(1, 1, 3, padding = "same", bias = false, init = ones) > }
/// assert_eq!(Sums::seeded(0).predict(&[[[1.0, 2.0, 3.0, 4.0, 5.0]]]), [[[3.0, 6.0, 9.0, 12.0, 9.0]]]);
/// ```
///
/// # References
/// `torch.nn.Conv1d`.
#[derive(Clone, Copy, Debug)]
pub struct Conv1d;

/// [`Conv2d`] over `[C, D, H, W]`: volumes.
///
/// `Conv3d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
/// padding_mode = "zeros")`.
///
/// # Shapes
/// `[in_channels, D, H, W]` → `[out_channels, D', H', W']`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2, 8, 8, 8] < Conv3d(2, 4, 3, stride = (1, 2, 2), padding = 1) > }
/// assert_eq!(<Net as Network<f32>>::OUTPUT_SHAPE, [4, 8, 4, 4]);
/// ```
///
/// # References
/// `torch.nn.Conv3d`.
#[derive(Clone, Copy, Debug)]
pub struct Conv3d;

/// What [`Conv2d`] does to gradients, as a layer: each element of x adds its window times w to y, over `[C, H, W]`.
///
/// `ConvTranspose2d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, output_padding = 0, groups = 1,
/// bias = true, dilation = 1, padding_mode = "zeros")`, and by name `init` and `bias_init`. Without them both are
/// U(±1/√fan_in), where fan_in = out_channels/groups · the kernel's elements: PyTorch counts the second axis of the weight.
///
/// - `padding` is what is cut off at each side.
/// - `output_padding` elements are added at the right and at the bottom, of which a convolution with these options would not
///   know that they were there; they hold the bias, and what windows reach of them. Less than `stride`, or less than
///   `dilation`.
/// - `padding_mode` is `"zeros"`, the only one that there is.
///
/// # Shapes
/// `[in_channels, H, W]` → `[out_channels, H', W']`,
/// H' = (H - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1. In a state dict
/// `weight: [in_channels, out_channels/groups, kernel…]`, `bias: [out_channels]`; in memory the weight is
/// `[kernel…, out_channels/groups, in_channels]`.
///
/// # Errors
/// As of [`Conv2d`]; `output_padding` that is too large.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Twice: [1, 1, 2] < ConvTranspose2d(1, 1, (1, 2), stride = 2, bias = false, init = ones) > }
/// assert_eq!(Twice::seeded(0).predict(&[[[[3.0, 5.0]]]]), [[[[3.0, 3.0, 5.0, 5.0]]]]);
/// ```
///
/// # References
/// `torch.nn.ConvTranspose2d`.
#[derive(Clone, Copy, Debug)]
pub struct ConvTranspose2d;

/// [`ConvTranspose2d`] over `[C, L]`.
///
/// `ConvTranspose1d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, output_padding = 0, groups = 1,
/// bias = true, dilation = 1, padding_mode = "zeros")`.
///
/// # Shapes
/// `[in_channels, L]` → `[out_channels, L']`.
///
/// # References
/// `torch.nn.ConvTranspose1d`.
#[derive(Clone, Copy, Debug)]
pub struct ConvTranspose1d;

/// [`ConvTranspose2d`] over `[C, D, H, W]`.
///
/// `ConvTranspose3d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, output_padding = 0, groups = 1,
/// bias = true, dilation = 1, padding_mode = "zeros")`.
///
/// # Shapes
/// `[in_channels, D, H, W]` → `[out_channels, D', H', W']`.
///
/// # References
/// `torch.nn.ConvTranspose3d`.
#[derive(Clone, Copy, Debug)]
pub struct ConvTranspose3d;
