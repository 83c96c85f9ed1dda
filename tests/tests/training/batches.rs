//! What a batch counts for: in the loss of an epoch, in a sum of gradients, and where no target counts.

use glulam::data::{DataLoader, TensorDataset};
use glulam::loss::LossError;
use glulam::prelude::*;
use glulam::train::{Every, Fit, History, Metrics, Progress, TrainError};

use crate::{Deep, Mlp, batches, bits, samples};

network! { Tiny < fc: Linear(1, 2) > }
train! { Weighted for Tiny { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.0) } }
train! { WeightedParts for Tiny { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.0), accumulate: 2, clip_grad_norm: 1.0 } }

fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::epochs(epochs).progress(Progress::Silent)
}

/// A network whose probabilities are 1/4 and 3/4 whatever its input.
fn tiny<T: Real>() -> Tiny<T> {
    let mut model = Tiny::seeded(1).cast::<T>();
    model.params_mut().fc_weight[0] = [T::ZERO; 2];
    *model.params_mut().fc_bias = [T::ZERO, T::from_f64(3f64.ln())];
    model
}

/// The losses of the two classes in it.
fn class_losses() -> [f64; 2] {
    [4f64.ln(), (4f64 / 3.0).ln()]
}

fn classes<T: Real>(targets: &[i64]) -> TensorDataset<T, i64> {
    TensorDataset::from_flat(vec![T::ONE; targets.len()], &[1], targets.to_vec(), &[]).expect("an input for each")
}

/// The loss of an epoch of training, of its validation and of an evaluation are `expected`, however the batches are cut.
fn check_epoch<T: Real, R>(loss: &CrossEntropyLoss, targets: &[i64], expected: f64, tolerance: f64)
where
    R: Trainer<T, Model = Tiny<T>, Loss = CrossEntropyLoss>,
    R::Metrics: Metrics<T, i64>,
{
    let mut seen = Vec::new();
    for batch_size in 1..=targets.len() {
        let builder = glulam::train::Builder::<T, R>::new(tiny()).loss(loss.clone()).batch_size(batch_size);
        let mut trainer = builder.build().expect("valid");
        let data = classes::<T>(targets);
        let loader = DataLoader::builder(classes::<T>(targets)).batch_size(batch_size).build().expect("valid");
        let history = trainer.fit(&loader, &data, quiet(1)).expect("the data fits");
        let epoch = history.last().expect("one epoch");
        let evaluation = trainer.evaluate(&loader).expect("the data fits").loss;
        for found in [epoch.train_loss, epoch.val_loss.expect("validated"), evaluation] {
            let close = (found - expected).abs() <= tolerance * expected.abs();
            assert!(close, "{loss:?} in batches of {batch_size}: {found}, expected {expected}");
        }
        seen.push(epoch.train_loss);
    }
    // The threads share rows out, and change nothing.
    glulam::parallel::set_min_work(0);
    for threads in [1, 2, 3] {
        glulam::parallel::set_num_threads(threads);
        let builder = glulam::train::Builder::<T, R>::new(tiny()).loss(loss.clone());
        let loader = DataLoader::builder(classes::<T>(targets)).batch_size(2).build().expect("valid");
        let history = builder.build().expect("valid").fit(&loader, (), quiet(1)).expect("the data fits");
        assert_eq!(history.last().map(|epoch| epoch.train_loss), Some(seen[1]), "{threads} threads");
    }
}

#[test]
fn a_batch_weighs_what_its_loss_was_divided_by() {
    let ([a, b], ignored) = (class_losses(), -100);
    let weight = || LossWeights::from([1.0, 9.0]);
    let plain = CrossEntropyLoss::DEFAULT;
    let weighted = CrossEntropyLoss { weight: weight(), ..plain.clone() };
    let summed = CrossEntropyLoss { reduction: Reduction::Sum, ..weighted.clone() };
    let per_sample = CrossEntropyLoss { reduction: Reduction::BatchMean, ..weighted.clone() };
    let unweighted = CrossEntropyLoss { weight: LossWeights::from([1.0, 0.0]), ..plain.clone() };
    let cases = [
        (weighted, vec![0, 0, 0, 1, 1, 1], (3.0 * a + 27.0 * b) / 30.0),
        (summed, vec![0, 0, 0, 1, 1, 1], 3.0 * a + 27.0 * b),
        (per_sample, vec![0, 0, 0, 1, 1, 1, 1], (3.0 * a + 36.0 * b) / 7.0),
        (plain.clone(), vec![0, 1, 1, 1, 0], (2.0 * a + 3.0 * b) / 5.0),
        (plain, vec![0, ignored, 1, 1, ignored, ignored, ignored, 1, 1], (a + 4.0 * b) / 5.0),
        (unweighted, vec![1, 1, 0, 1, 1, 1], a),
    ];
    for (loss, targets, expected) in cases {
        check_epoch::<f32, Weighted<f32>>(&loss, &targets, expected, 1e-6);
        check_epoch::<f64, Weighted<f64>>(&loss, &targets, expected, 1e-14);
        check_epoch::<f32, WeightedParts<f32>>(&loss, &targets, expected, 1e-6);
        check_epoch::<f64, WeightedParts<f64>>(&loss, &targets, expected, 1e-14);
    }
}

