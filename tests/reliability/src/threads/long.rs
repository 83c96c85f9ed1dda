//! Many steps: neither memory nor the time of a step may grow.

use std::time::{Duration, Instant};

use glulam::data::{DataLoader, TensorDataset};
use glulam::parallel::shares_taken_by_helpers;
use glulam::prelude::*;
use glulam::train::{Every, Fit, Progress, Resumed};

use super::{Net, WithNet, batch};
use crate::memory::resident;
use crate::{fault, output};

network! { Tiny < Linear(4, 16) -> Tanh -> Linear(16, 3) > }
train! { WithTiny for Tiny { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-3), metrics: [Accuracy] } }

pub fn many(steps: usize) {
    let mut trainer = WithTiny::new(Tiny::seeded(1));
    let x: Vec<[f32; 4]> = (0..16).map(|i| [i as f32 / 8.0 - 1.0, 0.5, -0.25, (i % 3) as f32]).collect();
    let y: Vec<i64> = (0..16).map(|i| i % 3).collect();
    let helped = shares_taken_by_helpers();
    let mut tenth = || {
        let begin = Instant::now();
        for _ in 0..steps / 10 {
            trainer.step((&x, &y)).expect("a step");
        }
        (begin.elapsed().as_secs_f64() * 1e7 / steps as f64, resident())
    };
    let (times, memory): (Vec<_>, Vec<_>) = (0..10).map(|_| tenth()).unzip();
    println!("{steps} steps: {times:.1?} µs each, by tenths; {memory:?} KiB are resident");
    if shares_taken_by_helpers() == helped {
        fault("many steps: no other thread has helped");
    }
    if memory[9] > memory[1] + 1024 {
        fault(format!("many steps: memory grows: {memory:?} KiB"));
    }
    // The fastest tenths, which no other program has slowed down.
    let fastest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    if fastest(&times[5..]) > 4.0 * fastest(&times[..5]) {
        fault(format!("many steps: they become slower: {times:.1?} µs"));
    }
}

/// Runs with validation, checkpoints and a resume, one after the other.
pub fn soak(seconds: u64) {
    let (x, y): (Vec<_>, Vec<_>) = (0..40).map(batch).unzip();
    let data = TensorDataset::from_flat(x.concat().concat(), &[20], y.concat(), &[]).expect("1280 samples");
    let loader = DataLoader::builder(data.clone()).batch_size(32).shuffle(true).seed(1).prefetch(2);
    let loader = loader.build().expect("a loader");
    let path = output("soak").join("soak.ckpt");
    let mut trainer = WithNet::new(Net::seeded(1));
    let (begin, length) = (Instant::now(), Duration::from_secs(seconds));
    let (mut runs, mut memory) = (0, Vec::new());
    while begin.elapsed() < length {
        let fit = Fit::epochs(3).checkpoint(&path, Every::Epoch).progress(Progress::Silent);
        trainer.fit(&loader, &data, fit).expect("it fits");
        let resumed = WithNet::new(Net::seeded(2)).resume(&path).expect("it can be read");
        assert!(matches!(resumed, Resumed::At { .. }), "it was written");
        runs += 1;
        if begin.elapsed() >= length * memory.len() as u32 / 20 {
            memory.push(resident());
        }
    }
    println!("{runs} runs in {seconds} s; {memory:?} KiB are resident");
    if let [_, _, early, .., last] = memory[..]
        && last > early + 2048
    {
        fault(format!("memory grows: {memory:?} KiB"));
    }
}
