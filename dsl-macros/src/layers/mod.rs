//! The layers, one file each (an activation is a row of a table), and the registry that `resolve` looks them up in.
//!
//! To add one: write `layers/x.rs` with a type that implements [`Layer`], name it in the registry, write its kernels in
//! the runtime. No pass changes.

use std::fmt::Debug;

use crate::diagnostics::Diagnostics;
use crate::ir::{Activation, Buffer, Call, Dim, OutputKind, Param, Shape};
use crate::parse::args::Args;

/// What a layer is told about the place where it stands, when calls are asked of it.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// The shapes of its inputs.
    pub(crate) inputs: &'a [Shape],
    /// The shape of its output.
    pub(crate) output: &'a Shape,
    /// The activation to apply in the write-back; the layer's Y is then the activation's output.
    pub(crate) activation: Option<&'a Activation>,
    /// The activation folded into the producer of X(0), whose derivative the layer should multiply into DX(0) (its
    /// operand is `Operand::Producer`). Given only to layers with [`Layer::folds_activation_backward`].
    pub(crate) producer_activation: Option<&'a Activation>,
    /// Calls for a prediction: evaluation mode, nothing kept.
    pub(crate) predict: bool,
}

/// A layer: what it is given, what it makes of shapes, what it remembers, and which kernel calls it becomes.
///
/// It answers with data; it sees no other layer and no tokens of the network around it.
pub(crate) trait Layer: Debug {
    /// As PyTorch writes it, for the summary: `Linear(784, 64)`.
    fn describe(&self) -> String;

    /// The output's shape. Fills in `_` and checks the inputs; reports what is wrong, at its token, and returns `None`.
    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Shape>;

    /// A copy in a new box: nodes of a repeated block are inferred apart.
    fn boxed(&self) -> Box<dyn Layer>;

    /// Its parameters, in PyTorch's order. AFTER `infer`.
    fn params(&self) -> Vec<Param> {
        Vec::new()
    }

    /// Its buffers, in PyTorch's order.
    fn buffers(&self) -> Vec<Buffer> {
        Vec::new()
    }

    /// What it keeps for each sample beside inputs and outputs, for the backward pass: a name and a number of scalars.
    fn kept(&self, _site: &Site<'_>) -> Vec<(&'static str, Dim)> {
        Vec::new()
    }

    /// What it keeps for a whole batch: a name and a number of scalars.
    fn statistics(&self) -> Vec<(&'static str, Dim)> {
        Vec::new()
    }

    /// Multiply-adds times two of the forward pass for one sample.
    fn flops(&self, inputs: &[Shape], output: &Shape) -> Dim;

    /// The forward calls. Empty for a view.
    fn forward(&self, site: &Site<'_>) -> Vec<Call>;

    /// The backward calls: gradients of inputs (scope `Rows`), then of parameters (scope `Tiles`). Empty for a view.
    /// A call that writes `DX(i)` is left out, or its result added, by the pass `backward`, as the graph needs it.
    fn backward(&self, site: &Site<'_>) -> Vec<Call>;

    /// The output is the input's memory, seen in another shape (Flatten, Identity): no calls.
    fn is_view(&self) -> bool {
        false
    }

    /// It is an element-wise function that a producer may take over.
    fn as_activation(&self) -> Option<Activation> {
        None
    }

    /// Its forward can apply an activation in the write-back.
    fn takes_activation(&self) -> bool {
        false
    }

    /// Its input gradient can be multiplied by the derivative of the producer's activation in the write-back.
    fn folds_activation_backward(&self) -> bool {
        false
    }

    /// What its numbers are, for checks against the loss.
    fn output_kind(&self) -> OutputKind {
        OutputKind::Unbounded
    }

    /// It computes statistics of the evaluated batch itself (a batch norm without running statistics), so a prediction
    /// may not be cut into blocks of rows.
    fn needs_whole_batch(&self) -> bool {
        false
    }
}

/// Where a layer's inputs come from, for messages: ``but `Linear(784, 64)` produces 64``.
#[derive(Debug)]
pub(crate) struct From<'a> {
    /// The layer itself, as written.
    pub(crate) written: &'a str,
    /// The layer's own span.
    pub(crate) span: proc_macro2::Span,
    /// The producers of its inputs, as written; `the input` for an input.
    pub(crate) producers: &'a [String],
}

/// Reads a layer's arguments; reports every mistake in them.
pub(crate) type Constructor = fn(&mut Args<'_>, &mut Diagnostics) -> Option<Box<dyn Layer>>;

impl Clone for Box<dyn Layer> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}
