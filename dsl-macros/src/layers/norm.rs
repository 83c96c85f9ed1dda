//! Normalisations, by what they take mean and variance over: the batch (`batch`), groups of a sample's channels (`group`),
//! its last axes (`layer`), neighbouring channels at one position (`response`).

mod batch;
mod group;
mod layer;
mod response;

use quote::quote;

use super::channels::{channel_axis, further_axis};
use super::check::{Must, check};
use super::{From, vector};
use crate::diagnostics::Diagnostics;
use crate::ir::{Agreement, Arg, Dim, Param, ParamKind, Shape};
use crate::parse::args::Size;

pub(super) use batch::batch_norm;
pub(super) use group::{group_norm, instance_norm};
pub(super) use layer::{layer_norm, rms_norm};
pub(super) use response::local_response_norm;

/// Scale and shift, and which of them there are.
#[derive(Clone, Copy, Debug)]
struct Affine {
    weight: bool,
    bias: bool,
}

impl Affine {
    fn weight_arg(self) -> Arg {
        if self.weight { Arg::Param("weight") } else { Arg::Absent }
    }

    fn bias_arg(self) -> Arg {
        if self.bias { Arg::Param("bias") } else { Arg::Absent }
    }

    fn params(self, shape: &[Dim], cost: &Dim) -> Vec<Param> {
        let (ones, zeros) = (quote!(::glulam::init::Init::ONES), quote!(::glulam::init::Init::ZEROS));
        let weight = vector("weight", shape.to_vec(), cost.clone(), ParamKind::Norm, ones);
        let bias = vector("bias", shape.to_vec(), cost.clone(), ParamKind::Bias, zeros);
        [self.weight.then_some(weight), self.bias.then_some(bias)].into_iter().flatten().collect()
    }

    /// `x̂ ⊙ weight + bias`.
    fn formula(self, before: &str, normal: &str) -> String {
        let weight = if self.weight { " ⊙ {weight}" } else { "" };
        let bias = if self.bias { " + {bias}" } else { "" };
        format!("{before}{normal}{weight}{bias}")
    }

    /// What is not as usual, where the option is called that.
    fn describe(self, option: &str) -> String {
        match (self.weight, self.bias) {
            (true, true) => String::new(),
            (true, false) => ", bias = false".into(),
            _ => format!(", {option} = false"),
        }
    }
}

/// How a sample that lacks one axis gets it so that a norm of so many channels takes it: for a help.
fn one_more_axis(channels: &Size, input: &Shape, written: &str) -> Option<String> {
    let Some(channels) = &channels.dim else { return Some(channel_axis(input, written)) };
    match channels.agrees(&input.0[0]) {
        Agreement::Equal => Some(further_axis(input, written)),
        _ => (channels.known() == Some(1)).then(|| channel_axis(input, written)),
    }
}

/// Fills in the number of channels of the layer `name`, or checks it against those that come in; `first` is what stands
/// before it in the layer's arguments.
fn check_features(
    name: &str,
    first: &str,
    expected: &mut Size,
    input: &Shape,
    from: &From<'_>,
    errors: &mut Diagnostics,
) -> Option<()> {
    let channels = &input.0[0];
    let Some(dim) = expected.dim.clone() else {
        expected.dim = Some(channels.clone());
        return Some(());
    };
    let alone = input.0.len() == 1;
    let what = if alone { "features" } else { "channels" };
    let shown = if alone { channels.to_string() } else { format!("{channels}, in {input}") };
    let text = format!("`{}` expects {dim} {what}, but {} {shown}", from.written, from.source(0));
    check(Must::Equal(&dim, channels), expected.span, text, errors, || {
        format!("write `{name}({first}{channels})` or `{name}({first}_)`")
    })
}
