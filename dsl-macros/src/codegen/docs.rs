//! Documentation of generated code: what a struct is, and the formula of each call.

use proc_macro2::TokenStream;

use super::Unit;
use crate::ir::{Arg, Place, Shape, Step, ValueId};
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
        for node in &graph.nodes {
            layers.push(node.layer.describe());
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
        let layer = (!step.call.kernel.starts_with("activation_backward") || activation.is_none())
            .then(|| format!("{}: {}", node.key, node.written));
        let layers: Vec<String> = [layer, activation].into_iter().flatten().collect();
        let options: Vec<String> = step
            .call
            .args
            .iter()
            .filter_map(|arg| match arg {
                Arg::Literal(what, tokens) if !what.is_empty() => Some(format!("{what} = {}", text(tokens.clone()))),
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
        let node = self.program.graph.node(step.node);
        let mut formula = step.call.formula.clone();
        let value = |id| self.program.name(Place::Value(id));
        let root = |id: ValueId| self.program.memory[id.0];
        for (i, &input) in node.inputs.iter().enumerate() {
            let name = value(root(input));
            let suffix = if i == 0 { String::new() } else { i.to_string() };
            formula = formula.replace(&format!("{{x{suffix}}}"), &name);
            formula = formula.replace(&format!("{{dx{suffix}}}"), &format!("d_{name}"));
        }
        let output = value(root(node.output));
        formula = formula.replace("{y}", &output).replace("{dy}", &format!("d_{output}"));
        for (i, _) in self.program.kept(step.node).iter().enumerate() {
            let suffix = if i == 0 { String::new() } else { i.to_string() };
            formula = formula.replace(&format!("{{kept{suffix}}}"), &self.program.name(Place::Kept(step.node, i)));
        }
        for (i, _) in node.layer.statistics().iter().enumerate() {
            let suffix = if i == 0 { String::new() } else { i.to_string() };
            let name = self.program.name(Place::Statistics(step.node, i));
            formula = formula.replace(&format!("{{statistics{suffix}}}"), &name);
        }
        if formula.contains("{producer}") {
            let producer = step.call.reads().last().map_or(String::new(), |p| self.program.name(p));
            formula = formula.replace("{producer}", &producer);
        }
        for (i, param) in node.layer.params().iter().enumerate() {
            let key = &self.plan.param(step.node, i).key;
            formula = formula.replace(&format!("{{{}}}", param.name), key);
        }
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
            Place::Kept(..) | Place::Statistics(..) => None,
        };
        let from = step.call.reads().find_map(shape);
        let to = step.call.writes().find_map(shape);
        let span = step.call.args.iter().find_map(|arg| match arg {
            Arg::Span(i) => Some(self.plan.param(step.node, *i)),
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
