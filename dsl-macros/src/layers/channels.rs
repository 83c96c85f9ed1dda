//! Samples of channels: `[C, L]`, `[C, H, W]`, `[C, D, H, W]`, and the layers whose names end in 1d, 2d and 3d, by the axes
//! after the channels.

use quote::quote;

use super::From;
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Dim, Shape, View};
use crate::parse::args::Args;

/// The axes of samples with so many axes beside the channels: `[C, H, W]` has two.
pub(super) const AXES: [&str; 4] = ["[C]", "[C, L]", "[C, H, W]", "[C, D, H, W]"];

/// What the axes after the channels are called.
pub(super) const LETTERS: [&[&str]; 4] = [&[], &["L"], &["H", "W"], &["D", "H", "W"]];

/// A layer whose name says of how many axes it is, one of a family of three.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// `BatchNorm2d`.
    pub(super) name: String,
    /// The axes after the channels.
    pub(super) axes: usize,
    /// The first of its family takes samples of shape `[C]` too.
    vectors: bool,
}

impl Member {
    /// The one whose arguments are read.
    pub(super) fn of(args: &Args<'_>) -> Member {
        let name = args.layer().to_owned();
        let axes = (1..=3).find(|axes| name.ends_with(&format!("{axes}d")));
        Member { axes: axes.expect("the registry has names that end in 1d, 2d and 3d"), name, vectors: false }
    }

    pub(super) fn with_vectors(self) -> Member {
        Member { vectors: true, ..self }
    }

    pub(super) fn takes_vectors(&self) -> bool {
        self.axes == 1 && self.vectors
    }

    /// `[C, H, W]`
    pub(super) fn shape_example(&self) -> &'static str {
        AXES[self.axes]
    }

    /// What an axis after the channels is called.
    pub(super) fn letter(&self, axis: usize) -> &'static str {
        LETTERS[self.axes][axis]
    }

    /// The channels and the axes after them. Reports samples of another shape than it takes; `one_more` says how a sample
    /// that lacks one axis gets it.
    pub(super) fn check<'s>(
        &self,
        input: &'s Shape,
        from: &From<'_>,
        errors: &mut Diagnostics,
        one_more: impl FnOnce() -> Option<String>,
    ) -> Option<(&'s Dim, &'s [Dim])> {
        if self.takes(input.0.len()) {
            return input.0.split_first();
        }
        self.refuse(input, from, errors, one_more);
        None
    }

    /// Reports a sample of a shape that it does not take.
    pub(super) fn refuse(
        &self,
        input: &Shape,
        from: &From<'_>,
        errors: &mut Diagnostics,
        one_more: impl FnOnce() -> Option<String>,
    ) {
        let (written, rank) = (from.written, input.0.len());
        let message = format!("`{written}` expects samples of shape {}, but {}", self.shapes(), from.shape(0, input));
        let stem = &self.name[..self.name.len() - "2d".len()];
        let others = (1..=3).map(|axes| Member { name: format!("{stem}{axes}d"), axes, ..*self });
        let other = others.into_iter().find(|other| other.takes(rank));
        // A vector is as it should be for the one that takes vectors.
        let vector = rank == 1 && self.vectors;
        let axes = if vector { None } else { lacking_axes(self.axes, input, written, one_more) };
        let other = other.map(|other| format!("`{}` is for {}", other.name, other.shapes()));
        errors.error(from.span, message).help_if(other).help_if(axes);
    }

    fn takes(&self, rank: usize) -> bool {
        rank == self.axes + 1 || rank == 1 && self.takes_vectors()
    }

    fn shapes(&self) -> &'static str {
        if self.takes_vectors() { "[C] or [C, L]" } else { AXES[self.axes] }
    }
}

/// How a sample gets the axes that it lacks to be of channels and `axes` others, as `one_more` says where it is one: for a
/// help.
pub(super) fn lacking_axes(
    axes: usize,
    input: &Shape,
    written: &str,
    one_more: impl FnOnce() -> Option<String>,
) -> Option<String> {
    match input.0.len() {
        rank if rank == axes => one_more(),
        1 => Some(format!("make axes of it: `Unflatten(1, {}) -> {written}`", AXES[axes])),
        _ => None,
    }
}

/// How a sample that is one channel is written as one: for a help.
pub(super) fn channel_axis(input: &Shape, written: &str) -> String {
    format!("give it an axis for its one channel: `Unflatten(1, [1, {}]) -> {written}`", input.0[0])
}

/// How a sample of channels gets one more axis, and keeps them: for a help.
pub(super) fn further_axis(input: &Shape, written: &str) -> String {
    let (rank, last) = (input.0.len(), &input.0[input.0.len() - 1]);
    format!("give its channels one more axis: `Unflatten({rank}, [{last}, 1]) -> {written}`")
}

/// The channels that lie together, for a kernel that works along the other axes: one where they are apart.
pub(super) fn channels_together(input: &View) -> Arg {
    let channels = if input.is_channels_last() { input.shape.0[0].clone() } else { Dim::Known(1) };
    Arg::Literal("channels", quote!(#channels))
}
