//! Writes the program down as Rust: the only place that knows how generated code looks.
//!
//! Infallible: whatever could be wrong was reported before.

mod calls;
mod docs;
mod network;
mod params;
mod saved;
mod stub;
mod train;
mod values;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use crate::ast::Header;
use crate::ir::{Dim, Program, Shape};
use crate::plan::Plan;

pub(crate) use stub::stub;
pub(crate) use train::trainer;

/// All that is written for one network.
pub(crate) struct Unit<'a> {
    pub(crate) header: &'a Header,
    pub(crate) program: &'a Program,
    pub(crate) plan: &'a Plan,
}

/// The items of one network.
pub(crate) fn network(header: &Header, program: &Program, plan: &Plan) -> TokenStream {
    let unit = Unit { header, program, plan };
    let items = [unit.structs(), unit.inherent(), unit.saved()];
    // The flat lists first: they are what a reader comes for.
    let inside = [unit.row_functions(), unit.tile_function(), unit.predict_function(), unit.network_impl()];
    let tables = [unit.spans(), unit.views(), unit.values(), unit.hover()];
    quote! {
        #(#items)*
        const _: () = {
            #[allow(unused_imports, reason = "the same for every network")]
            use ::glulam::__private::*;
            #(#inside)*
            #(#tables)*
        };
    }
}

impl Unit<'_> {
    /// `Mlp`
    pub(crate) fn name(&self) -> &Ident {
        &self.header.name
    }

    /// `MlpParams`
    pub(crate) fn params_name(&self) -> Ident {
        format_ident!("{}Params", self.header.name)
    }

    /// `MlpParamsMut`
    pub(crate) fn params_mut_name(&self) -> Ident {
        format_ident!("{}ParamsMut", self.header.name)
    }

    /// The shape of one sample of the input.
    pub(crate) fn input_shape(&self) -> &Shape {
        self.program.graph.shape(self.program.graph.inputs[0])
    }

    /// The shape of one sample of the output.
    pub(crate) fn output_shape(&self) -> &Shape {
        self.program.graph.shape(self.program.graph.output)
    }

    /// Assertions that only rustc can decide, and imports by which hovering on a layer finds its documentation.
    fn hover(&self) -> TokenStream {
        let assertions = self.program.graph.assertions.iter().map(|assertion| {
            let (condition, message) = (&assertion.condition, &assertion.message);
            quote::quote_spanned!(assertion.span=> const _: () = assert!(#condition, #message);)
        });
        let nodes = &self.program.graph.nodes;
        let written = nodes.iter().flat_map(|node| {
            let fused = node.activation.as_ref().map(|a| (&a.written, a.span));
            [Some((&node.written, node.span)), fused].into_iter().flatten()
        });
        let uses = written.filter_map(|(written, span)| {
            let name = written.split('(').next()?.trim();
            // A layer of the user's own has its documentation elsewhere.
            let documented = name == "Residual" || crate::layers::lookup(name).is_some();
            let ident = documented.then(|| Ident::new(name, span))?;
            Some(quote!(const _: ::glulam::layers::#ident = ::glulam::layers::#ident;))
        });
        quote!(#(#assertions)* #(#uses)*)
    }
}

/// An identifier with the macro's own span.
pub(crate) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// A dimension as a const generic argument.
pub(crate) fn generic(dim: &Dim) -> TokenStream {
    match dim {
        Dim::Known(_) => quote!(#dim),
        Dim::Named { .. } => quote!({ #dim }),
    }
}

/// One sample of this shape as a type: `[[T; 28]; 28]`.
pub(crate) fn sample_type(shape: &Shape, scalar: &TokenStream) -> TokenStream {
    shape.0.iter().rev().fold(scalar.clone(), |inner, dim| quote!([#inner; #dim]))
}

/// A number without a suffix, as a person would write it.
pub(crate) fn number(n: usize) -> proc_macro2::Literal {
    proc_macro2::Literal::usize_unsuffixed(n)
}
