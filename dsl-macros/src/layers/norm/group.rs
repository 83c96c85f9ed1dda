//! `GroupNorm`, and `InstanceNorm1d`, `InstanceNorm2d`, `InstanceNorm3d`: mean and variance of each sample over groups of
//! channels, or over each channel.

use proc_macro2::Span;
use quote::quote;

use super::super::channels::{AXES, Member};
use super::super::check::{Must, check, divisors};
use super::super::operand::{DX, DY, X, Y};
use super::super::{From, Layer, Orders, Site, batch, rows, tiles};
use super::{Affine, check_features, one_more_axis};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Buffer, Call, Dim, Kept, Named, Operand, OutputKind, Param, Shape, View};
use crate::parse::args::{Args, Number, Range, Size};

/// `GroupNorm(num_groups, num_channels, eps = 1e-5, affine = true, bias = true)` on samples of shape `[C, …]`;
/// `InstanceNorm1d(num_features, eps = 1e-5, momentum = 0.1, affine = false, track_running_stats = false, bias = true)` on
/// `[C, L]`, and its kin on `[C, H, W]` and `[C, D, H, W]`.
#[derive(Clone, Debug)]
struct GroupNorm {
    kind: Kind,
    channels: Size,
    eps: Number,
    affine: Affine,
    /// How many elements of a sample belong to one channel, AFTER `infer`.
    each: Dim,
    /// How many of them lie beside each other, AFTER `order`.
    inner: Dim,
}

#[derive(Clone, Debug)]
enum Kind {
    Group {
        groups: Dim,
        span: Span,
    },
    /// Each channel is a group, with running statistics if there is a momentum.
    Instance {
        member: Member,
        momentum: Number,
        tracked: bool,
    },
}

pub(in crate::layers) fn group_norm(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let (groups, span) = args.dim("num_groups", errors);
    let channels = args.size("num_channels", errors);
    let eps = args.number_or("eps", 1e-5, Range::NotNegative, errors);
    let weight = args.flag("affine", true, errors);
    args.keyword_only();
    let bias = args.flag("bias", true, errors);
    args.finish(errors)?;
    let affine = Affine { weight, bias: weight && bias };
    let (each, inner) = (Dim::Known(1), Dim::Known(1));
    Some(Box::new(GroupNorm { kind: Kind::Group { groups, span }, channels, eps, affine, each, inner }))
}

pub(in crate::layers) fn instance_norm(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let member = Member::of(args);
    let channels = args.size("num_features", errors);
    let eps = args.number_or("eps", 1e-5, Range::NotNegative, errors);
    let momentum = args.number_or("momentum", 0.1, Range::Any, errors);
    let weight = args.flag("affine", false, errors);
    let tracked = args.flag("track_running_stats", false, errors);
    args.keyword_only();
    let bias = args.flag("bias", true, errors);
    args.finish(errors)?;
    let affine = Affine { weight, bias: weight && bias };
    let (each, inner) = (Dim::Known(1), Dim::Known(1));
    let kind = Kind::Instance { member, momentum, tracked };
    Some(Box::new(GroupNorm { kind, channels, eps, affine, each, inner }))
}

/// What to write where a channel of a sample has one value.
const ONE_VALUE: &str = "one value is its own mean: normalise over the channels, with `LayerNorm` or `GroupNorm`";

/// μ and r of each group of a sample.
const KEPT: Operand = Operand::Kept(0);
/// Those of the running statistics.
const RUNNING: Operand = Operand::Statistics(0);

impl GroupNorm {
    fn channels(&self) -> Dim {
        self.channels.dim.clone().unwrap_or(Dim::Known(1))
    }

    fn groups(&self) -> Dim {
        match &self.kind {
            Kind::Group { groups, .. } => groups.clone(),
            Kind::Instance { .. } => self.channels(),
        }
    }

    fn tracked(&self) -> bool {
        matches!(self.kind, Kind::Instance { tracked: true, .. })
    }

