//! What a step does to the numbers.

use glulam::checkpoint::StateDictExt;
use glulam::clip::{Selected, clip_grad_norm_};
use glulam::prelude::*;

use crate::{Deep, Mlp, batches, bits, samples, train_on};

train! { WithSgd for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9, nesterov = true) } }
train! { WithAdam for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01, amsgrad = true) } }
train! {
    WithGroups for Mlp {
        loss: CrossEntropyLoss(label_smoothing = 0.1),
        optimizer: AdamW(lr = 0.01, weight_decay = 0.1) { no_decay: [bias, norm], head => (lr = 0.03) },
        freeze: ["0.bias"],
    }
}
train! {
    Wrapped for Mlp {
        loss: CrossEntropyLoss,
        optimizer: Lookahead(AdamW(lr = 0.01, weight_decay = 0.1), k = 3) { no_decay: [bias], head => (lr = 0.03) },
    }
}
train! { WithDropout for Deep { loss: CrossEntropyLoss, optimizer: RMSprop(lr = 0.01) } }
train! { WithAdafactor for Mlp { loss: CrossEntropyLoss, optimizer: Adafactor } }
train! { Clipped for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), clip_grad_norm: 0.05 } }
train! { ClippedByValue for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), clip_grad_value: 0.01 } }
train! {
    ClippedHead for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), freeze: ["0"], clip_grad_norm: 1e-3 }
}
train! { Accumulating for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.01), accumulate: 4 } }
train! { Averaging for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), ema: 0.9 } }
train! {
    Scheduled for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 1.0),
        scheduler: LinearLR(start_factor = 0.5, total_iters = 2) for 2 -> StepLR(step_size = 2, gamma = 0.1) per step,
    }
}
train! {
    Together for Mlp {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 1.0),
        scheduler: ConstantLR(factor = 0.5, total_iters = 2) + ExponentialLR(gamma = 0.5) per step,
    }
}
train! { Measured for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), metrics: [Accuracy, TopK(k = 2)] } }

/// A trainer whose update is folded into the backward pass, and one with gradients of its own, do the same.
fn check_folding<R>(model: R::Model)
where
    R: Trainer<f32> + Clone,
    R::Model: Network<f32, Input = [f32; 8]>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: glulam::train::Metrics<f32, i64>,
{
    let data = samples(90, 1);
    let build = |fused| glulam::train::Builder::<f32, R>::new(model.clone()).fused(fused).build().expect("valid");
    let (mut folded, mut two_phase) = (build(true), build(false));
    assert!(folded.parts().run.fused() && !two_phase.parts().run.fused());
    let losses = train_on(&mut folded, &data, 5);
    assert_eq!(losses, train_on(&mut two_phase, &data, 5), "{}", R::NAME);
    assert_eq!(bits(&folded), bits(&two_phase), "{}", R::NAME);
    assert!(losses.last() < losses.first(), "{}: nothing was learned: {losses:?}", R::NAME);
}

#[test]
fn folding_the_update_into_the_backward_pass_changes_no_bit() {
    check_folding::<WithSgd>(Mlp::seeded(1));
    check_folding::<WithAdam>(Mlp::seeded(2));
    check_folding::<WithGroups>(Mlp::seeded(3));
    check_folding::<WithDropout>(Deep::seeded(4));
    check_folding::<Wrapped>(Mlp::seeded(5));
}

#[test]
fn a_step_is_the_hand_written_loop() {
    let data = samples(90, 1);
    let mut trainer = WithSgd::new(Mlp::seeded(1));
    train_on(&mut trainer, &data, 3);

    let mut model = Mlp::seeded(1);
    let mut optimizer = SGD { lr: 0.1, momentum: 0.9, nesterov: true, ..SGD::DEFAULT }.init(&model);
    let criterion = CrossEntropyLoss::DEFAULT;
    let (mut gradients, mut workspace) = (model.zeros(), model.workspace(20));
    for _ in 0..3 {
        for (inputs, targets) in batches(&data, 20) {
            gradients.zero();
            let outputs = model.forward(Mode::Train, inputs, &mut workspace);
            criterion.forward(outputs, targets).expect("the targets fit");
            model.backward(inputs, &mut workspace, &mut gradients);
            optimizer.step(&mut model, &gradients);
        }
    }
    assert_eq!(model.weights(), trainer.model.weights());
}

