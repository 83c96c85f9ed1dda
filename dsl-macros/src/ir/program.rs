//! Calls in their places: the flat lists that a network becomes.

use std::collections::HashSet;
use std::fmt;

use super::{Arg, Call, Dim, Facts, Graph, Kept, NodeId, Scalar, Scope, ValueId};

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
    /// Entry i of what a node adds up of each piece of the batch.
    Partial(NodeId, usize),
    /// A contribution to the gradient of a value that already has one.
    Contribution(ValueId, usize),
}

/// So many scalars beside each other, of each sample or of each piece of the batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) scalar: Scalar,
    pub(crate) width: Dim,
    pub(crate) of_piece: bool,
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
    /// The graph that it was made from: shapes, names, spans, and what the layers have said of themselves.
    pub(crate) graph: Graph<Facts>,
    /// The names of its values.
    names: HashSet<String>,
    /// The value in whose memory each value lies: itself, or what a view shows in another shape.
    pub(crate) memory: Vec<ValueId>,
    /// The value in whose memory the network's output lies.
    pub(crate) output: ValueId,
    /// Forward in training or evaluation mode, keeping what backward needs. Scopes `Rows` and `Batch`.
    pub(crate) forward: Vec<Step>,
    /// Backward: gradients of values. Scopes `Rows` and `Batch`.
    pub(crate) backward: Vec<Step>,
    /// Backward: gradients of parameters. Scope `Tiles`.
    pub(crate) tiles: Vec<Step>,
    /// Forward for a prediction.
    pub(crate) predict: Vec<Step>,
}

impl Program {
    /// A program without calls.
    pub(crate) fn new(graph: Graph<Facts>, memory: Vec<ValueId>) -> Self {
        let names = graph.values.iter().map(|value| value.name.clone()).collect();
        let output = memory[graph.output.0];
        Program { graph, names, memory, output, forward: vec![], backward: vec![], tiles: vec![], predict: vec![] }
    }

    /// The network's name of an operand: `l1`, `d_l1`, `l1_mean`. No two have the same, whatever the labels are.
    pub(crate) fn name(&self, place: Place) -> String {
        let value = |id: ValueId| self.graph.value(id).name.clone();
        let mut name = match place {
            Place::Value(id) => return value(id),
            Place::Gradient(id) => format!("d_{}", value(id)),
            Place::Kept(node, i) => {
                let node = self.graph.node(node);
                format!("{}_{}", value(node.output()), node.layer.kept[i].name)
            }
            Place::Statistics(node, i) => {
                let node = self.graph.node(node);
                format!("{}_{}", value(node.output()), node.layer.statistics[i].0)
            }
            Place::Partial(node, i) => {
                let node = self.graph.node(node);
                format!("{}_{}", value(node.output()), node.layer.partials[i].name)
            }
            Place::Contribution(id, i) => format!("more_d_{}_{i}", value(id)),
        };
        while self.names.contains(&name) {
            name.push('_');
        }
        name
    }

    /// What an operand is: of one sample, or of the whole batch for statistics.
    pub(crate) fn row(&self, place: Place) -> Row {
        let row = |scalar, width| Row { scalar, width, of_piece: false };
        let real = |width| row(Scalar::Real, width);
        match place {
            Place::Value(id) => row(self.graph.value(id).scalar, self.graph.shape(id).len()),
            Place::Gradient(id) | Place::Contribution(id, _) => real(self.graph.shape(id).len()),
            Place::Kept(node, i) => {
                let Kept { scalar, len, .. } = &self.graph.node(node).layer.kept[i];
                row(*scalar, len.clone())
            }
            Place::Partial(node, i) => {
                let Kept { scalar, len, .. } = &self.graph.node(node).layer.partials[i];
                Row { of_piece: true, ..row(*scalar, len.clone()) }
            }
            Place::Statistics(node, i) => real(self.graph.node(node).layer.statistics[i].1.clone()),
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
                        Arg::Param(name) | Arg::Buffer(name) | Arg::Counter(name) => (*name).into(),
                        Arg::Span(name) => format!("span {name}"),
                        Arg::Absent | Arg::NoCounter => "none".into(),
                        Arg::Literal(_, tokens) => tokens.to_string(),
                        Arg::Layer(value) => format!("& {value}"),
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