#[test]
fn a_step_says_what_its_loss_was_divided_by() {
    let loss = CrossEntropyLoss { weight: LossWeights::from([1.0, 9.0]), ..CrossEntropyLoss::DEFAULT };
    let mut trainer = Weighted::builder(tiny::<f64>()).loss(loss).build().expect("valid");
    let mut epoch = glulam::metrics::Mean::DEFAULT;
    for targets in [[0i64, 0], [-100, -100], [0, 1], [1, 1]] {
        let out = trainer.step((&[[1.0]; 2], &targets)).expect("the targets fit");
        epoch.add(out.loss, out.weight);
    }
    let [a, b] = class_losses();
    assert!((epoch.value() - (3.0 * a + 27.0 * b) / 30.0).abs() < 1e-14);
    assert!((epoch.weight - 30.0).abs() < 1e-13);
}

train! {
    Parts for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 0.5, momentum = 0.9),
        scheduler: StepLR(step_size = 2, gamma = 0.5) per step,
        clip_grad_norm: 0.3,
        accumulate: 2,
    }
}
train! {
    Whole for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 0.5, momentum = 0.9),
        scheduler: StepLR(step_size = 2, gamma = 0.5) per step,
        clip_grad_norm: 0.3,
    }
}

/// The same samples in another precision.
fn samples_of<T: Real>(count: usize) -> (Vec<[T; 8]>, Vec<i64>) {
    let (inputs, targets) = samples(count, 1);
    (inputs.into_iter().map(|row| row.map(|x| T::from_f64(f64::from(x)))).collect(), targets)
}

/// `(loss / n).backward()` for the n batches of each group, clipping, a step, by hand: after `epochs` epochs.
fn by_hand<T: Real>(groups: &[usize], batch_size: usize, epochs: usize) -> Vec<T> {
    let mut model = Mlp::seeded(1).cast::<T>();
    let mut optimizer = SGD { lr: 0.5, momentum: 0.9, ..SGD::DEFAULT }.init(&model);
    let mut schedule = StepLR { step_size: 2, gamma: 0.5 }.init(&mut optimizer).expect("valid");
    let (mut gradients, mut workspace) = (model.zeros(), model.workspace(batch_size));
    let (inputs, targets) = samples_of::<T>(groups.iter().sum::<usize>() * batch_size);
    for _ in 0..epochs {
        let mut batches = inputs.chunks(batch_size).zip(targets.chunks(batch_size));
        for &group in groups {
            gradients.zero();
            for (inputs, targets) in batches.by_ref().take(group) {
                let mut own = model.zeros();
                let outputs = model.forward(Mode::Train, inputs, &mut workspace);
                CrossEntropyLoss::DEFAULT.forward(outputs, targets).expect("the targets fit");
                model.backward(inputs, &mut workspace, &mut own);
                for (sum, &g) in gradients.0.iter_mut().zip(&own.0[..]) {
                    *sum += g / T::from_f64(group as f64);
                }
            }
            glulam::clip::clip_grad_norm_(&mut gradients, 0.3, 2.0, true).expect("finite");
            optimizer.step(&mut model, &gradients);
            glulam::lr_scheduler::SchedulerState::step(&mut schedule, &mut optimizer);
        }
    }
    model.weights().parameters.to_vec()
}

fn check_close<T: Real>(found: &[T], expected: &[T], tolerance: f64, what: &str) {
    for (a, b) in found.iter().zip(expected) {
        assert!((a.to_f64() - b.to_f64()).abs() < tolerance, "{what}: {} {}", a.to_f64(), b.to_f64());
    }
}

