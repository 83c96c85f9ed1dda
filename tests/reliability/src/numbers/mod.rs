//! NaN, infinity, overflow, labels out of range, a batch of no samples, learning rates without measure.
//!
//! Each trainer has a twin that never sees the bad batch. A fault is a trainer that has changed though the batch was
//! refused, one that goes on otherwise than its twin, one that takes no good batch any more, and weights that are not finite
//! after a step that succeeded.

mod batches;
mod runs;

use glulam::prelude::*;
use glulam::train::{Metrics, Target, TrainError};

use crate::{fault, output};

network! { pub Net < Linear(6, 16) -> BatchNorm1d(16) -> ReLU -> Dropout(0.3) -> Linear(16, 4) > }
network! { pub Plain < Linear(6, 16) -> Tanh -> Linear(16, 4) > }

type Inputs = Vec<[f32; 6]>;

pub fn run() {
    let cases = batches::run() + runs::run();
    println!("{cases} cases");
}

fn inputs(samples: usize, seed: u32) -> Inputs {
    let mut state = seed.wrapping_mul(77) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..samples).map(|_| std::array::from_fn(|_| next())).collect()
}

fn classes(samples: usize, seed: usize) -> Vec<i64> {
    (0..samples).map(|i| ((i * 3 + seed) % 4) as i64).collect()
}

fn numbers(samples: usize, seed: usize) -> Vec<f32> {
    (0..samples * 4).map(|i| ((i * 3 + seed) % 11) as f32 / 7.0 - 0.5).collect()
}

/// All of a trainer, as the bytes of its checkpoint.
fn whole<R: Trainer<f32>>(trainer: &R) -> Vec<u8> {
    let path = output("numbers").join("whole.ckpt");
    trainer.save_checkpoint(&path).expect("it can be written");
    std::fs::read(&path).expect("it was written")
}

fn is_finite<R: Trainer<f32>>(trainer: &R) -> bool {
    let weights = trainer.parts().model.weights();
    weights.parameters.iter().chain(weights.buffers.iter()).all(|x| x.is_finite())
}

/// A bad batch after none, one and four good ones.
fn twins<R, Y>(
    what: &str,
    new: impl Fn() -> R,
    bad: (Inputs, Vec<Y>),
    good: impl Fn(usize) -> (Inputs, Vec<Y>),
) -> usize
where
    Y: Target,
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 6]>,
    R::Loss: Loss<f32, Y>,
    R::Metrics: Metrics<f32, Y>,
{
    for before in [0, 1, 4] {
        let what = format!("{what} after {before} good batches");
        let (mut one, mut twin) = (new(), new());
        for (x, y) in (0..before).map(&good) {
            one.step((&x, &y)).expect("a good batch");
            twin.step((&x, &y)).expect("a good batch");
        }
        let as_before = whole(&one);
        match one.step((&bad.0, &bad.1)) {
            Ok(_) if is_finite(&one) => {}
            Ok(step) => fault(format!("{what}: accepted with the loss {}; the weights are not finite", step.loss)),
            // Folded into the backward pass the optimizer has moved parameters by then, and the error says so.
            Err(
                TrainError::NonFiniteGradient { moved: true, .. } | TrainError::NonFiniteStatistic { moved: true, .. },
            ) => {}
            Err(error) => {
                let same_sums = one.parts().run.accumulated() == twin.parts().run.accumulated();
                if same_sums && whole(&one) != as_before {
                    fault(format!("{what}: refused ({error}), but the trainer has changed"));
                }
                for (x, y) in (50..56).map(&good) {
                    twin.step((&x, &y)).expect("a good batch");
                    if let Err(later) = one.step((&x, &y)) {
                        fault(format!("{what}: refused ({error}), and a good batch too: {later}"));
                        break;
                    }
                }
                // Gradients that were summed up may be dropped: the trainer then is at another step than its twin.
                if same_sums && whole(&one) != whole(&twin) {
                    fault(format!("{what}: refused ({error}), but the trainer goes on otherwise than its twin"));
                }
            }
        }
    }
    3
}
