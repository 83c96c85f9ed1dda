//! Numbers that are not finite: gradients beside a finite loss, and weights, before they replace good ones in a file.

use std::path::Path;

use glulam::data::TensorDataset;
use glulam::optim::StateValue;
use glulam::parallel::{set_min_work, set_num_threads};
use glulam::prelude::*;
use glulam::train::{
    BestCheckpoint, Callback, EpochRecord, Every, Fit, Metrics, Progress, Resumed, Running, StepRecord, TrainError,
};

use crate::{bits, samples};

// An infinite input saturates: the loss is finite, and the gradient of the weight ∞ · 0.
network! { pub Saturated < Linear(8, 16) -> Tanh -> Dropout(0.1) -> head: Linear(16, 3) > }
// More parameters than are gathered, and a weight that is handed over in several tiles.
network! { pub Wide < Linear(8, 300) -> Tanh -> Linear(300, 200) -> BatchNorm1d(200) -> Tanh -> head: Linear(200, 3) > }
// One unit, whose weights are made positive: it is infinite with its input.
network! { pub Rectified < Linear(8, 1) -> ReLU -> Linear(1, 4) -> Tanh -> head: Linear(4, 3) > }
network! { pub Normed < Linear(8, 4) -> BatchNorm1d(4) -> head: Linear(4, 3) > }
network! { pub Plain < Linear(8, 3) > }

train! { Folded for Saturated { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9), scheduler: StepLR(step_size = 1) per step, ema: 0.9 } }
train! { WithLion for Saturated { loss: CrossEntropyLoss, optimizer: Lion(lr = 1e-3) } }
train! { ByNorm for Saturated { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01), clip_grad_norm: 1.0, ema: 0.9 } }
train! { ByValue for Saturated { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01), clip_grad_value: 0.5, scheduler: StepLR(step_size = 1) per step } }
train! { Accumulated for Saturated { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01), accumulate: 2 } }
train! { Whole for Saturated { loss: CrossEntropyLoss, optimizer: LAMB(lr = 0.01) } }
train! { OfWide for Wide { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01) } }
train! { OfRectified for Rectified { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }
train! { FirstFrozen for Rectified { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), freeze: ["0"] } }
train! { HeadAlone for Rectified { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), freeze: ["0", "2"] } }
train! { Exploding for Plain { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), scheduler: ExponentialLR(gamma = 1e300) } }
train! { OfNormed for Normed { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }
train! { Averaged for Plain { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), ema: 0.9 } }
train! { ScheduleFree for Plain { loss: CrossEntropyLoss, optimizer: AdamWScheduleFree(lr = 0.05) } }

/// A batch with `poison` in its sample 7.
fn poisoned(poison: f32) -> (Vec<[f32; 8]>, Vec<i64>) {
    let (mut inputs, targets) = samples(20, 2);
    inputs[7][3] = poison;
    (inputs, targets)
}

/// All that a trainer consists of, but its gradients.
fn everything<R: Trainer<f32>>(trainer: &R) -> (Vec<u64>, String, String, Option<Vec<f32>>, u64) {
    let parts = trainer.parts();
    let average = parts.averaged.map(|average| average.module().weights().parameters.to_vec());
    let schedule = format!("{:?}", parts.scheduler);
    (bits(trainer), format!("{:?}", parts.optimizer.state_dict()), schedule, average, parts.run.steps())
}

/// A step with an infinite input is refused at `parameter`; where the parameters wait, it changes nothing.
#[track_caller]
fn check<R>(mut trainer: R, parameter: &str)
where
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 8]>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let (inputs, targets) = samples(20, 1);
    let waits = !trainer.parts().run.fused();
    // With accumulation one and a half steps.
    for _ in 0..3 {
        trainer.step((&inputs, &targets)).expect("a step like any other");
    }
    let before = everything(&trainer);
    for infinite in [f32::INFINITY, f32::NEG_INFINITY] {
        let (inputs, targets) = poisoned(infinite);
        let error = trainer.step((&inputs, &targets)).expect_err("a gradient is not finite");
        let TrainError::NonFiniteGradient { step, parameter: found, moved } = &error else { panic!("{error}") };
        assert_eq!((*step, *found, *moved), (before.4, parameter, !waits), "{}: {error}", R::NAME);
        let text = if waits { "no parameter has been changed" } else { "parameters have moved" };
        assert!(error.to_string().contains(parameter) && error.to_string().contains(text), "{error}");
        if !waits {
            let after = everything(&trainer);
            let parameters = trainer.parts().model.weights().parameters.len();
            assert_eq!(after.0[parameters..], before.0[parameters..], "statistics, counters, generator");
            assert_eq!((after.2, after.3, after.4), (before.2, before.3, before.4));
            return;
        }
        assert_eq!(everything(&trainer), before, "{}", R::NAME);
    }
    assert_eq!(trainer.parts().run.accumulated(), 0);
    trainer.step((&inputs, &targets)).expect("nothing is left of it");
}

