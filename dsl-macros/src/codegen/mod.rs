//! Writes the program down as Rust: the only place that knows how generated code looks.
//!
//! Infallible: whatever could be wrong was reported before.

mod calls;
mod docs;
mod names;
mod network;
mod params;
mod places;
mod saved;
mod stub;
mod tables;
mod train;
mod values;
mod views;

use std::collections::{BTreeSet, HashMap};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

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
    /// Identifiers of the user's, and of values.
    taken: BTreeSet<String>,
    /// The constant of each parameter's place: `L0_WEIGHT`.
    spans: HashMap<String, Ident>,
    views: views::View<'a>,
    /// How each parameter is reached in the views: `blocks[3].l0_weight`.
    paths: HashMap<String, TokenStream>,
}

/// The items of one network.
pub(crate) fn network(header: &Header, program: &Program, plan: &Plan) -> TokenStream {
    let taken = names::taken(header, program, plan);
    let (views, mut paths) = (views::of(program, plan), HashMap::new());
    views.paths(&TokenStream::new(), &mut paths);
    let unit = Unit { header, program, plan, spans: names::spans(plan, &taken), taken, views, paths };
    let items = [unit.structs(), unit.inherent(), unit.saved(), unit.assertions(), unit.hover()];
    // The flat lists first: they are what a reader comes for.
    let inside = [unit.row_functions(), unit.tile_function(), unit.predict_function(), unit.network_impl()];
    let (imports, tables) = (unit.imports(), [unit.spans(), unit.views(), unit.values()]);
    let items = quote! {
        #(#items)*
        #[allow(
            non_snake_case,
            unused_doc_comments,
            unused_imports,
            unused_mut,
            unused_braces,
            unused_parens,
            unused_variables,
            reason = "one form for all networks, and a formula on each call"
        )]
        const _: () = {
            #imports
            #(#inside)*
            #(#tables)*
        };
    };
    crate::conditions::under(&header.attrs, items)
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

    /// What only rustc can decide.
    fn assertions(&self) -> TokenStream {
        let assertions = self.program.graph.assertions.iter().map(|assertion| {
            let (condition, message) = (&assertion.condition, &assertion.message);
            match message {
                Some(message) => {
                    quote_spanned!(assertion.span=> const _: () = __glulam::assert_that(#condition, #message);)
                }
                None => quote_spanned!(assertion.span=> const _: () = #condition;),
            }
        });
        let assertions: TokenStream = assertions.collect();
        if assertions.is_empty() {
            return assertions;
        }
        quote! {
            #[allow(unused_braces, unused_parens, reason = "an expression of the declaration stands as it is")]
            const _: () = {
                use ::glulam::__private as __glulam;
                #assertions
            };
        }
    }

    // Expands to:
    //     const _: () = { let _ = (::glulam::layers::Linear, ::glulam::layers::ReLU, …); };
    /// The names of the layers where they were written: by which an editor finds their documentation.
    fn hover(&self) -> TokenStream {
        let nodes = &self.program.graph.nodes;
        let written = nodes.iter().flat_map(|node| {
            let fused = node.activation.as_ref().map(|a| (&a.written, a.span));
            [Some((&node.written, node.span)), fused].into_iter().flatten()
        });
        let mut seen = BTreeSet::new();
        let names = written.filter_map(|(written, span)| {
            let name = written.split('(').next()?.trim();
            // A layer of the user's own has its documentation elsewhere.
            let documented = name == "Residual" || crate::layers::lookup(name).is_some();
            // A place in a block is one place, however often the block is used.
            let new = documented && seen.insert((name.to_owned(), format!("{span:?}")));
            let name = new.then(|| Ident::new(name, span))?;
            Some(quote!(::glulam::layers::#name,))
        });
        let names: TokenStream = names.collect();
        if names.is_empty() {
            return names;
        }
        quote! {
            /// Does nothing. An editor that is asked about a layer of the declaration finds its documentation here.
            const _: () = {
                let _ = (#names);
            };
        }
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
