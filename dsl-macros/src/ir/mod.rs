//! The intermediate representation: the graph of layers (here), shapes (`dim`), and the calls that it becomes (`call`,
//! `formula`, `program`).
//!
//! A layer answers with data from here ([`Call`]s), never with tokens, so the passes know no layer and the layers
//! know no pass. Everything prints itself ([`fmt::Display`]), for the snapshots of each pass.

mod call;
mod dim;
mod formula;
mod order;
mod program;

use std::fmt;

use proc_macro2::{Span, TokenStream};

pub(crate) use call::{Arg, Call, Named, Operand, Role, Scope};
pub(crate) use dim::{Agreement, Dim, Shape, excess};
pub(crate) use formula::{Formula, Piece};
pub(crate) use order::{Order, View};
pub(crate) use program::{Place, Program, Row, Step};

/// What the elements of a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// The network's floating-point type.
    Real,
    /// `u32`: token ids, and places in a window that a byte does not name.
    Token,
    /// `u8`: places in a window of at most 256 cells.
    Byte,
    /// `f64`, whatever the network's type is: sums of many numbers.
    Double,
}

/// A value of the graph, by its place in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ValueId(pub(crate) usize);

/// A node of the graph, by its place in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) usize);

/// A key of the state dict as an identifier: `fc1`, `l0`, `l2_shortcut_0`, `l0_weight`.
pub(crate) fn identifier(key: &str) -> String {
    let name = key.replace('.', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("l{name}") } else { name }
}

/// What flows along an edge.
#[derive(Clone)]
pub(crate) struct Value {
    /// Unique within the network, a legal identifier: `x` for the input, `l0`, `fc1`, `l2_shortcut_0` for outputs.
    pub(crate) name: String,
    /// Known AFTER `shape`.
    pub(crate) shape: Option<Shape>,
    /// How its axes lie in memory: chosen by `layout`.
    pub(crate) order: Order,
    /// Numbers or token ids.
    pub(crate) scalar: Scalar,
    /// The node that makes it; none makes an input, nor what lay between two nodes that are one AFTER `fuse`.
    pub(crate) producer: Option<NodeId>,
}

/// A layer applied to values. `L` is the layer itself; AFTER `backward`, what it has said of itself ([`Facts`]).
#[derive(Clone)]
pub(crate) struct Node<L> {
    /// The state-dict key without the parameter's name: `0`, `fc1`, `2.shortcut.0`. Empty: a conversion that no one has
    /// written.
    pub(crate) key: String,
    /// The layer with its arguments; `_` are filled in AFTER `shape`.
    pub(crate) layer: L,
    /// Its inputs.
    pub(crate) inputs: Vec<ValueId>,
    /// Its outputs: at least one.
    pub(crate) outputs: Vec<ValueId>,
    /// The layer's name in the source: where errors about the whole layer point, and what hovering finds.
    pub(crate) span: Span,
    /// The label's span, if there is one.
    pub(crate) label: Option<Span>,
    /// As the user wrote it, for messages: `Linear(784, 64)`.
    pub(crate) written: String,
    /// The use of the block that it is from, for messages: `Basic(64, S = 2)`.
    pub(crate) within: Option<String>,
    /// The same layer again (`&fc1`): its parameters are that node's.
    pub(crate) shares: Option<NodeId>,
    /// An activation folded into this node AFTER `fuse`; the node's one output is then the activation's.
    pub(crate) activation: Option<Activation>,
}

/// An element-wise function that a producer can apply in its write-back.
#[derive(Clone, Debug)]
pub(crate) struct Activation {
    /// The runtime's value.
    pub(crate) value: Named,
    /// For formulas: `relu`.
    pub(crate) name: String,
    /// Whether its derivative is taken from its input; from its output otherwise.
    pub(crate) keeps_input: bool,
    /// What the numbers after it are.
    pub(crate) output: OutputKind,
    /// The key of the node that it was, for the summary.
    pub(crate) key: String,
    /// As the user wrote it.
    pub(crate) written: String,
    /// Where.
    pub(crate) span: Span,
}

/// Mirrors `glulam::network::Output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputKind {
    /// It might be anything: nothing is said of a loss after it.
    Unknown,
    /// Numbers of any size, for certain.
    Unbounded,
    Probabilities,
    LogProbabilities,
    Sigmoid,
}

/// Mirrors `glulam::network::Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParamKind {
    Weight,
    Bias,
    Norm,
    #[expect(dead_code, reason = "no layer has a table of embeddings yet")]
    Embedding,
}

/// A parameter of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    /// `weight`, `bias`, `in_proj_weight`.
    pub(crate) name: &'static str,
    /// PyTorch's shape.
    pub(crate) shape: Vec<Dim>,
    /// The axes that `order` counts: PyTorch's, of which one may be several here (`[out, C, H, W]` of a `Linear` behind a
    /// `Flatten`).
    pub(crate) dims: Vec<Dim>,
    /// These axes as they are stored, the last one contiguous; empty: in PyTorch's order.
    pub(crate) order: Vec<usize>,
    /// The view's type is `[[T; columns]; rows]`, or `[T; columns]` where `rows` is `None`.
    pub(crate) rows: Option<Dim>,
    pub(crate) columns: Dim,
    /// The multiply-adds of its gradient in the tile phase, for each element and sample: how often a sample meets an element.
    pub(crate) cost: Dim,
    /// What it is for.
    pub(crate) kind: ParamKind,
    /// How it begins: an expression of type `glulam::init::Init`, a name that `codegen` brings into scope.
    pub(crate) init: TokenStream,
}

