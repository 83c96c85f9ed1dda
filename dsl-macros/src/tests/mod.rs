//! The front end of the compiler as a whole: declarations → graphs, and mistakes → messages.

mod expansions;
mod fuzz;
mod graphs;
mod mistakes;
mod outputs;
mod tidy;
mod trainers;

use crate::diagnostics::Diagnostics;
use crate::layers::Graph;
use crate::{parse, resolve, shape};

/// The graphs of all networks in `source`, as far as they have no mistakes, and the messages.
pub(crate) fn compile(source: &str) -> (Vec<Graph>, Vec<String>) {
    let mut errors = Diagnostics::new();
    let tokens = source.parse().expect("the source consists of Rust tokens");
    let networks = parse::network::parse(tokens, &mut errors);
    let graphs = networks.iter().filter_map(|network| {
        let graph = resolve::resolve(network, &mut errors)?;
        shape::infer(graph, network.failed, &mut errors)
    });
    let graphs = graphs.collect();
    (graphs, errors.into_messages())
}

/// The graph of a network without mistakes, as text.
fn graph(source: &str) -> String {
    let (graphs, messages) = compile(source);
    assert_eq!(messages, [""; 0], "{source}");
    graphs.iter().map(Graph::to_string).collect::<Vec<_>>().join("\n")
}
