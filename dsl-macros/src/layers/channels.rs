//! Samples of channels, for families of layers whose names end in 1d, 2d and 3d: `[C, L]`, `[C, H, W]`, `[C, D, H, W]`.

use super::{From, lookup};
use crate::diagnostics::Diagnostics;
use crate::ir::{Dim, Shape};

/// The layers of one name but for its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// `BatchNorm`.
    name: &'static str,
    /// Of `…1d`: it takes `[C]` too.
    vectors: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    family: Family,
    /// The axes after the channels.
    axes: usize,
}

impl Family {
    /// A family that takes no samples of shape `[C]`.
    pub(super) const fn new(name: &'static str) -> Family {
        Family { name, vectors: false }
    }

    /// One that does, in its first layer.
    pub(super) const fn with_vectors(name: &'static str) -> Family {
        Family { name, vectors: true }
    }

    /// The layer of that name.
    pub(super) fn member(self, name: &str) -> Member {
        let axes = (1..=3).find(|axes| Member { family: self, axes: *axes }.name() == name);
        Member { family: self, axes: axes.expect("the registry has three of each family") }
    }
}

impl Member {
    pub(super) fn name(self) -> String {
        format!("{}{}d", self.family.name, self.axes)
    }

    /// `[C, H, W]`.
    fn shapes(self) -> &'static str {
        match self.axes {
            1 if self.family.vectors => "[C] or [C, L]",
            1 => "[C, L]",
            2 => "[C, H, W]",
            _ => "[C, D, H, W]",
        }
    }

    pub(super) fn takes_vectors(self) -> bool {
        self.axes == 1 && self.family.vectors
    }

    /// The channels of a sample, and the positions of each; reports samples of another kind.
    pub(super) fn split(self, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<(Dim, Dim)> {
        let (written, found) = (from.written, input.0.len().saturating_sub(1));
        match input.0.split_first() {
            Some((channels, rest)) if found == self.axes || found == 0 && self.takes_vectors() => {
                Some((channels.clone(), Dim::product(rest)))
            }
            split => {
                let shape = from.shape(0, input);
                let message = format!("`{written}` expects samples of shape {}, but {shape}", self.shapes());
                let other = Member { axes: found.max(1), ..self };
                let fits = split.is_some() && (found > 0 || other.takes_vectors());
                let known = fits && lookup(&other.name()).is_some();
                let help = known.then(|| format!("`{}` is for {}", other.name(), other.shapes()));
                errors.error(from.span, message).help_if(help);
                None
            }
        }
    }
}
