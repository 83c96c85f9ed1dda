//! Runs that go on, and runs that follow one another: lengths, orders of the data, ends, files.

use std::path::Path;

use glulam::data::{DataLoader, TensorDataset};
use glulam::prelude::*;
use glulam::train::{BestCheckpoint, Callback, CsvLog, Every, Fit, Progress, Resumed, Running, StepRecord, TrainError};

use crate::{Mlp, bits, dataset, samples};

train! { Plain for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9), metrics: [Accuracy] } }
train! { Cosine for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), scheduler: WarmupCosineLR(warmup_steps = 3) per step } }
train! { CosineByEpoch for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), scheduler: WarmupCosineLR } }
train! { OneCycle for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9), scheduler: OneCycleLR(max_lr = 0.1) per step } }

fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::epochs(epochs).progress(Progress::Silent)
}

/// Writes down the rates of a run.
#[derive(Default)]
struct Rates(Vec<f64>);

impl Callback for Rates {
    fn on_step(&mut self, step: &StepRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
        self.0.push(step.lr);
        Ok(())
    }
}

/// The rates of a run of `epochs` epochs of 4 steps.
fn rates<R>(trainer: &mut R, epochs: usize) -> Vec<f64>
where
    R: Trainer<f32, Model = Mlp>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: glulam::train::Metrics<f32, i64>,
{
    let mut rates = Rates::default();
    trainer.fit(&dataset(40, 1), (), quiet(epochs).callback(&mut rates)).expect("the data fits");
    rates.0
}

/// A run that was resumed with another length has the rates of that length from there on.
fn check_longer<R>(new: impl Fn() -> R)
where
    R: Trainer<f32, Model = Mlp>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: glulam::train::Metrics<f32, i64>,
{
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let mut first = new();
    let short = rates(&mut first, 2);
    first.save_checkpoint(&path).expect("written");
    for epochs in [2, 3, 5] {
        let whole = rates(&mut new(), epochs);
        let mut second = new();
        let _ = second.resume(&path).expect("readable");
        assert_eq!(rates(&mut second, epochs), whole[8..], "{}, {epochs} epochs", R::NAME);
        assert!(epochs == 2 || whole[..8] != short[..], "{}: the length matters", R::NAME);
    }
}

#[test]
fn a_longer_run_has_the_rates_of_its_length() {
    check_longer(|| Cosine::builder(Mlp::seeded(1)).batch_size(10).build().expect("valid"));
    check_longer(|| CosineByEpoch::builder(Mlp::seeded(1)).batch_size(10).build().expect("valid"));
    check_longer(|| OneCycle::builder(Mlp::seeded(1)).batch_size(10).build().expect("valid"));
}

#[test]
fn a_second_run_has_a_schedule_of_its_own() {
    let mut trainer = Cosine::builder(Mlp::seeded(1)).batch_size(10).build().expect("valid");
    let first = rates(&mut trainer, 2);
    assert_eq!(rates(&mut trainer, 2), first);
    let longer = rates(&mut Cosine::builder(Mlp::seeded(1)).batch_size(10).build().expect("valid"), 4);
    assert_eq!(rates(&mut trainer, 4), longer);

    // What the builder says stays, and the rate after its end is the last one.
    let mut told = Cosine::builder(Mlp::seeded(1)).batch_size(10).total_steps(8).build().expect("valid");
    assert_eq!(rates(&mut told, 2), first);
    assert!(rates(&mut told, 2).iter().all(|&lr| lr == 0.0));
}

#[test]
fn a_length_that_the_builder_says_counts_for_more_than_the_saved_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let (inputs, targets) = samples(10, 1);
    let new = |steps| Cosine::builder(Mlp::seeded(1)).total_steps(steps).build().expect("valid");
    let rates = |trainer: &mut Cosine, steps: usize| -> Vec<f64> {
        (0..steps).map(|_| trainer.step((&inputs, &targets)).expect("the data fits").lr).collect()
    };
    let whole = rates(&mut new(20), 20);
    let mut first = new(8);
    rates(&mut first, 8);
    first.save_checkpoint(&path).expect("written");
    let mut second = new(20);
    let _ = second.resume(&path).expect("readable");
    assert_eq!(rates(&mut second, 12), whole[8..]);
    let mut same = new(8);
    let _ = same.resume(&path).expect("readable");
    assert_eq!(rates(&mut same, 2), [0.0, 0.0]);
}