/// A buffer of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub(crate) name: &'static str,
    pub(crate) shape: Vec<Dim>,
    /// PyTorch's int64 counter, of shape `[]`.
    pub(crate) counter: bool,
    /// The value of each element of a new network.
    pub(crate) init: f64,
}

/// What a layer keeps for each sample, beside inputs and outputs, or for each piece of the batch.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) name: &'static str,
    pub(crate) scalar: Scalar,
    /// How many of them.
    pub(crate) len: Dim,
}

/// What a layer says of itself at its place in the graph, beside its calls.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// As PyTorch writes it.
    pub(crate) describe: String,
    pub(crate) params: Vec<Param>,
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) kept: Vec<Kept>,
    /// What it adds up of each piece of the batch.
    pub(crate) partials: Vec<Kept>,
    /// What it keeps for the whole batch.
    pub(crate) statistics: Vec<(&'static str, Dim)>,
    /// Of the forward pass for one sample.
    pub(crate) flops: Dim,
    pub(crate) is_view: bool,
    /// What its numbers are, without the activation folded into it.
    pub(crate) output: OutputKind,
    pub(crate) needs_whole_batch: bool,
    pub(crate) values_per_channel: Option<Dim>,
}

/// Layers applied to values.
#[derive(Clone)]
pub(crate) struct Graph<L> {
    pub(crate) values: Vec<Value>,
    /// In an order in which every value is written before it is read.
    pub(crate) nodes: Vec<Node<L>>,
    /// The values that the caller gives.
    pub(crate) inputs: Vec<ValueId>,
    /// The value that the caller gets.
    pub(crate) output: ValueId,
    /// What stands in a row several times.
    pub(crate) repeats: Vec<Repeat>,
    /// Equalities that only rustc can check.
    pub(crate) assertions: Vec<Assertion>,
}

/// A repeated item: the key of copy r is `key.r`.
#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) key: String,
    pub(crate) count: usize,
}

/// `const _: () = assert_that(left == right, message)` at `span`.
#[derive(Clone, Debug)]
pub(crate) struct Assertion {
    pub(crate) condition: TokenStream,
    /// `None`: the condition is a call of the runtime that says itself what is wrong.
    pub(crate) message: Option<String>,
    pub(crate) span: Span,
}

impl Kept {
    /// Numbers of the network's type.
    pub(crate) fn real(name: &'static str, len: Dim) -> Kept {
        Kept { name, scalar: Scalar::Real, len }
    }
}

impl<L> Node<L> {
    /// The first output, after which the node's further values are named.
    pub(crate) fn output(&self) -> ValueId {
        self.outputs[0]
    }
}

impl<L> Graph<L> {
    pub(crate) fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node<L> {
        &self.nodes[id.0]
    }

    /// The shape of a value, AFTER `shape`.
    pub(crate) fn shape(&self, id: ValueId) -> &Shape {
        self.value(id).shape.as_ref().expect("shapes are known after the pass `shape`")
    }

    /// A value as a layer sees it, AFTER `shape`.
    pub(crate) fn view(&self, id: ValueId) -> View {
        View { shape: self.shape(id).clone(), order: self.value(id).order.clone() }
    }

    /// The same graph with these in the place of its layers, and the layers.
    pub(crate) fn exchange<M>(self, new: Vec<M>) -> (Graph<M>, Vec<L>) {
        let Graph { values, nodes, inputs, output, repeats, assertions } = self;
        let exchange = |(node, new): (Node<L>, M)| {
            let Node { key, layer, inputs, outputs, span, label, written, within, shares, activation } = node;
            (Node { key, layer: new, inputs, outputs, span, label, written, within, shares, activation }, layer)
        };
        let (nodes, layers) = nodes.into_iter().zip(new).map(exchange).unzip();
        (Graph { values, nodes, inputs, output, repeats, assertions }, layers)
    }
}

impl<L: fmt::Display> fmt::Display for Graph<L> {
    /// One line for each node: `l1: [64] = 0 Linear(784, 64) + 1 ReLU (x)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |id: ValueId| self.value(id).shape.as_ref().map_or("?".into(), Shape::to_string);
        for &input in &self.inputs {
            let value = self.value(input);
            writeln!(f, "{}: {} = input {:?}", value.name, shape(input), value.scalar)?;
        }
        for node in &self.nodes {
            let inputs: Vec<&str> = node.inputs.iter().map(|&i| self.value(i).name.as_str()).collect();
            let outputs =
                node.outputs.iter().map(|&o| format!("{}: {}{}", self.value(o).name, shape(o), self.value(o).order));
            let key = if node.key.is_empty() { String::new() } else { format!("{} ", node.key) };
            write!(f, "{} = {key}{}", outputs.collect::<Vec<_>>().join(", "), node.layer)?;
            if let Some(activation) = &node.activation {
                write!(f, " + {} {}", activation.key, activation.value)?;
            }
            if let Some(owner) = node.shares {
                write!(f, " weights of {}", self.node(owner).key)?;
            }
            writeln!(f, " ({})", inputs.join(", "))?;
        }
        for assertion in &self.assertions {
            writeln!(f, "assert {}", assertion.condition)?;
        }
        writeln!(f, "output {}", self.value(self.output).name)
    }
}
