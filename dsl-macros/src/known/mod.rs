//! What the runtime's own settings are called and which options they have: so that a misspelt name is told with the nearest
//! one, together with all other mistakes, and a list is taken where an option is a tuple or a constant list.
//!
//! A bare name in `train!` is one of the runtime's, nothing else; so what is not here is not there. What is written by a
//! path (`my::Lion`, `self::Loss`) is the user's, and for rustc to read.
//!
//! AFTER THIS POINT: every bare name and each of its options is known.

mod table;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;

use crate::ast_train::{Choice, Schedule, Settings, Train};
use crate::constant::is_constant;
use crate::diagnostics::{Diagnostics, nearest};
use crate::parse::args::split_at_commas;

#[cfg(test)]
pub(crate) use table::{LOSSES, METRICS, OPTIMIZERS, SCHEDULES};

type Table = &'static [(&'static str, &'static str)];

/// Other libraries' words for what the nearest name is not near to.
const WORDS: &[(&str, &str)] = &[
    ("learning_rate", "lr"),
    ("rate", "lr"),
    ("beta", "betas"),
    ("beta1", "betas"),
    ("beta2", "betas"),
    ("beta_1", "betas"),
    ("beta_2", "betas"),
    ("epsilon", "eps"),
    ("decay", "weight_decay"),
    ("l2", "weight_decay"),
    ("wd", "weight_decay"),
    ("class_weight", "weight"),
    ("class_weights", "weight"),
    ("mae", "L1Loss"),
    ("mae", "MeanAbsoluteError"),
    ("mse", "MeanSquaredError"),
];

/// Checks the names of a trainer, and takes what is not known out of it.
pub(crate) fn check(train: &mut Train, errors: &mut Diagnostics) {
    let items = &mut train.items;
    if let Some(loss) = &mut items.loss
        && !settings(loss, "loss", table::LOSSES, errors)
    {
        items.loss = None;
    }
    let known = items.optimizer.as_mut().is_none_or(|optimizer| {
        let known = settings(&mut optimizer.settings, "optimizer", table::OPTIMIZERS, errors);
        if known {
            let mut innermost = &optimizer.settings;
            while let Some(inner) = &innermost.wrapped {
                innermost = inner;
            }
            let path = innermost.path.clone();
            for group in optimizer.groups.iter_mut().filter(|_| path.bare) {
                options(&path.name.to_string(), &mut group.options, table::OPTIMIZERS, errors);
            }
        }
        known
    });
    if !known {
        items.optimizer = None;
    }
    if let Some(scheduler) = &mut items.scheduler
        && !schedule(&mut scheduler.schedule, errors)
    {
        items.scheduler = None;
    }
    items.metrics.retain_mut(|metric| settings(metric, "metric", table::METRICS, errors));
}

fn schedule(schedule: &mut Schedule, errors: &mut Diagnostics) -> bool {
    let parts: Vec<&mut Schedule> = match schedule {
        Schedule::One(one) => return settings(one, "schedule", table::SCHEDULES, errors),
        Schedule::InTurn(parts) => parts.iter_mut().map(|(part, _)| part).collect(),
        Schedule::Together(parts) => parts.iter_mut().collect(),
    };
    // All of them are looked at.
    let known: Vec<bool> = parts.into_iter().map(|part| self::schedule(part, errors)).collect();
    known.into_iter().all(|known| known)
}

/// Whether these settings, and what they wrap, are known or the user's.
fn settings(settings: &mut Settings, what: &str, table: Table, errors: &mut Diagnostics) -> bool {
    let inner = settings.wrapped.as_deref_mut().is_none_or(|inner| self::settings(inner, what, table, errors));
    if !settings.path.bare {
        return inner;
    }
    let name = settings.path.name.to_string();
    if !table.iter().any(|(known, _)| *known == name) {
        let a = if what == "optimizer" { "an" } else { "a" };
        let own = format!("{a} {what} of your own is written by its path, `self::{name}`");
        let help = meant(&name, table.iter().map(|(known, _)| *known));
        errors
            .error(settings.path.name.span(), format!("there is no {what} `{name}`"))
            .help(help.map_or(own, |name| format!("did you mean `{name}`?")));
        return false;
    }
    options(&name, &mut settings.options, table, errors);
    inner
}

/// Checks the options of `of`, and writes lists as what they are.
fn options(of: &str, options: &mut Vec<Choice>, table: Table, errors: &mut Diagnostics) {
    let Some((_, known)) = table.iter().find(|(known, _)| *known == of) else { return };
    let known: Vec<(&str, &str)> =
        known.split(' ').map(|option| option.split_once(':').unwrap_or((option, ""))).collect();
    options.retain_mut(|option| {
        let name = option.name.to_string();
        let Some((_, kind)) = known.iter().find(|(known, _)| *known == name) else {
            let listed = || {
                let names: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
                format!("there are {}", names.join(", "))
            };
            let help = meant(&name, known.iter().map(|(name, _)| *name));
            errors
                .error(option.name.span(), format!("`{of}` has no option `{name}`"))
                .help(help.map_or_else(listed, |name| format!("did you mean `{name}`?")));
            return false;
        };
        match kind.parse() {
            Ok(count) => tuple(of, option, count, errors),
            Err(_) => {
                option.value = listed(kind, option.value.clone());
                true
            }
        }
    });
}