#[test]
fn an_optimizer_that_is_not_element_wise_gets_whole_gradients() {
    let mut trainer = WithAdafactor::new(Mlp::seeded(1));
    assert!(!trainer.run.fused());
    let losses = train_on(&mut trainer, &samples(90, 1), 5);
    assert!(losses.last() < losses.first());
}

#[test]
fn what_is_frozen_does_not_move() {
    let mut trainer = WithGroups::new(Mlp::seeded(3));
    let before = trainer.model.state_dict();
    train_on(&mut trainer, &samples(90, 1), 1);
    let after = trainer.model.state_dict();
    assert_eq!(before.get("0.bias"), after.get("0.bias"));
    for name in ["0.weight", "head.weight", "head.bias"] {
        assert_ne!(before.get(name), after.get(name), "{name}");
    }
}

#[test]
fn groups_have_settings_of_their_own() {
    let trainer = WithGroups::builder(Mlp::seeded(3)).lr(0.02).build().expect("valid");
    let groups = trainer.optimizer.groups().iter();
    let settings: Vec<_> = groups.map(|g| (g.name.as_str(), g.settings.lr, g.settings.weight_decay)).collect();
    assert_eq!(settings, [("", 0.02, 0.1), ("head", 0.03, 0.1), ("head no_decay", 0.03, 0.0)]);
}

#[test]
fn an_optimizer_may_wrap_another() {
    let trainer = Wrapped::new(Mlp::seeded(3));
    let groups = trainer.optimizer.groups().iter();
    let settings: Vec<_> = groups.map(|g| (g.settings.k, g.settings.lr(), g.settings.optimizer.weight_decay)).collect();
    assert_eq!(settings, [(3, 0.01, 0.1), (3, 0.01, 0.0), (3, 0.03, 0.1), (3, 0.03, 0.0)]);
}

#[test]
fn gradients_are_clipped_by_their_norm() {
    let (inputs, targets) = samples(20, 1);
    let mut trainer = Clipped::new(Mlp::seeded(1));
    let out = trainer.step((&inputs, &targets)).expect("the data fits");

    let mut model = Mlp::seeded(1);
    let (mut gradients, mut workspace) = (model.zeros(), model.workspace(20));
    let outputs = model.forward(Mode::Train, &inputs, &mut workspace);
    CrossEntropyLoss::DEFAULT.forward(outputs, &targets).expect("the targets fit");
    model.backward(&inputs, &mut workspace, &mut gradients);
    let norm = clip_grad_norm_(&mut gradients, 0.05, 2.0, true).expect("finite");
    SGD { lr: 0.1, ..SGD::DEFAULT }.init(&model).step(&mut model, &gradients);
    assert!(norm > 0.05, "the limit was not reached");
    assert_eq!(out.grad_norm, Some(norm));
    assert_eq!(model.weights(), trainer.model.weights());
}

#[test]
fn what_is_frozen_does_not_count_in_the_norm() {
    let (inputs, targets) = samples(20, 1);
    let mut trainer = ClippedHead::new(Mlp::seeded(1));
    let mut model = Mlp::seeded(1);
    let (mut gradients, mut workspace) = (model.zeros(), model.workspace(20));
    let mut optimizer = groups(<Mlp as Network<f32>>::PARAMS, SGD { lr: 0.1, ..SGD::DEFAULT })
        .freeze("0")
        .build::<f32>()
        .expect("valid");
    for _ in 0..3 {
        let out = trainer.step((&inputs, &targets)).expect("the data fits");
        gradients.zero();
        let outputs = model.forward(Mode::Train, &inputs, &mut workspace);
        CrossEntropyLoss::DEFAULT.forward(outputs, &targets).expect("the targets fit");
        model.backward(&inputs, &mut workspace, &mut gradients);
        let trained = Selected::trained(&mut gradients.0, <Mlp as Network<f32>>::PARAMS, optimizer.trainable());
        let norm = clip_grad_norm_(trained, 1e-3, 2.0, true).expect("finite");
        optimizer.step(&mut model, &gradients);
        assert!(norm > 1e-3, "the limit was not reached");
        assert_eq!(out.grad_norm, Some(norm));
        assert_eq!(model.weights().parameters, trainer.model.weights().parameters);
    }
}

