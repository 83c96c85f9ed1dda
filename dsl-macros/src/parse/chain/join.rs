//! `[_, s1, s2 -> Linear(64, 3)] => Concat(1)`: a list of values, and what joins them.

use super::*;

impl Parser<'_> {
    /// `[_, s1] => Concat(1)`.
    pub(super) fn join(&mut self, group: &Group) -> Option<Item> {
        let span = group.span_open();
        let pieces = split_chains(group.stream(), self.errors);
        let branches: Vec<Branch> = pieces.into_iter().map(|piece| self.branch(piece, span)).collect();
        if self.cursor.eat_pair(GIVES).is_none() {
            let found = self.cursor.found();
            self.errors
                .error(
                    self.cursor.span(),
                    format!("`=>` and a join are expected after the list of values, found {found}"),
                )
                .help("write `[_, s1] => Concat(1)`, or `Add`, `Mul`, `Stack(1)`");
            return None;
        }
        let found = self.cursor.found();
        let Some(name) = self.cursor.eat_ident() else {
            self.errors
                .error(self.cursor.span(), format!("a join is expected after `=>`, found {found}"))
                .help("`Add`, `Mul`, `Concat(1)` or `Stack(1)`");
            return None;
        };
        let args = self.args();
        Some(Item::Join { branches, span, join: Call { name, args } })
    }

    /// `_`, `s1`, `s1 -> ReLU`, `Linear(_, 8) -> ReLU`.
    fn branch(&mut self, tokens: TokenStream, around: Span) -> Branch {
        let (span, _) = extent(&tokens).unwrap_or((around, around));
        let mut parser = Parser { cursor: Cursor::new(tokens, span), errors: &mut *self.errors };
        refuse_attributes(&mut parser.cursor, "a branch", parser.errors);
        parser.cursor.open_fragment();
        let value = parser.cursor.peek_ident().is_some_and(|name| {
            let name = name.to_string();
            let rest = parser.cursor.nth_ends_value(1);
            rest && (name == "_" || name.starts_with(|c: char| c.is_lowercase()))
        });
        if !value {
            let chain = parser.chain(span, End::OfTokens);
            return Branch { tap: None, chain };
        }
        let name = parser.cursor.eat_ident().filter(|name| name != "_");
        let mut chain = Chain { steps: Vec::new(), span };
        if !parser.cursor.is_empty() && parser.arrow(End::OfTokens) {
            chain = parser.chain(span, End::OfTokens);
        }
        Branch { tap: name, chain }
    }
}
