//! Numbers in a declaration: evaluated where that is possible here, left to rustc where they are named constants.

use proc_macro2::TokenStream;

use super::list::Argument;
use super::tokens::text;
use crate::diagnostics::Diagnostics;
use crate::ir::Dim;

/// Why something is not a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotADim {
    NotAnInteger,
    TooSmall,
    TooLarge,
}

impl NotADim {
    /// Reports it; `subject` is what should have been a dimension.
    pub(crate) fn report(self, subject: &str, argument: &Argument, errors: &mut Diagnostics) {
        let written = text(argument.value.clone());
        let message = match self {
            NotADim::NotAnInteger => format!("{subject} is an integer, found `{written}`"),
            NotADim::TooSmall => format!("{subject} must be at least 1, found {written}"),
            NotADim::TooLarge => format!("{subject} is too large: {written}"),
        };
        errors.error_at(argument.extent, message);
    }
}

/// A dimension: an integer of at least 1, or an expression that only rustc can evaluate.
pub(crate) fn dim(value: &TokenStream) -> Result<Dim, NotADim> {
    match integer(value) {
        Int::Known(value) if value < 1 => Err(NotADim::TooSmall),
        Int::Known(value) => u32::try_from(value).map(|n| Dim::Known(n as usize)).map_err(|_| NotADim::TooLarge),
        Int::Named => Ok(Dim::named(value.clone())),
        Int::Wrong => Err(NotADim::NotAnInteger),
    }
}

/// What an integer expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Int {
    Known(i128),
    /// Only rustc can evaluate it.
    Named,
    /// No integer.
    Wrong,
}

/// Evaluates an integer expression, as far as that can be done here.
pub(crate) fn integer(value: &TokenStream) -> Int {
    syn::parse2::<syn::Expr>(value.clone()).map_or(Int::Wrong, |expr| int(&expr))
}

fn int(expr: &syn::Expr) -> Int {
    use syn::{BinOp, Expr, Lit, UnOp};
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(n) => n.base10_parse().map_or(Int::Wrong, Int::Known),
            _ => Int::Wrong,
        },
        Expr::Paren(inner) => int(&inner.expr),
        Expr::Group(inner) => int(&inner.expr),
        Expr::Unary(unary) => match (&unary.op, int(&unary.expr)) {
            (UnOp::Neg(_), Int::Known(n)) => n.checked_neg().map_or(Int::Wrong, Int::Known),
            (UnOp::Neg(_), other) => other,
            _ => Int::Wrong,
        },
        Expr::Binary(binary) => match (int(&binary.left), int(&binary.right)) {
            (Int::Wrong, _) | (_, Int::Wrong) => Int::Wrong,
            (Int::Known(a), Int::Known(b)) => {
                let result = match &binary.op {
                    BinOp::Add(_) => a.checked_add(b),
                    BinOp::Sub(_) => a.checked_sub(b),
                    BinOp::Mul(_) => a.checked_mul(b),
                    BinOp::Div(_) => a.checked_div(b),
                    BinOp::Rem(_) => a.checked_rem(b),
                    _ => None,
                };
                result.map_or(Int::Wrong, Int::Known)
            }
            _ => match &binary.op {
                BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_) => Int::Named,
                _ => Int::Wrong,
            },
        },
        _ if is_opaque(expr) => Int::Named,
        _ => Int::Wrong,
    }
}

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Float {
    Known(f64),
    /// Only rustc can evaluate it.
    Named,
    /// No number.
    Wrong,
}

/// Evaluates a number, as far as that can be done here.
pub(crate) fn float(value: &TokenStream) -> Float {
    syn::parse2::<syn::Expr>(value.clone()).map_or(Float::Wrong, |expr| float_of(&expr))
}

fn float_of(expr: &syn::Expr) -> Float {
    use syn::{BinOp, Expr, Lit, UnOp};
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(n) => n.base10_parse().map_or(Float::Wrong, Float::Known),
            Lit::Float(n) => n.base10_parse().map_or(Float::Wrong, Float::Known),
            _ => Float::Wrong,
        },
        Expr::Paren(inner) => float_of(&inner.expr),
        Expr::Group(inner) => float_of(&inner.expr),
        Expr::Unary(unary) => match (&unary.op, float_of(&unary.expr)) {
            (UnOp::Neg(_), Float::Known(n)) => Float::Known(-n),
            (UnOp::Neg(_), other) => other,
            _ => Float::Wrong,
        },
        Expr::Binary(binary) => match (float_of(&binary.left), float_of(&binary.right)) {
            (Float::Wrong, _) | (_, Float::Wrong) => Float::Wrong,
            (Float::Known(a), Float::Known(b)) => match &binary.op {
                BinOp::Add(_) => Float::Known(a + b),
                BinOp::Sub(_) => Float::Known(a - b),
                BinOp::Mul(_) => Float::Known(a * b),
                BinOp::Div(_) => Float::Known(a / b),
                _ => Float::Wrong,
            },
            _ => Float::Named,
        },
        _ if is_opaque(expr) => Float::Named,
        _ => Float::Wrong,
    }
}

/// An expression that may well be a number, which only rustc can tell. Python's constants cannot.
fn is_opaque(expr: &syn::Expr) -> bool {
    use syn::Expr;
    match expr {
        Expr::Path(path) => !["True", "False", "None"].iter().any(|word| path.path.is_ident(word)),
        Expr::Call(_) | Expr::Cast(_) | Expr::Const(_) | Expr::Block(_) | Expr::Field(_) | Expr::If(_) => true,
        Expr::Index(_) | Expr::Macro(_) | Expr::Match(_) | Expr::MethodCall(_) => true,
        _ => false,
    }
}
