//! Normalisations, by what they take mean and variance over: the batch (`batch`), the last axes of a sample (`layer`).

mod batch;
mod layer;

use quote::quote;

use super::vector;
use crate::ir::{Arg, Dim, Param, ParamKind};

pub(super) use batch::batch_norm1d;
pub(super) use layer::layer_norm;

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
    fn formula(self, normal: &str) -> String {
        let weight = if self.weight { " ⊙ {weight}" } else { "" };
        let bias = if self.bias { " + {bias}" } else { "" };
        format!("{{y}} = {normal}{weight}{bias}")
    }

    fn describe(self, what: &str) -> &'static str {
        match (self.weight, self.bias) {
            (true, true) => "",
            (true, false) => ", bias = false",
            _ if what == "LayerNorm" => ", elementwise_affine = false",
            _ => ", affine = false",
        }
    }
}
