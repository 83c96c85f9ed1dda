//! Folds an element-wise function into the layer before it, where that layer can apply it in its write-back.
//!
//! Knows no names: a node says whether it is an activation, and whether it takes one.
//!
//! AFTER THIS POINT: no node is an activation of a node that takes one, unless someone else reads what lies between.

use crate::ir::NodeId;
use crate::layers::Graph;

/// Folds all that can be folded.
pub(crate) fn fuse(mut graph: Graph) -> Graph {
    let readers = readers(&graph);
    let mut folded = vec![false; graph.nodes.len()];
    for index in 0..graph.nodes.len() {
        let Some(activation) = graph.nodes[index].layer.as_activation() else { continue };
        let input = graph.nodes[index].inputs[0];
        let Some(NodeId(producer)) = graph.value(input).producer else { continue };
        let node = &graph.nodes[producer];
        let alone = node.outputs.len() == 1 && readers[input.0] == 1;
        if !node.layer.takes_activation() || node.activation.is_some() || !alone {
            continue;
        }
        let output = graph.nodes[index].output();
        let node = &graph.nodes[index];
        let activation = crate::ir::Activation {
            key: node.key.clone(),
            written: node.written.clone(),
            span: node.span,
            ..activation
        };
        graph.nodes[producer].activation = Some(activation);
        graph.nodes[producer].outputs = vec![output];
        graph.values[output.0].producer = Some(NodeId(producer));
        graph.values[input.0].producer = None;
        folded[index] = true;
    }
    remove(&mut graph, &folded);
    graph
}

/// How many read each value: nodes, and the caller.
fn readers(graph: &Graph) -> Vec<usize> {
    let mut readers = vec![0; graph.values.len()];
    for value in graph.nodes.iter().flat_map(|n| &n.inputs).chain([&graph.output]) {
        readers[value.0] += 1;
    }
    readers
}

fn remove(graph: &mut Graph, folded: &[bool]) {
    let mut place = 0;
    let new: Vec<NodeId> = folded
        .iter()
        .map(|&gone| {
            let id = NodeId(place);
            place += usize::from(!gone);
            id
        })
        .collect();
    let mut index = 0;
    graph.nodes.retain(|_| {
        index += 1;
        !folded[index - 1]
    });
    for node in &mut graph.nodes {
        node.shares = node.shares.map(|NodeId(old)| new[old]);
    }
    for value in &mut graph.values {
        value.producer = value.producer.map(|NodeId(old)| new[old]);
    }
}
