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

/// How a parameter lies in the flat array, compared with PyTorch's row-major tensor of [`ParamSpec::shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The same order of elements.
    Same,
    /// PyTorch's `[out, in]` is stored `[in, out]`: transposed where a state dict is written or read.
    Transposed,
}

/// One row of a network's parameter table.
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
    /// How it is stored.
    pub layout: Layout,
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
