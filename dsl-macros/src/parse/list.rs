//! Argument lists before anyone knows what they mean: cut at their commas, the parameters of a block replaced.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;

use super::fragments::expression;
use super::header::refuse_attributes;
use super::pieces::{chain_len, expression_len};
use super::tokens::{Cursor, extent, text};
use crate::diagnostics::Diagnostics;

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
    let mut arguments = Vec::new();
    for piece in pieces(list, expression_len, errors) {
        let Argument { name, value, extent } = argument(piece, errors);
        if name.is_none() && value.is_empty() {
            // Attributes alone, which have been reported.
            continue;
        }
        arguments.push(Argument { name, value: expression(value), extent });
    }
    for pair in arguments.windows(2) {
        if let [Argument { name: Some(_), .. }, positional @ Argument { name: None, .. }] = pair {
            errors
                .error_at(positional.extent, "a positional argument after a keyword argument")
                .help(format!("name it too: `name = {}`", text(positional.value.clone())));
        }
    }
    arguments
}

/// The expressions between commas; a comma at the end is allowed.
pub(crate) fn split_at_commas(list: TokenStream, errors: &mut Diagnostics) -> Vec<TokenStream> {
    pieces(list, expression_len, errors).into_iter().map(expression).collect()
}

/// The lists of layers between commas, as they are.
pub(crate) fn split_chains(list: TokenStream, errors: &mut Diagnostics) -> Vec<TokenStream> {
    pieces(list, chain_len, errors)
}

fn pieces(list: TokenStream, len: fn(&[TokenTree]) -> usize, errors: &mut Diagnostics) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = list.into_iter().collect();
    let mut left = tokens.as_slice();
    let mut pieces = Vec::new();
    while let Some(first) = left.first() {
        let (piece, rest) = left.split_at(len(left));
        match piece {
            [] => {
                errors.error(first.span(), "a value is missing before `,`");
            }
            piece => pieces.push(piece.iter().cloned().collect()),
        }
        left = rest.get(1..).unwrap_or_default();
    }
    pieces
}

/// `name = value`, or a value.
pub(crate) fn argument(piece: TokenStream, errors: &mut Diagnostics) -> Argument {
    let mut cursor = Cursor::new(piece, Span::call_site());
    refuse_attributes(&mut cursor, "an argument", errors);
    let place = cursor.span();
    let tokens = cursor.rest();
    let named = match tokens {
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
        None => (None, tokens),
    };
    let value: TokenStream = value.iter().cloned().collect();
    let whole = name.as_ref().map_or(place, Ident::span);
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

    /// An expression with values in the place of names.
    pub(crate) fn expression(&self, stream: TokenStream) -> TokenStream {
        expression(self.substitute(stream))
    }

    /// Puts values in the place of names. A number stands at the name's span, so that errors point at it.
    pub(crate) fn substitute(&self, stream: TokenStream) -> TokenStream {
        if self.0.is_empty() {
            return stream;
        }
        let mut out = TokenStream::new();
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for (i, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(name) if !is_part(&tokens, i) => match self.0.get(&name.to_string()) {
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

/// Whether the name at `i` is part of a path or a field (`a::D`, `a.D`), or the name of an argument (`D = 3`), and so no
/// value: unlike `width: D`, `0..D` and `D == 3`.
fn is_part(tokens: &[TokenTree], i: usize) -> bool {
    let sign = |place: Option<usize>| match place.and_then(|place| tokens.get(place)) {
        Some(TokenTree::Punct(p)) => Some((p.as_char(), p.spacing() == Spacing::Joint)),
        _ => None,
    };
    let (before, before_that) = (sign(i.checked_sub(1)), sign(i.checked_sub(2)));
    match (before_that, before) {
        (Some((':', true)), Some((':', _))) => return true,
        (Some(('.', true)), Some(('.', _))) => (),
        (_, Some(('.', _))) => return true,
        _ => (),
    }
    match (sign(Some(i + 1)), sign(Some(i + 2))) {
        (Some(('=', true)), Some(('=' | '>', _))) => false,
        (next, _) => matches!(next, Some(('=', _))),
    }
}

/// A literal moves to `span`; an expression keeps its own spans, in an invisible group, as one of another macro comes.
fn at_span(value: TokenStream, span: Span) -> TokenStream {
    let mut tokens = value.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Literal(mut literal)), None) => {
            literal.set_span(span);
            TokenTree::Literal(literal).into()
        }
        (Some(TokenTree::Ident(name)), None) => TokenTree::Ident(name).into(),
        _ => {
            let mut group = Group::new(Delimiter::None, value);
            group.set_span(span);
            TokenTree::Group(group).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn a_block_parameter_is_replaced_at_its_place() {
        let mut env = Env::default();
        env.insert(&Ident::new("D", Span::call_site()), quote!(32));
        env.insert(&Ident::new("H", Span::call_site()), quote!(A + B));
        let replaced = env.expression("4 * D, f(H), x::D, 2 * H, D = D".parse().unwrap());
        assert_eq!(text(replaced), "4 * 32, f(A + B), x::D, 2 * (A + B), D = 32");
        let replaced = env.substitute("D == 3, C { w: D }, 0..D, 0..=D, x.D, D => D, D <= D".parse().unwrap());
        assert_eq!(text(replaced), "32 == 3, C { w: 32 }, 0..32, 0..= 32, x.D, 32 => 32, 32 <= 32");
    }
}
