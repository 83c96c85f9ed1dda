//! `Upsample`, `UpsamplingNearest2d`, `UpsamplingBilinear2d`: a sample at another resolution, with PyTorch's options.
//!
//! They work along the axes after the channels, wherever these lie.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::channels::{AXES, LETTERS, channel_axis, channels_together, lacking_axes};
use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Orders, Site, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Named, Shape, View};
use crate::parse::args::{Args, Number, Range, Several};

#[derive(Clone, Debug)]
struct Upsample {
    name: String,
    to: To,
    mode: Mode,
    align_corners: Option<bool>,
    recompute: Option<bool>,
    /// The lengths of the axes of input and output, AFTER `infer`.
    input: Vec<Dim>,
    output: Vec<Dim>,
}

/// The resolution, one for all axes or one for each.
#[derive(Clone, Debug)]
enum To {
    Size(Several<Dim>),
    Scale(Several<Number>),
}

/// PyTorch's word, the axes that it is for if these are not any, and the runtime's option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode {
    word: &'static str,
    axes: Option<usize>,
    option: &'static str,
    /// The elements along an axis that a mean is of; 1: no mean.
    taps: usize,
}

const WORDS: &[&str] = &["nearest", "linear", "bilinear", "bicubic", "trilinear", "nearest-exact"];

impl Mode {
    fn of(word: &'static str) -> Mode {
        let (axes, option, taps) = match word {
            "linear" => (Some(1), "linear", 2),
            "bilinear" => (Some(2), "linear", 2),
            "trilinear" => (Some(3), "linear", 2),
            "bicubic" => (Some(2), "cubic", 4),
            "nearest-exact" => (None, "nearest_exact", 1),
            _ => (None, "", 1),
        };
        Mode { word, axes, option, taps }
    }
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let (size, scale) = read_resolution(args, errors);
    let mode = Mode::of(args.choice("mode", WORDS, "nearest", errors));
    let align_corners = args.optional_flag("align_corners", errors);
    let recompute = args.optional_flag("recompute_scale_factor", errors);
    args.finish(errors)?;
    let name = args.layer().to_owned();
    if let (1, Some((_, span))) = (mode.taps, align_corners) {
        let text =
            format!("`align_corners` of `{name}` means nothing with `mode = {:?}`, which makes no means", mode.word);
        errors.error(span, text).help("leave it out, or write `mode = \"bilinear\"`");
        return None;
    }
    if let (Some(_), Some((true, span))) = (&size, recompute) {
        let text = format!("`recompute_scale_factor` of `{name}` means nothing with `size`");
        errors.error(span, text).help("leave it out");
        return None;
    }
    let (align_corners, recompute) = (align_corners.map(|(flag, _)| flag), recompute.map(|(flag, _)| flag));
    layer(name, (size, scale), mode, align_corners, recompute, args.span(), errors)
}

pub(super) fn read2d(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let resolution = read_resolution(args, errors);
    args.finish(errors)?;
    let name = args.layer().to_owned();
    let (mode, align_corners) = match name.as_str() {
        "UpsamplingBilinear2d" => (Mode::of("bilinear"), Some(true)),
        _ => (Mode { axes: Some(2), ..Mode::of("nearest") }, None),
    };
    layer(name, resolution, mode, align_corners, None, args.span(), errors)
}

type Resolution = (Option<Several<Dim>>, Option<Several<Number>>);

fn read_resolution(args: &mut Args<'_>, errors: &mut Diagnostics) -> Resolution {
    let size = args.optional_lengths("size", errors);
    (size, args.optional_numbers("scale_factor", Range::Positive, errors))
}

fn layer(
    name: String,
    resolution: Resolution,
    mode: Mode,
    align_corners: Option<bool>,
    recompute: Option<bool>,
    span: Span,
    errors: &mut Diagnostics,
) -> Option<Box<dyn Layer>> {
    let to = match resolution {
        (Some(size), None) => To::Size(size),
        (None, Some(scale)) => To::Scale(scale),
        (Some(_), Some(scale)) => {
            let text = format!("`{name}` takes `size` or `scale_factor`, not both");
            errors.error(scale.span, text).help("leave out one of them");
            return None;
        }
        (None, None) => {
            let help = format!("write `{name}(scale_factor = 2)`");
            errors.error(span, format!("`{name}` lacks `size` or `scale_factor`")).help(help);
            return None;
        }
    };
    let (input, output) = (Vec::new(), Vec::new());
    Some(Box::new(Upsample { name, to, mode, align_corners, recompute, input, output }))
}

impl Upsample {
    /// The axes after the channels.
    fn axes<'s>(&self, input: &'s Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<(&'s Dim, &'s [Dim])> {
        let axes = input.0.len().saturating_sub(1);
        let fits = self.mode.axes.map_or((1..=3).contains(&axes), |wanted| wanted == axes);
        if let (Some((channels, rest)), true) = (input.0.split_first(), fits) {
            return Some((channels, rest));
        }
        let wanted = match self.mode.axes {
            Some(axes) => AXES[axes].to_owned(),
            None => format!("{}, {} or {}", AXES[1], AXES[2], AXES[3]),
        };
        let message = format!("`{}` expects samples of shape {wanted}, but {}", from.written, from.shape(0, input));
        // The same with as many axes as there are.
        let word = match (self.mode.option, axes) {
            ("linear", 1) => Some("linear"),
            ("linear" | "cubic", 2) => Some("bilinear"),
            ("linear", 3) => Some("trilinear"),
            ("cubic", 1 | 3) => Some("nearest"),
            _ => None,
        };
        let help = word.map(|word| format!("for {} write `mode = {word:?}`", AXES[axes]));
        let one_more = || Some(channel_axis(input, from.written));
        let lacking = lacking_axes(self.mode.axes.unwrap_or(1), input, from.written, one_more);
        errors.error(from.span, message).help_if(help.filter(|_| self.name == "Upsample")).help_if(lacking);
        None
    }

