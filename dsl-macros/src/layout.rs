//! Gives every value an order of its axes: the one in which its layer works, with a conversion where the next layer wants
//! another one.
//!
//! Values come and go in PyTorch's order. Knows no layer: a node says in which order it takes what comes.
//!
//! AFTER THIS POINT: every layer gets its inputs in an order that it has asked for.

use std::collections::HashMap;

use crate::ir::{NodeId, Order, Value, ValueId, View};
use crate::layers::{Graph, Node, Relayout, Take};

/// Chooses the orders, from the first node to the last.
pub(crate) fn choose(mut graph: Graph) -> Graph {
    let nodes = std::mem::take(&mut graph.nodes);
    let mut pass = Pass { graph, made: HashMap::new() };
    // The new place of each node.
    let mut places = Vec::new();
    for mut node in nodes {
        let views: Vec<View> = node.inputs.iter().map(|&input| pass.graph.view(input)).collect();
        let outputs: Vec<_> = node.outputs.iter().map(|&output| pass.graph.shape(output).clone()).collect();
        let orders = node.layer.order(&views, &outputs);
        for (input, view) in node.inputs.iter_mut().zip(&views) {
            let wanted = match orders.take {
                Take::AsItComes => continue,
                Take::Logical => Order::Logical,
                Take::ChannelsLast => Order::channels_last(&view.shape),
            };
            *input = pass.converted(*input, wanted, node.span);
        }
        let id = NodeId(pass.graph.nodes.len());
        for (output, order) in node.outputs.iter().zip(orders.give) {
            let value = &mut pass.graph.values[output.0];
            (value.order, value.producer) = (order, Some(id));
        }
        node.shares = node.shares.map(|NodeId(old)| places[old]);
        places.push(id);
        pass.graph.nodes.push(node);
    }
    let output = pass.graph.output;
    if let Some(producer) = pass.graph.value(output).producer {
        let span = pass.graph.node(producer).span;
        pass.graph.output = pass.converted(output, Order::Logical, span);
    }
    pass.graph
}

struct Pass {
    graph: Graph,
    /// What has been converted: nothing twice.
    made: HashMap<(ValueId, bool), ValueId>,
}

impl Pass {
    /// The same value in that order.
    fn converted(&mut self, value: ValueId, wanted: Order, span: proc_macro2::Span) -> ValueId {
        let View { shape, order } = self.graph.view(value);
        if order == wanted {
            return value;
        }
        let (relayout, last) = match (&order, &wanted) {
            (Order::Logical, Order::ChannelsLast { channels, .. }) => (Relayout::to_channels_last(channels), true),
            (Order::ChannelsLast { channels, .. }, Order::Logical) => (Relayout::to_channels_first(channels), false),
            // Two kinds of channels: over PyTorch's order.
            _ => {
                let logical = self.converted(value, Order::Logical, span);
                return self.converted(logical, wanted, span);
            }
        };
        if let Some(&made) = self.made.get(&(value, last)) {
            return made;
        }
        let name = self.free_name(&format!(
            "{}_channels_{}",
            self.graph.value(value).name,
            if last { "last" } else { "first" }
        ));
        let (output, id) = (ValueId(self.graph.values.len()), NodeId(self.graph.nodes.len()));
        let scalar = self.graph.value(value).scalar;
        self.graph.values.push(Value { name, shape: Some(shape), order: wanted, scalar, producer: Some(id) });
        self.graph.nodes.push(Node {
            key: String::new(),
            layer: Box::new(relayout),
            inputs: vec![value],
            outputs: vec![output],
            span,
            label: None,
            written: format!("channels {}", if last { "last" } else { "first" }),
            within: None,
            shares: None,
            activation: None,
        });
        self.made.insert((value, last), output);
        output
    }

    fn free_name(&self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.graph.values.iter().any(|value| value.name == name) {
            name.push('_');
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::tests::compile;

    /// The nodes that nobody has written.
    fn conversions(source: &str) -> Vec<String> {
        let (mut graphs, messages) = compile(source);
        assert_eq!(messages, [""; 0], "{source}");
        let graph = choose(graphs.remove(0));
        graph.nodes.iter().filter(|node| node.key.is_empty()).map(|node| node.layer.describe()).collect()
    }

    #[test]
    fn norms_and_dropouts_take_channels_last_as_it_comes() {
        let source = "N: [2, 5, 5] < Conv2d(2, 4, 3) -> BatchNorm2d(4) -> GroupNorm(2, 4) -> InstanceNorm2d(4) \
                      -> LocalResponseNorm(3) -> Dropout2d -> AlphaDropout -> FeatureAlphaDropout -> LayerNorm([4, 3, 3]) \
                      -> RMSNorm([4, 3, 3]) -> Conv2d(4, 2, 3) -> Flatten >";
        assert_eq!(conversions(source), ["channels last"]);
    }

    #[test]
    fn pads_and_resolutions_take_both_orders_as_they_come() {
        let source = "N: [2, 5, 5] < Conv2d(2, 8, 3) -> ReflectionPad2d(1) -> Upsample(scale_factor = 2) -> PixelShuffle(2) \
                      -> ZeroPad1d(1) -> PixelUnshuffle(2) -> ChannelShuffle(2) -> UpsamplingBilinear2d(6) -> Conv2d(8, 2, 6) \
                      -> Flatten >";
        assert_eq!(conversions(source), ["channels last"]);
        let logical =
            "N: [4, 6, 6] < CircularPad2d(1) -> Upsample(8) -> PixelShuffle(2) -> ChannelShuffle(1) -> Unfold(2) >";
        assert_eq!(conversions(logical), [""; 0]);
    }
}
