//! Dropout: of elements.

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
