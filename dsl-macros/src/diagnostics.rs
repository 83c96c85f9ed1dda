//! Mistakes, gathered: every pass reports here and goes on, so that one run shows them all.
//!
//! `error(span, message).help(…)` → `compile_error!` calls at the spans. A [`Diagnostics`] that is dropped without
//! having been read is a bug of the compiler, and panics.
//!
//! What only rustc can decide (two dimensions, one of them a named constant) is gathered here too, as
//! [`Assertion`]s: `shape` moves them into the graph.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::ir::Assertion;

/// The mistakes of one macro call.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    entries: Vec<Entry>,
    assertions: Vec<Assertion>,
    read: bool,
}

/// One mistake.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    start: Span,
    end: Span,
    message: String,
    notes: Vec<String>,
}

impl Diagnostics {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Reports a mistake at a token: one line, lower case, names in backticks, what was expected and what was found.
    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Entry {
        self.error_at((span, span), message)
    }

    /// Reports a mistake that takes several tokens to show: from the first to the last.
    pub(crate) fn error_at(&mut self, (start, end): (Span, Span), message: impl Into<String>) -> &mut Entry {
        self.entries.push(Entry { start, end, message: message.into(), notes: Vec::new() });
        self.entries.last_mut().expect("it was just pushed")
    }

    /// Has rustc check `condition`, where the numbers are named constants that only it knows.
    pub(crate) fn assert(&mut self, span: Span, condition: TokenStream, message: impl Into<String>) {
        self.assertions.push(Assertion { condition, message: Some(message.into()), span });
    }

    /// Has rustc run `check`, a constant call of the runtime that stops with a message of its own.
    pub(crate) fn check(&mut self, span: Span, check: TokenStream) {
        self.assertions.push(Assertion { condition: check, message: None, span });
    }

    /// What rustc is to check, so far; once each.
    pub(crate) fn take_assertions(&mut self) -> Vec<Assertion> {
        let mut kept: Vec<Assertion> = Vec::new();
        for assertion in self.assertions.drain(..) {
            let twin = |k: &Assertion| {
                k.message == assertion.message && k.condition.to_string() == assertion.condition.to_string()
            };
            if !kept.iter().any(twin) {
                kept.push(assertion);
            }
        }
        kept
    }

    /// How many mistakes there are; grows when one is reported.
    pub(crate) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Adds a fact to the mistakes after the first `count`.
    pub(crate) fn note_since(&mut self, count: usize, text: &str) {
        for entry in &mut self.entries[count..] {
            entry.note(text);
        }
    }

    /// Whether there are mistakes.
    pub(crate) fn any(&self) -> bool {
        !self.entries.is_empty()
    }

    /// The end: nothing, or the tokens that make rustc report every mistake.
    pub(crate) fn finish(mut self) -> Result<(), TokenStream> {
        self.read = true;
        let entries = self.distinct();
        if entries.is_empty() { Ok(()) } else { Err(entries.into_iter().map(Entry::to_tokens).collect()) }
    }

    /// The messages, each with its place and helps, in the order of [`finish`](Self::finish).
    pub(crate) fn into_messages(mut self) -> Vec<String> {
        self.read = true;
        let place = |span: Span| span.source_text().unwrap_or_default();
        self.distinct().into_iter().map(|e| format!("{} @ `{}`", e.text(), place(e.start))).collect()
    }

    /// Every mistake once: a block that is used four times is wrong once.
    fn distinct(&self) -> Vec<&Entry> {
        let mut kept: Vec<&Entry> = Vec::new();
        for entry in &self.entries {
            if !kept.iter().any(|k| k.message == entry.message && same_place(k.start, entry.start)) {
                kept.push(entry);
            }
        }
        kept
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        if !self.read && !std::thread::panicking() {
            panic!("diagnostics dropped unread: {:?}", self.entries);
        }
    }
}

impl Entry {
    /// How to mend it, on a line of its own.
    pub(crate) fn help(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.notes.push(format!("help: {}", text.as_ref()));
        self
    }

