//! Panics of the user's code: passed on, and nothing is stuck afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use glulam::data::{DataError, DataLoader, Dataset, TensorDataset};
use glulam::prelude::*;
use glulam::train::{Fit, Metrics, Progress};

use super::harm::{self, Place, Scale, panic_at, panic_no_more, throw_bombs};
use super::{Net, WithNet, batch, bits};
use crate::fault;

network! { Bare < Linear(20, 64) -> ReLU -> Scale::<64> => [64] -> Linear(64, 4) > }
train! { WithFragile for Net { loss: harm::Fragile, optimizer: Adam(lr = 1e-3) } }
train! { WithBare for Bare { loss: harm::Fragile, optimizer: Adam(lr = 1e-3) } }
train! { Accumulated for Bare { loss: harm::Fragile, optimizer: Adam(lr = 1e-3), clip_grad_norm: 1.0, accumulate: 2 } }

pub fn in_steps() {
    in_steps_of("batch norm and dropout", || WithFragile::new(Net::seeded(2)));
    in_steps_of("fused", || WithBare::new(Bare::seeded(2)));
    in_steps_of("clipped and accumulated", || Accumulated::new(Bare::seeded(2)));
}

/// A panic at each place and time, after which the same trainer takes more steps.
fn in_steps_of<R>(name: &str, new: impl Fn() -> R)
where
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 20]>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    for place in Place::ALL {
        let mut panics = 0;
        for calls in [1, 2, 5, 9, 20, 31] {
            let mut trainer = new();
            let mut step = |number| {
                let (x, y) = batch(number);
                trainer.step((&x, &y)).map(|_| ())
            };
            (0..4).for_each(|number| step(number).expect("a step"));
            panic_at(place, calls);
            panics += usize::from(catch_unwind(AssertUnwindSafe(|| step(9))).is_err());
            panic_no_more();
            for number in 10..16 {
                if let Err(error) = step(number) {
                    fault(format!("{name}: after a panic in {place:?}: {error}"));
                }
            }
            if bits(&trainer).iter().any(|&x| !f32::from_bits(x).is_finite()) {
                fault(format!("{name}: after a panic in {place:?} the weights are not finite"));
            }
        }
        if panics == 0 {
            fault(format!("{name}: no panic in {place:?} is passed on"));
        }
    }
}

/// Panics once, fails once, then works.
struct Broken {
    data: TensorDataset<f32, i64>,
    reads: AtomicUsize,
}

impl Dataset for Broken {
    type Input = f32;
    type Target = i64;

    fn len(&self) -> usize {
        self.data.len()
    }

    fn input_shape(&self) -> &[usize] {
        self.data.input_shape()
    }

    fn target_shape(&self) -> &[usize] {
        self.data.target_shape()
    }

    fn read(&self, index: usize, input: &mut [f32], target: &mut [i64]) -> Result<(), DataError> {
        match self.reads.fetch_add(1, Ordering::Relaxed) {
            200 => panic!("on purpose: a dataset"),
            520 => Err(DataError::other("the dataset fails")),
            _ => self.data.read(index, input, target),
        }
    }
}

pub fn in_datasets() {
    let (x, y): (Vec<_>, Vec<_>) = (0..4).map(batch).unzip();
    let data = TensorDataset::from_flat(x.concat().concat(), &[20], y.concat(), &[]).expect("128 samples");
    for prefetch in [0, 1, 3] {
        let broken = Broken { data: data.clone(), reads: AtomicUsize::new(0) };
        let loader = DataLoader::builder(broken).batch_size(8).shuffle(true).seed(1).prefetch(prefetch);
        let loader = loader.build().expect("a loader");
        let mut trainer = WithNet::builder(Net::seeded(1)).capacity(8).build().expect("valid");
        let mut fit = || {
            let fit = || trainer.fit(&loader, (), Fit::epochs(2).progress(Progress::Silent));
            match catch_unwind(AssertUnwindSafe(fit)) {
                Err(_) => "a panic".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Ok(Ok(history)) => format!("{} epochs", history.epochs.len()),
            }
        };
        let seen: [String; 4] = std::array::from_fn(|_| fit());
        if seen[0] != "a panic" || !seen.iter().any(|s| s == "the dataset fails") || seen[3] != "2 epochs" {
            fault(format!("a dataset that panics, then fails, prefetch {prefetch}: {seen:?}"));
        }
        // Epochs that nobody reads to the end.
        for _ in 0..300 {
            let batches = (&loader).into_iter().take(2);
            assert!(batches.map(|batch| batch.len).all(|len| len > 0));
        }
    }
}

pub fn that_panic_when_dropped() {
    throw_bombs();
    for number in 0..20 {
        let mut trainer = WithBare::new(Bare::seeded(2));
        let (x, y) = batch(number);
        match catch_unwind(AssertUnwindSafe(|| trainer.step((&x, &y)).map(|_| ()))) {
            Err(payload) => std::mem::forget(payload),
            Ok(_) => fault("a panic with a payload that panics is not passed on"),
        }
    }
    panic_no_more();
}
