//! `LayerNorm` and `RMSNorm`: mean and variance, or the mean square, of each sample over its last axes.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::super::check::{Must, holds};
use super::super::operand::{DX, DY, X, Y};
use super::super::{From, Layer, Orders, Site, rows, tiles};
use super::Affine;
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Kept, Operand, OutputKind, Param, Shape, View};
use crate::parse::args::{Args, Number, Range, Size};

/// `LayerNorm(normalized_shape, eps = 1e-5, elementwise_affine = true, bias = true)` over the last axes;
/// `RMSNorm(normalized_shape, eps = None, elementwise_affine = true)`, which subtracts no mean and adds no bias.
#[derive(Clone, Debug)]
struct LayerNorm {
    kind: Kind,
    normalized_shape: Vec<Size>,
    span: Span,
    /// Of an `RMSNorm` `None`: the epsilon of the type.
    eps: Option<Number>,
    affine: Affine,
    /// How many groups a sample has that are normalised apart, AFTER `infer`.
    groups: Dim,
    /// It normalises whole samples that are stored channels last, as its parameters are then, AFTER `order`.
    last: bool,
}

pub(in crate::layers) fn layer_norm(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let (normalized_shape, span) = args.sizes("normalized_shape", errors);
    let eps = args.number_or("eps", 1e-5, Range::NotNegative, errors);
    let weight = args.flag("elementwise_affine", true, errors);
    let bias = args.flag("bias", true, errors);
    args.finish(errors)?;
    let affine = Affine { weight, bias: weight && bias };
    let (kind, groups) = (Kind::Layer, Dim::Known(1));
    Some(Box::new(LayerNorm { kind, normalized_shape, span, eps: Some(eps), affine, groups, last: false }))
}

pub(in crate::layers) fn rms_norm(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let (normalized_shape, span) = args.sizes("normalized_shape", errors);
    let eps = args.optional_number("eps", None, Range::NotNegative, errors);
    let weight = args.flag("elementwise_affine", true, errors);
    args.finish(errors)?;
    let affine = Affine { weight, bias: false };
    let (kind, groups) = (Kind::Rms, Dim::Known(1));
    Some(Box::new(LayerNorm { kind, normalized_shape, span, eps, affine, groups, last: false }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Layer,
    Rms,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Layer => "LayerNorm",
            Kind::Rms => "RMSNorm",
        }
    }

    /// The beginning of its kernels' names.
    fn kernel(self) -> &'static str {
        match self {
            Kind::Layer => "layer_norm",
            Kind::Rms => "rms_norm",
        }
    }
}

const GROUPS: Operand = Operand::Kept(0);

impl LayerNorm {
    fn shape(&self) -> Shape {
        Shape(self.normalized_shape.iter().map(|s| s.dim.clone().unwrap_or(Dim::Known(1))).collect())
    }

    fn written_shape(&self) -> String {
        let size = |s: &Size| s.dim.as_ref().map_or("_".into(), Dim::to_string);
        let sizes: Vec<String> = self.normalized_shape.iter().map(size).collect();
        if sizes.len() == 1 { sizes.concat() } else { format!("[{}]", sizes.join(", ")) }
    }

