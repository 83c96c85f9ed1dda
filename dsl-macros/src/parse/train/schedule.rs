//! Schedules, one after the other or together, and when they are stepped.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};

use super::lists::*;
use super::settings::settings;
use crate::ast_train::{Schedule, Scheduler};
use crate::diagnostics::Diagnostics;
use crate::parse::tokens::{Cursor, extent};

/// `LinearLR(…) for 500 -> CosineAnnealingLR(…) per step`.
pub(super) fn scheduler(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Scheduler> {
    let schedule = in_turn(cursor, errors)?;
    let mut scheduler = Scheduler { schedule, on: None, per_step: false };
    let mut per = false;
    loop {
        let (span, twice) = (cursor.span(), |word: &str| format!("`{word}` stands here twice"));
        if cursor.peek_word("on") {
            if scheduler.on.is_some() {
                errors.error(span, twice("on")).help("a schedule watches one metric: remove one of them");
            }
            cursor.next();
            let Some(metric) = cursor.eat_ident() else {
                return give_up(cursor, "a metric", "write `on val_loss`", errors);
            };
            scheduler.on = Some(metric);
        } else if cursor.peek_word("per") {
            if std::mem::replace(&mut per, true) {
                errors.error(span, twice("per")).help("write `per step` or `per epoch`");
            }
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
pub(super) fn in_turn(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Schedule> {
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
        } else if let Some((place, written)) = another_arrow(cursor) {
            errors.error_at(place, format!("expected `->`, found `{written}`")).help("write `->`");
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

/// `>>`, `=>`: signs between two schedules, which are meant as an arrow.
fn another_arrow(cursor: &mut Cursor) -> Option<((Span, Span), String)> {
    let width = cursor.sign();
    let mut after = cursor.clone();
    let signs = after.take(width);
    let schedule = after.peek_ident().is_some() || after.peek_group(Delimiter::Parenthesis).is_some();
    if cursor.peek_pair(['-', '>']) || width == 0 || !schedule {
        return None;
    }
    *cursor = after;
    Some((extent(&signs)?, signs.into_iter().map(|token| token.to_string()).collect()))
}

/// The number after `for`: an expression, up to `->` or the end. An expression would take the `-` of `->` for minus.
pub(super) fn steps(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<TokenStream> {
    let mut tokens = TokenStream::new();
    let mut operand = false;
    while !cursor.is_empty()
        && ![['-', '>'], ['=', '>']].iter().any(|pair| cursor.peek_pair(*pair) || cursor.peek_torn(*pair))
    {
        // `per step` and `on val_loss` follow an operand, which a name within an expression does not.
        if operand && (cursor.peek_word("per") || cursor.peek_word("on")) {
            break;
        }
        operand = !matches!(cursor.peek(), Some(TokenTree::Punct(_)));
        tokens.extend(cursor.next());
    }
    let parts: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let steps = match parts.as_slice() {
        [] => return give_up(cursor, "a number of steps", "write `for 500`, or an expression in parentheses", errors),
        // Without the parentheses, which rustc would call unnecessary.
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::Parenthesis => {
            value(&mut Cursor::new(group.stream(), group.span_open()), "the number after `for`", errors)
        }
        [first, ..] => value(&mut Cursor::new(tokens, first.span()), "the number after `for`", errors),
    };
    if steps.is_none() {
        rest(cursor);
    }
    steps
}

/// `A(…) + B(…)`.
pub(super) fn together(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Schedule> {
    let mut parts = vec![one(cursor, errors)?];
    while cursor.eat_punct('+').is_some() {
        parts.push(one(cursor, errors)?);
    }
    Some(if parts.len() == 1 { parts.remove(0) } else { Schedule::Together(parts) })
}

/// `A(…)`, or several in parentheses.
pub(super) fn one(cursor: &mut Cursor, errors: &mut Diagnostics) -> Option<Schedule> {
    // A fragment of another macro is one schedule too.
    let fragment = cursor.eat_group(Delimiter::None);
    let Some(group) = fragment.or_else(|| cursor.eat_group(Delimiter::Parenthesis)) else {
        return settings(cursor, "a schedule", errors).map(Schedule::One);
    };
    let mut inner = Cursor::new(group.stream(), group.span());
    let schedule = in_turn(&mut inner, errors)?;
    end(&mut inner, errors);
    Some(schedule)
}