    /// The help, if there is one.
    pub(crate) fn help_if(&mut self, text: Option<impl AsRef<str>>) -> &mut Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// A fact that explains it, on a line of its own.
    pub(crate) fn note(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.notes.push(format!("note: {}", text.as_ref()));
        self
    }

    /// Rustc indents the lines after the first by the width of `error: `.
    fn text(&self) -> String {
        let lines = std::iter::once(self.message.as_str()).chain(self.notes.iter().map(String::as_str));
        lines.collect::<Vec<_>>().join("\n")
    }

    // Expands to:
    // compile_error! { "message\nhelp: …" }
    // (By its bare name, which every edition has, a crate without a prelude too; `::core` is not a path in each of them.)
    fn to_tokens(&self) -> TokenStream {
        let punct = |c, spacing, span| {
            let mut punct = Punct::new(c, spacing);
            punct.set_span(span);
            TokenTree::Punct(punct)
        };
        let mut message = Literal::string(&self.text());
        message.set_span(self.start);
        let mut group = Group::new(Delimiter::Brace, TokenTree::Literal(message).into());
        group.set_span(self.end);
        // Rustc shows the range from the first token to the last.
        [
            TokenTree::Ident(Ident::new("compile_error", self.start)),
            punct('!', Spacing::Alone, self.start),
            TokenTree::Group(group),
        ]
        .into_iter()
        .collect()
    }
}

/// Spans have no `==`; their debug text says where they are.
fn same_place(a: Span, b: Span) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// ``did you mean `ReLU`?`` for a misspelt name, if a known one is near enough.
pub(crate) fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(found, known).map(|name| format!("did you mean `{name}`?"))
}

/// The known name that is nearest to `found`; the first of several.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let normal = |s: &str| s.replace('_', "").to_lowercase();
    let wanted = normal(found);
    let letters = wanted.chars().count();
    // A third of the letters may differ, as in rustc's own suggestions; but not all of them.
    let limit = (letters / 3).max(1);
    let distance = |name: &str| {
        let name = normal(name);
        // `negative` for `negative_slope`: the beginning of a name, farther than any misspelling.
        let beginning = letters >= 4 && name.starts_with(&wanted);
        if beginning { edit_distance(&wanted, &name).min(limit) } else { edit_distance(&wanted, &name) }
    };
    known
        .into_iter()
        .map(|name| (distance(name), name))
        .filter(|&(distance, _)| distance <= limit && distance < letters)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// The least number of letters to insert, delete, replace, or swap with their neighbour.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // rows[i][j]: the distance of the first i letters of `a` from the first j of `b`.
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_suggests_the_nearest() {
        let layers = ["Linear", "ReLU", "Residual", "LeakyReLU"];
        for (found, expected) in [
            ("Relu", Some("ReLU")),
            ("Linaer", Some("Linear")),
            ("Residul", Some("Residual")),
            ("leaky_relu", Some("LeakyReLU")),
            ("Banana", None),
            ("Leaky", Some("LeakyReLU")),
            ("X", None),
            ("", None),
        ] {
            assert_eq!(nearest(found, layers), expected, "{found}");
        }
    }

    #[test]
    fn the_same_mistake_at_the_same_place_is_reported_once() {
        let mut errors = Diagnostics::new();
        for _ in 0..3 {
            errors.error(Span::call_site(), "`Linear` lacks `out_features`").help("write it");
        }
        errors.error(Span::call_site(), "another");
        assert_eq!(errors.into_messages(), ["`Linear` lacks `out_features`\nhelp: write it @ ``", "another @ ``"]);
    }

    #[test]
    fn diagnostics_that_nobody_reads_panic() {
        let dropped = std::panic::catch_unwind(|| {
            Diagnostics::new().error(Span::call_site(), "lost");
        });
        assert!(dropped.is_err());
    }

    #[test]
    fn a_mistake_becomes_a_compile_error() {
        let mut errors = Diagnostics::new();
        errors.error(Span::call_site(), "wrong").help("mend it");
        let tokens = errors.finish().unwrap_err().to_string();
        assert_eq!(tokens, "compile_error ! { \"wrong\\nhelp: mend it\" }");
    }
}
