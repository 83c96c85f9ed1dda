//! Layers that change the shape and no number: `Flatten`, `Unflatten`, `Identity`. No calls; the output is the input's
//! memory.

use proc_macro2::Span;

use super::check::{Must, check, divisors, listed};
use super::{From, Layer, Orders, Site, sample_axis};
use crate::diagnostics::Diagnostics;
use crate::ir::{Call, Dim, Shape, View, excess};
use crate::parse::args::{Args, Integer, Size};

#[derive(Clone, Debug)]
enum Reshape {
    Identity,
    Flatten { start: Integer, end: Integer },
    Unflatten { dim: Integer, sizes: Vec<Size>, span: Span },
}

/// As in PyTorch, any arguments, which mean nothing.
pub(super) fn identity(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    args.rest();
    args.finish(errors)?;
    Some(Box::new(Reshape::Identity))
}

pub(super) fn flatten(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let start = args.int_or("start_dim", 1, errors);
    let end = args.int_or("end_dim", -1, errors);
    args.finish(errors)?;
    Some(Box::new(Reshape::Flatten { start, end }))
}

pub(super) fn unflatten(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let dim = args.int("dim", errors);
    let (sizes, span) = args.sizes("unflattened_size", errors);
    args.finish(errors)?;
    let unknown: Vec<&Size> = sizes.iter().filter(|s| s.dim.is_none()).collect();
    if let [_, second, ..] = unknown.as_slice() {
        errors.error(second.span, "only one size of `Unflatten` can be left open");
        return None;
    }
    Some(Box::new(Reshape::Unflatten { dim, sizes, span }))
}

/// The axes from `start` to `end` become one.
fn flattened(start: Integer, end: Integer, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<Shape> {
    let first = sample_axis("start_dim", start, input, from, errors)?;
    let last = sample_axis("end_dim", end, input, from, errors)?;
    if first > last {
        let (s, e) = (start.value, end.value);
        let message =
            format!("`start_dim = {s}` of `{}` comes after `end_dim = {e}`: {}", from.written, from.shape(0, input));
        errors.error(start.span, message);
        return None;
    }
    let mut dims = input.0.clone();
    let joined = Dim::product(&input.0[first..=last]);
    dims.splice(first..=last, [joined]);
    Some(Shape(dims))
}

/// The axis `dim` becomes several.
fn unflattened(
    dim: Integer,
    sizes: &mut [Size],
    span: Span,
    input: &Shape,
    from: &From<'_>,
    errors: &mut Diagnostics,
) -> Option<Shape> {
    let place = sample_axis("dim", dim, input, from, errors)?;
    let whole = &input.0[place];
    let sizes_known: Vec<Dim> = sizes.iter().filter_map(|s| s.dim.clone()).collect();
    if let Some(excess) = excess(&sizes_known) {
        errors.error(span, format!("what `{}` makes of an axis {excess}", from.written));
        return None;
    }
    let known = Dim::product(&sizes_known);
    if let Some(open) = sizes.iter_mut().find(|s| s.dim.is_none()) {
        let text = format!("`{}` splits an axis of {whole}, which {known} does not divide", from.written);
        check(Must::Divide(&known, whole), open.span, text, errors, || {
            format!("{whole} is divided by {}", listed(divisors(whole)))
        })?;
        open.dim = Some(whole.div(&known));
    } else {
        let (written, shape) = (from.written, from.shape(0, input));
        let text = format!("`{written}` splits an axis of {whole} into sizes whose product is {known}: {shape}");
        let help = "write `_` for one of the sizes, to have it computed";
        check(Must::Equal(whole, &known), span, text, errors, || help)?;
    }
    let mut dims = input.0.clone();
    dims.splice(place..=place, sizes.iter().filter_map(|s| s.dim.clone()));
    Some(Shape(dims))
}

impl Layer for Reshape {
    fn describe(&self) -> String {
        match self {
            Reshape::Identity => "Identity".into(),
            Reshape::Flatten { start, end } => match (start.value, end.value) {
                (1, -1) => "Flatten".into(),
                (start, -1) => format!("Flatten({start})"),
                (start, end) => format!("Flatten({start}, {end})"),
            },
            Reshape::Unflatten { dim, sizes, .. } => {
                let size = |s: &Size| s.dim.as_ref().map_or("_".into(), Dim::to_string);
                let sizes: Vec<String> = sizes.iter().map(size).collect();
                format!("Unflatten({}, [{}])", dim.value, sizes.join(", "))
            }
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let shape = match self {
            Reshape::Identity => Some(input.clone()),
            Reshape::Flatten { start, end } => flattened(*start, *end, input, from, errors),
            Reshape::Unflatten { dim, sizes, span } => unflattened(*dim, sizes, *span, input, from, errors),
        };
        Some(vec![shape?])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        match self {
            // One axis of several, or the same ones: what lies in memory is described as well as before.
            Reshape::Identity | Reshape::Flatten { .. } => Orders::any(inputs),
            Reshape::Unflatten { .. } => Orders::logical(outputs),
        }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], _output: &Shape) -> Dim {
        Dim::Known(0)
    }

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        Vec::new()
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        Vec::new()
    }

    fn is_view(&self) -> bool {
        true
    }
}
