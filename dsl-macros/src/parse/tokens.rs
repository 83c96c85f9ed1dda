//! A cursor over tokens, and tokens as text for messages.
//!
//! Not `syn`'s: in `Linear(784, 64) -> ReLU >` its expressions read the `-` of `->` as minus and the `>` as "greater".

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

use super::fragments::expression;

/// A place in a list of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
    /// Where "something is missing" is reported after the last token.
    end: Span,
}

impl Cursor {
    /// `around` is what an empty list is part of.
    pub(crate) fn new(stream: TokenStream, around: Span) -> Self {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let end = tokens.last().map_or(around, TokenTree::span);
        Cursor { tokens, at: 0, end }
    }

    pub(crate) fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }

    pub(crate) fn next(&mut self) -> Option<TokenTree> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.tokens.len()
    }

    /// Where the next token is, or the last one if there is no more.
    pub(crate) fn span(&self) -> Span {
        self.peek().map_or(self.end, TokenTree::span)
    }

    /// Takes an invisible group away: its tokens are the next ones.
    pub(crate) fn open_fragment(&mut self) {
        while let Some(group) = self.peek_group(Delimiter::None) {
            let inner = group.stream();
            self.tokens.splice(self.at..=self.at, inner);
        }
    }

    /// The tokens that are left.
    pub(crate) fn rest(&self) -> &[TokenTree] {
        &self.tokens[self.at..]
    }

    /// The next `count` tokens.
    pub(crate) fn take(&mut self, count: usize) -> TokenStream {
        std::iter::from_fn(|| self.next()).take(count).collect()
    }

    fn nth_punct(&self, n: usize, c: char) -> bool {
        matches!(self.tokens.get(self.at + n), Some(TokenTree::Punct(p)) if p.as_char() == c)
    }

    fn joint(&self, n: usize) -> bool {
        matches!(self.tokens.get(self.at + n), Some(TokenTree::Punct(p)) if p.spacing() == Spacing::Joint)
    }

    /// The one-character token `c`, joined to the next or not.
    pub(crate) fn peek_punct(&self, c: char) -> bool {
        self.nth_punct(0, c)
    }

    /// The two-character token `ab`: `->`, `=>`, `::`.
    pub(crate) fn peek_pair(&self, [a, b]: [char; 2]) -> bool {
        self.nth_punct(0, a) && self.joint(0) && self.nth_punct(1, b)
    }

    /// `- >`: an arrow torn apart.
    pub(crate) fn peek_torn(&self, [a, b]: [char; 2]) -> bool {
        self.nth_punct(0, a) && !self.joint(0) && self.nth_punct(1, b)
    }

    pub(crate) fn eat_punct(&mut self, c: char) -> Option<Span> {
        self.peek_punct(c).then(|| self.next().expect("it was peeked at").span())
    }

    pub(crate) fn eat_pair(&mut self, pair: [char; 2]) -> Option<(Span, Span)> {
        self.peek_pair(pair).then(|| self.take_two())
    }

    pub(crate) fn eat_torn(&mut self, pair: [char; 2]) -> Option<(Span, Span)> {
        self.peek_torn(pair).then(|| self.take_two())
    }

    fn take_two(&mut self) -> (Span, Span) {
        let first = self.next().expect("it was peeked at").span();
        (first, self.next().expect("it was peeked at").span())
    }

    pub(crate) fn peek_ident(&self) -> Option<&Ident> {
        self.nth_ident(0)
    }

    pub(crate) fn nth_ident(&self, n: usize) -> Option<&Ident> {
        match self.tokens.get(self.at + n) {
            Some(TokenTree::Ident(ident)) => Some(ident),
            _ => None,
        }
    }

    pub(crate) fn eat_ident(&mut self) -> Option<Ident> {
        let ident = self.peek_ident()?.clone();
        self.at += 1;
        Some(ident)
    }

    /// `name:`, but not `name::`.
    pub(crate) fn eat_label(&mut self) -> Option<Ident> {
        let name = self.peek_ident()?.clone();
        let path = self.joint(1) && self.nth_punct(2, ':');
        if !self.nth_punct(1, ':') || path {
            return None;
        }
        self.at += 2;
        Some(name)
    }

    pub(crate) fn peek_word(&self, word: &str) -> bool {
        self.peek_ident().is_some_and(|i| i == word)
    }

    pub(crate) fn peek_group(&self, delimiter: Delimiter) -> Option<&Group> {
        match self.peek() {
            Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
            _ => None,
        }
    }

    pub(crate) fn eat_group(&mut self, delimiter: Delimiter) -> Option<Group> {
        let group = self.peek_group(delimiter)?.clone();
        self.at += 1;
        Some(group)
    }

    /// The `n`th token from here is `->` or the end: what stands before it is a whole value.
    pub(crate) fn nth_ends_value(&self, n: usize) -> bool {
        let at = self.at + n;
        at >= self.tokens.len() || (self.nth_punct(n, '-') && self.nth_punct(n + 1, '>'))
    }

    /// How many tokens are one sign: `>>` is two. 0 if there is none.
    pub(crate) fn sign(&self) -> usize {
        let is_sign = |n: usize| matches!(self.rest().get(n), Some(TokenTree::Punct(p)) if p.as_char() != '#');
        let mut width = 0;
        while is_sign(width) {
            width += 1;
            if !self.joint(width - 1) {
                break;
            }
        }
        width
    }

    /// The next token as text, for `found …`.
    pub(crate) fn found(&self) -> String {
        for pair in [['-', '>'], ['=', '>'], [':', ':']] {
            if self.peek_pair(pair) {
                return format!("`{}{}`", pair[0], pair[1]);
            }
        }
        match self.peek() {
            None => "the end".into(),
            Some(TokenTree::Group(group)) => match group.delimiter() {
                Delimiter::Parenthesis => "`(…)`".into(),
                Delimiter::Bracket => "`[…]`".into(),
                Delimiter::Brace => "`{…}`".into(),
                Delimiter::None => format!("`{}`", text(group.stream())),
            },
            Some(token) => format!("`{}`", text(token.clone().into())),
        }
    }
}

