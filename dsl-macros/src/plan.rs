//! Gives everything a place: parameters and buffers in their order, the values of a step in the workspace. (Where a
//! parameter begins is the runtime's `Span` to say: after the one before it, at the next cache line.)
//!
//! Values of equal width and scalar whose lives do not overlap share a place. (Equal width, since a thread owns the same rows of
//! every array; what the tile phase reads, and the output, live to the end.)
//!
//! AFTER THIS POINT: every operand has a place; no two live values share one; sizes are constants times the batch.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use crate::ir::{Arg, Buffer, Call, Dim, NodeId, Param, Place, Program, Row, Scalar, Shape, Step, identifier};

/// A parameter with its place.
#[derive(Clone)]
pub(crate) struct PlacedParam {
    /// The node that owns it.
    pub(crate) node: NodeId,
    /// The state-dict key: `fc1.weight`.
    pub(crate) key: String,
    /// The field of the views: `fc1_weight`.
    pub(crate) field: String,
    pub(crate) param: Param,
}

/// A buffer with its place.
#[derive(Clone)]
pub(crate) struct PlacedBuffer {
    name: &'static str,
    pub(crate) key: String,
    pub(crate) field: String,
    pub(crate) shape: Shape,
    /// In the flat buffers, or among the counters.
    pub(crate) offset: Dim,
    pub(crate) counter: bool,
    pub(crate) init: f64,
}

/// An array of the workspace, or of a prediction's scratch memory.
#[derive(Clone)]
pub(crate) struct Slot {
    /// The name of its first inhabitant.
    pub(crate) name: String,
    /// What it holds of one sample, or of one piece of the batch.
    pub(crate) row: Row,
    /// All its inhabitants, one after the other.
    pub(crate) holds: Vec<String>,
    /// The place in the program where the last of them dies.
    end: usize,
}

/// Places of values: arrays, and which value is in which.
#[derive(Clone, Default)]
pub(crate) struct Slots {
    pub(crate) slots: Vec<Slot>,
    pub(crate) of: HashMap<Place, usize>,
}

/// Where everything is.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) params: Vec<PlacedParam>,
    /// The parameters of each node in the table (of the owner, where it is shared).
    params_of: Vec<Range<usize>>,
    /// The number of parameters, without gaps.
    pub(crate) parameters: Dim,
    pub(crate) buffers: Vec<PlacedBuffer>,
    buffers_of: Vec<Range<usize>>,
    /// The length of the flat buffers.
    pub(crate) buffer_len: Dim,
    pub(crate) counters: usize,
    /// The workspace's arrays.
    pub(crate) values: Slots,
    /// Arrays of the whole batch: name and length, in order.
    pub(crate) statistics: Vec<(Place, String, Dim)>,
    /// A prediction's arrays.
    pub(crate) scratch: Slots,
    pub(crate) scratch_statistics: Vec<(Place, String, Dim)>,
}

/// Lays everything out.
pub(crate) fn layout(program: &Program) -> Plan {
    let mut plan = Plan {
        params: Vec::new(),
        params_of: Vec::new(),
        parameters: Dim::Known(0),
        buffers: Vec::new(),
        buffers_of: Vec::new(),
        buffer_len: Dim::Known(0),
        counters: 0,
        values: training_slots(program),
        statistics: statistics(program, program.forward.iter().chain(&program.backward).chain(&program.tiles)),
        scratch: Slots::default(),
        scratch_statistics: statistics(program, program.predict.iter()),
    };
    plan.scratch = slots(program, lives(&program.predict, &[]), &[Place::Value(program.output)]);
    for (index, node) in program.graph.nodes.iter().enumerate() {
        if let Some(NodeId(owner)) = node.shares {
            plan.params_of.push(plan.params_of[owner].clone());
            plan.buffers_of.push(plan.buffers_of[owner].clone());
            continue;
        }
        let (first_param, first_buffer) = (plan.params.len(), plan.buffers.len());
        for param in &node.layer.params {
            plan.place_param(NodeId(index), &node.key, param.clone());
        }
        for buffer in node.layer.buffers.clone() {
            let len = Dim::product(&buffer.shape);
            let offset = match buffer.counter {
                true => Dim::Known(plan.counters),
                false => plan.buffer_len.clone(),
            };
            match buffer.counter {
                true => plan.counters += 1,
                false => plan.buffer_len = plan.buffer_len.add(&len),
            }
            let (key, field) = names(&node.key, buffer.name);
            let Buffer { name, shape, counter, init } = buffer;
            plan.buffers.push(PlacedBuffer { name, key, field, shape: Shape(shape), offset, counter, init });
        }
        plan.params_of.push(first_param..plan.params.len());
        plan.buffers_of.push(first_buffer..plan.buffers.len());
    }
    plan
}

impl Plan {
    fn place_param(&mut self, node: NodeId, key: &str, param: Param) {
        let len = param.len();
        let (key, field) = names(key, param.name);
        self.parameters = self.parameters.add(&len);
        self.params.push(PlacedParam { node, key, field, param });
    }

