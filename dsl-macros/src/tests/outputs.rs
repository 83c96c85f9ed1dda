//! A layer with several outputs, on its way through the passes.

use proc_macro2::Span;

use crate::backward;
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, NodeId, Operand, Order, Scalar, Scope, Shape, Value, ValueId};
use crate::layers::{From, Graph, Layer, Node, Site};

/// Two halves of what comes in.
#[derive(Clone, Debug)]
struct Halves;

impl Layer for Halves {
    fn describe(&self) -> String {
        "Halves".into()
    }

    fn infer(&mut self, inputs: &[Shape], _from: &From<'_>, _errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let half = Shape(vec![inputs[0].len().div(&Dim::Known(2))]);
        Some(vec![half.clone(), half])
    }

    fn further_outputs(&self) -> &'static [&'static str] {
        &["rest"]
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], _output: &Shape) -> Dim {
        Dim::Known(0)
    }

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        let args = vec![Arg::Read(Operand::X(0)), Arg::Write(Operand::Y(0)), Arg::Write(Operand::Y(1))];
        vec![Call::new(Scope::Rows, "halves", args, "{y}, {y1} = {x}")]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let args = vec![Arg::Read(Operand::DY(0)), Arg::Read(Operand::DY(1)), Arg::Write(Operand::DX(0))];
        vec![Call::new(Scope::Rows, "beside", args, "{dx} = {dy}, {dy1}")]
    }
}

/// The last of some values, passed on: a stand-in for whatever reads them.
#[derive(Clone, Debug)]
struct Last;

impl Layer for Last {
    fn describe(&self) -> String {
        "Last".into()
    }

    fn infer(&mut self, inputs: &[Shape], _from: &From<'_>, _errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        Some(vec![inputs.last()?.clone()])
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    fn flops(&self, _inputs: &[Shape], _output: &Shape) -> Dim {
        Dim::Known(0)
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        vec![Call::copy(Operand::X(site.inputs.len() - 1), Operand::Y(0), "{y} = {x}")]
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        vec![Call::copy(Operand::DY(0), Operand::DX(site.inputs.len() - 1), "{dx} = {dy}")]
    }
}

/// `Halves` of an input, of whose outputs the last node reads these.
fn program(read: &[usize]) -> String {
    let known = |n| Some(Shape(vec![Dim::Known(n)]));
    let value = |name: &str, n, producer| Value {
        name: name.into(),
        shape: known(n),
        order: Order::Logical,
        scalar: Scalar::Real,
        producer,
    };
    let node = |key: &str, layer, inputs, outputs| Node {
        key: key.into(),
        layer,
        inputs,
        outputs,
        span: Span::call_site(),
        label: None,
        written: String::new(),
        within: None,
        shares: None,
        activation: None,
    };
    let (layer, last): (Box<dyn Layer>, Box<dyn Layer>) = (Box::new(Halves), Box::new(Last));
    let graph = Graph {
        values: vec![
            value("x", 8, None),
            value("l0", 4, Some(NodeId(0))),
            value("l0_rest", 4, Some(NodeId(0))),
            value("l1", 4, Some(NodeId(1))),
        ],
        nodes: vec![
            node("0", layer, vec![ValueId(0)], vec![ValueId(1), ValueId(2)]),
            node("1", last, read.iter().map(|&i| ValueId(1 + i)).collect(), vec![ValueId(3)]),
        ],
        inputs: vec![ValueId(0)],
        output: ValueId(3),
        repeats: Vec::new(),
        assertions: Vec::new(),
    };
    let program = backward::derive(graph);
    program
        .backward
        .iter()
        .map(|step| {
            let args: Vec<String> = step
                .call
                .args
                .iter()
                .map(|arg| match arg {
                    Arg::Read(place) => program.name(*place),
                    Arg::Write(place) => format!("out {}", program.name(*place)),
                    Arg::Absent => "none".into(),
                    other => panic!("{other:?}"),
                })
                .collect();
            format!("{}({})", step.call.kernel, args.join(", "))
        })
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn the_gradient_of_an_output_that_nobody_reads_is_absent() {
    // What only is passed on lies with the reader.
    assert_eq!(program(&[0]), "beside(d_l1, none, out d_x)");
    assert_eq!(program(&[1]), "beside(none, d_l1, out d_x)");
    assert_eq!(program(&[0, 1]), "beside(none, d_l1, out d_x)");
}
