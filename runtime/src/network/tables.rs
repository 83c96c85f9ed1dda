//! What a network says of itself: the rows of its tables, and the kind of its output.

/// What a parameter is for; `no_decay: [bias, norm]` in `train!` chooses by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A matrix or a convolution's kernel.
    Weight,
    /// An additive bias (of a norm layer too).
    Bias,
    /// The scale of a normalisation.
    Norm,
    /// A table of embeddings.
    Embedding,
}

/// One row of a network's parameter table.
///
/// # Example
/// A convolution's kernel, `[out, in, height, width]` in PyTorch; here all outputs of an input at a place stand together:
/// ```
/// use glulam::network::{Kind, ParamSpec};
/// const KERNEL: ParamSpec = ParamSpec::new("conv.weight", &[16, 3, 5, 5], 0, Kind::Weight).stored(&[2, 3, 1, 0]);
/// assert_eq!(KERNEL.len, 1200);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamSpec {
    /// The state-dict key: `fc1.weight`, `0.bias`.
    pub name: &'static str,
    /// The shape in PyTorch: `[out, in]` of a `Linear`'s weight.
    pub shape: &'static [usize],
    /// Where it begins in the flat array (a multiple of 16; the gaps hold zeros).
    pub offset: usize,
    /// The number of elements.
    pub len: usize,
    /// The parameter may be cut between threads at multiples of this many elements.
    pub row: usize,
    /// The multiply-adds of its gradient, for each element and sample: 1 in a `Linear`, the number of positions in one on a
    /// sequence or in a convolution, 0 where the sums are there before.
    pub cost: usize,
    /// What it is for.
    pub kind: Kind,
    /// The axes that `order` counts: those of `shape`, of which one may be several here. So `[out, in]` of a `Linear`
    /// behind a `Flatten` may be `[out, C, H, W]`.
    pub dims: &'static [usize],
    /// The axes of `dims` as they are stored, the last one contiguous: `[1, 0]` of a `Linear`'s weight. `[]` where that is
    /// PyTorch's order. State dicts have PyTorch's order, whatever this is.
    pub order: &'static [usize],
}

/// More axes than a parameter of PyTorch has, one of them split.
pub(crate) const MAX_AXES: usize = 8;

impl ParamSpec {
    /// A parameter in PyTorch's order of elements, which may be cut anywhere, and whose elements meet each sample once.
    pub const fn new(name: &'static str, shape: &'static [usize], offset: usize, kind: Kind) -> Self {
        let len = product(shape);
        ParamSpec { name, shape, offset, len, row: 1, cost: 1, kind, dims: shape, order: &[] }
    }

    /// The same with one axis, or more, taken for several: `[10, 400]` for `[10, 16, 5, 5]`.
    ///
    /// # Panics
    /// If the axes of `shape` are not those of `dims`, some of them joined, or these are more than eight.
    pub const fn split(self, dims: &'static [usize]) -> Self {
        assert!(are_joined(dims, self.shape), "the axes of a parameter are not those of its shape");
        assert!(dims.len() <= MAX_AXES, "a parameter has too many axes");
        ParamSpec { dims, ..self }
    }

    /// The same with its axes stored in this order.
    ///
    /// # Panics
    /// If `order` is neither empty nor a permutation of the axes, or there are more than eight of them.
    pub const fn stored(self, order: &'static [usize]) -> Self {
        assert!(self.dims.len() <= MAX_AXES, "a parameter has too many axes");
        assert!(order.is_empty() || order.len() == self.dims.len(), "the order of a parameter has other axes than it");
        let (mut seen, mut i) = ([false; MAX_AXES], 0);
        while i < order.len() {
            assert!(order[i] < order.len() && !seen[order[i]], "the order of a parameter names each axis once");
            seen[order[i]] = true;
            i += 1;
        }
        ParamSpec { order, ..self }
    }
}

/// Whether each axis of `shape` is made of axes of `dims` that follow each other.
const fn are_joined(dims: &[usize], shape: &[usize]) -> bool {
    let (mut i, mut axis) = (0, 0);
    while axis < shape.len() {
        let mut len = 1;
        while len < shape[axis] && i < dims.len() {
            len *= dims[i];
            i += 1;
        }
        if len != shape[axis] {
            break;
        }
        axis += 1;
    }
    // Axes of one element may follow; where there is none at all, its axes do not matter.
    let (_, rest) = dims.split_at(i);
    axis == shape.len() && product(rest) == 1 || product(shape) == 0 && product(dims) == 0
}

const fn product(dims: &[usize]) -> usize {
    let (mut product, mut i) = (1, 0);
    while i < dims.len() {
        product *= dims[i];
        i += 1;
    }
    product
}

/// One row of a network's buffer table: running statistics and counters, which no optimizer touches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BufferSpec {
    /// The state-dict key: `1.running_mean`.
    pub name: &'static str,
    /// The shape in PyTorch; `[]` of a counter.
    pub shape: &'static [usize],
    /// Where it begins: in the flat buffers, or in the counters.
    pub offset: usize,
    /// The number of elements.
    pub len: usize,
    /// A counter (PyTorch's `int64`), stored in [`Weights::counters`](super::Weights::counters).
    pub counter: bool,
    /// The value of each element of a new network.
    pub init: f64,
}

/// One row of the table that `summary()` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerSpec {
    /// The place in the chain: `0`, `fc1`, `2.shortcut.0`.
    pub key: &'static str,
    /// As PyTorch would print it: `Linear(784, 64)`.
    pub layer: &'static str,
    /// The shape of one sample of its output.
    pub output: &'static [usize],
    /// The number of its parameters.
    pub parameters: usize,
    /// Multiply-adds times two, forward, for one sample.
    pub flops: u64,
}

/// What the numbers that a network puts out are, as far as its last layer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing is known: the last layer is the user's own.
    Unknown,
    /// Any real numbers: logits, or predicted values.
    Unbounded,
    /// Non-negative and summing to one (`Softmax`).
    Probabilities,
    /// Logarithms of probabilities (`LogSoftmax`).
    LogProbabilities,
    /// Each in (0, 1) (`Sigmoid`).
    Sigmoid,
}
