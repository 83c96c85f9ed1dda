//! `Dropout(p = 0.5)`: each element becomes zero with probability p, the others grow by 1/(1-p). `Dropout1d`, `Dropout2d`,
//! `Dropout3d` drop whole channels; `AlphaDropout` and `FeatureAlphaDropout` keep mean and variance of what SELU gives. In
//! evaluation nothing happens. `inplace` is accepted and means nothing.

use quote::quote;

use super::channels::{AXES, Member, further_axis};
use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Orders, Site, VECTOR, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Operand, Shape, View};
use crate::parse::args::{Args, Number, Range};

#[derive(Clone, Debug)]
struct Dropout {
    kind: Kind,
    p: Number,
    /// The channels, and how many elements of each lie beside each other, AFTER `order`.
    channels: Dim,
    inner: Dim,
}

#[derive(Clone, Debug)]
enum Kind {
    Elements,
    Channels(Member),
    Alpha,
    /// Of channels.
    FeatureAlpha,
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let kind = match args.layer() {
        "Dropout" => Kind::Elements,
        "AlphaDropout" => Kind::Alpha,
        "FeatureAlphaDropout" => Kind::FeatureAlpha,
        _ => Kind::Channels(Member::of(args)),
    };
    let p = args.number_or("p", 0.5, Range::Probability, errors);
    args.flag("inplace", false, errors);
    args.finish(errors)?;
    Some(Box::new(Dropout { kind, p, channels: Dim::Known(1), inner: Dim::Known(1) }))
}

impl Dropout {
    fn name(&self) -> &str {
        match &self.kind {
            Kind::Elements => "Dropout",
            Kind::Channels(member) => &member.name,
            Kind::Alpha => "AlphaDropout",
            Kind::FeatureAlpha => "FeatureAlphaDropout",
        }
    }

    fn of_channels(&self) -> bool {
        matches!(self.kind, Kind::Channels(_) | Kind::FeatureAlpha)
    }

    fn call(&self, pass: &str, from: Arg, to: Arg, template: &str) -> Call {
        let kernel = match self.kind {
            Kind::Elements => "dropout",
            Kind::Channels(_) => "channel_dropout",
            Kind::Alpha => "alpha_dropout",
            Kind::FeatureAlpha => "channel_alpha_dropout",
        };
        let (channels, inner) = (&self.channels, &self.inner);
        let mut args = vec![Arg::Context, Arg::NodeNumber, Arg::Literal("p", self.p.tokens.clone())];
        if self.of_channels() {
            args.extend([Arg::Literal("channels", quote!(#channels)), Arg::Literal("inner", quote!(#inner))]);
        }
        args.extend([from, to]);
        rows(&format!("{kernel}_{pass}"), args, template)
    }
}

impl Layer for Dropout {
    fn describe(&self) -> String {
        format!("{}(p = {})", self.name(), self.p)
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        match &self.kind {
            Kind::Channels(member) => {
                // One channel would be dropped as a whole.
                member.check(input, from, errors, || Some(further_axis(input, from.written)))?;
            }
            Kind::FeatureAlpha if input.0.is_empty() => {
                let (written, shape) = (from.written, from.shape(0, input));
                errors.error(from.span, format!("`{written}` expects samples of shape [C, …], but {shape}"));
                return None;
            }
            _ => {}
        }
        Some(vec![input.clone()])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        if !self.of_channels() {
            return Orders::any(inputs);
        }
        (_, self.channels, self.inner) = inputs[0].around(0);
        Orders::by_axes(inputs, outputs)
    }

    fn shape_example(&self) -> &'static str {
        match &self.kind {
            Kind::Elements | Kind::Alpha => VECTOR,
            Kind::Channels(member) => member.shape_example(),
            Kind::FeatureAlpha => AXES[2],
        }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        output.len()
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        if site.predict {
            return vec![Call::copy(Operand::X(0), Operand::Y(0), "{y} = {x}, since nothing is dropped")];
        }
        let template = match self.kind {
            Kind::Elements => "{y} = dropout({x}, p = {p})",
            Kind::Channels(_) => "{y} = dropout({x}, p = {p}), whole channels",
            Kind::Alpha => "{y} = alpha_dropout({x}, p = {p})",
            Kind::FeatureAlpha => "{y} = alpha_dropout({x}, p = {p}), whole channels",
        };
        vec![self.call("forward", X, Y, template)]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let template = match self.kind {
            Kind::Elements | Kind::Channels(_) => "{dx} = dropout({dy}, p = {p}), the same mask",
            Kind::Alpha | Kind::FeatureAlpha => "{dx} = a ⊙ {dy} where kept, the same mask, else 0; p = {p}",
        };
        vec![self.call("backward", DY, DX, template)]
    }
}
