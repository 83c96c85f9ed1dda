//! Typed reading of argument lists: `784, 64, bias = false`. Every mistake in an argument is reported here.
//!
//! A constructor asks for its arguments in PyTorch's order, and with that has declared its signature:
//!
//! ```text
//! let in_features = args.size("in_features", errors);
//! let bias = args.flag("bias", true, errors);
//! args.finish(errors)?;
//! ```
//!
//! A reader that finds a mistake reports it and returns some value; [`Args::finish`] then returns `None`.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::tokens::{Cursor, extent, text};
use crate::diagnostics::{Diagnostics, did_you_mean, nearest};
use crate::ir::Dim;

/// One argument as the user wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// `bias` of `bias = false`.
    pub(crate) name: Option<Ident>,
    pub(crate) value: TokenStream,
    /// The value's first and last token.
    pub(crate) extent: (Span, Span),
}

/// Cuts an argument list at its commas. Reports empty arguments and positional ones after keywords.
pub(crate) fn split(list: TokenStream, errors: &mut Diagnostics) -> Vec<Argument> {
    let mut arguments: Vec<Argument> = Vec::new();
    for piece in split_at_commas(list, errors) {
        let argument = argument(piece, errors);
        if argument.name.is_none() && arguments.last().is_some_and(|a| a.name.is_some()) {
            errors
                .error_at(argument.extent, "a positional argument after a keyword argument")
                .help(format!("name it too: `name = {}`", text(argument.value.clone())));
        }
        arguments.push(argument);
    }
    arguments
}

/// The pieces between commas; a comma at the end is allowed.
pub(crate) fn split_at_commas(list: TokenStream, errors: &mut Diagnostics) -> Vec<TokenStream> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    for token in list {
        match &token {
            TokenTree::Punct(p) if p.as_char() == ',' => {
                if piece.is_empty() {
                    errors.error(token.span(), "a value is missing before `,`");
                } else {
                    pieces.push(std::mem::take(&mut piece).into_iter().collect());
                }
            }
            _ => piece.push(token),
        }
    }
    if !piece.is_empty() {
        pieces.push(piece.into_iter().collect());
    }
    pieces
}

/// `name = value`, or a value.
fn argument(piece: TokenStream, errors: &mut Diagnostics) -> Argument {
    let tokens: Vec<TokenTree> = piece.into_iter().collect();
    let named = match tokens.as_slice() {
        [TokenTree::Ident(name), TokenTree::Punct(equals), rest @ ..] if equals.as_char() == '=' => {
            // `a == b` and `a => b` are something else.
            let joint = equals.spacing() == Spacing::Joint;
            let longer = matches!(rest.first(), Some(TokenTree::Punct(p)) if joint && matches!(p.as_char(), '=' | '>'));
            (!longer).then(|| (name.clone(), equals.span(), rest))
        }
        _ => None,
    };
    let (name, value) = match named {
        Some((name, equals, rest)) => {
            if rest.is_empty() {
                errors.error(equals, format!("a value is missing after `{name} =`"));
            }
            (Some(name), rest)
        }
        None => (None, tokens.as_slice()),
    };
    let value: TokenStream = value.iter().cloned().collect();
    let whole = name.as_ref().map_or(Span::call_site(), Ident::span);
    let extent = extent(&value).unwrap_or((whole, whole));
    Argument { name, value, extent }
}

/// The values of a block's parameters, by name, where its body is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env(BTreeMap<String, TokenStream>);

impl Env {
    pub(crate) fn insert(&mut self, name: &Ident, value: TokenStream) {
        self.0.insert(name.to_string(), value);
    }

    /// The names that have values.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Puts values in the place of names. A number stands at the name's span, so that errors point at it.
    pub(crate) fn substitute(&self, stream: TokenStream) -> TokenStream {
        if self.0.is_empty() {
            return stream;
        }
        let mut out = TokenStream::new();
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for (i, token) in tokens.iter().enumerate() {
            let after_colon_or_dot =
                i > 0 && matches!(&tokens[i - 1], TokenTree::Punct(p) if matches!(p.as_char(), ':' | '.'));
            let keyword = matches!(tokens.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == '=');
            match token {
                TokenTree::Ident(name) if !after_colon_or_dot && !keyword => match self.0.get(&name.to_string()) {
                    Some(value) => out.extend(at_span(value.clone(), name.span())),
                    None => name.to_tokens(&mut out),
                },
                TokenTree::Group(group) => {
                    let mut copy = Group::new(group.delimiter(), self.substitute(group.stream()));
                    copy.set_span(group.span());
                    copy.to_tokens(&mut out);
                }
                token => token.to_tokens(&mut out),
            }
        }
        out
    }
}

