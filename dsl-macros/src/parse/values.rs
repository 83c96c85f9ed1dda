//! What arguments are once they have been read: dimensions, numbers and integers, each with its place.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;

use super::tokens::text;
use crate::ir::Dim;

/// A dimension that may be left to the compiler.
#[derive(Clone, Debug)]
pub(crate) struct Size {
    /// `None` for `_`.
    pub(crate) dim: Option<Dim>,
    pub(crate) span: Span,
}

/// A number for each axis that a layer slides over.
#[derive(Clone, Debug)]
pub(crate) struct PerAxis {
    pub(crate) dims: Vec<Dim>,
    /// Whether one was given for all.
    pub(crate) one: bool,
    pub(crate) span: Span,
}

impl PerAxis {
    /// The same for all axes.
    pub(crate) fn all(value: usize, axes: usize, span: Span) -> Self {
        PerAxis { dims: vec![Dim::Known(value); axes], one: true, span }
    }

    /// Whether it is that for all axes.
    pub(crate) fn is(&self, value: usize) -> bool {
        self.dims.iter().all(|dim| dim.known() == Some(value))
    }
}

impl std::fmt::Display for PerAxis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.dims[..] {
            [first, ..] if self.one => first.fmt(f),
            dims => write!(f, "({})", dims.iter().map(Dim::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// What is put at a side of a sample, or taken away there.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    More(Dim),
    /// A negative number.
    Less(usize),
}

/// One of them for each side, as they are written.
#[derive(Clone, Debug)]
pub(crate) struct PerSide {
    pub(crate) sides: Vec<Side>,
    /// Whether one was given for all.
    pub(crate) one: bool,
    pub(crate) span: Span,
}

/// As many values as are written.
#[derive(Clone, Debug)]
pub(crate) struct Several<V> {
    pub(crate) values: Vec<V>,
    /// Whether one stands alone, without a list.
    pub(crate) one: bool,
    pub(crate) span: Span,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Side::More(dim) => dim.fmt(f),
            Side::Less(taken) => write!(f, "-{taken}"),
        }
    }
}

impl std::fmt::Display for PerSide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.sides[..] {
            [first, ..] if self.one => first.fmt(f),
            sides => write!(f, "({})", sides.iter().map(Side::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

impl<V: std::fmt::Display> std::fmt::Display for Several<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.values[..] {
            [first] if self.one => first.fmt(f),
            values => write!(f, "({})", values.iter().map(V::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// A number, where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    /// `None` for a constant that only rustc knows.
    pub(crate) value: Option<f64>,
    /// An expression of type `f64`.
    pub(crate) tokens: TokenStream,
    pub(crate) span: Span,
}

impl Number {
    pub(crate) fn new(value: f64, span: Span) -> Self {
        let mut literal = Literal::f64_unsuffixed(value.abs());
        literal.set_span(span);
        let tokens = if value.is_sign_negative() { quote!(-#literal) } else { quote!(#literal) };
        Number { value: Some(value), tokens, span }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value}"),
            None => f.write_str(&text(self.tokens.clone())),
        }
    }
}

/// An integer, where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integer {
    pub(crate) value: i64,
    pub(crate) span: Span,
}

/// Which numbers an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Any,
    /// 0 ≤ p ≤ 1.
    Probability,
    /// > 0.
    Positive,
    /// ≥ 0.
    NotNegative,
    /// ≠ 0.
    NotZero,
}

impl Range {
    pub(super) fn holds(self, value: f64) -> bool {
        match self {
            Range::Any => true,
            Range::Probability => (0.0..=1.0).contains(&value),
            Range::Positive => value > 0.0,
            Range::NotNegative => value >= 0.0,
            Range::NotZero => value != 0.0,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Range::Any => "any number",
            Range::Probability => "between 0 and 1",
            Range::Positive => "positive",
            Range::NotNegative => "0 or more",
            Range::NotZero => "other than 0",
        }
    }

    pub(super) fn condition(self, number: &TokenStream) -> Option<TokenStream> {
        match self {
            Range::Any => None,
            Range::Probability => Some(quote!((#number) >= 0.0 && (#number) <= 1.0)),
            Range::Positive => Some(quote!((#number) > 0.0)),
            Range::NotNegative => Some(quote!((#number) >= 0.0)),
            Range::NotZero => Some(quote!((#number) != 0.0)),
        }
    }
}