fn on_any_number_of_threads(check: impl Fn()) {
    set_min_work(0);
    for threads in [1, 2, 3] {
        set_num_threads(threads);
        check();
    }
}

#[test]
fn an_infinite_gradient_beside_a_finite_loss_is_noticed_in_its_step() {
    on_any_number_of_threads(|| {
        check(Folded::new(Saturated::seeded(1)), "0.weight");
        check(WithLion::new(Saturated::seeded(1)), "0.weight");
        check(OfWide::new(Wide::seeded(1)), "0.weight");
        check(Folded::builder(Saturated::seeded(1)).fused(false).build().expect("valid"), "0.weight");
        check(OfWide::builder(Wide::seeded(1)).fused(false).build().expect("valid"), "0.weight");
        check(ByNorm::new(Saturated::seeded(1)), "0.weight");
        check(ByValue::new(Saturated::seeded(1)), "0.weight");
        check(Accumulated::new(Saturated::seeded(1)), "0.weight");
        check(Whole::new(Saturated::seeded(1)), "0.weight");
    });
}

/// Its single unit grows with its input.
fn rectified() -> Rectified {
    let mut model = Rectified::seeded(1);
    model.weights_mut().parameters[..8].fill(0.5);
    model
}

#[test]
fn the_first_parameter_that_is_trained_is_named() {
    let (inputs, targets) = poisoned(f32::INFINITY);
    let refused = |error: TrainError| match error {
        TrainError::NonFiniteGradient { parameter, .. } => parameter,
        other => panic!("{other}"),
    };
    on_any_number_of_threads(|| {
        for fused in [true, false] {
            let mut trainer = OfRectified::builder(rectified()).fused(fused).build().expect("valid");
            assert_eq!(refused(trainer.step((&inputs, &targets)).expect_err("∞ · 0")), "0.weight");
            let mut trainer = FirstFrozen::builder(rectified()).fused(fused).build().expect("valid");
            assert_eq!(refused(trainer.step((&inputs, &targets)).expect_err("∞ · 0")), "2.weight");
            // Nobody asks for a gradient that is not finite.
            let mut trainer = HeadAlone::builder(rectified()).fused(fused).build().expect("valid");
            trainer.step((&inputs, &targets)).expect("the head's gradient is finite");
            assert_eq!(trainer.model.first_non_finite(), None);
        }
    });
}

#[test]
fn an_input_that_is_no_number_is_noticed_by_the_loss() {
    let (inputs, targets) = poisoned(f32::NAN);
    let mut trainer = Folded::new(Saturated::seeded(1));
    let before = everything(&trainer);
    let error = trainer.step((&inputs, &targets)).expect_err("NaN goes through a tanh");
    assert!(matches!(error, TrainError::NonFiniteLoss { step: 0, .. }), "{error}");
    assert_eq!(everything(&trainer), before);
    let mut trainer = OfRectified::new(rectified());
    let error = trainer.step((&inputs, &targets)).expect_err("and through a ReLU");
    assert!(matches!(error, TrainError::NonFiniteLoss { step: 0, .. }), "{error}");
}

#[test]
fn gradients_in_double_precision_are_looked_at_too() {
    let (inputs, targets) = poisoned(f32::INFINITY);
    let inputs: Vec<[f64; 8]> = inputs.iter().map(|row| row.map(f64::from)).collect();
    for fused in [true, false] {
        let model = Saturated::seeded(1).cast::<f64>();
        let mut trainer = Folded::<f64>::builder(model).fused(fused).build().expect("valid");
        let error = trainer.step((&inputs, &targets)).expect_err("a gradient is not finite");
        assert!(matches!(error, TrainError::NonFiniteGradient { parameter: "0.weight", .. }), "{error}");
    }
}

#[test]
fn large_gradients_are_no_infinite_ones() {
    // Their sum is.
    let mut trainer = Averaged::new(Plain::seeded(1));
    let inputs = [[3e38f32, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38]; 2];
    trainer.model.weights_mut().parameters.fill(0.0);
    trainer.step((&inputs, &[0i64, 0])).expect("all gradients are finite");
}

fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::epochs(epochs).progress(Progress::Silent)
}

fn dataset((inputs, targets): (Vec<[f32; 8]>, Vec<i64>)) -> TensorDataset<f32, i64> {
    TensorDataset::from_flat(inputs.into_flattened(), &[8], targets, &[]).expect("as many inputs as targets")
}

/// The name, the number of steps and the file of an error.
fn weights(error: TrainError) -> (&'static str, bool, u64, Option<std::path::PathBuf>) {
    match error {
        TrainError::NonFiniteWeights { name, averaged, steps, file } => (name, averaged, steps, file),
        other => panic!("{other}"),
    }
}

#[test]
fn a_gradient_of_the_last_step_ends_the_run_with_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let mut trainer = WithLion::builder(Saturated::seeded(1)).batch_size(20).build().expect("valid");
    let fit = quiet(1).checkpoint(&path, Every::Epoch);
    let error = trainer.fit(&dataset(poisoned(f32::INFINITY)), (), fit).expect_err("a gradient is not finite");
    assert!(matches!(error, TrainError::NonFiniteGradient { step: 0, moved: true, .. }), "{error}");
    assert!(!path.exists());
    assert_eq!(weights(trainer.save_checkpoint(&path).expect_err("they have moved")), ("0.weight", false, 0, None));
}

#[test]
fn weights_that_the_last_step_makes_infinite_replace_no_good_ones() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, best) = (directory.path().join("run.ckpt"), directory.path().join("best.safetensors"));
    // A single step in an epoch. The rate of the second epoch is 1e299.
    let trainer = || Exploding::builder(Plain::seeded(1)).batch_size(64).build().expect("valid");
    let data = dataset(samples(64, 1));
    let mut at_once = Exploding::builder(Plain::seeded(1)).lr(1e300).batch_size(64).build().expect("valid");
    let error = at_once.fit(&data, (), quiet(1).checkpoint(&path, Every::Epoch)).expect_err("∞");
    assert!(error.to_string().contains("no file holds those from before"), "{error}");
    assert_eq!(weights(error), ("0.weight", false, 1, None));
    assert!(!path.exists());

    let mut keep = BestCheckpoint::new(&best, "train_loss");
    let fit = quiet(2).callback(&mut keep).checkpoint(&path, Every::Steps(1));
    let error = trainer().fit(&data, (), fit).expect_err("the second step makes them infinite");
    assert!(error.to_string().contains("0.weight is not finite, after 1 step since"), "{error}");
    assert_eq!(weights(error), ("0.weight", false, 1, Some(path.clone())));
    let mut resumed = trainer();
    assert_eq!(resumed.resume(&path).expect("a good one"), Resumed::At { epochs: 1, steps: 1 });
    assert_eq!(resumed.model.first_non_finite(), None);
    let mut saved = Plain::<f32>::seeded(2);
    saved.load(&best).expect("a good one");
    assert_eq!(saved.weights().parameters, resumed.model.weights().parameters);

    // The file that a run was resumed from holds good weights, as long as it is there.
    let error = resumed.fit(&data, (), quiet(2).callback(&mut keep)).expect_err("the second step makes them infinite");
    assert_eq!(weights(error), ("0.weight", false, 1, Some(path.clone())));
    let mut resumed = trainer();
    let _ = resumed.resume(&path).expect("a good one");
    std::fs::remove_file(&path).expect("it is there");
    let error = resumed.fit(&data, (), quiet(2).callback(&mut keep)).expect_err("the second step makes them infinite");
    assert_eq!(weights(error), ("0.weight", false, 1, None));
}

#[test]
fn an_infinite_running_statistic_beside_a_finite_loss_is_noticed_in_its_step() {
    let (mut inputs, targets) = samples(20, 1);
    let good = inputs.clone();
    inputs[3] = [1e30; 8];
    for fused in [true, false] {
        let builder = OfNormed::builder(Normed::seeded(1)).batch_size(20).fused(fused);
        let mut trainer = builder.build().expect("valid");
        trainer.step((&good, &targets)).expect("a step like any other");
        let before = everything(&trainer);
        let error = trainer.step((&inputs, &targets)).expect_err("a variance of 1e60");
        let TrainError::NonFiniteStatistic { step: 1, name: "1.running_var", moved } = error else { panic!("{error}") };
        assert_eq!(moved, fused);
        let (parameters, after) = (trainer.parts().model.weights().parameters.len(), everything(&trainer));
        assert_eq!(after.0[parameters..], before.0[parameters..], "statistics, counters, generator");
        if !fused {
            assert_eq!(after, before);
        }
        trainer.step((&good, &targets)).expect("it is taken back");
    }
    let mut trainer = OfNormed::builder(Normed::seeded(1)).batch_size(20).build().expect("valid");
    let error = trainer.fit(&dataset((inputs, targets)), (), quiet(1)).expect_err("a variance of 1e60");
    assert!(matches!(error, TrainError::NonFiniteStatistic { step: 0, .. }), "{error}");
    assert!(error.to_string().contains("1.running_var would not be finite after step 0"), "{error}");
}

