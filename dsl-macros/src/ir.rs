//! The intermediate representation: shapes, the graph of layers, and the calls that it becomes.
//!
//! A layer answers with data from this file ([`Call`]s), never with tokens, so the passes know no layer and the layers
//! know no pass. Everything prints itself ([`fmt::Display`]), for the snapshots of each pass.

use std::fmt;

use proc_macro2::{Span, TokenStream};

use crate::layers::Layer;

/// One dimension: a number, or an expression over constants that only rustc can evaluate (`H`, `4 * D`).
#[derive(Clone)]
pub(crate) enum Dim {
    /// Known now.
    Known(usize),
    /// Known when the user's crate is compiled. `text` is its normalised form, by which two are compared.
    Named { text: String, tokens: TokenStream },
}

/// What is known of two dimensions that should be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// They are.
    Equal,
    /// They are not.
    Different,
    /// Rustc will tell: a constant assertion has to be emitted.
    Unknown,
}

/// The shape of one sample: the batch, PyTorch's axis 0, is not part of it. `[]` is a scalar.
#[derive(Clone, PartialEq)]
pub(crate) struct Shape(pub(crate) Vec<Dim>);

/// What the elements of a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// The network's floating-point type.
    Real,
    /// Token ids, `u32`.
    Token,
}

/// A value of the graph, by its place in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ValueId(pub(crate) usize);

/// A node of the graph, by its place in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) usize);

/// What flows along an edge.
#[derive(Clone)]
pub(crate) struct Value {
    /// Unique within the network, a legal identifier: `x` for the input, `l0`, `fc1`, `l2_shortcut_0` for outputs.
    pub(crate) name: String,
    /// Known AFTER `shape`.
    pub(crate) shape: Option<Shape>,
    /// Numbers or token ids.
    pub(crate) scalar: Scalar,
}

/// A layer applied to values.
#[derive(Clone)]
pub(crate) struct Node {
    /// The state-dict key without the parameter's name: `0`, `fc1`, `2.shortcut.0`.
    pub(crate) key: String,
    /// The layer with its arguments; `_` are filled in AFTER `shape`.
    pub(crate) layer: Box<dyn Layer>,
    /// Its inputs.
    pub(crate) inputs: Vec<ValueId>,
    /// Its output.
    pub(crate) output: ValueId,
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
    /// An activation folded into this node AFTER `fuse`; the node's output is then the activation's.
    pub(crate) activation: Option<Activation>,
}

/// A value of one of the runtime's types: `ReLU`, `LeakyReLU { negative_slope: 0.01 }`.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// The type, which `codegen` brings into scope.
    pub(crate) name: &'static str,
    /// What stands in the braces, with the user's spans where it is the user's; nothing of a unit struct.
    pub(crate) fields: TokenStream,
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
    /// Stored `[in, out]` where PyTorch has `[out, in]`.
    pub(crate) transposed: bool,
    /// The view's type is `[[T; columns]; rows]`, or `[T; columns]` where `rows` is `None`.
    pub(crate) rows: Option<Dim>,
    pub(crate) columns: Dim,
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

/// A network before its backward pass is known.
#[derive(Clone)]
pub(crate) struct Graph {
    pub(crate) values: Vec<Value>,
    /// In an order in which every value is written before it is read.
    pub(crate) nodes: Vec<Node>,
    /// The values that the caller gives.
    pub(crate) inputs: Vec<ValueId>,
    /// The value that the caller gets.
    pub(crate) output: ValueId,
    /// Equalities that only rustc can check.
    pub(crate) assertions: Vec<Assertion>,
}

/// `const _: () = assert!(left == right, message)` at `span`.
#[derive(Clone, Debug)]
pub(crate) struct Assertion {
    pub(crate) condition: TokenStream,
    /// `None`: the condition is a call of the runtime that says itself what is wrong.
    pub(crate) message: Option<String>,
    pub(crate) span: Span,
}

/// What a call works on, as the layer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operand {
    /// The layer's input number i.
    X(usize),
    /// Its output.
    Y,
    /// The gradient of its input number i.
    DX(usize),
    /// The gradient of its output.
    DY,
    /// What it keeps for each sample beside inputs and outputs: entry i of [`Layer::kept`].
    Kept(usize),
    /// What it keeps for the whole batch: entry i of [`Layer::statistics`].
    Statistics(usize),
    /// What its input's producer kept for the derivative of the activation folded into it.
    Producer,
}

