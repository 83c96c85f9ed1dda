//! Several trainers at once, panics in the middle of a step, loaders that fail, many steps, memory. What hangs is found by
//! a watch.

mod harm;
mod long;
mod panics;
mod together;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use glulam::parallel::{set_min_work, set_num_threads};
use glulam::prelude::*;

use crate::fault;
pub use long::soak;

network! { Net <
    Linear(20, 64) -> BatchNorm1d(64) -> ReLU -> Dropout(0.2)
    -> harm::Scale::<64> => [64] -> Linear(64, 30) -> Tanh -> Linear(30, 4)
> }
train! { WithNet for Net { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-3), metrics: [Accuracy] } }

pub fn run(steps: usize) {
    harm::hide_wanted_panics();
    set_num_threads(4);
    // Networks of this size would have one thread otherwise.
    set_min_work(0);
    watched("trainers at once", together::at_once);
    watched("trainers dropped during steps", together::dropped);
    for threads in [1, 4] {
        set_num_threads(threads);
        watched("panics in steps", panics::in_steps);
    }
    watched("panics and errors of datasets", panics::in_datasets);
    watched("many steps", move || long::many(steps));
    // Last, since it may leave the threads stuck.
    watched("panics that panic when dropped", panics::that_panic_when_dropped);
    watched("a step after that", || drop(trained(1, 3)));
}

/// Runs `body` on a thread of its own, and says if it does not end.
fn watched(name: &str, body: impl FnOnce() + Send + 'static) {
    let (send, receive) = mpsc::channel();
    let begin = Instant::now();
    std::thread::spawn(move || {
        body();
        let _ = send.send(());
    });
    match receive.recv_timeout(Duration::from_secs(600)) {
        Ok(()) => println!("{name}: {:.1?}", begin.elapsed()),
        Err(RecvTimeoutError::Timeout) => fault(format!("{name}: it hangs")),
        Err(RecvTimeoutError::Disconnected) => fault(format!("{name}: a panic")),
    }
}

fn batch(number: usize) -> (Vec<[f32; 20]>, Vec<i64>) {
    let mut state = number as u32 * 7919 + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let inputs = (0..32).map(|_| std::array::from_fn(|_| next())).collect();
    (inputs, (0..32).map(|row| ((row + number) % 4) as i64).collect())
}

fn bits<R: Trainer<f32>>(trainer: &R) -> Vec<u32> {
    let weights = trainer.parts().model.weights();
    weights.parameters.iter().chain(weights.buffers.iter()).map(|x| x.to_bits()).collect()
}

/// The weights after some steps.
fn trained(seed: u64, steps: usize) -> Vec<u32> {
    let mut trainer = WithNet::new(Net::seeded(seed));
    for (x, y) in (0..steps).map(batch) {
        trainer.step((&x, &y)).expect("a step");
    }
    bits(&trainer)
}