/// The first and the last span of some tokens.
pub(crate) fn extent(tokens: &TokenStream) -> Option<(Span, Span)> {
    let mut spans = tokens.clone().into_iter().map(|t| t.span());
    let first = spans.next()?;
    Some((first, spans.last().unwrap_or(first)))
}

/// Tokens as a person would write them: `Linear(_, 4 * D, bias = false)`. The same tokens give the same text, however
/// they were spaced.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut out = String::new();
    write_text(expression(tokens), &mut out);
    out
}

fn write_text(stream: TokenStream, out: &mut String) {
    // What the last token was, as far as blanks depend on it.
    let mut glue = true;
    let mut operand = false;
    // Within the `<…>` of a path.
    let mut generics = 0;
    for token in stream {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                let call = operand && group.delimiter() != Delimiter::Brace;
                if !glue && !call {
                    out.push(' ');
                }
                out.push_str(open);
                write_text(group.stream(), out);
                out.push_str(close);
                (glue, operand) = (false, true);
            }
            TokenTree::Punct(punct) => {
                let c = punct.as_char();
                let joint = punct.spacing() == Spacing::Joint;
                let path = c == ':' && (joint || out.ends_with(':'));
                let opens = c == '<' && (generics > 0 || out.ends_with("::"));
                let closes = c == '>' && generics > 0 && !out.ends_with('-') && !out.ends_with('=');
                generics = generics + i32::from(opens) - i32::from(closes);
                let close = closes || opens || matches!(c, ',' | ';' | '.' | '?' | ':');
                // A sign after an operator or at the beginning belongs to what follows.
                let sign = !operand && !joint && matches!(c, '-' | '&' | '*' | '!' | '#');
                if !glue && !close {
                    out.push(' ');
                }
                out.push(c);
                glue = opens || (joint && !closes) || path || sign || matches!(c, '.' | '\'' | '#');
                operand = closes || c == '?';
            }
            TokenTree::Ident(ident) => {
                if !glue {
                    out.push(' ');
                }
                out.push_str(&ident.to_string());
                (glue, operand) = (false, true);
            }
            TokenTree::Literal(literal) => {
                if !glue {
                    out.push(' ');
                }
                out.push_str(&literal.to_string());
                (glue, operand) = (false, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_as_a_person_would() {
        for (source, expected) in [
            ("Linear ( _ ,4*D,bias=false )", "Linear(_, 4 * D, bias = false)"),
            ("Residual(a->b, shortcut=c -> d)", "Residual(a -> b, shortcut = c -> d)"),
            ("my::Layer::<3>(7)=>[64]", "my::Layer::<3>(7) => [64]"),
            ("Flatten(start_dim = - 1)", "Flatten(start_dim = -1)"),
            ("[u32;64]", "[u32; 64]"),
            ("(1,2 , 3)", "(1, 2, 3)"),
            ("fc1:Linear", "fc1: Linear"),
        ] {
            assert_eq!(text(source.parse().unwrap()), expected);
        }
    }
}
