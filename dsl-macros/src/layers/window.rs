//! What slides over the last axes of a sample: its size, its steps, and where it ends.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::check::{Must, check};
use crate::diagnostics::Diagnostics;
use crate::ir::Dim;
use crate::parse::args::PerAxis;

/// A window along one axis.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// The axis's length, and what it is called.
    pub(super) len: &'a Dim,
    pub(super) letter: &'static str,
    /// What stands before its first element and behind the last, together.
    pub(super) padding: Dim,
    /// The most that may stand on either side; `None`: as much as one likes.
    pub(super) most: Option<Dim>,
    pub(super) kernel: &'a Dim,
    pub(super) stride: &'a Dim,
    pub(super) dilation: &'a Dim,
}

/// The elements of a window from the first to the last: d·(k - 1) + 1.
pub(super) fn extent(kernel: &Dim, dilation: &Dim) -> Dim {
    dilation.mul(&kernel.sub(&Dim::Known(1))).add(&Dim::Known(1))
}

impl Line<'_> {
    /// The number of windows: (L + padding - d·(k - 1) - 1) / s + 1. Reports at `span` that there is none, in a message that
    /// begins with `subject`.
    pub(super) fn windows(&self, span: Span, subject: &str, errors: &mut Diagnostics) -> Option<Dim> {
        let Line { len, letter, padding, most, kernel, stride, dilation } = self;
        let (whole, extent) = (len.add(padding), extent(kernel, dilation));
        let text = format!(
            "{subject} ({len} + {padding} - {dilation} · ({kernel} - 1) - 1) / {stride} + 1 along {letter} is less than 1"
        );
        check(Must::AtMost(&extent, &whole), span, text, errors, || {
            // As much before as behind.
            let half = |dim: Dim| dim.add(&Dim::Known(1)).div(&Dim::Known(2));
            let (more, all) = (half(extent.sub(&whole)), half(extent.sub(len)));
            let known = |dim: &Option<Dim>| dim.as_ref().and_then(Dim::known);
            match (known(most), all.known()) {
                (Some(most), Some(all)) if all > most => format!("its window is {extent} wide: take a smaller one"),
                _ => format!("its window is {extent} wide: pad {more} more, or take a smaller kernel"),
            }
        })?;
        Some(whole.sub(&extent).div(stride).add(&Dim::Known(1)))
    }
}

/// `.stride([2, 2])`, unless it is `default` everywhere.
pub(super) fn option(name: &str, value: &[Dim], default: usize) -> TokenStream {
    if value.iter().all(|dim| dim.known() == Some(default)) {
        return TokenStream::new();
    }
    let name = proc_macro2::Ident::new(name, Span::call_site());
    quote!(.#name([#(#value),*]))
}

/// `, stride = 2`, unless it is `default`.
pub(super) fn described(name: &str, value: &PerAxis, default: usize) -> String {
    if value.is(default) { String::new() } else { format!(", {name} = {value}") }
}
