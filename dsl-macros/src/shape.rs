//! Gives every value its shape, in the order of the graph. One error for each edge that does not agree; then it goes
//! on with the shape that the layer would have produced.
//!
//! AFTER THIS POINT: every value has a shape, every `_` is filled in, every edge agrees, or rustc will say so through
//! an assertion. Nothing below can fail.

use crate::diagnostics::Diagnostics;
use crate::ir::{Scalar, Shape, ValueId, excess};
use crate::layers::{self, From, Graph, Node, THE_INPUT};

/// The graph with shapes; `None` if an edge did not agree. `failed`: part of the declaration was not understood.
pub(crate) fn infer(mut graph: Graph, failed: bool, errors: &mut Diagnostics) -> Option<Graph> {
    let before = errors.count();
    infer_inputs(&mut graph, failed, errors);
    for i in 0..graph.nodes.len() {
        let mut node = graph.nodes[i].clone();
        let reported = errors.count();
        let shapes = infer_node(&graph, &mut node, errors);
        if let Some(within) = &node.within {
            errors.note_since(reported, &format!("in `{within}`"));
        }
        for (i, output) in node.outputs.iter().enumerate() {
            graph.values[output.0].shape = shapes.as_ref().map(|shapes| shapes[i].clone());
        }
        graph.nodes[i] = node;
    }
    graph.assertions.extend(errors.take_assertions());
    (errors.count() == before).then_some(graph)
}

/// What is not declared is what the first layer that reads it is made for.
fn infer_inputs(graph: &mut Graph, failed: bool, errors: &mut Diagnostics) {
    for &input in &graph.inputs {
        if graph.values[input.0].shape.is_some() {
            continue;
        }
        let readers: Vec<&Node> = graph.nodes.iter().filter(|node| node.inputs.contains(&input)).collect();
        let shape = readers.iter().find_map(|node| node.layer.input());
        // After another mistake, a declared shape may be missing only because it was not understood.
        if let (None, Some(first), false) = (&shape, readers.first(), failed) {
            errors
                .error(first.span, format!("the shape of the input is not known: `{}` does not fix it", first.written))
                .help(format!("declare it before the layers: `Name: {} < … >`", first.layer.shape_example()));
        }
        graph.values[input.0].shape = shape;
    }
}

fn infer_node(graph: &Graph, node: &mut Node, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
    let inputs: Option<Vec<Shape>> = node.inputs.iter().map(|&id| graph.value(id).shape.clone()).collect();
    let inputs = inputs?;
    let producers: Vec<String> = node.inputs.iter().map(|&id| source(graph, id)).collect();
    let from = From { written: &node.written, span: node.span, producers: &producers };
    let tokens = node.inputs.iter().any(|&id| graph.value(id).scalar == Scalar::Token);
    if tokens != node.layer.takes_tokens() {
        let (takes, found) = match tokens {
            true => ("numbers", "token ids"),
            false => ("token ids", "numbers"),
        };
        let help = match tokens {
            true if layers::lookup("Embedding").is_some() => "make them numbers: `Embedding(…)`",
            true => "declare the input as numbers, `[64]`: there is no layer for token ids yet",
            false => "declare the input as `[u32; 64]`",
        };
        errors.error(node.span, format!("`{}` takes {takes}, but it is given {found}", node.written)).help(help);
    }
    let outputs = node.layer.infer(&inputs, &from, errors)?;
    check_size(node, &inputs, &outputs, errors).then_some(outputs)
}

/// Refuses what no program can hold, of which rustc would say at every use that a product overflows.
fn check_size(node: &Node, inputs: &[Shape], outputs: &[Shape], errors: &mut Diagnostics) -> bool {
    // So that the sum over all layers of a network is a number of 64 bits.
    const MOST_FLOPS: usize = 1 << 48;
    let written = &node.written;
    let excessive =
        outputs.iter().find_map(|output| Some(format!("the output of `{written}`, {output}, {}", excess(&output.0)?)));
    let excessive = excessive.or_else(|| {
        let params = node.layer.params();
        params.iter().find_map(|p| Some(format!("`{}` of `{written}` {}", p.name, excess(&p.shape)?)))
    });
    let excessive = excessive.or_else(|| {
        let flops = node.layer.flops(inputs, &outputs[0]).known().filter(|flops| *flops > MOST_FLOPS);
        flops.map(|_| format!("`{written}` takes more than 2^48 operations for one sample"))
    });
    excessive.map(|message| errors.error(node.span, message)).is_none()
}

/// What gave a value its shape, as written: layers that change nothing of it are passed over.
fn source(graph: &Graph, mut id: ValueId) -> String {
    while let Some(producer) = graph.value(id).producer {
        let node = graph.node(producer);
        match node.inputs.as_slice() {
            &[input] if graph.value(input).shape == graph.value(id).shape && node.layer.params().is_empty() => {
                id = input
            }
            _ => return node.written.clone(),
        }
    }
    THE_INPUT.to_owned()
}
