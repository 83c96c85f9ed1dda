//! `BatchNorm1d`, `BatchNorm2d`, `BatchNorm3d`: mean and variance of each channel over the batch.

use quote::quote;

use super::super::channels::Member;
use super::super::operand::{DX, DY, X};
use super::super::{From, Layer, Orders, Site, batch, forward_call, kept_for_activation, rows, tiles};
use super::{Affine, check_features, one_more_axis};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Buffer, Call, Dim, Kept, Operand, OutputKind, Param, Scalar, Shape, View};
use crate::parse::args::{Args, Number, Range, Size};

/// `BatchNorm1d(num_features, eps = 1e-5, momentum = 0.1, affine = true, track_running_stats = true, bias = true)` on
/// samples of shape `[C]` or `[C, L]`, and its kin on `[C, H, W]` and `[C, D, H, W]`.
#[derive(Clone, Debug)]
struct BatchNorm {
    member: Member,
    num_features: Size,
    eps: Number,
    /// `None`: the cumulative average.
    momentum: Option<Number>,
    affine: Affine,
    tracked: bool,
    /// How many elements of a sample belong to one channel, AFTER `infer`.
    each: Dim,
    /// How many of them lie beside each other, AFTER `order`.
    inner: Dim,
}

pub(in crate::layers) fn batch_norm(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let member = Member::of(args).with_vectors();
    let num_features = args.size("num_features", errors);
    let eps = args.number_or("eps", 1e-5, Range::Positive, errors);
    let momentum = args.optional_number("momentum", Some(0.1), Range::Any, errors);
    let weight = args.flag("affine", true, errors);
    let tracked = args.flag("track_running_stats", true, errors);
    args.keyword_only();
    let bias = args.flag("bias", true, errors);
    args.finish(errors)?;
    let affine = Affine { weight, bias: weight && bias };
    Some(Box::new(BatchNorm {
        member,
        num_features,
        eps,
        momentum,
        affine,
        tracked,
        each: Dim::Known(1),
        inner: Dim::Known(1),
    }))
}

const STATISTICS: Operand = Operand::Statistics(0);
const SUMS: Operand = Operand::Statistics(1);
const NORM: Operand = Operand::Statistics(2);
const MOMENTS: Operand = Operand::Partial(0);
const PARTIAL_SUMS: Operand = Operand::Partial(1);

impl BatchNorm {
    fn channels(&self) -> Dim {
        self.num_features.dim.clone().unwrap_or(Dim::Known(1))
    }

