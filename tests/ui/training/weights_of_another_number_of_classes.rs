use glulam::prelude::*;

network! { pub Mlp < Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! { MlpTrainer for Mlp { loss: CrossEntropyLoss(weight = LossWeights::new(&[1.0, 2.0])), optimizer: SGD(lr = 0.01) } }

fn main() {}
