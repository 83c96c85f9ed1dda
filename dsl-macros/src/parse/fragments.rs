//! The fragments of `macro_rules!`: `$w` of `$w:expr` arrives as one invisible group, whatever tokens are in it.
//!
//! Such a group is one expression: `$w * 2` of `A + B` is `(A + B) * 2`. But what is written into an expansion in an
//! invisible group is read by rustc as if the group were not there, so there it becomes parentheses. Where it stands for
//! something else (a layer, a path, a type) it is only in the way.
//!
//! ```text
//! open           at the entrance: what needs no group loses it
//! expression     where an expression has been read: the others become parentheses
//! generics       within the `<…>` of a path: the others become braces
//! ```

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::Expr;

/// Takes the invisible groups away from all that is no expression of several operands.
pub(crate) fn open(stream: TokenStream) -> TokenStream {
    stream.into_iter().flat_map(open_token).collect()
}

fn open_token(token: TokenTree) -> TokenStream {
    let TokenTree::Group(group) = token else { return token.into() };
    let inner = open(group.stream());
    match group.delimiter() {
        Delimiter::None if is_tight(&inner) => inner,
        delimiter => enclosed(delimiter, inner, group.span()),
    }
}

/// An expression for the expansion: one that comes from another macro, or from a block's parameter, stands in parentheses
/// unless it stands alone.
pub(crate) fn expression(stream: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let separates = |token: Option<&TokenTree>| match token {
        None => true,
        Some(TokenTree::Punct(p)) => matches!(p.as_char(), ',' | ';'),
        Some(_) => false,
    };
    let mut out = TokenStream::new();
    for (i, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            out.extend([token.clone()]);
            continue;
        };
        let inner = expression(group.stream());
        let alone = separates(i.checked_sub(1).map(|before| &tokens[before])) && separates(tokens.get(i + 1));
        out.extend(match group.delimiter() {
            Delimiter::None if alone || is_tight(&inner) => inner,
            Delimiter::None => parenthesised(inner, group.span()),
            delimiter => enclosed(delimiter, inner, group.span()),
        });
    }
    out
}

/// A path for the expansion: an expression among its generic arguments stands in braces.
pub(crate) fn generics(path: TokenStream) -> TokenStream {
    let each = path.into_iter().map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            enclosed(Delimiter::Brace, expression(group.stream()), group.span())
        }
        TokenTree::Group(group) => enclosed(group.delimiter(), expression(group.stream()), group.span()),
        token => token.into(),
    });
    each.collect()
}

/// An expression that may stand anywhere: one that begins like a statement, `{ 1 } * 2`, in parentheses.
pub(crate) fn standing(value: TokenStream, expr: &Expr) -> TokenStream {
    let statement = matches!(
        expr,
        Expr::Block(_)
            | Expr::Const(_)
            | Expr::ForLoop(_)
            | Expr::If(_)
            | Expr::Loop(_)
            | Expr::Match(_)
            | Expr::Unsafe(_)
            | Expr::While(_)
    );
    let words = ["const", "for", "if", "loop", "match", "unsafe", "while"];
    let begins = match value.clone().into_iter().next() {
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        Some(TokenTree::Ident(name)) => words.iter().any(|word| name == word),
        // A label.
        Some(TokenTree::Punct(p)) => p.as_char() == '\'',
        _ => false,
    };
    match value.clone().into_iter().next() {
        Some(first) if begins && !statement => parenthesised(value, first.span()),
        _ => value,
    }
}

/// Whether these tokens stay together beside any operator, or are no operand at all: a path, a type, `bias = false`.
fn is_tight(tokens: &TokenStream) -> bool {
    if tokens.clone().into_iter().nth(1).is_none() {
        return true;
    }
    !matches!(
        syn::parse2::<Expr>(tokens.clone()),
        Ok(Expr::Binary(_)
            | Expr::Break(_)
            | Expr::Cast(_)
            | Expr::Closure(_)
            | Expr::If(_)
            | Expr::Loop(_)
            | Expr::Match(_)
            | Expr::Range(_)
            | Expr::RawAddr(_)
            | Expr::Reference(_)
            | Expr::Return(_)
            | Expr::Unary(_)
            | Expr::Unsafe(_))
    )
}

/// In parentheses of the macro's, which nobody who wrote none is told to remove.
fn parenthesised(tokens: TokenStream, at: Span) -> TokenStream {
    enclosed(Delimiter::Parenthesis, tokens, Span::mixed_site().located_at(at))
}

fn enclosed(delimiter: Delimiter, tokens: TokenStream, span: Span) -> TokenStream {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    TokenTree::Group(group).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::tokens::text;

    /// `«…»` is an invisible group.
    fn invisible(source: &str) -> TokenStream {
        let marked = source.replace('«', "{ INVISIBLE ").replace('»', "}");
        fn convert(stream: TokenStream) -> TokenStream {
            let each = stream.into_iter().map(|token| {
                let TokenTree::Group(group) = token else { return token };
                let mut inner = group.stream().into_iter();
                let delimiter = match inner.next() {
                    Some(TokenTree::Ident(word)) if word == "INVISIBLE" => Delimiter::None,
                    _ => return TokenTree::Group(Group::new(group.delimiter(), convert(group.stream()))),
                };
                TokenTree::Group(Group::new(delimiter, convert(inner.collect())))
            });
            each.collect()
        }
        convert(marked.parse().expect("tokens"))
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(text(expression(open(invisible(source)))), expected, "{source}");
    }

    #[test]
    fn a_fragment_is_one_expression() {
        check("«A + B» * 2", "(A + B) * 2");
        check("2 * «A + B»", "2 * (A + B)");
        check("«-1».abs()", "(-1).abs()");
        check("««A + B» * 2» - 1", "((A + B) * 2) - 1");
        check("f(1, «A + B» * 2)", "f(1, (A + B) * 2)");
        check("«if A { 1 } else { 2 }» * 2", "(if A { 1 } else { 2 }) * 2");
        check("«A as usize» < 3", "(A as usize) < 3");
    }

    #[test]
    fn a_fragment_alone_needs_no_parentheses() {
        check("«A + B»", "A + B");
        check("f(«A + B», «-1»)", "f(A + B, -1)");
        check("(«A + B») * 2", "(A + B) * 2");
        check("«A» * «f(2)» + «x.y[3]» * «(1)»", "A * f(2) + x.y[3] * (1)");
    }

    #[test]
    fn what_is_no_expression_is_opened() {
        check("«my::Layer»(7) => «[3, 4]»", "my::Layer(7) => [3, 4]");
        check("Linear(3, 4, «bias = false»)", "Linear(3, 4, bias = false)");
        check("«pub(crate)» «&'static u8»", "pub(crate) &'static u8");
    }
}
