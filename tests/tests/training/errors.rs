//! What stops a step, and that nothing has changed then.

use glulam::data::{Batch, DataLoader};
use glulam::loss::LossError;
use glulam::network::BatchError;
use glulam::optim::OptimError;
use glulam::prelude::*;
use glulam::train::{Fit, Metrics, Progress, TrainError};

use crate::{Deep, Mlp, bits, samples, train_on};

train! { Folded for Deep { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01), scheduler: StepLR(step_size = 1) per step } }
train! { Clipped for Deep { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01), clip_grad_norm: 1.0 } }
train! { Squared for Mlp { loss: MSELoss, optimizer: SGD(lr = 0.1), clip_grad_norm: 1.0, accumulate: 2 } }
train! { Plain for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), metrics: [Accuracy(ignore_index = 1)] } }
train! { Overlapping for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = rate()) } }

/// Not a constant, so that only the run knows it.
fn rate() -> f64 {
    -1.0
}

/// After two steps, a batch with `poison` as one of its inputs is refused, and leaves everything as it was.
fn check_not_finite<R>(mut trainer: R, poison: f32)
where
    R: Trainer<f32, Model = Deep>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let data = samples(40, 1);
    train_on(&mut trainer, &data, 1);
    let optimizer = trainer.parts().optimizer.state_dict();
    let before = (bits(&trainer), trainer.parts().run.steps());
    let (mut inputs, targets) = samples(20, 2);
    inputs[7][3] = poison;
    let error = trainer.step((&inputs, &targets)).expect_err("the loss is not finite");
    assert!(matches!(error, TrainError::NonFiniteLoss { step: 2, .. }), "{error}");
    assert_eq!((bits(&trainer), trainer.parts().run.steps()), before);
    assert_eq!(trainer.parts().optimizer.state_dict(), optimizer);
    train_on(&mut trainer, &data, 1);
}

#[test]
fn a_loss_that_is_not_finite_changes_nothing() {
    for poison in [f32::NAN, f32::INFINITY] {
        check_not_finite(Folded::new(Deep::seeded(1)), poison);
        check_not_finite(Folded::builder(Deep::seeded(1)).fused(false).build().expect("valid"), poison);
        check_not_finite(Clipped::new(Deep::seeded(1)), poison);
    }
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    let mut trainer = Squared::new(Mlp::seeded(1));
    // The first input has no weight: it changes no output, but is in the gradient.
    trainer.model.weights_mut().parameters[..16].fill(0.0);
    let (mut inputs, _) = samples(4, 1);
    let before = bits(&trainer);
    trainer.step((&inputs, &[0.5f32; 12])).expect("the first of two batches");
    inputs[2][0] = 1e38;
    let error = trainer.step((&inputs, &[1e6f32; 12])).expect_err("the norm is not finite");
    assert!(matches!(error, TrainError::NonFiniteGradient { step: 0, .. }), "{error}");
    let draws = trainer.model.weights().draws;
    trainer.model.weights_mut().draws = 0;
    assert_eq!((bits(&trainer), draws, trainer.run.steps(), trainer.run.accumulated()), (before, 1, 0, 0));
}

#[test]
fn a_norm_of_finite_gradients_may_be_infinite() {
    let mut trainer = Squared::<f64>::builder(Mlp::seeded(1).cast()).accumulate(1).build().expect("valid");
    trainer.model.weights_mut().parameters.fill(1e-3);
    let before = trainer.model.clone();
    let error = trainer.step((&[[1e80; 8]], &[1e150f64; 3])).expect_err("a gradient of 1e227 has an infinite square");
    assert!(matches!(error, TrainError::NonFiniteNorm { step: 0, norm: f64::INFINITY }), "{error}");
    assert_eq!(trainer.model, before);
}

#[test]
fn a_batch_has_samples_and_room() {
    let (inputs, targets) = samples(8, 1);
    let mut trainer = Plain::new(Mlp::seeded(1));
    let error = trainer.step((&inputs[..0], &targets[..0])).expect_err("no samples");
    assert!(matches!(error, TrainError::Batch(BatchError::Empty)), "{error}");
    trainer.step((&inputs[..6], &targets[..6])).expect("the first batch makes the room");
    trainer.step((&inputs[..4], &targets[..4])).expect("a smaller one fits");
    let error = trainer.step((&inputs, &targets)).expect_err("a larger one does not");
    assert!(matches!(error, TrainError::BatchTooLarge { found: 8, capacity: 6 }), "{error}");

    let mut roomy = Plain::builder(Mlp::seeded(1)).capacity(8).build().expect("valid");
    roomy.step((&inputs[..6], &targets[..6])).expect("it fits");
    roomy.step((&inputs, &targets)).expect("it fits too");
}

#[test]
fn inputs_have_as_many_numbers_as_the_network_takes() {
    let mut trainer = Plain::new(Mlp::seeded(1));
    let square = Batch::new(vec![0.5f32; 16], &[2, 4], vec![0i64, 1], &[]).expect("two samples");
    trainer.step(&square).expect("eight numbers are eight numbers");
    let wrong = Batch::new(vec![0.5f32; 14], &[7], vec![0i64, 1], &[]).expect("two samples");
    let error = trainer.step(&wrong).expect_err("seven are not");
    assert_eq!(error.to_string(), "inputs of shape [7], expected [8]");
}

