//! Trains a small residual network (He et al., 2015) to tell clothes apart, in some minutes on two cores.
//!
//! ```text
//! cargo run --release --example resnet
//! cargo run --release --example resnet -- --help
//! ```

use std::process::ExitCode;

use examples::{Classifier, classify, ended};
use glulam::prelude::*;

network! {
    block Body(I, O, S) <
        Conv2d(I, O, 3, stride = S, padding = 1, bias = false) -> BatchNorm2d(O) -> ReLU
        -> Conv2d(O, O, 3, padding = 1, bias = false) -> BatchNorm2d(O)
    >
    block Same(C) < Residual(Body(C, C, 1)) -> ReLU >
    block Down(I, O) <
        Residual(Body(I, O, 2), shortcut = Conv2d(I, O, 1, stride = 2, bias = false) -> BatchNorm2d(O)) -> ReLU
    >
    pub ResNet: [1, 28, 28] <
        stem: (Conv2d(1, 16, 3, padding = 1, bias = false) -> BatchNorm2d(16) -> ReLU)
        -> Same(16) -> Down(16, 32) -> Down(32, 64)
        -> AdaptiveAvgPool2d(1) -> Flatten -> fc: Linear(64, 10)
    >
}

train! {
    ResNetTrainer for ResNet {
        loss: CrossEntropyLoss(label_smoothing = 0.1),
        optimizer: SGD(lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 5e-4),
        scheduler: OneCycleLR(max_lr = 0.1) per step,
        metrics: [Accuracy],
    }
}

fn main() -> ExitCode {
    ended(classify::<ResNetTrainer>(Classifier { name: "resnet", seeded: ResNet::seeded }))
}