/// One argument of a call.
#[derive(Clone, Debug)]
pub(crate) enum Arg<O = Operand> {
    /// A value that is read.
    Read(O),
    /// A value that is written, whole.
    Write(O),
    /// A value that is read and written.
    Change(O),
    /// A parameter that is read: number i of [`Layer::params`].
    Param(usize),
    /// The place of a parameter whose gradient is made.
    Span(usize),
    /// No such parameter: an empty slice.
    Absent,
    /// A buffer, read and written (read alone in a prediction): number i of [`Layer::buffers`].
    Buffer(usize),
    /// A counter, as `Some(&mut …)`.
    Counter(usize),
    /// No such counter: `None`.
    NoCounter,
    /// A number of the declaration, or what else is the user's: an expression, and what it is.
    Literal(&'static str, TokenStream),
    /// A value of one of the runtime's types: an axis, an activation.
    Value(Named),
    /// The mode and the generator's place.
    Context,
    /// A number that is different for each node: whose random numbers these are.
    NodeNumber,
    /// The number of samples of the whole batch.
    BatchRows,
    /// Who gets gradients.
    Update,
}

/// When a call runs, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Each thread for its rows.
    Rows,
    /// Once for the whole batch, between two row phases.
    Batch,
    /// Each thread for its part of the parameters, after all rows.
    Tiles,
}

/// One kernel call.
#[derive(Clone, Debug)]
pub(crate) struct Call<O = Operand> {
    /// The function in the runtime, `linear_forward`, or the method (see `Layer::method_of`).
    pub(crate) kernel: String,
    pub(crate) args: Vec<Arg<O>>,
    pub(crate) scope: Scope,
    /// The formula, with the layer's names `x`, `y`, `dx`, `dy` and parameters `{weight}` in braces: `{y} = relu({x} · {weight} + {bias})`.
    /// Names in braces are replaced by the network's names: x, x1, y, dx, dx1, dy, kept, statistics, and each parameter's name.
    pub(crate) formula: String,
}

impl Dim {
    /// An expression over constants. Its text is the tokens without blanks.
    pub(crate) fn named(tokens: TokenStream) -> Dim {
        Dim::Named { text: tokens.to_string(), tokens }
    }

    pub(crate) fn known(&self) -> Option<usize> {
        match self {
            Dim::Known(n) => Some(*n),
            Dim::Named { .. } => None,
        }
    }

    /// Whether two dimensions are equal, as far as can be said now.
    pub(crate) fn agrees(&self, other: &Dim) -> Agreement {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) if a == b => Agreement::Equal,
            (Dim::Known(_), Dim::Known(_)) => Agreement::Different,
            (Dim::Named { text: a, .. }, Dim::Named { text: b, .. }) if a == b => Agreement::Equal,
            _ => Agreement::Unknown,
        }
    }

    fn combine(&self, other: &Dim, known: impl Fn(usize, usize) -> Option<usize>, op: char) -> Dim {
        if let (Dim::Known(a), Dim::Known(b)) = (self, other)
            && let Some(result) = known(*a, *b)
        {
            return Dim::Known(result);
        }
        // All of it at the user's name: rustc's words about the result point there, and clippy, which looks for a line
        // break before an operator in an array, finds none.
        let span = [self, other].into_iter().find_map(Dim::span).unwrap_or_else(Span::call_site);
        let mut punct = proc_macro2::Punct::new(op, proc_macro2::Spacing::Alone);
        punct.set_span(span);
        let (a, b) = (self.operand(span), other.operand(span));
        Dim::named(quote::quote!(#a #punct #b))
    }

    /// Where the expression begins.
    fn span(&self) -> Option<Span> {
        match self {
            Dim::Known(_) => None,
            Dim::Named { tokens, .. } => tokens.clone().into_iter().next().map(|token| token.span()),
        }
    }

    /// The tokens, in parentheses where they are more than one.
    fn operand(&self, span: Span) -> TokenStream {
        let mut tokens = quote::quote!(#self).into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(mut only), None) => {
                if let Dim::Known(_) = self {
                    only.set_span(span);
                }
                only.into()
            }
            _ => quote::quote_spanned!(span=> (#self)),
        }
    }

    pub(crate) fn mul(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(1), d) | (d, Dim::Known(1)) => d.clone(),
            _ => self.combine(other, usize::checked_mul, '*'),
        }
    }

    pub(crate) fn add(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(0), d) | (d, Dim::Known(0)) => d.clone(),
            _ => self.combine(other, usize::checked_add, '+'),
        }
    }

    pub(crate) fn div(&self, other: &Dim) -> Dim {
        match other {
            Dim::Known(1) => self.clone(),
            _ => self.combine(other, usize::checked_div, '/'),
        }
    }

    /// The product of some dimensions; 1 of none.
    pub(crate) fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Dim {
        dims.into_iter().fold(Dim::Known(1), |product, dim| product.mul(dim))
    }
}

