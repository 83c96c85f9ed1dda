//! Dimensions and shapes: numbers, or expressions that only rustc can evaluate.

use std::fmt;

use proc_macro2::{Span, TokenStream};

/// One dimension: a number, or an expression over constants that only rustc can evaluate (`H`, `4 * D`).
#[derive(Clone)]
pub(crate) enum Dim {
    /// Known now.
    Known(usize),
    /// Known when the user's crate is compiled. `text` is its normalised form, by which two are compared.
    Named { text: String, tokens: TokenStream },
}

/// What is known of two dimensions that should be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// They are.
    Equal,
    /// They are not.
    Different,
    /// Rustc will tell: a constant assertion has to be emitted.
    Unknown,
}

/// The shape of one sample: the batch, PyTorch's axis 0, is not part of it. `[]` is a scalar.
#[derive(Clone, PartialEq)]
pub(crate) struct Shape(pub(crate) Vec<Dim>);

impl Dim {
    /// An expression over constants. Its text is the tokens without blanks.
    pub(crate) fn named(tokens: TokenStream) -> Dim {
        Dim::Named { text: tokens.to_string(), tokens }
    }

    pub(crate) fn known(&self) -> Option<usize> {
        match self {
            Dim::Known(n) => Some(*n),
            Dim::Named { .. } => None,
        }
    }

    /// Whether two dimensions are equal, as far as can be said now.
    pub(crate) fn agrees(&self, other: &Dim) -> Agreement {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) if a == b => Agreement::Equal,
            (Dim::Known(_), Dim::Known(_)) => Agreement::Different,
            (Dim::Named { text: a, .. }, Dim::Named { text: b, .. }) if a == b => Agreement::Equal,
            _ => Agreement::Unknown,
        }
    }

    /// What is larger than any number is the largest: `shape` refuses it.
    fn combine(&self, other: &Dim, known: impl Fn(usize, usize) -> usize, op: char) -> Dim {
        if let (Dim::Known(a), Dim::Known(b)) = (self, other) {
            return Dim::Known(known(*a, *b));
        }
        // All of it at the user's name: rustc's words about the result point there, and clippy, which looks for a line
        // break before an operator in an array, finds none.
        let span = [self, other].into_iter().find_map(Dim::span).unwrap_or_else(Span::call_site);
        let mut punct = proc_macro2::Punct::new(op, proc_macro2::Spacing::Alone);
        punct.set_span(span);
        let (a, b) = (self.operand(span), other.operand(span));
        Dim::named(quote::quote!(#a #punct #b))
    }

    /// Where the expression begins.
    fn span(&self) -> Option<Span> {
        match self {
            Dim::Known(_) => None,
            Dim::Named { tokens, .. } => tokens.clone().into_iter().next().map(|token| token.span()),
        }
    }

    /// The tokens, in parentheses where they are more than one.
    fn operand(&self, span: Span) -> TokenStream {
        let mut tokens = quote::quote!(#self).into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(mut only), None) => {
                if let Dim::Known(_) = self {
                    only.set_span(span);
                }
                only.into()
            }
            _ => quote::quote_spanned!(span=> (#self)),
        }
    }

    pub(crate) fn mul(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(1), d) | (d, Dim::Known(1)) => d.clone(),
            _ => self.combine(other, usize::saturating_mul, '*'),
        }
    }

    pub(crate) fn add(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(0), d) | (d, Dim::Known(0)) => d.clone(),
            _ => self.combine(other, usize::saturating_add, '+'),
        }
    }

    pub(crate) fn sub(&self, other: &Dim) -> Dim {
        match other {
            Dim::Known(0) => self.clone(),
            _ => self.combine(other, usize::saturating_sub, '-'),
        }
    }

    pub(crate) fn div(&self, other: &Dim) -> Dim {
        match other {
            Dim::Known(1) => self.clone(),
            _ => self.combine(other, |a, b| a.checked_div(b).unwrap_or(0), '/'),
        }
    }

    /// The quotient, rounded up.
    pub(crate) fn div_ceil(&self, other: &Dim) -> Dim {
        match (self, other) {
            (_, Dim::Known(1)) => self.clone(),
            (Dim::Known(a), Dim::Known(b)) if *b > 0 => Dim::Known(a.div_ceil(*b)),
            _ => Dim::named(quote::quote!(::core::primitive::usize::div_ceil(#self, #other))),
        }
    }

    /// The smaller one.
    pub(crate) fn min(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => Dim::Known(*a.min(b)),
            _ => Dim::named(quote::quote!(if (#self) < (#other) { #self } else { #other })),
        }
    }

    /// The larger one.
    pub(crate) fn max(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => Dim::Known(*a.max(b)),
            _ => Dim::named(quote::quote!(if (#self) > (#other) { #self } else { #other })),
        }
    }

    /// The product of some dimensions; 1 of none.
    pub(crate) fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Dim {
        dims.into_iter().fold(Dim::Known(1), |product, dim| product.mul(dim))
    }
}

/// What an array of these dimensions takes, if that is more than a program can address: what is a constant of rustc's is at
/// least 1.
pub(crate) fn excess(dims: &[Dim]) -> Option<String> {
    // Pointers of today's processors have 47 bits for a program.
    const ADDRESSABLE: u128 = 1 << 47;
    const SCALAR: u128 = 4;
    let known = dims.iter().filter_map(Dim::known);
    match known.map(|n| n as u128).try_fold(SCALAR, u128::checked_mul) {
        Some(bytes) if bytes <= ADDRESSABLE => None,
        Some(bytes) => Some(format!("takes {bytes} bytes in `f32`, more than a program can address")),
        None => Some("takes more than 2^128 bytes".into()),
    }
}

impl PartialEq for Dim {
    fn eq(&self, other: &Self) -> bool {
        self.agrees(other) == Agreement::Equal
    }
}

impl quote::ToTokens for Dim {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Dim::Known(n) => {
                tokens.extend([proc_macro2::TokenTree::Literal(proc_macro2::Literal::usize_unsuffixed(*n))])
            }
            Dim::Named { tokens: t, .. } => tokens.extend(t.clone()),
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Known(n) => n.fmt(f),
            Dim::Named { text, .. } => text.fmt(f),
        }
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Shape {
    /// The number of scalars of a sample.
    pub(crate) fn len(&self) -> Dim {
        Dim::product(&self.0)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(Dim::to_string).collect();
        write!(f, "[{}]", dims.join(", "))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
