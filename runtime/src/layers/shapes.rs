//! Layers that change the shape and no number. They cost nothing: the output is the input's memory.

/// y = x.
///
/// `Identity` takes any arguments, as PyTorch's does, and ignores them.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < Identity(54, unused = 0.1) > }
/// assert_eq!(Net::seeded(0).predict(&[[1.0, 2.0]]), [[1.0, 2.0]]);
/// ```
///
/// # References
/// `torch.nn.Identity`.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

/// Makes one axis of those from `start_dim` to `end_dim`.
///
/// `Flatten(start_dim = 1, end_dim = -1)`. The batch is axis 0, so `start_dim = 0` is refused: samples do not meet.
///
/// # Shapes
/// `[A, B, C]` → `[A·B·C]`; with `Flatten(2)` → `[A, B·C]`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2, 2] < Flatten > }
/// assert_eq!(Net::seeded(0).predict(&[[[1.0, 2.0], [3.0, 4.0]]]), [[1.0, 2.0, 3.0, 4.0]]);
/// ```
///
/// # References
/// `torch.nn.Flatten`.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

/// Makes several axes of the axis `dim`.
///
/// `Unflatten(dim, unflattened_size)`: `unflattened_size` is a list, `[2, 3]` or `(2, 3)`, whose product is the axis; one of
/// them may be `_` (PyTorch's -1).
///
/// # Shapes
/// `[12]` → `[3, 4]` with `Unflatten(1, [3, _])`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [4] < Unflatten(1, [2, _]) > }
/// assert_eq!(Net::seeded(0).predict(&[[1.0, 2.0, 3.0, 4.0]]), [[[1.0, 2.0], [3.0, 4.0]]]);
/// ```
///
/// # References
/// `torch.nn.Unflatten`.
#[derive(Clone, Copy, Debug)]
pub struct Unflatten;
