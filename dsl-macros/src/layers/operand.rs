//! The operands that nearly every call has.

use crate::ir::{Arg, Operand};

pub(super) const X: Arg = Arg::Read(Operand::X(0));
pub(super) const Y: Arg = Arg::Write(Operand::Y(0));
/// The output, for a derivative taken from it.
pub(super) const OUT: Arg = Arg::Read(Operand::Y(0));
pub(super) const DY: Arg = Arg::Read(Operand::DY(0));
pub(super) const DX: Arg = Arg::Write(Operand::DX(0));
