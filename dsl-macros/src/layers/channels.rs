//! Samples of channels, for families of layers whose names end in 1d, 2d and 3d: `[C, L]`, `[C, H, W]`, `[C, D, H, W]`.

use super::From;
use crate::diagnostics::Diagnostics;
use crate::ir::Shape;

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

    /// Reports samples of another shape than it takes.
    pub(super) fn check(self, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        let takes = |member: Member, rank| rank == member.axes + 1 || rank == 1 && member.takes_vectors();
        let rank = input.0.len();
        if takes(self, rank) {
            return Some(());
        }
        let message =
            format!("`{}` expects samples of shape {}, but {}", from.written, self.shapes(), from.shape(0, input));
        let others = (1..=3).map(|axes| Member { axes, ..self });
        let other = others.into_iter().find(|&other| takes(other, rank));
        let help = other.map(|other| format!("`{}` is for {}", other.name(), other.shapes()));
        errors.error(from.span, message).help_if(help);
        None
    }
}
