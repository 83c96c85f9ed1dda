//! Element-wise activations: a row of [`TABLE`] each, with PyTorch's options and defaults.
//!
//! `inplace` is accepted, since PyTorch's users write it, and means nothing: whether memory is used again is decided by
//! the plan, and the numbers are the same.

use proc_macro2::{Ident, Span};
use quote::quote;

use super::operand::{DX, DY, OUT, X, Y};
use super::{From, Layer, Orders, Site, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Activation, Arg, Call, Dim, Named, OutputKind, Shape, View};
use crate::parse::args::{Args, Number, Range};

/// One activation.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// PyTorch's name, and the runtime's.
    name: &'static str,
    /// The function's name in formulas.
    formula: &'static str,
    /// The options, which are the fields of the runtime's struct.
    options: &'static [Opt],
    inplace: bool,
    /// Whether the derivative is taken from the input. From the output otherwise, where that tells enough.
    keeps_input: bool,
    output: OutputKind,
}

#[derive(Clone, Copy, Debug)]
enum Opt {
    /// A number with its default; without one, it has to be given.
    Number(&'static str, Option<f64>, Range),
    /// `approximate = "none"` or `"tanh"`: the field `tanh`.
    Approximate,
}

const fn row(
    name: &'static str,
    formula: &'static str,
    options: &'static [Opt],
    inplace: bool,
    keeps_input: bool,
) -> Row {
    Row { name, formula, options, inplace, keeps_input, output: OutputKind::Unbounded }
}

/// An activation whose outputs may, or may not, be probabilities or their logarithms: a loss may take them for that.
const fn bounded(row: Row) -> Row {
    Row { output: OutputKind::Unknown, ..row }
}

const INPLACE: bool = true;
const KEEPS_INPUT: bool = true;
const KEEPS_OUTPUT: bool = false;

use Opt::{Approximate, Number as N};

const TABLE: [Row; 21] = [
    row("ReLU", "relu", &[], INPLACE, KEEPS_OUTPUT),
    bounded(row("ReLU6", "relu6", &[], INPLACE, KEEPS_OUTPUT)),
    // The sign of the input is lost where the slope is not positive.
    row("LeakyReLU", "leaky_relu", &[N("negative_slope", Some(0.01), Range::Any)], INPLACE, KEEPS_INPUT),
    row("ELU", "elu", &[N("alpha", Some(1.0), Range::Any)], INPLACE, KEEPS_INPUT),
    row("SELU", "selu", &[], INPLACE, KEEPS_OUTPUT),
    row("CELU", "celu", &[N("alpha", Some(1.0), Range::NotZero)], INPLACE, KEEPS_INPUT),
    row("GELU", "gelu", &[Approximate], !INPLACE, KEEPS_INPUT),
    row("SiLU", "silu", &[], INPLACE, KEEPS_INPUT),
    row("Mish", "mish", &[], INPLACE, KEEPS_INPUT),
    Row { output: OutputKind::Sigmoid, ..row("Sigmoid", "sigmoid", &[], !INPLACE, KEEPS_OUTPUT) },
    bounded(row("LogSigmoid", "log_sigmoid", &[], !INPLACE, KEEPS_OUTPUT)),
    bounded(row("Hardsigmoid", "hardsigmoid", &[], INPLACE, KEEPS_INPUT)),
    bounded(row("Tanh", "tanh", &[], !INPLACE, KEEPS_OUTPUT)),
    bounded(row(
        "Hardtanh",
        "hardtanh",
        &[N("min_val", Some(-1.0), Range::Any), N("max_val", Some(1.0), Range::Any)],
        INPLACE,
        KEEPS_OUTPUT,
    )),
    row("Hardswish", "hardswish", &[], INPLACE, KEEPS_INPUT),
    row(
        "Softplus",
        "softplus",
        &[N("beta", Some(1.0), Range::NotZero), N("threshold", Some(20.0), Range::Any)],
        !INPLACE,
        KEEPS_INPUT,
    ),
    bounded(row("Softsign", "softsign", &[], !INPLACE, KEEPS_OUTPUT)),
    row("Softshrink", "softshrink", &[N("lambd", Some(0.5), Range::NotNegative)], !INPLACE, KEEPS_OUTPUT),
    row("Hardshrink", "hardshrink", &[N("lambd", Some(0.5), Range::Any)], !INPLACE, KEEPS_OUTPUT),
    row("Tanhshrink", "tanhshrink", &[], !INPLACE, KEEPS_INPUT),
    row(
        "Threshold",
        "threshold",
        &[N("threshold", None, Range::Any), N("value", None, Range::Any)],
        INPLACE,
        KEEPS_INPUT,
    ),
];

/// Their names, for the registry.
pub(super) const NAMES: [&str; TABLE.len()] = {
    let mut names = [""; TABLE.len()];
    let mut i = 0;
    while i < TABLE.len() {
        names[i] = TABLE[i].name;
        i += 1;
    }
    names
};

#[derive(Clone, Debug)]
struct ElementWise {
    row: &'static Row,
    value: Named,
    /// As PyTorch would print it.
    description: String,
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let row = TABLE.iter().find(|row| row.name == args.layer())?;
    let (mut fields, mut described, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for option in row.options {
        match *option {
            N(name, default, range) => {
                let number = match default {
                    Some(default) => args.number_or(name, default, range, errors),
                    None => args.number(name, range, errors),
                };
                let (field, value) = (Ident::new(name, Span::call_site()), &number.tokens);
                fields.push(quote!(#field: #value));
                if number.value.is_none() || number.value != default {
                    described.push(format!("{name} = {number}"));
                }
                numbers.push(number);
            }
            Approximate => {
                let tanh = args.choice("approximate", &["none", "tanh"], "none", errors) == "tanh";
                fields.push(quote!(tanh: #tanh));
                described.extend(tanh.then(|| "approximate = \"tanh\"".to_owned()));
            }
        }
    }
    if row.inplace {
        args.flag("inplace", false, errors);
    }
    args.refuse("min_value", "write `min_val`", errors);
    args.refuse("max_value", "write `max_val`", errors);
    args.finish(errors)?;
    check_bounds(row, &numbers, errors)?;
    let value = Named::with(row.name, quote!(#(#fields),*));
    let description = match described.as_slice() {
        [] => row.name.to_owned(),
        list => format!("{}({})", row.name, list.join(", ")),
    };
    Some(Box::new(ElementWise { row, value, description }))
}

/// `Hardtanh` needs an interval.
fn check_bounds(row: &Row, numbers: &[Number], errors: &mut Diagnostics) -> Option<()> {
    let ("Hardtanh", [min, max]) = (row.name, numbers) else { return Some(()) };
    match (min.value, max.value) {
        (Some(low), Some(high)) if low >= high => {
            let message = format!("`max_val` of `Hardtanh` must be larger than `min_val`, found {low} and {high}");
            let help = match low > high {
                true => format!("write the smaller first: `Hardtanh({high}, {low})`"),
                false => "take a larger `max_val`: all outputs would be one number".to_owned(),
            };
            errors.error(max.span, message).help(help);
            None
        }
        (Some(_), Some(_)) => Some(()),
        _ => {
            let (low, high) = (&min.tokens, &max.tokens);
            let condition = quote!((#low) < (#high));
            errors.assert(max.span, condition, "`max_val` of `Hardtanh` must be larger than `min_val`");
            Some(())
        }
    }
}

impl Layer for ElementWise {
    fn describe(&self) -> String {
        self.description.clone()
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

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        let formula = format!("{{y}} = {}({{x}})", self.row.formula);
        vec![rows("activation_forward", vec![Arg::Value(self.value.clone()), X, Y], &formula)]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let (kept, name) = if self.row.keeps_input { (X, "{x}") } else { (OUT, "{y}") };
        let formula = format!("{{dx}} = {{dy}} ⊙ {}'({name})", self.row.formula);
        vec![rows("activation_backward", vec![Arg::Value(self.value.clone()), kept, DY, DX], &formula)]
    }

    fn as_activation(&self) -> Option<Activation> {
        Some(Activation {
            value: self.value.clone(),
            name: self.row.formula.to_owned(),
            keeps_input: self.row.keeps_input,
            output: self.row.output,
            // Where it stood is filled in by the pass that folds it.
            key: String::new(),
            written: String::new(),
            span: Span::call_site(),
        })
    }

    fn output_kind(&self) -> OutputKind {
        self.row.output
    }
}
