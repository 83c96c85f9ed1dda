//! `Linear(784, 64) -> ReLU -> …` → [`Chain`]: what stands within the angle brackets, a group, a `Residual`, a branch.
//!
//! ```text
//! chain   = step ("->" step)*
//! step    = (label ":")? item ("*" count)? ("as" tap)*
//! item    = Name args? | path args? "=>" shape | "(" chain ")" | "&" label | "[" branch,* "]" "=>" Join args?
//! branch  = ("_" | tap) ("->" chain)? | chain
//! ```

mod join;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

use super::list::{split, split_at_commas};
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
    let arguments = split(group.stream(), errors);
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
        self.cursor.peek_word("block") && self.cursor.nth_ident(1).is_some()
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

    fn at_end(&self, end: End) -> bool {
        match end {
            End::Angle => self.cursor.is_empty() || self.cursor.peek_punct('>') || self.new_item_follows(),
            End::OfTokens => self.cursor.is_empty(),
        }
    }

    /// A word or sign that begins another network: the `>` before it was forgotten.
    pub(super) fn new_item_follows(&self) -> bool {
        self.cursor.peek_word("pub") || self.cursor.peek_punct('#') || self.block_follows()
    }

    /// The `->` before the next step. What stands there instead is reported; `false` if nothing can follow.
    fn arrow(&mut self, end: End) -> bool {
        if let Some((first, last)) = self.cursor.eat_pair(ARROW) {
            return self.step_follows((first, last), end);
        }
        if let Some(torn) = self.cursor.eat_torn(ARROW) {
            self.errors.error_at(torn, "`- >` is two tokens").help("write `->`");
            return self.step_follows(torn, end);
        }
        let (span, found) = (self.cursor.span(), self.cursor.found());
        if self.starts_step() {
            self.errors.error(span, format!("`->` is missing before {found}"));
            return true;
        }
        let help = match found.as_str() {
            "`,`" | "`;`" | "`|`" | "`+`" => "layers are joined by `->`",
            "`=>`" => "`=> [64]` follows a layer of your own, `=> Add` a list of values in brackets",
            _ => "after a layer come `->`, `* 2`, `as name` or the end",
        };
        self.errors.error(span, format!("`->` is expected, found {found}")).help(help);
        // On to something that can go on.
        while !self.at_end(end) {
            if self.cursor.eat_pair(ARROW).is_some() {
                return !self.at_end(end);
            }
            self.cursor.next();
        }
        false
    }

    fn step_follows(&mut self, arrow: (Span, Span), end: End) -> bool {
        if self.at_end(end) {
            self.errors.error_at(arrow, "a layer is missing after `->`");
            return false;
        }
        true
    }

    fn starts_step(&self) -> bool {
        self.cursor.peek_ident().is_some_and(|i| i != "as") || self.cursor.peek_punct('&')
    }

    /// `label: item * 4 as tap`.
    fn step(&mut self, end: End) -> Option<Step> {
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
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
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
            return self.layer();
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

    /// `Linear(784, 64)`, `my::Layer::<3>(7) => [64]`.
    fn layer(&mut self) -> Option<Item> {
        let span = self.cursor.span();
        let mut path = TokenStream::new();
        let mut last = None;
        let mut segments = 0;
        loop {
            if let Some(name) = self.cursor.eat_ident() {
                name.to_tokens(&mut path);
                last = Some(name);
                segments += 1;
            } else if self.cursor.peek_punct('<') && segments > 0 {
                self.generics(&mut path);
            } else if segments > 0 || !self.cursor.peek_pair(PATH) {
                let found = self.cursor.found();
                self.errors.error(self.cursor.span(), format!("a name is expected after `::`, found {found}"));
                return None;
            }
            if !self.cursor.peek_pair(PATH) {
                break;
            }
            segments += 1;
            path.extend([self.cursor.next(), self.cursor.next()].into_iter().flatten());
        }
        let args = self.args();
        let output = match self.cursor.eat_pair(GIVES) {
            Some(_) => Some(self.shape()?),
            None => None,
        };
        match last {
            Some(name) if segments == 1 && output.is_none() => Some(Item::Layer(Call { name, args })),
            _ => Some(Item::Custom { path, span, args, output }),
        }
    }

    /// `(784, 64)`. Other brackets are reported, and taken for it.
    fn args(&mut self) -> Option<Group> {
        let span = self.cursor.span();
        for (delimiter, found) in [(Delimiter::Bracket, "[…]"), (Delimiter::Brace, "{…}")] {
            if let Some(group) = self.cursor.eat_group(delimiter) {
                self.errors.error(span, format!("arguments stand in parentheses, found `{found}`")).help("write `(…)`");
                return Some(Group::new(Delimiter::Parenthesis, group.stream()));
            }
        }
        self.cursor.eat_group(Delimiter::Parenthesis)
    }

    /// `<3, T>` of a path, nested ones included.
    fn generics(&mut self, path: &mut TokenStream) {
        let mut depth = 0;
        while let Some(token) = self.cursor.next() {
            if let TokenTree::Punct(p) = &token {
                depth += match p.as_char() {
                    '<' => 1,
                    '>' => -1,
                    _ => 0,
                };
            }
            token.to_tokens(path);
            if depth == 0 {
                return;
            }
        }
    }

    /// `[3, 32, 32]` or `[u32; 64]`.
    pub(super) fn shape(&mut self) -> Option<InputShape> {
        let Some(group) = self.cursor.eat_group(Delimiter::Bracket) else {
            let found = self.cursor.found();
            self.errors
                .error(self.cursor.span(), format!("a shape is expected, found {found}"))
                .help("write `[3, 32, 32]`, or `[u32; 64]` for token ids");
            return None;
        };
        let mut tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut scalar = Scalar::Real;
        let semicolon = matches!(tokens.get(1), Some(TokenTree::Punct(p)) if p.as_char() == ';');
        if let (true, Some(TokenTree::Ident(name))) = (semicolon, tokens.first()) {
            if name == "u32" {
                scalar = Scalar::Token;
            } else {
                self.errors
                    .error(name.span(), format!("inputs are numbers or token ids (`u32`), found `{name}`"))
                    .help("leave it out: the network's type parameter says which numbers");
            }
            tokens.drain(..2);
        }
        let dims = split_at_commas(tokens.into_iter().collect(), self.errors);
        Some(InputShape { span: group.span_open(), scalar, dims })
    }
}

/// Labels and taps become fields and variables.
fn check_value_name(name: &Ident, what: &str, errors: &mut Diagnostics) {
    let written = name.to_string();
    if is_keyword(name) {
        errors.error(name.span(), format!("`{name}` is a keyword and cannot be a {what}"));
    } else if written.starts_with("r#") {
        errors.error(name.span(), format!("`{name}` cannot be a {what}"));
    } else if written.contains(char::is_uppercase) {
        errors
            .error(name.span(), format!("a {what} is snake_case, found `{name}`"))
            .help(format!("write `{}`", snake(&written)));
    }
}

pub(super) fn is_keyword(name: &Ident) -> bool {
    name == "_" || syn::parse2::<Ident>(name.to_token_stream()).is_err()
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = None;
    for c in name.chars() {
        if c.is_uppercase() && before.is_some_and(|b: char| b.is_lowercase() || b.is_numeric()) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
        before = Some(c);
    }
    out
}
