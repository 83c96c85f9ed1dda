use glulam::prelude::*;

train! { MlpTrainer for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01) } }

fn main() {}
