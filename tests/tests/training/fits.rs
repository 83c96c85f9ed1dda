//! Whole runs: epochs, validation, schedules, callbacks, checkpoints.

use glulam::data::DataLoader;
use glulam::prelude::*;
use glulam::train::{
    BestCheckpoint, Callback, CsvLog, EarlyStopping, EpochRecord, Every, Fit, History, Progress, Resumed, Running,
    StepRecord, TrainError, evaluate,
};

use crate::{Deep, Mlp, bits, dataset, samples};

train! { Plain for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9), metrics: [Accuracy] } }
train! {
    Everything for Deep {
        loss: CrossEntropyLoss,
        optimizer: AdamW(lr = 0.01),
        scheduler: WarmupCosineLR(warmup_steps = 3) per step,
        accumulate: 2,
        ema: 0.9,
        metrics: [Accuracy, TopK(k = 2)],
    }
}
train! { ByEpoch for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 1.0), scheduler: ExponentialLR(gamma = 0.5) } }
train! {
    OnPlateau for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 1e-9),
        scheduler: ReduceLROnPlateau(patience = 1, factor = 0.5, eps = 0.0) on val_loss,
    }
}
train! { Summed for Mlp { loss: CrossEntropyLoss(reduction = Reduction::Sum), optimizer: SGD(lr = 1e-3) } }

train! { ScheduleFree for Mlp { loss: CrossEntropyLoss, optimizer: AdamWScheduleFree(lr = 0.05), metrics: [Accuracy] } }

fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::epochs(epochs).progress(Progress::Silent)
}

/// What does not depend on the clock.
fn numbers(history: &History) -> Vec<EpochRecord> {
    let timeless = |epoch: &EpochRecord| EpochRecord { seconds: 0.0, samples_per_second: 0.0, ..epoch.clone() };
    history.epochs.iter().map(timeless).collect()
}

#[test]
fn a_run_learns_and_says_what_it_has_reached() {
    let (train, test) = (dataset(400, 1), dataset(100, 2));
    let mut trainer = Plain::builder(Mlp::seeded(1)).batch_size(32).build().expect("valid");
    let history = trainer.fit(&train, &test, quiet(8)).expect("the data fits");
    assert_eq!(history.epochs.len(), 8);
    let (first, last) = (&history.epochs[0], history.last().expect("eight epochs"));
    assert_eq!((first.epoch, first.steps, last.epoch, last.steps), (1, 13, 8, 104));
    assert!(last.train_loss < first.train_loss && last.val_loss < first.val_loss, "{history:?}");
    assert!(last.get("val_accuracy") > Some(0.8), "{last:?}");
    assert_eq!(history.column("val_loss").len(), 8);
    let evaluation = trainer.evaluate(&test).expect("the data fits");
    assert_eq!((Some(evaluation.loss), evaluation.samples), (last.val_loss, 100));
    assert_eq!(evaluation.metrics, last.val_metrics);
}

#[test]
fn a_schedule_free_run_is_validated_with_its_averages() {
    let (train, test) = (dataset(200, 1), dataset(100, 2));
    let trainer = || ScheduleFree::builder(Mlp::seeded(1)).batch_size(32).build().expect("valid");
    let (mut validated, mut alone) = (trainer(), trainer());
    let history = validated.fit(&train, &test, quiet(3)).expect("the data fits");
    alone.fit(&train, (), quiet(3)).expect("the data fits");
    assert_eq!(bits(&validated), bits(&alone), "validation leaves no trace");

    alone.optimizer.eval(&mut alone.model.weights_mut().parameters);
    let last = history.last().expect("three epochs");
    assert_eq!(Some(alone.evaluate(&test).expect("the data fits").loss), last.val_loss);
}

#[test]
fn a_dataset_is_trained_like_its_loader() {
    let fit = |by_loader: bool| {
        let mut trainer = Plain::builder(Mlp::seeded(1)).batch_size(32).seed(5).build().expect("valid");
        let loader = DataLoader::builder(dataset(100, 1)).batch_size(32).shuffle(true).seed(5).build().expect("valid");
        let history = match by_loader {
            true => trainer.fit(&loader, (), quiet(3)),
            false => trainer.fit(loader.dataset(), (), quiet(3)),
        };
        (numbers(&history.expect("the data fits")), bits(&trainer))
    };
    assert_eq!(fit(true), fit(false));
}

#[test]
fn the_loss_of_an_evaluation_does_not_depend_on_its_batches() {
    let (model, data) = (Mlp::seeded(1), dataset(103, 1));
    let weighted = CrossEntropyLoss { weight: LossWeights::new(&[1.0, 2.0, 5.0]), ..CrossEntropyLoss::DEFAULT };
    let summed = CrossEntropyLoss { reduction: Reduction::Sum, ..CrossEntropyLoss::DEFAULT };
    for loss in [CrossEntropyLoss::DEFAULT, weighted, summed] {
        let by =
            |size| evaluate::<f32, _, _, _, i64, _>(&model, &loss, &mut (), &data, size).expect("the data fits").loss;
        let whole = by(103);
        for size in [1, 10, 102] {
            assert!((by(size) - whole).abs() < 1e-5 * whole, "{size}: {} {whole}", by(size));
        }
    }
}

