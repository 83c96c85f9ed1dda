//! What slides over the last axes of a sample: its size, its steps, and where it ends.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::From;
use super::check::{Must, check};
use crate::diagnostics::Diagnostics;
use crate::ir::{Dim, Shape};
use crate::parse::args::PerAxis;

/// The axes of samples with so many axes beside the channels: `[C, H, W]` has two.
pub(super) const AXES: [&str; 4] = ["[C]", "[C, L]", "[C, H, W]", "[C, D, H, W]"];

/// What stands before the first element of an axis, and behind the last.
#[derive(Clone, Debug)]
pub(super) struct Padded {
    pub(super) before: Dim,
    pub(super) behind: Dim,
}

/// The elements of a window from the first to the last: d·(k - 1) + 1.
pub(super) fn extent(kernel: &Dim, dilation: &Dim) -> Dim {
    dilation.mul(&kernel.sub(&Dim::Known(1))).add(&Dim::Known(1))
}

/// A window along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) kernel: &'a Dim,
    pub(super) stride: &'a Dim,
    pub(super) dilation: &'a Dim,
}

/// The number of windows along axis `axis` of `input`: (L + padding - d·(k - 1) - 1) / s + 1. Reports that there is none.
pub(super) fn windows(
    axis: usize,
    input: &Shape,
    padded: &Padded,
    line: Line<'_>,
    from: &From<'_>,
    errors: &mut Diagnostics,
) -> Option<Dim> {
    let Line { kernel, stride, dilation } = line;
    let (len, padding) = (&input.0[axis + 1], padded.before.add(&padded.behind));
    let (whole, extent) = (len.add(&padding), extent(kernel, dilation));
    let letter = LETTERS[input.0.len() - 1][axis];
    let text = format!(
        "`{}` makes an empty output: {}, and ({len} + {padding} - {dilation} · ({kernel} - 1) - 1) / {stride} + 1 along \
         {letter} is less than 1",
        from.written,
        from.shape(0, input)
    );
    check(Must::AtMost(&extent, &whole), from.span, text, errors, || {
        format!("its window is {extent} wide: pad {} more, or take a smaller kernel", extent.sub(&whole))
    })?;
    Some(whole.sub(&extent).div(stride).add(&Dim::Known(1)))
}

/// What the axes after the channels are called.
pub(super) const LETTERS: [&[&str]; 4] = [&[], &["L"], &["H", "W"], &["D", "H", "W"]];

/// The channels and the other axes of a sample, if it has as many as the layer slides over.
pub(super) fn channels_and_axes<'s>(
    axes: usize,
    input: &'s Shape,
    from: &From<'_>,
    errors: &mut Diagnostics,
) -> Option<(&'s Dim, &'s [Dim])> {
    match input.0.split_first() {
        Some((channels, rest)) if rest.len() == axes => Some((channels, rest)),
        _ => {
            let (written, shape) = (from.written, from.shape(0, input));
            let message = format!("`{written}` expects samples of shape {}, but {shape}", AXES[axes]);
            let help = match input.0.as_slice() {
                // As many axes as it slides over: an image without an axis for its one channel.
                [first, ..] if input.0.len() == axes => {
                    format!("give it an axis for its one channel: `Unflatten(1, [1, {first}]) -> {written}`")
                }
                [_, rest @ ..] if (1..AXES.len()).contains(&rest.len()) => {
                    let stem = written.split('(').next().unwrap_or_default().trim_end_matches(['1', '2', '3', 'd']);
                    format!("`{stem}{}d` is for {}", rest.len(), AXES[rest.len()])
                }
                _ => format!("make axes of it: `Unflatten(1, {}) -> {written}`", AXES[axes]),
            };
            errors.error(from.span, message).help(help);
            None
        }
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
