//! `LayerNorm`: mean and variance of each sample over its last axes.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::super::operand::{DX, DY, X, Y};
use super::super::{From, Layer, Site, check_dim, rows, tiles};
use super::Affine;
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Kept, Operand, OutputKind, Param, Shape};
use crate::parse::args::{Args, Number, Range, Size};

/// `LayerNorm(normalized_shape, eps = 1e-5, elementwise_affine = true, bias = true)` over the last axes.
#[derive(Clone, Debug)]
struct LayerNorm {
    normalized_shape: Vec<Size>,
    span: Span,
    eps: Number,
    affine: Affine,
    /// How many groups a sample has that are normalised apart, AFTER `infer`.
    groups: Dim,
}

pub(in crate::layers) fn layer_norm(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let (normalized_shape, span) = args.sizes("normalized_shape", errors);
    let eps = args.number_or("eps", 1e-5, Range::NotNegative, errors);
    let weight = args.flag("elementwise_affine", true, errors);
    let bias = args.flag("bias", true, errors);
    args.finish(errors)?;
    let affine = Affine { weight, bias: weight && bias };
    Some(Box::new(LayerNorm { normalized_shape, span, eps, affine, groups: Dim::Known(1) }))
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

    fn len(&self) -> TokenStream {
        let len = self.shape().len();
        quote!(#len)
    }
}

impl Layer for LayerNorm {
    fn describe(&self) -> String {
        let eps = if self.eps.value == Some(1e-5) { String::new() } else { format!(", eps = {}", self.eps) };
        format!("LayerNorm({}{eps}{})", self.written_shape(), self.affine.describe("elementwise_affine"))
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
                Some(dim) => agree &= check_dim(dim, found, size.span, &text, errors).is_some(),
            }
        }
        if !agree {
            let shown = Shape(last.to_vec());
            let help = match last {
                [only] => format!("write `LayerNorm({only})` or `LayerNorm(_)`"),
                _ => format!("write `LayerNorm({shown})`"),
            };
            errors.error(self.span, text).help(help);
        }
        self.groups = Dim::product(&input.0[..first]);
        Some(vec![input.clone()])
    }

    fn input(&self) -> Option<Shape> {
        self.normalized_shape.iter().map(|s| s.dim.clone()).collect::<Option<Vec<Dim>>>().map(Shape)
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        self.affine.params(&self.shape().0, &self.groups)
    }

    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        if site.predict { Vec::new() } else { vec![Kept::real("statistics", Dim::Known(2).mul(&self.groups))] }
    }

    /// Mean and variance, the difference, the scale, the shift.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(6).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let formula = self.affine.formula("({x} - mean) / √(variance + eps)");
        let mut args = vec![
            Arg::Literal("len", self.len()),
            Arg::Literal("eps", self.eps.tokens.clone()),
            X,
            self.affine.weight_arg(),
            self.affine.bias_arg(),
        ];
        if site.predict {
            args.push(Y);
            return vec![rows("layer_norm_predict", args, &formula)];
        }
        args.extend([Arg::Write(GROUPS), Y]);
        vec![rows("layer_norm_forward", args, &formula)]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let statistics = Arg::Read(GROUPS);
        let len = Arg::Literal("len", self.len());
        let mut calls = vec![rows(
            "layer_norm_backward_input",
            vec![len.clone(), X, self.affine.weight_arg(), statistics.clone(), DY, DX],
            "{dx} = (g - mean(g) - x̂ ⊙ mean(g ⊙ x̂)) / √(variance + eps), g = {dy} ⊙ weight",
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
