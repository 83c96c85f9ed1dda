//! What the user wrote → a graph: looks layers up, reads their arguments, expands blocks and repeats, gives keys and
//! names.
//!
//! AFTER THIS POINT: every layer is known, every argument has its type, every name means one thing. Shapes are not
//! known yet.

mod items;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;

use self::names::Names;
use crate::ast::{self, Chain, Item, Step};
use crate::diagnostics::Diagnostics;
use crate::ir::{NodeId, Order, Repeat, Scalar, Shape, Value, ValueId, excess, identifier};
use crate::layers::{Graph, Layer, Node};
use crate::parse::args::{self, Argument, Env, Int, Width};
use crate::parse::tokens::{extent, text};

/// More layers than a network can have: its expansion would take rustc hours, and what multiplies blocks beyond it would
/// fill the memory first.
const MAX_STEPS: usize = 4096;

/// The graph of a network; `None` if anything in it was wrong.
pub(crate) fn resolve(network: &ast::Network, errors: &mut Diagnostics) -> Option<Graph> {
    let before = errors.count();
    let failed = network.failed;
    // Those of a network that failed before this one are nobody's.
    errors.take_assertions();
    let mut resolver = Resolver {
        blocks: &network.blocks,
        graph: Graph {
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            output: ValueId(0),
            repeats: Vec::new(),
            assertions: Vec::new(),
        },
        labels: BTreeMap::new(),
        names: Names::default(),
        open: Vec::new(),
        steps: 0,
        errors,
    };
    if network.header.name == "T" {
        let error = resolver.errors.error(network.header.name.span(), "`T` is the scalar type of every network");
        error.help("give the network another name");
    }
    let scope = resolver.inputs(network);
    let input = resolver.graph.inputs.first().copied();
    let output = resolver.chain(&network.body, &scope, "", input);
    resolver.check_view_names();
    let Resolver { mut graph, errors, .. } = resolver;
    if !failed && errors.count() == before && (graph.nodes.is_empty() || output.is_none()) {
        errors.error(network.body.span, format!("`{}` has no layers", network.header.name));
    }
    graph.output = output?;
    (errors.count() == before).then_some(graph)
}

struct Resolver<'a> {
    blocks: &'a [ast::Block],
    graph: Graph,
    /// Keys that have a label, and where.
    labels: BTreeMap<String, Span>,
    names: Names,
    /// The blocks whose bodies are being read: names, and their uses as written.
    open: Vec<(String, String)>,
    steps: usize,
    errors: &'a mut Diagnostics,
}

/// What names mean inside a chain.
#[derive(Clone, Default)]
struct Scope {
    env: Rc<Env>,
    taps: BTreeMap<String, Option<ValueId>>,
    /// Labels that `&label` can refer to.
    labels: BTreeSet<String>,
}

/// Where a step stands: its key, and the value that comes in (`None` after a mistake).
#[derive(Clone, Copy)]
struct Place<'k> {
    key: &'k str,
    label: Option<Span>,
    input: Option<ValueId>,
}