fn check_remainders<T: Real>(tolerance: f64) {
    for accumulate in 1..=4 {
        for count in 1..=6 {
            let groups: Vec<usize> =
                (0..count).step_by(accumulate).map(|first| accumulate.min(count - first)).collect();
            let (inputs, targets) = samples_of::<T>(count * 5);
            let flat = inputs.as_flattened().to_vec();
            let data = TensorDataset::from_flat(flat, &[8], targets.clone(), &[]).expect("an input for each");
            // A loader that leaves out a last batch ends where it leaves off.
            let loader = DataLoader::builder(data).batch_size(5).drop_last(count % 2 == 0).build().expect("valid");
            let new = || {
                let builder = Parts::builder(Mlp::seeded(1).cast::<T>()).accumulate(accumulate);
                builder.build().expect("valid")
            };
            let expected = by_hand::<T>(&groups, 5, 2);
            let mut fitted = new();
            let history = fitted.fit(&loader, (), quiet(2)).expect("the data fits");
            let what = format!("{count} batches, {accumulate} a step");
            check_close(&fitted.model.weights().parameters, &expected, tolerance, &what);
            assert_eq!(history.last().map(|epoch| epoch.steps), Some(2 * groups.len() as u64), "{what}");

            let mut stepped = new();
            for _ in 0..2 {
                for (inputs, targets) in inputs.chunks(5).zip(targets.chunks(5)) {
                    stepped.step((inputs, targets)).expect("the data fits");
                }
                assert_eq!(stepped.flush().expect("finite"), count % accumulate > 0, "{what}");
            }
            assert_eq!(stepped.model.weights(), fitted.model.weights(), "{what}");
        }
    }
}

#[test]
fn the_last_step_of_an_epoch_is_the_mean_over_the_batches_that_are_there() {
    check_remainders::<f32>(2e-6);
    check_remainders::<f64>(1e-14);
}

#[test]
fn a_sum_of_gradients_goes_on_after_a_resume() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let data = samples_of::<f64>(15);
    let new = |accumulate| Parts::builder(Mlp::seeded(1).cast::<f64>()).accumulate(accumulate).build().expect("valid");
    // The number that makes a step: before the resume, after it, and the batches of the steps that follow.
    for (before, after, groups) in [(2, 2, &[2, 1][..]), (3, 3, &[3]), (2, 3, &[3]), (4, 2, &[2, 1]), (3, 1, &[2, 1])] {
        let mut batches = data.0.chunks(5).zip(data.1.chunks(5));
        let mut first = new(before);
        let batch = batches.next().expect("three batches");
        first.step((batch.0, batch.1)).expect("the data fits");
        first.save_checkpoint(&path).expect("written");
        let mut second = new(after);
        let _ = second.resume(&path).expect("readable");
        for (inputs, targets) in batches {
            second.step((inputs, targets)).expect("the data fits");
        }
        second.flush().expect("finite");
        let (found, what) = (&second.model.weights().parameters, format!("{before}, then {after}"));
        check_close(found, &by_hand::<f64>(groups, 5, 1), 1e-14, &what);
    }
    let error = Whole::new(Mlp::seeded(1).cast::<f64>()).resume(&path).expect_err("nobody waits for them");
    let expected = "the checkpoint does not fit: batches whose gradients wait: found those of 1, expected none without \
                    `accumulate`";
    assert_eq!(error.to_string(), expected);
}

train! { Folded for Deep { loss: CrossEntropyLoss, optimizer: AdamW(lr = 0.01), ema: 0.9 } }
train! {
    Clipped for Deep {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 0.1, momentum = 0.9, weight_decay = 0.1),
        scheduler: ExponentialLR(gamma = 0.9) per step,
        clip_grad_norm: 0.5,
    }
}
train! { Added for Deep { loss: CrossEntropyLoss, optimizer: AdamW(lr = 0.01), accumulate: 2, ema: 0.9 } }

/// A run with batches of which no target counts is the same, bit for bit, as one without them.
fn check_without_targets<R>(nothing: i64, loss: &CrossEntropyLoss, fused: bool)
where
    R: Trainer<f32, Model = Deep, Loss = CrossEntropyLoss>,
    R::Metrics: Metrics<f32, i64>,
{
    let (inputs, targets) = samples(60, 1);
    let run = |with: bool| -> (R, History) {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (number, (inputs, targets)) in batches(&(inputs.clone(), targets.clone()), 10).enumerate() {
            let targets: Vec<i64> = targets.iter().map(|&t| if t == nothing { 0 } else { t }).collect();
            if with && number % 2 == 0 {
                x.extend_from_slice(inputs);
                y.extend([nothing; 10]);
            }
            x.extend_from_slice(inputs);
            y.extend(targets);
        }
        let data = TensorDataset::from_flat(x.into_flattened(), &[8], y, &[]).expect("an input for each");
        let loader = DataLoader::builder(data).batch_size(10).build().expect("valid");
        let builder = glulam::train::Builder::<f32, R>::new(Deep::seeded(1)).loss(loss.clone()).fused(fused);
        let mut trainer = builder.build().expect("valid");
        let history = trainer.fit(&loader, (), quiet(2)).expect("the run goes on");
        (trainer, history)
    };
    let ((expected, whole), (found, history)) = (run(false), run(true));
    assert_eq!(bits(&found), bits(&expected), "{}", R::NAME);
    assert_eq!(found.parts().optimizer.state_dict(), expected.parts().optimizer.state_dict(), "{}", R::NAME);
    assert_eq!(found.eval_model().weights(), expected.eval_model().weights(), "{}", R::NAME);
    assert_eq!(found.parts().run.steps(), expected.parts().run.steps(), "{}", R::NAME);
    let numbers = |history: &History| [history.column("train_loss"), history.column("lr")];
    assert_eq!(numbers(&history), numbers(&whole), "{}", R::NAME);
    let left_out = |history: &History| history.epochs.iter().map(|e| e.batches_without_targets).sum::<usize>();
    assert_eq!((left_out(&history), left_out(&whole)), (6, 0));
}

