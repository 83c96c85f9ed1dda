//! The same bits for any number of threads: a network of each kind of layer and every optimizer, odd batch sizes, splitting
//! forced.
//!
//! One test, since the number of threads belongs to the whole process.

use glulam::network::{Sample, UpdateBy};
use glulam::parallel::{set_min_work, set_num_threads, shares_taken_by_helpers};
use glulam::prelude::*;

network! { Perceptron < Linear(20, 33) -> ReLU -> Linear(33, 70) -> GELU -> Linear(70, 5) > }
network! { Tiny < Linear(4, 16) -> Tanh -> Linear(16, 3) > }
network! { Wide < Linear(40, 300) -> SiLU -> Linear(300, 130) -> LeakyReLU(0.1) -> Linear(130, 10) > }
network! { Normed: [3, 7] < Linear(7, 6) -> BatchNorm1d(3) -> LayerNorm(6) -> Mish -> Flatten -> Linear(_, 5) > }
network! {
    Grouped: [6, 7] < GroupNorm(2, 6) -> Linear(7, 5) -> InstanceNorm1d(6, affine = true, track_running_stats = true) -> Dropout1d(0.2)
        -> LocalResponseNorm(3) -> RMSNorm(5) -> AlphaDropout(0.1) -> FeatureAlphaDropout(0.1) -> Flatten -> Linear(_, 5) >
}
network! { Noisy: [12] < Dropout(0.3) -> Linear(12, 17) -> RReLU -> PReLU -> Dropout(0.1) -> Linear(17, 4) > }
network! { Deep < Linear(9, 9) -> Residual(LayerNorm(9) -> Linear(9, 18) -> GELU -> Linear(18, 9)) * 3 -> Linear(9, 3) > }
network! { Forked < Linear(6, 8) as a -> ELU -> [_, a, Linear(_, 8) -> Tanh] => Add -> Linear(8, 4) > }
network! { Sliced: [4, 6] < Linear(6, 8) -> GLU -> Softplus -> Softmax(dim = 1) -> Flatten -> Linear(_, 3) > }

const BATCHES: [usize; 6] = [1, 2, 3, 7, 33, 64];

/// The weights after some steps of each batch size, and every loss.
fn train<N: Network<f32, InputScalar = f32>>(
    mut model: N,
    mut optimizer: impl OptimizerState<f32>,
    folded: bool,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let classes = N::OUTPUT_SHAPE[0] as i64;
    let mut workspace = model.workspace(64);
    let mut gradients = model.zeros();
    let (mut losses, mut predicted) = (Vec::new(), Vec::new());
    for (step, rows) in BATCHES.into_iter().cycle().take(18).enumerate() {
        let flat: Vec<f32> =
            (0..rows * N::Input::LEN).map(|i| ((i * 37 + step * 11) % 64) as f32 / 16.0 - 2.0).collect();
        let inputs = N::Input::from_flat(&flat);
        let targets: Vec<i64> = (0..rows as i64).map(|i| (i * 7 + step as i64) % classes).collect();
        let criterion = CrossEntropyLoss { label_smoothing: 0.1, ..CrossEntropyLoss::DEFAULT };
        let loss = if folded {
            let bound = Loss::<f32, i64>::bind(&criterion, N::OUTPUT_SHAPE, rows, &targets).expect("the classes exist");
            let update = UpdateBy::Optimizer(optimizer.fold().expect("it is element-wise"));
            model.forward_backward(inputs, &bound, &mut workspace, update)
        } else {
            gradients.zero();
            let outputs = model.forward(Mode::Train, inputs, &mut workspace);
            let loss = criterion.forward(outputs, &targets).expect("the classes exist");
            model.backward(inputs, &mut workspace, &mut gradients);
            optimizer.step(&mut model, &gradients);
            loss
        };
        losses.push(loss);
        predicted.extend_from_slice(N::Output::to_flat(&model.predict(inputs)));
    }
    (model.weights().parameters.to_vec(), losses, predicted)
}

/// Returns how many shares helpers took: a busy machine may leave all of some steps to the caller.
fn check<N: Network<f32, InputScalar = f32>>(model: N) -> u64 {
    check_with(model, AdamW { lr: 1e-2, ..AdamW::DEFAULT })
}

/// Biases are frozen for those that train matrices alone.
fn check_with<N: Network<f32, InputScalar = f32>, S: Optimizer>(model: N, settings: S) -> u64 {
    let state = || {
        let groups = groups(N::PARAMS, settings.clone());
        let groups = if S::NAME == Muon::NAME { groups.freeze("**.bias") } else { groups };
        groups.build::<f32>().expect("valid settings")
    };
    set_min_work(0);
    set_num_threads(1);
    let before = shares_taken_by_helpers();
    let alone = train(model.clone(), state(), S::ELEMENT_WISE);
    assert!(alone.1.iter().all(|loss| loss.is_finite()), "{}", N::NAME);
    assert_eq!(shares_taken_by_helpers(), before, "{}: one thread has no helpers", N::NAME);
    for threads in [1, 2, 3, 4] {
        set_num_threads(threads);
        for folded in [true, false].into_iter().filter(|&folded| S::ELEMENT_WISE || !folded) {
            let together = train(model.clone(), state(), folded);
            assert!(alone == together, "{} on {threads} threads with {}, folded: {folded}", N::NAME, S::NAME);
        }
    }
    shares_taken_by_helpers() - before
}

#[test]
fn any_number_of_threads_gives_the_same_bits_folded_or_not() {
    let shares = [
        check(Perceptron::seeded(1)),
        check(Tiny::seeded(1)),
        check(Wide::seeded(1)),
        check(Normed::seeded(1)),
        check(Grouped::seeded(1)),
        check(Noisy::seeded(1)),
        check(Deep::seeded(1)),
        check(Forked::seeded(1)),
        check(Sliced::seeded(1)),
        check_with(Wide::seeded(1), SGD { lr: 0.01, momentum: 0.9, nesterov: true, ..SGD::DEFAULT }),
        check_with(Wide::seeded(1), Adam { lr: 1e-2, amsgrad: true, ..Adam::DEFAULT }),
        check_with(Wide::seeded(1), Adamax::DEFAULT),
        check_with(Wide::seeded(1), NAdam::DEFAULT),
        check_with(Wide::seeded(1), RAdam::DEFAULT),
        check_with(Wide::seeded(1), RMSprop { lr: 1e-3, momentum: 0.9, centered: true, ..RMSprop::DEFAULT }),
        check_with(Wide::seeded(1), Adagrad::DEFAULT),
        check_with(Wide::seeded(1), Adadelta::DEFAULT),
        check_with(Wide::seeded(1), ASGD { t0: 3.0, ..ASGD::DEFAULT }),
        check_with(Wide::seeded(1), Rprop { lr: 1e-4, ..Rprop::DEFAULT }),
        check_with(Wide::seeded(1), Lion::DEFAULT),
        check_with(Wide::seeded(1), Adan::DEFAULT),
        check_with(Wide::seeded(1), AdamWScheduleFree::DEFAULT),
        check_with(Wide::seeded(1), Lookahead { optimizer: Adam::DEFAULT, k: 3, alpha: 0.5 }),
        check_with(Wide::seeded(1), LAMB::DEFAULT),
        check_with(Wide::seeded(1), LARS::DEFAULT),
        check_with(Wide::seeded(1), Adafactor::DEFAULT),
        check_with(Wide::seeded(1), Muon::DEFAULT),
    ];
    assert!(shares.iter().sum::<u64>() > 0, "more than one thread has worked: {shares:?}");
}