/// Samples whose one input is their number.
fn numbered(count: usize) -> TensorDataset<f32, i64> {
    TensorDataset::from_flat((0..count * 8).map(|i| (i / 8) as f32).collect(), &[8], vec![0; count], &[]).expect("flat")
}

/// The losses of a run are those of other batches if the order is another one.
fn losses(trainer: &mut Plain, steps: u64) -> Vec<f64> {
    struct Losses(Vec<f64>);
    impl Callback for Losses {
        fn on_step(&mut self, step: &StepRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
            self.0.push(step.loss);
            Ok(())
        }
    }
    let mut losses = Losses(Vec::new());
    let fit = Fit::steps(steps).progress(Progress::Silent).callback(&mut losses);
    trainer.fit(&numbered(40), (), fit).expect("the data fits");
    losses.0
}

#[test]
fn each_run_shuffles_a_dataset_anew() {
    // Nothing moves, so a loss belongs to a batch.
    let new = || Plain::builder(Mlp::seeded(1)).lr(0.0).batch_size(10).build().expect("valid");
    let whole = losses(&mut new(), 24);
    let mut trainer = new();
    let mut parts = losses(&mut trainer, 4);
    parts.extend(losses(&mut trainer, 8));
    assert_eq!(parts, whole[..12]);
    // An epoch that was left early is over for the next run.
    let part = losses(&mut trainer, 2);
    assert_eq!(part, whole[12..14]);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    trainer.step((&samples(10, 1).0, &samples(10, 1).1)).expect("a step of another kind ends the run");
    trainer.save_checkpoint(&path).expect("written");
    let mut second = new();
    let _ = second.resume(&path).expect("readable");
    assert_eq!(losses(&mut second, 8), whole[16..24]);
}

/// Stops the run after so many steps.
struct Stops(u64);

impl Callback for Stops {
    fn on_step(&mut self, step: &StepRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        if step.steps == self.0 {
            run.stop();
        }
        Ok(())
    }
}

#[test]
fn a_run_that_was_saved_at_its_last_step_is_validated_when_it_is_resumed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let kept = directory.path().join("kept.ckpt");
    /// Keeps the checkpoint of the last step: the next one is written after the validation.
    struct Keeps<'a>(&'a Path, &'a Path);
    impl Callback for Keeps<'_> {
        fn on_epoch(&mut self, _: &glulam::train::EpochRecord, _: &mut dyn Running) -> Result<(), TrainError> {
            std::fs::copy(self.0, self.1).map(|_| ()).map_err(|error| TrainError::Callback(error.into()))
        }
    }
    let (train, test) = (dataset(100, 1), dataset(20, 2));
    fn fit<'a>(steps: Option<u64>, epochs: usize) -> Fit<'a> {
        steps.map_or(Fit::epochs(epochs), Fit::steps).progress(Progress::Silent)
    }
    for (steps, epochs, stops) in [(Some(5), 0, 99), (None, 1, 99), (None, 3, 5)] {
        let new = || Plain::builder(Mlp::seeded(1)).batch_size(10).build().expect("valid");
        let mut first = new();
        let (mut stop, mut keep) = (Stops(stops), Keeps(&path, &kept));
        let run = fit(steps, epochs).callback(&mut stop).callback(&mut keep).checkpoint(&path, Every::Steps(5));
        let history = first.fit(&train, &test, run).expect("the data fits");
        let mut second = new();
        assert!(matches!(second.resume(&kept).expect("readable"), Resumed::At { epochs: 0, .. }));
        let (mut stop, mut keep) = (Stops(stops), Keeps(&path, &kept));
        let run = fit(steps, epochs).callback(&mut stop).callback(&mut keep).checkpoint(&path, Every::Steps(5));
        let found = second.fit(&train, &test, run).expect("the data fits");
        assert_eq!(found.epochs.len(), history.epochs.len());
        assert_eq!(found.column("val_loss"), history.column("val_loss"));
        assert_eq!(bits(&second), bits(&first));
    }
}

