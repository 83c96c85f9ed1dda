//! Layers that change the resolution of a sample, put its numbers at other places, or take it apart into windows.

/// The sample at another resolution: the nearest elements, or means of those around each place.
///
/// `Upsample(size = None, scale_factor = None, mode = "nearest", align_corners = None, recompute_scale_factor = None)`.
///
/// - `size` or `scale_factor`, not both: one number for all axes after the channels, or one for each, `(28, 14)`.
/// - `mode`:
///
/// | | takes | element o of the output |
/// |---|---|---|
/// | `"nearest"` | any | x at ⌊o / s⌋ |
/// | `"nearest-exact"` | any | x at ⌊(o + 1/2) / s⌋ |
/// | `"linear"`, `"bilinear"`, `"trilinear"` | `[C, L]`, `[C, H, W]`, `[C, D, H, W]` | a mean of two along each axis |
/// | `"bicubic"` | `[C, H, W]` | a mean of four along each axis, with Keys' weights for a = -3/4 |
///
/// - Means are taken at (o + 1/2) / s - 1/2; with `align_corners` at o·(L - 1) / (L' - 1), where the first and the last elements
///   lie on each other, and an output of one element is the first. It means nothing to the nearest modes, and is refused there.
/// - s is `scale_factor` as it is given, though L' is a whole number; with `recompute_scale_factor`, or with `size`, it is L' / L.
/// - Along an axis that keeps its length, `linear`, `bilinear` and `trilinear` copy, whatever s is. So does `nearest` of images and
///   volumes, and has each element twice where the length doubles.
///
/// # Shapes
/// `[C, H, W]` → `[C, H', W']`, where each length is `size`, or ⌊L·`scale_factor`⌋.
///
/// # Errors
/// When the declaration is compiled: an output without elements, a mode for samples of other axes.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Twice: [1, 1, 2] < Upsample(scale_factor = (1, 2), mode = "bilinear") > }
/// assert_eq!(Twice::seeded(0).predict(&[[[[1.0, 5.0]]]]), [[[[1.0, 2.0, 4.0, 5.0]]]]);
/// ```
///
/// # References
/// `torch.nn.Upsample`. There is no `antialias`, which `torch.nn.Upsample` does not take either.
#[derive(Clone, Copy, Debug)]
pub struct Upsample;

/// [`Upsample`] of `[C, H, W]` with `mode = "nearest"`: `UpsamplingNearest2d(size = None, scale_factor = None)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Twice: [1, 1, 2] < UpsamplingNearest2d(scale_factor = 2) > }
/// let row = [1.0, 1.0, 5.0, 5.0];
/// assert_eq!(Twice::seeded(0).predict(&[[[[1.0, 5.0]]]]), [[[row, row]]]);
/// ```
///
/// # References
/// `torch.nn.UpsamplingNearest2d`.
#[derive(Clone, Copy, Debug)]
pub struct UpsamplingNearest2d;

/// [`Upsample`] of `[C, H, W]` with `mode = "bilinear", align_corners = true`:
/// `UpsamplingBilinear2d(size = None, scale_factor = None)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Thrice: [1, 1, 2] < UpsamplingBilinear2d(size = (1, 3)) > }
/// assert_eq!(Thrice::seeded(0).predict(&[[[[1.0, 5.0]]]]), [[[[1.0, 3.0, 5.0]]]]);
/// ```
///
/// # References
/// `torch.nn.UpsamplingBilinear2d`.
#[derive(Clone, Copy, Debug)]
pub struct UpsamplingBilinear2d;

/// Channels become pixels: y[c, r·h + i, r·w + j] = x[r²·c + r·i + j, h, w], where r = `upscale_factor`.
///
/// `PixelShuffle(upscale_factor)`.
///
/// # Shapes
/// `[C·r², H, W]` → `[C, H·r, W·r]`; axes before these stay.
///
/// # Errors
/// When the declaration is compiled: r² does not divide the channels.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Shuffled: [4, 1, 1] < PixelShuffle(2) > }
/// assert_eq!(Shuffled::seeded(0).predict(&[[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]]), [[[[1.0, 2.0], [3.0, 4.0]]]]);
/// ```
///
/// # References
/// `torch.nn.PixelShuffle`. W. Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel
/// convolutional neural network, 2016.
#[derive(Clone, Copy, Debug)]
pub struct PixelShuffle;

/// Pixels become channels: undoes [`PixelShuffle`].
///
/// `PixelUnshuffle(downscale_factor)`.
///
/// # Shapes
/// `[C, H·r, W·r]` → `[C·r², H, W]`, where r = `downscale_factor`; axes before these stay.
///
/// # Errors
/// When the declaration is compiled: r does not divide a side.
///
/// # References
/// `torch.nn.PixelUnshuffle`.
#[derive(Clone, Copy, Debug)]
pub struct PixelUnshuffle;

/// Channels of all groups in turn: channel g·i + j of y is the i-th one of group j of x, where g = `groups`.
///
/// `ChannelShuffle(groups)`.
///
/// # Shapes
/// `[C, …]` → the same, of at least two axes.
///
/// # Errors
/// When the declaration is compiled: `groups` does not divide the channels.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Shuffled: [4, 1] < ChannelShuffle(2) > }
/// assert_eq!(Shuffled::seeded(0).predict(&[[[1.0], [2.0], [3.0], [4.0]]]), [[[1.0], [3.0], [2.0], [4.0]]]);
/// ```
///
/// # References
/// `torch.nn.ChannelShuffle`. X. Zhang et al., ShuffleNet, 2018.
#[derive(Clone, Copy, Debug)]
pub struct ChannelShuffle;

/// The windows of an image beside each other, each as a column.
///
/// `Unfold(kernel_size, dilation = 1, padding = 0, stride = 1)`: one number, or one for each axis.
///
/// # Shapes
/// `[C, H, W]` → `[C·kernel, L]`: rows are channels, then the kernel's rows, then its columns; L windows, row by row, as many as a
/// [`Conv2d`](crate::layers::Conv2d) has.
///
/// # Errors
/// When the declaration is compiled: no window.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Windows: [1, 1, 3] < Unfold((1, 2)) > }
/// assert_eq!(Windows::seeded(0).predict(&[[[[1.0, 2.0, 3.0]]]]), [[[1.0, 2.0], [2.0, 3.0]]]);
/// ```
///
/// # References
/// `torch.nn.Unfold`.
#[derive(Clone, Copy, Debug)]
pub struct Unfold;

/// The sum of columns, each where its window lies in an image: the gradient of [`Unfold`]. What no window reaches is 0.
///
/// `Fold(output_size, kernel_size, dilation = 1, padding = 0, stride = 1)`: one number, or one for each axis.
///
/// # Shapes
/// `[C·kernel, L]` → `[C, H, W]`, where `output_size` is `(H, W)`, and L the number of its windows.
///
/// # Errors
/// When the declaration is compiled: another number of windows, rows that are not a number of kernels.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Sums: [2, 2] < Fold((1, 3), (1, 2)) > }
/// assert_eq!(Sums::seeded(0).predict(&[[[1.0, 2.0], [2.0, 3.0]]]), [[[[1.0, 4.0, 3.0]]]]);
/// ```
///
/// # References
/// `torch.nn.Fold`.
#[derive(Clone, Copy, Debug)]
pub struct Fold;
