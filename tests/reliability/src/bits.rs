//! The same bits with any number of threads, whether work is shared out as it pays or as far as it can be, while other
//! programs come and go: hashes of losses, norms, predictions and weights of many networks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use glulam::data::{DataLoader, TensorDataset};
use glulam::network::Sample;
use glulam::parallel::{set_min_work, set_num_threads};
use glulam::prelude::*;
use glulam::train::{Fit, Metrics, Progress};

use crate::fault;

network! { Tiny < Linear(4, 16) -> Tanh -> Linear(16, 16) -> Tanh -> Linear(16, 3) > }
network! { Seed < Linear(784, 64) -> ReLU -> Linear(64, 10) > }
network! { Normed <
    Linear(40, 96) -> BatchNorm1d(96) -> ReLU -> Linear(96, 50) -> BatchNorm1d(50) -> GELU -> Linear(50, 7)
> }
network! { Dropped < Linear(100, 200) -> ReLU -> Dropout(0.3) -> Linear(200, 60) -> RReLU -> Dropout(0.1) -> Linear(60, 5) > }
network! { Channels: [3, 7] < Linear(7, 60) -> BatchNorm1d(3) -> LayerNorm(60) -> Mish -> Flatten -> Linear(_, 5) > }
network! { Wide <
    Linear(300, 500) -> SiLU
    -> Residual(LayerNorm(500) -> Linear(500, 250) -> GELU -> Linear(250, 500)) -> Linear(500, 11)
> }

train! { WithTiny for Tiny { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-3), metrics: [Accuracy] } }
train! { WithSeed for Seed { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9), metrics: [Accuracy] } }
train! { WithNormed for Normed {
    loss: CrossEntropyLoss, optimizer: AdamW(lr = 1e-3), clip_grad_norm: 1.0, metrics: [Accuracy],
} }
train! { WithDropped for Dropped {
    loss: CrossEntropyLoss, optimizer: RMSprop(lr = 1e-4), accumulate: 3, ema: 0.99, metrics: [Accuracy],
} }
train! { WithChannels for Channels {
    loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-3), scheduler: CosineAnnealingLR(T_max = 100) per step,
} }
train! { WithWide for Wide {
    loss: CrossEntropyLoss(label_smoothing = 0.1), optimizer: SGD(lr = 0.01), clip_grad_norm: 0.5,
} }

const THREADS: [usize; 6] = [1, 2, 3, 4, 7, 16];

/// In the second half of the rounds work is shared out as far as it can be.
pub fn run(rounds: usize, steps: usize) {
    set_num_threads(1);
    let alone = hashes(steps);
    let busy = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| load(&busy));
        for round in 0..rounds {
            let forced = round >= rounds / 2;
            if forced {
                set_min_work(0);
            }
            for threads in THREADS {
                set_num_threads(threads);
                for ((name, hash), (_, expected)) in hashes(steps).iter().zip(&alone) {
                    if hash != expected {
                        fault(format!(
                            "{name}, {threads} threads, sharing forced: {forced}: {hash:016x}, alone {expected:016x}"
                        ));
                    }
                }
            }
        }
        busy.store(false, Ordering::Relaxed);
    });
    println!("{} networks, {} runs of {steps} steps each", alone.len(), rounds * THREADS.len());
}