#[test]
fn a_batch_without_a_target_to_learn_from_moves_nothing() {
    let weighted = CrossEntropyLoss { weight: LossWeights::from([1.0, 2.0, 0.0]), ..CrossEntropyLoss::DEFAULT };
    for (nothing, loss) in [(-100, CrossEntropyLoss::DEFAULT), (2, weighted)] {
        check_without_targets::<Folded>(nothing, &loss, true);
        check_without_targets::<Folded>(nothing, &loss, false);
        check_without_targets::<Clipped>(nothing, &loss, false);
        check_without_targets::<Added>(nothing, &loss, false);
    }
}

#[test]
fn a_step_without_a_target_says_so() {
    let (inputs, targets) = samples(10, 1);
    let mut trainer = Clipped::new(Deep::seeded(1));
    trainer.step((&inputs, &targets)).expect("the data fits");
    let before = bits(&trainer);
    let out = trainer.step((&inputs, &[-100i64; 10])).expect("no target is no mistake");
    assert!(out.loss.is_nan());
    assert_eq!((out.weight, out.updated, out.grad_norm), (0.0, false, None));
    assert_eq!(bits(&trainer), before);
    let gradients = &trainer.run.gradients().0;
    assert!(gradients.iter().all(|&g| g == 0.0), "PyTorch's gradient is zero");
}

#[test]
fn an_epoch_without_a_target_has_no_loss_and_can_be_saved() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ckpt");
    let (inputs, _) = samples(20, 1);
    let data = TensorDataset::from_flat(inputs.into_flattened(), &[8], vec![-100; 20], &[]).expect("an input for each");
    let mut trainer = Folded::builder(Deep::seeded(1)).batch_size(10).build().expect("valid");
    let before = bits(&trainer);
    let history = trainer.fit(&data, &data, quiet(2).checkpoint(&path, Every::Epoch)).expect("the run goes on");
    let epoch = history.last().expect("two epochs");
    assert!(epoch.train_loss.is_nan() && epoch.val_loss.is_some_and(f64::is_nan));
    assert_eq!((epoch.batches_without_targets, epoch.steps, bits(&trainer)), (2, 0, before));
    let mut second = Folded::new(Deep::seeded(1));
    let _ = second.resume(&path).expect("readable");
    let text = serde_json::to_string(&history).expect("JSON");
    let read: History = serde_json::from_str(&text).expect("what was written can be read");
    assert!(read.epochs[1].train_loss.is_nan());

    // A run that goes by its steps would never end.
    let error = trainer.fit(&data, (), Fit::steps(3).progress(Progress::Silent)).expect_err("there are no steps");
    assert!(matches!(error, TrainError::NothingToLearn { epoch: 1 }), "{error}");
}

network! { Doubled < Linear(8, 3) -> Sigmoid -> Residual(Identity) > }
train! { OfDoubled for Doubled { loss: BCELoss, optimizer: SGD(lr = 0.1) } }

#[test]
fn an_output_that_is_no_probability_is_named_with_its_value() {
    let (inputs, targets) = (vec![[0.5f32; 8]; 2], vec![1.0f32; 6]);
    let mut model = Doubled::seeded(1);
    model.params_mut().l0_weight.fill([0.0; 3]);
    // sigmoid(0) = 1/2, and the double of sigmoid(3) is not in [0, 1].
    *model.params_mut().l0_bias = [0.0, 3.0, 0.0];
    let mut trainer = OfDoubled::new(model);
    let before = bits(&trainer);
    let error = trainer.step((&inputs, &targets)).expect_err("1.905 is no probability");
    let expected = "BCELoss: output 1 of the batch is 1.905148";
    assert!(error.to_string().starts_with(expected), "{error}");
    assert!(matches!(error, TrainError::Loss(LossError::Output { index: 1, .. })), "{error}");
    assert_eq!(bits(&trainer), before);
    let data = TensorDataset::from_flat(inputs.into_flattened(), &[8], targets, &[3]).expect("an input for each");
    for error in
        [trainer.fit(&data, (), quiet(1)).expect_err("the same"), trainer.evaluate(&data).expect_err("the same")]
    {
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
