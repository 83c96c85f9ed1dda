//! Layers that put something around a sample, or take some of it away.

/// Zeros around `[C, H, W]`.
///
/// `ZeroPad2d(padding)`: one number for all sides, or `(left, right, top, bottom)`. A negative number takes elements away.
///
/// # Shapes
/// `[…, H, W]` → `[…, H + top + bottom, W + left + right]`: the last two axes are padded, whatever stands before them.
///
/// # Errors
/// When the declaration is compiled: an output without elements, more taken away than there is.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Padded: [1, 1, 3] < ZeroPad2d((-1, 2, 1, 0)) > }
/// let expected = [[[0.0, 0.0, 0.0, 0.0], [2.0, 3.0, 0.0, 0.0]]];
/// assert_eq!(Padded::seeded(0).predict(&[[[[1.0, 2.0, 3.0]]]]), [expected]);
/// ```
///
/// # References
/// `torch.nn.ZeroPad2d`.
#[derive(Clone, Copy, Debug)]
pub struct ZeroPad2d;

/// [`ZeroPad2d`] along the last axis.
///
/// `ZeroPad1d(padding)`: one number, or `(left, right)`.
///
/// # Shapes
/// `[…, L]` → `[…, L + left + right]`.
///
/// # References
/// `torch.nn.ZeroPad1d`.
#[derive(Clone, Copy, Debug)]
pub struct ZeroPad1d;

/// [`ZeroPad2d`] along the last three axes.
///
/// `ZeroPad3d(padding)`: one number, or `(left, right, top, bottom, front, back)`.
///
/// # Shapes
/// `[…, D, H, W]` → `[…, D + front + back, H + top + bottom, W + left + right]`.
///
/// # References
/// `torch.nn.ZeroPad3d`.
#[derive(Clone, Copy, Debug)]
pub struct ZeroPad3d;

/// [`ZeroPad2d`] with the number `value` in the place of zero.
///
/// `ConstantPad2d(padding, value)`.
///
/// # Shapes
/// As of [`ZeroPad2d`].
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Padded: [1, 1, 1] < ConstantPad2d((1, 0, 0, 1), 0.5) > }
/// assert_eq!(Padded::seeded(0).predict(&[[[[3.0]]]]), [[[[0.5, 3.0], [0.5, 0.5]]]]);
/// ```
///
/// # References
/// `torch.nn.ConstantPad2d`.
#[derive(Clone, Copy, Debug)]
pub struct ConstantPad2d;

/// [`ConstantPad2d`] along the last axis: `ConstantPad1d(padding, value)`.
///
/// # Shapes
/// As of [`ZeroPad1d`].
///
/// # References
/// `torch.nn.ConstantPad1d`.
#[derive(Clone, Copy, Debug)]
pub struct ConstantPad1d;

/// [`ConstantPad2d`] along the last three axes: `ConstantPad3d(padding, value)`.
///
/// # Shapes
/// As of [`ZeroPad3d`].
///
/// # References
/// `torch.nn.ConstantPad3d`.
#[derive(Clone, Copy, Debug)]
pub struct ConstantPad3d;

/// The sample mirrored at its edges, which are not repeated: `c b | a b c | b a`.
///
/// `ReflectionPad2d(padding)`: as of [`ZeroPad2d`], but less than the axis has elements.
///
/// Where elements are taken away at one side, those mirrored at the other may be among them, as in PyTorch.
///
/// # Shapes
/// `[C, H, W]` → `[C, H + top + bottom, W + left + right]`, and the same of `[H, W]`.
///
/// # Errors
/// When the declaration is compiled: more mirrored elements than there are, an output without elements.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Padded: [1, 1, 3] < ReflectionPad2d((2, 1, 0, 0)) > }
/// assert_eq!(Padded::seeded(0).predict(&[[[[1.0, 2.0, 3.0]]]]), [[[[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]]]);
/// ```
///
/// # References
/// `torch.nn.ReflectionPad2d`.
#[derive(Clone, Copy, Debug)]
pub struct ReflectionPad2d;

/// [`ReflectionPad2d`] over `[C, L]`: `ReflectionPad1d(padding)`.
///
/// # Shapes
/// `[C, L]` → `[C, L + left + right]`.
///
/// # References
/// `torch.nn.ReflectionPad1d`.
#[derive(Clone, Copy, Debug)]
pub struct ReflectionPad1d;

/// [`ReflectionPad2d`] over `[C, D, H, W]`: `ReflectionPad3d(padding)`.
///
/// # Shapes
/// `[C, D, H, W]` → `[C, D + front + back, H + top + bottom, W + left + right]`.
///
/// # References
/// `torch.nn.ReflectionPad3d`.
#[derive(Clone, Copy, Debug)]
pub struct ReflectionPad3d;

/// The nearest element around the sample: `a a | a b c | c c`.
///
/// `ReplicationPad2d(padding)`: as of [`ZeroPad2d`].
///
/// # Shapes
/// As of [`ReflectionPad2d`].
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Padded: [1, 1, 2] < ReplicationPad2d((2, 1, 0, 1)) > }
/// let row = [1.0, 1.0, 1.0, 2.0, 2.0];
/// assert_eq!(Padded::seeded(0).predict(&[[[[1.0, 2.0]]]]), [[[row, row]]]);
/// ```
///
/// # References
/// `torch.nn.ReplicationPad2d`.
#[derive(Clone, Copy, Debug)]
pub struct ReplicationPad2d;

/// [`ReplicationPad2d`] over `[C, L]`: `ReplicationPad1d(padding)`.
///
/// # Shapes
/// As of [`ReflectionPad1d`].
///
/// # References
/// `torch.nn.ReplicationPad1d`.
#[derive(Clone, Copy, Debug)]
pub struct ReplicationPad1d;

/// [`ReplicationPad2d`] over `[C, D, H, W]`: `ReplicationPad3d(padding)`.
///
/// # Shapes
/// As of [`ReflectionPad3d`].
///
/// # References
/// `torch.nn.ReplicationPad3d`.
#[derive(Clone, Copy, Debug)]
pub struct ReplicationPad3d;

/// The sample again around itself: `b c | a b c | a b`.
///
/// `CircularPad2d(padding)`: as of [`ZeroPad2d`], but no more than the axis has elements. Where some are taken away at one side,
/// what is left goes round.
///
/// # Shapes
/// As of [`ReflectionPad2d`].
///
/// # Errors
/// When the declaration is compiled: more repeated elements than are left, an output without elements. (PyTorch counts those that
/// are taken away, too, and reads what it has not written.)
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Padded: [1, 1, 3] < CircularPad2d((2, 1, 0, 0)) > }
/// assert_eq!(Padded::seeded(0).predict(&[[[[1.0, 2.0, 3.0]]]]), [[[[2.0, 3.0, 1.0, 2.0, 3.0, 1.0]]]]);
/// ```
///
/// # References
/// `torch.nn.CircularPad2d`.
#[derive(Clone, Copy, Debug)]
pub struct CircularPad2d;

/// [`CircularPad2d`] over `[C, L]`: `CircularPad1d(padding)`.
///
/// # Shapes
/// As of [`ReflectionPad1d`].
///
/// # References
/// `torch.nn.CircularPad1d`.
#[derive(Clone, Copy, Debug)]
pub struct CircularPad1d;

/// [`CircularPad2d`] over `[C, D, H, W]`: `CircularPad3d(padding)`.
///
/// # Shapes
/// As of [`ReflectionPad3d`].
///
/// # References
/// `torch.nn.CircularPad3d`.
#[derive(Clone, Copy, Debug)]
pub struct CircularPad3d;