/// `[0.9, 0.999]` as `(0.9, 0.999)`.
fn tuple(of: &str, option: &mut Choice, count: usize, errors: &mut Diagnostics) -> bool {
    let Some(list) = brackets(&option.value) else {
        if !is_constant(&option.value) {
            option.value = into(&option.value);
        }
        return true;
    };
    let list = match times(&list) {
        None => list,
        Some((value, Some(times))) => repeated(&value, times, list.span()),
        // Only rustc knows how many they are.
        Some((_, None)) => {
            option.value = into(&option.value);
            return true;
        }
    };
    let found = split_at_commas(list.stream(), errors).len();
    if found != count {
        errors.error(list.span(), format!("`{}` of `{of}` are {count} numbers, found {found}", option.name));
        return false;
    }
    let mut tuple = Group::new(Delimiter::Parenthesis, list.stream());
    tuple.set_span(list.span());
    option.value = TokenTree::Group(tuple).into();
    true
}

/// The value and the number of `[0.9; 2]`, if the number is written as one: no larger one than any tuple has.
fn times(list: &Group) -> Option<(TokenStream, Option<usize>)> {
    let tokens: Vec<TokenTree> = list.stream().into_iter().collect();
    let semicolon = tokens.iter().position(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ';'))?;
    let times = match &tokens[semicolon + 1..] {
        [TokenTree::Literal(times)] => times.to_string().parse().ok().filter(|&times| times <= 16),
        _ => None,
    };
    Some((tokens[..semicolon].iter().cloned().collect(), times))
}

/// `[0.9, 0.9]`
fn repeated(value: &TokenStream, times: usize, span: Span) -> Group {
    let values = std::iter::repeat_n(value, times);
    let mut list = Group::new(Delimiter::Bracket, quote!(#(#values),*));
    list.set_span(span);
    list
}

/// `[1.0, 2.0]` as `LossWeights::new(&[1.0, 2.0])` or `List::Borrowed(&[1.0, 2.0])`; what is only known at run time is
/// converted there.
fn listed(kind: &str, value: TokenStream) -> TokenStream {
    let constructor = match kind {
        "weights" => quote!(::glulam::loss::LossWeights::new),
        "list" => quote!(::glulam::lr_scheduler::List::Borrowed),
        _ => return value,
    };
    match (is_constant(&value), brackets(&value)) {
        (true, Some(list)) => quote!(#constructor(&#list)),
        (false, Some(list)) if kind == "list" => quote!(::glulam::lr_scheduler::List::Owned(#list.to_vec())),
        (false, _) if kind == "weights" => into(&value),
        _ => value,
    }
}

fn into(value: &TokenStream) -> TokenStream {
    quote!(::core::convert::Into::into(#value))
}

/// The list that a value consists of, with or without `&` before it.
fn brackets(value: &TokenStream) -> Option<Group> {
    let tokens: Vec<TokenTree> = value.clone().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Group(list)] if list.delimiter() == Delimiter::Bracket => Some(list.clone()),
        [TokenTree::Punct(and), TokenTree::Group(list)]
            if and.as_char() == '&' && list.delimiter() == Delimiter::Bracket =>
        {
            Some(list.clone())
        }
        _ => None,
    }
}

/// The name that was meant: the nearest, the one that begins so, or what other libraries call so.
fn meant<'a>(written: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let lower = |name: &str| name.replace('_', "").to_lowercase();
    let wanted = lower(written);
    // `MSE` for `MSELoss`, `cosine_annealing` for `CosineAnnealingLR`.
    let stem = |name: &str| lower(name.trim_end_matches("Loss").trim_end_matches("LR"));
    let word = |name: &&str| WORDS.iter().any(|(word, meant)| *word == written.to_lowercase() && meant == name);
    known
        .clone()
        .find(|name| stem(name) == wanted)
        .or_else(|| known.clone().find(word))
        // `TopKAccuracy` for `TopK`.
        .or_else(|| {
            let within = known.clone().filter(|name| stem(name).len() >= 3 && wanted.starts_with(&stem(name)));
            within.max_by_key(|name| name.len())
        })
        .or_else(|| nearest(written, known.clone()))
        // `F1` for `F1Score`.
        .or_else(|| known.clone().find(|name| wanted.len() >= 2 && lower(name).starts_with(&wanted)))
}
