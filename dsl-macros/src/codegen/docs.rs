//! Documentation of generated code: what a struct is, and the formula of each call.

use proc_macro2::TokenStream;

use super::Unit;
use crate::ir::{Arg, Piece, Place, Role, Shape, Step};
use crate::parse::tokens::text;

/// The layers that the last call in a list was of.
#[derive(Debug, Default)]
pub(crate) struct Titles(Option<String>);

/// Whether an attribute is documentation.
pub(crate) fn is_doc(attr: &TokenStream) -> bool {
    attr.to_string().replace(' ', "").starts_with("#[doc=")
}

impl Unit<'_> {
    /// `Linear(784, 64) -> ReLU -> Linear(64, 10)`: 50890 parameters. Below the user's own words, if there are any.
    pub(crate) fn struct_doc(&self) -> Vec<String> {
        let graph = &self.program.graph;
        let mut layers = Vec::new();
        for node in graph.nodes.iter().filter(|node| !node.key.is_empty()) {
            layers.push(node.layer.describe.clone());
            layers.extend(node.activation.iter().map(|a| a.written.clone()));
        }
        let many = layers.len() > 8;
        layers.truncate(8);
        let more = if many { " -> …" } else { "" };
        let parameters = match self.plan.parameters.known() {
            Some(parameters) => format!("{parameters} parameters"),
            None => format!("[`PARAMETERS`]({0}::PARAMETERS) parameters", self.name()),
        };
        let (input, output) = (self.input_shape(), self.output_shape());
        let mut doc = vec![
            format!(" `{}{more}`", layers.join(" -> ")),
            String::new(),
            format!(" `{input}` → `{output}`, {parameters}, made by `glulam::network!`."),
        ];
        if self.header.attrs.iter().any(is_doc) {
            doc.insert(0, String::new());
        }
        doc
    }

    /// What stands above a call: which layers it is of, unless the call before it said so, and its formula.
    pub(crate) fn call_docs(&self, step: &Step, titles: &mut Titles) -> Vec<String> {
        let title = self.title(step);
        let new = titles.0.as_ref() != Some(&title);
        let mut docs = Vec::new();
        if new {
            docs.push(format!(" {title}"));
            titles.0 = Some(title);
        }
        docs.push(self.formula(step));
        docs
    }

    /// `0: Linear(784, 64), 1: ReLU`, with the options that the call has as bare numbers.
    fn title(&self, step: &Step) -> String {
        let node = self.program.graph.node(step.node);
        let activation = step.activation.and_then(|id| self.program.graph.node(id).activation.as_ref());
        let activation = activation.map(|a| format!("{}: {}", a.key, a.written));
        let layer = match step.call.role {
            Role::Derivative => None,
            _ if node.key.is_empty() => Some(node.written.clone()),
            _ => Some(format!("{}: {}", node.key, node.written)),
        };
        let layers: Vec<String> = [layer, activation].into_iter().flatten().collect();
        let options: Vec<String> = step
            .call
            .args
            .iter()
            .filter_map(|arg| match arg {
                Arg::Literal(what, tokens) => Some(format!("{what} = {}", text(tokens.clone()))),
                Arg::NodeNumber => Some(format!("stream = {}", step.node.0)),
                _ => None,
            })
            .collect();
        match options.is_empty() {
            true => layers.join(", "),
            false => format!("{}; {}", layers.join(", "), options.join(", ")),
        }
    }

    /// The formula of a call with the network's names, and the shapes: `` `l1 = relu(x · 0.weight + 0.bias)`: [N, 784] → [N, 64] ``.
    fn formula(&self, step: &Step) -> String {
        let pieces = step.call.formula.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Operand(place) => self.program.name(*place),
            Piece::Arg(i) => match &step.call.args[*i] {
                Arg::Param(name) | Arg::Span(name) => self.plan.param(step.node, name).key.clone(),
                Arg::Buffer(name) | Arg::Counter(name) => self.plan.buffer(step.node, name).key.clone(),
                Arg::Literal(_, tokens) | Arg::Layer(tokens) => text(tokens.clone()),
                unnamed => unreachable!("no formula names {unnamed:?}"),
            },
        });
        let formula: String = pieces.collect();
        format!(" `{formula}`{}", self.shapes(step))
    }

    /// `: [N, 784] → [N, 64]`, of what is read first and what is written.
    fn shapes(&self, step: &Step) -> String {
        let batch = |shape: &Shape| match shape.0.is_empty() {
            true => "[N]".into(),
            false => shape.to_string().replacen('[', "[N, ", 1),
        };
        let shape = |place| match place {
            Place::Value(id) | Place::Gradient(id) | Place::Contribution(id, _) => {
                Some(batch(self.program.graph.shape(id)))
            }
            Place::Kept(..) | Place::Statistics(..) | Place::Partial(..) => None,
        };
        let from = step.call.reads().find_map(shape);
        let to = step.call.writes().find_map(shape);
        let span = step.call.args.iter().find_map(|arg| match arg {
            Arg::Span(name) => Some(self.plan.param(step.node, name)),
            _ => None,
        });
        match (from, to, span) {
            (Some(from), None, Some(p)) => format!(": {from} → {}", stored(&p.param)),
            (Some(from), Some(to), _) if from != to => format!(": {from} → {to}"),
            (_, Some(to), _) => format!(": {to}"),
            _ => String::new(),
        }
    }
}

/// The shape in which a parameter is stored.
fn stored(param: &crate::ir::Param) -> String {
    match &param.rows {
        Some(rows) => format!("[{rows}, {}]", param.columns),
        None => format!("[{}]", param.columns),
    }
}
