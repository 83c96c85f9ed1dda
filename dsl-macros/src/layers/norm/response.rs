//! `LocalResponseNorm(size, alpha = 1e-4, beta = 0.75, k = 1)`: each element over a power of the mean square of the channels
//! around its own.

use quote::quote;

use super::super::channels::AXES;
use super::super::operand::{DX, DY, X, Y};
use super::super::{From, Layer, Orders, Site, axis, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Named, Shape, View};
use crate::parse::args::{Args, Number, Range};

#[derive(Clone, Debug)]
struct LocalResponseNorm {
    size: Dim,
    alpha: Number,
    beta: Number,
    k: Number,
}

pub(in crate::layers) fn local_response_norm(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let (size, _) = args.dim("size", errors);
    let alpha = args.number_or("alpha", 1e-4, Range::Any, errors);
    let beta = args.number_or("beta", 0.75, Range::Any, errors);
    let k = args.number_or("k", 1.0, Range::Any, errors);
    args.finish(errors)?;
    Some(Box::new(LocalResponseNorm { size, alpha, beta, k }))
}

impl LocalResponseNorm {
    fn args(&self, site: &Site<'_>, operands: impl IntoIterator<Item = Arg>) -> Vec<Arg> {
        let LocalResponseNorm { size, alpha, beta, k } = self;
        let (alpha, beta, k) = (&alpha.tokens, &beta.tokens, &k.tokens);
        let response = Named::with("Response", quote!(size: #size, alpha: #alpha, beta: #beta, k: #k));
        let mut args = vec![Arg::Value(axis(&site.inputs[0], 0)), Arg::Value(response)];
        args.extend(operands);
        args
    }
}

impl Layer for LocalResponseNorm {
    fn describe(&self) -> String {
        let mut text = format!("LocalResponseNorm({}", self.size);
        for (name, number, default) in [("alpha", &self.alpha, 1e-4), ("beta", &self.beta, 0.75), ("k", &self.k, 1.0)] {
            if number.value != Some(default) {
                text += &format!(", {name} = {number}");
            }
        }
        text + ")"
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        if input.0.len() < 2 {
            let (written, shape) = (from.written, from.shape(0, input));
            let entry = errors.error(from.span, format!("`{written}` expects samples of shape [C, L, …], but {shape}"));
            entry.help_if((input.0.len() == 1).then_some("`Unflatten(1, [_, 1])` makes a position of them"));
            return None;
        }
        Some(vec![input.clone()])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::by_axes(inputs, outputs)
    }

    fn shape_example(&self) -> &'static str {
        AXES[2]
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    /// The squares of a window, the scale, its power, the product.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(2).mul(&self.size).add(&Dim::Known(4)).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let formula = "{y} = {x} / (k + alpha ⊙ mean({x}²))^beta, the mean over channels nearby";
        vec![rows("local_response_norm_forward", self.args(site, [X, Y]), formula)]
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let formula = "{dx} = {dy} / d^beta - 2 · alpha · beta ⊙ {x} ⊙ mean({dy} ⊙ {x} / d^(beta + 1)), \
                       d = k + alpha ⊙ mean({x}²)";
        vec![rows("local_response_norm_backward", self.args(site, [X, DY, DX]), formula)]
    }
}
