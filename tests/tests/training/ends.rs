//! How runs end, and what is said of it: by a callback, by a panic, by an error; and which numbers are better.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use glulam::checkpoint::StateDictExt;
use glulam::data::{DataError, DataLoader, Dataset};
use glulam::prelude::*;
use glulam::train::{
    BestCheckpoint, Better, Callback, EarlyStopping, Every, Fit, History, Progress, Running, StepRecord, TrainError,
    evaluate,
};

use crate::{Mlp, bits, dataset};

train! { Plain for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9), metrics: [Accuracy, Perplexity] } }
train! {
    Unsaid for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 1e-9),
        metrics: [Accuracy],
        scheduler: ReduceLROnPlateau(patience = 0, factor = 0.5, eps = 0.0) on val_accuracy,
    }
}
train! {
    Higher for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 1e-9),
        metrics: [Accuracy],
        scheduler: ReduceLROnPlateau(mode = PlateauMode::Max, patience = 0, factor = 0.5, eps = 0.0) on val_accuracy,
    }
}
train! {
    Lower for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 1e-9),
        metrics: [Accuracy],
        scheduler: ReduceLROnPlateau(mode = PlateauMode::Min, patience = 0, factor = 0.5, eps = 0.0) on val_accuracy,
    }
}

fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::epochs(epochs).progress(Progress::Silent)
}

fn plain() -> Plain {
    Plain::builder(Mlp::seeded(1)).batch_size(20).build().expect("valid")
}

/// Samples, of which that number 25 cannot be read.
struct Broken {
    whole: glulam::data::TensorDataset<f32, i64>,
    panics: bool,
}

impl Dataset for Broken {
    type Input = f32;
    type Target = i64;

    fn len(&self) -> usize {
        self.whole.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.whole.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.whole.target_shape()
    }
    fn read(&self, index: usize, input: &mut [f32], target: &mut [i64]) -> Result<(), DataError> {
        assert!(index != 25 || !self.panics, "sample {index} is torn");
        if index == 25 {
            return Err(DataError::Other(Arc::new(std::io::Error::other("sample 25 is missing"))));
        }
        self.whole.read(index, input, target)
    }
}

fn broken(panics: bool) -> Broken {
    Broken { whole: dataset(50, 1), panics }
}

/// What `body` panics with.
fn panic_of<R>(body: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(body)).map(|_| ()).expect_err("it does not panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().copied().unwrap_or("a payload that is no text").to_owned(),
    }
}

#[test]
fn a_panic_of_a_dataset_is_its_own() {
    let torn = "sample 25 is torn";
    assert_eq!(panic_of(|| plain().fit(&broken(true), (), quiet(1))), torn);
    assert_eq!(panic_of(|| plain().fit(&dataset(50, 1), &broken(true), quiet(1))), torn);
    assert_eq!(panic_of(|| plain().evaluate(&broken(true))), torn);
    for prefetch in [0, 2] {
        let loader = DataLoader::builder(broken(true)).batch_size(10).prefetch(prefetch).build().expect("valid");
        assert_eq!(panic_of(|| plain().fit(&loader, (), quiet(1))), torn);
        assert_eq!(panic_of(|| loader.iter().count()), torn);
    }
    let mapped = dataset(50, 1).map(|_, target| assert_ne!(target[0], 1, "class one is unwanted"));
    assert!(panic_of(|| plain().fit(&mapped, (), quiet(1))).contains("class one is unwanted"));

    /// Panics with something that is no text.
    struct Number(i32);
    let mapped = dataset(50, 1).map(|_, _| std::panic::panic_any(Number(7)));
    let payload = catch_unwind(AssertUnwindSafe(|| plain().fit(&mapped, (), quiet(1)))).expect_err("it panics");
    assert_eq!(payload.downcast::<Number>().map(|number| number.0).ok(), Some(7));
}

#[test]
fn what_was_read_before_a_panic_is_trained() {
    // In their order: the second batch of twenty is torn.
    let mut steps = Steps(0);
    let loader = DataLoader::builder(broken(true)).batch_size(20).prefetch(2).build().expect("valid");
    panic_of(|| plain().fit(&loader, (), quiet(1).callback(&mut steps)));
    assert_eq!(steps.0, 1);
}