    /// The parameter of that name of a node.
    pub(crate) fn param(&self, node: NodeId, name: &str) -> &PlacedParam {
        let mut params = self.params[self.params_of[node.0].clone()].iter();
        params.find(|p| p.param.name == name).expect("a layer's calls name parameters that it has")
    }

    /// The buffer of that name of a node.
    pub(crate) fn buffer(&self, node: NodeId, name: &str) -> &PlacedBuffer {
        let mut buffers = self.buffers[self.buffers_of[node.0].clone()].iter();
        buffers.find(|b| b.name == name).expect("a layer's calls name buffers that it has")
    }
}

impl Param {
    /// The number of elements.
    pub(crate) fn len(&self) -> Dim {
        Dim::product(&self.shape)
    }
}

/// The state-dict key and the view's field of `name` of the node at `key`: (`0.weight`, `l0_weight`).
fn names(key: &str, name: &str) -> (String, String) {
    let key = format!("{key}.{name}");
    let field = identifier(&key);
    (key, field)
}

/// The life of each place: from the first step that names it to the last.
fn lives(steps: &[Step], forever: &[Place]) -> Vec<(Place, usize, usize)> {
    let mut lives: Vec<(Place, usize, usize)> = Vec::new();
    let mut of: HashMap<Place, usize> = HashMap::new();
    for (time, step) in steps.iter().enumerate() {
        for place in step.call.writes().chain(step.call.reads()) {
            let life = *of.entry(place).or_insert(lives.len());
            match lives.get_mut(life) {
                Some((.., end)) => *end = time,
                None => lives.push((place, time, time)),
            }
        }
    }
    for place in forever {
        if let Some(&life) = of.get(place) {
            lives[life].2 = usize::MAX;
        }
    }
    lives
}

fn training_slots(program: &Program) -> Slots {
    let (output, gradient) = (Place::Value(program.output), Place::Gradient(program.output));
    let mut forever = vec![output];
    forever.extend(program.tiles.iter().flat_map(|step| step.call.reads()));
    let mut steps = program.forward.clone();
    // The loss reads the output and writes its gradient.
    if let Some(last) = program.forward.last().or(program.backward.first()) {
        let args = vec![Arg::Read(output), Arg::Write(gradient)];
        steps.push(Step { call: Call { args, ..last.call.clone() }, ..last.clone() });
    }
    steps.extend(program.backward.iter().cloned());
    let mut lives = lives(&steps, &forever);
    // First in the workspace, where it is found again.
    lives.sort_by_key(|(place, ..)| *place != output);
    slots(program, lives, &[])
}

/// Shares out arrays among the rows' values; `given` ones and the inputs come from the caller.
fn slots(program: &Program, lives: Vec<(Place, usize, usize)>, given: &[Place]) -> Slots {
    let inputs = &program.graph.inputs;
    let mut result = Slots::default();
    for (place, start, end) in lives {
        let from_caller = matches!(place, Place::Value(id) | Place::Gradient(id) if inputs.contains(&id));
        if from_caller || given.contains(&place) || matches!(place, Place::Statistics(..)) {
            continue;
        }
        let (name, row) = (program.name(place), program.row(place));
        let free = result.slots.iter().position(|slot| slot.row == row && slot.end < start);
        let index = free.unwrap_or_else(|| {
            result.slots.push(Slot { name: name.clone(), row, holds: Vec::new(), end });
            result.slots.len() - 1
        });
        result.slots[index].holds.push(name);
        result.slots[index].end = end;
        result.of.insert(place, index);
    }
    result
}

/// The arrays of the whole batch that some steps name.
fn statistics<'a>(program: &Program, steps: impl Iterator<Item = &'a Step>) -> Vec<(Place, String, Dim)> {
    let mut found: Vec<(Place, String, Dim)> = Vec::new();
    for place in steps.flat_map(|s| s.call.writes().chain(s.call.reads()).collect::<Vec<_>>()) {
        if matches!(place, Place::Statistics(..)) && !found.iter().any(|(p, ..)| *p == place) {
            found.push((place, program.name(place), program.row(place).width));
        }
    }
    found
}

impl Slots {
    /// How many of these scalars one sample has in all arrays, or one piece of the batch.
    pub(crate) fn width(&self, scalar: Scalar, of_piece: bool) -> Dim {
        let slots = self.slots.iter().filter(|slot| slot.row.scalar == scalar && slot.row.of_piece == of_piece);
        slots.fold(Dim::Known(0), |sum, slot| sum.add(&slot.row.width))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for p in &self.params {
            let shape = Shape(p.param.shape.clone());
            writeln!(f, "parameter {} {shape} {:?}", p.key, p.param.kind)?;
        }
        for b in &self.buffers {
            writeln!(f, "buffer {} {} at {}", b.key, b.shape, b.offset)?;
        }
        for (title, slots) in [("value", &self.values), ("scratch", &self.scratch)] {
            for slot in &slots.slots {
                writeln!(f, "{title} {} [{}] holds {}", slot.name, slot.row.width, slot.holds.join(", "))?;
            }
        }
        for (_, name, len) in &self.statistics {
            writeln!(f, "statistics {name} [{len}]")?;
        }
        writeln!(f, "{} parameters, {} values per sample", self.parameters, self.values.width(Scalar::Real, false))
    }
}
