//! `#[cfg(…)]` before a declaration: all of its items are there, or none.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::quote;

// Expands to:
//     #[cfg(feature = "big")]
//     ::glulam::__private::items! { pub struct Big … }
/// The items of a declaration with these attributes.
pub(crate) fn under(attrs: &[TokenStream], items: TokenStream) -> TokenStream {
    let conditions: Vec<TokenStream> = attrs.iter().filter_map(condition).collect();
    if conditions.is_empty() {
        return items;
    }
    quote!(#(#[#conditions])* ::glulam::__private::items! { #items })
}

/// Whether one of these attributes may leave the declaration out.
pub(crate) fn is_conditional(attrs: &[TokenStream]) -> bool {
    attrs.iter().any(|attr| condition(attr).is_some())
}

/// `cfg(unix)` of `#[cfg(unix)]`; `cfg_attr(unix, cfg(test))` of `#[cfg_attr(unix, cfg(test), must_use)]`.
fn condition(attr: &TokenStream) -> Option<TokenStream> {
    let Some(TokenTree::Group(brackets)) = attr.clone().into_iter().nth(1) else { return None };
    of_meta(brackets.stream())
}

fn of_meta(meta: TokenStream) -> Option<TokenStream> {
    let tokens: Vec<TokenTree> = meta.clone().into_iter().collect();
    let [TokenTree::Ident(name), TokenTree::Group(list)] = &tokens[..] else { return None };
    match name.to_string().as_str() {
        "cfg" => Some(meta),
        "cfg_attr" if list.delimiter() == Delimiter::Parenthesis => of_cfg_attr(name, list.stream()),
        _ => None,
    }
}

fn of_cfg_attr(name: &Ident, list: TokenStream) -> Option<TokenStream> {
    let tokens: Vec<TokenTree> = list.into_iter().collect();
    let mut parts = tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','));
    let when: TokenStream = parts.next()?.iter().cloned().collect();
    let conditions: Vec<TokenStream> = parts.filter_map(|part| of_meta(part.iter().cloned().collect())).collect();
    (!conditions.is_empty()).then(|| quote!(#name(#when, #(#conditions),*)))
}

#[cfg(test)]
mod tests {
    use super::condition;

    #[test]
    fn a_condition_is_told_from_other_attributes() {
        for (attr, expected) in [
            ("#[cfg(all(unix, test))]", Some("cfg (all (unix , test))")),
            ("#[cfg_attr(unix, cfg(test), must_use)]", Some("cfg_attr (unix , cfg (test))")),
            (
                "#[cfg_attr(unix, cfg_attr(test, cfg(windows)))]",
                Some("cfg_attr (unix , cfg_attr (test , cfg (windows)))"),
            ),
            ("#[cfg_attr(unix, must_use)]", None),
            ("#[doc = \"cfg(unix)\"]", None),
            ("#[must_use]", None),
        ] {
            let found = condition(&attr.parse().expect("tokens"));
            assert_eq!(found.map(|tokens| tokens.to_string()).as_deref(), expected, "{attr}");
        }
    }
}
