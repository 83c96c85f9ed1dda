//! `Linear(in_features, out_features, bias = true)`: y = x·w + b on the last axis, whatever comes before it.
//!
//! Beyond PyTorch: `init` and `bias_init`. The weight is stored `[in, out]`.

use super::check::{Must, check};
use super::inits::Inits;
use super::operand::{DX, DY, X};
use super::{From, Layer, Orders, Site, Take, forward_call, kept_for_activation, rows, tiles};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Kept, Operand, Order, OutputKind, Param, ParamKind, Shape, View};
use crate::parse::args::{Args, Size};

#[derive(Clone, Debug)]
struct Linear {
    in_features: Size,
    out_features: Dim,
    bias: bool,
    inits: Inits,
    /// How many rows of features a sample has, AFTER `infer`.
    rows: Dim,
    /// How the features lie in memory, AFTER `order`.
    order: Order,
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let in_features = args.size("in_features", errors);
    let (out_features, _) = args.dim("out_features", errors);
    let bias = args.flag("bias", true, errors);
    let inits = Inits::finish(bias, args, errors)?;
    Some(Box::new(Linear { in_features, out_features, bias, inits, rows: Dim::Known(1), order: Order::Logical }))
}

impl Linear {
    fn in_dim(&self) -> Dim {
        self.in_features.dim.clone().unwrap_or(Dim::Known(1))
    }

    fn with_input(&self, in_features: impl std::fmt::Display) -> String {
        let bias = if self.bias { "" } else { ", bias = false" };
        format!("Linear({in_features}, {}{bias})", self.out_features)
    }

    fn bias_arg(&self) -> Arg {
        if self.bias { Arg::Param("bias") } else { Arg::Absent }
    }

    fn formula(&self, before: &str) -> String {
        if self.bias {
            format!("{before}{{x}} · {{weight}} + {{bias}}")
        } else {
            format!("{before}{{x}} · {{weight}}")
        }
    }

    /// As many features as were written have to come in.
    fn check_input(
        &self,
        expected: &Dim,
        (input, found): (&Shape, &Dim),
        from: &From<'_>,
        errors: &mut Diagnostics,
    ) -> Option<()> {
        let (written, rank) = (from.written, input.0.len());
        let what = match rank {
            1 => format!("{} {found}", from.source(0)),
            _ => format!("{}, whose last axis is {found}", from.shape(0, input)),
        };
        let text = format!("`{written}` expects {expected} input features, but {what}");
        check(Must::Equal(expected, found), self.in_features.span, text, errors, || {
            if rank > 1 && input.len() == *expected {
                format!("write `Flatten -> {written}`")
            } else {
                format!("write `{}` or `{}`", self.with_input(found), self.with_input("_"))
            }
        })
    }
}

impl Layer for Linear {
    fn describe(&self) -> String {
        match &self.in_features.dim {
            Some(in_features) => self.with_input(in_features),
            None => self.with_input("_"),
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let Some(found) = input.0.last() else {
            errors
                .error(from.span, format!("`{}` works on the last axis, but {}", from.written, from.shape(0, input)))
                .help("a sample of one number has shape `[1]`");
            return None;
        };
        match self.in_features.dim.clone() {
            None => self.in_features.dim = Some(found.clone()),
            // Another number is reported, and what comes after checked all the same.
            Some(expected) => {
                let _ = self.check_input(&expected, (input, found), from, errors);
            }
        }
        self.inits.check(vec![self.out_features.clone(), self.in_dim()], &self.out_features, from, errors);
        self.rows = Dim::product(&input.0[..input.0.len() - 1]);
        let mut output = input.0.clone();
        *output.last_mut().expect("it has an axis") = self.out_features.clone();
        Some(vec![Shape(output)])
    }

    /// What a `Flatten` shows of channels last is taken as it is: the rows of the weight lie in that order.
    fn order(&mut self, inputs: &[View], outputs: &[Shape]) -> Orders {
        let flat = inputs[0].shape.0.len() == 1;
        self.order = if flat { inputs[0].order.clone() } else { Order::Logical };
        Orders { take: if flat { Take::AsItComes } else { Take::Logical }, give: vec![Order::Logical; outputs.len()] }
    }

    fn input(&self) -> Option<Shape> {
        self.in_features.dim.clone().map(|dim| Shape(vec![dim]))
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn params(&self) -> Vec<Param> {
        let (rows, columns) = (self.in_dim(), self.out_features.clone());
        let (dims, order) = match &self.order {
            Order::Logical => (vec![columns.clone(), rows.clone()], vec![1, 0]),
            Order::ChannelsLast { channels, positions } => {
                (vec![columns.clone(), channels.clone(), positions.clone()], vec![2, 1, 0])
            }
        };
        let weight = Param {
            name: "weight",
            shape: vec![columns.clone(), rows.clone()],
            dims,
            order,
            rows: Some(rows.clone()),
            columns: columns.clone(),
            cost: self.rows.clone(),
            kind: ParamKind::Weight,
            init: self.inits.weight(&rows),
        };
        let bias = super::vector("bias", vec![columns], self.rows.clone(), ParamKind::Bias, self.inits.bias(&rows));
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }

    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        kept_for_activation(site)
    }

    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        Dim::Known(2).mul(&self.in_dim()).mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let kernels = ["linear_forward", "linear_activation_forward", "linear_activation_forward_keep"];
        let args = vec![X, Arg::Param("weight"), self.bias_arg()];
        vec![forward_call(site, kernels, args, &|before| self.formula(before))]
    }

    /// `dy` is the gradient of x·w + b, whatever was folded into the forward.
    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        let input = match site.producer_activation {
            None => rows("linear_backward_input", vec![DY, Arg::Param("weight"), DX], "{dx} = {dy} · {weight}ᵀ"),
            Some(a) => rows(
                "linear_activation_backward_input",
                vec![DY, Arg::Param("weight"), Arg::Value(a.value.clone()), Arg::Read(Operand::Producer), DX],
                &format!("{{dx}} = ({{dy}} · {{weight}}ᵀ) ⊙ {}'({{producer}})", a.name),
            ),
        };
        let mut calls = vec![
            input,
            tiles("linear_backward_weight", vec![X, DY, Arg::Span("weight"), Arg::Update], "d{weight} = {x}ᵀ · {dy}"),
        ];
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