#[test]
fn running_statistics_are_looked_at_too() {
    let mut trainer = OfNormed::builder(Normed::seeded(1)).batch_size(20).build().expect("valid");
    trainer.model.weights_mut().buffers[0] = f32::NAN;
    let error = trainer.save_checkpoint("nowhere.ckpt").expect_err("NaN");
    assert_eq!(weights(error), ("1.running_mean", false, 0, None));
    // A step is not to blame for what it has found.
    let (inputs, targets) = samples(20, 1);
    trainer.step((&inputs, &targets)).expect("the batch's own statistics are finite");
}

/// Saves after each batch, whatever it did.
struct Eager<'a>(&'a Path);
impl Callback for Eager<'_> {
    fn on_step(&mut self, _step: &StepRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        run.save_model(self.0)
    }
    fn on_epoch(&mut self, _epoch: &EpochRecord, _run: &mut dyn Running) -> Result<(), TrainError> {
        unreachable!("the epoch has no end")
    }
}

#[test]
fn a_callback_saves_no_spoilt_weights() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("eager.safetensors");
    let mut trainer = Exploding::builder(Plain::seeded(1)).lr(1e300).batch_size(64).build().expect("valid");
    let error = trainer.fit(&dataset(samples(64, 1)), (), quiet(1).callback(&mut Eager(&path))).expect_err("∞");
    assert_eq!(weights(error), ("0.weight", false, 1, None));
    assert!(!path.exists());
}

#[test]
fn a_checkpoint_by_hand_is_looked_at_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let (inputs, targets) = samples(20, 1);
    let mut trainer = Averaged::new(Plain::seeded(1));
    for _ in 0..3 {
        trainer.step((&inputs, &targets)).expect("the data fits");
    }
    trainer.save_checkpoint(&path).expect("they are finite");
    let good = std::fs::read(&path).expect("it is there");
    for _ in 0..2 {
        trainer.step((&inputs, &targets)).expect("the data fits");
    }
    trainer.model.params_mut().l0_bias[1] = f32::NAN;
    let error = trainer.save_checkpoint(directory.path().join("another.ckpt")).expect_err("NaN");
    assert_eq!(weights(error), ("0.bias", false, 2, Some(path.clone())));
    let error = trainer.clone().save_checkpoint(&path).expect_err("NaN");
    assert_eq!(weights(error), ("0.bias", false, 2, Some(path.clone())));
    assert_eq!(std::fs::read(&path).expect("it is there"), good);

    // Whoever wants to look at such weights may save them.
    let model = directory.path().join("model.safetensors");
    trainer.model.save(&model).expect("written");
    let mut loaded = Plain::<f32>::seeded(2);
    loaded.load(&model).expect("read");
    assert_eq!(loaded.first_non_finite(), Some("0.bias"));
}

#[test]
fn what_is_evaluated_is_looked_at_where_it_is_not_what_is_trained() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let (inputs, targets) = samples(20, 1);
    let mut trainer = Averaged::new(Plain::seeded(1));
    trainer.step((&inputs, &targets)).expect("the data fits");
    trainer.averaged.module_mut().weights_mut().parameters[0] = f32::INFINITY;
    let error = trainer.save_checkpoint(&path).expect_err("the average is infinite");
    assert!(error.to_string().starts_with("0.weight of the average is not finite"), "{error}");
    assert_eq!(weights(error), ("0.weight", true, 1, None));

    let mut trainer = ScheduleFree::new(Plain::seeded(1));
    trainer.step((&inputs, &targets)).expect("the data fits");
    let mut dict = trainer.optimizer.state_dict();
    let states = dict.state.get_mut(&1).expect("the bias has moved");
    for value in states.values_mut() {
        if let StateValue::Tensor { values, .. } = value {
            values[0] = f32::INFINITY;
        }
    }
    trainer.optimizer.load_state_dict(&dict).expect("it fits");
    assert_eq!(weights(trainer.save_checkpoint(&path).expect_err("infinite")), ("0.bias", true, 1, None));
    assert!(!path.exists());
}
