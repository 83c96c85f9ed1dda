//! The lengths of the output's axes, and what they demand of strides and paddings.

use super::super::From;
use super::super::check::{Must, check};
use super::super::window::{Line, extent};
use super::{Conv, Padding};
use crate::diagnostics::Diagnostics;
use crate::ir::{Dim, Shape};

/// What stands before the first element of an axis, and behind the last.
#[derive(Clone, Debug)]
pub(super) struct Padded {
    pub(super) before: Dim,
    pub(super) behind: Dim,
}

impl Conv {
    /// A padding that keeps sizes keeps them at stride 1 alone.
    pub(super) fn check_same(&self, errors: &mut Diagnostics) -> Option<()> {
        let Padding::Same(span) = self.padding else { return Some(()) };
        for stride in &self.stride.dims {
            let (name, found) = (&self.member.name, &self.stride);
            let text = format!("`padding = \"same\"` of `{name}` needs `stride = 1`, found {found}");
            let help = "give the padding as numbers, `padding = 1`";
            check(Must::Equal(&Dim::Known(1), stride), span, text, errors, || help)?;
        }
        Some(())
    }

    pub(super) fn padded(&self, axis: usize) -> Padded {
        match &self.padding {
            Padding::Numbers(numbers) => {
                Padded { before: numbers.dims[axis].clone(), behind: numbers.dims[axis].clone() }
            }
            Padding::Valid => Padded { before: Dim::Known(0), behind: Dim::Known(0) },
            // The odd one stands behind.
            Padding::Same(_) => {
                let total = extent(&self.kernel.dims[axis], &self.dilation.dims[axis]).sub(&Dim::Known(1));
                let before = total.div(&Dim::Known(2));
                Padded { behind: total.sub(&before), before }
            }
        }
    }

    fn line<'s>(&'s self, axis: usize, input: &'s Shape) -> Line<'s> {
        let Padded { before, behind } = self.padded(axis);
        Line {
            len: &input.0[axis + 1],
            letter: self.member.letter(axis),
            padding: before.add(&behind),
            most: self.reach(&input.0[axis + 1]),
            kernel: &self.kernel.dims[axis],
            stride: &self.stride.dims[axis],
            dilation: &self.dilation.dims[axis],
        }
    }

    /// How much may stand on either side of so many elements, where that is not as much as one likes.
    fn reach(&self, len: &Dim) -> Option<Dim> {
        match self.mode {
            "reflect" => Some(len.sub(&Dim::Known(1))),
            "circular" => Some(len.clone()),
            _ => None,
        }
    }

    /// What is mirrored or repeated has to be there.
    fn check_reach(&self, axis: usize, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        let (len, Padded { behind, .. }) = (&input.0[axis + 1], self.padded(axis));
        let Some(most) = self.reach(len) else { return Some(()) };
        let verb = if self.mode == "reflect" { "mirrors" } else { "repeats" };
        let letter = self.member.letter(axis);
        let text = format!(
            "`{}` {verb} {behind} elements along {letter}, more than the {most} that there are: {}",
            from.written,
            from.shape(0, input)
        );
        check(Must::AtMost(&behind, &most), from.span, text, errors, || {
            format!("write `padding = {most}`, or another `padding_mode`")
        })
    }

    /// What is put behind a transposed output is no whole step.
    pub(super) fn check_output_padding(&self, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        if !self.transposed {
            return Some(());
        }
        let steps = self.stride.dims.iter().zip(&self.dilation.dims);
        for (more, (stride, dilation)) in self.output_padding.dims.iter().zip(steps) {
            let text = format!(
                "`output_padding` of `{}` must be less than its stride, {stride}, or its dilation, {dilation}, found {more}",
                from.written
            );
            let most = stride.max(dilation).sub(&Dim::Known(1));
            check(Must::AtMost(more, &most), self.output_padding.span, text, errors, || match most.known() {
                Some(0) => "leave `output_padding` out, or take a larger stride".to_owned(),
                _ => format!("write `output_padding = {most}`, or take a larger stride"),
            })?;
        }
        Some(())
    }

    /// The length of an axis of the output.
    pub(super) fn length(&self, axis: usize, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<Dim> {
        if !self.transposed {
            self.check_reach(axis, input, from, errors)?;
            return self.line(axis, input).windows(from.span, &from.empty_output(input), errors);
        }
        // (L - 1)·s - 2p + d·(k - 1) + output_padding + 1
        let Line { len, letter, padding, kernel, stride, dilation, .. } = self.line(axis, input);
        let more = &self.output_padding.dims[axis];
        let whole = len.sub(&Dim::Known(1)).mul(stride).add(&extent(kernel, dilation)).add(more);
        let text = format!(
            "{} ({len} - 1) · {stride} + {dilation} · ({kernel} - 1) + {more} + 1 - {padding} along {letter} is less than 1",
            from.empty_output(input)
        );
        check(Must::Less(&padding, &whole), from.span, text, errors, || "take less padding")?;
        Some(whole.sub(&padding))
    }
}
