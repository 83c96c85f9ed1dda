//! Frozen parameters cost neither backward work nor state.

use super::*;
use crate::loss::{CrossEntropyLoss, Loss};
use crate::memory::Words;
use crate::network::UpdateBy;
use crate::{Network, optim};

crate::network! { Deep < Linear(6, 8) -> ReLU -> Linear(8, 5) -> ReLU -> head: Linear(5, 3) > }

const ROWS: usize = 4;
/// No value of a step.
const UNTOUCHED: f32 = 12345.678;

/// How many numbers of the workspace a step leaves alone, and whether the parameters of each name moved.
fn step(optimizer: &mut impl OptimizerState<f32>, folded: bool) -> (usize, Vec<(&'static str, bool)>) {
    let mut model = Deep::seeded(1);
    let (mut workspace, mut gradients) = (model.workspace(ROWS), model.zeros());
    f32::from_words_mut(&mut workspace.values).fill(UNTOUCHED);
    let inputs: Vec<[f32; 6]> = (0..ROWS).map(|row| std::array::from_fn(|i| noise(row, i))).collect();
    let criterion = CrossEntropyLoss::DEFAULT;
    let criterion = Loss::<f32, i64>::bind(&criterion, &[3], ROWS, &[0, 1, 2, 1]).unwrap();
    let before = model.weights().parameters.clone();
    if folded {
        let update = UpdateBy::Optimizer(optimizer.fold().unwrap());
        model.forward_backward(&inputs, &criterion, &mut workspace, update);
    } else {
        let update = UpdateBy::Gradients(&mut gradients.0, Some(optimizer.trainable()));
        model.forward_backward(&inputs, &criterion, &mut workspace, update);
        optimizer.step(&mut model, &gradients);
    }
    let moved = <Deep as Network<f32>>::PARAMS.iter().enumerate().map(|(index, spec)| {
        let range = spec.offset..spec.offset + spec.len;
        let has_gradient = gradients.0[range.clone()].iter().any(|&g| g != 0.0);
        assert!(!has_gradient || optimizer.trainable()[index], "{} has a gradient", spec.name);
        (spec.name, model.weights().parameters[range.clone()] != before[range])
    });
    let moved = moved.collect();
    (workspace.values().iter().filter(|&&x| x == UNTOUCHED).count(), moved)
}

#[test]
fn nothing_is_computed_for_what_is_frozen() {
    const TABLE: &[ParamSpec] = <Deep as Network<f32>>::PARAMS;
    let settings = Adam { lr: 0.01, ..Adam::DEFAULT };
    for folded in [true, false] {
        let (untouched, moved) = step(&mut settings.init_for::<f32>(TABLE).unwrap(), folded);
        assert!(moved.iter().all(|(_, moved)| *moved), "{moved:?}");

        // Without the first layer nobody asks for the gradient of its 8 outputs.
        let mut body = optim::groups(TABLE, settings).freeze("0").build().unwrap();
        let (without_first, _) = step(&mut body, folded);
        assert_eq!(without_first, untouched + ROWS * 8);

        // With the head alone, for none of the 8 and 5 outputs of the layers before it.
        let mut head = optim::groups(TABLE, settings).freeze("0").freeze("2").build().unwrap();
        let (with_head, moved) = step(&mut head, folded);
        assert_eq!(with_head, untouched + ROWS * (8 + 5));
        assert!(moved.iter().all(|(name, moved)| *moved == name.starts_with("head")), "{moved:?}");
        assert_eq!(head.state_dict().state.len(), 2);
        // The state of what is frozen is room that is never written, so it takes no memory.
        assert!(head.slot(0)[..TABLE[4].offset].iter().all(|&m| m == 0.0));
    }
}