    fn inner(&self) -> Arg {
        let inner = &self.inner;
        Arg::Literal("inner", quote!(#inner))
    }

    fn eps(&self) -> Arg {
        Arg::Literal("eps", self.eps.tokens.clone())
    }

    fn momentum(&self) -> Arg {
        Arg::Literal(
            "momentum",
            match &self.momentum {
                Some(Number { tokens, .. }) => quote!(::core::option::Option::Some(#tokens)),
                None => quote!(::core::option::Option::None),
            },
        )
    }

    /// Statistics of a forward that keeps what backward needs: of pieces, then of the batch; or those of a prediction.
    fn statistics_calls(&self, site: &Site<'_>) -> Vec<Call> {
        // Without running statistics there is nothing to read or write, in evaluation either.
        let (mean, var, count) = match self.tracked {
            true => (Arg::Buffer("running_mean"), Arg::Buffer("running_var"), Arg::Counter("num_batches_tracked")),
            false => (Arg::Absent, Arg::Absent, Arg::NoCounter),
        };
        let (inner, eps) = (self.inner(), self.eps());
        if site.predict {
            let args = vec![inner, eps, X, mean, var, Arg::Write(STATISTICS)];
            let formula = "{statistics} = running mean and 1/√(variance + eps)";
            return vec![batch("batch_norm_statistics_predict", args, formula)];
        }
        let args = vec![Arg::Context, inner, self.tracked(), X, Arg::Write(MOMENTS)];
        let moments = rows("batch_norm_moments", args, "{partial} = mean({x}), Σ ({x} - mean)²");
        let each = &self.each;
        let each = Arg::Literal("values_per_channel", quote!(#each));
        let moments_read = Arg::Read(MOMENTS);
        let args =
            vec![Arg::Context, each, eps, self.momentum(), moments_read, mean, var, count, Arg::Write(STATISTICS)];
        let formula = "{statistics} = mean and 1/√(variance + eps) of all {partial}";
        vec![moments, batch("batch_norm_statistics", args, formula)]
    }

    fn tracked(&self) -> Arg {
        let tracked = self.tracked;
        Arg::Literal("track_running_stats", quote!(#tracked))
    }
}

impl Layer for BatchNorm {
    fn describe(&self) -> String {
        let momentum = match &self.momentum {
            Some(m) if m.value == Some(0.1) => String::new(),
            Some(m) => format!(", momentum = {m}"),
            None => ", momentum = None".into(),
        };
        let eps = if self.eps.value == Some(1e-5) { String::new() } else { format!(", eps = {}", self.eps) };
        let tracked = if self.tracked { "" } else { ", track_running_stats = false" };
        let features = self.num_features.dim.as_ref().map_or("_".into(), Dim::to_string);
        let name = &self.member.name;
        format!("{name}({features}{eps}{momentum}{}{tracked})", self.affine.describe("affine"))
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        self.member.check(input, from, errors, || one_more_axis(&self.num_features, input, from.written))?;
        // Another number is reported, and what comes after checked all the same.
        let _ = check_features(&self.member.name, "", &mut self.num_features, input, from, errors);
        self.each = Dim::product(&input.0[1..]);
        Some(vec![input.clone()])
    }

    fn input(&self) -> Option<Shape> {
        self.num_features.dim.clone().filter(|_| self.member.takes_vectors()).map(|dim| Shape(vec![dim]))
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        self.inner = if inputs[0].is_channels_last() { Dim::Known(1) } else { self.each.clone() };
        Orders::by_axes(inputs, outputs)
    }

    fn shape_example(&self) -> &'static str {
        self.member.shape_example()
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        // The input's gradient needs the same sums before.
        self.affine.params(&[self.channels()], &Dim::Known(0))
    }

    fn buffers(&self) -> Vec<Buffer> {
        if !self.tracked {
            return Vec::new();
        }
        let buffer = |name, init| Buffer { name, shape: vec![self.channels()], counter: false, init };
        let count = Buffer { name: "num_batches_tracked", shape: Vec::new(), counter: true, init: 0.0 };
        vec![buffer("running_mean", 0.0), buffer("running_var", 1.0), count]
    }

    fn partials(&self) -> Vec<Kept> {
        let both = Dim::Known(2).mul(&self.channels());
        let partial = |name| Kept { name, scalar: Scalar::Double, len: both.clone() };
        vec![partial("moments"), partial("partial_sums")]
    }

    fn statistics(&self) -> Vec<(&'static str, Dim)> {
        let both = Dim::Known(2).mul(&self.channels());
        vec![("statistics", both.clone()), ("sums", both), ("norm", Dim::Known(3).mul(&self.channels()))]
    }

    /// Mean and variance, the difference, the scale, the shift.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(6).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let (weight, bias) = (self.affine.weight_arg(), self.affine.bias_arg());
        let args = vec![self.inner(), X, weight, bias, Arg::Read(STATISTICS)];
        let kernels = ["batch_norm_forward", "batch_norm_activation_forward", "batch_norm_activation_forward_keep"];
        let mut calls = self.statistics_calls(site);
        calls.push(forward_call(site, kernels, args, &|before| {
            self.affine.formula(before, "({x} - mean) / √(variance + eps)")
        }));
        calls
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let (statistics, sums) = (Arg::Read(STATISTICS), Arg::Read(SUMS));
        let mut calls = vec![
            rows(
                "batch_norm_partial_sums",
                vec![Arg::Context, self.inner(), X, DY, statistics.clone(), Arg::Write(PARTIAL_SUMS)],
                "{partial1} = Σ {dy}, Σ {dy} ⊙ x̂",
            ),
            batch(
                "batch_norm_sums",
                vec![Arg::Context, Arg::Read(PARTIAL_SUMS), Arg::Write(SUMS)],
                "{statistics1} = Σ {partial1}",
            ),
            rows(
                "batch_norm_backward_input",
                vec![
                    Arg::Context,
                    self.inner(),
                    Arg::BatchRows,
                    self.tracked(),
                    X,
                    self.affine.weight_arg(),
                    statistics,
                    sums.clone(),
                    DY,
                    DX,
                ],
                "{dx} = weight / √(variance + eps) ⊙ ({dy} - mean({dy}) - x̂ ⊙ mean({dy} ⊙ x̂))",
            ),
        ];
        if self.affine.weight {
            let args = vec![sums.clone(), Arg::Span("weight"), Arg::Update];
            calls.push(tiles("batch_norm_backward_weight", args, "d{weight} = Σ {dy} ⊙ x̂"));
        }
        if self.affine.bias {
            let args = vec![sums, Arg::Span("bias"), Arg::Update];
            calls.push(tiles("batch_norm_backward_bias", args, "d{bias} = Σ {dy}"));
        }
        calls
    }

    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        kept_for_activation(site)
    }

    fn takes_activation(&self) -> bool {
        true
    }

    fn as_norm(&self) -> Option<Call> {
        let (mean, var) = (Arg::Buffer("running_mean"), Arg::Buffer("running_var"));
        let args = vec![self.eps(), mean, var, self.affine.weight_arg(), self.affine.bias_arg(), Arg::Write(NORM)];
        let formula = self.affine.formula("{statistics2}(a) = ", "(a - mean) / √(variance + eps)");
        (self.tracked && self.inner == Dim::Known(1)).then(|| rows("batch_norm_predict", args, &formula))
    }

    fn needs_whole_batch(&self) -> bool {
        !self.tracked
    }

    fn values_per_channel(&self) -> Option<Dim> {
        Some(self.each.clone())
    }

    fn output_kind(&self) -> OutputKind {
        OutputKind::Unbounded
    }
}
