//! Tokens of `train!` → [`Train`]. Syntax only: which options a name takes is for rustc to say.

mod lists;
mod optimizer;
mod schedule;
mod settings;

use proc_macro2::{Delimiter, Group as Tokens, Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;

use self::lists::*;
use self::optimizer::{optimizer, pattern};
use self::schedule::scheduler;
use self::settings::{path, settings};
use crate::ast_train::{Items, Number, Schedule, Settings, Train};
use crate::diagnostics::{Diagnostics, did_you_mean, nearest};
use crate::parse::fragments::open;
use crate::parse::header::{attributes, is_too_deep, refuse_attributes, visibility};
use crate::parse::names::is_keyword;
use crate::parse::tokens::Cursor;

/// The items, in the order of the manual.
const ITEMS: [&str; 9] =
    ["loss", "optimizer", "scheduler", "freeze", "clip_grad_norm", "clip_grad_value", "accumulate", "ema", "metrics"];

/// `pub MlpTrainer for Mlp { … }`. `None` if not even the trainer's name and network are known.
pub(crate) fn parse(stream: TokenStream, errors: &mut Diagnostics) -> Option<Train> {
    if is_too_deep(stream.clone(), errors) {
        return None;
    }
    let mut cursor = Cursor::new(open(stream), Span::call_site());
    let attrs = attributes(&mut cursor, errors);
    let vis = visibility(&mut cursor, errors);
    let form = "write `MyTrainer for MyNetwork { loss: …, optimizer: … }`";
    let name = cursor.peek_ident().filter(|name| *name != "for").cloned();
    let Some(name) = name else {
        errors.error(cursor.span(), "the trainer has no name").help(form);
        return None;
    };
    cursor.next();
    if !cursor.peek_word("for") {
        let found = cursor.found();
        errors.error(cursor.span(), format!("expected `for` and a network, found {found}")).help(form);
        return None;
    }
    cursor.next();
    let model = path(&mut cursor, "a network", errors)?;
    if is_keyword(&name) {
        errors.error(name.span(), format!("`{name}` is a keyword and cannot name a trainer"));
    }
    let Some(body) = cursor.eat_group(Delimiter::Brace) else {
        let found = cursor.found();
        errors.error(cursor.span(), format!("expected `{{ loss: …, optimizer: … }}`, found {found}")).help(form);
        let items = Items::default();
        return Some(Train { attrs, vis, name, model, items });
    };
    if !cursor.is_empty() {
        let found = cursor.found();
        errors.error(cursor.span(), format!("expected nothing after the braces, found {found}"));
    }
    let mut items = items(&body, &name, errors);
    let network = model.tokens.clone().into_iter().next();
    keep_apart(&mut items, &[name.to_string(), network.map_or_else(String::new, |root| root.to_string())]);
    Some(Train { attrs, vis, name, model, items })
}

/// Reports what neither the trainer nor its network can be called.
pub(crate) fn check_names(train: &mut Train, errors: &mut Diagnostics) {
    let scalar = |name: &Ident| name.unraw() == "T";
    let mut report = |name: &Ident, what: &str| {
        let error = errors.error(name.span(), format!("`T` is the scalar type of every {what}"));
        error.help(format!("give the {what} another name"));
    };
    if scalar(&train.name) {
        report(&train.name, "trainer");
    }
    let model = &mut train.model;
    if model.bare && scalar(&model.name) {
        report(&model.name, "network");
        // The network of that name, and not the scalar.
        let name = &model.name;
        model.tokens = quote_spanned!(name.span()=> self::#name);
    }
}

fn items(body: &Tokens, trainer: &Ident, errors: &mut Diagnostics) -> Items {
    let mut cursor = Cursor::new(body.stream(), body.span_open());
    let mut items = Items::default();
    let mut seen: Vec<String> = Vec::new();
    while let Some((key, mut value)) = item(&mut cursor, errors) {
        let written = key.to_string();
        let mut name = written.as_str();
        if !ITEMS.contains(&name) {
            let help = did_you_mean(name, ITEMS).unwrap_or_else(|| format!("there are {}", listed(ITEMS)));
            errors.error(key.span(), format!("`train!` has no item `{name}`")).help(help);
            // Read as what it was meant to be: what is wrong in it is reported too, and that it lacks is not.
            let Some(meant) = nearest(name, ITEMS) else { continue };
            name = meant;
        }
        if seen.iter().any(|s| s == name) {
            errors.error(key.span(), format!("`{name}` stands here twice")).help("remove one of them");
            continue;
        }
        seen.push(name.to_string());
        let value = &mut value;
        match name {
            "loss" => items.loss = settings(value, "a loss", errors),
            "optimizer" => items.optimizer = optimizer(value, errors),
            "scheduler" => items.scheduler = scheduler(value, errors),
            "freeze" => items.freeze = list(value, "freeze", "[stem, \"blocks.0.*\"]", errors, pattern),
            "clip_grad_norm" => items.clip_grad_norm = number(value, &key, errors),
            "clip_grad_value" => items.clip_grad_value = number(value, &key, errors),
            "accumulate" => items.accumulate = number(value, &key, errors),
            "ema" => items.ema = number(value, &key, errors),
            "metrics" => {
                items.metrics = list(value, "metrics", "[Accuracy]", errors, |c, e| settings(c, "a metric", e))
            }
            _ => unreachable!("every name of `ITEMS` has its line"),
        }
        end(value, errors);
    }
    for (required, example) in [("loss", "loss: CrossEntropyLoss"), ("optimizer", "optimizer: SGD(lr = 0.01)")] {
        if !seen.iter().any(|s| s == required) {
            let help = format!("write `{example}`, for example");
            errors.error(trainer.span(), format!("`{trainer}` has no `{required}`")).help(help);
        }
    }
    items
}

/// Marks what is called like the network or the trainer.
fn keep_apart(items: &mut Items, names: &[String; 2]) {
    let optimizer = items.optimizer.as_mut().map(|optimizer| &mut optimizer.settings);
    let mut all: Vec<&mut Settings> = items.loss.iter_mut().chain(optimizer).chain(&mut items.metrics).collect();
    let mut schedules: Vec<&mut Schedule> = items.scheduler.iter_mut().map(|s| &mut s.schedule).collect();
    while let Some(schedule) = schedules.pop() {
        match schedule {
            Schedule::One(settings) => all.push(settings),
            Schedule::InTurn(parts) => schedules.extend(parts.iter_mut().map(|(part, _)| part)),
            Schedule::Together(parts) => schedules.extend(parts),
        }
    }
    while let Some(settings) = all.pop() {
        settings.path.ambiguous = names.iter().any(|name| settings.path.name == name);
        all.extend(settings.wrapped.as_deref_mut());
    }
}

/// The next `key: value` and the comma after it. What has no such form is reported and passed over.
fn item(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<(Ident, Cursor)> {
    while !cursor.is_empty() {
        refuse_attributes(cursor, "an item of `train!`", errors);
        let key = cursor.peek_ident().cloned();
        let colon = ahead(cursor, 1);
        let single = colon.peek_punct(':') && !colon.peek_pair([':', ':']);
        match key {
            Some(key) if single => {
                cursor.next();
                let colon = cursor.span();
                cursor.next();
                return Some((key, until_comma(cursor, colon)));
            }
            Some(key) => {
                let found = colon.found();
                errors.error(colon.span(), format!("expected `:` after `{key}`, found {found}"));
            }
            None => {
                let found = cursor.found();
                errors.error(cursor.span(), format!("expected an item of `train!`, found {found}"));
            }
        }
        until_comma(cursor, Span::call_site());
    }
    None
}

fn number(cursor: &mut Cursor, item: &Ident, errors: &mut Diagnostics) -> Option<Number> {
    let span = cursor.span();
    if cursor.is_empty() {
        errors.error(span, format!("`{item}` has no value"));
        return None;
    }
    value(cursor, &format!("`{item}`"), errors).map(|value| Number { value, span })
}
