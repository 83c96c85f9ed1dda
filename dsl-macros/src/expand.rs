//! The pipeline of `network!`: reads like a table of contents.
//!
//! ```text
//! parse      ast::Network     syntax only; goes on after a mistake, so that several are reported at once
//! resolve    Graph            AFTER: every layer known, every argument typed, blocks and repeats expanded
//! shape      Graph + shapes   AFTER: every edge agrees; nothing below this line can fail
//! fuse       Graph            AFTER: element-wise functions are folded into the producer's write-back
//! backward   Program          AFTER: no layers any more; the first write of a gradient overwrites, later ones add
//! plan       Plan             AFTER: every operand has a place; no live values share one
//! codegen    tokens           infallible
//! ```

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;
use crate::ir::Graph;
use crate::{ast, backward, codegen, fuse, known, parse, plan, resolve, shape};

/// The items of all networks of one macro call, and the mistakes that were found.
pub(crate) fn networks(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::new();
    let networks = parse::network::parse(input, &mut errors);
    let unparsed = errors.any();
    let items: Vec<TokenStream> = networks
        .iter()
        .map(|network| match check(network, unparsed, &mut errors) {
            Some(graph) => compile(&network.header, graph),
            None => codegen::stub(&network.header),
        })
        .collect();
    let mistakes = errors.finish().err();
    quote!(#mistakes #(#items)*)
}

/// The items of one trainer, and the mistakes that were found. `train!` has three passes, parse, known and codegen:
/// what a path or an expression means is for rustc to say.
pub(crate) fn trainer(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::new();
    let mut trainer = parse::train::parse(input, &mut errors);
    if let Some(trainer) = &mut trainer {
        known::check(trainer, &mut errors);
    }
    let items = trainer.map(|trainer| codegen::trainer(&trainer, errors.any()));
    let mistakes = errors.finish().err();
    quote!(#mistakes #items)
}

/// The items of one network, or what stands for it, and the messages about it.
pub(crate) fn network_or_errors(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::new();
    let networks = parse::network::parse(input, &mut errors);
    let unparsed = errors.any();
    let Some(network) = networks.first() else { return quote!(compile_error!("one network is expected")) };
    let items = match check(network, unparsed, &mut errors) {
        Some(graph) if !errors.any() => compile(&network.header, graph),
        _ => codegen::stub(&network.header),
    };
    let (name, messages) = (&network.header.name, errors.into_messages());
    quote! {
        #items
        impl #name<f32> {
            /// What is wrong with the declaration.
            pub const ERRORS: &'static [&'static str] = &[#(#messages),*];
        }
    }
}

/// The passes that can fail, with a barrier after each.
fn check(network: &ast::Network, unparsed: bool, errors: &mut Diagnostics) -> Option<Graph> {
    let graph = resolve::resolve(network, errors)?;
    let graph = shape::infer(graph, errors)?;
    (!unparsed).then_some(graph)
}

/// The passes that cannot.
fn compile(header: &ast::Header, graph: Graph) -> TokenStream {
    let graph = fuse::fuse(graph);
    let program = backward::derive(graph);
    let plan = plan::layout(&program);
    codegen::network(header, &program, &plan)
}
