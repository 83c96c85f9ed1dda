//! `train!` and the ordinary training loop: the steps that a trainer takes, the runs that they make up.

mod batches;
mod checkpoints;
mod ends;
mod errors;
mod fits;
mod frozen;
mod non_finite;
mod resumes;
mod steps;

use glulam::data::TensorDataset;
use glulam::prelude::*;
use glulam::train::StepOutput;

network! { pub Mlp < Linear(8, 16) -> ReLU -> head: Linear(16, 3) > }
network! { pub Deep < Linear(8, 16) -> BatchNorm1d(16) -> ReLU -> Dropout(0.25) -> Linear(16, 3) > }

/// Samples of eight numbers, and classes that depend on them.
pub(crate) fn samples(count: usize, seed: u64) -> (Vec<[f32; 8]>, Vec<i64>) {
    let mut generator = glulam::rng::Generator::seed_from(seed);
    let inputs: Vec<[f32; 8]> =
        (0..count).map(|_| std::array::from_fn(|_| generator.uniform(-1.0, 1.0) as f32)).collect();
    let class = |x: &[f32; 8]| i64::from(x[0] + x[1] > 0.3) + i64::from(x[2] > 0.0);
    let targets = inputs.iter().map(class).collect();
    (inputs, targets)
}

/// The same samples as a dataset.
pub(crate) fn dataset(count: usize, seed: u64) -> TensorDataset<f32, i64> {
    let (inputs, targets) = samples(count, seed);
    TensorDataset::from_flat(inputs.into_flattened(), &[8], targets, &[]).expect("as many inputs as targets")
}

/// Every bit that a trainer's network consists of.
pub(crate) fn bits<R: Trainer<f32>>(trainer: &R) -> Vec<u64> {
    let weights = trainer.parts().model.weights();
    let numbers = weights.parameters.iter().chain(weights.buffers.iter()).map(|x| u64::from(x.to_bits()));
    numbers.chain(weights.counters.iter().copied()).chain([weights.seed, weights.draws]).collect()
}

/// The batches of `inputs` and `targets`; the last one is smaller.
pub(crate) fn batches(
    (inputs, targets): &(Vec<[f32; 8]>, Vec<i64>),
    size: usize,
) -> impl Iterator<Item = (&[[f32; 8]], &[i64])> + Clone {
    inputs.chunks(size).zip(targets.chunks(size))
}

/// Trains on all batches, `epochs` times.
pub(crate) fn train_on<R>(trainer: &mut R, data: &(Vec<[f32; 8]>, Vec<i64>), epochs: usize) -> Vec<f32>
where
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 8]>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: glulam::train::Metrics<f32, i64>,
{
    let mut losses = Vec::new();
    for _ in 0..epochs {
        for (inputs, targets) in batches(data, 20) {
            let out: StepOutput<f32, R::Metrics> = trainer.step((inputs, targets)).expect("the data fits");
            losses.push(out.loss);
        }
    }
    losses
}
