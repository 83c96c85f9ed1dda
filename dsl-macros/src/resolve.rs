//! What the user wrote → a graph: looks layers up, reads their arguments, expands blocks and repeats, gives keys and
//! names.
//!
//! AFTER THIS POINT: every layer is known, every argument has its type, every name means one thing. Shapes are not
//! known yet.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;

use crate::ast::{self, Branch, Chain, Item, Step};
use crate::diagnostics::{Diagnostics, did_you_mean};
use crate::ir::{Graph, Node, Scalar, Shape, Value, ValueId};
use crate::layers::{self, Custom, Entry, Layer, Sum};
use crate::parse::args::{self, Args, Argument, Env, Int};
use crate::parse::chain::residual;
use crate::parse::tokens::{extent, text};

/// More layers than a network can have; what multiplies blocks beyond it would fill the memory first.
const MAX_STEPS: usize = 20_000;

/// What generated functions call their other variables: the context, parameters, statistics, buffers, ….
const RESERVED: &[&str] =
    &["b", "cx", "first_row", "first_trained", "loss", "losses", "p", "s", "scratch", "update", "v"];

/// The graph of a network; `None` if anything in it was wrong.
pub(crate) fn resolve(network: &ast::Network, errors: &mut Diagnostics) -> Option<Graph> {
    let before = errors.count();
    let mut resolver = Resolver {
        blocks: &network.blocks,
        graph: Graph {
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            output: ValueId(0),
            assertions: Vec::new(),
        },
        labels: BTreeMap::new(),
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
    if !errors.any() && (graph.nodes.is_empty() || output.is_none()) {
        errors.error(network.body.span, format!("`{}` has no layers", network.header.name));
    }
    graph.output = output?;
    (errors.count() == before).then_some(graph)
}

/// The key as an identifier: `fc1`, `l0`, `l2_shortcut_0`.
pub(crate) fn view_name(key: &str) -> String {
    let name = key.replace('.', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("l{name}") } else { name }
}

struct Resolver<'a> {
    blocks: &'a [ast::Block],
    graph: Graph,
    /// Keys that have a label, and where.
    labels: BTreeMap<String, Span>,
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
        let dims = shape.dims.iter().map(|tokens| {
            let value = env.substitute(tokens.clone());
            args::dim(&value)
                .map_err(|wrong| {
                    let extent = extent(tokens).unwrap_or((shape.span, shape.span));
                    wrong.report("a dimension", &Argument { name: None, value, extent }, self.errors);
                })
                .ok()
        });
        dims.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>().map(Shape)
    }

    /// A new value, whose name no other has, nor anything else where generated code names it.
    fn value(&mut self, name: &str, shape: Option<Shape>, scalar: Scalar) -> ValueId {
        let mut name = name.to_owned();
        while RESERVED.contains(&name.as_str()) || self.graph.values.iter().any(|v| v.name == name) {
            name.push('_');
        }
        self.graph.values.push(Value { name, shape, scalar });
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
        let mut current = place.input;
        for r in 0..count {
            if self.steps > MAX_STEPS {
                return None;
            }
            let key = join(place.key, &r.to_string());
            current = self.item(&step.item, scope, Place { key: &key, input: current, ..place });
        }
        current
    }

    fn count(&mut self, repeat: &TokenStream, scope: &Scope) -> Option<usize> {
        let written = text(repeat.clone());
        let at = extent(repeat).unwrap_or((Span::call_site(), Span::call_site()));
        match args::integer(&scope.env.substitute(repeat.clone())) {
            Int::Known(n) if n >= 1 && n <= MAX_STEPS as i128 => Some(n as usize),
            Int::Known(n) => {
                let message = match n < 1 {
                    true => format!("the count after `*` must be at least 1, found {n}"),
                    false => format!("the count after `*` is too large: {n}"),
                };
                self.errors.error_at(at, message);
                None
            }
            Int::Named => {
                self.errors
                    .error_at(at, format!("the count after `*` decides the code, but only rustc knows `{written}`"))
                    .help("write an integer, or a parameter of the block");
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

    fn layer(&mut self, call: &ast::Call, scope: &Scope, place: Place<'_>) -> Option<ValueId> {
        let name = call.name.to_string();
        if name == "Residual" {
            return self.residual(call, scope, place);
        }
        if let Some(block) = self.blocks.iter().find(|b| b.name == call.name) {
            return self.block(block, call, scope, place);
        }
        let Some(entry) = layers::lookup(&name) else {
            self.unknown(&call.name, scope);
            return None;
        };
        if entry.join {
            self.errors
                .error(call.name.span(), format!("`{name}` joins several values, but one comes in"))
                .help(format!("list them: `[_, s1] => {name}`"));
            return None;
        }
        let layer = self.construct(entry, call, scope)?;
        self.node(place, layer, vec![place.input?], call.name.span(), written(call))
    }

    fn construct(&mut self, entry: Entry, call: &ast::Call, scope: &Scope) -> Option<Box<dyn Layer>> {
        let mut args = Args::new(&call.name, call.args.as_ref(), &scope.env, self.errors);
        (entry.read)(&mut args, self.errors)
    }

    /// `x + f(x)`: the sum is a node of its own, whose key is the residual's.
    fn residual(&mut self, call: &ast::Call, scope: &Scope, place: Place<'_>) -> Option<ValueId> {
        let (body, shortcut) = residual(call, self.errors)?;
        let made = self.chain(&body, scope, place.key, place.input);
        let (sum, other) = match shortcut {
            None => (Sum::Residual, place.input),
            Some(shortcut) => {
                let key = join(place.key, "shortcut");
                (Sum::ResidualShortcut, self.chain(&shortcut, scope, &key, place.input))
            }
        };
        self.node(place, Box::new(sum), vec![made?, other?], call.name.span(), "Residual".into())
    }

    fn block(&mut self, block: &ast::Block, call: &ast::Call, scope: &Scope, place: Place<'_>) -> Option<ValueId> {
        let name = call.name.to_string();
        if self.open.iter().any(|(open, _)| *open == name) {
            self.errors.error(call.name.span(), format!("the block `{name}` contains itself"));
            return None;
        }
        if self.open.len() == 64 {
            self.errors.error(call.name.span(), "more than 64 blocks within each other");
            return None;
        }
        let mut args = Args::new(&call.name, call.args.as_ref(), &scope.env, self.errors);
        let mut env = Env::default();
        for param in &block.params {
            // A default may use the parameters before it.
            let default = param.default.as_ref().map(|d| env.substitute(d.clone()));
            let value = args.parameter(&param.name.to_string(), default.as_ref(), self.errors);
            env.insert(&param.name, value);
        }
        args.finish(self.errors)?;
        self.open.push((name, written(call)));
        // Nothing of the place where a block is used is visible inside.
        let inner = Scope { env: Rc::new(env), ..Scope::default() };
        let before = self.errors.count();
        let output = self.chain(&block.body, &inner, place.key, place.input);
        self.errors.note_since(before, &format!("in `{}`", written(call)));
        self.open.pop();
        output
    }

    fn custom(
        &mut self,
        path: &TokenStream,
        span: Span,
        list: Option<&proc_macro2::Group>,
        output: Option<&ast::InputShape>,
        scope: &Scope,
        place: Place<'_>,
    ) -> Option<ValueId> {
        let name = text(path.clone());
        let written = text([path.clone(), list.to_token_stream()].into_iter().collect());
        let Some(output) = output else {
            self.errors
                .error(span, format!("`{name}` is a layer of your own, whose output shape is not given"))
                .help(format!("write `{written} => [64]`"));
            return None;
        };
        if output.scalar == Scalar::Token {
            self.errors.error(output.span, format!("`{name}` produces numbers, not token ids"));
            return None;
        }
        let shape = self.shape(output, &scope.env);
        let before = self.errors.count();
        let arguments = match list {
            Some(group) => args::split(scope.env.substitute(group.stream()), self.errors),
            None => Vec::new(),
        };
        let path = scope.env.substitute(path.clone());
        let layer = Custom::new(path, span, &arguments, shape?, self.errors)?;
        if self.errors.count() > before {
            return None;
        }
        self.node(place, Box::new(layer), vec![place.input?], span, written)
    }

    fn shared(&mut self, label: &Ident, scope: &Scope) -> Option<ValueId> {
        let name = label.to_string();
        if scope.labels.contains(&name) {
            self.errors
                .error(label.span(), format!("using `{label}` again is not available yet"))
                .help("write the layer a second time; it then has weights of its own");
        } else {
            self.errors
                .error(label.span(), format!("there is no layer labelled `{label}` before this one"))
                .help_if(did_you_mean(&name, scope.labels.iter().map(String::as_str)));
        }
        None
    }

    /// `[_, s1] => Add`: branch b, layer i is `k.b.i`.
    fn join(&mut self, branches: &[Branch], call: &ast::Call, scope: &Scope, place: Place<'_>) -> Option<ValueId> {
        let mut inputs = Vec::new();
        for (b, branch) in branches.iter().enumerate() {
            let start = match &branch.tap {
                None => place.input,
                Some(tap) => self.tap(tap, scope),
            };
            inputs.push(self.chain(&branch.chain, scope, &join(place.key, &b.to_string()), start));
        }
        let name = call.name.to_string();
        let joins = || layers::registry().filter(|e| e.join).map(|e| e.name);
        let Some(entry) = layers::lookup(&name).filter(|e| e.join) else {
            let list = joins().map(|j| format!("`{j}`")).collect::<Vec<_>>();
            let known = format!("a list of values can be joined by {}", args::one_of(&list));
            self.errors
                .error(call.name.span(), format!("there is no join `{name}`"))
                .help(did_you_mean(&name, joins()).unwrap_or(known));
            return None;
        };
        if branches.len() < 2 {
            let found = branches.len();
            self.errors.error(call.name.span(), format!("`{name}` joins at least 2 values, found {found}"));
            return None;
        }
        let layer = self.construct(entry, call, scope)?;
        let inputs = inputs.into_iter().collect::<Option<Vec<_>>>()?;
        self.node(place, layer, inputs, call.name.span(), written(call))
    }

    fn tap(&mut self, tap: &Ident, scope: &Scope) -> Option<ValueId> {
        let name = tap.to_string();
        match scope.taps.get(&name) {
            Some(value) => *value,
            None => {
                let help = did_you_mean(&name, scope.taps.keys().map(String::as_str));
                self.errors
                    .error(tap.span(), format!("there is no tap `{tap}` here"))
                    .help(help.unwrap_or_else(|| format!("name a value before it: `ReLU as {tap}`")));
                None
            }
        }
    }

    fn unknown(&mut self, name: &Ident, scope: &Scope) {
        let found = name.to_string();
        if layers::is_torch(&found) {
            self.errors.error(name.span(), format!("`{found}` is not available yet"));
            return;
        }
        if scope.taps.contains_key(&found) {
            self.errors
                .error(name.span(), format!("`{found}` is a tap, not a layer"))
                .help(format!("use it in a join: `[_, {found}] => Add`"));
            return;
        }
        let help = match found.as_str() {
            "Sequential" => Some("layers in parentheses are a group: `(Linear(784, 64) -> ReLU)`".to_owned()),
            "Input" => Some("declare the input's shape before the layers: `Name: [784] < … >`".to_owned()),
            "Dense" => Some("write `Linear(784, 64)`".to_owned()),
            _ => {
                let blocks = self.blocks.iter().map(|b| b.name.to_string()).collect::<Vec<_>>();
                let layers = layers::registry().map(|e| e.name).chain(["Residual"]);
                did_you_mean(&found, layers.chain(blocks.iter().map(String::as_str)))
            }
        };
        let path = || format!("a layer of your own is written by its path, `my::{found} => [64]`");
        self.errors.error(name.span(), format!("there is no layer `{found}`")).help(help.unwrap_or_else(path));
    }

    fn node(
        &mut self,
        place: Place<'_>,
        layer: Box<dyn Layer>,
        inputs: Vec<ValueId>,
        span: Span,
        written: String,
    ) -> Option<ValueId> {
        let output = self.value(&view_name(place.key), None, Scalar::Real);
        self.graph.nodes.push(Node {
            key: place.key.to_owned(),
            layer,
            inputs,
            output,
            span,
            label: place.label,
            written,
            within: self.open.last().map(|(_, used)| used.clone()),
            shares: None,
            activation: None,
        });
        Some(output)
    }

    /// Two keys that are one field of the views: a label `l0` beside the first layer.
    fn check_view_names(&mut self) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for node in &self.graph.nodes {
            let name = view_name(&node.key);
            match seen.get(&name) {
                Some(&other) if other != node.key => {
                    let label = |key: &str| {
                        let prefixes = key.match_indices('.').map(|(i, _)| &key[..i]).chain([key]);
                        prefixes.filter_map(|p| self.labels.get(p)).next_back().copied()
                    };
                    let span = label(&node.key).or_else(|| label(other)).unwrap_or(node.span);
                    let message = format!("the keys `{other}` and `{}` are one field, `{name}`", node.key);
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