    fn eps(&self) -> Arg {
        let tokens = match (self.kind, &self.eps) {
            (Kind::Layer, Some(eps)) => eps.tokens.clone(),
            (_, Some(Number { tokens, .. })) => quote!(::core::option::Option::Some(#tokens)),
            (_, None) => quote!(::core::option::Option::None),
        };
        Arg::Literal("eps", tokens)
    }

    fn len(&self) -> TokenStream {
        let len = self.shape().len();
        quote!(#len)
    }
}

impl Layer for LayerNorm {
    fn describe(&self) -> String {
        let eps = match (self.kind, &self.eps) {
            (_, None) => String::new(),
            (Kind::Layer, Some(eps)) if eps.value == Some(1e-5) => String::new(),
            (_, Some(eps)) => format!(", eps = {eps}"),
        };
        let affine = match (self.kind, self.affine.weight) {
            (Kind::Rms, true) => String::new(),
            _ => self.affine.describe("elementwise_affine"),
        };
        format!("{}({}{eps}{affine})", self.kind.name(), self.written_shape())
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let expected = self.written_shape();
        let count = self.normalized_shape.len();
        let text = format!("`{}` normalises the last axes {expected}, but {}", from.written, from.shape(0, input));
        let Some(first) = input.0.len().checked_sub(count) else {
            errors.error(self.span, text);
            return None;
        };
        let last = &input.0[first..];
        let mut agree = true;
        for (size, found) in self.normalized_shape.iter_mut().zip(last) {
            match &size.dim {
                None => size.dim = Some(found.clone()),
                Some(dim) => agree &= holds(Must::Equal(dim, found), size.span, &text, errors),
            }
        }
        if !agree {
            let (name, shown) = (self.kind.name(), Shape(last.to_vec()));
            let help = match last {
                [only] => format!("write `{name}({only})` or `{name}(_)`"),
                _ => format!("write `{name}({shown})`"),
            };
            errors.error(self.span, text).help(help);
        }
        self.groups = Dim::product(&input.0[..first]);
        Some(vec![input.clone()])
    }

    fn input(&self) -> Option<Shape> {
        self.normalized_shape.iter().map(|s| s.dim.clone()).collect::<Option<Vec<Dim>>>().map(Shape)
    }

    /// A whole sample has one mean and one variance, in whatever order it lies.
    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        self.last = self.normalized_shape.len() == inputs[0].shape.0.len() && inputs[0].is_channels_last();
        if self.last { Orders::channels_last(outputs) } else { Orders::logical(outputs) }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        let (shape, mut params) = (self.shape().0, Vec::new());
        for param in self.affine.params(&shape, &self.groups) {
            let order = if self.last { (1..shape.len()).chain([0]).collect() } else { param.order };
            params.push(Param { order, ..param });
        }
        params
    }

    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        if site.predict { Vec::new() } else { vec![Kept::real("statistics", Dim::Known(2).mul(&self.groups))] }
    }

    /// Mean and variance, the difference, the scale, the shift.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(6).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let formula = self.affine.formula(
            "{y} = ",
            match self.kind {
                Kind::Layer => "({x} - mean) / √(variance + eps)",
                Kind::Rms => "{x} / √(mean({x}²) + eps)",
            },
        );
        let mut args = vec![Arg::Literal("len", self.len()), self.eps(), X, self.affine.weight_arg()];
        if self.kind == Kind::Layer {
            args.push(self.affine.bias_arg());
        }
        let kernel = self.kind.kernel();
        if site.predict {
            args.push(Y);
            return vec![rows(&format!("{kernel}_predict"), args, &formula)];
        }
        args.extend([Arg::Write(GROUPS), Y]);
        vec![rows(&format!("{kernel}_forward"), args, &formula)]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let statistics = Arg::Read(GROUPS);
        let len = Arg::Literal("len", self.len());
        let mut calls = vec![rows(
            &format!("{}_backward_input", self.kind.kernel()),
            vec![len.clone(), X, self.affine.weight_arg(), statistics.clone(), DY, DX],
            match self.kind {
                Kind::Layer => "{dx} = (g - mean(g) - x̂ ⊙ mean(g ⊙ x̂)) / √(variance + eps), g = {dy} ⊙ weight",
                Kind::Rms => "{dx} = (g - x̂ ⊙ mean(g ⊙ x̂)) / √(mean({x}²) + eps), g = {dy} ⊙ weight",
            },
        )];
        if self.affine.weight {
            let args = vec![len, X, statistics, DY, Arg::Span("weight"), Arg::Update];
            calls.push(tiles("layer_norm_backward_weight", args, "d{weight} = Σ {dy} ⊙ x̂"));
        }
        if self.affine.bias {
            let args = vec![DY, Arg::Span("bias"), Arg::Update];
            calls.push(tiles("layer_norm_backward_bias", args, "d{bias} = Σ {dy}"));
        }
        calls
    }

    fn output_kind(&self) -> OutputKind {
        OutputKind::Unbounded
    }
}
