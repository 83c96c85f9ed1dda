//! The conversion between PyTorch's order of axes and channels last, which the pass `layout` puts where it is needed.

use quote::quote;

use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Site, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Shape};

#[derive(Clone, Debug)]
pub(crate) struct Relayout {
    channels: Dim,
    last: bool,
}

impl Relayout {
    pub(crate) fn to_channels_last(channels: &Dim) -> Self {
        Relayout { channels: channels.clone(), last: true }
    }

    pub(crate) fn to_channels_first(channels: &Dim) -> Self {
        Relayout { channels: channels.clone(), last: false }
    }

    fn call(&self, last: bool, from: Arg, to: Arg, template: &str) -> Call {
        let channels = &self.channels;
        let kernel = if last { "channels_last" } else { "channels_first" };
        rows(kernel, vec![Arg::Literal("channels", quote!(#channels)), from, to], template)
    }
}

impl Layer for Relayout {
    fn describe(&self) -> String {
        format!("channels {}", if self.last { "last" } else { "first" })
    }

    fn infer(&mut self, inputs: &[Shape], _from: &From<'_>, _errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        Some(vec![inputs[0].clone()])
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], _output: &Shape) -> Dim {
        Dim::Known(0)
    }

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        vec![self.call(self.last, X, Y, "{y} = {x}")]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        vec![self.call(!self.last, DY, DX, "{dx} = {dy}")]
    }
}
