//! `Softmax(dim)`, `LogSoftmax(dim)`, `Softmin(dim)`, `Softmax2d`: the exponentials along an axis, divided by their sum.
//! And `GLU(dim = -1)`, which halves an axis: a ⊙ sigmoid(b).

use super::channels::AXES;
use super::check::{Must, check};
use super::operand::{DX, DY, OUT, X, Y};
use super::{From, Layer, Orders, Site, VECTOR, axis, rows, sample_axis};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, OutputKind, Shape, View};
use crate::parse::args::{Args, Integer};

#[derive(Clone, Debug)]
struct Softmax {
    kind: Kind,
    dim: Dimension,
    /// The axis of a sample, AFTER `infer`.
    place: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Softmax,
    LogSoftmax,
    Softmin,
}

#[derive(Clone, Debug)]
enum Dimension {
    Given(Integer),
    /// PyTorch's rule for an absent `dim`: 0 for tensors of 1 or 3 axes (the batch counted), 1 for others.
    Implicit,
    /// `Softmax2d`: the channels of `[C, H, W]`.
    Channels,
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let kind = match args.layer() {
        "Softmax" => Kind::Softmax,
        "LogSoftmax" => Kind::LogSoftmax,
        _ => Kind::Softmin,
    };
    let dim = args.optional_int("dim", errors).map_or(Dimension::Implicit, Dimension::Given);
    args.finish(errors)?;
    Some(Box::new(Softmax { kind, dim, place: 0 }))
}

pub(super) fn read2d(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    args.finish(errors)?;
    Some(Box::new(Softmax { kind: Kind::Softmax, dim: Dimension::Channels, place: 0 }))
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Softmax => "Softmax",
            Kind::LogSoftmax => "LogSoftmax",
            Kind::Softmin => "Softmin",
        }
    }

    fn kernel(self) -> &'static str {
        match self {
            Kind::Softmax => "softmax",
            Kind::LogSoftmax => "log_softmax",
            Kind::Softmin => "softmin",
        }
    }
}

impl Layer for Softmax {
    fn describe(&self) -> String {
        match &self.dim {
            Dimension::Given(dim) => format!("{}(dim = {})", self.kind.name(), dim.value),
            Dimension::Implicit => self.kind.name().into(),
            Dimension::Channels => "Softmax2d".into(),
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let rank = input.0.len();
        self.place = match &self.dim {
            Dimension::Given(dim) => sample_axis("dim", *dim, input, from, errors)?,
            Dimension::Channels if rank == 3 => 0,
            Dimension::Channels => {
                let message = format!("`Softmax2d` expects samples of shape [C, H, W], but {}", from.shape(0, input));
                errors.error(from.span, message).help("`Softmax(dim = 1)` takes any shape");
                return None;
            }
            Dimension::Implicit if rank == 0 || rank == 2 => {
                let name = self.kind.name();
                let shape = from.shape(0, input);
                let message = format!("`{name}` without `dim` would work on axis 0, the batch, since {shape}");
                errors.error(from.span, message).help(format!("write `{name}(dim = -1)`"));
                return None;
            }
            Dimension::Implicit => 0,
        };
        Some(vec![input.clone()])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::by_axes(inputs, outputs)
    }

    fn shape_example(&self) -> &'static str {
        if matches!(self.dim, Dimension::Channels) { AXES[2] } else { VECTOR }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    /// The largest, the exponentials, their sum, the quotients.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(4).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let name = self.kind.kernel();
        let axis = Arg::Value(axis(site.output(), self.place));
        let formula = format!("{{y}} = {name}({{x}}) along axis {}", self.place + 1);
        vec![rows(&format!("{name}_forward"), vec![axis, X, Y], &formula)]
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let name = self.kind.kernel();
        let axis = Arg::Value(axis(site.output(), self.place));
        let formula = match self.kind {
            Kind::Softmax => "{dx} = {y} ⊙ ({dy} - Σ {dy} ⊙ {y})",
            Kind::Softmin => "{dx} = -{y} ⊙ ({dy} - Σ {dy} ⊙ {y})",
            Kind::LogSoftmax => "{dx} = {dy} - exp({y}) · Σ {dy}",
        };
        vec![rows(&format!("{name}_backward_from_output"), vec![axis, OUT, DY, DX], formula)]
    }

    fn output_kind(&self) -> OutputKind {
        match self.kind {
            Kind::Softmax | Kind::Softmin => OutputKind::Probabilities,
            Kind::LogSoftmax => OutputKind::LogProbabilities,
        }
    }
}

#[derive(Clone, Debug)]
struct Glu {
    dim: Integer,
    place: usize,
}

pub(super) fn glu(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let dim = args.int_or("dim", -1, errors);
    args.finish(errors)?;
    Some(Box::new(Glu { dim, place: 0 }))
}

impl Layer for Glu {
    fn describe(&self) -> String {
        format!("GLU(dim = {})", self.dim.value)
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        self.place = sample_axis("dim", self.dim, input, from, errors)?;
        let whole = &input.0[self.place];
        let text = format!("`{}` halves an axis, which must be even, but {}", from.written, from.shape(0, input));
        let two = Dim::Known(2);
        check(Must::Divide(&two, whole), from.span, text, errors, || {
            let more = whole.add(&Dim::Known(1));
            format!("let axis {} have {more} elements, of which {} are left", self.place + 1, more.div(&two))
        })?;
        let mut dims = input.0.clone();
        dims[self.place] = whole.div(&two);
        Some(vec![Shape(dims)])
    }

    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::by_axes(inputs, outputs)
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(2).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let axis = Arg::Value(axis(&site.inputs[0], self.place));
        vec![rows("glu_forward", vec![axis, X, Y], "{y} = a ⊙ sigmoid(b), the halves of {x}")]
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let axis = Arg::Value(axis(&site.inputs[0], self.place));
        let formula = "{dx} = ({dy} ⊙ sigmoid(b), {dy} ⊙ a ⊙ sigmoid'(b)), a and b the halves of {x}";
        vec![rows("glu_backward", vec![axis, X, DY, DX], formula)]
    }
}
