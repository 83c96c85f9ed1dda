//! What stands before a declaration and passes through to its struct: attributes, a visibility. Both are read as Rust, so
//! that what is none is reported here and not where the struct stands in the expansion.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser as _;

use super::tokens::{Cursor, text};
use crate::diagnostics::Diagnostics;

/// Groups within groups beyond this are refused, before a recursive parser runs out of stack.
const MAX_DEPTH: usize = 64;

/// Whether groups are nested deeper than any declaration needs; reports it.
pub(crate) fn is_too_deep(tokens: TokenStream, errors: &mut Diagnostics) -> bool {
    let deep = check_depth(tokens, MAX_DEPTH).err();
    if let Some(span) = deep {
        errors.error(span, format!("more than {MAX_DEPTH} groups within each other"));
    }
    deep.is_some()
}

fn check_depth(tokens: TokenStream, left: usize) -> Result<(), Span> {
    for token in tokens {
        if let TokenTree::Group(group) = token {
            let left = left.checked_sub(1).ok_or(group.span_open())?;
            check_depth(group.stream(), left)?;
        }
    }
    Ok(())
}

/// `#[…]` and doc comments, each with its `#`.
pub(crate) fn attributes(cursor: &mut Cursor, errors: &mut Diagnostics) -> Vec<TokenStream> {
    let mut attrs = Vec::new();
    while cursor.peek_punct('#') {
        let hash = cursor.next().expect("it was peeked at");
        let Some(group) = cursor.eat_group(Delimiter::Bracket) else {
            errors.error(cursor.span(), "an attribute is written `#[…]`");
            continue;
        };
        let attr: TokenStream = [hash.clone(), TokenTree::Group(group)].into_iter().collect();
        match syn::Attribute::parse_outer.parse2(attr.clone()) {
            Ok(_) => attrs.push(attr),
            Err(_) => {
                errors.error(hash.span(), format!("`{}` is not an attribute", text(attr)));
            }
        }
    }
    attrs
}

/// `pub`, `pub(crate)`, or nothing.
pub(crate) fn visibility(cursor: &mut Cursor, errors: &mut Diagnostics) -> TokenStream {
    let mut vis = TokenStream::new();
    if !cursor.peek_word("pub") {
        return vis;
    }
    cursor.next().to_tokens(&mut vis);
    let Some(group) = cursor.eat_group(Delimiter::Parenthesis) else { return vis };
    let restricted: TokenStream = [vis.clone(), group.to_token_stream()].into_iter().collect();
    if syn::parse2::<syn::Visibility>(restricted.clone()).is_ok() {
        return restricted;
    }
    errors
        .error(group.span(), format!("`{}` is not a visibility", text(restricted)))
        .help("write `pub`, `pub(crate)` or `pub(in some::module)`");
    vis
}

/// Reports and passes over attributes where there can be none: before `what`, a layer or an item.
pub(crate) fn refuse_attributes(cursor: &mut Cursor, what: &str, errors: &mut Diagnostics) {
    let mut first = None;
    while cursor.peek_punct('#') {
        first = first.or(Some(cursor.span()));
        cursor.next();
        cursor.eat_punct('!');
        cursor.eat_group(Delimiter::Bracket);
    }
    if let Some(span) = first {
        errors.error(span, format!("{what} has no attributes or doc comments"));
    }
}

/// The place after attributes, if some come next.
pub(crate) fn after_attributes(cursor: &Cursor) -> Cursor {
    let mut after = cursor.clone();
    while after.eat_punct('#').is_some() {
        after.eat_group(Delimiter::Bracket);
    }
    after
}
