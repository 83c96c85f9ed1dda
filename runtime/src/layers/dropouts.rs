//! Dropout: of elements, of channels, and for SELU.

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
/// so that it does not depend on the number of threads. A dropped element is 0 whatever it was; PyTorch multiplies by 0, which
/// leaves NaN of NaN and of an infinity, and -0 of a negative number.
#[derive(Clone, Copy, Debug)]
pub struct Dropout;

/// In training each channel becomes 0 with probability `p`, the others grow by 1/(1 - `p`); in evaluation y = x.
///
/// `Dropout1d(p = 0.5, inplace = false)`: `p` between 0 and 1. `inplace` is accepted and changes nothing.
///
/// # Shapes
/// `[C, L]`, which stays, in PyTorch's order or channels last: the same channels are dropped.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [16, 3] < Dropout1d > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(1);
/// let y = net.forward(Mode::Train, &[[[1.0; 3]; 16]], &mut workspace);
/// assert!(y[0].iter().all(|y| *y == [0.0; 3] || *y == [2.0; 3]));
/// ```
///
/// # References
/// `torch.nn.Dropout1d`, which takes a batch of vectors for one sample and drops whole ones; here `[C]` is an error. What
/// is said of [`Dropout`] holds too.
#[derive(Clone, Copy, Debug)]
pub struct Dropout1d;

/// In training each channel becomes 0 with probability `p`, the others grow by 1/(1 - `p`); in evaluation y = x.
///
/// `Dropout2d(p = 0.5, inplace = false)`: the options are those of [`Dropout1d`].
///
/// # Shapes
/// `[C, H, W]`, which stays, in PyTorch's order or channels last: the same channels are dropped.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [8, 1, 3] < Dropout2d(0.75) > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(1);
/// let y = net.forward(Mode::Train, &[[[[1.0; 3]]; 8]], &mut workspace);
/// assert!(y[0].iter().all(|y| *y == [[0.0; 3]] || *y == [[4.0; 3]]));
/// ```
///
/// # References
/// `torch.nn.Dropout2d`. Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015. PyTorch takes
/// samples of other ranks with a warning; here they are an error, which names the layer for them.
#[derive(Clone, Copy, Debug)]
pub struct Dropout2d;

/// In training each channel becomes 0 with probability `p`, the others grow by 1/(1 - `p`); in evaluation y = x.
///
/// `Dropout3d(p = 0.5, inplace = false)`: the options are those of [`Dropout1d`].
///
/// # Shapes
/// `[C, D, H, W]`, which stays, in PyTorch's order or channels last: the same channels are dropped.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [8, 1, 1, 2] < Dropout3d(0.5) > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(1);
/// let y = net.forward(Mode::Train, &[[[[[1.0; 2]]]; 8]], &mut workspace);
/// assert!(y[0].iter().all(|y| *y == [[[0.0; 2]]] || *y == [[[2.0; 2]]]));
/// ```
///
/// # References
/// `torch.nn.Dropout3d`, which takes `[C, D, H, W]` for one sample without a batch.
#[derive(Clone, Copy, Debug)]
pub struct Dropout3d;

/// In training each element becomes what SELU tends to at -∞ with probability `p`, and all are scaled and shifted so that
/// mean 0 and variance 1 stay; in evaluation y = x.
///
/// y = a·x - a·`p`·α where it is kept, a·(1 - `p`)·α where it is dropped, with α = -1.7580993408473766 and
/// a = 1/√((1 - `p`)·(1 + `p`·α²)). `AlphaDropout(p = 0.5, inplace = false)`: `p` between 0 and 1; with 1 everything is 0, as in
/// PyTorch. `inplace` is accepted and changes nothing.
///
/// # Shapes
/// Any; it stays.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [64] < AlphaDropout > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(1);
/// let y = net.forward(Mode::Train, &[[1.0; 64]], &mut workspace);
/// assert!(y[0].iter().all(|y| (y - 1.665599).abs() < 1e-6 || (y + 0.779194).abs() < 1e-6));
/// ```
///
/// # References
/// `torch.nn.AlphaDropout`. Klambauer et al., Self-Normalizing Neural Networks, 2017. What is said of [`Dropout`] holds too.
#[derive(Clone, Copy, Debug)]
pub struct AlphaDropout;

/// [`AlphaDropout`] of whole channels.
///
/// `FeatureAlphaDropout(p = 0.5, inplace = false)`: the formula and the options are those of [`AlphaDropout`].
///
/// # Shapes
/// `[C, …]`, which stays, in PyTorch's order or channels last: the same channels are dropped.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net: [16, 2] < FeatureAlphaDropout(0.5) > }
/// let mut net = Net::seeded(0);
/// let mut workspace = net.workspace(1);
/// let y = net.forward(Mode::Train, &[[[1.0; 2]; 16]], &mut workspace);
/// assert!(y[0].iter().all(|y| y[0] == y[1]));
/// ```
///
/// # References
/// `torch.nn.FeatureAlphaDropout`.
#[derive(Clone, Copy, Debug)]
pub struct FeatureAlphaDropout;
