//! The macros of glulam: `network!` and `train!`.
//!
//! Use them through the package `glulam`, which documents and re-exports them. Where to begin reading: `expand.rs`.
#![forbid(unsafe_code)]

mod ast;
mod ast_train;
mod backward;
mod codegen;
mod conditions;
mod constant;
mod diagnostics;
mod expand;
mod fuse;
mod ir;
mod known;
mod layers;
mod layout;
mod parse;
mod plan;
mod resolve;
mod rooted;
mod shape;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Declares networks. See the documentation of `glulam`.
#[proc_macro]
pub fn network(input: TokenStream) -> TokenStream {
    rooted::rooted(input.into(), expand::networks).into()
}

/// Declares a trainer. See the documentation of `glulam`.
#[proc_macro]
pub fn train(input: TokenStream) -> TokenStream {
    rooted::rooted(input.into(), expand::trainer).into()
}

/// `network!`, whose mistakes do not stop the build: `ERRORS` of the network has their messages. For tests of
/// declarations that are not known beforehand, and of what is refused.
#[doc(hidden)]
#[proc_macro]
pub fn network_or_errors(input: TokenStream) -> TokenStream {
    rooted::rooted(input.into(), expand::network_or_errors).into()
}
