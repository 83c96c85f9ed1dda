//! Where values meet: `[a, b] => Add`, `Mul`, `Concat(dim)`, `Stack(dim)`, and the sum that a `Residual` ends with.

use quote::quote;

use super::check::{Must, holds};
use super::operand::{DY, Y};
use super::{From, Layer, Orders, Site, forward_call, kept_for_activation, rows, sample_axis};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Kept, Operand, Shape, View};
use crate::parse::args::{Args, Integer};

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

/// Whether two shapes agree, as far as can be said now.
fn same_shape(a: &Shape, b: &Shape, text: &str, from: &From<'_>, errors: &mut Diagnostics) -> bool {
    let mut dims = a.0.iter().zip(&b.0);
    a.0.len() == b.0.len() && dims.all(|(a, b)| holds(Must::Equal(a, b), from.span, text, errors))
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
                    ([c, ..], [d, ..]) if b.0.len() == 3 && a.0.len() == 3 && super::lookup("Conv2d").is_some() => {
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

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let (first, others) = inputs.split_first()?;
        for (i, other) in others.iter().enumerate() {
            let text = format!("`{}` adds values of shapes {first} and {other}", from.written);
            if !same_shape(first, other, &text, from, errors) {
                self.report(first, other, i + 1, from, errors);
            }
        }
        Some(vec![first.clone()])
    }

    fn order(&mut self, inputs: &[View], _outputs: &[Shape]) -> Orders {
        Orders::any(inputs)
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(*self)
    }

    fn flops(&self, inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(inputs.len().saturating_sub(1)).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let read = |i| Arg::Read(Operand::X(i));
        let kernels = ["add", "add_activation", "add_activation_keep"];
        let formula = |before: &str| format!("{before}{{x}} + {{x1}}");
        let mut calls = vec![forward_call(site, kernels, vec![read(0), read(1)], &formula)];
        for i in 2..site.inputs.len() {
            let args = vec![read(i), Arg::Change(Operand::Y(0))];
            calls.push(rows("accumulate", args, &format!("{{y}} += {{x{i}}}")));
        }
        calls
    }

    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        kept_for_activation(site)
    }

    /// A residual's, which adds two values; a longer sum is not finished by one call.
    fn takes_activation(&self) -> bool {
        !matches!(self, Sum::Add)
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let copy = |i| Call::copy(Operand::DY(0), Operand::DX(i), &format!("{{dx{i}}} = {{dy}}"));
        (0..site.inputs.len()).map(copy).collect()
    }
}

/// `[a, b] => Mul`: the product, element by element.
#[derive(Clone, Copy, Debug)]
struct Product;

pub(super) fn mul(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    args.finish(errors)?;
    Some(Box::new(Product))
}

impl Layer for Product {
    fn describe(&self) -> String {
        "Mul".into()
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let [a, b] = inputs else {
            let message = format!("`Mul` joins exactly 2 values, found {}", inputs.len());
            errors.error(from.span, message).help("multiply one after the other: `[[a, b] => Mul, c] => Mul`");
            return None;
        };
        if !same_shape(a, b, &format!("`Mul` multiplies values of shapes {a} and {b}"), from, errors) {
            let message = format!("`Mul` needs values of one shape, but {} and {}", from.shape(0, a), from.shape(1, b));
            errors.error(from.span, message);
        }
        Some(vec![a.clone()])
    }

    fn order(&mut self, inputs: &[View], _outputs: &[Shape]) -> Orders {
        Orders::any(inputs)
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(*self)
    }

    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        output.len()
    }

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        let args = vec![Arg::Read(Operand::X(0)), Arg::Read(Operand::X(1)), Y];
        vec![rows("multiply", args, "{y} = {x} ⊙ {x1}")]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let gradient = |other, i, formula| {
            rows("multiply", vec![DY, Arg::Read(Operand::X(other)), Arg::Write(Operand::DX(i))], formula)
        };
        vec![gradient(1, 0, "{dx} = {dy} ⊙ {x1}"), gradient(0, 1, "{dx1} = {dy} ⊙ {x}")]
    }
}

/// Values beside each other: along an axis that they have, or along a new one.
#[derive(Clone, Debug)]
struct Beside {
    /// `Stack`.
    new_axis: bool,
    dim: Integer,
    /// The axis of a sample, AFTER `infer`.
    place: usize,
}

pub(super) fn concat(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let dim = args.int("dim", errors);
    args.finish(errors)?;
    Some(Box::new(Beside { new_axis: false, dim, place: 0 }))
}

