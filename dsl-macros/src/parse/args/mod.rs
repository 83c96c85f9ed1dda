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

mod dims;
mod read;

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream};
use quote::quote;

use super::expr::{Float, float};
pub(crate) use super::expr::{Int, Width, dim, integer};
pub(crate) use super::list::{Argument, Env, split, split_at_commas};
use super::tokens::{Cursor, extent, text};
pub(crate) use super::values::{Integer, Number, PerAxis, PerSide, Range, Several, Side, Size};
use crate::diagnostics::{Diagnostics, did_you_mean, nearest};
use crate::ir::Dim;

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

    /// What has been asked for so far, in the words of a signature: `in_features`, `bias = true`.
    #[cfg(test)]
    pub(crate) fn signature(&self) -> &[String] {
        &self.signature
    }

    /// What follows is given by name alone (what PyTorch writes after `*`).
    pub(crate) fn keyword_only(&mut self) {
        self.keyword_only = true;
    }

    /// Whether a mistake has been found.
    pub(crate) fn failed(&self) -> bool {
        self.failed || !self.missing.is_empty()
    }

    /// Numbers for as many axes as are written, or one for all; `None` if it is absent.
    pub(crate) fn optional_numbers(
        &mut self,
        name: &str,
        range: Range,
        errors: &mut Diagnostics,
    ) -> Option<Several<Number>> {
        let argument = self.optional(name, "None".into()).filter(|argument| !is_none(argument))?;
        Some(self.read_several(&argument, errors, |args, piece, errors| args.read_number(name, piece, range, errors)))
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
        self.read_flag(name, &argument, default, errors)
    }

    /// The same, absent or PyTorch's `None` by default; with its place.
    pub(crate) fn optional_flag(&mut self, name: &str, errors: &mut Diagnostics) -> Option<(bool, Span)> {
        let argument = self.optional(name, "None".into()).filter(|argument| !is_none(argument))?;
        Some((self.read_flag(name, &argument, false, errors), argument.extent.0))
    }

    /// A flag that cannot be set, for the reason given.
    pub(crate) fn off(&mut self, name: &str, reason: &str, errors: &mut Diagnostics) {
        let extent = self.peek(name).map(|argument| argument.extent);
        if let (true, Some(extent)) = (self.flag(name, false, errors), extent) {
            self.failed = true;
            errors.error_at(extent, format!("`{name}` of `{}` is not available: {reason}", self.layer));
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

    /// An initialisation, `kaiming_normal(nonlinearity = "relu")`: a value of `Init`, and where it stands.
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
        match integer(&argument.value, Width::Size) {
            Int::Known(value) => {
                let mut literal = Literal::u128_unsuffixed(value.unsigned_abs());
                literal.set_span(start);
                if value < 0 { quote!(-#literal) } else { quote!(#literal) }
            }
            Int::Named(value) => value,
            wrong => {
                self.failed = true;
                let (layer, written) = (&self.layer, text(argument.value.clone()));
                let message = match wrong {
                    Int::TooLarge => format!("`{name}` of `{layer}` is too large: {written}"),
                    _ => format!("`{name}` of `{layer}` is an integer, found `{written}`"),
                };
                errors.error_at(argument.extent, message);
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

#[cfg(test)]
mod tests;
