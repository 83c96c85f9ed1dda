//! Numbers in a declaration: evaluated where that is possible here, left to rustc where they are named constants.

use proc_macro2::TokenStream;
use syn::{BinOp, Expr, Lit, UnOp};

use super::fragments::standing;
use super::list::Argument;
use super::names::is_keyword;
use super::tokens::text;
use crate::diagnostics::Diagnostics;
use crate::ir::Dim;

/// Why something is not a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotADim {
    NotAnInteger,
    /// Less than this.
    TooSmall(i128),
    TooLarge,
}

impl NotADim {
    /// Reports it; `subject` is what should have been a dimension.
    pub(crate) fn report(self, subject: &str, argument: &Argument, errors: &mut Diagnostics) {
        let written = text(argument.value.clone());
        let message = match self {
            NotADim::NotAnInteger => format!("{subject} is an integer, found `{written}`"),
            NotADim::TooSmall(least) => format!("{subject} must be at least {least}, found {written}"),
            NotADim::TooLarge => format!("{subject} is too large: {written}"),
        };
        errors.error_at(argument.extent, message);
    }
}

/// A dimension: an integer of at least `least`, or an expression that only rustc can evaluate.
pub(crate) fn dim(value: &TokenStream, least: i128) -> Result<Dim, NotADim> {
    match integer(value, Width::Size) {
        Int::Known(value) if value < least => Err(NotADim::TooSmall(least)),
        Int::Known(value) => u32::try_from(value).map(|n| Dim::Known(n as usize)).map_err(|_| NotADim::TooLarge),
        Int::TooLarge => Err(NotADim::TooLarge),
        Int::Named(value) => Ok(Dim::named(value)),
        Int::Wrong => Err(NotADim::NotAnInteger),
    }
}

/// What an integer expression is.
#[derive(Clone, Debug)]
pub(crate) enum Int {
    Known(i128),
    /// Larger than any integer.
    TooLarge,
    /// Only rustc can evaluate it.
    Named(TokenStream),
    /// No integer.
    Wrong,
}

/// The type that rustc would give an integer: what `!` makes of it depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// `usize`.
    Size,
    /// `i64`.
    Signed,
}

/// Evaluates an integer expression, as far as that can be done here.
pub(crate) fn integer(value: &TokenStream, width: Width) -> Int {
    let Ok(expr) = syn::parse2::<Expr>(value.clone()) else { return Int::Wrong };
    match int(&expr, width) {
        Value::Known(n) => Int::Known(n),
        Value::TooLarge => Int::TooLarge,
        Value::Named => Int::Named(standing(value.clone(), &expr)),
        Value::Wrong => Int::Wrong,
    }
}

/// The same without tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Known(i128),
    TooLarge,
    Named,
    Wrong,
}

fn int(expr: &Expr, width: Width) -> Value {
    match expr {
        Expr::Lit(lit) if lit.attrs.is_empty() => match &lit.lit {
            Lit::Int(n) => n.base10_parse().map_or(Value::TooLarge, Value::Known),
            _ => Value::Wrong,
        },
        Expr::Paren(inner) => int(&inner.expr, width),
        Expr::Group(inner) => int(&inner.expr, width),
        Expr::Unary(unary) => match (&unary.op, int(&unary.expr, width)) {
            (_, Value::Wrong) => Value::Wrong,
            (UnOp::Neg(_), Value::Known(n)) => n.checked_neg().map_or(Value::Wrong, Value::Known),
            (UnOp::Not(_), Value::Known(n)) => match width {
                Width::Size => u64::try_from(n).map_or(Value::Wrong, |n| Value::Known((!n).into())),
                Width::Signed => Value::Known(!n),
            },
            (UnOp::Neg(_) | UnOp::Not(_) | UnOp::Deref(_), Value::Named) => Value::Named,
            (_, Value::TooLarge) => Value::TooLarge,
            _ => Value::Wrong,
        },
        Expr::Binary(binary) => binary_int(&binary.op, int(&binary.left, width), int(&binary.right, width)),
        Expr::Cast(cast) => cast_int(int(&cast.expr, width), &cast.ty),
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(value, None)] if block.label.is_none() => int(value, width),
            _ => Value::Named,
        },
        _ if is_opaque(expr) => Value::Named,
        _ => Value::Wrong,
    }
}

fn binary_int(op: &BinOp, left: Value, right: Value) -> Value {
    let arithmetic = matches!(
        op,
        BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_) | BinOp::Shl(_) | BinOp::Shr(_)
    );
    let bits = matches!(op, BinOp::BitAnd(_) | BinOp::BitOr(_) | BinOp::BitXor(_));
    match (left, right) {
        _ if !arithmetic && !bits => Value::Wrong,
        (Value::Wrong, _) | (_, Value::Wrong) => Value::Wrong,
        (Value::TooLarge, _) | (_, Value::TooLarge) => Value::TooLarge,
        (Value::Named, _) | (_, Value::Named) => Value::Named,
        (Value::Known(a), Value::Known(b)) => {
            // Of what is shifted beyond 64 bits, rustc makes an error.
            let by = u32::try_from(b).ok().filter(|b| *b < 64);
            let (result, otherwise) = match op {
                BinOp::Add(_) => (a.checked_add(b), Value::TooLarge),
                BinOp::Sub(_) => (a.checked_sub(b), Value::TooLarge),
                BinOp::Mul(_) => (a.checked_mul(b), Value::TooLarge),
                BinOp::Div(_) => (a.checked_div(b), Value::Wrong),
                BinOp::Rem(_) => (a.checked_rem(b), Value::Wrong),
                BinOp::Shl(_) if b >= 64 => (None, Value::TooLarge),
                BinOp::Shl(_) => (by.and_then(|by| a.checked_mul(1 << by)), Value::Wrong),
                BinOp::Shr(_) => (by.and_then(|by| a.checked_shr(by)), Value::Wrong),
                BinOp::BitAnd(_) => (Some(a & b), Value::Wrong),
                BinOp::BitOr(_) => (Some(a | b), Value::Wrong),
                _ => (Some(a ^ b), Value::Wrong),
            };
            result.map_or(otherwise, Value::Known)
        }
    }
}