/// Something else that wants a processor, now and then.
fn load(busy: &AtomicBool) {
    while busy.load(Ordering::Relaxed) {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn hashes(steps: usize) -> Vec<(&'static str, u64)> {
    let odd = [64, 1, 33, 7, 64, 63, 2, 17, 5, 48];
    // A batch norm needs two samples.
    let two = odd.map(|rows| rows.max(2));
    let single: fn(f64) -> f32 = |x| x as f32;
    let double: fn(f64) -> f64 = |x| x;
    let seed = || WithSeed::builder(Seed::seeded(1)).capacity(64);
    let normed = WithNormed::builder(Normed::seeded(1)).capacity(64);
    let dropped = WithDropped::builder(Dropped::seeded(1)).capacity(64);
    let channels = WithChannels::builder(Channels::seeded(1)).capacity(64);
    let seed64 = WithSeed::<f64>::builder(Seed::seeded(1).cast()).capacity(64);
    let normed64 = WithNormed::<f64>::builder(Normed::seeded(1).cast()).capacity(64);
    let dropped64 = WithDropped::<f64>::builder(Dropped::seeded(1).cast());
    vec![
        ("tiny", train(WithTiny::new(Tiny::seeded(1)), steps, &[16], single)),
        ("seed", train(WithSeed::new(Seed::seeded(1)), steps, &[64], single)),
        ("seed, odd batches", train(seed().build().expect("valid"), steps, &odd, single)),
        ("seed, unfused", train(seed().fused(false).build().expect("valid"), steps, &[64, 61], single)),
        ("batch norm", train(normed.build().expect("valid"), steps, &two, single)),
        ("dropout", train(dropped.build().expect("valid"), steps, &odd, single)),
        ("channels", train(channels.build().expect("valid"), steps, &two, single)),
        ("wide", train(WithWide::new(Wide::seeded(1)), steps, &[32], single)),
        ("tiny, f64", train(WithTiny::<f64>::new(Tiny::seeded(1).cast()), steps, &[16], double)),
        ("seed, f64", train(seed64.build().expect("valid"), steps, &odd, double)),
        ("batch norm, f64", train(normed64.build().expect("valid"), steps, &two, double)),
        ("dropout, f64", train(dropped64.build().expect("valid"), steps, &[31], double)),
        ("fit", fit(steps)),
    ]
}

#[derive(Default)]
struct Hash(u64);

impl Hash {
    fn add(&mut self, bits: u64) {
        self.0 = (self.0 ^ bits).wrapping_mul(0x1000_0000_01B3).rotate_left(17);
    }
}

fn train<T: Real, R: Trainer<T>>(mut trainer: R, steps: usize, batches: &[usize], number: fn(f64) -> T) -> u64
where
    R::Model: Network<T, InputScalar = T>,
    R::Loss: Loss<T, i64>,
    R::Metrics: Metrics<T, i64>,
{
    let len = <R::Model as Network<T>>::Input::LEN;
    let classes = <R::Model as Network<T>>::OUTPUT_SHAPE[0] as i64;
    let (mut hash, mut state) = (Hash::default(), 7u32);
    for step in 0..steps {
        let rows = batches[step % batches.len()];
        let random = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            number(f64::from(state >> 8) / 8_388_608.0 - 1.0)
        };
        let flat: Vec<T> = (0..rows * len).map(random).collect();
        let inputs = <R::Model as Network<T>>::Input::from_flat(&flat);
        let targets: Vec<i64> = (0..rows as i64).map(|i| (i * 7 + step as i64 * 3) % classes).collect();
        let done = trainer.step((inputs, &targets[..])).expect("a step");
        hash.add(done.loss.to_f64().to_bits());
        hash.add(done.grad_norm.map_or(0, f64::to_bits));
        if step % 50 == 49 {
            let outputs = trainer.eval_model().predict(inputs);
            let outputs = <R::Model as Network<T>>::Output::to_flat(&outputs);
            outputs.iter().for_each(|x| hash.add(x.to_f64().to_bits()));
        }
    }
    let weights = trainer.parts().model.weights();
    weights.parameters.iter().chain(weights.buffers.iter()).for_each(|x| hash.add(x.to_f64().to_bits()));
    hash.0
}

/// Through `fit`: a loader that reads ahead, a short last batch, validation.
fn fit(steps: usize) -> u64 {
    let count = 64 * 12 + 37;
    let inputs: Vec<f32> = (0..count * 784).map(|i| ((i * 31 + i / 784) % 97) as f32 / 97.0).collect();
    let targets: Vec<i64> = (0..count as i64).map(|i| i * 13 % 10).collect();
    let data = TensorDataset::from_flat(inputs, &[28, 28], targets, &[]).expect("as many inputs as targets");
    let loader = DataLoader::builder(data.clone()).batch_size(64).shuffle(true).seed(3).prefetch(3);
    let loader = loader.build().expect("a loader");
    let mut trainer = WithSeed::builder(Seed::seeded(5)).build().expect("valid");
    let history = trainer.fit(&loader, &data, Fit::steps(steps as u64).progress(Progress::Silent)).expect("it fits");
    let mut hash = Hash::default();
    for epoch in &history.epochs {
        hash.add(epoch.train_loss.to_bits());
        hash.add(epoch.val_loss.map_or(0, f64::to_bits));
    }
    trainer.parts().model.weights().parameters.iter().for_each(|x| hash.add(u64::from(x.to_bits())));
    hash.0
}
