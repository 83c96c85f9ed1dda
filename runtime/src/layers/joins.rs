//! Where values meet.

/// y = x + f(x), or g(x) + f(x).
///
/// `Residual(layers)` adds its input to what the layers make of it; `Residual(layers, shortcut = layers)` adds what the
/// shortcut makes of it. Both ends have one shape. Their state-dict keys are `k.i` and `k.shortcut.i` at place k.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net < Residual(Linear(2, 2, init = eye, bias_init = ones) -> ReLU) > }
/// assert_eq!(Net::seeded(0).predict(&[[1.0, -5.0]]), [[3.0, -5.0]]);
/// ```
///
/// # References
/// He et al., Deep Residual Learning for Image Recognition, 2015. PyTorch has no such layer: users write the sum.
#[derive(Clone, Copy, Debug)]
pub struct Residual;

/// The sum of two or more values of one shape: `[_, s1] => Add`.
///
/// `_` is the current value, `s1` one that was named before (`ReLU as s1`), and a layer or a chain stands for what it
/// makes of the current value.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < ReLU as s1 -> Tanh -> [s1, s1 -> Identity, s1] => Add > }
/// assert_eq!(Net::seeded(0).predict(&[[1.0, -5.0]]), [[3.0, 0.0]]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Add;

/// The product of two values of one shape, element by element: `[_, s1] => Mul`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < Identity as s1 -> ReLU -> [_, s1] => Mul > }
/// assert_eq!(Net::seeded(0).predict(&[[3.0, -5.0]]), [[9.0, 0.0]]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mul;

/// Values beside each other along an axis: `[_, s1] => Concat(dim)`.
///
/// `dim` is counted as PyTorch counts it, the batch being axis 0, which is refused; -1 is the last.
///
/// # Shapes
/// `[A, L]` and `[B, L]` → `[A + B, L]` with `Concat(1)`. The other axes agree.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < [_, ReLU] => Concat(1) > }
/// assert_eq!(Net::seeded(0).predict(&[[3.0, -5.0]]), [[3.0, -5.0, 3.0, 0.0]]);
/// ```
///
/// # References
/// `torch.cat`.
#[derive(Clone, Copy, Debug)]
pub struct Concat;

/// Values of one shape along a new axis: `[_, s1] => Stack(dim)`.
///
/// `dim` is the new axis, counted in the output as PyTorch counts it, the batch being axis 0, which is refused.
///
/// # Shapes
/// Two of `[L]` → `[2, L]` with `Stack(1)`, `[L, 2]` with `Stack(2)` or `Stack(-1)`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < [_, ReLU] => Stack(-1) > }
/// assert_eq!(Net::seeded(0).predict(&[[3.0, -5.0]]), [[[3.0, 3.0], [-5.0, 0.0]]]);
/// ```
///
/// # References
/// `torch.stack`.
#[derive(Clone, Copy, Debug)]
pub struct Stack;
