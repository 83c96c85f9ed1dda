//! `my::Layer(7) => [64]`: the user's own layer, any type that implements `glulam::layer::CustomLayer`.
//!
//! Its arguments become the value: `my::Layer` without any, `my::Layer(7)` with positional ones,
//! `my::Layer { size: 7 }` with keywords. What it computes is only known to the type; its parameters are one flat
//! array, `parameters`, whose length the type says.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Site, batch, rows, tiles, vector};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Operand, Param, ParamKind, Role, Shape};
use crate::parse::args::Argument;

#[derive(Clone, Debug)]
pub(crate) struct Custom {
    path: TokenStream,
    /// The layer as an expression.
    value: TokenStream,
    output: Shape,
    written: String,
}

const GRADIENT: Operand = Operand::Statistics(0);

impl Custom {
    /// `None` if positional and keyword arguments are mixed.
    pub(crate) fn new(
        path: TokenStream,
        span: Span,
        arguments: &[Argument],
        output: Shape,
        errors: &mut Diagnostics,
    ) -> Option<Self> {
        let values: Vec<&TokenStream> = arguments.iter().map(|a| &a.value).collect();
        let names: Vec<_> = arguments.iter().filter_map(|a| a.name.as_ref()).collect();
        let value = if arguments.is_empty() {
            quote!(#path)
        } else if names.is_empty() {
            quote_spanned!(span=> #path(#(#values),*))
        } else if names.len() == arguments.len() {
            quote_spanned!(span=> #path { #(#names: #values),* })
        } else {
            errors
                .error(span, "the arguments of a layer of your own are all positional or all named")
                .help("`my::Layer(7)` is the tuple struct, `my::Layer(size = 7)` the struct with that field");
            return None;
        };
        let written = crate::parse::tokens::text(value.clone());
        Some(Custom { path, value, output, written })
    }

    fn value(&self) -> Arg {
        Arg::Layer(self.value.clone())
    }

    /// A call of a method of the layer's type.
    fn method(&self, call: Call) -> Call {
        let path = &self.path;
        Call { role: Role::Method(quote!(<#path as ::glulam::layer::CustomLayer>)), ..call }
    }

    fn parameters(&self) -> Dim {
        let path = &self.path;
        Dim::named(quote!(<#path as ::glulam::layer::CustomLayer>::PARAMETERS))
    }
}

impl Layer for Custom {
    fn describe(&self) -> String {
        self.written.clone()
    }

    fn infer(&mut self, _inputs: &[Shape], _from: &From<'_>, _errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        Some(vec![self.output.clone()])
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        let path = &self.path;
        let init = quote!(<#path as ::glulam::layer::CustomLayer>::INIT);
        // Summed before the tile phase.
        vec![vector("parameters", vec![self.parameters()], Dim::Known(0), ParamKind::Weight, init)]
    }

    fn statistics(&self) -> Vec<(&'static str, Dim)> {
        vec![("gradient", self.parameters())]
    }

    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        output.len()
    }

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        let args = vec![self.value(), Arg::Param("parameters"), X, Y];
        vec![self.method(rows("forward_rows", args, "{y} = {layer}({x})"))]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let args = |gradient| vec![self.value(), Arg::Param("parameters"), X, DY, gradient];
        let input = rows("backward_input_rows", args(DX), "{dx} = {dy} · ∂{layer}/∂{x}");
        let formula = "{statistics} = Σ {dy} · ∂{layer}/∂{parameters}";
        let parameters = batch("backward_parameters_batch", args(Arg::Write(GRADIENT)), formula);
        let args = vec![Arg::Read(GRADIENT), Arg::Span("parameters"), Arg::Update];
        let finish = tiles("custom_finish", args, "d{parameters} = {statistics}");
        vec![self.method(input), self.method(parameters), finish]
    }
}
