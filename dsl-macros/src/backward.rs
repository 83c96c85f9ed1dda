//! Turns the graph into flat lists of calls: forward, prediction, and the backward pass, which is derived here.
//!
//! The reverse walk: from the last node to the first, each layer's own backward calls, on the network's values. The
//! first gradient of a value is written; later ones (the value has several readers) are added. Knows no layer.
//!
//! AFTER THIS POINT: no layers any more, only calls; every gradient is written before it is read.

use std::collections::HashMap;

use crate::ir::{
    Activation, Arg, Call, Facts, Formula, Graph, Node, NodeId, Operand, Piece, Place, Program, Role, Scope, Step,
    ValueId, View,
};
use crate::layers::{self, Layer, Site};

/// Derives all programs of a network.
pub(crate) fn derive(graph: layers::Graph) -> Program {
    let mut walk = Walk::new(graph);
    walk.forward();
    walk.predict();
    walk.backward();
    walk.program
}

struct Walk {
    program: Program,
    /// The layers of the nodes, which are asked for their calls.
    layers: Vec<Box<dyn Layer>>,
    /// The number of nodes that read the memory of a value, and the caller.
    readers: HashMap<ValueId, usize>,
    /// The last parameter of the table that a value depends on.
    reach: Vec<Option<usize>>,
    /// Where a gradient is found that was not written to a place of its own.
    alias: HashMap<ValueId, Place>,
    /// How many gradients of a value have been added to its first.
    contributions: HashMap<ValueId, usize>,
    /// The values whose gradient has been written.
    written: Vec<bool>,
    /// The values whose gradient already is the one before the activation: the reader has multiplied its derivative in.
    before_activation: Vec<bool>,
}

impl Walk {
    fn new(graph: layers::Graph) -> Self {
        let facts =
            graph.nodes.iter().map(|node| ask_at(&graph, node, Standing::default(), |site| node.layer.facts(site)));
        let facts = facts.collect();
        let (graph, layers) = graph.exchange(facts);
        let count = graph.values.len();
        let memory = memory(&graph);
        let mut readers = HashMap::from([(memory[graph.output.0], 1)]);
        for node in &graph.nodes {
            if !node.layer.is_view || memory[node.output().0] == node.output() {
                node.inputs.iter().for_each(|input| *readers.entry(memory[input.0]).or_insert(0) += 1);
            }
        }
        let mut reach = vec![None; count];
        let mut params = 0;
        let mut ends = Vec::new();
        for node in &graph.nodes {
            let own = match node.shares {
                Some(owner) => ends[owner.0],
                None => {
                    let own = node.layer.params.len();
                    params += own;
                    (own > 0).then(|| params - 1)
                }
            };
            ends.push(own);
            let through = node.inputs.iter().map(|i| reach[i.0]).max().flatten().max(own);
            node.outputs.iter().for_each(|output| reach[output.0] = through);
        }
        Walk {
            program: Program::new(graph, memory),
            layers,
            readers,
            reach,
            alias: HashMap::new(),
            contributions: HashMap::new(),
            written: vec![false; count],
            before_activation: vec![false; count],
        }
    }

    fn graph(&self) -> &Graph<Facts> {
        &self.program.graph
    }

    fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.graph().nodes.len()).map(NodeId)
    }

    fn root(&self, value: ValueId) -> ValueId {
        self.program.memory[value.0]
    }

    /// The calls that a node's layer answers with, where it stands.
    fn ask(&self, id: NodeId, place: Standing<'_>, calls: impl Fn(&dyn Layer, &Site<'_>) -> Vec<Call>) -> Vec<Call> {
        ask_at(self.graph(), self.graph().node(id), place, |site| calls(&*self.layers[id.0], site))
    }

    /// A view that has to be a copy: from the caller's input to the caller's output.
    fn is_copy(&self, id: NodeId) -> bool {
        let node = self.graph().node(id);
        node.layer.is_view && self.root(node.output()) == node.output()
    }

    fn forward(&mut self) {
        self.program.forward = self.nodes().flat_map(|id| self.forward_of(id, false)).collect();
    }

    fn predict(&mut self) {
        let mut steps = Vec::new();
        let mut nodes = self.nodes();
        while let Some(id) = nodes.next() {
            match self.norm_behind(id) {
                Some(norm) => {
                    steps.extend(self.normalised(id, norm));
                    nodes.next();
                }
                None => steps.extend(self.forward_of(id, true)),
            }
        }
        self.program.predict = steps;
    }

    fn forward_of(&self, id: NodeId, predict: bool) -> Vec<Step> {
        let calls = match self.is_copy(id) {
            true => vec![Call::copy(Operand::X(0), Operand::Y(0), "{y} = {x}")],
            false => self.ask(id, Standing { predict, ..Standing::default() }, |layer, site| layer.forward(site)),
        };
        let activation = self.graph().node(id).activation.as_ref().map(|_| id);
        calls.into_iter().map(|call| Step { activation, ..self.step(id, call) }).collect()
    }

    /// The norm that a node of a prediction can apply in its write-back: it alone reads the node's output, and stands right behind.
    fn norm_behind(&self, id: NodeId) -> Option<NodeId> {
        let (node, next) = (self.graph().node(id), NodeId(id.0 + 1));
        let output = node.output();
        let alone = node.outputs.len() == 1 && node.activation.is_none() && self.readers.get(&output) == Some(&1);
        let reads = self.graph().nodes.get(next.0).is_some_and(|next| next.inputs == [output]);
        (alone && reads && self.layers[id.0].takes_norm() && self.layers[next.0].as_norm().is_some()).then_some(next)
    }

    /// The calls of both: the norm's, which makes its scale and shift, and the node's, which writes the norm's output.
    fn normalised(&self, id: NodeId, norm: NodeId) -> Vec<Step> {
        let behind = self.graph().node(norm);
        let scale = self.layers[norm.0].as_norm().map(|call| self.step(norm, call)).expect("a norm");
        let made = scale.call.writes().next();
        let standing = Standing { norm: Some(behind), predict: true, ..Standing::default() };
        let calls = self.ask(id, standing, |layer, site| layer.forward(site)).into_iter().map(|call| {
            let call = call.map(|operand| match operand {
                Operand::Y(_) => self.place(norm, operand),
                Operand::Norm => made,
                operand => self.place(id, operand),
            });
            Step { node: id, call, reach: None, activation: behind.activation.as_ref().map(|_| norm) }
        });
        [scale].into_iter().chain(calls).collect()
    }

    /// A layer's call with the network's values for operands.
    fn step(&self, id: NodeId, call: Call) -> Step {
        let node = self.graph().node(id);
        let writes_input = call.writes().find_map(|o| if let Operand::DX(i) = o { Some(node.inputs[i]) } else { None });
        let reach = self.reach[self.root(writes_input.unwrap_or(node.output())).0];
        let call = call.map(|operand| self.place(id, operand));
        Step { node: id, call, reach, activation: None }
    }

    /// What a layer's operand is in the network: nothing, if it is a gradient that nobody has written.
    fn place(&self, id: NodeId, operand: Operand) -> Option<Place> {
        let node = self.graph().node(id);
        let (input, output) = (|i: usize| self.root(node.inputs[i]), |i: usize| self.root(node.outputs[i]));
        match operand {
            Operand::X(i) => Some(Place::Value(input(i))),
            Operand::Y(i) => Some(Place::Value(output(i))),
            Operand::DX(i) => Some(Place::Gradient(input(i))),
            // It may lie with someone else.
            Operand::DY(i) => self.written[output(i).0].then(|| self.gradient(output(i))),
            Operand::Kept(i) => Some(Place::Kept(id, i)),
            Operand::Statistics(i) => Some(Place::Statistics(id, i)),
            Operand::Partial(i) => Some(Place::Partial(id, i)),
            Operand::Producer => Some(self.producer_kept(input(0))),
            Operand::Norm => unreachable!("a norm is only told of where it is folded"),
        }
    }

    fn gradient(&self, value: ValueId) -> Place {
        self.alias.get(&value).copied().unwrap_or(Place::Gradient(value))
    }

    /// The node whose activation made a value.
    fn activated_by(&self, value: ValueId) -> Option<(NodeId, &Activation)> {
        let producer = self.graph().value(value).producer?;
        Some((producer, self.graph().node(producer).activation.as_ref()?))
    }

    /// What the activation that made `value` has kept for its derivative.
    fn producer_kept(&self, value: ValueId) -> Place {
        match self.activated_by(value) {
            Some((producer, activation)) if activation.keeps_input => Place::Kept(producer, 0),
            _ => Place::Value(value),
        }
    }

    fn backward(&mut self) {
        self.written[self.program.output.0] = true; // by the loss
        for id in self.nodes().rev() {
            let node = self.graph().node(id);
            if node.layer.is_view && !self.is_copy(id) {
                continue;
            }
            if !node.outputs.iter().any(|&output| self.written[self.root(output).0]) {
                continue; // nobody reads them: a dead branch
            }
            self.before_own_activation(id, self.root(node.output()));
            self.node_backward(id);
        }
        // Parameters in the order of their table.
        self.program.tiles.sort_by_key(|step| step.node);
    }

    /// Turns the gradient after a node's activation into the one before it, unless the reader has done so already.
    fn before_own_activation(&mut self, id: NodeId, value: ValueId) {
        let Some(activation) = self.graph().node(id).activation.clone() else { return };
        if self.before_activation[value.0] {
            return;
        }
        let function = Arg::Value(activation.value.clone());
        let (kept, gradient) = (self.producer_kept(value), self.gradient(value));
        let own = Place::Gradient(value);
        let (kernel, args) = if gradient == own {
            ("activation_backward_in_place", vec![function, Arg::Read(kept), Arg::Change(own)])
        } else {
            // The gradient lies with someone else, who may need it as it is.
            self.alias.remove(&value);
            ("activation_backward", vec![function, Arg::Read(kept), Arg::Read(gradient), Arg::Write(own)])
        };
        let formula = Formula(vec![
            Piece::Operand(own),
            Piece::Text(" = ".into()),
            Piece::Operand(gradient),
            Piece::Text(format!(" ⊙ {}'(", activation.name)),
            Piece::Operand(kept),
            Piece::Text(")".into()),
        ]);
        let call = Call { role: Role::Derivative, kernel: kernel.into(), args, scope: Scope::Rows, formula };
        self.program.backward.push(Step { node: id, call, reach: self.reach[value.0], activation: Some(id) });
    }

    fn node_backward(&mut self, id: NodeId) {
        let inputs = self.graph().node(id).inputs.clone();
        let folded = self.folded_producer(id);
        let calls = match self.is_copy(id) {
            true => vec![Call::copy(Operand::DY(0), Operand::DX(0), "{dx} = {dy}")],
            false => self.ask(id, Standing { producer: folded.as_ref(), ..Standing::default() }, |layer, site| {
                layer.backward(site)
            }),
        };
        for call in calls {
            if call.scope == Scope::Tiles {
                let step = self.step(id, call);
                self.program.tiles.push(step);
                continue;
            }
            let target = call.writes().find_map(|o| if let Operand::DX(i) = o { Some(i) } else { None });
            let Some(input) = target else {
                let step = self.step(id, call);
                self.program.backward.push(step);
                continue;
            };
            let value = self.root(inputs[input]);
            if !self.differentiable(value) || self.passed_on(&call, id, value) {
                continue;
            }
            let mut step = self.step(id, call);
            step.activation = self.graph().value(value).producer.filter(|_| folded.is_some());
            if self.written[value.0] {
                self.add(step, value);
                continue;
            }
            self.written[value.0] = true;
            self.before_activation[value.0] = folded.is_some() && input == 0;
            step.reach = self.reach[value.0];
            self.program.backward.push(step);
        }
    }

    /// Token ids have no gradient.
    fn differentiable(&self, value: ValueId) -> bool {
        self.graph().value(value).scalar == crate::ir::Scalar::Real
    }

    /// The activation folded into the producer of a node's first input, if this node may multiply its derivative in:
    /// it can, and it is the only reader.
    fn folded_producer(&self, id: NodeId) -> Option<Activation> {
        if !self.layers[id.0].folds_activation_backward() {
            return None;
        }
        let value = self.root(*self.graph().node(id).inputs.first()?);
        let (_, activation) = self.activated_by(value)?;
        (self.readers.get(&value) == Some(&1)).then(|| activation.clone())
    }

    /// A gradient that is passed on as it is, to a value that no one else reads, needs no copy; nor does one that nobody has
    /// written.
    fn passed_on(&mut self, call: &Call, id: NodeId, value: ValueId) -> bool {
        if !matches!(call.role, Role::Copy) || self.is_copy(id) {
            return false;
        }
        let Some(source) = call.reads().find_map(|source| self.place(id, source)) else { return true };
        if self.readers.get(&value) != Some(&1) || self.graph().inputs.contains(&value) {
            return false;
        }
        self.alias.insert(value, source);
        self.written[value.0] = true;
        true
    }

    /// A second gradient of a value: computed apart, then added.
    fn add(&mut self, step: Step, value: ValueId) {
        let place = Place::Gradient(value);
        let reach = self.reach[value.0];
        let source = match step.call.role {
            // What would only be copied is added at once.
            Role::Copy => step.call.reads().next().expect("a copy reads"),
            _ => {
                let count = self.contributions.entry(value).or_insert(0);
                *count += 1;
                let contribution = Place::Contribution(value, *count);
                let call = step.call.map(|p| Some(if p == place { contribution } else { p }));
                self.program.backward.push(Step { call, reach, ..step });
                contribution
            }
        };
        let formula = Formula(vec![Piece::Operand(place), Piece::Text(" += ".into()), Piece::Operand(source)]);
        let args = vec![Arg::Read(source), Arg::Change(place)];
        let call = Call { role: Role::Kernel, kernel: "accumulate".into(), args, scope: Scope::Rows, formula };
        self.program.backward.push(Step { node: step.node, call, reach, activation: None });
    }
}

