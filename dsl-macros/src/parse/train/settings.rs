//! `Adam(lr = 1e-3)`: a path and options by name.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};

use super::lists::*;
use crate::ast_train::{Choice, Path, Settings};
use crate::diagnostics::Diagnostics;
use crate::parse::header::refuse_attributes;
use crate::parse::names::is_keyword;
use crate::parse::tokens::{Cursor, text};

/// `Adam`, `my::Lion`, `::lions::Lion`.
pub(super) fn path(cursor: &mut Cursor, what: &str, errors: &mut Diagnostics) -> Option<Path> {
    let mut tokens = TokenStream::new();
    let take_colons = |cursor: &mut Cursor, tokens: &mut TokenStream| {
        let colons = cursor.peek_pair([':', ':']);
        if colons {
            tokens.extend(cursor.next());
            tokens.extend(cursor.next());
        }
        colons
    };
    let absolute = take_colons(cursor, &mut tokens);
    let mut bare = !absolute;
    loop {
        let Some(name) = cursor.eat_ident() else {
            let found = cursor.found();
            errors.error(cursor.span(), format!("expected the name of {what}, found {found}"));
            while cursor.next().is_some() {}
            return None;
        };
        let leads = ["crate", "self", "super"].iter().any(|word| name == word) && cursor.peek_pair([':', ':']);
        if is_keyword(&name) && !leads {
            errors.error(name.span(), format!("expected the name of {what}, found the keyword `{name}`"));
            while cursor.next().is_some() {}
            return None;
        }
        tokens.extend([TokenTree::Ident(name.clone())]);
        if cursor.peek_punct('<') || (cursor.peek_pair([':', ':']) && ahead(cursor, 2).peek_punct('<')) {
            let help = format!("give it a name first: `type My{name} = {name}<…>;`, then `self::My{name}`");
            errors.error(cursor.span(), format!("`{name}` cannot have generic arguments here")).help(help);
            while cursor.next().is_some() {}
            return None;
        }
        if !take_colons(cursor, &mut tokens) {
            return Some(Path { tokens, name, bare, ambiguous: false });
        }
        bare = false;
    }
}

/// `Adam(lr = 1e-3)`; of optimizers also `Lookahead(Adam(lr = 1e-3), k = 5)`.
pub(super) fn settings(cursor: &mut Cursor, what: &str, errors: &mut Diagnostics) -> Option<Settings> {
    cursor.open_fragment();
    let path = path(cursor, what, errors)?;
    let (mut wrapped, mut options) = (None, Vec::new());
    if let Some(group) = cursor.eat_group(Delimiter::Parenthesis) {
        let mut args = Cursor::new(group.stream(), group.span_open());
        while !args.is_empty() {
            refuse_attributes(&mut args, "an option", errors);
            if what == OPTIMIZER && wrapped.is_none() && are_settings(&args) {
                let mut arg = until_comma(&mut args, group.span());
                wrapped = settings(&mut arg, what, errors).map(Box::new);
                end(&mut arg, errors);
            } else {
                options.extend(option(&mut args, &path.name, group.span_open(), errors));
            }
        }
    }
    Some(Settings { path, wrapped, options })
}

/// What an optimizer is called in messages.
pub(super) const OPTIMIZER: &str = "an optimizer";

/// Whether an argument is settings of its own: `AdamW`, `my::Lion(lr = 1e-4)`.
pub(super) fn are_settings(args: &Cursor) -> bool {
    let mut arg = until_comma(&mut args.clone(), Span::call_site());
    let mut last = None;
    loop {
        while arg.eat_pair([':', ':']).is_some() {}
        match arg.eat_ident() {
            Some(name) => last = Some(name.to_string()),
            None => break,
        }
    }
    arg.eat_group(Delimiter::Parenthesis);
    arg.is_empty() && last.is_some_and(|name| name.starts_with(char::is_uppercase))
}

/// Whether `name =` comes next.
pub(super) fn is_option(cursor: &Cursor) -> bool {
    let after = ahead(cursor, 1);
    cursor.peek_ident().is_some()
        && after.peek_punct('=')
        && !after.peek_pair(['=', '='])
        && !after.peek_pair(['=', '>'])
}

/// `lr = 1e-3` and the comma after it.
pub(super) fn option(args: &mut Cursor, of: &Ident, around: Span, errors: &mut Diagnostics) -> Option<Choice> {
    if !is_option(args) {
        let at = args.span();
        let written = args.peek_ident().map(Ident::to_string);
        let mut value = until_comma(args, around);
        let shown = text(rest(&mut value));
        match written {
            Some(name) if shown == name => {
                let help = format!("write `{name} = …`");
                errors.error(at, format!("`{name}` of `{of}` has no value")).help(help);
            }
            _ => {
                let message = format!("`{of}` takes its options by name, but found `{shown}`");
                errors.error(at, message).help(format!("write the option's name before it, as in `lr = {shown}`"));
            }
        }
        return None;
    }
    let name = args.eat_ident().expect("`is_option` saw it");
    let equals = args.span();
    args.next();
    let mut tokens = until_comma(args, equals);
    let right = !is_keyword(&name);
    if !right {
        errors.error(name.span(), format!("`{name}` is a keyword and cannot be an option of `{of}`"));
    }
    if tokens.is_empty() {
        errors.error(equals, format!("`{name}` of `{of}` has no value"));
        return None;
    }
    let value = value(&mut tokens, &format!("`{name}` of `{of}`"), errors)?;
    right.then_some(Choice { name, value })
}
