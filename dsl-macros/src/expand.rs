//! The pipeline of `network!`: reads like a table of contents.
//!
//! ```text
//! parse      ast::Network     syntax only; goes on after a mistake, so that several are reported at once
//! resolve    Graph            AFTER: every layer known, every argument typed, blocks and repeats expanded
//! shape      Graph + shapes   AFTER: every edge agrees; nothing below this line can fail
//! layout     Graph            AFTER: every layer gets its inputs in an order of axes that it has asked for
//! fuse       Graph            AFTER: element-wise functions are folded into the producer's write-back
//! backward   Program          AFTER: no layers any more; the first write of a gradient overwrites, later ones add
//! plan       Plan             AFTER: every operand has a place; no live values share one
//! codegen    tokens           infallible
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use crate::diagnostics::Diagnostics;
use crate::layers::Graph;
use crate::parse::names::is_keyword;
use crate::{ast, ast_train, backward, codegen, fuse, known, layout, parse, plan, resolve, shape};

/// The items of all networks of one macro call, and the mistakes that were found.
pub(crate) fn networks(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::new();
    let networks = parse::network::parse(input, &mut errors);
    let items: Vec<TokenStream> = networks
        .iter()
        .map(|network| match check(network, &mut errors) {
            Some(graph) => compile(&network.header, graph),
            None => stub(&network.header),
        })
        .collect();
    let mistakes = errors.finish().err();
    quote!(#mistakes #(#items)*)
}

/// The items of one trainer, and the mistakes that were found. `train!` has three passes, parse, known and codegen:
/// what a path or an expression means is for rustc to say.
pub(crate) fn trainer(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::new();
    let trainer = parse::train::parse(input, &mut errors);
    let items = trainer.map(|mut trainer| {
        known::check(&mut trainer, &mut errors);
        parse::train::check_names(&mut trainer, &mut errors);
        let (name, vis, failed) = (trainer.name.clone(), trainer.vis.clone(), errors.any());
        called(&name, &vis, |name| codegen::trainer(&ast_train::Train { name, ..trainer }, failed))
    });
    let mistakes = errors.finish().err();
    quote!(#mistakes #items)
}

/// The items of one network, or what stands for it, and the messages about it.
pub(crate) fn network_or_errors(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::new();
    let networks = parse::network::parse(input, &mut errors);
    let Some(network) = networks.first() else { return quote!(compile_error!("one network is expected")) };
    let items = match check(network, &mut errors) {
        Some(graph) if !errors.any() => compile(&network.header, graph),
        _ => stub(&network.header),
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

/// What stands for a network with mistakes.
fn stub(header: &ast::Header) -> TokenStream {
    called(&header.name, &header.vis, |name| codegen::stub(&ast::Header { name, ..header.clone() }))
}

// Expands to:
//     struct CalledT<T> { … }
//     type T<S = f32> = CalledT<S>;
/// Items of that name. Where they cannot have it, but others may name them by it, they have another; where nobody can
/// name them, they are left out.
fn called(name: &Ident, vis: &TokenStream, items: impl FnOnce(Ident) -> TokenStream) -> TokenStream {
    if is_keyword(name) {
        return TokenStream::new();
    }
    if name.unraw() != "T" {
        return items(name.clone());
    }
    let other = format_ident!("Called{name}");
    let items = items(other.clone());
    quote!(#items #vis type #name<S = f32> = #other<S>;)
}

/// The passes that can fail, with a barrier after each.
fn check(network: &ast::Network, errors: &mut Diagnostics) -> Option<Graph> {
    let graph = resolve::resolve(network, errors)?;
    let graph = shape::infer(graph, network.failed, errors)?;
    (!network.failed).then_some(graph)
}

/// The passes that cannot.
fn compile(header: &ast::Header, graph: Graph) -> TokenStream {
    let graph = fuse::fuse(layout::choose(graph));
    let program = backward::derive(graph);
    let plan = plan::layout(&program);
    codegen::network(header, &program, &plan)
}
