//! Trains LeNet (LeCun et al., 1998, with rectifiers and the largest of windows) to tell clothes apart, in a few minutes on
//! two cores.
//!
//! ```text
//! cargo run --release --example lenet
//! cargo run --release --example lenet -- --help
//! ```

use std::process::ExitCode;

use examples::{Classifier, classify, ended};
use glulam::prelude::*;

network! {
    pub LeNet: [1, 28, 28] <
        Conv2d(1, 16, 5, padding = 2) -> ReLU -> MaxPool2d(2)
        -> Conv2d(16, 32, 5) -> ReLU -> MaxPool2d(2)
        -> Flatten -> Linear(_, 120) -> ReLU -> Linear(120, 84) -> ReLU -> Linear(84, 10)
    >
}

train! {
    LeNetTrainer for LeNet {
        loss: CrossEntropyLoss,
        optimizer: AdamW(lr = 3e-3),
        scheduler: WarmupCosineLR per step,
        metrics: [Accuracy],
    }
}

fn main() -> ExitCode {
    ended(classify::<LeNetTrainer>(Classifier { name: "lenet", seeded: LeNet::seeded }))
}
