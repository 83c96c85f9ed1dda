//! Layers that make one cell of each window, channel by channel.

/// y = the largest x of each window, over `[C, H, W]`.
///
/// `MaxPool2d(kernel_size, stride = None, padding = 0, dilation = 1, return_indices = false, ceil_mode = false)`.
///
/// - `kernel_size`, `stride`, `padding` and `dilation` are one number, or one for each axis: `(3, 2)`. Without `stride` windows
///   lie side by side.
/// - `padding` is at most half of `kernel_size`; what is there is never the largest.
/// - With `ceil_mode` a last window that is cut at the edge counts too, if it begins before the padding behind the image.
/// - `return_indices` cannot be set: a layer has one output.
///
/// Of equal cells the first one gets the gradient. A NaN is larger than any number.
///
/// # Shapes
/// `[C, H, W]` → `[C, H', W']`, H' = ⌊(H + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1, rounded up with
/// `ceil_mode`. Images are stored with the channels last.
///
/// # Errors
/// When the declaration is compiled: an output without elements, more padding than half of a window. (PyTorch finds these in
/// the first forward.)
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Pooled: [1, 2, 5] < MaxPool2d(2) > }
/// let image = [[[1.0, 2.0, 8.0, 4.0, 9.0], [5.0, 3.0, 7.0, 6.0, 9.0]]];
/// assert_eq!(Pooled::seeded(0).predict(&[image]), [[[[5.0, 8.0]]]]);
/// ```
///
/// # References
/// `torch.nn.MaxPool2d`.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d;

/// [`MaxPool2d`] over `[C, L]`.
///
/// `MaxPool1d(kernel_size, stride = None, padding = 0, dilation = 1, return_indices = false, ceil_mode = false)`.
///
/// # Shapes
/// `[C, L]` → `[C, L']`.
///
/// # References
/// `torch.nn.MaxPool1d`.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool1d;

/// [`MaxPool2d`] over `[C, D, H, W]`.
///
/// `MaxPool3d(kernel_size, stride = None, padding = 0, dilation = 1, return_indices = false, ceil_mode = false)`.
///
/// # Shapes
/// `[C, D, H, W]` → `[C, D', H', W']`.
///
/// # References
/// `torch.nn.MaxPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool3d;

/// y = Σ x / n over each window, over `[C, H, W]`.
///
/// `AvgPool2d(kernel_size, stride = None, padding = 0, ceil_mode = false, count_include_pad = true, divisor_override = None)`.
///
/// - `kernel_size`, `stride`, `padding` and `ceil_mode` as of [`MaxPool2d`]. The padding is zeros.
/// - n is the number of the window's cells in the image and its padding, not of those that a cut window has beyond; without
///   `count_include_pad` of those in the image.
/// - n is `divisor_override` where that is given: any whole number but 0.
///
/// # Shapes
/// As of [`MaxPool2d`].
///
/// # Errors
/// As of [`MaxPool2d`].
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Pooled: [1, 2, 2] < AvgPool2d(2, stride = 1, padding = (0, 1), count_include_pad = false) > }
/// assert_eq!(Pooled::seeded(0).predict(&[[[[1.0, 2.0], [5.0, 8.0]]]]), [[[[3.0, 4.0, 5.0]]]]);
/// ```
///
/// # References
/// `torch.nn.AvgPool2d`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d;

/// [`AvgPool2d`] over `[C, L]`.
///
/// `AvgPool1d(kernel_size, stride = None, padding = 0, ceil_mode = false, count_include_pad = true)`.
///
/// # Shapes
/// `[C, L]` → `[C, L']`.
///
/// # References
/// `torch.nn.AvgPool1d`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool1d;

/// [`AvgPool2d`] over `[C, D, H, W]`.
///
/// `AvgPool3d(kernel_size, stride = None, padding = 0, ceil_mode = false, count_include_pad = true, divisor_override = None)`.
///
/// # Shapes
/// `[C, D, H, W]` → `[C, D', H', W']`.
///
/// # References
/// `torch.nn.AvgPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool3d;

