//! Where one piece of a list ends: at a comma that is no part of it. `f::<1, 2>()`, `|a, b| a + b` and `<T as Trait<1, 2>>::N`
//! are one piece each, and so is the layer `Take::<0, 64> => [64]`.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};

/// How many tokens stand before the next comma, where expressions are expected.
pub(crate) fn expression_len(tokens: &[TokenTree]) -> usize {
    let comma = tokens.iter().position(is_comma).unwrap_or(tokens.len());
    // Most pieces contain nothing that could hide a comma.
    let hides = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if matches!(p.as_char(), '<' | '|'));
    if comma == tokens.len() || !tokens[..comma].iter().any(hides) {
        return comma;
    }
    whole_expression_len(tokens).unwrap_or_else(|| plain_len(tokens))
}

/// The same where there is more than one expression: `A for f::<1, 2>() -> B`. Only `::<` surely opens generic arguments.
fn plain_len(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    while at < tokens.len() && !is_comma(&tokens[at]) {
        let path = at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(p) if p.as_char() == ':');
        at += generics_len(&tokens[at..]).filter(|_| path).unwrap_or(1);
    }
    at
}

/// How many tokens the expression at the beginning has, if a comma or the end follows it.
fn whole_expression_len(tokens: &[TokenTree]) -> Option<usize> {
    prefix_len(tokens).filter(|len| tokens.get(*len).is_none_or(is_comma))
}

/// How many tokens the expression at the beginning has.
pub(crate) fn prefix_len(tokens: &[TokenTree]) -> Option<usize> {
    let all: TokenStream = tokens.iter().cloned().collect();
    let parse = |input: ParseStream<'_>| {
        input.parse::<syn::Expr>()?;
        let rest: TokenStream = input.parse()?;
        Ok(rest.into_iter().count())
    };
    parse.parse2(all).ok().map(|rest| tokens.len() - rest)
}

/// How many tokens stand before the next comma, where layers are expected: `<` opens generic arguments.
pub(crate) fn chain_len(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    while at < tokens.len() && !is_comma(&tokens[at]) {
        at += generics_len(&tokens[at..]).unwrap_or(1);
    }
    at
}

/// How many tokens the `<…>` at the beginning has; `None` if there is none, or if nothing closes it.
pub(crate) fn generics_len(tokens: &[TokenTree]) -> Option<usize> {
    let punct = |n: usize, c: char| matches!(tokens.get(n), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let joint = |n: usize| matches!(tokens.get(n), Some(TokenTree::Punct(p)) if p.spacing() == Spacing::Joint);
    // `<-` is an arrow the wrong way round.
    if !punct(0, '<') || (joint(0) && punct(1, '-')) {
        return None;
    }
    let mut depth = 0;
    for n in 0..tokens.len() {
        // The `>` of `->` and `=>` closes nothing.
        let arrow = n > 0 && joint(n - 1) && (punct(n - 1, '-') || punct(n - 1, '='));
        depth += i32::from(punct(n, '<')) - i32::from(punct(n, '>') && !arrow);
        if depth == 0 {
            return Some(n + 1);
        }
    }
    None
}

pub(crate) fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(len: fn(&[TokenTree]) -> usize, source: &str, expected: &[&str]) {
        let tokens: Vec<TokenTree> = source.parse::<TokenStream>().expect("tokens").into_iter().collect();
        let (mut left, mut pieces) = (tokens.as_slice(), Vec::new());
        while !left.is_empty() {
            let end = len(left);
            pieces.push(super::super::tokens::text(left[..end].iter().cloned().collect()));
            left = left.get(end + 1..).unwrap_or_default();
        }
        assert_eq!(pieces, expected, "{source}");
    }

    #[test]
    fn a_comma_within_an_expression_ends_nothing() {
        check(expression_len, "3, f::<1, 2>(), 4", &["3", "f::<1, 2>()", "4"]);
        check(expression_len, "lr = <X as Y<1, 2>>::N, k = 2", &["lr = < X as Y < 1, 2 >>::N", "k = 2"]);
        check(expression_len, "f = |a, b| a + b, 2", &["f = | a, b | a + b", "2"]);
        check(expression_len, "A for f::<1, 2>() -> B, 3", &["A for f::<1, 2>() -> B", "3"]);
        check(expression_len, "x as Pair<1, 2>, 3", &["x as Pair < 1, 2 >", "3"]);
    }

    #[test]
    fn a_sign_that_opens_nothing_hides_no_comma() {
        check(expression_len, "A < B, C", &["A < B", "C"]);
        check(expression_len, "A | B, C", &["A | B", "C"]);
        check(expression_len, "a -> b | c, D", &["a -> b | c", "D"]);
    }

    #[test]
    fn a_comma_between_generic_arguments_ends_no_layer() {
        check(chain_len, "Take::<0, 64> => [64], Linear(_, 64)", &["Take::<0, 64> => [64]", "Linear(_, 64)"]);
        check(chain_len, "my::Two<A<1, 2>, 3> => [3] -> ReLU, _", &["my::Two < A < 1, 2 >, 3 > => [3] -> ReLU", "_"]);
        check(chain_len, "ReLU <- Linear, _ -> A", &["ReLU <-Linear", "_ -> A"]);
    }
}
