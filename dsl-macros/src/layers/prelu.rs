//! Leaky rectifiers whose slope is not a number of the declaration: `PReLU` learns it, `RReLU` draws it.

use super::channels::AXES;
use super::check::{Must, check};
use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Orders, Site, VECTOR, rows, tiles, vector};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Named, Param, ParamKind, Shape, View};
use crate::parse::args::{Args, Number, Range};
use proc_macro2::Span;
use quote::quote;

/// `PReLU(num_parameters = 1, init = 0.25)`: one slope for all, or one for each channel (PyTorch's axis 1).
#[derive(Clone, Debug)]
struct PReLU {
    num_parameters: Dim,
    span: Span,
    init: Number,
    /// How many elements of a sample have one slope, AFTER `infer`.
    each: Dim,
    /// How many of them lie beside each other, AFTER `order`.
    inner: Dim,
}

pub(super) fn prelu(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let (num_parameters, span) = args.dim_or("num_parameters", 1, errors);
    let init = args.number_or("init", 0.25, Range::Any, errors);
    args.finish(errors)?;
    Some(Box::new(PReLU { num_parameters, span, init, each: Dim::Known(1), inner: Dim::Known(1) }))
}

impl PReLU {
    fn inner(&self) -> Arg {
        let inner = &self.inner;
        Arg::Literal("inner", quote!(#inner))
    }
}

impl Layer for PReLU {
    fn describe(&self) -> String {
        match (self.num_parameters.known(), self.init.value) {
            (Some(1), Some(0.25)) => "PReLU".into(),
            (_, Some(0.25)) => format!("PReLU({})", self.num_parameters),
            _ => format!("PReLU({}, init = {})", self.num_parameters, self.init),
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        if self.num_parameters.known() == Some(1) {
            self.each = input.len();
            return Some(vec![input.clone()]);
        }
        // PyTorch counts a tensor without axis 1 as one channel.
        let channels = input.0.first().cloned().unwrap_or(Dim::Known(1));
        let source = from.source(0);
        let text = format!("`{}` has {} slopes, but {source} {channels} channels", from.written, self.num_parameters);
        // Another number is reported, and what comes after checked all the same.
        let _ = check(Must::Equal(&self.num_parameters, &channels), self.span, text, errors, || {
            format!("write `PReLU({channels})`, or `PReLU` for one slope")
        });
        self.each = Dim::product(input.0.iter().skip(1));
        Some(vec![input.clone()])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        self.inner = self.each.clone();
        if self.num_parameters.known() == Some(1) {
            return Orders::any(inputs);
        }
        if inputs[0].is_channels_last() {
            self.inner = Dim::Known(1);
        }
        Orders::by_axes(inputs, outputs)
    }

    fn shape_example(&self) -> &'static str {
        if self.num_parameters.known() == Some(1) { VECTOR } else { AXES[2] }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        let init = &self.init.tokens;
        vec![vector(
            "weight",
            vec![self.num_parameters.clone()],
            self.each.clone(),
            ParamKind::Weight,
            quote!(::glulam::init::Init::Constant(#init)),
        )]
    }

    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        output.len()
    }

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        let formula = "{y} = max(0, {x}) + {weight} · min(0, {x})";
        vec![rows("prelu_forward", vec![self.inner(), X, Arg::Param("weight"), Y], formula)]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        vec![
            rows(
                "prelu_backward_input",
                vec![self.inner(), X, Arg::Param("weight"), DY, DX],
                "{dx} = {dy} ⊙ (1 where {x} > 0, else {weight})",
            ),
            tiles(
                "prelu_backward_weight",
                vec![self.inner(), X, DY, Arg::Span("weight"), Arg::Update],
                "d{weight} = Σ {dy} ⊙ min(0, {x})",
            ),
        ]
    }
}

/// `RReLU(lower = 1/8, upper = 1/3)`: a slope drawn for each element in training, their mean in evaluation.
#[derive(Clone, Debug)]
struct RReLU {
    lower: Number,
    upper: Number,
}

pub(super) fn rrelu(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let lower = args.number_or("lower", 1.0 / 8.0, Range::Any, errors);
    let upper = args.number_or("upper", 1.0 / 3.0, Range::Any, errors);
    args.flag("inplace", false, errors);
    args.finish(errors)?;
    let text = "`upper` of `RReLU` must not be less than `lower`";
    match (lower.value, upper.value) {
        (Some(l), Some(u)) if l > u => {
            let help = format!("write the smaller first: `RReLU({u}, {l})`");
            errors.error(upper.span, format!("{text}, found {l} and {u}")).help(help);
            return None;
        }
        (Some(_), Some(_)) => {}
        _ => {
            let (l, u) = (&lower.tokens, &upper.tokens);
            errors.assert(upper.span, quote!((#l) <= (#u)), text);
        }
    }
    Some(Box::new(RReLU { lower, upper }))
}

impl RReLU {
    fn args(&self, operands: impl IntoIterator<Item = Arg>) -> Vec<Arg> {
        let number = |what, n: &Number| Arg::Literal(what, n.tokens.clone());
        let (lower, upper) = (number("lower", &self.lower), number("upper", &self.upper));
        let mut args = vec![Arg::Context, Arg::NodeNumber, lower, upper];
        args.extend(operands);
        args
    }
}

impl Layer for RReLU {
    fn describe(&self) -> String {
        match (self.lower.value, self.upper.value) {
            (Some(l), Some(u)) if l == 1.0 / 8.0 && u == 1.0 / 3.0 => "RReLU".into(),
            _ => format!("RReLU({}, {})", self.lower, self.upper),
        }
    }

    fn infer(&mut self, inputs: &[Shape], _from: &From<'_>, _errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        Some(vec![inputs[0].clone()])
    }

    fn order(&mut self, inputs: &[View], _outputs: &[Shape]) -> Orders {
        Orders::any(inputs)
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        output.len()
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        if site.predict {
            let (lower, upper) = (&self.lower.tokens, &self.upper.tokens);
            let mean = Named::with("LeakyReLU", quote!(negative_slope: (#lower + #upper) / 2.0));
            let formula = "{y} = leaky_relu({x}), its slope the mean";
            return vec![rows("activation_forward", vec![Arg::Value(mean), X, Y], formula)];
        }
        vec![rows("rrelu_forward", self.args([X, Y]), "{y} = {x} where {x} > 0, else a ⊙ {x}, a drawn")]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let formula = "{dx} = {dy} ⊙ (1 where {x} > 0, else a), the same a";
        vec![rows("rrelu_backward", self.args([X, DY, DX]), formula)]
    }
}
