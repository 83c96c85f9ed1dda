use glulam::prelude::*;

network! { Mlp < Linear(4, 3) -> Softmax > }

train! { MlpTrainer for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01) } }

fn main() {}
