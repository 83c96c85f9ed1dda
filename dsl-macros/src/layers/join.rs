//! Sums of values of one shape: `[a, b] => Add`, and what `Residual` ends with.

use super::operand::{DY, Y};
use super::{From, Layer, Site, check_dim, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Operand, Shape};
use crate::parse::args::Args;

/// Which sum it is, for its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// `[a, b] => Add`.
    Add,
    /// `Residual(f)`.
    Residual,
    /// `Residual(f, shortcut = g)`.
    ResidualShortcut,
}

pub(super) fn add(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    args.finish(errors)?;
    Some(Box::new(Sum::Add))
}

impl Sum {
    fn report(self, a: &Shape, b: &Shape, i: usize, from: &From<'_>, errors: &mut Diagnostics) {
        match self {
            Sum::Add => {
                let message =
                    format!("`Add` needs values of one shape, but {} and {}", from.shape(0, a), from.shape(i, b));
                errors.error(from.span, message);
            }
            Sum::Residual => {
                let message = format!("`Residual` adds its input {b} to what its layers make of it, {a}");
                let help = match (b.0.as_slice(), a.0.as_slice()) {
                    ([i], [o]) => format!("write `Residual(…, shortcut = Linear({i}, {o}))`"),
                    ([c, ..], [d, ..]) if b.0.len() == 3 && a.0.len() == 3 => {
                        format!("bring the input to that shape: `Residual(…, shortcut = Conv2d({c}, {d}, 1))`")
                    }
                    _ => format!("bring the input to the shape {a}: `Residual(…, shortcut = …)`"),
                };
                errors.error(from.span, message).help(help);
            }
            Sum::ResidualShortcut => {
                let message = format!("`Residual` adds its branches, but its layers produce {a} and its shortcut {b}");
                errors.error(from.span, message).help("let both end in one shape");
            }
        }
    }
}

impl Layer for Sum {
    fn describe(&self) -> String {
        match self {
            Sum::Add => "Add".into(),
            Sum::Residual | Sum::ResidualShortcut => "Residual".into(),
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Shape> {
        let (first, others) = inputs.split_first()?;
        for (i, other) in others.iter().enumerate() {
            let text = format!("`{}` adds values of shapes {first} and {other}", from.written);
            let agree = first.0.len() == other.0.len()
                && first.0.iter().zip(&other.0).all(|(a, b)| check_dim(a, b, from.span, &text, errors).is_some());
            if !agree {
                self.report(first, other, i + 1, from, errors);
            }
        }
        Some(first.clone())
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(*self)
    }

    fn flops(&self, inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(inputs.len().saturating_sub(1)).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let read = |i| Arg::Read(Operand::X(i));
        let mut calls = vec![rows("add", vec![read(0), read(1), Y], "{y} = {x} + {x1}")];
        for i in 2..site.inputs.len() {
            let args = vec![read(i), Arg::Change(Operand::Y)];
            calls.push(rows("accumulate", args, &format!("{{y}} += {{x{i}}}")));
        }
        calls
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let name = |i: usize| if i == 0 { "{dx}".to_owned() } else { format!("{{dx{i}}}") };
        let copy = |i| rows("copy", vec![DY, Arg::Write(Operand::DX(i))], &format!("{} = {{dy}}", name(i)));
        (0..site.inputs.len()).map(copy).collect()
    }
}
