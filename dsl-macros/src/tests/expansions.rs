//! Networks of every kind, all the way: the program after each pass, and the expansion as a reader sees it.

use std::collections::{HashMap, HashSet};

use crate::diagnostics::Diagnostics;
use crate::ir::{NodeId, Piece, Place, Program, Scope, Step, ValueId};
use crate::plan::{Plan, Slots};
use crate::{backward, codegen, fuse, layout, parse, plan, resolve, shape};

/// The networks that the snapshots are of.
const NETWORKS: [(&str, &str); 17] = [
    ("mlp", "/// Tells clothes apart.\npub Mlp < Linear(784, 64) -> ReLU -> Linear(64, 10) >"),
    ("an_activation_that_keeps_its_input", "Gelu < Linear(8, 16) -> GELU -> head: Linear(16, 4) -> Sigmoid >"),
    (
        "a_batch_norm_between_row_phases",
        "Normed: [3, 5] < Linear(_, 4) -> BatchNorm1d(3) -> ReLU -> Flatten -> Linear(_, 2) >",
    ),
    (
        "norms_of_samples",
        "Normed: [4, 3] < GroupNorm(2, 4) -> InstanceNorm1d(4, affine = true, track_running_stats = true) -> Dropout1d(0.2) \
         -> RMSNorm(3) -> LocalResponseNorm(2) -> FeatureAlphaDropout(0.1) >",
    ),
    (
        "a_residual_block",
        "Deep < Linear(8, 8) -> Residual(LayerNorm(8) -> Linear(8, 16) -> SiLU -> Linear(16, 8)) -> Linear(8, 2) >",
    ),
    (
        "a_residual_at_the_input",
        "First < Residual(Linear(4, 4) -> Tanh, shortcut = Linear(4, 4, bias = false)) -> ReLU >",
    ),
    ("values_that_meet", "Meet: [3] < Linear(3, 3) as a -> [_, a] => Mul -> [_, a -> Tanh] => Concat(1) >"),
    ("a_fork_of_three", "Fork < Linear(4, 4) as a -> ReLU as b -> [_, a, b] => Add -> Linear(4, 2) >"),
    (
        "dropout_and_random_slopes",
        "Noisy: [6] < Dropout(0.2) -> Linear(6, 6) -> RReLU -> PReLU -> Linear(6, 3) -> LogSoftmax >",
    ),
    ("views_alone", "Views: [2, 3] < Flatten -> Unflatten(1, [3, 2]) >"),
    ("a_named_width", "Named < Linear(784, H) -> ReLU -> Linear(H, 2 * H) -> ReLU -> Linear(_, 10) >"),
    (
        "a_repeated_block",
        "block B(N) < Linear(N, N) -> ReLU > Repeated < stem: Linear(4, 8) -> blocks: B(8) * 3 -> head: Linear(8, 2) >",
    ),
    ("a_layer_of_the_users", "Own < Linear(4, 4) -> my::Scale(3) => [4] -> Linear(4, 2) >"),
    (
        "a_convolutional_network",
        "Small: [3, 16, 16] < Conv2d(3, 8, 3, padding = 1) -> ReLU -> Conv2d(8, 8, 3, stride = 2, bias = false)
         -> SiLU -> Flatten -> Linear(_, 10) >",
    ),
    (
        "lenet",
        "LeNet: [1, 28, 28] < Conv2d(1, 6, 5, padding = 2) -> ReLU -> MaxPool2d(2) -> Conv2d(6, 16, 5) -> ReLU -> MaxPool2d(2)
         -> Flatten -> Linear(400, 120) -> ReLU -> Linear(120, 84) -> ReLU -> Linear(84, 10) >",
    ),
    (
        "a_residual_block_of_images",
        "block Body(I, O) < Conv2d(I, O, 3, stride = 2, padding = 1, bias = false) -> BatchNorm2d(O) -> ReLU
         -> Conv2d(O, O, 3, padding = 1, bias = false) -> BatchNorm2d(O) >
         Down: [8, 16, 16] < Residual(Body(8, 16), shortcut = Conv2d(8, 16, 1, stride = 2, bias = false) -> BatchNorm2d(16)) -> ReLU
         -> AdaptiveAvgPool2d(1) -> Flatten -> Linear(16, 10) >",
    ),
    ("no_parameters", "Plain: [4] < Tanh -> Softmax >"),
];

/// The passes of one network: what was printed after each, and the end of them.
fn passes(source: &str) -> (String, String, Program, Plan) {
    let mut errors = Diagnostics::new();
    let tokens = source.parse().expect("the source consists of Rust tokens");
    let networks = parse::network::parse(tokens, &mut errors);
    let [network] = &networks[..] else { panic!("one network: {source}") };
    let resolved = resolve::resolve(network, &mut errors).expect("every layer is known");
    let mut text = format!("after resolve\n{resolved}\n");
    let shaped = shape::infer(resolved, false, &mut errors).expect("every edge agrees");
    assert_eq!(errors.into_messages(), [""; 0], "{source}");
    text += &format!("after shape\n{shaped}\n");
    let ordered = layout::choose(shaped);
    text += &format!("after layout\n{ordered}\n");
    let fused = fuse::fuse(ordered);
    text += &format!("after fuse\n{fused}\n");
    let program = backward::derive(fused);
    text += &format!("after backward\n{program}\n");
    let plan = plan::layout(&program);
    text += &format!("after plan\n{plan}");
    let file = syn::parse2(codegen::network(&network.header, &program, &plan)).expect("the expansion is Rust");
    (text, prettyplease::unparse(&file), program, plan)
}

