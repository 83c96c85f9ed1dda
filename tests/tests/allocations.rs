//! A training step and a prediction allocate nothing, on whatever thread: an allocator counts.
//!
//! A program of its own rather than a test: the count is that of the whole process, in which a test's supervisor
//! allocates as it likes.
#![allow(clippy::print_stdout, reason = "the report is what the test is for")]

use std::alloc::System;

use glulam::prelude::*;
use glulam::train::Metrics;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

network! { pub Mlp < Linear(32, 48) -> ReLU -> head: Linear(48, 10) > }
network! { pub Small: [8] < Linear(8, 100) -> ReLU -> head: Linear(100, 10) > }
network! { pub Deep < Linear(32, 48) -> BatchNorm1d(48) -> GELU -> Dropout(0.1) -> LayerNorm(48) -> head: Linear(48, 10) > }
network! { pub Wide: [32] < Linear(32, 1200) -> ReLU -> Linear(1200, 10) > }
// Predicted as a whole batch.
network! { pub Untracked < Linear(32, 1200) -> BatchNorm1d(1200, track_running_stats = false) -> Linear(1200, 10) > }

train! { WithSgd for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9) } }
// So few parameters that their gradients wait for one call of the rule, in memory that is in use while the product of a
// weight that is not a single block needs some.
train! { OfFew for Small { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-3) } }
train! {
    WithAdamW for Deep {
        loss: CrossEntropyLoss(label_smoothing = 0.1),
        optimizer: AdamW(lr = 1e-3) { no_decay: [bias, norm], head => (lr = 3e-3) },
        scheduler: LinearLR(start_factor = 0.1, total_iters = 5) -> CosineAnnealingLR(T_max = 10) per step,
        freeze: ["0.bias"],
        metrics: [Accuracy, TopK(k = 3), F1Score],
    }
}
train! {
    WithEverything for Deep {
        loss: CrossEntropyLoss,
        optimizer: AdamW(lr = 1e-3) { no_decay: [bias, norm] },
        scheduler: StepLR(step_size = 3) + ExponentialLR(gamma = 0.9) per step,
        clip_grad_norm: 1.0,
        clip_grad_value: 0.5,
        accumulate: 2,
        ema: 0.99,
        metrics: [Accuracy],
    }
}

/// The samples of one batch, and of a last one that is smaller.
fn samples<const N: usize>() -> (Vec<[f32; N]>, Vec<i64>) {
    let mut generator = glulam::rng::Generator::seed_from(1);
    let inputs = (0..64).map(|_| std::array::from_fn(|_| generator.uniform(-1.0, 1.0) as f32)).collect();
    (inputs, (0..64).map(|i| i % 10).collect())
}

fn check<const N: usize, R>(mut trainer: R, threads: usize)
where
    R: Trainer<f32>,
    R::Model: Network<f32, Input = [f32; N]>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let (inputs, targets) = samples::<N>();
    let epoch = |trainer: &mut R| {
        for rows in [0..64, 0..64, 10..64, 5..29] {
            trainer.step((&inputs[rows.clone()], &targets[rows])).expect("the data fits");
        }
    };
    epoch(&mut trainer);
    let region = Region::new(COUNTED);
    (0..100).for_each(|_| epoch(&mut trainer));
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0), "{} on {threads} threads", R::NAME);
}

/// The values of a prediction are in use while its products pack their operands.
fn check_predictions<M: Network<f32, Input = [f32; 32], Output = [f32; 10]>>(model: M, threads: usize) {
    let (inputs, _) = samples();
    let mut outputs = [[0.0; 10]; 64];
    let mut epoch = || {
        for rows in [0..64, 0..64, 10..64, 5..29] {
            model.predict_into(&inputs[rows.clone()], &mut outputs[rows]);
        }
    };
    epoch();
    let region = Region::new(COUNTED);
    (0..100).for_each(|_| epoch());
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0), "predictions of {} on {threads} threads", M::NAME);
}

fn main() {
    let region = Region::new(COUNTED);
    drop(std::hint::black_box(vec![0u8; 9]));
    assert_eq!(region.change().allocations, 1, "an allocation is not counted");

    // Even a small step is shared out, so that the other threads take part.
    glulam::parallel::set_min_work(0);
    for threads in [1, 2] {
        glulam::parallel::set_num_threads(threads);
        check(WithSgd::new(Mlp::seeded(1)), threads);
        check(WithSgd::builder(Mlp::seeded(1)).fused(false).build().expect("valid"), threads);
        check(OfFew::new(Small::seeded(1)), threads);
        check(WithAdamW::new(Deep::seeded(1)), threads);
        check(WithEverything::new(Deep::seeded(1)), threads);
        check_predictions(Wide::seeded(1), threads);
        check_predictions(Untracked::seeded(1), threads);
    }
    assert!(glulam::parallel::shares_taken_by_helpers() > 0, "no other thread has taken part");
    println!("a step and a prediction allocate nothing, on 1 and on 2 threads: ok");
}
