use glulam::prelude::*;

network! { Mlp < Linear(4, 3) -> Sigmoid > }

train! { MlpTrainer for Mlp { loss: BCEWithLogitsLoss, optimizer: SGD(lr = 0.01) } }

fn main() {}