#[test]
fn gradients_are_clipped_by_value() {
    let (inputs, targets) = samples(20, 1);
    let mut trainer = ClippedByValue::new(Mlp::seeded(1));
    let before = trainer.model.weights().parameters.clone();
    trainer.step((&inputs, &targets)).expect("the data fits");
    let largest =
        trainer.model.weights().parameters.iter().zip(&before[..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // A step of plain SGD is lr times the gradient.
    assert!((largest - 0.1 * 0.01).abs() < 1e-7, "{largest}");
}

#[test]
fn batches_that_are_accumulated_are_one_large_batch() {
    let data = samples(80, 1);
    let mut trainer = Accumulating::new(Mlp::seeded(1));
    let mut updates = Vec::new();
    for (inputs, targets) in batches(&data, 10) {
        updates.push(trainer.step((inputs, targets)).expect("the data fits").updated);
    }
    assert_eq!(updates, [false, false, false, true, false, false, false, true]);
    assert_eq!(trainer.run.steps(), 2);

    let mut model = Mlp::seeded(1);
    let mut optimizer = Adam { lr: 0.01, ..Adam::DEFAULT }.init(&model);
    let (mut gradients, mut workspace) = (model.zeros(), model.workspace(40));
    for (inputs, targets) in batches(&data, 40) {
        gradients.zero();
        let outputs = model.forward(Mode::Train, inputs, &mut workspace);
        CrossEntropyLoss::DEFAULT.forward(outputs, targets).expect("the targets fit");
        model.backward(inputs, &mut workspace, &mut gradients);
        optimizer.step(&mut model, &gradients);
    }
    let (found, expected) = (trainer.model.predict(&data.0), model.predict(&data.0));
    for (a, b) in found.as_flattened().iter().zip(expected.as_flattened()) {
        // The sums are rounded in another order.
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn gradients_that_wait_can_be_used_at_once() {
    let (inputs, targets) = samples(10, 1);
    let mut trainer = Accumulating::new(Mlp::seeded(1));
    assert!(!trainer.flush().expect("nothing to do"));
    trainer.step((&inputs, &targets)).expect("the data fits");
    let before = bits(&trainer);
    assert!(trainer.flush().expect("finite"));
    assert_ne!(bits(&trainer), before);
    assert_eq!((trainer.run.steps(), trainer.run.accumulated()), (1, 0));
}

#[test]
fn the_average_follows_the_parameters() {
    let data = samples(60, 1);
    let mut trainer = Averaging::new(Mlp::seeded(1));
    let mut expected: Option<Vec<f32>> = None;
    for (inputs, targets) in batches(&data, 20) {
        trainer.step((inputs, targets)).expect("the data fits");
        let now = trainer.model.weights().parameters.to_vec();
        expected = Some(match expected {
            None => now,
            Some(average) => average.iter().zip(&now).map(|(a, p)| 0.9 * a + 0.1 * p).collect(),
        });
    }
    let found = &trainer.averaged.module().weights().parameters;
    for (a, b) in found.iter().zip(&expected.expect("there were steps")) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    assert_eq!(trainer.eval_model().weights(), trainer.averaged.module().weights());
}

#[test]
fn schedules_follow_one_another() {
    let (inputs, targets) = samples(10, 1);
    let mut trainer = Scheduled::new(Mlp::seeded(1));
    let rates: Vec<f64> = (0..7).map(|_| trainer.step((&inputs, &targets)).expect("the data fits").lr).collect();
    let expected = [0.5, 0.75, 1.0, 1.0, 0.1, 0.1, 0.01];
    assert!(rates.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{rates:?}");
}

#[test]
fn schedules_work_together() {
    let (inputs, targets) = samples(10, 1);
    let mut trainer = Together::new(Mlp::seeded(1));
    let rates: Vec<f64> = (0..4).map(|_| trainer.step((&inputs, &targets)).expect("the data fits").lr).collect();
    assert_eq!(rates, [0.5, 0.25, 0.25, 0.125]);
}

#[test]
fn metrics_are_those_of_all_outputs_since_the_reset() {
    let data = samples(40, 1);
    let mut trainer = Measured::new(Mlp::seeded(1));
    let mut right = 0.0;
    for (step, (inputs, targets)) in (1..).zip(batches(&data, 20)) {
        let outputs = trainer.model.predict(inputs);
        let best = |row: &[f32; 3]| (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("three classes");
        right += outputs.iter().zip(targets).filter(|(row, target)| best(row) as i64 == **target).count() as f64;
        let out = trainer.step((inputs, targets)).expect("the data fits");
        assert_eq!(out.metrics[0], right / (20.0 * step as f64));
        assert!(out.metrics[1] >= out.metrics[0]);
    }
    trainer.reset_metrics();
    assert!(trainer.metrics.0.value().is_nan());
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads| {
        glulam::parallel::set_num_threads(threads);
        glulam::parallel::set_min_work(0);
        let mut trainer = WithDropout::new(Deep::seeded(7));
        train_on(&mut trainer, &samples(90, 1), 3);
        bits(&trainer)
    };
    let one = run(1);
    assert_eq!(run(2), one);
    assert_eq!(run(3), one);
}

#[test]
fn double_precision_is_trained_too() {
    let mut trainer = WithSgd::new(Mlp::seeded(1).cast::<f64>());
    let (inputs, targets) = samples(20, 1);
    let inputs: Vec<[f64; 8]> = inputs.iter().map(|row| row.map(f64::from)).collect();
    let first = trainer.step((&inputs, &targets)).expect("the data fits").loss;
    let last: f64 =
        (0..50).map(|_| trainer.step((&inputs, &targets)).expect("the data fits").loss).last().unwrap_or(first);
    assert!(last < first);
}

train! { ScheduleFree for Mlp { loss: CrossEntropyLoss, optimizer: AdamWScheduleFree(lr = 0.05), metrics: [Accuracy] } }
train! { Slow for Mlp { loss: CrossEntropyLoss, optimizer: Lookahead(AdamWScheduleFree(lr = 0.05), k = 3) } }

#[test]
fn a_schedule_free_optimizer_is_evaluated_with_its_averages() {
    let data = samples(90, 1);
    let mut trainer = ScheduleFree::new(Mlp::seeded(1));
    train_on(&mut trainer, &data, 3);
    let before = bits(&trainer);
    let (mut averages, mut optimizer) = (trainer.model.clone(), trainer.optimizer.clone());
    optimizer.eval(&mut averages.weights_mut().parameters);
    assert_ne!(averages.weights(), trainer.model.weights());

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("net.safetensors");
    assert_eq!(trainer.eval_model().weights(), averages.weights());
    assert_eq!(trainer.predict(&data.0), averages.predict(&data.0));
    trainer.eval_model().save(&path).expect("written");
    let mut loaded = Mlp::seeded(9);
    loaded.load(&path).expect("readable");
    assert_eq!(loaded.predict(&data.0), averages.predict(&data.0));
    let of_averages =
        glulam::train::evaluate(&averages, &trainer.loss, &mut (Accuracy::DEFAULT,), &crate::dataset(90, 1), 64);
    assert_eq!(trainer.evaluate(&crate::dataset(90, 1)).expect("the data fits"), of_averages.expect("the data fits"));

    // The training goes on with its own parameters.
    assert_eq!(bits(&trainer), before);
    train_on(&mut trainer, &data, 1);
    let mut wrapped = Slow::new(Mlp::seeded(1));
    train_on(&mut wrapped, &data, 1);
    assert_ne!(wrapped.eval_model().weights(), wrapped.model.weights());
}