struct Steps(usize);

impl Callback for Steps {
    fn on_step(&mut self, _step: &StepRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
        self.0 += 1;
        Ok(())
    }
}

struct Panics;

impl Callback for Panics {
    fn on_step(&mut self, _step: &StepRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
        panic!("the callback has had enough")
    }
}

#[test]
fn a_panic_of_a_callback_and_an_error_of_a_dataset_are_their_own() {
    let enough = "the callback has had enough";
    assert_eq!(panic_of(|| plain().fit(&dataset(50, 1), (), quiet(1).callback(&mut Panics))), enough);
    let error = plain().fit(&broken(false), (), quiet(1)).expect_err("a sample is missing");
    assert!(matches!(error, TrainError::Data(DataError::Other(_))), "{error:?}");
    assert_eq!(error.to_string(), "sample 25 is missing");
}

/// Stops at the end of epoch 2.
struct Impatient;

impl Callback for Impatient {
    fn on_epoch(&mut self, epoch: &glulam::train::EpochRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        if epoch.epoch == 2 {
            run.stop();
        }
        Ok(())
    }
}

/// A run that `callback` ends after `ended` epochs says so when it is to be longer, and goes on when told to.
fn check_ended(callback: impl Fn() -> Box<dyn Callback>, name: &str, ended: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let (train, test) = (dataset(50, 1), dataset(50, 2));
    let run = |fit: Fit<'static>| -> (Plain, Result<History, TrainError>) {
        let mut trainer = Plain::builder(Mlp::seeded(1)).lr(0.0).batch_size(20).build().expect("valid");
        let _ = trainer.resume(&path).expect("readable");
        let history = trainer.fit(&train, &test, fit.callback(Box::leak(callback())));
        (trainer, history)
    };
    let first = run(quiet(6).checkpoint(&path, Every::Epoch)).1.expect("the data fits");
    assert_eq!(first.epochs.len(), ended);
    assert_eq!(run(quiet(6)).1.expect("it is over"), first);
    for longer in [quiet(7), Fit::steps(100).progress(Progress::Silent)] {
        let (trainer, result) = run(longer);
        let error = result.expect_err("it does not go on").to_string();
        let expected = format!(
            "the run was ended by {name} after epoch {ended}, and does not go on for being given another length: say \
             `.go_on()` on its `Fit` to train on from there"
        );
        assert_eq!((error, trainer.run.steps()), (expected, 3 * ended as u64));
    }
    let (trainer, history) = run(quiet(ended + 1).go_on());
    assert_eq!((history.expect("it goes on").epochs.len(), trainer.run.steps()), (ended + 1, 3 * (ended as u64 + 1)));
}

#[test]
fn a_run_that_a_callback_has_ended_says_so_when_it_is_to_be_longer() {
    check_ended(|| Box::new(EarlyStopping::new("val_loss", 2)), "EarlyStopping", 3);
    check_ended(|| Box::new(Impatient), "Impatient", 2);
}

#[test]
fn early_stopping_has_its_patience_again_when_a_run_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = dataset(50, 1);
    for (fit, epochs) in [(quiet(10).checkpoint(&path, Every::Epoch), 3), (quiet(10).go_on(), 5)] {
        let mut trainer = Plain::builder(Mlp::seeded(1)).lr(0.0).build().expect("valid");
        let _ = trainer.resume(&path).expect("readable");
        let early = Box::leak(Box::new(EarlyStopping::new("val_loss", 2)));
        let history = trainer.fit(&data, &data, fit.callback(early)).expect("the data fits");
        assert_eq!(history.epochs.len(), epochs);
    }
}

