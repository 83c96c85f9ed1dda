//! An optimizer and its parameter groups; patterns that choose parameters.

use proc_macro2::{Delimiter, Ident, TokenTree};

use super::lists::*;
use super::settings::{OPTIMIZER, option, settings};
use crate::ast_train::{Group, Optimizer, Pattern};
use crate::diagnostics::{Diagnostics, did_you_mean};
use crate::parse::header::refuse_attributes;
use crate::parse::tokens::Cursor;

/// Optimizers for hand-written loops. (Rustc knows that too, but says so wherever the optimizer is used.)
const BY_HAND: [&str; 2] = ["LBFGS", "SAM"];

/// What `no_decay` can name, and the runtime's names for it.
const KINDS: [(&str, &str); 4] = [("weight", "Weight"), ("bias", "Bias"), ("norm", "Norm"), ("embedding", "Embedding")];

/// `SGD(lr = 0.01) { … }`.
pub(super) fn optimizer(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Optimizer> {
    let settings = settings(cursor, OPTIMIZER, errors)?;
    let name = &settings.path.name;
    if settings.path.bare && BY_HAND.iter().any(|by_hand| name == by_hand) {
        errors
            .error(name.span(), format!("`{name}` evaluates the loss several times in a step, which `train!` does not"))
            .help(format!("write the loop by hand, as in the example of `glulam::optim::{name}`"));
        while cursor.next().is_some() {}
        return None;
    }
    let mut optimizer = Optimizer { settings, no_decay: None, groups: Vec::new() };
    let Some(braces) = cursor.eat_group(Delimiter::Brace) else { return Some(optimizer) };
    let mut inner = Cursor::new(braces.stream(), braces.span_open());
    while !inner.is_empty() {
        refuse_attributes(&mut inner, "an item of an optimizer", errors);
        let mut entry = until_comma(&mut inner, braces.span());
        group(&mut entry, &mut optimizer, errors);
        end(&mut entry, errors);
    }
    Some(optimizer)
}

/// `no_decay: [bias, norm]`, or `head => (lr = 3e-3)`.
pub(super) fn group(entry: &mut Cursor, optimizer: &mut Optimizer, errors: &mut Diagnostics) {
    let form = "write `no_decay: [bias, norm]` or `head => (lr = 3e-3)`";
    let key = entry.peek_ident().cloned();
    if let Some(key) = key.filter(|_| ahead(entry, 1).peek_punct(':')) {
        if key != "no_decay" {
            let help = did_you_mean(&key.to_string(), ["no_decay"]).unwrap_or_else(|| form.into());
            errors.error(key.span(), format!("an optimizer's groups have no item `{key}`")).help(help);
        }
        entry.next();
        entry.next();
        let kinds = list(entry, "no_decay", "[bias, norm]", errors, kind);
        if optimizer.no_decay.replace(kinds).is_some() {
            errors.error(key.span(), "`no_decay` stands here twice").help("put all kinds into one list");
        }
        return;
    }
    let Some(pattern) = pattern(entry, errors) else {
        while entry.next().is_some() {}
        return;
    };
    if entry.eat_pair(['=', '>']).is_none() {
        give_up::<()>(entry, "`=>` and the group's options", form, errors);
        return;
    }
    let Some(options) = entry.eat_group(Delimiter::Parenthesis) else {
        give_up::<()>(entry, "the group's options in parentheses", "write `(lr = 3e-3)`", errors);
        return;
    };
    let mut args = Cursor::new(options.stream(), options.span_open());
    let mut choices = Vec::new();
    while !args.is_empty() {
        refuse_attributes(&mut args, "an option", errors);
        choices.extend(option(&mut args, &optimizer.settings.path.name, options.span_open(), errors));
    }
    optimizer.groups.push(Group { pattern, options: choices });
}

/// `bias`, as the runtime's variant.
pub(super) fn kind(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Ident> {
    let kinds = KINDS.map(|(name, _)| name);
    let Some(name) = cursor.eat_ident() else {
        return give_up(cursor, "a kind of parameter", &format!("there are {}", listed(kinds)), errors);
    };
    let written = name.to_string();
    if let Some((_, variant)) = KINDS.iter().find(|(kind, _)| *kind == written) {
        return Some(Ident::new(variant, name.span()));
    }
    let help = did_you_mean(&written, kinds).unwrap_or_else(|| format!("there are {}", listed(kinds)));
    errors.error(name.span(), format!("no kind of parameter is called `{written}`")).help(help);
    None
}

/// `stem`, or `"blocks.*.bias"`.
pub(super) fn pattern(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Pattern> {
    let span = cursor.span();
    let text = match cursor.peek() {
        Some(TokenTree::Ident(label)) => Some(label.to_string()),
        Some(TokenTree::Literal(literal)) => string(&literal.to_string()),
        _ => None,
    };
    let Some(text) = text else {
        return give_up(cursor, "a label or a pattern in quotes", "write `head` or `\"blocks.*.bias\"`", errors);
    };
    cursor.next();
    if cursor.peek_punct('.') || cursor.peek_punct('*') {
        errors
            .error(cursor.span(), "a pattern with `.` or `*` is a string")
            .help("write it in quotes: `\"blocks.*.bias\"`");
        while !cursor.is_empty() && !cursor.peek_pair(['=', '>']) {
            cursor.next();
        }
        return None;
    }
    Some(Pattern { text, span })
}

/// The contents of a plain string literal.
pub(super) fn string(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then(|| inner.to_string())
}
