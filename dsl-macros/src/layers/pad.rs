//! `ZeroPad1d` to `3d`, `ConstantPad`, `ReflectionPad`, `ReplicationPad`, `CircularPad`: elements around a sample, or fewer of
//! them.
//!
//! They work along the last axes, wherever they lie: where the channels are last, these stay together.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::channels::{Member, channels_together};
use super::check::{Must, check};
use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Orders, Site, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Named, Shape, View};
use crate::parse::args::{Args, Number, PerSide, Range, Side};

#[derive(Clone, Debug)]
struct Pad {
    member: Member,
    mode: Mode,
    /// As PyTorch counts them: before and behind the last axis, then the one before it.
    padding: PerSide,
    /// The lengths of the padded axes, AFTER `infer`.
    input: Vec<Dim>,
}

/// What is put there.
#[derive(Clone, Debug)]
enum Mode {
    Zero,
    Constant(Number),
    Reflect,
    Replicate,
    Circular,
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let member = Member::of(args);
    let padding = args.per_side("padding", 2 * member.axes, errors);
    let mode = match member.name.split("Pad").next() {
        Some("Constant") => Mode::Constant(args.number("value", Range::Any, errors)),
        Some("Reflection") => Mode::Reflect,
        Some("Replication") => Mode::Replicate,
        Some("Circular") => Mode::Circular,
        _ => Mode::Zero,
    };
    args.finish(errors)?;
    Some(Box::new(Pad { member, mode, padding, input: Vec::new() }))
}

/// What is put before and behind an axis, and what is taken away there.
#[derive(Clone, Debug)]
struct Sides {
    more: [Dim; 2],
    less: [Dim; 2],
}

impl Pad {
    fn sides(&self, axis: usize) -> Sides {
        let at = 2 * (self.member.axes - 1 - axis);
        let sides = [&self.padding.sides[at], &self.padding.sides[at + 1]];
        let more = |side: &Side| if let Side::More(dim) = side { dim.clone() } else { Dim::Known(0) };
        let less = |side: &Side| if let Side::Less(taken) = side { Dim::Known(*taken) } else { Dim::Known(0) };
        Sides { more: sides.map(more), less: sides.map(less) }
    }

    /// The axes of which a sample may have some: those that it pads, and others before them.
    fn check_shape(&self, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        let (rank, axes) = (input.0.len(), self.member.axes);
        // Numbers can be put around the last axes of anything.
        let most = if matches!(self.mode, Mode::Zero | Mode::Constant(_)) { usize::MAX } else { axes + 1 };
        if (axes..=most).contains(&rank) {
            return Some(());
        }
        // A sample with one axis less has all that it pads.
        self.member.refuse(input, from, errors, || None);
        None
    }

    /// The length of a padded axis.
    fn length(&self, axis: usize, len: &Dim, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<Dim> {
        let (Sides { more, less }, letter) = (self.sides(axis), self.member.letter(axis));
        let (added, taken) = (more[0].add(&more[1]), less[0].add(&less[1]));
        let (written, shape, span) = (from.written, from.shape(0, input), self.padding.span);
        for taken in &less {
            let text = format!("`{written}` takes {taken} elements away along {letter}, of {len}: {shape}");
            check(Must::AtMost(taken, len), span, text, errors, || format!("take at most {len} away"))?;
        }
        let whole = len.add(&added);
        let text = format!("{} {len} + {added} - {taken} along {letter} is less than 1", from.empty_output(input));
        check(Must::Less(&taken, &whole), span, text, errors, || "take less away")?;
        for (more, less) in [(&more[0], &less[1]), (&more[1], &less[0])] {
            let (verb, most) = match self.mode {
                Mode::Reflect => ("mirrors", len.sub(&Dim::Known(1))),
                Mode::Circular => ("repeats", len.sub(less)),
                _ => continue,
            };
            let text = format!(
                "`{written}` {verb} {more} elements along {letter}, more than the {most} that there are: {shape}"
            );
            check(Must::AtMost(more, &most), span, text, errors, || {
                format!("pad at most {most}, or take `ReplicationPad{}d`", self.member.axes)
            })?;
        }
        Some(whole.sub(&taken))
    }

    // Expands to:
    //     Pads::new([28, 28], [[2, 2], [0, 1]]).reflect()
    fn pads(&self) -> Arg {
        let sides: Vec<Sides> = (0..self.member.axes).map(|axis| self.sides(axis)).collect();
        let input = &self.input;
        let pairs = |pairs: Vec<&[Dim; 2]>| {
            let pairs = pairs.into_iter().map(|[before, behind]| quote!([#before, #behind]));
            quote!([#(#pairs),*])
        };
        let padding = pairs(sides.iter().map(|sides| &sides.more).collect());
        let crops = sides.iter().any(|sides| sides.less.iter().any(|taken| taken.known() != Some(0)));
        let crop = crops.then(|| {
            let crop = pairs(sides.iter().map(|sides| &sides.less).collect());
            quote!(.crop(#crop))
        });
        let option = |name: &str| {
            let name = Ident::new(name, Span::call_site());
            quote!(.#name())
        };
        let mode = match &self.mode {
            Mode::Zero => TokenStream::new(),
            Mode::Constant(Number { tokens, .. }) => quote!(.value(#tokens)),
            Mode::Reflect => option("reflect"),
            Mode::Replicate => option("replicate"),
            Mode::Circular => option("circular"),
        };
        Arg::Value(Named { name: "Pads", rest: quote!(::new([#(#input),*], #padding) #crop #mode) })
    }

    fn call(&self, site: &Site<'_>, kernel: &str, [from, to]: [Arg; 2], template: &str) -> Vec<Call> {
        vec![rows(kernel, vec![self.pads(), channels_together(&site.inputs[0]), from, to], template)]
    }
}

impl Layer for Pad {
    fn describe(&self) -> String {
        let (name, padding) = (&self.member.name, &self.padding);
        match &self.mode {
            Mode::Constant(value) => format!("{name}({padding}, {value})"),
            _ => format!("{name}({padding})"),
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        self.check_shape(input, from, errors)?;
        let (before, lengths) = input.0.split_at(input.0.len() - self.member.axes);
        self.input = lengths.to_vec();
        // Every axis that does not fit is told.
        let padded: Vec<_> =
            lengths.iter().enumerate().map(|(axis, len)| self.length(axis, len, input, from, errors)).collect();
        let mut shape = before.to_vec();
        shape.extend(padded.into_iter().collect::<Option<Vec<Dim>>>()?);
        Some(vec![Shape(shape)])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        // The first axis is padded too: it has to lie where it is.
        let all = inputs[0].shape.0.len() == self.member.axes;
        if all { Orders::logical(outputs) } else { Orders::by_axes(inputs, outputs) }
    }

    fn shape_example(&self) -> &'static str {
        self.member.shape_example()
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], _output: &Shape) -> Dim {
        Dim::Known(0)
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        self.call(site, "pad_forward", [X, Y], "{y} = pad {x}")
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        self.call(site, "pad_backward", [DY, DX], "{dx} = Σ {dy} of its copies")
    }
}