/// `BestCheckpoint` keeps the `best` of the epochs' numbers, and the weights that have it.
fn check_best(monitor: &str, said: Option<Better>, best: fn(f64, f64) -> f64) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("best.safetensors");
    let (train, test) = (dataset(200, 1), dataset(50, 2));
    let mut keeps = BestCheckpoint::new(&path, monitor);
    if let Some(said) = said {
        keeps = keeps.better(said);
    }
    let history = plain().fit(&train, &test, quiet(6).callback(&mut keeps)).expect("the data fits");
    let numbers = history.column(monitor);
    assert!(numbers.iter().any(|&number| number != numbers[0]), "the epochs differ");
    let expected = numbers.into_iter().reduce(best).expect("six epochs");
    assert_eq!(keeps.best(), Some(expected), "{monitor}");
    let mut model = Mlp::seeded(9);
    model.load(&path).expect("a state dict");
    let mut metrics = (Accuracy::DEFAULT, Perplexity::DEFAULT);
    let found = evaluate::<f32, _, _, _, i64, _>(&model, &CrossEntropyLoss::DEFAULT, &mut metrics, &test, 64);
    let found = found.expect("the data fits");
    let found = if monitor == "val_loss" { found.loss } else { found.metrics[&monitor["val_".len()..]] };
    assert!((found - expected).abs() < 1e-6, "{monitor}: {found} {expected}");
}

#[test]
fn a_number_knows_which_of_its_values_are_better() {
    check_best("val_accuracy", None, f64::max);
    check_best("val_perplexity", None, f64::min);
    check_best("val_loss", None, f64::min);
    // What is said counts for more.
    check_best("val_accuracy", Some(Better::Lower), f64::min);
}

#[test]
fn early_stopping_goes_on_while_an_accuracy_rises() {
    let (train, test) = (dataset(400, 1), dataset(100, 2));
    let history = plain().fit(&train, &test, quiet(8)).expect("the data fits");
    let accuracies = history.column("val_accuracy");
    // The first epoch that is no better than the best before it ends the run.
    let no_better = |at: &usize| accuracies[..*at].iter().any(|&before| before >= accuracies[*at]);
    let end = (1..8).find(no_better).map_or(8, |at| at + 1);
    assert!(end > 2, "the accuracy rises at first: {accuracies:?}");
    let mut early = EarlyStopping::new("val_accuracy", 1);
    let stopped = plain().fit(&train, &test, quiet(8).callback(&mut early)).expect("the data fits");
    assert_eq!(stopped.epochs.len(), end);
    assert_eq!(early.best(), accuracies[..end].iter().copied().reduce(f64::max));
}

#[test]
fn a_number_that_does_not_say_which_values_are_better_has_to_be_told() {
    let data = dataset(50, 1);
    let expected = "which values of \"seconds\" are better? say `.better(Better::Lower)` or `.better(Better::Higher)` on \
                    what watches it";
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("best.safetensors");
    let refused = |callback: &mut dyn Callback| {
        let mut trainer = plain();
        let before = bits(&trainer);
        let error = trainer.fit(&data, &data, quiet(1).callback(callback)).expect_err("nobody knows");
        assert_eq!((error.to_string(), bits(&trainer)), (expected.to_owned(), before));
    };
    refused(&mut EarlyStopping::new("seconds", 2));
    refused(&mut BestCheckpoint::new(&path, "seconds"));
    let mut told = EarlyStopping::new("seconds", 2).better(Better::Lower);
    plain().fit(&data, &data, quiet(1).callback(&mut told)).expect("it is said");
}

#[test]
fn a_schedule_on_a_metric_has_to_be_told_that_more_is_better() {
    let data = dataset(50, 1);
    let mut unsaid = Unsaid::new(Mlp::seeded(1));
    let error = unsaid.fit(&data, &data, quiet(4)).expect_err("PyTorch's default is `min`");
    let expected = "ReduceLROnPlateau takes smaller values of \"val_accuracy\" for better, as `mode` is not given, but \
                    larger ones are: write `ReduceLROnPlateau(mode = PlateauMode::Max) on val_accuracy`";
    assert_eq!((error.to_string(), unsaid.run.steps()), (expected.to_owned(), 0));
    // Nothing moves, so no epoch is better than the first; and what is written counts.
    let rates = [1e-9, 1e-9, 0.5e-9, 0.25e-9];
    let mut higher = Higher::new(Mlp::seeded(1));
    assert_eq!(higher.fit(&data, &data, quiet(4)).expect("it is said").column("lr"), rates);
    let mut lower = Lower::new(Mlp::seeded(1));
    assert_eq!(lower.fit(&data, &data, quiet(4)).expect("it is said").column("lr"), rates);
}
