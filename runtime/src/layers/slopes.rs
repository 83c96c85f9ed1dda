//! Leaky rectifiers whose slope is not a number of the declaration. Any shape; the shape stays.

/// y = max(0, x) + `weight`·min(0, x), where the slope is learnt: one for all elements, or one for each channel.
///
/// `PReLU(num_parameters = 1, init = 0.25)`: `num_parameters` is 1 or the number of channels, PyTorch's axis 1; `init` is
/// where the slopes begin.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [4] < PReLU > }
/// assert_eq!(Net::seeded(0).predict(&[[-2.0, -0.5, 0.5, 4.0]]), [[-0.5, -0.125, 0.5, 4.0]]);
/// assert_eq!(Net::PARAMETERS, 1);
/// ```
///
/// # References
/// `torch.nn.PReLU`. PyTorch's advice holds: no weight decay on the slopes.
#[derive(Clone, Copy, Debug)]
pub struct PReLU;

/// y = x where x > 0, else a·x, with a drawn from U(`lower`, `upper`) for each element in training, and their mean in
/// evaluation.
///
/// `RReLU(lower = 0.125, upper = 0.3333…, inplace = false)`: `lower` ≤ `upper`.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [2] < RReLU(0.25, 0.75) > }
/// assert_eq!(Net::seeded(0).predict(&[[-2.0, 2.0]]), [[-1.0, 2.0]]);
/// ```
///
/// # References
/// `torch.nn.RReLU`. The numbers drawn are other than PyTorch's: they belong to seed, step, layer and element, so that
/// they do not depend on the number of threads.
#[derive(Clone, Copy, Debug)]
pub struct RReLU;