#[test]
fn a_run_that_could_not_begin_may_be_tried_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = dataset(50, 1);
    let mut whole = Plain::new(Mlp::seeded(1));
    let history = whole.fit(&data, (), quiet(4)).expect("the data fits");
    let mut first = Plain::new(Mlp::seeded(1));
    first.fit(&data, (), quiet(2)).expect("the data fits");
    first.save_checkpoint(&path).expect("written");
    let mut second = Plain::new(Mlp::seeded(1));
    let _ = second.resume(&path).expect("readable");
    let mut log = CsvLog::new(directory.path().join("none").join("run.csv"));
    second.fit(&data, (), quiet(4).callback(&mut log)).expect_err("there are no callbacks in the checkpoint");
    second.fit(&dataset(30, 1), (), quiet(4)).expect_err("these are other data");
    let rest = second.fit(&data, (), quiet(4)).expect("the data fits");
    assert_eq!(rest.column("train_loss"), history.column("train_loss"));
    assert_eq!(bits(&second), bits(&whole));
}

#[test]
fn a_loader_cannot_go_on_from_a_checkpoint_without_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let loader = DataLoader::builder(dataset(50, 1)).batch_size(10).build().expect("valid");
    let mut trainer = Plain::new(Mlp::seeded(1));
    trainer.save_checkpoint(&path).expect("written");
    let error = trainer.resume_with(&path, &loader).expect_err("there is no place");
    let expected = "the checkpoint does not fit: place in the data: found none, expected that of a loader, as \
                    `save_checkpoint_with` writes it";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_run_that_began_after_its_last_step_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = dataset(50, 1);
    Plain::new(Mlp::seeded(1)).fit(&data, (), quiet(1).checkpoint(&path, Every::Epoch)).expect("it trains");
    let mut file = glulam::checkpoint::Checkpoint::load(&path).expect("read");
    let steps = file.get::<serde_json::Value>("run").expect("a section")["steps"].as_u64().expect("a count");
    let mut place: serde_json::Value = file.get("place").expect("a section");
    place["steps_before"] = (steps + 1).into();
    file.put("place", &place).expect("a value");
    file.save(&path).expect("written");
    let mut trainer = Plain::new(Mlp::seeded(1));
    let before = bits(&trainer);
    let error = trainer.resume(&path).expect_err("the sections contradict each other").to_string();
    let expected = format!(
        "the checkpoint does not fit: number of steps before the run: found {}, expected at most {steps}, its steps in all",
        steps + 1
    );
    assert_eq!((error, bits(&trainer)), (expected, before));
}

#[test]
fn what_cannot_be_written_is_found_out_before_the_first_step() {
    let directory = tempfile::tempdir().expect("a directory");
    let nowhere = directory.path().join("none").join("file");
    let data = dataset(50, 1);
    let check = |fit: Fit<'_>, fits: fn(&TrainError) -> bool| {
        let mut trainer = Plain::new(Mlp::seeded(1));
        let error = trainer.fit(&data, &data, fit).expect_err("there is no such directory");
        assert!(fits(&error) && error.to_string().contains(&nowhere.display().to_string()), "{error:?}");
        assert_eq!(trainer.parts().model.weights().draws, 0, "nothing was trained");
    };
    check(quiet(1).checkpoint(&nowhere, Every::Epoch), |error| matches!(error, TrainError::CheckpointFile(_)));
    let mut best = BestCheckpoint::new(&nowhere, "val_loss");
    check(quiet(1).callback(&mut best), |error| matches!(error, TrainError::StateDict(_)));
    let mut log = CsvLog::new(&nowhere);
    check(quiet(1).callback(&mut log), |error| matches!(error, TrainError::Io { .. }));
}

#[test]
fn a_checkpoint_every_no_steps_is_refused() {
    let mut trainer = Plain::new(Mlp::seeded(1));
    let fit = quiet(1).checkpoint("run.ckpt", Every::Steps(0));
    let error = trainer.fit(&dataset(50, 1), (), fit).expect_err("no steps");
    assert_eq!(error.to_string(), "Every::Steps = 0, expected at least 1");
}