pub(super) fn stack(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let dim = args.int("dim", errors);
    args.finish(errors)?;
    Some(Box::new(Beside { new_axis: true, dim, place: 0 }))
}

impl Beside {
    fn name(&self) -> &'static str {
        if self.new_axis { "Stack" } else { "Concat" }
    }

    fn concatenated(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Shape> {
        let (first, others) = inputs.split_first()?;
        self.place = sample_axis("dim", self.dim, first, from, errors)?;
        let mut output = first.clone();
        for (i, other) in others.iter().enumerate() {
            // But for the axis itself, they have one shape.
            let mut aligned = other.clone();
            if let Some(dim) = aligned.0.get_mut(self.place) {
                *dim = first.0[self.place].clone();
            }
            let text = format!("`{}` joins values of shapes {first} and {other}", from.written);
            if !same_shape(first, &aligned, &text, from, errors) {
                let (a, b) = (from.shape(0, first), from.shape(i + 1, other));
                let message = format!(
                    "`{}` needs values that agree but for axis {}, but {a} and {b}",
                    from.written, self.dim.value
                );
                errors.error(from.span, message);
                return None;
            }
            output.0[self.place] = output.0[self.place].add(&other.0[self.place]);
        }
        Some(output)
    }

    fn stacked(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Shape> {
        let (first, others) = inputs.split_first()?;
        // The axis is counted in the output, which has one more.
        let mut output = first.clone();
        output.0.push(Dim::Known(inputs.len()));
        self.place = sample_axis("dim", self.dim, &output, from, errors)?;
        for (i, other) in others.iter().enumerate() {
            let text = format!("`{}` joins values of shapes {first} and {other}", from.written);
            if !same_shape(first, other, &text, from, errors) {
                let (a, b) = (from.shape(0, first), from.shape(i + 1, other));
                errors.error(from.span, format!("`{}` needs values of one shape, but {a} and {b}", from.written));
                return None;
            }
        }
        output.0.pop();
        output.0.insert(self.place, Dim::Known(inputs.len()));
        Some(output)
    }

    /// For each input: the number of pieces of the output, and where in a piece its block begins.
    fn pieces(&self, inputs: &[View]) -> Vec<(Dim, Dim)> {
        let mut offset = Dim::Known(0);
        let pieces = inputs.iter().map(|input| {
            let here = offset.clone();
            let (before, len, after) = match self.new_axis {
                true => {
                    let (before, after) = input.shape.0.split_at(self.place);
                    (Dim::product(before), Dim::Known(1), Dim::product(after))
                }
                false => input.around(self.place),
            };
            offset = offset.add(&len.mul(&after));
            (before, here)
        });
        pieces.collect()
    }
}

impl Layer for Beside {
    fn describe(&self) -> String {
        format!("{}(dim = {})", self.name(), self.dim.value)
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let shape = match self.new_axis {
            true => self.stacked(inputs, from, errors),
            false => self.concatenated(inputs, from, errors),
        };
        Some(vec![shape?])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        match self.new_axis {
            true => Orders::logical(outputs),
            false => Orders::by_axes(inputs, outputs),
        }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], _output: &Shape) -> Dim {
        Dim::Known(0)
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let axis = self.place + 1;
        let part = |(i, (outer, offset)): (usize, (Dim, Dim))| {
            // The first makes the value, the others add their parts to it.
            let y = if i == 0 { Y } else { Arg::Change(Operand::Y(0)) };
            let args = vec![
                Arg::Literal("outer", quote!(#outer)),
                Arg::Literal("offset", quote!(#offset)),
                Arg::Read(Operand::X(i)),
                y,
            ];
            rows("concat_forward", args, &format!("{{y}}[{{offset}}…] = {{x{i}}} along axis {axis}"))
        };
        self.pieces(site.inputs).into_iter().enumerate().map(part).collect()
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let axis = self.place + 1;
        let part = |(i, (outer, offset)): (usize, (Dim, Dim))| {
            let dx = Arg::Write(Operand::DX(i));
            let args = vec![Arg::Literal("outer", quote!(#outer)), Arg::Literal("offset", quote!(#offset)), DY, dx];
            rows("concat_backward", args, &format!("{{dx{i}}} = {{dy}}[{{offset}}…] along axis {axis}"))
        };
        self.pieces(site.inputs).into_iter().enumerate().map(part).collect()
    }
}
