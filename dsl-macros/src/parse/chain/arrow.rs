//! `->`, and what stands in its place.

use super::*;

impl Parser<'_> {
    pub(super) fn at_end(&self, end: End) -> bool {
        match end {
            End::Angle => self.cursor.is_empty() || self.closes() || self.new_item_follows(),
            End::OfTokens => self.cursor.is_empty(),
        }
    }

    /// The `>` that closes a network, and not one that stands for an arrow: then a layer follows.
    fn closes(&self) -> bool {
        if !self.cursor.peek_punct('>') {
            return false;
        }
        let mut after = self.cursor.clone();
        after.take(self.cursor.sign());
        !layer_follows(&after)
    }

    /// A word or sign that begins another network: the `>` before it was forgotten.
    pub(in crate::parse) fn new_item_follows(&self) -> bool {
        let item = |cursor: &Cursor| cursor.peek_word("pub") || block_follows(cursor);
        if !self.cursor.peek_punct('#') {
            return item(&self.cursor);
        }
        let after = after_attributes(&self.cursor);
        item(&after) || network_follows(&after)
    }

    /// The `->` before the next step. What stands there instead is reported; `false` if nothing can follow.
    pub(super) fn arrow(&mut self, end: End) -> bool {
        refuse_attributes(&mut self.cursor, "a layer", self.errors);
        if self.at_end(end) {
            return false;
        }
        if let Some((first, last)) = self.cursor.eat_pair(ARROW) {
            return self.step_follows((first, last), end);
        }
        if let Some(torn) = self.cursor.eat_torn(ARROW) {
            self.errors.error_at(torn, "`- >` is two tokens").help("write `->`");
            return self.step_follows(torn, end);
        }
        let (span, found) = (self.cursor.span(), self.cursor.found());
        if starts_step(&self.cursor) {
            self.errors.error(span, format!("`->` is missing before {found}"));
            return true;
        }
        if self.another_arrow() {
            return true;
        }
        let help = match found.as_str() {
            "`=>`" => "`=> [64]` follows a layer of your own, `=> Add` a list of values in brackets",
            _ => "after a layer come `->`, `* 2`, `as name` or the end",
        };
        self.errors.error(span, format!("`->` is expected, found {found}")).help(help);
        self.skip_to_arrow(end)
    }

    /// On to something that can go on; `false` if there is nothing.
    pub(super) fn skip_to_arrow(&mut self, end: End) -> bool {
        while !self.at_end(end) {
            if self.cursor.eat_pair(ARROW).is_some() {
                return !self.at_end(end);
            }
            self.cursor.next();
        }
        false
    }

    /// `>>`, `|>`, `=>`, `,`: whatever signs stand between two layers are meant as an arrow.
    fn another_arrow(&mut self) -> bool {
        let width = self.cursor.sign();
        let mut after = self.cursor.clone();
        let signs = after.take(width);
        let shape = self.cursor.peek_pair(GIVES) && after.peek_group(Delimiter::Bracket).is_some() && {
            let mut end = after.clone();
            end.next();
            !end.peek_pair(GIVES)
        };
        let list = after.peek_group(Delimiter::Parenthesis).or(after.peek_group(Delimiter::Bracket)).is_some();
        if width == 0 || shape || !(starts_step(&after) || list) {
            return false;
        }
        let written: String = signs.clone().into_iter().map(|token| token.to_string()).collect();
        let place = extent(&signs).unwrap_or((self.cursor.span(), self.cursor.span()));
        self.errors.error_at(place, format!("`->` is expected, found `{written}`")).help("write `->`");
        self.cursor = after;
        true
    }

    fn step_follows(&mut self, arrow: (Span, Span), end: End) -> bool {
        if self.at_end(end) {
            self.errors.error_at(arrow, "a layer is missing after `->`");
            return false;
        }
        true
    }
}

pub(super) fn starts_step(cursor: &Cursor) -> bool {
    // `& ReLU` is another arrow: labels are written small.
    let label = cursor.nth_ident(1).is_some_and(|i| !i.to_string().starts_with(char::is_uppercase));
    cursor.peek_ident().is_some_and(|i| i != "as")
        || (cursor.peek_punct('&') && label)
        || cursor.peek_group(Delimiter::None).is_some()
}

pub(super) fn block_follows(cursor: &Cursor) -> bool {
    cursor.peek_word("block") && cursor.nth_ident(1).is_some()
}

/// `Name <`, `Name: [3] <` or `<`: the beginning of a network, and not of a layer with generic arguments.
fn network_follows(cursor: &Cursor) -> bool {
    let mut after = cursor.clone();
    after.eat_ident();
    if after.eat_punct(':').is_some() && after.eat_group(Delimiter::Bracket).is_none() {
        return false;
    }
    let arguments = generics_len(after.rest());
    let opens = after.peek_punct('<');
    after.take(arguments.unwrap_or(0));
    opens && !after.peek_pair(GIVES)
}

/// The beginning of a layer, and not of a network: `ReLU ->`, `Linear(…)`, `fc2: Linear`.
fn layer_follows(cursor: &Cursor) -> bool {
    let mut after = cursor.clone();
    if cursor.peek_word("pub") || block_follows(cursor) {
        return false;
    }
    if after.eat_group(Delimiter::Parenthesis).or_else(|| after.eat_group(Delimiter::Bracket)).is_some() {
        return true;
    }
    if after.eat_punct('&').is_some() || after.eat_label().is_some() {
        let list = after.eat_group(Delimiter::Bracket).is_some();
        return if list { after.peek_pair(GIVES) } else { after.peek_ident().is_some() };
    }
    if after.eat_ident().is_none() {
        return false;
    }
    if after.eat_group(Delimiter::Parenthesis).is_some() {
        return !after.peek_punct('<');
    }
    let goes_on = [ARROW, GIVES, PATH].iter().any(|pair| after.peek_pair(*pair));
    goes_on || after.peek_punct('>') || after.peek_punct('*') || after.peek_word("as")
}