/// A literal moves to `span`; an expression keeps its own spans, in an invisible group or parentheses.
fn at_span(value: TokenStream, span: Span) -> TokenStream {
    let mut tokens = value.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Literal(mut literal)), None) => {
            literal.set_span(span);
            TokenTree::Literal(literal).into()
        }
        (Some(TokenTree::Ident(name)), None) => TokenTree::Ident(name).into(),
        _ => {
            let mut group = Group::new(Delimiter::Parenthesis, value);
            group.set_span(span);
            TokenTree::Group(group).into()
        }
    }
}

/// A dimension that may be left to the compiler.
#[derive(Clone, Debug)]
pub(crate) struct Size {
    /// `None` for `_`.
    pub(crate) dim: Option<Dim>,
    pub(crate) span: Span,
}

/// A number, where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    /// `None` for a constant that only rustc knows.
    pub(crate) value: Option<f64>,
    /// An expression of type `f64`.
    pub(crate) tokens: TokenStream,
    pub(crate) span: Span,
}

impl Number {
    pub(crate) fn new(value: f64, span: Span) -> Self {
        let mut literal = Literal::f64_unsuffixed(value.abs());
        literal.set_span(span);
        let tokens = if value.is_sign_negative() { quote!(-#literal) } else { quote!(#literal) };
        Number { value: Some(value), tokens, span }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value}"),
            None => f.write_str(&text(self.tokens.clone())),
        }
    }
}

/// An integer, where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integer {
    pub(crate) value: i64,
    pub(crate) span: Span,
}

/// Which numbers an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Any,
    /// 0 ≤ p ≤ 1.
    Probability,
    /// > 0.
    Positive,
    /// ≥ 0.
    NotNegative,
    /// ≠ 0.
    NotZero,
}

impl Range {
    fn holds(self, value: f64) -> bool {
        match self {
            Range::Any => true,
            Range::Probability => (0.0..=1.0).contains(&value),
            Range::Positive => value > 0.0,
            Range::NotNegative => value >= 0.0,
            Range::NotZero => value != 0.0,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Range::Any => "any number",
            Range::Probability => "between 0 and 1",
            Range::Positive => "positive",
            Range::NotNegative => "0 or more",
            Range::NotZero => "other than 0",
        }
    }