#[test]
fn targets_fit_the_loss() {
    let (inputs, _) = samples(2, 1);
    let mut trainer = Plain::new(Mlp::seeded(1));
    let before = bits(&trainer);
    let error = trainer.step((&inputs, &[0i64, 3])).expect_err("there is no class 3");
    assert!(matches!(error, TrainError::Loss(LossError::ClassOutOfRange { index: 1, found: 3, .. })), "{error}");
    let error = trainer.step((&inputs, &[0i64])).expect_err("one target is missing");
    assert!(matches!(error, TrainError::Loss(LossError::TargetLength { found: 1, .. })), "{error}");
    assert_eq!(bits(&trainer), before);
}

#[test]
fn a_builder_says_which_setting_is_wrong() {
    let build = |builder: glulam::train::Builder<f32, Squared>| match builder.build() {
        Ok(_) => panic!("it was built"),
        Err(error) => error.to_string(),
    };
    let builder = || Squared::builder(Mlp::seeded(1));
    for (builder, message) in [
        (builder().lr(-1.0), "SGD: lr = -1.0, expected a finite number of at least 0"),
        (builder().clip_grad_norm(0.0), "clip_grad_norm = 0.0, expected a number above 0"),
        (builder().accumulate(0), "accumulate = 0, expected at least 1"),
        (builder().capacity(0), "capacity = 0, expected at least 1"),
        (builder().batch_size(0), "batch_size = 0, expected at least 1"),
        (builder().ema(0.9), "ema = a value, expected none: `train!` declared Squared without it"),
    ] {
        assert_eq!(build(builder), message);
    }
}

#[test]
fn a_setting_that_only_the_run_knows_is_checked_by_the_run() {
    let error = Overlapping::builder(Mlp::seeded(1)).build().expect_err("a negative rate");
    assert!(matches!(error, TrainError::Optimizer(OptimError::Option { option: "lr", .. })), "{error}");
}

network! { Untracked < Linear(8, 3) -> BatchNorm1d(3, track_running_stats = false) > }
const ONE: usize = 1;
const TWO: usize = 2;
network! { NamedOne: [4, ONE] < BatchNorm1d(4) -> Flatten -> Linear(_, 3) > }
network! { NamedTwo: [4, TWO] < BatchNorm1d(4) -> Flatten -> Linear(_, 3) > }
network! { Long: [4, 2] < BatchNorm1d(4) -> Flatten -> Linear(8, 3) > }
train! { OfUntracked for Untracked { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }
train! { OfLong for Long { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }

fn quiet<'a>() -> Fit<'a> {
    Fit::epochs(1).progress(Progress::Silent)
}

#[test]
fn a_batch_norm_needs_more_than_one_sample() {
    let (inputs, targets) = samples(1, 1);
    let data = crate::dataset(41, 1);
    let is_too_small =
        |error: TrainError| matches!(error, TrainError::Batch(BatchError::TooSmall { found: 1, expected: 2 }));
    let mut trainer = Folded::builder(Deep::seeded(1)).batch_size(20).build().expect("valid");
    let before = bits(&trainer);
    assert!(is_too_small(trainer.step((&inputs, &targets)).expect_err("one sample")));
    // A run finds it out before its first step, and not in its last.
    assert!(is_too_small(trainer.fit(&data, (), quiet()).expect_err("41 = 20 + 20 + 1")));
    let loader = |drop_last| DataLoader::builder(crate::dataset(41, 1)).batch_size(20).drop_last(drop_last).build();
    assert!(is_too_small(trainer.fit(&loader(false).expect("valid"), (), quiet()).expect_err("the same")));
    assert_eq!(bits(&trainer), before);
    trainer.fit(&loader(true).expect("valid"), (), quiet()).expect("the last one is left out");
    trainer.evaluate(&data).expect("running statistics need no company");

    let untracked = OfUntracked::builder(Untracked::seeded(1)).batch_size(20).build().expect("valid");
    assert!(is_too_small(untracked.evaluate(&data).expect_err("there are no running statistics")));
    let named = [<NamedOne as Network<f32>>::MIN_TRAIN_BATCH, <NamedTwo as Network<f32>>::MIN_TRAIN_BATCH];
    assert_eq!((named, <NamedOne as Network<f32>>::MIN_EVAL_BATCH), ([2, 1], 1));
    let long = vec![[[0.5f32, -0.5]; 4]];
    OfLong::new(Long::seeded(1)).step((&long, &targets)).expect("two values per channel");
}

#[test]
fn a_hand_written_loop_may_ask_whether_a_batch_fits() {
    let (inputs, _) = samples(9, 1);
    let mut model = Deep::seeded(1);
    let mut workspace = model.workspace(8);
    let before = model.clone();
    for (count, expected) in [
        (0, "a batch of no samples, expected at least 1"),
        (9, "a batch of 9 samples in a workspace for 8: make it with `model.workspace(9)`"),
        (
            1,
            "a batch of 1 sample, expected at least 2: batch norm needs more than 1 value per channel; leave such a last \
             batch out (a loader's `drop_last(true)`) or choose another batch size",
        ),
    ] {
        let error = model.try_forward(Mode::Train, &inputs[..count], &mut workspace).expect_err("it does not fit");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(model, before);
    assert_eq!(model.try_forward(Mode::Train, &inputs[..8], &mut workspace).expect("it fits").len(), 8);
    assert_eq!(model.try_forward(Mode::Eval, &inputs[..1], &mut workspace).expect("it fits").len(), 1);
    let panic = std::panic::catch_unwind(move || model.forward(Mode::Train, &inputs, &mut workspace).len());
    let panic = panic.expect_err("nine are too many");
    assert!(panic.downcast_ref::<String>().is_some_and(|text| text.ends_with("make it with `model.workspace(9)`")));
}