impl PartialEq for Dim {
    fn eq(&self, other: &Self) -> bool {
        self.agrees(other) == Agreement::Equal
    }
}

impl quote::ToTokens for Dim {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Dim::Known(n) => {
                tokens.extend([proc_macro2::TokenTree::Literal(proc_macro2::Literal::usize_unsuffixed(*n))])
            }
            Dim::Named { tokens: t, .. } => tokens.extend(t.clone()),
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Known(n) => n.fmt(f),
            Dim::Named { text, .. } => text.fmt(f),
        }
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.fields.is_empty() {
            Ok(())
        } else {
            write!(f, " {{ {} }}", crate::parse::tokens::text(self.fields.clone()))
        }
    }
}

impl Shape {
    /// The number of scalars of a sample.
    pub(crate) fn len(&self) -> Dim {
        Dim::product(&self.0)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(Dim::to_string).collect();
        write!(f, "[{}]", dims.join(", "))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Graph {
    pub(crate) fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node that makes a value; none makes an input.
    pub(crate) fn producer(&self, id: ValueId) -> Option<NodeId> {
        self.nodes.iter().position(|n| n.output == id).map(NodeId)
    }

    /// The shape of a value, AFTER `shape`.
    pub(crate) fn shape(&self, id: ValueId) -> &Shape {
        self.value(id).shape.as_ref().expect("shapes are known after the pass `shape`")
    }
}

impl fmt::Display for Graph {
    /// One line for each node: `l1: [64] = 0 Linear(784, 64) + 1 ReLU (x)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |id: ValueId| self.value(id).shape.as_ref().map_or("?".into(), Shape::to_string);
        for &input in &self.inputs {
            let value = self.value(input);
            writeln!(f, "{}: {} = input {:?}", value.name, shape(input), value.scalar)?;
        }
        for node in &self.nodes {
            let inputs: Vec<&str> = node.inputs.iter().map(|&i| self.value(i).name.as_str()).collect();
            write!(
                f,
                "{}: {} = {} {}",
                self.value(node.output).name,
                shape(node.output),
                node.key,
                node.layer.describe()
            )?;
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

/// What an operand of a placed call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A value of the graph.
    Value(ValueId),
    /// Its gradient.
    Gradient(ValueId),
    /// Entry i of what a node keeps for each sample.
    Kept(NodeId, usize),
    /// Entry i of what a node keeps for the whole batch.
    Statistics(NodeId, usize),
    /// A contribution to the gradient of a value that already has one.
    Contribution(ValueId, usize),
}

/// A call in its place in the program.
#[derive(Clone)]
pub(crate) struct Step {
    /// Whose call it is.
    pub(crate) node: NodeId,
    pub(crate) call: Call<Place>,
    /// Backward only: what is computed matters only if a parameter up to this place in the table is trained; `None`:
    /// only if the gradient of the inputs is wanted.
    pub(crate) reach: Option<usize>,
    /// The node whose folded activation the call applies or differentiates.
    pub(crate) activation: Option<NodeId>,
}

/// The three programs of a network: flat lists of calls. No layers any more.
#[derive(Clone)]
pub(crate) struct Program {
    /// The graph that it was made from: shapes, names, spans, and the nodes' parameters.
    pub(crate) graph: Graph,
    /// Forward in training or evaluation mode, keeping what backward needs. Scopes `Rows` and `Batch`.
    pub(crate) forward: Vec<Step>,
    /// Backward: gradients of values. Scopes `Rows` and `Batch`.
    pub(crate) backward: Vec<Step>,
    /// Backward: gradients of parameters. Scope `Tiles`.
    pub(crate) tiles: Vec<Step>,
    /// Forward for a prediction.
    pub(crate) predict: Vec<Step>,
}

impl<O> Call<O> {
    /// The same call on other operands.
    pub(crate) fn map<P>(self, mut place: impl FnMut(O) -> P) -> Call<P> {
        let args = self.args.into_iter().map(|arg| match arg {
            Arg::Read(o) => Arg::Read(place(o)),
            Arg::Write(o) => Arg::Write(place(o)),
            Arg::Change(o) => Arg::Change(place(o)),
            Arg::Param(i) => Arg::Param(i),
            Arg::Span(i) => Arg::Span(i),
            Arg::Absent => Arg::Absent,
            Arg::Buffer(i) => Arg::Buffer(i),
            Arg::Counter(i) => Arg::Counter(i),
            Arg::NoCounter => Arg::NoCounter,
            Arg::Literal(what, tokens) => Arg::Literal(what, tokens),
            Arg::Value(value) => Arg::Value(value),
            Arg::Context => Arg::Context,
            Arg::NodeNumber => Arg::NodeNumber,
            Arg::BatchRows => Arg::BatchRows,
            Arg::Update => Arg::Update,
        });
        Call { args: args.collect(), kernel: self.kernel, scope: self.scope, formula: self.formula }
    }
}

impl<O: Copy> Call<O> {
    /// The operands that are read, in order (those that are changed too).
    pub(crate) fn reads(&self) -> impl Iterator<Item = O> {
        self.args.iter().filter_map(|arg| match arg {
            Arg::Read(o) | Arg::Change(o) => Some(*o),
            _ => None,
        })
    }

    /// The operands that are written, in order (those that are changed too).
    pub(crate) fn writes(&self) -> impl Iterator<Item = O> {
        self.args.iter().filter_map(|arg| match arg {
            Arg::Write(o) | Arg::Change(o) => Some(*o),
            _ => None,
        })
    }
}

impl Program {
    /// The network's name of an operand: `l1`, `d_l1`, `l1_mean`. No two have the same, whatever the labels are.
    pub(crate) fn name(&self, place: Place) -> String {
        let value = |id: ValueId| self.graph.value(id).name.clone();
        let mut name = match place {
            Place::Value(id) => return value(id),
            Place::Gradient(id) => format!("d_{}", value(id)),
            Place::Kept(node, i) => {
                let (name, _) = &self.kept(node)[i];
                format!("{}_{name}", value(self.graph.node(node).output))
            }
            Place::Statistics(node, i) => {
                let (name, _) = &self.graph.node(node).layer.statistics()[i];
                format!("{}_{name}", value(self.graph.node(node).output))
            }
            Place::Contribution(id, i) => format!("more_d_{}_{i}", value(id)),
        };
        while self.graph.values.iter().any(|v| v.name == name) {
            name.push('_');
        }
        name
    }

    /// What a node keeps for each sample: names and numbers of scalars.
    pub(crate) fn kept(&self, id: NodeId) -> Vec<(&'static str, Dim)> {
        let node = self.graph.node(id);
        let inputs: Vec<Shape> = node.inputs.iter().map(|&i| self.graph.shape(i).clone()).collect();
        node.layer.kept(&crate::layers::Site {
            inputs: &inputs,
            output: self.graph.shape(node.output),
            activation: node.activation.as_ref(),
            producer_activation: None,
            predict: false,
        })
    }

    /// The scalars of an operand: of one sample, or of the whole batch for statistics.
    pub(crate) fn width(&self, place: Place) -> Dim {
        match place {
            Place::Value(id) | Place::Gradient(id) | Place::Contribution(id, _) => self.graph.shape(id).len(),
            Place::Kept(node, i) => self.kept(node)[i].1.clone(),
            Place::Statistics(node, i) => self.graph.node(node).layer.statistics()[i].1.clone(),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programs = [
            ("forward", &self.forward),
            ("backward", &self.backward),
            ("tiles", &self.tiles),
            ("predict", &self.predict),
        ];
        for (name, steps) in programs {
            writeln!(f, "{name}:")?;
            for step in steps {
                let args: Vec<String> = step
                    .call
                    .args
                    .iter()
                    .map(|arg| match arg {
                        Arg::Read(p) => self.name(*p),
                        Arg::Write(p) => format!("out {}", self.name(*p)),
                        Arg::Change(p) => format!("inout {}", self.name(*p)),
                        Arg::Param(i) => self.graph.node(step.node).layer.params()[*i].name.into(),
                        Arg::Span(i) => format!("span {}", self.graph.node(step.node).layer.params()[*i].name),
                        Arg::Absent | Arg::NoCounter => "none".into(),
                        Arg::Buffer(i) | Arg::Counter(i) => self.graph.node(step.node).layer.buffers()[*i].name.into(),
                        Arg::Literal(_, tokens) => tokens.to_string(),
                        Arg::Value(value) => value.to_string(),
                        Arg::Context => "cx".into(),
                        Arg::NodeNumber => format!("#{}", step.node.0),
                        Arg::BatchRows => "rows".into(),
                        Arg::Update => "update".into(),
                    })
                    .collect();
                let scope = if step.call.scope == Scope::Batch { "batch " } else { "" };
                writeln!(f, "    {scope}{}({})", step.call.kernel, args.join(", "))?;
            }
        }
        Ok(())
    }
}