    fn condition(self, number: &TokenStream) -> Option<TokenStream> {
        match self {
            Range::Any => None,
            Range::Probability => Some(quote!((#number) >= 0.0 && (#number) <= 1.0)),
            Range::Positive => Some(quote!((#number) > 0.0)),
            Range::NotNegative => Some(quote!((#number) >= 0.0)),
            Range::NotZero => Some(quote!((#number) != 0.0)),
        }
    }
}

/// The argument list of one layer (or of one `init`), read name by name.
#[derive(Debug)]
pub(crate) struct Args<'a> {
    layer: String,
    span: Span,
    env: &'a Env,
    /// Taken ones become `None`.
    arguments: Vec<Option<Argument>>,
    /// How many of the positional ones have been asked for.
    asked: usize,
    keyword_only: bool,
    names: Vec<String>,
    signature: Vec<String>,
    missing: Vec<String>,
    failed: bool,
}

impl<'a> Args<'a> {
    /// The arguments in `group` of the layer `name`.
    pub(crate) fn new(name: &Ident, group: Option<&Group>, env: &'a Env, errors: &mut Diagnostics) -> Self {
        let before = errors.count();
        let arguments = match group {
            Some(group) => split(env.substitute(group.stream()), errors),
            None => Vec::new(),
        };
        Args {
            layer: name.to_string(),
            span: name.span(),
            env,
            arguments: arguments.into_iter().map(Some).collect(),
            asked: 0,
            keyword_only: false,
            names: Vec::new(),
            signature: Vec::new(),
            missing: Vec::new(),
            failed: errors.count() > before,
        }
    }

    /// The layer's name, as written.
    pub(crate) fn layer(&self) -> &str {
        &self.layer
    }

    /// Where the layer's name stands.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// What follows is given by name alone (what PyTorch writes after `*`).
    pub(crate) fn keyword_only(&mut self) {
        self.keyword_only = true;
    }

    /// Whether a mistake has been found.
    pub(crate) fn failed(&self) -> bool {
        self.failed || !self.missing.is_empty()
    }

    /// A dimension, or `_` where what comes before tells it.
    pub(crate) fn size(&mut self, name: &str, errors: &mut Diagnostics) -> Size {
        match self.required(name) {
            Some(argument) => self.read_size(name, &argument, errors),
            None => Size { dim: None, span: self.span },
        }
    }

    /// A dimension: an integer of at least 1, or a named constant.
    pub(crate) fn dim(&mut self, name: &str, errors: &mut Diagnostics) -> (Dim, Span) {
        let Some(argument) = self.required(name) else { return (Dim::Known(1), self.span) };
        (self.read_dim(name, &argument, errors), argument.extent.0)
    }

    /// The same, with a default.
    pub(crate) fn dim_or(&mut self, name: &str, default: usize, errors: &mut Diagnostics) -> (Dim, Span) {
        match self.optional(name, default.to_string()) {
            Some(argument) => (self.read_dim(name, &argument, errors), argument.extent.0),
            None => (Dim::Known(default), self.span),
        }
    }

    /// One dimension or several: `10`, `[3, 32]`, `(3, 32)`. `_` may stand for each.
    pub(crate) fn sizes(&mut self, name: &str, errors: &mut Diagnostics) -> (Vec<Size>, Span) {
        let Some(argument) = self.required(name) else { return (Vec::new(), self.span) };
        let mut cursor = Cursor::new(argument.value.clone(), argument.extent.0);
        let list = cursor.eat_group(Delimiter::Bracket).or_else(|| cursor.eat_group(Delimiter::Parenthesis));
        let sizes = match list {
            Some(list) if cursor.is_empty() => split_at_commas(list.stream(), errors)
                .into_iter()
                .map(|piece| {
                    let extent = extent(&piece).unwrap_or(argument.extent);
                    self.read_size(name, &Argument { name: None, value: piece, extent }, errors)
                })
                .collect(),
            _ => vec![self.read_size(name, &argument, errors)],
        };
        if sizes.is_empty() && !self.failed {
            self.failed = true;
            errors.error_at(argument.extent, format!("`{name}` of `{}` lists no dimension", self.layer));
        }
        (sizes, argument.extent.0)
    }

    /// An integer that has to be known here, since it decides which code is generated.
    pub(crate) fn int_or(&mut self, name: &str, default: i64, errors: &mut Diagnostics) -> Integer {
        match self.optional(name, default.to_string()) {
            Some(argument) => self.read_int(name, &argument, errors),
            None => Integer { value: default, span: self.span },
        }
    }

    /// The same without a default.
    pub(crate) fn int(&mut self, name: &str, errors: &mut Diagnostics) -> Integer {
        match self.required(name) {
            Some(argument) => self.read_int(name, &argument, errors),
            None => Integer { value: 0, span: self.span },
        }
    }

    /// The same, absent or PyTorch's `None` by default.
    pub(crate) fn optional_int(&mut self, name: &str, errors: &mut Diagnostics) -> Option<Integer> {
        let argument = self.optional(name, "None".into())?;
        (!is_none(&argument)).then(|| self.read_int(name, &argument, errors))
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &str, range: Range, errors: &mut Diagnostics) -> Number {
        match self.required(name) {
            Some(argument) => self.read_number(name, &argument, range, errors),
            None => Number::new(0.0, self.span),
        }
    }

    /// A number with a default.
    pub(crate) fn number_or(&mut self, name: &str, default: f64, range: Range, errors: &mut Diagnostics) -> Number {
        match self.optional(name, default.to_string()) {
            Some(argument) => self.read_number(name, &argument, range, errors),
            None => Number::new(default, self.span),
        }
    }

    /// A number or `None`; `default` if it is absent.
    pub(crate) fn optional_number(
        &mut self,
        name: &str,
        default: Option<f64>,
        range: Range,
        errors: &mut Diagnostics,
    ) -> Option<Number> {
        match self.optional(name, default.map_or("None".into(), |d| d.to_string())) {
            Some(argument) if is_none(&argument) => None,
            Some(argument) => Some(self.read_number(name, &argument, range, errors)),
            None => default.map(|d| Number::new(d, self.span)),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str, default: bool, errors: &mut Diagnostics) -> bool {
        let Some(argument) = self.optional(name, default.to_string()) else { return default };
        match text(argument.value.clone()).as_str() {
            "true" => true,
            "false" => false,
            found => {
                self.failed = true;
                let help = match found {
                    "True" => Some("write `true`"),
                    "False" => Some("write `false`"),
                    _ => None,
                };
                errors
                    .error_at(
                        argument.extent,
                        format!("`{name}` of `{}` is `true` or `false`, found `{found}`", self.layer),
                    )
                    .help_if(help);
                default
            }
        }
    }

    /// One of some strings. The first is the default.
    pub(crate) fn choice(
        &mut self,
        name: &str,
        choices: &'static [&'static str],
        default: &'static str,
        errors: &mut Diagnostics,
    ) -> &'static str {
        let Some(argument) = self.optional(name, format!("{default:?}")) else { return default };
        let found = string(&argument.value);
        if let Some(choice) = choices.iter().find(|c| Some(**c) == found.as_deref()) {
            return choice;
        }
        self.failed = true;
        let written = text(argument.value.clone());
        let bare = found.unwrap_or_else(|| written.clone());
        let list: Vec<String> = choices.iter().map(|c| format!("`{c:?}`")).collect();
        errors
            .error_at(argument.extent, format!("`{name}` of `{}` is {}, found `{written}`", self.layer, one_of(&list)))
            .help_if(nearest(&bare, choices.iter().copied()).map(|c| format!("write `{c:?}`")));
        default
    }

    /// An initialisation, `kaiming_normal(nonlinearity = "relu")`: an `Init` without its path, and where it stands.
    pub(crate) fn init(&mut self, name: &str, errors: &mut Diagnostics) -> Option<(TokenStream, Span)> {
        let argument = self.optional(name, "…".into())?;
        let init = super::init::read(&argument, self.env, errors);
        self.failed |= init.is_none();
        init.map(|init| (init, argument.extent.0))
    }

    /// An argument that PyTorch has and this does not: refused with the reason.
    pub(crate) fn refuse(&mut self, name: &str, reason: &str, errors: &mut Diagnostics) {
        let place = self.arguments.iter().position(|a| a.as_ref().is_some_and(|a| is_named(a, name)));
        if let Some(argument) = place.and_then(|p| self.arguments[p].take()) {
            self.failed = true;
            let span = argument.name.as_ref().map_or(argument.extent.0, Ident::span);
            errors.error(span, format!("`{name}` of `{}` is not available: {reason}", self.layer));
        }
    }

    /// The value of a block's parameter: an integer, or an expression that only rustc can evaluate.
    pub(crate) fn parameter(
        &mut self,
        name: &str,
        default: Option<&TokenStream>,
        errors: &mut Diagnostics,
    ) -> TokenStream {
        let argument = match default {
            None => self.required(name),
            Some(default) => Some(self.optional(name, text(default.clone())).unwrap_or_else(|| {
                let extent = extent(default).unwrap_or((self.span, self.span));
                Argument { name: None, value: default.clone(), extent }
            })),
        };
        let Some(argument) = argument else { return quote!(1) };
        let (start, _) = argument.extent;
        match integer(&argument.value) {
            Int::Known(value) => {
                let mut literal = Literal::i128_unsuffixed(value.abs());
                literal.set_span(start);
                if value < 0 { quote!(-#literal) } else { quote!(#literal) }
            }
            Int::Named => argument.value,
            Int::Wrong => {
                self.failed = true;
                let written = text(argument.value.clone());
                errors.error_at(
                    argument.extent,
                    format!("`{name}` of `{}` is an integer, found `{written}`", self.layer),
                );
                quote!(1)
            }
        }
    }

    /// All that has not been asked for, for layers that take anything.
    pub(crate) fn rest(&mut self) -> Vec<Argument> {
        self.arguments.iter_mut().filter_map(Option::take).collect()
    }

    /// Reports missing and superfluous arguments. `None` if anything was wrong.
    pub(crate) fn finish(&mut self, errors: &mut Diagnostics) -> Option<()> {
        let layer = &self.layer;
        let signature = if self.signature.is_empty() {
            format!("`{layer}` takes no arguments")
        } else {
            format!("its arguments are `{layer}({})`", self.signature.join(", "))
        };
        if let [first, rest @ ..] = self.missing.as_slice() {
            let names = rest.iter().fold(format!("`{first}`"), |all, name| format!("{all} and `{name}`"));
            errors.error(self.span, format!("`{layer}` lacks {names}")).help(&signature);
        }
        let given = self.arguments.len();
        let mut surplus = false;
        for argument in self.arguments.iter().flatten() {
            self.failed = true;
            match &argument.name {
                Some(name) if self.names.iter().any(|n| name == n) => {
                    errors.error(name.span(), format!("`{name}` of `{layer}` is given twice"));
                }
                Some(name) => {
                    let known = self.names.iter().map(String::as_str);
                    let help = match name.to_string().as_str() {
                        "device" => "a network runs on the CPU: leave it out".to_owned(),
                        "dtype" => "the network's type parameter says it: leave it out".to_owned(),
                        found => did_you_mean(found, known).unwrap_or_else(|| signature.clone()),
                    };
                    errors.error(name.span(), format!("`{layer}` has no argument `{name}`")).help(help);
                }
                None if surplus => {}
                None => {
                    surplus = true;
                    let most = self.asked;
                    let message = match most {
                        0 => format!("`{layer}` takes no positional arguments, found {given}"),
                        1 => format!("`{layer}` takes at most 1 positional argument, found {given}"),
                        _ => format!("`{layer}` takes at most {most} positional arguments, found {given}"),
                    };
                    errors.error_at(argument.extent, message).help(&signature);
                }
            }
        }
        (!self.failed()).then_some(())
    }

    fn required(&mut self, name: &str) -> Option<Argument> {
        let found = self.take(name, name.to_owned());
        if found.is_none() {
            self.missing.push(name.to_owned());
        }
        found
    }

    fn optional(&mut self, name: &str, default: String) -> Option<Argument> {
        self.take(name, format!("{name} = {default}"))
    }

    /// The argument `name`, by keyword or by its place.
    fn take(&mut self, name: &str, signature: String) -> Option<Argument> {
        self.names.push(name.to_owned());
        self.signature.push(signature);
        let mut place = None;
        if !self.keyword_only {
            let positional =
                self.arguments.get(self.asked).is_some_and(|a| a.as_ref().is_some_and(|a| a.name.is_none()));
            place = positional.then_some(self.asked);
            self.asked += 1;
        }
        let place =
            place.or_else(|| self.arguments.iter().position(|a| a.as_ref().is_some_and(|a| is_named(a, name))))?;
        self.arguments[place].take().filter(|a| !a.value.is_empty())
    }

    fn read_size(&mut self, name: &str, argument: &Argument, errors: &mut Diagnostics) -> Size {
        let infer = text(argument.value.clone()) == "_";
        let dim = if infer { None } else { Some(self.read_dim(name, argument, errors)) };
        Size { dim, span: argument.extent.0 }
    }

    fn read_dim(&mut self, name: &str, argument: &Argument, errors: &mut Diagnostics) -> Dim {
        match dim(&argument.value) {
            Ok(dim) => dim,
            Err(wrong) => {
                self.failed = true;
                wrong.report(&format!("`{name}` of `{}`", self.layer), argument, errors);
                Dim::Known(1)
            }
        }
    }

    fn read_int(&mut self, name: &str, argument: &Argument, errors: &mut Diagnostics) -> Integer {
        let value = match integer(&argument.value) {
            Int::Known(value) if i64::try_from(value).is_ok() => value as i64,
            found => {
                self.failed = true;
                let written = text(argument.value.clone());
                let message = match found {
                    Int::Named => format!(
                        "`{name}` of `{}` must be known when the macro is expanded, but only rustc knows `{written}`",
                        self.layer
                    ),
                    _ => format!("`{name}` of `{}` is an integer, found `{written}`", self.layer),
                };
                errors.error_at(argument.extent, message);
                0
            }
        };
        Integer { value, span: argument.extent.0 }
    }

    fn read_number(&mut self, name: &str, argument: &Argument, range: Range, errors: &mut Diagnostics) -> Number {
        let (start, _) = argument.extent;
        let subject = format!("`{name}` of `{}`", self.layer);
        let written = text(argument.value.clone());
        let known = syn::parse2::<syn::Expr>(argument.value.clone()).ok().map(|e| float(&e));
        match known {
            Some(Float::Known(value)) if range.holds(value) && value.is_finite() => Number::new(value, start),
            Some(Float::Known(_)) => {
                self.failed = true;
                let text = if range == Range::Any { "finite" } else { range.text() };
                errors.error_at(argument.extent, format!("{subject} must be {text}, found {written}"));
                Number::new(1.0, start)
            }
            Some(Float::Named) => {
                let tokens = argument.value.clone();
                if let Some(condition) = range.condition(&tokens) {
                    errors.assert(start, condition, format!("{subject} must be {}", range.text()));
                }
                Number { value: None, tokens, span: start }
            }
            Some(Float::Wrong) | None => {
                self.failed = true;
                errors.error_at(argument.extent, format!("{subject} is a number, found `{written}`"));
                Number::new(1.0, start)
            }
        }
    }
}

fn is_named(argument: &Argument, name: &str) -> bool {
    argument.name.as_ref().is_some_and(|n| n == name)
}

fn is_none(argument: &Argument) -> bool {
    text(argument.value.clone()) == "None"
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn one_of(list: &[String]) -> String {
    match list {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// The contents of a string literal.
pub(crate) fn string(value: &TokenStream) -> Option<String> {
    syn::parse2::<syn::LitStr>(value.clone()).ok().map(|s| s.value())
}

/// Why something is not a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotADim {
    NotAnInteger,
    TooSmall,
    TooLarge,
}

impl NotADim {
    /// Reports it; `subject` is what should have been a dimension.
    pub(crate) fn report(self, subject: &str, argument: &Argument, errors: &mut Diagnostics) {
        let written = text(argument.value.clone());
        let message = match self {
            NotADim::NotAnInteger => format!("{subject} is an integer, found `{written}`"),
            NotADim::TooSmall => format!("{subject} must be at least 1, found {written}"),
            NotADim::TooLarge => format!("{subject} is too large: {written}"),
        };
        errors.error_at(argument.extent, message);
    }
}

/// A dimension: an integer of at least 1, or an expression that only rustc can evaluate.
pub(crate) fn dim(value: &TokenStream) -> Result<Dim, NotADim> {
    match integer(value) {
        Int::Known(value) if value < 1 => Err(NotADim::TooSmall),
        Int::Known(value) => u32::try_from(value).map(|n| Dim::Known(n as usize)).map_err(|_| NotADim::TooLarge),
        Int::Named => Ok(Dim::named(value.clone())),
        Int::Wrong => Err(NotADim::NotAnInteger),
    }
}

/// What an integer expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Int {
    Known(i128),
    /// Only rustc can evaluate it.
    Named,
    /// No integer.
    Wrong,
}

/// Evaluates an integer expression, as far as that can be done here.
pub(crate) fn integer(value: &TokenStream) -> Int {
    syn::parse2::<syn::Expr>(value.clone()).map_or(Int::Wrong, |expr| int(&expr))
}

fn int(expr: &syn::Expr) -> Int {
    use syn::{BinOp, Expr, Lit, UnOp};
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(n) => n.base10_parse().map_or(Int::Wrong, Int::Known),
            _ => Int::Wrong,
        },
        Expr::Paren(inner) => int(&inner.expr),
        Expr::Group(inner) => int(&inner.expr),
        Expr::Unary(unary) => match (&unary.op, int(&unary.expr)) {
            (UnOp::Neg(_), Int::Known(n)) => n.checked_neg().map_or(Int::Wrong, Int::Known),
            (UnOp::Neg(_), other) => other,
            _ => Int::Wrong,
        },
        Expr::Binary(binary) => match (int(&binary.left), int(&binary.right)) {
            (Int::Wrong, _) | (_, Int::Wrong) => Int::Wrong,
            (Int::Known(a), Int::Known(b)) => {
                let result = match &binary.op {
                    BinOp::Add(_) => a.checked_add(b),
                    BinOp::Sub(_) => a.checked_sub(b),
                    BinOp::Mul(_) => a.checked_mul(b),
                    BinOp::Div(_) => a.checked_div(b),
                    BinOp::Rem(_) => a.checked_rem(b),
                    _ => None,
                };
                result.map_or(Int::Wrong, Int::Known)
            }
            _ => match &binary.op {
                BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_) => Int::Named,
                _ => Int::Wrong,
            },
        },
        _ if is_opaque(expr) => Int::Named,
        _ => Int::Wrong,
    }
}

/// What a number is.
enum Float {
    Known(f64),
    Named,
    Wrong,
}

fn float(expr: &syn::Expr) -> Float {
    use syn::{BinOp, Expr, Lit, UnOp};
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(n) => n.base10_parse().map_or(Float::Wrong, Float::Known),
            Lit::Float(n) => n.base10_parse().map_or(Float::Wrong, Float::Known),
            _ => Float::Wrong,
        },
        Expr::Paren(inner) => float(&inner.expr),
        Expr::Group(inner) => float(&inner.expr),
        Expr::Unary(unary) => match (&unary.op, float(&unary.expr)) {
            (UnOp::Neg(_), Float::Known(n)) => Float::Known(-n),
            (UnOp::Neg(_), other) => other,
            _ => Float::Wrong,
        },
        Expr::Binary(binary) => match (float(&binary.left), float(&binary.right)) {
            (Float::Wrong, _) | (_, Float::Wrong) => Float::Wrong,
            (Float::Known(a), Float::Known(b)) => match &binary.op {
                BinOp::Add(_) => Float::Known(a + b),
                BinOp::Sub(_) => Float::Known(a - b),
                BinOp::Mul(_) => Float::Known(a * b),
                BinOp::Div(_) => Float::Known(a / b),
                _ => Float::Wrong,
            },
            _ => Float::Named,
        },
        _ if is_opaque(expr) => Float::Named,
        _ => Float::Wrong,
    }
}

/// An expression that may well be a number, which only rustc can tell. Python's constants cannot.
fn is_opaque(expr: &syn::Expr) -> bool {
    use syn::Expr;
    match expr {
        Expr::Path(path) => !["True", "False", "None"].iter().any(|word| path.path.is_ident(word)),
        Expr::Call(_) | Expr::Cast(_) | Expr::Const(_) | Expr::Block(_) | Expr::Field(_) | Expr::If(_) => true,
        Expr::Index(_) | Expr::Macro(_) | Expr::Match(_) | Expr::MethodCall(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, read: impl Fn(&mut Args<'_>, &mut Diagnostics), expected: &[&str]) {
        let mut errors = Diagnostics::new();
        let env = Env::default();
        let group = Group::new(Delimiter::Parenthesis, list.parse().unwrap());
        let name = Ident::new("Linear", Span::call_site());
        let mut args = Args::new(&name, Some(&group), &env, &mut errors);
        read(&mut args, &mut errors);
        let complete = args.finish(&mut errors).is_some();
        assert_eq!(complete, expected.is_empty());
        assert_eq!(errors.into_messages(), expected);
    }

    fn linear(args: &mut Args<'_>, errors: &mut Diagnostics) {
        args.size("in_features", errors);
        args.dim("out_features", errors);
        args.flag("bias", true, errors);
    }

    #[test]
    fn positional_then_keyword_arguments_are_read() {
        check("784, 64", linear, &[]);
        check("_, 2 * 32, false", linear, &[]);
        check("out_features = 4, in_features = H, bias = false,", linear, &[]);
    }

    #[test]
    fn every_wrong_argument_is_reported() {
        let signature = "its arguments are `Linear(in_features, out_features, bias = true)`";
        check("", linear, &[&format!("`Linear` lacks `in_features` and `out_features`\nhelp: {signature} @ ``")]);
        check(
            "784, 0, biass = false, bias = True",
            linear,
            &[
                "`out_features` of `Linear` must be at least 1, found 0 @ `0`",
                "`bias` of `Linear` is `true` or `false`, found `True`\nhelp: write `true` @ `True`",
                "`Linear` has no argument `biass`\nhelp: did you mean `bias`? @ `biass`",
            ],
        );
        check(
            "784, 64, true, 5, 6",
            linear,
            &[&format!("`Linear` takes at most 3 positional arguments, found 5\nhelp: {signature} @ `5`")],
        );
        check("784, 64, in_features = 3", linear, &["`in_features` of `Linear` is given twice @ `in_features`"]);
        check(
            "1.5, a -> b",
            linear,
            &[
                "`in_features` of `Linear` is an integer, found `1.5` @ `1.5`",
                "`out_features` of `Linear` is an integer, found `a -> b` @ `a`",
            ],
        );
    }

    #[test]
    fn a_block_parameter_is_replaced_at_its_place() {
        let mut env = Env::default();
        env.insert(&Ident::new("D", Span::call_site()), quote!(32));
        env.insert(&Ident::new("H", Span::call_site()), quote!(A + B));
        let replaced = env.substitute("4 * D, f(H), x::D, D = D".parse().unwrap());
        assert_eq!(text(replaced), "4 * 32, f((A + B)), x::D, D = 32");
    }
}
