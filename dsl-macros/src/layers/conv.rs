//! `Conv1d`, `Conv2d`, `Conv3d` and `ConvTranspose1d` to `3d`, with PyTorch's options; beyond PyTorch: `init` and
//! `bias_init`.
//!
//! Values are channels-last; the weight is stored as `[kernel…, in, out]`. A transposed convolution is the gradient of the
//! convolution from its output to its input.

mod lengths;

use proc_macro2::Span;
use quote::quote;

use super::channels::{Member, channel_axis};
use super::check::{Must, check, divisors, listed};
use super::inits::Inits;
use super::operand::{DX, DY, X};
use super::window::{described, option};
use super::{From, Layer, Orders, Site, forward_call, kept_for_activation, rows, tiles};
use crate::diagnostics::Diagnostics;
use crate::ir::{Agreement, Arg, Call, Dim, Kept, Named, Operand, OutputKind, Param, ParamKind, Shape, View};
use crate::parse::args::{Args, PerAxis, Size};

#[derive(Clone, Debug)]
struct Conv {
    member: Member,
    transposed: bool,
    in_channels: Size,
    out_channels: (Dim, Span),
    kernel: PerAxis,
    stride: PerAxis,
    padding: Padding,
    output_padding: PerAxis,
    dilation: PerAxis,
    groups: (Dim, Span),
    bias: bool,
    mode: &'static str,
    inits: Inits,
    /// The lengths of the axes of input and output, AFTER `infer`.
    input: Vec<Dim>,
    output: Vec<Dim>,
}

/// What is put around a sample.
#[derive(Clone, Debug)]
enum Padding {
    Numbers(PerAxis),
    /// As much as makes the output as large as the input.
    Same(Span),
    /// Nothing.
    Valid,
}

const MODES: &[&str] = &["zeros", "reflect", "replicate", "circular"];

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let member = Member::of(args);
    let axes = member.axes;
    let transposed = member.name.starts_with("ConvTranspose");
    let in_channels = args.size("in_channels", errors);
    let out_channels = args.dim("out_channels", errors);
    let kernel = args.per_axis("kernel_size", axes, 1, errors);
    let stride = args.per_axis_or("stride", (axes, 1), 1, errors);
    let mut output_padding = PerAxis::all(0, axes, kernel.span);
    let (padding, dilation, groups, bias, mode);
    if transposed {
        padding = Padding::Numbers(args.per_axis_or("padding", (axes, 0), 0, errors));
        output_padding = args.per_axis_or("output_padding", (axes, 0), 0, errors);
        groups = args.dim_or("groups", 1, errors);
        bias = args.flag("bias", true, errors);
        dilation = args.per_axis_or("dilation", (axes, 1), 1, errors);
        mode = args.choice("padding_mode", &MODES[..1], "zeros", errors);
    } else {
        padding = match args.per_axis_or_word("padding", axes, &["same", "valid"], errors) {
            Ok(numbers) => Padding::Numbers(numbers),
            Err(("same", span)) => Padding::Same(span),
            Err(_) => Padding::Valid,
        };
        dilation = args.per_axis_or("dilation", (axes, 1), 1, errors);
        groups = args.dim_or("groups", 1, errors);
        bias = args.flag("bias", true, errors);
        mode = args.choice("padding_mode", MODES, "zeros", errors);
    }
    let inits = Inits::finish(bias, args, errors)?;
    let (input, output) = (Vec::new(), Vec::new());
    let conv = Conv {
        member,
        transposed,
        in_channels,
        out_channels,
        kernel,
        stride,
        padding,
        output_padding,
        dilation,
        groups,
        bias,
        mode,
        inits,
        input,
        output,
    };
    conv.check_same(errors)?;
    Some(Box::new(conv))
}

impl Conv {
    fn in_dim(&self) -> Dim {
        self.in_channels.dim.clone().unwrap_or(Dim::Known(1))
    }

    /// As it would be written with other input channels.
    fn with_input(&self, in_channels: impl std::fmt::Display) -> String {
        let padding = match &self.padding {
            Padding::Numbers(numbers) => described("padding", numbers, 0),
            Padding::Same(_) => ", padding = \"same\"".into(),
            Padding::Valid => String::new(),
        };
        let groups = match self.groups.0.known() {
            Some(1) => String::new(),
            _ => format!(", groups = {}", self.groups.0),
        };
        let bias = if self.bias { "" } else { ", bias = false" };
        let mode = if self.mode == "zeros" { String::new() } else { format!(", padding_mode = {:?}", self.mode) };
        let (stride, dilation) = (described("stride", &self.stride, 1), described("dilation", &self.dilation, 1));
        let more = described("output_padding", &self.output_padding, 0);
        let (name, out_channels, kernel) = (&self.member.name, &self.out_channels.0, &self.kernel);
        format!("{name}({in_channels}, {out_channels}, {kernel}{stride}{padding}{more}{dilation}{groups}{bias}{mode})")
    }