#[test]
fn an_evaluation_leaves_the_training_as_it_is() {
    let (inputs, targets) = samples(40, 1);
    let mut trainer = Plain::new(Mlp::seeded(1));
    trainer.step((&inputs, &targets)).expect("the data fits");
    let before = (bits(&trainer), trainer.metrics.clone());
    trainer.evaluate(&dataset(30, 2)).expect("the data fits");
    assert_eq!((bits(&trainer), trainer.metrics), before);
}

#[test]
fn a_schedule_by_epoch_is_stepped_by_the_run() {
    let mut trainer = ByEpoch::new(Mlp::seeded(1));
    let history = trainer.fit(&dataset(50, 1), (), quiet(4)).expect("the data fits");
    assert_eq!(history.column("lr"), [1.0, 0.5, 0.25, 0.125]);
}

#[test]
fn a_schedule_on_a_metric_sees_the_validation() {
    let mut trainer = OnPlateau::new(Mlp::seeded(1));
    let (train, test) = (dataset(50, 1), dataset(50, 2));
    let history = trainer.fit(&train, &test, quiet(5)).expect("the data fits");
    // Nothing moves, so nothing gets better after the first epoch.
    assert_eq!(history.column("lr"), [1e-9, 1e-9, 1e-9, 0.5e-9, 0.5e-9]);
    let error = OnPlateau::new(Mlp::seeded(1)).fit(&train, (), quiet(1)).expect_err("there is no validation");
    assert!(matches!(&error, TrainError::UnknownMetric { found, .. } if found == "val_loss"), "{error}");
}

#[test]
fn a_run_may_end_after_a_number_of_steps() {
    let mut trainer = Plain::builder(Mlp::seeded(1)).batch_size(10).build().expect("valid");
    let fit = Fit::steps(25).progress(Progress::Silent);
    let history = trainer.fit(&dataset(100, 1), &dataset(20, 2), fit).expect("the data fits");
    let steps: Vec<u64> = history.epochs.iter().map(|epoch| epoch.steps).collect();
    assert_eq!((steps, trainer.run.steps()), (vec![10, 20, 25], 25));
}

#[test]
fn a_second_run_begins_anew() {
    let mut trainer = Plain::builder(Mlp::seeded(1)).batch_size(25).build().expect("valid");
    let data = dataset(50, 1);
    trainer.fit(&data, (), quiet(2)).expect("the data fits");
    let history = trainer.fit(&data, (), quiet(3)).expect("the data fits");
    assert_eq!((history.epochs.len(), history.epochs[0].steps, trainer.run.steps()), (3, 2, 10));
}

/// Ends a run as a power failure does, as far as the files are concerned.
struct Fails {
    at: u64,
}

impl Callback for Fails {
    fn on_step(&mut self, step: &StepRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
        if step.steps >= self.at { Err(TrainError::Callback("the power has failed".into())) } else { Ok(()) }
    }
}

/// A run that fails at step `at`, with a checkpoint `every` so often, and is resumed: the same as one that does not fail.
fn check_resumed(at: u64, every: Every, by_loader: bool) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let test = dataset(40, 2);
    let run = |fails: Option<u64>| {
        let train = DataLoader::builder(dataset(115, 1)).batch_size(10).shuffle(true).seed(3).build().expect("valid");
        let mut trainer = Everything::builder(Deep::seeded(1)).batch_size(10).build().expect("valid");
        let resumed = trainer.resume(&path).expect("readable");
        let mut fails = Fails { at: fails.unwrap_or(u64::MAX) };
        let fit = quiet(4).checkpoint(&path, every).callback(&mut fails);
        let result = match by_loader {
            true => trainer.fit(&train, &test, fit),
            false => trainer.fit(train.dataset(), &test, fit),
        };
        (resumed, result, trainer)
    };
    let (_, whole, expected) = run(None);
    std::fs::remove_file(&path).expect("the whole run has written it");
    let (_, failed, _) = run(Some(at));
    assert!(failed.is_err(), "it has not failed");
    let written = path.exists();
    let (resumed, rest, found) = run(None);
    assert_eq!(resumed != Resumed::NoCheckpoint, written);
    assert_eq!(bits(&found), bits(&expected), "at {at}, {every:?}");
    assert_eq!(numbers(&rest.expect("it ends")), numbers(&whole.expect("it ends")), "at {at}, {every:?}");
    assert_eq!(found.averaged.module().weights(), expected.averaged.module().weights());
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    for at in [1, 6, 7, 22] {
        check_resumed(at, Every::Epoch, true);
        check_resumed(at, Every::Steps(3), true);
        check_resumed(at, Every::Steps(4), false);
    }
}

