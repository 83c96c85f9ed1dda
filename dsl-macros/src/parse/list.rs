//! Argument lists before anyone knows what they mean: cut at their commas, the parameters of a block replaced.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;

use super::tokens::{extent, text};
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

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn a_block_parameter_is_replaced_at_its_place() {
        let mut env = Env::default();
        env.insert(&Ident::new("D", Span::call_site()), quote!(32));
        env.insert(&Ident::new("H", Span::call_site()), quote!(A + B));
        let replaced = env.substitute("4 * D, f(H), x::D, D = D".parse().unwrap());
        assert_eq!(text(replaced), "4 * 32, f((A + B)), x::D, D = 32");
    }
}
