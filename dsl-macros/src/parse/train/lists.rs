//! What stands between commas and brackets.

use proc_macro2::{Delimiter, Span, TokenStream};

use crate::diagnostics::Diagnostics;
use crate::parse::fragments::{expression, standing};
use crate::parse::header::refuse_attributes;
use crate::parse::names::value_of;
use crate::parse::pieces::{expression_len, prefix_len};
use crate::parse::tokens::Cursor;

/// What stands before the next comma; the comma is passed over.
pub(super) fn until_comma(cursor: &mut Cursor, around: Span) -> Cursor {
    let tokens = cursor.take(expression_len(cursor.rest()));
    cursor.eat_punct(',');
    Cursor::new(tokens, around)
}

/// Reports what is left over. Nothing is said where the item itself was not understood.
pub(super) fn end(cursor: &mut Cursor, errors: &mut Diagnostics) {
    if !cursor.is_empty() {
        let found = cursor.found();
        errors.error(cursor.span(), format!("expected `,`, found {found}"));
    }
}

/// Gives up on an item: reports, and passes over the rest, so that nothing more is said about it.
pub(super) fn give_up<R>(cursor: &mut Cursor, expected: &str, help: &str, errors: &mut Diagnostics) -> Option<R> {
    let found = cursor.found();
    errors.error(cursor.span(), format!("expected {expected}, found {found}")).help(help);
    while cursor.next().is_some() {}
    None
}

/// All that is left.
pub(super) fn rest(cursor: &mut Cursor) -> TokenStream {
    cursor.take(cursor.rest().len())
}

/// All that is left, as an expression. What is none is reported as not being `subject`.
pub(super) fn value(cursor: &mut Cursor, subject: &str, errors: &mut Diagnostics) -> Option<TokenStream> {
    let len = prefix_len(cursor.rest());
    let value = expression(cursor.take(len.unwrap_or(cursor.rest().len())));
    end(cursor, errors);
    while cursor.next().is_some() {}
    value_of(&value, subject, errors).map(|expr| standing(value, &expr))
}

/// `[a, b]`.
pub(super) fn list<R>(
    cursor: &mut Cursor,
    item: &str,
    example: &str,
    errors: &mut Diagnostics,
    mut element: impl FnMut(&mut Cursor, &mut Diagnostics) -> Option<R>,
) -> Vec<R> {
    let Some(group) = cursor.eat_group(Delimiter::Bracket) else {
        give_up::<()>(cursor, "a list in brackets", &format!("write `{item}: {example}`"), errors);
        return Vec::new();
    };
    let mut inner = Cursor::new(group.stream(), group.span_open());
    let mut elements = Vec::new();
    while !inner.is_empty() {
        refuse_attributes(&mut inner, "an element of a list", errors);
        let mut one = until_comma(&mut inner, group.span());
        elements.extend(element(&mut one, errors));
        end(&mut one, errors);
    }
    elements
}

/// `` `a`, `b` ``.
pub(super) fn listed<const N: usize>(names: [&str; N]) -> String {
    names.map(|name| format!("`{name}`")).join(", ")
}

/// The same place, some tokens further.
pub(super) fn ahead(cursor: &Cursor, tokens: usize) -> Cursor {
    let mut further = cursor.clone();
    (0..tokens).for_each(|_| drop(further.next()));
    further
}