    /// The value for an axis, of one for all or one for each.
    fn each<'v, V>(
        &self,
        option: &str,
        given: &'v Several<V>,
        axes: usize,
        errors: &mut Diagnostics,
    ) -> Option<Vec<&'v V>> {
        match given.values.as_slice() {
            [one] => Some(vec![one; axes]),
            values if values.len() == axes => Some(values.iter().collect()),
            values => {
                let (name, found) = (&self.name, values.len());
                let each = if axes == 1 { String::new() } else { format!(", or one for each of {axes} axes") };
                errors.error(given.span, format!("`{option}` of `{name}` is one number{each}, found {found}"));
                None
            }
        }
    }

    /// The lengths of the output's axes.
    fn lengths(&self, lengths: &[Dim], input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Dim>> {
        let scale = match &self.to {
            To::Size(size) => {
                return Some(self.each("size", size, lengths.len(), errors)?.into_iter().cloned().collect());
            }
            To::Scale(scale) => scale,
        };
        let factors = self.each("scale_factor", scale, lengths.len(), errors)?;
        let mut output = Vec::new();
        for (axis, (len, factor)) in lengths.iter().zip(factors).enumerate() {
            let letter = LETTERS[lengths.len()][axis];
            let text = format!("{} {len} · {factor} along {letter} is less than 1", from.empty_output(input));
            match (len.known(), factor.value) {
                (Some(len), Some(factor)) => {
                    let scaled = (len as f64 * factor).floor();
                    if scaled < 1.0 {
                        errors.error(scale.span, text).help("take a larger factor");
                        return None;
                    }
                    // What is larger than any number is the largest: `shape` refuses it.
                    output.push(Dim::Known(scaled as usize));
                }
                _ => {
                    let factor = &factor.tokens;
                    let scaled = Dim::named(quote!(((#len) as f64 * (#factor)) as usize));
                    errors.assert(scale.span, quote!((#scaled) >= 1), text);
                    output.push(scaled);
                }
            }
        }
        Some(output)
    }

    // Expands to:
    //     Resampling::new([14, 14], [28, 28]).scale([2.0, 2.0]).linear().align_corners()
    fn resampling(&self) -> Arg {
        let (input, output) = (&self.input, &self.output);
        let align = self.align_corners == Some(true);
        let scale = match &self.to {
            // Corners that lie on each other say all.
            To::Scale(scale) if self.recompute != Some(true) && !align => {
                let one = &scale.values[0];
                let factors = (0..input.len()).map(|axis| &scale.values.get(axis).unwrap_or(one).tokens);
                Some(quote!(.scale([#(#factors),*])))
            }
            _ => None,
        };
        let option = |name: &str| -> TokenStream {
            let name = proc_macro2::Ident::new(name, Span::call_site());
            quote!(.#name())
        };
        let mode = (!self.mode.option.is_empty()).then(|| option(self.mode.option));
        let align = align.then(|| option("align_corners"));
        let rest = quote!(::new([#(#input),*], [#(#output),*]) #scale #mode #align);
        Arg::Value(Named { name: "Resampling", rest })
    }

    fn call(&self, site: &Site<'_>, kernel: &str, [from, to]: [Arg; 2], template: &str) -> Vec<Call> {
        vec![rows(kernel, vec![self.resampling(), channels_together(&site.inputs[0]), from, to], template)]
    }
}

impl Layer for Upsample {
    fn describe(&self) -> String {
        let to = match &self.to {
            To::Size(size) => format!("size = {size}"),
            To::Scale(scale) => format!("scale_factor = {scale}"),
        };
        if self.name != "Upsample" {
            return format!("{}({to})", self.name);
        }
        let mode = if self.mode.word == "nearest" { String::new() } else { format!(", mode = {:?}", self.mode.word) };
        let flag = |name: &str, flag: Option<bool>| match flag {
            Some(true) => format!(", {name} = true"),
            _ => String::new(),
        };
        let (align, recompute) =
            (flag("align_corners", self.align_corners), flag("recompute_scale_factor", self.recompute));
        format!("Upsample({to}{mode}{align}{recompute})")
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let (channels, lengths) = self.axes(input, from, errors)?;
        self.input = lengths.to_vec();
        self.output = self.lengths(lengths, input, from, errors)?;
        let mut shape = vec![channels.clone()];
        shape.extend(self.output.iter().cloned());
        Some(vec![Shape(shape)])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::by_axes(inputs, outputs)
    }

    fn shape_example(&self) -> &'static str {
        AXES[self.mode.axes.unwrap_or(2)]
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    /// A mean for each axis.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        match self.mode.taps {
            1 => Dim::Known(0),
            taps => Dim::Known(2 * taps * self.input.len()).mul(&output.len()),
        }
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let template =
            if self.mode.taps == 1 { "{y} = {x} at the nearest place" } else { "{y} = Σ weight ⊙ {x} around it" };
        self.call(site, "upsample_forward", [X, Y], template)
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let template = if self.mode.taps == 1 { "{dx} = Σ {dy} of its copies" } else { "{dx} = Σ weight ⊙ {dy}" };
        self.call(site, "upsample_backward", [DY, DX], template)
    }
}
