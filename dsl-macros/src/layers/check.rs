//! What a layer demands of two dimensions. Where both are numbers it is decided now; where one is a named constant, rustc is
//! left an assertion.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diagnostics::Diagnostics;
use crate::ir::{Agreement, Dim};

/// A demand on two dimensions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Must<'a> {
    Equal(&'a Dim, &'a Dim),
    /// The first is not larger than the second.
    AtMost(&'a Dim, &'a Dim),
    /// The first is smaller than the second.
    Less(&'a Dim, &'a Dim),
    /// The first divides the second.
    Divide(&'a Dim, &'a Dim),
}

impl Must<'_> {
    /// Whether it is so, as far as can be said now.
    fn decided(self) -> Option<bool> {
        match self {
            Must::Equal(a, b) => match a.agrees(b) {
                Agreement::Equal => Some(true),
                Agreement::Different => Some(false),
                Agreement::Unknown => None,
            },
            Must::AtMost(Dim::Known(0), _) | Must::Divide(Dim::Known(1), _) => Some(true),
            Must::AtMost(a, b) => Some(a.known()? <= b.known()?),
            Must::Less(a, b) => Some(a.known()? < b.known()?),
            Must::Divide(a, b) => Some(b.known()?.is_multiple_of(a.known()?)),
        }
    }

    /// The same for rustc.
    fn condition(self) -> TokenStream {
        match self {
            Must::Equal(a, b) => quote!((#a) == (#b)),
            Must::AtMost(a, b) => quote!((#a) <= (#b)),
            Must::Less(a, b) => quote!((#a) < (#b)),
            Must::Divide(a, b) => quote!((#b) % (#a) == 0),
        }
    }
}

/// Whether it is so, for a caller that reports it if not. What cannot be said now is taken to be: rustc finds out, and says
/// `text` at `span` if it is not.
pub(super) fn holds(must: Must<'_>, span: Span, text: &str, errors: &mut Diagnostics) -> bool {
    must.decided().unwrap_or_else(|| {
        errors.assert(span, must.condition(), text);
        true
    })
}

/// Reports at `span` what is not so; `help` says how to mend it.
pub(super) fn check<H: AsRef<str>>(
    must: Must<'_>,
    span: Span,
    text: String,
    errors: &mut Diagnostics,
    help: impl FnOnce() -> H,
) -> Option<()> {
    if holds(must, span, &text, errors) {
        return Some(());
    }
    errors.error(span, text).help(help());
    None
}

/// What divides a dimension, the smallest first, as far as that is known: for a help.
pub(super) fn divisors(dim: &Dim) -> Vec<usize> {
    let Some(n) = dim.known() else { return Vec::new() };
    let small = (1..=n.isqrt()).filter(|d| n.is_multiple_of(*d));
    let mut all: Vec<usize> = small.flat_map(|d| [d, n / d]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// `1, 2, 4`
pub(super) fn listed(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_rustc_knows_is_left_to_it() {
        let (two, six, named) = (Dim::Known(2), Dim::Known(6), Dim::named(quote!(N)));
        let (none, one) = (Dim::Known(0), Dim::Known(1));
        for (must, decided) in [
            (Must::Equal(&two, &six), Some(false)),
            (Must::Equal(&named, &named), Some(true)),
            (Must::Equal(&two, &named), None),
            (Must::AtMost(&six, &six), Some(true)),
            (Must::AtMost(&six, &two), Some(false)),
            (Must::AtMost(&none, &named), Some(true)),
            (Must::AtMost(&one, &named), None),
            (Must::Less(&six, &six), Some(false)),
            (Must::Less(&none, &named), None),
            (Must::Divide(&two, &six), Some(true)),
            (Must::Divide(&six, &two), Some(false)),
            (Must::Divide(&one, &named), Some(true)),
            (Must::Divide(&two, &named), None),
        ] {
            assert_eq!(must.decided(), decided, "{must:?}");
        }
    }

    #[test]
    fn divisors_are_all_there_once() {
        for n in 1..50 {
            assert_eq!(divisors(&Dim::Known(n)), (1..=n).filter(|d| n % d == 0).collect::<Vec<_>>(), "{n}");
        }
    }
}
