//! The macros of glulam.
#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the back end is not there yet")]

mod ast;
mod diagnostics;
mod ir;
mod layers;
mod parse;
mod resolve;
mod shape;
#[cfg(test)]
mod tests;
