//! Saving and resuming: a run that was interrupted ends with the same bits as one that was not.

use glulam::prelude::*;
use glulam::train::{Fit, MetricList, Metrics, Progress, Resumed, TrainError};

use crate::{Deep, Mlp, batches, bits, dataset, samples};

train! {
    /// With everything that has a state.
    Everything for Deep {
        loss: CrossEntropyLoss(label_smoothing = 0.1),
        optimizer: AdamW(lr = 0.01, weight_decay = 0.1) { no_decay: [bias, norm], "4" => (lr = 0.03) },
        scheduler: LinearLR(start_factor = 0.1, total_iters = 10) -> CosineAnnealingLR(T_max = 20) per step,
        clip_grad_norm: 1.0,
        accumulate: 3,
        ema: 0.9,
        metrics: [Accuracy],
    }
}
train! { Folded for Deep { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9), scheduler: StepLR(step_size = 20) per step } }
train! { WithoutSchedule for Deep { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9) } }
train! { WithAdam for Deep { loss: CrossEntropyLoss, optimizer: Adam } }
train! { OfAnother for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9) } }
train! { OneCycle for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), scheduler: OneCycleLR(max_lr = 0.1, cycle_momentum = false) per step } }

/// A hundred steps are fifty, a file, and fifty of another trainer.
fn check_interruption<R>(new: impl Fn() -> R)
where
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 8]>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = samples(90, 1);
    let stream = || batches(&data, 20).cycle();
    let mut whole = new();
    let losses: Vec<f32> = stream().take(100).map(|batch| whole.step(batch).expect("the data fits").loss).collect();

    let mut first = new();
    for batch in stream().take(50) {
        first.step(batch).expect("the data fits");
    }
    first.save_checkpoint(&path).expect("written");
    let mut second = new();
    let steps = first.parts().run.steps();
    assert_eq!(second.resume(&path).expect("read"), Resumed::At { epochs: 0, steps });
    let rest: Vec<f32> =
        stream().skip(50).take(50).map(|batch| second.step(batch).expect("the data fits").loss).collect();

    assert_eq!(rest, losses[50..], "{}", R::NAME);
    assert_eq!(bits(&second), bits(&whole), "{}", R::NAME);
    assert_eq!(second.parts().optimizer.state_dict(), whole.parts().optimizer.state_dict());
    assert_eq!(second.parts().metrics.by_name(), whole.parts().metrics.by_name());
    let average = |trainer: &R| trainer.parts().averaged.map(|averaged| averaged.module().weights().clone());
    assert_eq!(average(&second), average(&whole));
}

#[test]
fn a_hundred_steps_are_fifty_and_fifty() {
    check_interruption(|| Everything::new(Deep::seeded(1)));
    check_interruption(|| Folded::new(Deep::seeded(1)));
    check_interruption(|| Folded::builder(Deep::seeded(1)).fused(false).build().expect("valid"));
}

#[test]
fn no_checkpoint_is_said_to_be_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut trainer = Folded::new(Deep::seeded(1));
    let before = bits(&trainer);
    assert_eq!(trainer.resume(directory.path().join("none")).expect("nothing to read"), Resumed::NoCheckpoint);
    assert_eq!(bits(&trainer), before);
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    Folded::new(Deep::seeded(1)).save_checkpoint(&path).expect("written");
    let check = |found: Result<Resumed, TrainError>, message: &str| {
        assert_eq!(found.expect_err("it does not fit").to_string(), message);
    };
    check(
        WithAdam::new(Deep::seeded(1)).resume(&path),
        "the checkpoint does not fit: optimizer: found SGD, expected Adam",
    );
    check(
        OfAnother::new(Mlp::seeded(1)).resume(&path),
        "the checkpoint does not fit: network: found Deep, expected Mlp",
    );
    check(
        WithoutSchedule::new(Deep::seeded(1)).resume(&path),
        "the checkpoint does not fit: schedule: found one, expected none",
    );
    check(
        Folded::new(Deep::seeded(1).cast::<f64>()).resume(&path),
        "the checkpoint does not fit: numbers: found F32, expected F64",
    );
}

#[test]
fn a_damaged_checkpoint_is_refused_and_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    Folded::new(Deep::seeded(1)).save_checkpoint(&path).expect("written");
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let mut trainer = Folded::new(Deep::seeded(2));
    let before = bits(&trainer);
    let error = trainer.resume(&path).expect_err("it is damaged");
    assert!(matches!(error, TrainError::CheckpointFile(_)) && error.to_string().contains("run.ckpt"), "{error}");
    assert_eq!(bits(&trainer), before);
}

#[test]
fn a_schedule_that_waits_for_the_length_of_the_run_finds_it_in_the_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = samples(20, 1);
    let mut first = OneCycle::builder(Mlp::seeded(1)).total_steps(40).build().expect("valid");
    for batch in batches(&data, 10).cycle().take(10) {
        first.step(batch).expect("the data fits");
    }
    first.save_checkpoint(&path).expect("written");
    let mut second = OneCycle::new(Mlp::seeded(1));
    assert!(second.scheduler.state().is_none(), "it waits");
    let _ = second.resume(&path).expect("read");
    for batch in batches(&data, 10).cycle().take(10) {
        let (a, b) = (first.step(batch).expect("the data fits"), second.step(batch).expect("the data fits"));
        assert_eq!(a, b);
    }
}

#[test]
fn a_loop_of_ones_own_goes_on_in_the_middle_of_the_data() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let loader = || DataLoader::builder(dataset(90, 1)).batch_size(20).shuffle(true).seed(5).build().expect("valid");
    let mut whole = Folded::new(Deep::seeded(1));
    let data = loader();
    for _ in 0..3 {
        for batch in &data {
            whole.step(&batch).expect("the data fits");
        }
    }

    let mut first = Folded::new(Deep::seeded(1));
    let data = loader();
    for batch in data.into_iter().chain(&data).take(7) {
        first.step(&batch).expect("the data fits");
    }
    first.save_checkpoint_with(&path, &data).expect("written");

    let mut second = Folded::new(Deep::seeded(1));
    let data = loader();
    let _ = second.resume_with(&path, &data).expect("read");
    for _ in 1..3 {
        for batch in &data {
            second.step(&batch).expect("the data fits");
        }
    }
    assert_eq!(second.run.steps(), 15);
    assert_eq!(bits(&second), bits(&whole));
}

#[test]
fn a_run_that_has_ended_is_saved_with_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = dataset(90, 1);
    let fit = |epochs| Fit::epochs(epochs).progress(Progress::Silent);
    let mut whole = Folded::new(Deep::seeded(1));
    let history = whole.fit(&data, (), fit(4)).expect("the data fits");

    let mut first = Folded::new(Deep::seeded(1));
    first.fit(&data, (), fit(2)).expect("the data fits");
    first.save_checkpoint(&path).expect("written");
    let mut second = Folded::new(Deep::seeded(1));
    assert_eq!(second.resume(&path).expect("read"), Resumed::At { epochs: 2, steps: 4 });
    let rest = second.fit(&data, (), fit(4)).expect("the data fits");
    assert_eq!(rest.column("train_loss"), history.column("train_loss"));
    assert_eq!(bits(&second), bits(&whole));
}