    /// How a sample that lacks one axis gets it: for a help.
    fn one_more_axis(&self, input: &Shape, from: &From<'_>) -> Option<String> {
        let one = Dim::Known(1);
        let channels = self.in_channels.dim.as_ref();
        // Its channels are there: what it lacks is another layer, of fewer axes.
        if self.member.axes > 1 && channels.is_some_and(|channels| channels.agrees(&input.0[0]) == Agreement::Equal) {
            return None;
        }
        if channels.is_none_or(|channels| *channels == one) {
            return Some(channel_axis(input, from.written));
        }
        // One channel makes no groups.
        (self.groups.0 == one).then(|| channel_axis(input, &self.with_input(one)))
    }

    /// Groups of equal size.
    fn check_groups(&self, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        let (groups, span) = &self.groups;
        for (channels, what) in [(&self.in_dim(), "input"), (&self.out_channels.0, "output")] {
            let text =
                format!("`groups = {groups}` of `{}` does not divide its {channels} {what} channels", from.written);
            check(Must::Divide(groups, channels), *span, text, errors, || {
                format!("{channels} is divided by {}", listed(divisors(channels)))
            })?;
        }
        Some(())
    }

    /// The elements of a window, with the channels that meet in it: rows of the stored weight.
    fn taps(&self) -> Dim {
        let channels = if self.transposed { self.out_channels.0.clone() } else { self.in_dim() };
        Dim::product(&self.kernel.dims).mul(&channels.div(&self.groups.0))
    }

    /// PyTorch's shape of the weight.
    fn weight_shape(&self) -> Vec<Dim> {
        let (rows, columns) = match self.transposed {
            true => (self.in_dim(), &self.out_channels.0),
            false => (self.out_channels.0.clone(), &self.in_dim()),
        };
        [rows, columns.div(&self.groups.0)].into_iter().chain(self.kernel.dims.iter().cloned()).collect()
    }

