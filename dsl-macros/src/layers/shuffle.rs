//! `PixelShuffle`, `PixelUnshuffle`, `ChannelShuffle`: the numbers of a sample at other places. An axis is split into several, and
//! these are put in another order, of which the kernel knows no more.

use proc_macro2::Span;
use quote::quote;

use super::channels::{AXES, channel_axis, further_axis, lacking_axes};
use super::check::{Must, check, divisors, listed};
use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Orders, Site, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Shape, View};
use crate::parse::args::Args;

#[derive(Clone, Debug)]
struct Shuffle {
    what: What,
    /// The factor, or the groups.
    by: (Dim, Span),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// `[C·r², H, W]` → `[C, H·r, W·r]`.
    Pixels,
    /// The other way round.
    PixelsBack,
    /// `[g·C, …]` → `[C·g, …]`.
    Channels,
}

pub(super) fn pixel_shuffle(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    read(What::Pixels, args, errors)
}

pub(super) fn pixel_unshuffle(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    read(What::PixelsBack, args, errors)
}

pub(super) fn channel_shuffle(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    read(What::Channels, args, errors)
}

fn read(what: What, args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let mut shuffle = Shuffle { what, by: (Dim::Known(1), args.span()) };
    shuffle.by = args.dim(shuffle.option(), errors);
    args.finish(errors)?;
    Some(Box::new(shuffle))
}

/// Axes of a sample, as the kernel is told of them.
#[derive(Clone, Debug)]
struct Axes {
    dims: Vec<Dim>,
    order: Vec<usize>,
}

impl Axes {
    /// Those of the result, from which the same call makes the sample.
    fn back(&self) -> Axes {
        let dims = self.order.iter().map(|&axis| self.dims[axis].clone()).collect();
        let place = |axis| self.order.iter().position(|&other| other == axis).expect("an order has all axes");
        Axes { dims, order: (0..self.order.len()).map(place).collect() }
    }
}

impl Shuffle {
    fn name(&self) -> &'static str {
        match self.what {
            What::Pixels => "PixelShuffle",
            What::PixelsBack => "PixelUnshuffle",
            What::Channels => "ChannelShuffle",
        }
    }

    fn option(&self) -> &'static str {
        match self.what {
            What::Pixels => "upscale_factor",
            What::PixelsBack => "downscale_factor",
            What::Channels => "groups",
        }
    }

    /// Reports that `by` does not divide `len`.
    fn check_divides(
        &self,
        (by, len, what): (&Dim, &Dim, &str),
        input: &Shape,
        from: &From<'_>,
        errors: &mut Diagnostics,
    ) -> Option<()> {
        let text = format!("`{}` needs a multiple of {by} {what}, but {}", from.written, from.shape(0, input));
        check(Must::Divide(by, len), self.by.1, text, errors, || {
            let mut fits = divisors(len);
            // There the length is divided by the square.
            fits.retain(|by| {
                self.what != What::Pixels || len.known().is_some_and(|len| (len / by).is_multiple_of(*by))
            });
            format!("`{}` can be {}", self.option(), listed(fits))
        })
    }

    /// How the axes of the input lie.
    fn axes(&self, input: &View) -> Axes {
        let (by, last) = (&self.by.0, input.is_channels_last());
        let dims = &input.shape.0;
        if self.what == What::Channels {
            let (channels, positions) = (dims[0].div(by), Dim::product(&dims[1..]));
            return match last {
                true => Axes { dims: vec![positions, by.clone(), channels], order: vec![0, 2, 1] },
                false => Axes { dims: vec![by.clone(), channels, positions], order: vec![1, 0, 2] },
            };
        }
        // What stands before the channels goes with them.
        let (before, [height, width]) = dims.split_last_chunk().expect("an image, AFTER `infer`");
        let channels = Dim::product(before);
        let r = || by.clone();
        // The same axes either way, with the channels in front or behind: [C, r, r, H, W] becomes [C, H, r, W, r], and
        // [H, W, C, r, r] becomes [H, r, W, r, C].
        let (dims, order) = match self.what {
            What::Pixels => {
                let channels = channels.div(&by.mul(by));
                let dims = match last {
                    true => vec![height.clone(), width.clone(), channels, r(), r()],
                    false => vec![channels, r(), r(), height.clone(), width.clone()],
                };
                (dims, vec![0, 3, 1, 4, 2])
            }
            _ => {
                let (height, width) = (height.div(by), width.div(by));
                let dims = match last {
                    true => vec![height, r(), width, r(), channels],
                    false => vec![channels, height, r(), width, r()],
                };
                (dims, vec![0, 2, 4, 1, 3])
            }
        };
        Axes { dims, order }
    }

    // Expands to:
    //     permute([2, 3, 3, 8, 8], [0, 3, 1, 4, 2], x, y)
    fn call(Axes { dims, order }: Axes, from: Arg, to: Arg, template: &str) -> Vec<Call> {
        let order = order.into_iter().map(proc_macro2::Literal::usize_unsuffixed);
        let dims = Arg::Literal("dims", quote!([#(#dims),*]));
        let order = Arg::Literal("order", quote!([#(#order),*]));
        vec![rows("permute", vec![dims, order, from, to], template)]
    }
}

impl Layer for Shuffle {
    fn describe(&self) -> String {
        format!("{}({})", self.name(), self.by.0)
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let by = &self.by.0;
        let (least, wanted) = if self.what == What::Channels { (2, "[C, …]") } else { (3, AXES[2]) };
        if input.0.len() < least {
            let (written, shape) = (from.written, from.shape(0, input));
            let message = format!("`{written}` expects samples of shape {wanted}, but {shape}");
            let help = match (self.what, input.0.len()) {
                (What::Channels, 1) => Some(further_axis(input, written)),
                // One channel is no square of them.
                (What::Pixels, 2) => Some(format!("make two axes of its last: `Unflatten(2, [H, W]) -> {written}`")),
                _ => lacking_axes(2, input, written, || Some(channel_axis(input, written))),
            };
            errors.error(from.span, message).help_if(help);
            return None;
        }
        if self.what == What::Channels {
            self.check_divides((by, &input.0[0], "channels"), input, from, errors)?;
            return Some(vec![input.clone()]);
        }
        let mut dims = input.0.clone();
        let at = dims.len() - 3;
        let square = by.mul(by);
        if self.what == What::Pixels {
            self.check_divides((&square, &dims[at], "channels"), input, from, errors)?;
            dims[at] = dims[at].div(&square);
            dims[at + 1..].iter_mut().for_each(|dim| *dim = dim.mul(by));
        } else {
            self.check_divides((by, &dims[at + 1], "along H"), input, from, errors)?;
            self.check_divides((by, &dims[at + 2], "along W"), input, from, errors)?;
            dims[at] = dims[at].mul(&square);
            dims[at + 1..].iter_mut().for_each(|dim| *dim = dim.div(by));
        }
        Some(vec![Shape(dims)])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        // Channels last is what has its first axis last.
        let images = self.what == What::Channels || inputs[0].shape.0.len() == 3;
        if images { Orders::by_axes(inputs, outputs) } else { Orders::logical(outputs) }
    }

    fn shape_example(&self) -> &'static str {
        AXES[2]
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], _output: &Shape) -> Dim {
        Dim::Known(0)
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        Self::call(self.axes(&site.inputs[0]), X, Y, "{y} = {x}, shuffled")
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        Self::call(self.axes(&site.inputs[0]).back(), DY, DX, "{dx} = {dy}, shuffled back")
    }
}