impl Resolver<'_> {
    /// The values that the caller gives, as taps where they have names.
    fn inputs(&mut self, network: &ast::Network) -> Scope {
        let mut scope = Scope::default();
        if let [_, second, ..] = network.inputs.as_slice() {
            self.errors
                .error(second.name.span(), "several inputs are not available yet")
                .help("give the network one input, and join them before it");
        }
        if let (Some(shape), Some(first)) = (&network.shape, network.inputs.first()) {
            self.errors
                .error(shape.span, format!("the shape of the input is declared twice: `{}` has one too", first.name))
                .help("leave one of them out");
        }
        for input in &network.inputs {
            let shape = self.shape(&input.shape, &Env::default());
            let id = self.value(&input.name.to_string(), shape, input.shape.scalar);
            self.graph.inputs.push(id);
            if scope.taps.insert(input.name.to_string(), Some(id)).is_some() {
                self.errors.error(input.name.span(), format!("there are two inputs `{}`", input.name));
            }
        }
        if network.inputs.is_empty() {
            let declared = network.shape.as_ref();
            let shape = declared.and_then(|s| self.shape(s, &Env::default()));
            let id = self.value("x", shape, declared.map_or(Scalar::Real, |s| s.scalar));
            self.graph.inputs.push(id);
        }
        scope
    }

    fn shape(&mut self, shape: &ast::InputShape, env: &Env) -> Option<Shape> {
        let span = shape.span;
        let dims = shape.dims.iter().map(|tokens| {
            let value = env.expression(tokens.clone());
            args::dim(&value, 1)
                .map_err(|wrong| {
                    let extent = extent(tokens).unwrap_or((shape.span, shape.span));
                    wrong.report("a dimension", &Argument { name: None, value, extent }, self.errors);
                })
                .ok()
        });
        let shape = dims.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>().map(Shape)?;
        if let Some(excess) = excess(&shape.0) {
            self.errors.error(span, format!("a sample of shape {shape} {excess}"));
            return None;
        }
        Some(shape)
    }

    /// A new value, whose name no other has, nor anything else where generated code names it.
    fn value(&mut self, name: &str, shape: Option<Shape>, scalar: Scalar) -> ValueId {
        let name = self.names.variable(name);
        self.graph.values.push(Value { name, shape, order: Order::Logical, scalar, producer: None });
        ValueId(self.graph.values.len() - 1)
    }

    /// The last value of a chain.
    fn chain(&mut self, chain: &Chain, outer: &Scope, prefix: &str, input: Option<ValueId>) -> Option<ValueId> {
        let mut scope = outer.clone();
        let mut labels: BTreeMap<String, Span> = BTreeMap::new();
        let mut current = input;
        for (i, step) in chain.steps.iter().enumerate() {
            let name = step.label.as_ref().map_or_else(|| i.to_string(), Ident::to_string);
            let key = join(prefix, &name);
            if let Some(label) = &step.label {
                if labels.insert(name.clone(), label.span()).is_some() {
                    self.errors
                        .error(label.span(), format!("there are two layers labelled `{label}`"))
                        .help("a label is a key of the state dict: give each its own");
                }
                self.labels.insert(key.clone(), label.span());
            }
            current = self.step(
                step,
                &scope,
                Place { key: &key, label: step.label.as_ref().map(Ident::span), input: current },
            );
            if let Some(label) = &step.label {
                scope.labels.insert(label.to_string());
            }
            for tap in &step.taps {
                if scope.taps.insert(tap.to_string(), current).is_some() {
                    self.errors.error(tap.span(), format!("there are two taps `{tap}`"));
                }
            }
        }
        current
    }

    fn step(&mut self, step: &Step, scope: &Scope, place: Place<'_>) -> Option<ValueId> {
        let Some(repeat) = &step.repeat else { return self.item(&step.item, scope, place) };
        let count = self.count(repeat, scope)?;
        self.graph.repeats.push(Repeat { key: place.key.to_owned(), count });
        let (mut current, before) = (place.input, self.steps);
        for r in 0..count {
            let key = join(place.key, &r.to_string());
            current = self.item(&step.item, scope, Place { key: &key, input: current, ..place });
            if self.steps > MAX_STEPS {
                return None;
            }
            // All copies are as large as the first: what would be too many is not begun.
            let layers = before + (self.steps - before).saturating_mul(count);
            if r == 0 && layers > MAX_STEPS {
                let at = extent(repeat).unwrap_or((Span::call_site(), Span::call_site()));
                self.errors.error_at(at, format!("`* {count}` makes a network of more than {MAX_STEPS} layers"));
                // Nobody counts on, nor says it again.
                self.steps = MAX_STEPS + 2;
                return None;
            }
        }
        current
    }

    fn count(&mut self, repeat: &TokenStream, scope: &Scope) -> Option<usize> {
        let written = text(repeat.clone());
        let at = extent(repeat).unwrap_or((Span::call_site(), Span::call_site()));
        match args::integer(&scope.env.expression(repeat.clone()), Width::Size) {
            Int::Known(n) if n >= 1 && n <= MAX_STEPS as i128 => Some(n as usize),
            Int::Known(n) => {
                let message = match n < 1 {
                    true => format!("the count after `*` must be at least 1, found {n}"),
                    false => format!("the count after `*` is too large: {n}"),
                };
                self.errors.error_at(at, message);
                None
            }
            Int::Named(_) => {
                self.errors
                    .error_at(at, format!("the count after `*` decides the code, but only rustc knows `{written}`"))
                    .help("write an integer, or a parameter of the block");
                None
            }
            Int::TooLarge => {
                self.errors.error_at(at, format!("the count after `*` is too large: {written}"));
                None
            }
            Int::Wrong => {
                self.errors.error_at(at, format!("the count after `*` is an integer, found `{written}`"));
                None
            }
        }
    }

    fn item(&mut self, item: &Item, scope: &Scope, place: Place<'_>) -> Option<ValueId> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            if self.steps == MAX_STEPS + 1 {
                self.errors.error(span_of(item), format!("a network of more than {MAX_STEPS} layers"));
            }
            return None;
        }
        match item {
            Item::Layer(call) => self.layer(call, scope, place),
            Item::Custom { path, span, args, output } => {
                self.custom(path, *span, args.as_ref(), output.as_ref(), scope, place)
            }
            Item::Group(chain) => self.chain(chain, scope, place.key, place.input),
            Item::Shared(label) => self.shared(label, scope),
            Item::Join { branches, join, .. } => self.join(branches, join, scope, place),
        }
    }

    fn node(
        &mut self,
        place: Place<'_>,
        layer: Box<dyn Layer>,
        inputs: Vec<ValueId>,
        span: Span,
        written: String,
    ) -> Option<ValueId> {
        let name = identifier(place.key);
        let further = layer.further_outputs().iter().map(|output| format!("{name}_{output}"));
        let names = [name.clone()].into_iter().chain(further);
        let outputs: Vec<ValueId> = names.map(|name| self.value(&name, None, Scalar::Real)).collect();
        for output in &outputs {
            self.graph.values[output.0].producer = Some(NodeId(self.graph.nodes.len()));
        }
        let first = outputs[0];
        self.graph.nodes.push(Node {
            key: place.key.to_owned(),
            layer,
            inputs,
            outputs,
            span,
            label: place.label,
            written,
            within: self.open.last().map(|(_, used)| used.clone()),
            shares: None,
            activation: None,
        });
        Some(first)
    }

    /// Two keys that are one field of the views (a label `l0` beside the first layer), or one key of two layers (a label
    /// `shortcut` beside the shortcut of a residual).
    fn check_view_names(&mut self) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        // One label of two layers has been told.
        let told = self.errors.any();
        for node in &self.graph.nodes {
            let name = identifier(&node.key);
            match seen.get(&name) {
                Some(&other) if other != node.key || !told && node.shares.is_none() => {
                    let label = |key: &str| {
                        let prefixes = key.match_indices('.').map(|(i, _)| &key[..i]).chain([key]);
                        prefixes.filter_map(|p| self.labels.get(p)).next_back().copied()
                    };
                    let span = label(&node.key).or_else(|| label(other)).unwrap_or(node.span);
                    let message = if other == node.key {
                        format!("two layers have the key `{other}`")
                    } else {
                        format!("the keys `{other}` and `{}` are one field, `{name}`", node.key)
                    };
                    self.errors.error(span, message).help("choose another label");
                }
                _ => {
                    seen.insert(name, &node.key);
                }
            }
        }
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn written(call: &ast::Call) -> String {
    text([call.name.to_token_stream(), call.args.to_token_stream()].into_iter().collect())
}

fn span_of(item: &Item) -> Span {
    match item {
        Item::Layer(call) => call.name.span(),
        Item::Custom { span, .. } | Item::Join { span, .. } => *span,
        Item::Group(chain) => chain.span,
        Item::Shared(label) => label.span(),
    }
}