/// `3 as usize`: the number, where the type has it.
fn cast_int(value: Value, ty: &syn::Type) -> Value {
    let syn::Type::Path(path) = ty else { return Value::Named };
    let range = match path.path.get_ident().map(|name| name.to_string()).as_deref() {
        Some("u8") => 0..=u8::MAX.into(),
        Some("u16") => 0..=u16::MAX.into(),
        Some("u32") => 0..=u32::MAX.into(),
        Some("u64" | "usize") => 0..=u64::MAX.into(),
        Some("i8") => i8::MIN.into()..=i8::MAX.into(),
        Some("i16") => i16::MIN.into()..=i16::MAX.into(),
        Some("i32") => i32::MIN.into()..=i32::MAX.into(),
        Some("i64" | "isize") => i64::MIN.into()..=i64::MAX.into(),
        _ => return Value::Named,
    };
    match value {
        Value::Known(n) if range.contains(&n) => value,
        // What is cut off, or what was no integer before: rustc knows.
        _ => Value::Named,
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
    syn::parse2::<Expr>(value.clone()).map_or(Float::Wrong, |expr| float_of(&expr))
}

fn float_of(expr: &Expr) -> Float {
    match expr {
        Expr::Lit(lit) if lit.attrs.is_empty() => match &lit.lit {
            Lit::Int(n) => n.base10_parse().map_or(Float::Wrong, Float::Known),
            Lit::Float(n) => n.base10_parse().map_or(Float::Wrong, Float::Known),
            _ => Float::Wrong,
        },
        Expr::Paren(inner) => float_of(&inner.expr),
        Expr::Group(inner) => float_of(&inner.expr),
        Expr::Unary(unary) => match (&unary.op, float_of(&unary.expr)) {
            (UnOp::Neg(_), Float::Known(n)) => Float::Known(-n),
            (UnOp::Neg(_) | UnOp::Deref(_), Float::Named) => Float::Named,
            (UnOp::Not(_), _) => whole(expr),
            _ => Float::Wrong,
        },
        Expr::Binary(binary) => match (&binary.op, float_of(&binary.left), float_of(&binary.right)) {
            (_, Float::Wrong, _) | (_, _, Float::Wrong) => Float::Wrong,
            (BinOp::Add(_), Float::Known(a), Float::Known(b)) => Float::Known(a + b),
            (BinOp::Sub(_), Float::Known(a), Float::Known(b)) => Float::Known(a - b),
            (BinOp::Mul(_), Float::Known(a), Float::Known(b)) => Float::Known(a * b),
            (BinOp::Div(_), Float::Known(a), Float::Known(b)) => Float::Known(a / b),
            (BinOp::Rem(_), Float::Known(a), Float::Known(b)) => Float::Known(a % b),
            (BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_), ..) => Float::Named,
            // Of integers alone.
            _ => whole(expr),
        },
        Expr::Cast(cast) => match (float_of(&cast.expr), &*cast.ty) {
            (known, syn::Type::Path(path)) if path.path.is_ident("f64") && known != Float::Wrong => known,
            _ => Float::Named,
        },
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(value, None)] if block.label.is_none() => float_of(value),
            _ => Float::Named,
        },
        _ if is_opaque(expr) => Float::Named,
        _ => Float::Wrong,
    }
}

/// An integer expression where a number is expected.
fn whole(expr: &Expr) -> Float {
    match int(expr, Width::Signed) {
        Value::Known(n) => Float::Known(n as f64),
        Value::Named => Float::Named,
        Value::TooLarge | Value::Wrong => Float::Wrong,
    }
}

/// Python's constants.
const PYTHONS: [&str; 3] = ["True", "False", "None"];

/// An expression that may well be a number, which only rustc can tell. Python's constants cannot.
fn is_opaque(expr: &syn::Expr) -> bool {
    match expr {
        Expr::Path(path) => {
            !path.path.get_ident().is_some_and(|name| is_keyword(name) || PYTHONS.iter().any(|word| name == word))
        }
        Expr::Call(_) | Expr::Cast(_) | Expr::Const(_) | Expr::Block(_) | Expr::Field(_) | Expr::If(_) => true,
        Expr::Index(_) | Expr::Loop(_) | Expr::Macro(_) | Expr::Match(_) | Expr::MethodCall(_) | Expr::Unsafe(_) => {
            true
        }
        _ => false,
    }
}
