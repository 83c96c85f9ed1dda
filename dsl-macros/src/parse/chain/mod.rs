//! `Linear(784, 64) -> ReLU -> …` → [`Chain`]: what stands within the angle brackets, a group, a `Residual`, a branch.
//!
//! ```text
//! chain   = step ("->" step)*
//! step    = (label ":")? item ("*" count)? ("as" tap)*
//! item    = Name args? | path args? "=>" shape | "(" chain ")" | "&" label | "[" branch,* "]" "=>" Join args?
//! branch  = ("_" | tap) ("->" chain)? | chain
//! ```

mod arrow;
mod join;
mod layer;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

use super::fragments::generics;
use super::header::{after_attributes, refuse_attributes};
use super::list::{argument, split_at_commas, split_chains};
use super::names::check_value_name;
use super::pieces::generics_len;
use super::tokens::{Cursor, extent};
use crate::ast::{Branch, Call, Chain, InputShape, Item, Step};
use crate::diagnostics::Diagnostics;
use crate::ir::Scalar;

pub(super) const ARROW: [char; 2] = ['-', '>'];
pub(super) const GIVES: [char; 2] = ['=', '>'];
const PATH: [char; 2] = [':', ':'];

/// The body of a `Residual`, and its shortcut.
pub(crate) fn residual(args: &Call, errors: &mut Diagnostics) -> Option<(Chain, Option<Chain>)> {
    let example = "write `Residual(Linear(64, 64) -> ReLU)`";
    let Some(group) = &args.args else {
        errors.error(args.name.span(), "`Residual` lacks the layers to go around").help(example);
        return None;
    };
    let pieces = split_chains(group.stream(), errors);
    let arguments: Vec<_> = pieces.into_iter().map(|piece| argument(piece, errors)).collect();
    let (mut body, mut shortcut) = (None, None);
    for argument in &arguments {
        let chain = chain_of(argument.value.clone(), argument.extent.0, errors);
        match &argument.name {
            None if body.is_none() => body = Some(chain),
            None => {
                errors
                    .error_at(argument.extent, "`Residual` goes around one chain of layers, found another after `,`")
                    .help("join layers by `->`, or write `shortcut = …`");
            }
            Some(name) if name == "shortcut" && shortcut.is_none() => shortcut = Some(chain),
            Some(name) if name == "shortcut" => {
                errors.error(name.span(), "`shortcut` of `Residual` is given twice");
            }
            Some(name) => {
                errors
                    .error(name.span(), format!("`Residual` has no argument `{name}`"))
                    .help("its arguments are `Residual(layers, shortcut = layers)`");
            }
        }
    }
    if body.is_none() {
        errors.error(args.name.span(), "`Residual` lacks the layers to go around").help(example);
    }
    Some((body?, shortcut))
}

fn chain_of(tokens: TokenStream, span: Span, errors: &mut Diagnostics) -> Chain {
    let mut parser = Parser { cursor: Cursor::new(tokens, span), errors };
    parser.chain(span, End::OfTokens)
}

/// What ends a chain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `>`.
    Angle,
    /// The end of the group.
    OfTokens,
}

pub(super) struct Parser<'e> {
    pub(super) cursor: Cursor,
    pub(super) errors: &'e mut Diagnostics,
}

impl Parser<'_> {
    pub(super) fn block_follows(&self) -> bool {
        arrow::block_follows(&self.cursor)
    }

    /// `a -> b -> c`, up to its end.
    pub(super) fn chain(&mut self, span: Span, end: End) -> Chain {
        let mut steps = Vec::new();
        if self.at_end(end) {
            return Chain { steps, span };
        }
        loop {
            steps.extend(self.step(end));
            if self.at_end(end) || !self.arrow(end) {
                return Chain { steps, span };
            }
        }
    }

    /// `label: item * 4 as tap`.
    fn step(&mut self, end: End) -> Option<Step> {
        refuse_attributes(&mut self.cursor, "a layer", self.errors);
        self.cursor.open_fragment();
        let label = self.label();
        let item = self.item(end);
        let mut step = Step { label, item: item?, repeat: None, taps: Vec::new() };
        while let Some(star) = self.cursor.eat_punct('*') {
            let count = self.count(star);
            if step.repeat.is_some() {
                self.errors.error(star, "repeated twice").help("multiply the counts: `* (2 * 3)`");
            }
            step.repeat = step.repeat.or(count);
        }
        while self.cursor.peek_word("as") {
            self.cursor.next();
            let found = self.cursor.found();
            match self.cursor.eat_ident() {
                Some(name) => {
                    check_value_name(&name, "tap", self.errors);
                    step.taps.push(name);
                }
                None => {
                    self.errors.error(self.cursor.span(), format!("a name is expected after `as`, found {found}"));
                }
            }
        }
        Some(step)
    }

    /// `fc1:`, but not `my::Layer`.
    fn label(&mut self) -> Option<Ident> {
        let name = self.cursor.eat_label()?;
        check_value_name(&name, "label", self.errors);
        Some(name)
    }

    /// An integer, a name or a parenthesised expression.
    fn count(&mut self, star: Span) -> Option<TokenStream> {
        match self.cursor.peek() {
            Some(TokenTree::Literal(_) | TokenTree::Ident(_)) => self.cursor.next().map(TokenStream::from),
            Some(TokenTree::Group(group)) if matches!(group.delimiter(), Delimiter::Parenthesis | Delimiter::None) => {
                self.cursor.next().map(TokenStream::from)
            }
            _ => {
                let found = self.cursor.found();
                self.errors
                    .error(star, format!("a count is expected after `*`, found {found}"))
                    .help("write an integer, a name or an expression in parentheses: `* 4`");
                None
            }
        }
    }

    fn item(&mut self, end: End) -> Option<Item> {
        self.cursor.open_fragment();
        let span = self.cursor.span();
        if let Some(group) = self.cursor.eat_group(Delimiter::Parenthesis) {
            return Some(self.group(&group));
        }
        if let Some(group) = self.cursor.eat_group(Delimiter::Bracket) {
            return self.join(&group);
        }
        if self.cursor.eat_punct('&').is_some() {
            let found = self.cursor.found();
            let name = self.cursor.eat_ident();
            if name.is_none() {
                self.errors
                    .error(self.cursor.span(), format!("a label is expected after `&`, found {found}"))
                    .help("`&fc1` is the layer labelled `fc1` again");
            }
            return name.map(Item::Shared);
        }
        if self.cursor.peek_ident().is_some() || self.cursor.peek_pair(PATH) {
            return self.layer(end);
        }
        let found = self.cursor.found();
        let message = format!("a layer is expected, found {found}");
        if self.cursor.peek_pair(ARROW) {
            self.errors.error(span, message).help("remove one `->`");
            return None;
        }
        self.errors.error(span, message);
        // The token would only be in the way.
        if !self.at_end(end) {
            self.cursor.next();
        }
        None
    }

    fn group(&mut self, group: &Group) -> Item {
        let chain = chain_of(group.stream(), group.span_open(), self.errors);
        if group.stream().is_empty() {
            self.errors.error(group.span_open(), "a group without layers");
        }
        Item::Group(chain)
    }
}
