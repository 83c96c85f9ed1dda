//! What can stand between arrows, item by item: layers, residuals, blocks, the user's own, joins. And what is said of a
//! name that is none of them.

use std::rc::Rc;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;

use super::{Place, Resolver, Scope, join, written};
use crate::ast::{self, Branch};
use crate::diagnostics::did_you_mean;
use crate::ir::{Scalar, ValueId};
use crate::layers::{self, Custom, Entry, Layer, Sum};
use crate::parse::args::{self, Args, Env};
use crate::parse::chain::residual;
use crate::parse::fragments::generics;
use crate::parse::names::value_of;
use crate::parse::tokens::text;

impl Resolver<'_> {
    pub(super) fn layer(&mut self, call: &ast::Call, scope: &Scope, place: Place<'_>) -> Option<ValueId> {
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
            let default = param.default.as_ref().map(|d| env.expression(d.clone()));
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

    pub(super) fn custom(
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
        for argument in &arguments {
            value_of(&argument.value, &format!("an argument of `{name}`"), self.errors);
        }
        let path = generics(scope.env.substitute(path.clone()));
        let layer = Custom::new(path, span, &arguments, shape?, self.errors)?;
        if self.errors.count() > before {
            return None;
        }
        self.node(place, Box::new(layer), vec![place.input?], span, written)
    }

    pub(super) fn shared(&mut self, label: &Ident, scope: &Scope) -> Option<ValueId> {
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
    pub(super) fn join(
        &mut self,
        branches: &[Branch],
        call: &ast::Call,
        scope: &Scope,
        place: Place<'_>,
    ) -> Option<ValueId> {
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
        if layers::instead(&found, name.span(), self.errors) {
            return;
        }
        if layers::is_missing(&found) {
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
}
