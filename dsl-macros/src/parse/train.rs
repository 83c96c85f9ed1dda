//! Tokens of `train!` → [`Train`]. Syntax only: which options a name takes is for rustc to say.

use proc_macro2::{Delimiter, Group as Tokens, Ident, Span, TokenStream, TokenTree};

use crate::ast_train::*;
use crate::diagnostics::{Diagnostics, did_you_mean, nearest};
use crate::parse::tokens::{Cursor, text};

/// The items, in the order of the manual.
const ITEMS: [&str; 9] =
    ["loss", "optimizer", "scheduler", "freeze", "clip_grad_norm", "clip_grad_value", "accumulate", "ema", "metrics"];

/// What `no_decay` can name, and the runtime's names for it.
const KINDS: [(&str, &str); 4] = [("weight", "Weight"), ("bias", "Bias"), ("norm", "Norm"), ("embedding", "Embedding")];

/// `pub MlpTrainer for Mlp { … }`. `None` if not even the trainer's name and network are known.
pub(crate) fn parse(stream: TokenStream, errors: &mut Diagnostics) -> Option<Train> {
    let mut cursor = Cursor::new(stream, Span::call_site());
    let mut attrs = Vec::new();
    while cursor.peek_punct('#') {
        let pound = cursor.next();
        let bracket = cursor.eat_group(Delimiter::Bracket).map(TokenTree::Group);
        attrs.push(pound.into_iter().chain(bracket).collect());
    }
    let mut vis = TokenStream::new();
    if cursor.peek_word("pub") {
        vis.extend(cursor.next());
        vis.extend(cursor.eat_group(Delimiter::Parenthesis).map(TokenTree::Group));
    }

    let form = "write `MyTrainer for MyNetwork { loss: …, optimizer: … }`";
    let Some(name) = cursor.eat_ident().filter(|name| name != "for") else {
        errors.error(cursor.span(), "the trainer has no name").help(form);
        return None;
    };
    if !cursor.peek_word("for") {
        let found = cursor.found();
        errors.error(cursor.span(), format!("expected `for` and a network, found {found}")).help(form);
        return None;
    }
    cursor.next();
    let model = path(&mut cursor, "a network", errors)?;
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
    let items = items(&body, &name, errors);
    Some(Train { attrs, vis, name, model, items })
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
            "clip_grad_norm" => items.clip_grad_norm = number(value),
            "clip_grad_value" => items.clip_grad_value = number(value),
            "accumulate" => items.accumulate = number(value),
            "ema" => items.ema = number(value),
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

/// The next `key: value` and the comma after it. What has no such form is reported and passed over.
fn item(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<(Ident, Cursor)> {
    while !cursor.is_empty() {
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

/// What stands before the next comma; the comma is passed over.
fn until_comma(cursor: &mut Cursor, around: Span) -> Cursor {
    let mut tokens = TokenStream::new();
    while !cursor.is_empty() && cursor.eat_punct(',').is_none() {
        tokens.extend(cursor.next());
    }
    Cursor::new(tokens, around)
}

/// Reports what is left over. Nothing is said where the item itself was not understood.
fn end(cursor: &mut Cursor, errors: &mut Diagnostics) {
    if !cursor.is_empty() {
        let found = cursor.found();
        errors.error(cursor.span(), format!("expected `,`, found {found}"));
    }
}

/// Gives up on an item: reports, and passes over the rest, so that nothing more is said about it.
fn give_up<R>(cursor: &mut Cursor, expected: &str, help: &str, errors: &mut Diagnostics) -> Option<R> {
    let found = cursor.found();
    errors.error(cursor.span(), format!("expected {expected}, found {found}")).help(help);
    while cursor.next().is_some() {}
    None
}

/// `Adam`, `my::Lion`, `::lions::Lion`.
fn path(cursor: &mut Cursor, what: &str, errors: &mut Diagnostics) -> Option<Path> {
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
        tokens.extend([TokenTree::Ident(name.clone())]);
        if cursor.peek_punct('<') || (cursor.peek_pair([':', ':']) && ahead(cursor, 2).peek_punct('<')) {
            let help = format!("give it a name first: `type My{name} = {name}<…>;`, then `self::My{name}`");
            errors.error(cursor.span(), format!("`{name}` cannot have generic arguments here")).help(help);
            while cursor.next().is_some() {}
            return None;
        }
        if !take_colons(cursor, &mut tokens) {
            return Some(Path { tokens, name, bare });
        }
        bare = false;
    }
}

/// `Adam(lr = 1e-3)`.
fn settings(cursor: &mut Cursor, what: &str, errors: &mut Diagnostics) -> Option<Settings> {
    let path = path(cursor, what, errors)?;
    let (mut wrapped, mut options) = (Vec::new(), Vec::new());
    if let Some(group) = cursor.eat_group(Delimiter::Parenthesis) {
        let mut args = Cursor::new(group.stream(), group.span_open());
        while !args.is_empty() {
            if args.nth_ident(0).is_some_and(starts_upper) && !is_option(&args) {
                let mut arg = until_comma(&mut args, group.span());
                wrapped.extend(settings(&mut arg, what, errors));
                end(&mut arg, errors);
            } else {
                options.extend(option(&mut args, &path.name, group.span_open(), errors));
            }
        }
    }
    Some(Settings { path, wrapped, options })
}

fn starts_upper(name: &Ident) -> bool {
    // `T_max = 5` is an option, `AdamW(…)` is not; `is_option` tells them apart.
    name.to_string().starts_with(char::is_uppercase)
}

/// Whether `name =` comes next.
fn is_option(cursor: &Cursor) -> bool {
    let after = ahead(cursor, 1);
    cursor.peek_ident().is_some()
        && after.peek_punct('=')
        && !after.peek_pair(['=', '='])
        && !after.peek_pair(['=', '>'])
}

/// `lr = 1e-3` and the comma after it.
fn option(args: &mut Cursor, of: &Ident, around: Span, errors: &mut Diagnostics) -> Option<Choice> {
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
    let mut value = until_comma(args, equals);
    if value.is_empty() {
        errors.error(equals, format!("`{name}` of `{of}` has no value"));
        return None;
    }
    Some(Choice { name, value: rest(&mut value) })
}

/// All that is left.
fn rest(cursor: &mut Cursor) -> TokenStream {
    std::iter::from_fn(|| cursor.next()).collect()
}

fn number(cursor: &mut Cursor) -> Option<Number> {
    let span = cursor.span();
    Some(Number { value: rest(cursor), span })
}

/// `[a, b]`.
fn list<R>(
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
        let mut one = until_comma(&mut inner, group.span());
        elements.extend(element(&mut one, errors));
        end(&mut one, errors);
    }
    elements
}

/// `stem`, or `"blocks.*.bias"`.
fn pattern(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Pattern> {
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
fn string(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then(|| inner.to_string())
}

/// `SGD(lr = 0.01) { … }`.
fn optimizer(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Optimizer> {
    let settings = settings(cursor, "an optimizer", errors)?;
    let mut optimizer = Optimizer { settings, no_decay: Vec::new(), groups: Vec::new() };
    let Some(braces) = cursor.eat_group(Delimiter::Brace) else { return Some(optimizer) };
    let mut inner = Cursor::new(braces.stream(), braces.span_open());
    while !inner.is_empty() {
        let mut entry = until_comma(&mut inner, braces.span());
        group(&mut entry, &mut optimizer, errors);
        end(&mut entry, errors);
    }
    Some(optimizer)
}

/// `no_decay: [bias, norm]`, or `head => (lr = 3e-3)`.
fn group(entry: &mut Cursor, optimizer: &mut Optimizer, errors: &mut Diagnostics) {
    let form = "write `no_decay: [bias, norm]` or `head => (lr = 3e-3)`";
    let key = entry.peek_ident().cloned();
    if let Some(key) = key.filter(|_| ahead(entry, 1).peek_punct(':')) {
        if key != "no_decay" {
            let help = did_you_mean(&key.to_string(), ["no_decay"]).unwrap_or_else(|| form.into());
            errors.error(key.span(), format!("an optimizer's groups have no item `{key}`")).help(help);
        }
        entry.next();
        entry.next();
        optimizer.no_decay = list(entry, "no_decay", "[bias, norm]", errors, kind);
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
        choices.extend(option(&mut args, &optimizer.settings.path.name, options.span_open(), errors));
    }
    optimizer.groups.push(Group { pattern, options: choices });
}

/// `bias`, as the runtime's variant.
fn kind(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Ident> {
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

/// `LinearLR(…) for 500 -> CosineAnnealingLR(…) per step`.
fn scheduler(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Scheduler> {
    let schedule = in_turn(cursor, errors)?;
    let mut scheduler = Scheduler { schedule, on: None, per_step: false };
    loop {
        if cursor.peek_word("on") {
            cursor.next();
            let Some(metric) = cursor.eat_ident() else {
                return give_up(cursor, "a metric", "write `on val_loss`", errors);
            };
            scheduler.on = Some(metric);
        } else if cursor.peek_word("per") {
            cursor.next();
            match cursor.peek_ident().map(Ident::to_string).as_deref() {
                Some("step") => scheduler.per_step = true,
                Some("epoch") => scheduler.per_step = false,
                _ => return give_up(cursor, "`step` or `epoch`", "write `per step` or `per epoch`", errors),
            }
            cursor.next();
        } else {
            break;
        }
    }
    if let Some(metric) = scheduler.on.as_ref().filter(|_| scheduler.per_step) {
        errors
            .error(metric.span(), format!("`{metric}` is known once per epoch, but the schedule steps `per step`"))
            .help("write `per epoch`");
    }
    Some(scheduler)
}

/// `A(…) for 500 -> B(…)`.
fn in_turn(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Schedule> {
    let mut parts = vec![(together(cursor, errors)?, None)];
    loop {
        let mut until = None;
        if cursor.peek_word("for") {
            cursor.next();
            until = Some(cursor.span());
            let steps = steps(cursor, errors)?;
            parts.last_mut().expect("there is a first").1 = Some(steps);
        }
        if let Some((dash, _)) = cursor.eat_torn(['-', '>']) {
            errors.error(dash, "found `- >`, which is two tokens").help("write `->`");
        } else if cursor.eat_pair(['-', '>']).is_none() {
            if let Some(span) = until {
                let message = "the last schedule has no end: `for` says when the next one begins";
                errors.error(span, message).help("leave it out, or write `-> …` after it");
            }
            break;
        }
        parts.push((together(cursor, errors)?, None));
    }
    Some(if parts.len() == 1 { parts.remove(0).0 } else { Schedule::InTurn(parts) })
}

/// The number after `for`: an integer, a name or a parenthesised expression, since an expression would take the `-` of
/// `->` for minus.
fn steps(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<TokenStream> {
    match cursor.peek() {
        Some(TokenTree::Literal(_) | TokenTree::Ident(_)) => cursor.next().map(TokenStream::from),
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            // Without the parentheses, which rustc would call unnecessary.
            let inner = group.stream();
            cursor.next();
            Some(inner)
        }
        _ => give_up(cursor, "a number of steps", "write `for 500`, or an expression in parentheses", errors),
    }
}

/// `A(…) + B(…)`.
fn together(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Schedule> {
    let mut parts = vec![one(cursor, errors)?];
    while cursor.eat_punct('+').is_some() {
        parts.push(one(cursor, errors)?);
    }
    Some(if parts.len() == 1 { parts.remove(0) } else { Schedule::Together(parts) })
}

/// `A(…)`, or several in parentheses.
fn one(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Schedule> {
    let Some(group) = cursor.eat_group(Delimiter::Parenthesis) else {
        return settings(cursor, "a schedule", errors).map(Schedule::One);
    };
    let mut inner = Cursor::new(group.stream(), group.span());
    let schedule = in_turn(&mut inner, errors)?;
    end(&mut inner, errors);
    Some(schedule)
}

/// `` `a`, `b` ``.
fn listed<const N: usize>(names: [&str; N]) -> String {
    names.map(|name| format!("`{name}`")).join(", ")
}

/// The same place, some tokens further.
fn ahead(cursor: &Cursor, tokens: usize) -> Cursor {
    let mut further = cursor.clone();
    (0..tokens).for_each(|_| drop(further.next()));
    further
}