/// What else a node is asked about: by default a forward pass that is trained, of the node alone.
#[derive(Clone, Copy, Default)]
struct Standing<'a> {
    /// The activation folded into what makes its input.
    producer: Option<&'a Activation>,
    /// The node that it stands for too.
    norm: Option<&'a Node<Facts>>,
    predict: bool,
}

/// The answer to a question about a node at its place in the graph.
fn ask_at<L, R>(
    graph: &Graph<L>,
    node: &Node<L>,
    Standing { producer, norm, predict }: Standing<'_>,
    question: impl Fn(&Site<'_>) -> R,
) -> R {
    let views = |values: &[ValueId]| values.iter().map(|&v| graph.view(v)).collect::<Vec<View>>();
    let (outputs, activation) =
        norm.map_or((&node.outputs, &node.activation), |norm| (&norm.outputs, &norm.activation));
    question(&Site {
        inputs: &views(&node.inputs),
        outputs: &views(outputs),
        activation: activation.as_ref(),
        producer_activation: producer,
        norm: norm.is_some(),
        predict,
    })
}

/// The value in whose memory each value lies: a view's output is its input's memory.
fn memory(graph: &Graph<Facts>) -> Vec<ValueId> {
    let mut memory: Vec<ValueId> = (0..graph.values.len()).map(ValueId).collect();
    for node in graph.nodes.iter().filter(|n| n.layer.is_view) {
        let source = memory[node.inputs[0].0];
        // The caller's output may not be the caller's input: that view is a copy.
        if !(node.output() == graph.output && graph.inputs.contains(&source)) {
            memory[node.output().0] = source;
        }
    }
    memory
}
