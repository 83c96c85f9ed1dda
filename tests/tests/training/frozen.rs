//! What is frozen has no gradient: not in the norm that is clipped, not in what is added up, not in a step.

use glulam::clip::clip_grad_norm_;
use glulam::optim::groups;
use glulam::prelude::*;
use glulam::train::Metrics;

use crate::{batches, samples};

network! {
    /// A norm and learned slopes between three linear layers.
    pub Three < stem: Linear(8, 16) -> BatchNorm1d(16) -> PReLU(16) -> middle: Linear(16, 12) -> LayerNorm(12) -> ReLU -> head: Linear(12, 3) >
}

macro_rules! trainers {
    ($($name:ident: $frozen:tt;)*) => { $( mod $name {
        use super::*;
        train! { Clipped for Three { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), freeze: $frozen, clip_grad_norm: 0.5 } }
        train! { Both for Three { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), freeze: $frozen, clip_grad_norm: 0.5, accumulate: 3 } }
        train! { Added for Three { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), freeze: $frozen, accumulate: 3 } }
        train! { Folded for Three { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), freeze: $frozen } }

        #[test]
        fn is_trained_like_the_hand_written_loop() {
            let frozen: &[&str] = &$frozen;
            check(Clipped::new(network()), frozen, 1, true);
            check(Both::new(network()), frozen, 3, true);
            check(Added::new(network()), frozen, 3, false);
            check(Folded::new(network()), frozen, 1, false);
            check(Folded::builder(network()).fused(false).build().expect("valid"), frozen, 1, false);
        }
    } )* };
}
trainers! {
    a_frozen_stem: ["stem"];
    a_frozen_stem_and_norm: ["stem", "1", "2"];
    a_frozen_middle: ["middle"];
    a_frozen_head: ["head"];
    frozen_norms: ["1", "4", "2"];
    all_but_the_head: ["stem", "1", "2", "middle", "4"];
}

/// The same network each time.
fn network() -> Three {
    Three::seeded(3)
}

/// A trainer, and the loop that it stands for: every gradient is computed, and those of frozen parameters are forgotten.
fn check<R>(mut trainer: R, frozen: &[&str], accumulate: usize, clip: bool)
where
    R: Trainer<f32, Model = Three>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let data = samples(120, 1);
    let is_frozen = |name: &str| frozen.iter().any(|label| name.starts_with(&format!("{label}.")));
    let mut model = network();
    let chosen = frozen
        .iter()
        .fold(groups(Three::<f32>::PARAMS, SGD { lr: 0.1, ..SGD::DEFAULT }), |all, &label| all.freeze(label));
    let mut optimizer = chosen.build::<f32>().expect("valid");
    let (mut gradients, mut workspace) = (model.zeros(), model.workspace(20));
    let mut norms = Vec::new();
    let criterion = CrossEntropyLoss::DEFAULT;
    for batches in batches(&data, 20).collect::<Vec<_>>().chunks(accumulate) {
        gradients.zero();
        for (inputs, targets) in batches {
            let outputs = model.forward(Mode::Train, inputs, &mut workspace);
            let share = 1.0 / accumulate as f32;
            criterion.forward(outputs, targets).expect("the targets fit");
            let mut of_batch = model.zeros();
            model.backward(inputs, &mut workspace, &mut of_batch);
            gradients.0.iter_mut().zip(of_batch.0.iter()).for_each(|(sum, g)| *sum += share * g);
        }
        for spec in Three::<f32>::PARAMS.iter().filter(|spec| is_frozen(spec.name)) {
            gradients.0[spec.offset..spec.offset + spec.len].fill(0.0);
        }
        if clip {
            norms.push(clip_grad_norm_(&mut gradients, 0.5, 2.0, true).expect("finite"));
        }
        optimizer.step(&mut model, &gradients);
    }

    let mut found = Vec::new();
    for (inputs, targets) in batches(&data, 20) {
        found.extend(trainer.step((inputs, targets)).expect("the data fits").grad_norm);
    }
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-5 * b.abs().max(1e-3);
    assert_eq!(found.len(), norms.len());
    assert!(found.iter().zip(&norms).all(|(&a, &b)| near(a, b)), "{}, {frozen:?}: {found:?}, {norms:?}", R::NAME);
    let weights = [&trainer.parts().model.weights().parameters, &model.weights().parameters];
    for spec in Three::<f32>::PARAMS {
        let [found, expected] = weights.map(|flat| &flat[spec.offset..spec.offset + spec.len]);
        // Batches that are added up are rounded in another order.
        let same = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-6);
        assert!(same, "{}, {frozen:?}: {}", R::NAME, spec.name);
        if is_frozen(spec.name) {
            let before = network();
            assert_eq!(found, &before.weights().parameters[spec.offset..spec.offset + spec.len]);
        }
    }
}
