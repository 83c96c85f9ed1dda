//! `Dropout(p = 0.5)`: each element becomes zero with probability p, the others grow by 1/(1-p). In evaluation nothing
//! happens. `inplace` is accepted and means nothing.

use super::operand::{DX, DY, X, Y};
use super::{From, Layer, Orders, Site, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Operand, Shape, View};
use crate::parse::args::{Args, Number, Range};

#[derive(Clone, Debug)]
struct Dropout {
    p: Number,
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let p = args.number_or("p", 0.5, Range::Probability, errors);
    args.flag("inplace", false, errors);
    args.finish(errors)?;
    Some(Box::new(Dropout { p }))
}

impl Dropout {
    fn p(&self) -> Arg {
        Arg::Literal("p", self.p.tokens.clone())
    }
}

impl Layer for Dropout {
    fn describe(&self) -> String {
        format!("Dropout(p = {})", self.p)
    }

    fn infer(&mut self, inputs: &[Shape], _from: &From<'_>, _errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        Some(vec![inputs[0].clone()])
    }

    fn order(&mut self, inputs: &[View], _outputs: &[Shape]) -> Orders {
        Orders::any(inputs)
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
        let args = vec![Arg::Context, Arg::NodeNumber, self.p(), X, Y];
        vec![rows("dropout_forward", args, "{y} = dropout({x}, p = {p})")]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let args = vec![Arg::Context, Arg::NodeNumber, self.p(), DY, DX];
        vec![rows("dropout_backward", args, "{dx} = dropout({dy}, p = {p}), the same mask")]
    }
}
