//! Bad batches, for trainers of every way to take a step.

use glulam::prelude::*;

use super::{Net, Plain, classes, inputs, numbers, twins};

network! { Straight < Linear(6, 4) > }

train! { Fused for Net { loss: CrossEntropyLoss, optimizer: AdamW(lr = 1e-2), metrics: [Accuracy, ConfusionMatrix] } }
train! { Scheduled for Net {
    loss: CrossEntropyLoss(label_smoothing = 0.1),
    optimizer: SGD(lr = 0.1, momentum = 0.9),
    scheduler: CosineAnnealingLR(T_max = 50) per step,
    ema: 0.9,
} }
train! { Clipped for Net { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-2), clip_grad_norm: 1.0 } }
train! { ClippedByValue for Net { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-2), clip_grad_value: 1.0 } }
train! { Accumulated for Net {
    loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-2), accumulate: 3, clip_grad_norm: 1.0,
} }
train! { ScheduleFree for Net { loss: CrossEntropyLoss, optimizer: AdamWScheduleFree(lr = 1e-2) } }
train! { Momentum for Net { loss: CrossEntropyLoss, optimizer: RMSprop(lr = 1e-3, momentum = 0.9) } }

train! { Squared for Plain { loss: MSELoss, optimizer: SGD(lr = 0.01, momentum = 0.9) } }
train! { SquaredClipped for Plain {
    loss: MSELoss, optimizer: SGD(lr = 0.01, momentum = 0.9), clip_grad_norm: 1.0,
} }
train! { Line for Straight { loss: L1Loss, optimizer: SGD(lr = 0.01) } }
train! { LineAdam for Straight { loss: L1Loss, optimizer: Adam(lr = 0.01) } }
train! { LineClipped for Straight { loss: L1Loss, optimizer: SGD(lr = 0.01), clip_grad_norm: 1.0 } }

const LABELS: [i64; 9] = [-1, 4, 5, 255, -100, i64::MIN, i64::MAX, 1 << 32, -(1 << 32)];

/// Returns the number of cases.
pub fn run() -> usize {
    let mut cases = 0;
    macro_rules! each {
        ($run:ident: $($trainer:ident)*) => { $(
            cases += $run(stringify!($trainer), || {
                $trainer::builder(<$trainer as Trainer<f32>>::Model::seeded(1)).capacity(8).build().expect("valid")
            });
        )* };
    }
    each!(of_classes: Fused Scheduled Clipped ClippedByValue Accumulated ScheduleFree Momentum);
    each!(of_numbers: Squared SquaredClipped Line LineAdam LineClipped);
    cases + first_batch()
}

fn of_classes<R>(name: &str, new: impl Fn() -> R) -> usize
where
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 6]>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: glulam::train::Metrics<f32, i64>,
{
    let good = |i: usize| (inputs(8, i as u32), classes(8, i));
    let check = |what: String, x, y| twins(&format!("{name}, {what}"), &new, (x, y), good);
    let mut cases = 0;
    for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e38, 3e38, 1e30, 1e-45] {
        for count in [1usize, 48] {
            let mut x = inputs(8, 9);
            (0..count).for_each(|k| x[(k / 6 + 3) % 8][k % 6] = poison);
            cases += check(format!("{count} inputs of {poison:e}"), x, classes(8, 1));
        }
    }
    for label in LABELS {
        let mut y = classes(8, 1);
        y[7] = label;
        cases += check(format!("label {label}"), inputs(8, 9), y);
    }
    cases += check("nothing but labels to ignore".to_owned(), inputs(8, 9), vec![-100; 8]);
    for (samples, labels) in [(8, 7), (9, 9), (1, 1), (0, 0)] {
        cases += check(format!("{samples} samples, {labels} labels"), inputs(samples, 9), classes(labels, 1));
    }
    cases
}

fn of_numbers<R>(name: &str, new: impl Fn() -> R) -> usize
where
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; 6]>,
    R::Loss: Loss<f32, f32>,
    R::Metrics: glulam::train::Metrics<f32, f32>,
{
    let good = |i: usize| (inputs(8, i as u32), numbers(8, i));
    let check = |what: String, x, y| twins(&format!("{name}, {what}"), &new, (x, y), good);
    let mut cases = 0;
    for poison in [f32::NAN, f32::INFINITY, 1e19, 1e20, 3e38] {
        let (mut x, mut y) = (inputs(8, 9), numbers(8, 1));
        (x[3][2], y[5]) = (poison, poison);
        cases += check(format!("an input of {poison:e}"), x.clone(), numbers(8, 1));
        cases += check(format!("a target of {poison:e}"), inputs(8, 9), y.clone());
        cases += check(format!("an input and a target of {poison:e}"), x, y);
    }
    cases
}

/// A first batch that is refused must not decide how large later ones may be.
fn first_batch() -> usize {
    let mut trainer = Fused::new(Net::seeded(1));
    let error = trainer.step((&inputs(2, 1), &[9i64, 9])).expect_err("there is no such class");
    if let Err(later) = trainer.step((&inputs(8, 1), &classes(8, 1))) {
        crate::fault(format!("a first batch of 2 is refused ({error}), and then a good one of 8: {later}"));
    }
    1
}
