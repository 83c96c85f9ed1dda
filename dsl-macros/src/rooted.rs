//! How an expansion names the runtime, whatever the user's crate calls it.
//!
//! `glulam::network! { … }` is a macro by example that hands its own `$crate` on: the first token of the input. All
//! passes write `::glulam::…`, as a reader would; here, at the end, that becomes `$crate::…`. It needs no dependency of
//! that name, finds the crate through a re-export, and means the same in every edition.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

/// The expansion of what follows the `$crate` at the beginning of `input`.
pub(crate) fn rooted(input: TokenStream, expand: impl Fn(TokenStream) -> TokenStream) -> TokenStream {
    let mut tokens = input.into_iter();
    match tokens.next() {
        Some(TokenTree::Ident(root)) => named(expand(tokens.collect()), &root),
        _ => unreachable!("the macros of `glulam` begin with their crate"),
    }
}

/// `::glulam` → `$crate`, and `::core` by the edition of that.
fn named(tokens: TokenStream, root: &Ident) -> TokenStream {
    let mut named: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), self::named(group.stream(), root));
                inner.set_span(group.span());
                named.push(inner.into());
            }
            TokenTree::Ident(name) if name == "glulam" && absolute(&named) => {
                named.truncate(named.len() - 2);
                let mut root = root.clone();
                root.set_span(root.span().located_at(name.span()));
                named.push(root.into());
            }
            TokenTree::Ident(name) if name == "core" && absolute(&named) => {
                let at = named.len() - 2;
                for colon in &mut named[at..] {
                    colon.set_span(root.span().located_at(colon.span()));
                }
                named.push(name.into());
            }
            token => named.push(token),
        }
    }
    named.into_iter().collect()
}

/// Whether tokens end in the `::` that a path begins with: not in `my::`.
fn absolute(tokens: &[TokenTree]) -> bool {
    let colon = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ':');
    match tokens {
        [rest @ .., a, b] if colon(a) && colon(b) => match rest.last() {
            Some(TokenTree::Ident(name)) => BEFORE_A_PATH.iter().any(|word| name == word),
            _ => true,
        },
        _ => false,
    }
}

/// Words after which a path begins, in what is generated.
const BEFORE_A_PATH: &[&str] =
    &["as", "dyn", "else", "for", "if", "impl", "in", "match", "mut", "return", "use", "where"];

#[cfg(test)]
mod tests {
    use super::rooted;

    #[test]
    fn the_runtime_has_the_name_that_the_callers_crate_gives_it() {
        for (written, expected) in [
            ("fn f() -> ::glulam::Real {}", "fn f () -> root :: Real { }"),
            ("<Net as ::glulam::Network<f32>>::PARAMS", "< Net as root :: Network < f32 >> :: PARAMS"),
            ("use ::glulam::__private as glulam;", "use root :: __private as glulam ;"),
            ("[my::glulam::WIDTH, glulam::WIDTH]", "[my :: glulam :: WIDTH , glulam :: WIDTH]"),
            ("::core::fmt::Debug", ":: core :: fmt :: Debug"),
        ] {
            let input = format!("root {written}").parse().expect("tokens");
            let found = rooted(input, |tokens| tokens).to_string().replace(' ', "");
            assert_eq!(found, expected.replace(' ', ""), "{written}");
        }
    }
}