/// y = (Σ x^p)^(1/p) over each window, over `[C, H, W]`: the sum for p = 1, and near the largest for a large p.
///
/// `LPPool2d(norm_type, kernel_size, stride = None, ceil_mode = false)`, where p = `norm_type`.
///
/// - p is any number but 0, and finite.
/// - The power has a sign: an odd p may give a negative sum, whose root is NaN, as is the power of a negative number by a p that
///   is not whole.
/// - Of a window that is cut (`ceil_mode`), the sum stands for as many cells as a whole one has: 3/2·Σ x^p of 2 out of 3.
/// - A window whose sum is 0 has the gradient 0; NaN for p < 1.
///
/// # Shapes
/// As of [`MaxPool2d`].
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Lengths: [1, 1, 4] < LPPool2d(2, (1, 2)) > }
/// assert_eq!(Lengths::seeded(0).predict(&[[[[3.0, 4.0, -5.0, 12.0]]]]), [[[[5.0, 13.0]]]]);
/// ```
///
/// # References
/// `torch.nn.LPPool2d`.
#[derive(Clone, Copy, Debug)]
pub struct LPPool2d;

/// [`LPPool2d`] over `[C, L]`.
///
/// `LPPool1d(norm_type, kernel_size, stride = None, ceil_mode = false)`.
///
/// # Shapes
/// `[C, L]` → `[C, L']`.
///
/// # References
/// `torch.nn.LPPool1d`.
#[derive(Clone, Copy, Debug)]
pub struct LPPool1d;

/// [`LPPool2d`] over `[C, D, H, W]`.
///
/// `LPPool3d(norm_type, kernel_size, stride = None, ceil_mode = false)`.
///
/// # Shapes
/// `[C, D, H, W]` → `[C, D', H', W']`.
///
/// # References
/// `torch.nn.LPPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct LPPool3d;

/// y = the average of each of so many windows, which share the axes out evenly, over `[C, H, W]`.
///
/// `AdaptiveAvgPool2d(output_size)`: one number, or one for each axis; `None` for an axis leaves it as it is.
///
/// Window o of n has the elements from ⌊o·H/n⌋ to before ⌈(o + 1)·H/n⌉. Neighbours share one where n does not divide H, and there
/// may be more windows than elements. `AdaptiveAvgPool2d(1)` is the average over the whole image.
///
/// # Shapes
/// `[C, H, W]` → `[C, output_size…]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Pooled: [1, 1, 5] < AdaptiveAvgPool2d((None, 2)) > }
/// assert_eq!(Pooled::seeded(0).predict(&[[[[1.0, 2.0, 6.0, 7.0, 8.0]]]]), [[[[3.0, 7.0]]]]);
/// ```
///
/// # References
/// `torch.nn.AdaptiveAvgPool2d`.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool2d;

/// [`AdaptiveAvgPool2d`] over `[C, L]`: `AdaptiveAvgPool1d(output_size)`.
///
/// # Shapes
/// `[C, L]` → `[C, output_size]`.
///
/// # References
/// `torch.nn.AdaptiveAvgPool1d`.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool1d;

/// [`AdaptiveAvgPool2d`] over `[C, D, H, W]`: `AdaptiveAvgPool3d(output_size)`.
///
/// # Shapes
/// `[C, D, H, W]` → `[C, output_size…]`.
///
/// # References
/// `torch.nn.AdaptiveAvgPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool3d;

/// y = the largest x of each of so many windows, those of [`AdaptiveAvgPool2d`], over `[C, H, W]`.
///
/// `AdaptiveMaxPool2d(output_size, return_indices = false)`. What is largest, and what cannot be returned: see [`MaxPool2d`].
///
/// # Shapes
/// `[C, H, W]` → `[C, output_size…]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Pooled: [1, 1, 5] < AdaptiveMaxPool2d((1, 2)) > }
/// assert_eq!(Pooled::seeded(0).predict(&[[[[1.0, 2.0, 6.0, 5.0, 4.0]]]]), [[[[6.0, 6.0]]]]);
/// ```
///
/// # References
/// `torch.nn.AdaptiveMaxPool2d`.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveMaxPool2d;

/// [`AdaptiveMaxPool2d`] over `[C, L]`: `AdaptiveMaxPool1d(output_size, return_indices = false)`.
///
/// # Shapes
/// `[C, L]` → `[C, output_size]`.
///
/// # References
/// `torch.nn.AdaptiveMaxPool1d`.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveMaxPool1d;

/// [`AdaptiveMaxPool2d`] over `[C, D, H, W]`: `AdaptiveMaxPool3d(output_size, return_indices = false)`.
///
/// # Shapes
/// `[C, D, H, W]` → `[C, output_size…]`.
///
/// # References
/// `torch.nn.AdaptiveMaxPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveMaxPool3d;
