//! Where the inputs of a layer come from and which axes they have: the words for its messages.

use proc_macro2::Span;

use crate::diagnostics::Diagnostics;
use crate::ir::Shape;
use crate::parse::args::Integer;

/// Where a layer's inputs come from, for messages: ``but `Linear(784, 64)` produces 64``.
#[derive(Debug)]
pub(crate) struct From<'a> {
    /// The layer itself, as written.
    pub(crate) written: &'a str,
    /// The layer's own span.
    pub(crate) span: Span,
    /// The producers of its inputs, as written; `the input` for an input.
    pub(crate) producers: &'a [String],
}

impl From<'_> {
    /// `Linear(784, 64)` produces, or the input has: the beginning of what input `i` is, before a number.
    pub(super) fn source(&self, i: usize) -> String {
        match self.producers.get(i).map(String::as_str) {
            None | Some(THE_INPUT) => "the input has".into(),
            Some(written) => format!("`{written}` produces"),
        }
    }

    /// The same with the whole shape: `Linear(784, 64)` produces `[64]`, or the input has shape `[64]`.
    pub(super) fn shape(&self, i: usize, shape: &Shape) -> String {
        match self.producers.get(i).map(String::as_str) {
            None | Some(THE_INPUT) => format!("the input has shape {shape}"),
            Some(written) => format!("`{written}` produces {shape}"),
        }
    }

    /// That nothing would be left of the input: what the message begins with, before the sum that is less than 1.
    pub(super) fn empty_output(&self, input: &Shape) -> String {
        format!("`{}` makes an empty output: {}, and", self.written, self.shape(0, input))
    }
}

/// The producer of a value that the caller gives.
pub(crate) const THE_INPUT: &str = "the input";

/// The place in a sample's shape of the axis that PyTorch calls `axis.value`: it counts the batch too.
pub(super) fn sample_axis(
    option: &str,
    axis: Integer,
    input: &Shape,
    from: &From<'_>,
    errors: &mut Diagnostics,
) -> Option<usize> {
    let rank = input.0.len() as i64 + 1;
    let place = if axis.value < 0 { axis.value + rank } else { axis.value };
    let found = axis.value;
    if (1..rank).contains(&place) {
        return Some(place as usize - 1);
    }
    let written = from.written;
    if place == 0 {
        errors
            .error(axis.span, format!("`{option} = {found}` of `{written}` is the batch, whose samples do not meet"))
            .help(match rank {
                1 => format!("a sample of shape {input} has no axis of its own"),
                2 => "the sample's axis is 1, or -1".to_owned(),
                _ => format!("the axes of a sample are 1 to {}, the last is also -1", rank - 1),
            });
    } else {
        let axes = rank - 1;
        errors
            .error(axis.span, format!("`{option} = {found}` of `{written}` is out of range: {}", from.shape(0, input)))
            .help(match axes {
                0 => "there is no axis but 0, the batch".to_owned(),
                1 => "the axes are 0, the batch, and 1".to_owned(),
                _ => format!("the axes are 0, the batch, and 1 to {axes}"),
            });
    }
    None
}