#[test]
fn every_pass_of_every_kind_of_network() {
    for (name, source) in NETWORKS {
        let (text, expansion, ..) = passes(source);
        insta::with_settings!({ description => source, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("passes_{name}"), text);
            insta::assert_snapshot!(format!("expansion_{name}"), expansion);
        });
    }
}

#[test]
fn an_average_over_the_whole_is_flattened_as_it_lies() {
    let (text, ..) = passes("Global: [3, 8, 8] < Conv2d(3, 4, 3) -> AdaptiveAvgPool2d(1) -> Flatten -> Linear(4, 2) >");
    assert!(text.contains("channels_last(3, x,") && !text.contains("channels_first(4,"), "{text}");
}

#[test]
fn the_readme_prints_what_is_generated() {
    // As it is written there, on fewer lines than by rustfmt.
    let dense = |code: &str| code.split_whitespace().collect::<String>().replace(",)", ")").replace(";}", "}");
    let (_, expansion, ..) = passes("pub Mlp < Linear(784, 64) -> ReLU -> Linear(64, 10) >");
    let readme = include_str!("../../../README.md");
    let start = readme.find("```rs\nfn forward_rows").expect("the README shows an expansion") + "```rs\n".len();
    let shown = readme[start..].split("```").next().expect("it has an end");
    let mut rest = dense(&expansion);
    for piece in shown.split('…').map(dense).filter(|piece| !piece.is_empty()) {
        let at = rest.find(&piece).unwrap_or_else(|| panic!("not in the expansion, or not in this order: {piece}"));
        rest.drain(..at + piece.len());
    }
}

/// What a training step runs, in order.
fn step(program: &Program) -> Vec<&Step> {
    program.forward.iter().chain(&program.backward).chain(&program.tiles).collect()
}

#[test]
fn nothing_is_read_before_it_is_written() {
    for (name, source) in NETWORKS {
        let (.., program, _) = passes(source);
        let mut written: HashSet<Place> = program.graph.inputs.iter().map(|&id| Place::Value(id)).collect();
        // The loss writes the gradient of the output, once the output is there.
        written.insert(Place::Gradient(program.output));
        for step in step(&program) {
            for place in step.call.reads() {
                assert!(written.contains(&place), "{name}: {} reads {}", step.call.kernel, program.name(place));
            }
            written.extend(step.call.writes());
        }
    }
}

#[test]
fn a_value_knows_the_node_that_makes_it() {
    for (name, source) in NETWORKS {
        let (.., program, _) = passes(source);
        let nodes = &program.graph.nodes;
        for (i, value) in program.graph.values.iter().enumerate() {
            let producer = nodes.iter().position(|node| node.outputs.contains(&ValueId(i))).map(NodeId);
            assert_eq!(value.producer, producer, "{name}: {}", value.name);
        }
    }
}

#[test]
fn a_formula_names_what_its_call_writes() {
    for (name, source) in NETWORKS {
        let (.., program, _) = passes(source);
        for step in program.forward.iter().chain(&program.backward).chain(&program.predict) {
            let named =
                |place| step.call.formula.0.iter().any(|piece| matches!(piece, Piece::Operand(p) if *p == place));
            // What moves running statistics writes into buffers alone.
            let buffers_alone = step.call.writes().next().is_none();
            let kernel = &step.call.kernel;
            assert!(buffers_alone || step.call.writes().any(named), "{name}: {kernel}: {:?}", step.call.formula);
        }
    }
}

#[test]
fn no_two_live_values_share_a_place() {
    for (name, source) in NETWORKS {
        let (.., program, plan) = passes(source);
        let loss = Some((program.forward.len(), Place::Gradient(program.output)));
        check_owners(name, &program, &plan.values, &step(&program), loss);
        check_owners(name, &program, &plan.scratch, &program.predict.iter().collect::<Vec<_>>(), None);
    }
}

/// Runs through the steps and watches that what is read is still what was written. Before step `loss.0` the loss writes
/// `loss.1`.
fn check_owners(name: &str, program: &Program, slots: &Slots, steps: &[&Step], loss: Option<(usize, Place)>) {
    let mut owner: HashMap<usize, Place> = HashMap::new();
    for (time, step) in steps.iter().enumerate() {
        if let Some((_, gradient)) = loss.filter(|(at, _)| *at == time) {
            owner.insert(slots.of[&gradient], gradient);
        }
        for place in step.call.reads().filter(|p| slots.of.contains_key(p)) {
            let slot = slots.of[&place];
            let found = *owner.entry(slot).or_insert(place);
            assert_eq!(found, place, "{name}: {} reads {}, overwritten", step.call.kernel, program.name(place));
        }
        for place in step.call.writes().filter(|p| slots.of.contains_key(p)) {
            owner.insert(slots.of[&place], place);
        }
    }
}

#[test]
fn only_the_tile_phase_touches_gradients_of_parameters() {
    for (name, source) in NETWORKS {
        let (.., program, _) = passes(source);
        let spans = |step: &Step| step.call.args.iter().any(|arg| matches!(arg, crate::ir::Arg::Span(_)));
        for step in program.forward.iter().chain(&program.backward).chain(&program.predict) {
            assert!(!spans(step) && step.call.scope != Scope::Tiles, "{name}: {}", step.call.kernel);
        }
        assert!(program.tiles.iter().all(|s| spans(s) && s.call.writes().next().is_none()), "{name}");
    }
}

#[test]
fn a_prediction_keeps_nothing_for_a_backward_pass() {
    for (name, source) in NETWORKS {
        let (.., program, _) = passes(source);
        for step in &program.predict {
            let kept = step.call.writes().any(|p| matches!(p, Place::Kept(..) | Place::Gradient(_)));
            assert!(!kept, "{name}: {}", step.call.kernel);
        }
    }
}