    // Expands to:
    //     Conv::new([28, 28], [5, 5]).padding([2, 2])
    /// Where its windows lie: of a transposed convolution those of the other direction.
    fn conv(&self) -> Arg {
        let (from, to) = if self.transposed { (&self.output, &self.input) } else { (&self.input, &self.output) };
        let kernel = &self.kernel.dims;
        let before: Vec<Dim> = (0..self.member.axes).map(|axis| self.padded(axis).before).collect();
        let even = (0..self.member.axes).all(|axis| self.padded(axis).before == self.padded(axis).behind);
        // What the sizes do not say.
        let told = even && self.output_padding.is(0);
        let output = (!told).then(|| quote!(.output([#(#to),*])));
        let groups = (self.groups.0.known() != Some(1)).then(|| {
            let groups = &self.groups.0;
            quote!(.groups(#groups))
        });
        let mode = (self.mode != "zeros").then(|| {
            let mode = proc_macro2::Ident::new(self.mode, Span::call_site());
            quote!(.#mode())
        });
        let (stride, padding) = (option("stride", &self.stride.dims, 1), option("padding", &before, 0));
        let dilation = option("dilation", &self.dilation.dims, 1);
        let transposed = self.transposed.then(|| quote!(.transposed()));
        let rest =
            quote!(::new([#(#from),*], [#(#kernel),*]) #stride #padding #dilation #output #groups #mode #transposed);
        Arg::Value(Named { name: "Conv", rest })
    }

    fn bias_arg(&self) -> Arg {
        if self.bias { Arg::Param("bias") } else { Arg::Absent }
    }

    fn sign(&self) -> &'static str {
        if self.transposed { "∗ᵀ" } else { "∗" }
    }

    fn formula(&self, before: &str) -> String {
        let bias = if self.bias { " + {bias}" } else { "" };
        format!("{before}{{x}} {} {{weight}}{bias}", self.sign())
    }
}

impl Layer for Conv {
    fn describe(&self) -> String {
        match &self.in_channels.dim {
            Some(in_channels) => self.with_input(in_channels),
            None => self.with_input("_"),
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let (channels, lengths) = self.member.check(input, from, errors, || self.one_more_axis(input, from))?;
        match self.in_channels.dim.clone() {
            None => self.in_channels.dim = Some(channels.clone()),
            Some(expected) => {
                let source = from.source(0);
                let text =
                    format!("`{}` expects {expected} channels, but {source} {channels}, in {input}", from.written);
                // Another number is reported, and what comes after checked all the same.
                let _ = check(Must::Equal(&expected, channels), self.in_channels.span, text, errors, || {
                    format!("write `{}` or `{}`", self.with_input(channels), self.with_input("_"))
                });
            }
        }
        self.check_groups(from, errors)?;
        self.inits.check(self.weight_shape(), &self.out_channels.0, from, errors);
        self.check_output_padding(from, errors)?;
        self.input = lengths.to_vec();
        // Every axis that is too short is told.
        let output: Vec<_> = (0..self.member.axes).map(|axis| self.length(axis, input, from, errors)).collect();
        self.output = output.into_iter().collect::<Option<_>>()?;
        let mut shape = vec![self.out_channels.0.clone()];
        shape.extend(self.output.iter().cloned());
        Some(vec![Shape(shape)])
    }

    fn order(&mut self, _inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::channels_last(outputs)
    }

    fn shape_example(&self) -> &'static str {
        self.member.shape_example()
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        let (rows, out) = (self.taps(), self.out_channels.0.clone());
        let columns = if self.transposed { self.in_dim() } else { out.clone() };
        let shape = self.weight_shape();
        let weight = Param {
            name: "weight",
            dims: shape.clone(),
            order: (2..shape.len()).chain([1, 0]).collect(),
            shape,
            rows: Some(rows.clone()),
            columns,
            cost: Dim::product(if self.transposed { &self.input } else { &self.output }),
            kind: ParamKind::Weight,
            init: self.inits.weight(&rows),
        };
        let cost = Dim::product(&self.output);
        let bias = super::vector("bias", vec![out], cost, ParamKind::Bias, self.inits.bias(&rows));
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }

    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        kept_for_activation(site)
    }

    /// Each element of the smaller side meets all elements of its window.
    fn flops(&self, inputs: &[Shape], output: &Shape) -> Dim {
        let met = if self.transposed { inputs[0].len() } else { output.len() };
        Dim::Known(2).mul(&self.taps()).mul(&met)
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let mut args = vec![self.conv(), X, Arg::Param("weight"), self.bias_arg()];
        if site.norm {
            args.push(Arg::Read(Operand::Norm));
            // A prediction keeps nothing: there is no third.
            let kernels = ["conv_norm_forward", "conv_norm_activation_forward", ""];
            return vec![forward_call(site, kernels, args, &|before| {
                self.formula(&format!("{before}{{norm}}(")) + ")"
            })];
        }
        let kernels = ["conv_forward", "conv_activation_forward", "conv_activation_forward_keep"];
        vec![forward_call(site, kernels, args, &|before| self.formula(before))]
    }

    fn takes_norm(&self) -> bool {
        true
    }

    /// `dy` is the gradient of x ∗ w + b, whatever was folded into the forward.
    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let back = if self.transposed { "∗" } else { "∗ᵀ" };
        let mut args = vec![self.conv(), Arg::Param("weight"), DY];
        let input = match site.producer_activation {
            None => {
                args.push(DX);
                rows("conv_backward_input", args, &format!("{{dx}} = {{dy}} {back} {{weight}}"))
            }
            Some(a) => {
                args.extend([Arg::Value(a.value.clone()), Arg::Read(Operand::Producer), DX]);
                let formula = format!("{{dx}} = ({{dy}} {back} {{weight}}) ⊙ {}'({{producer}})", a.name);
                rows("conv_activation_backward_input", args, &formula)
            }
        };
        let args = vec![self.conv(), X, DY, Arg::Span("weight"), Arg::Update];
        let mut calls = vec![input, tiles("conv_backward_weight", args, "d{weight} = Σ {dy} at each tap of {x}")];
        if self.bias {
            calls.push(tiles("linear_backward_bias", vec![DY, Arg::Span("bias"), Arg::Update], "d{bias} = Σ {dy}"));
        }
        calls
    }

    fn takes_activation(&self) -> bool {
        true
    }

    fn folds_activation_backward(&self) -> bool {
        true
    }

    fn output_kind(&self) -> OutputKind {
        OutputKind::Unbounded
    }
}