#[test]
fn a_run_that_is_over_stays_over_when_it_is_resumed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = dataset(50, 1);
    let mut first = Plain::new(Mlp::seeded(1));
    let history = first.fit(&data, (), quiet(3).checkpoint(&path, Every::Epoch)).expect("the data fits");
    let mut second = Plain::new(Mlp::seeded(1));
    let _ = second.resume(&path).expect("readable");
    assert_eq!(second.fit(&data, (), quiet(3)).expect("the data fits"), history);
    assert_eq!(bits(&second), bits(&first));
}

#[test]
fn early_stopping_ends_a_run_that_gets_no_better() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let (train, test) = (dataset(50, 1), dataset(50, 2));
    let mut early = EarlyStopping::new("val_loss", 2).min_delta(0.01);
    let mut trainer = OnPlateau::new(Mlp::seeded(1));
    let fit = quiet(10).callback(&mut early).checkpoint(&path, Every::Epoch);
    let history = trainer.fit(&train, &test, fit).expect("the data fits");
    assert_eq!(history.epochs.len(), 3);
    assert_eq!(early.best(), history.epochs[0].val_loss);

    // It does not go on either.
    let mut trainer = OnPlateau::new(Mlp::seeded(1));
    let _ = trainer.resume(&path).expect("readable");
    let mut early = EarlyStopping::new("val_loss", 2);
    let history = trainer.fit(&train, &test, quiet(10).callback(&mut early)).expect("the data fits");
    assert_eq!(history.epochs.len(), 3);
}

#[test]
fn a_callback_that_watches_nothing_is_refused_at_the_beginning() {
    let mut early = EarlyStopping::new("val_acuracy", 2);
    let mut trainer = Plain::new(Mlp::seeded(1));
    let data = dataset(50, 1);
    let error = trainer.fit(&data, &data, quiet(1).callback(&mut early)).expect_err("there is no such number");
    let expected = "no number of an epoch is called \"val_acuracy\"; there are lr, train_loss, train_accuracy, val_loss, \
                    val_accuracy, seconds, samples_per_second";
    assert_eq!(error.to_string(), expected);
    assert_eq!(trainer.run.steps(), 0);
}

#[test]
fn the_best_weights_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("best.safetensors");
    let (train, test) = (dataset(200, 1), dataset(50, 2));
    let mut best = BestCheckpoint::new(&path, "val_accuracy");
    let mut trainer = Plain::new(Mlp::seeded(1));
    let history = trainer.fit(&train, &test, quiet(6).callback(&mut best)).expect("the data fits");
    let highest = history.column("val_accuracy").into_iter().fold(0.0, f64::max);
    assert_eq!(best.best(), Some(highest));
    let mut model = Mlp::seeded(9);
    model.load(&path).expect("a state dict");
    let mut accuracy = (Accuracy::DEFAULT,);
    evaluate(&model, &CrossEntropyLoss::DEFAULT, &mut accuracy, &test, 64).expect("the data fits");
    assert_eq!(accuracy.0.value(), highest);
}

#[test]
fn a_table_of_the_epochs_is_written_and_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let (table, path) = (directory.path().join("run.csv"), directory.path().join("run.ckpt"));
    let data = dataset(50, 1);
    let fit = |epochs| {
        let mut trainer = Plain::new(Mlp::seeded(1));
        let _ = trainer.resume(&path).expect("readable");
        let mut log = CsvLog::new(&table);
        let fit = quiet(epochs).callback(&mut log).checkpoint(&path, Every::Epoch);
        trainer.fit(&data, &data, fit).expect("the data fits")
    };
    fit(2);
    let history = fit(3);
    let text = std::fs::read_to_string(&table).expect("written");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0][..4], ["epoch", "steps", "lr", "train_loss"]);
    let column = lines[0].iter().position(|name| *name == "val_accuracy").expect("there is a metric");
    assert_eq!(lines.len(), 4);
    for (line, epoch) in lines[1..].iter().zip(&history.epochs) {
        assert_eq!(line[0], epoch.epoch.to_string());
        assert_eq!(line[column].parse::<f64>().ok(), epoch.get("val_accuracy"));
    }
}

#[test]
fn a_history_is_written_and_read() {
    let mut trainer = Plain::new(Mlp::seeded(1));
    let data = dataset(50, 1);
    let history = trainer.fit(&data, &data, quiet(2)).expect("the data fits");
    let text = serde_json::to_string(&history).expect("JSON");
    assert_eq!(serde_json::from_str::<History>(&text).expect("what was written can be read"), history);
}

#[test]
fn the_loss_of_an_epoch_is_the_sum_where_the_loss_is() {
    let data = dataset(50, 1);
    let mut trainer = Summed::builder(Mlp::seeded(1)).lr(0.0).build().expect("valid");
    let history = trainer.fit(&data, &data, quiet(1)).expect("the data fits");
    let epoch = history.last().expect("one epoch");
    assert!((epoch.train_loss - epoch.val_loss.expect("validated")).abs() < 1e-3, "{epoch:?}");
}