    fn groups_arg(&self) -> Arg {
        let (groups, channels, inner) = (self.groups(), self.channels(), &self.inner);
        Arg::Value(Named::with("Groups", quote!(groups: #groups, channels: #channels, inner: #inner)))
    }

    fn eps(&self) -> Arg {
        Arg::Literal("eps", self.eps.tokens.clone())
    }

    fn check(&mut self, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        let (name, first) = match &self.kind {
            Kind::Group { groups, .. } => ("GroupNorm", format!("{groups}, ")),
            Kind::Instance { member, .. } => (member.name.as_str(), String::new()),
        };
        check_features(name, &first, &mut self.channels, input, from, errors)?;
        self.check_groups(from, errors)?;
        self.check_values(input, from, errors)
    }

    /// The groups of a `GroupNorm` have to share the channels out.
    fn check_groups(&self, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        let Kind::Group { groups, span } = &self.kind else { return Some(()) };
        let (written, channels) = (from.written, self.channels());
        let message = format!("`num_groups` of `{written}` must divide its {channels} channels, found {groups}");
        check(Must::Divide(groups, &channels), *span, message, errors, || {
            let from_groups = |d: &usize| groups.known().map(|g| d.abs_diff(g));
            let nearest = divisors(&channels).into_iter().min_by_key(from_groups).unwrap_or(1);
            format!("write `GroupNorm({nearest}, {channels})`")
        })
    }

    /// How a sample that lacks one axis gets it, of an instance norm: for a help.
    fn one_more_axis(&self, input: &Shape, from: &From<'_>) -> Option<String> {
        let each = Dim::product(&input.0[1..]);
        match &self.channels.dim {
            Some(channels) if channels.known() != Some(1) && each.known() == Some(1) => Some(ONE_VALUE.into()),
            _ => one_more_axis(&self.channels, input, from.written),
        }
    }

    /// A group of one value is its own mean, and the output the bias, whatever comes in.
    fn check_values(&self, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<()> {
        let (groups, len) = (self.groups(), input.len());
        let (written, shape) = (from.written, from.shape(0, input));
        let what = match &self.kind {
            Kind::Group { .. } => "group",
            Kind::Instance { .. } => "channel",
        };
        let message = format!("`{written}` needs more than 1 value in each {what} of a sample, but {shape}");
        let channels = self.channels();
        check(Must::Less(&groups, &len), from.span, message, errors, || match (&self.kind, channels.known()) {
            (Kind::Group { .. }, Some(1)) => "one value is its own mean: leave it out".into(),
            (Kind::Group { .. }, _) => format!("write `GroupNorm(1, {channels})`: one group"),
            (Kind::Instance { .. }, _) => ONE_VALUE.into(),
        })
    }
}

impl Layer for GroupNorm {
    fn describe(&self) -> String {
        let channels = self.channels.dim.as_ref().map_or("_".into(), Dim::to_string);
        let eps = if self.eps.value == Some(1e-5) { String::new() } else { format!(", eps = {}", self.eps) };
        let affine = self.affine;
        match &self.kind {
            Kind::Group { groups, .. } => format!("GroupNorm({groups}, {channels}{eps}{})", affine.describe("affine")),
            Kind::Instance { member, momentum, tracked } => {
                let changed = *tracked && momentum.value != Some(0.1);
                let momentum = if changed { format!(", momentum = {momentum}") } else { String::new() };
                // By default there is none.
                let affine = match (affine.weight, affine.bias) {
                    (false, _) => "",
                    (true, true) => ", affine = true",
                    (true, false) => ", affine = true, bias = false",
                };
                let tracked = if *tracked { ", track_running_stats = true" } else { "" };
                format!("{}({channels}{eps}{momentum}{affine}{tracked})", member.name)
            }
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        if let Kind::Instance { member, .. } = &self.kind {
            member.check(input, from, errors, || self.one_more_axis(input, from))?;
        } else if input.0.is_empty() {
            let shape = from.shape(0, input);
            errors.error(from.span, format!("`{}` expects samples of shape [C, …], but {shape}", from.written));
            return None;
        }
        // What is wrong beside that does not keep what comes after from being checked.
        let _ = self.check(input, from, errors);
        self.each = Dim::product(&input.0[1..]);
        Some(vec![input.clone()])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        self.inner = if inputs[0].is_channels_last() { Dim::Known(1) } else { self.each.clone() };
        Orders::by_axes(inputs, outputs)
    }

    fn shape_example(&self) -> &'static str {
        match &self.kind {
            Kind::Group { .. } => AXES[2],
            Kind::Instance { member, .. } => member.shape_example(),
        }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        self.affine.params(&[self.channels()], &self.each)
    }

    fn buffers(&self) -> Vec<Buffer> {
        if !self.tracked() {
            return Vec::new();
        }
        let buffer = |name, init| Buffer { name, shape: vec![self.channels()], counter: false, init };
        // PyTorch has it and does not count.
        let count = Buffer { name: "num_batches_tracked", shape: Vec::new(), counter: true, init: 0.0 };
        vec![buffer("running_mean", 0.0), buffer("running_var", 1.0), count]
    }

    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        let both = Dim::Known(2).mul(&self.groups());
        if site.predict { Vec::new() } else { vec![Kept::real("statistics", both)] }
    }

    fn statistics(&self) -> Vec<(&'static str, Dim)> {
        let running = || ("running", Dim::Known(2).mul(&self.channels()));
        self.tracked().then(running).into_iter().collect()
    }

    /// Mean and variance, the difference, the scale, the shift.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(6).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let formula = self.affine.formula("{y} = ", "({x} - mean) / √(variance + eps)");
        let (weight, bias) = (self.affine.weight_arg(), self.affine.bias_arg());
        let (groups, eps) = (self.groups_arg(), self.eps());
        if let Kind::Instance { tracked: true, momentum, .. } = &self.kind {
            let (mean, var) = (Arg::Buffer("running_mean"), Arg::Buffer("running_var"));
            let statistics = batch(
                "instance_norm_statistics",
                vec![eps.clone(), mean.clone(), var.clone(), Arg::Write(RUNNING)],
                "{statistics} = running mean and 1/√(variance + eps)",
            );
            let running = Arg::Read(RUNNING);
            if site.predict {
                let inner = &self.inner;
                let args = vec![Arg::Literal("inner", quote!(#inner)), X, weight, bias, running, Y];
                return vec![statistics, rows("batch_norm_forward", args, &formula)];
            }
            let (each, momentum) = (&self.each, momentum.tokens.clone());
            let (each, momentum) = (Arg::Literal("positions", quote!(#each)), Arg::Literal("momentum", momentum));
            let forward = vec![Arg::Context, groups, eps.clone(), X, weight, bias, running, Arg::Write(KEPT), Y];
            return vec![
                statistics,
                rows("instance_norm_forward", forward, &formula),
                batch(
                    "instance_norm_running",
                    vec![Arg::Context, each, eps, momentum, Arg::Read(KEPT), mean, var],
                    "{running_mean}, {running_var} move by {momentum} towards the means of {kept}",
                ),
            ];
        }
        let mut args = vec![groups, eps, X, weight, bias];
        if site.predict {
            args.push(Y);
            return vec![rows("group_norm_predict", args, &formula)];
        }
        args.extend([Arg::Write(KEPT), Y]);
        vec![rows("group_norm_forward", args, &formula)]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let (groups, kept) = (self.groups_arg(), Arg::Read(KEPT));
        let mut args = vec![groups.clone(), X, self.affine.weight_arg(), kept.clone(), DY, DX];
        let formula = "{dx} = (g - mean(g) - x̂ ⊙ mean(g ⊙ x̂)) / √(variance + eps), g = {dy} ⊙ weight";
        let mut calls = if self.tracked() {
            args.insert(0, Arg::Context);
            vec![rows("instance_norm_backward_input", args, formula)]
        } else {
            vec![rows("group_norm_backward_input", args, formula)]
        };
        if self.affine.weight {
            let args = vec![groups.clone(), X, kept, DY, Arg::Span("weight"), Arg::Update];
            calls.push(tiles("group_norm_backward_weight", args, "d{weight} = Σ {dy} ⊙ x̂"));
        }
        if self.affine.bias {
            let args = vec![groups, DY, Arg::Span("bias"), Arg::Update];
            calls.push(tiles("group_norm_backward_bias", args, "d{bias} = Σ {dy}"));
        }
        calls
    }

    fn output_kind(&self) -> OutputKind {
        OutputKind::Unbounded
    }
}
