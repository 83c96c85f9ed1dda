//! Whole runs with bad numbers in data and options.

use std::panic::{AssertUnwindSafe, catch_unwind};

use glulam::data::{DataLoader, TensorDataset};
use glulam::prelude::*;
use glulam::train::{Callback, Every, Fit, Metrics, Progress, Resumed, Running, StepRecord, TrainError};

use super::{Net, Plain, classes, inputs, is_finite, numbers};
use crate::{fault, output};

train! { Short for Net { loss: CrossEntropyLoss, optimizer: AdamW(lr = 1e-2), metrics: [Accuracy] } }
train! { Scheduled for Net {
    loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), scheduler: WarmupCosineLR(warmup_steps = 3) per step,
} }
train! { Huge for Plain { loss: MSELoss, optimizer: SGD(lr = 1e30) } }
train! { HugeOfClasses for Net { loss: CrossEntropyLoss, optimizer: SGD(lr = 1e30) } }

/// Returns the number of cases.
pub fn run() -> usize {
    nan_in_the_data();
    nan_in_the_validation();
    overflow_in_the_last_step();
    huge_rate("mean squared error", Huge::new(Plain::seeded(1)), |i| numbers(8, i));
    huge_rate("cross entropy", HugeOfClasses::new(Net::seeded(1)), |i| classes(8, i));
    4 + 1 + for_ever()
}

fn dataset(x: Flat) -> TensorDataset<f32, i64> {
    TensorDataset::from_flat(x, &[6], classes(64, 0), &[]).expect("64 samples")
}

type Flat = Vec<f32>;

fn clean() -> Flat {
    inputs(64, 3).concat()
}

/// A NaN in sample 40.
fn poisoned() -> Flat {
    let mut x = clean();
    x[40 * 6 + 1] = f32::NAN;
    x
}

/// The run ends with an error, and the checkpoint is that of the last good step.
fn nan_in_the_data() {
    let path = output("numbers").join("poisoned.ckpt");
    let mut trainer = Short::new(Net::seeded(1));
    let loader = DataLoader::builder(dataset(poisoned())).batch_size(8).build().expect("a loader");
    let fit = Fit::epochs(2).checkpoint(&path, Every::Steps(1)).progress(Progress::Silent);
    match trainer.fit(&loader, (), fit) {
        Ok(_) => fault("a run through data with a NaN succeeds"),
        Err(error) => println!("data with a NaN: {error}"),
    }
    let mut again = Short::new(Net::seeded(1));
    let resumed = again.resume(&path).expect("it can be read");
    assert!(matches!(resumed, Resumed::At { .. }), "it was written before the NaN came");
    if !is_finite(&again) || again.parts().model.state_dict() != trainer.parts().model.state_dict() {
        fault("data with a NaN: the checkpoint is not that of the last good step");
    }
}

/// Whatever comes of it, the checkpoint of such a run can be read.
fn nan_in_the_validation() {
    let path = output("numbers").join("validation.ckpt");
    let mut trainer = Short::new(Net::seeded(1));
    let loader = DataLoader::builder(dataset(clean())).batch_size(8).build().expect("a loader");
    let fit = Fit::epochs(3).checkpoint(&path, Every::Epoch).progress(Progress::Silent);
    match trainer.fit(&loader, &dataset(poisoned()), fit) {
        Ok(history) => println!("validation with a NaN: {:?}", history.epochs.last().map(|epoch| epoch.val_loss)),
        Err(error) => println!("validation with a NaN: {error}"),
    }
    if let Err(error) = Short::new(Net::seeded(1)).resume(&path) {
        fault(format!("validation with a NaN: the checkpoint cannot be read: {error}"));
    }
}

/// No loss comes after it that would show it.
fn overflow_in_the_last_step() {
    let mut trainer = Huge::builder(Plain::seeded(1)).lr(1e38).build().expect("valid");
    let y: Vec<f32> = numbers(64, 1).iter().map(|y| y * 1e4).collect();
    let data = TensorDataset::from_flat(clean(), &[6], y, &[4]).expect("64 samples");
    let loader = DataLoader::builder(data).batch_size(64).build().expect("a loader");
    let result = trainer.fit(&loader, (), Fit::epochs(1).progress(Progress::Silent));
    if result.is_ok() && !is_finite(&trainer) {
        fault("a run whose last step makes the weights infinite or NaN ends as a success");
    }
}

fn huge_rate<R, Y>(name: &str, mut trainer: R, targets: impl Fn(usize) -> Vec<Y>)
where
    Y: glulam::train::Target,
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 6]>,
    R::Loss: Loss<f32, Y>,
    R::Metrics: Metrics<f32, Y>,
{
    for i in 0..6 {
        let result = trainer.step((&inputs(8, i), &targets(i as usize))).map(|step| step.loss);
        if !is_finite(&trainer) {
            return fault(format!("a rate of 1e30, {name}, step {i}: {result:?}; the weights are not finite"));
        }
    }
}

/// Ends a run that has no end.
struct Stop;

impl Callback for Stop {
    fn on_step(&mut self, step: &StepRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        if step.steps > 20 {
            run.stop();
        }
        Ok(())
    }
}

/// How long a run shall be.
#[derive(Clone, Copy, Debug)]
enum Length {
    Epochs(usize),
    Steps(u64),
}

/// Lengths that overflow when anything is multiplied with them.
const LENGTHS: [Length; 3] = [Length::Epochs(usize::MAX), Length::Epochs(usize::MAX / 2), Length::Steps(u64::MAX)];

fn for_ever() -> usize {
    for length in LENGTHS {
        never_ends("with a schedule", Scheduled::builder(Net::seeded(1)).batch_size(8).build().expect("valid"), length);
        never_ends("without one", Short::builder(Net::seeded(1)).batch_size(8).build().expect("valid"), length);
    }
    2 * LENGTHS.len()
}

fn never_ends<R>(name: &str, mut trainer: R, length: Length)
where
    R: Trainer<f32, Model = Net>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let mut stop = Stop;
    let fit = match length {
        Length::Epochs(epochs) => Fit::epochs(epochs),
        Length::Steps(steps) => Fit::steps(steps),
    };
    let fit = fit.callback(&mut stop).progress(Progress::Silent);
    match catch_unwind(AssertUnwindSafe(|| trainer.fit(&dataset(clean()), (), fit).map(|_| ()))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => println!("{length:?} {name}: {error}"),
        Err(_) => fault(format!("{length:?} {name}: a panic")),
    }
}
