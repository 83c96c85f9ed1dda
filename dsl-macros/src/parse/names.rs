//! Which words can be names.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::Expr;
use syn::ext::IdentExt;

use super::tokens::{extent, text};
use crate::diagnostics::Diagnostics;

/// Whether a word is a keyword, and so can name nothing.
pub(crate) fn is_keyword(name: &Ident) -> bool {
    name == "_" || syn::parse2::<Ident>(name.to_token_stream()).is_err()
}

/// Whether generated code cannot have a variable of that name: a keyword of any edition.
pub(crate) fn is_reserved(name: &str) -> bool {
    // `gen` is one since 2024, which `syn` leaves to the edition.
    let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
    word && (name == "gen" || is_keyword(&Ident::new(name, Span::call_site())))
}

/// Networks and blocks become types.
pub(crate) fn check_type_name(name: &Ident, what: &str, errors: &mut Diagnostics) {
    let written = name.unraw().to_string();
    if is_keyword(name) {
        errors.error(name.span(), format!("`{name}` is a keyword and cannot name a {what}"));
    } else if written.starts_with(|c: char| c.is_lowercase()) {
        let camel = upper_camel(&written);
        errors
            .error(name.span(), format!("the name of a {what} is UpperCamelCase, found `{name}`"))
            .help(format!("write `{camel}`"));
    }
}

/// Labels, taps and inputs become fields and variables.
pub(crate) fn check_value_name(name: &Ident, what: &str, errors: &mut Diagnostics) {
    let written = name.to_string();
    let article = if what.starts_with('i') { "an" } else { "a" };
    if is_keyword(name) {
        errors.error(name.span(), format!("`{name}` is a keyword and cannot be {article} {what}"));
    } else if written.starts_with("r#") {
        let message = format!("`{name}` cannot be {article} {what}");
        let bare = name.unraw();
        let help = (!is_keyword(&bare)).then(|| format!("write `{bare}`"));
        errors.error(name.span(), message).help_if(help);
    } else if written.contains(char::is_uppercase) {
        errors
            .error(name.span(), format!("{article} {what} is snake_case, found `{name}`"))
            .help(format!("write `{}`", snake(&written)));
    }
}

/// Tokens as an expression that has a value; what else they are is reported as not being `subject`.
pub(crate) fn value_of(value: &TokenStream, subject: &str, errors: &mut Diagnostics) -> Option<Expr> {
    let expr = syn::parse2::<Expr>(value.clone()).ok();
    // `crate` is a path to `syn`.
    let word = |expr: &Expr| matches!(expr, Expr::Path(path) if path.path.get_ident().is_some_and(is_keyword));
    let expr = expr.filter(|expr| !word(expr));
    if expr.is_none()
        && let Some(extent) = extent(value)
    {
        let found = text(value.clone());
        errors.error_at(extent, format!("{subject} is an expression, found `{found}`"));
    }
    expr
}

fn upper_camel(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    name.split('_').map(capital).collect()
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = None;
    for c in name.chars() {
        if c.is_uppercase() && before.is_some_and(|b: char| b.is_lowercase() || b.is_numeric()) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
        before = Some(c);
    }
    out
}
