use glulam::prelude::*;

network! { pub Mlp < Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! { MlpTrainer for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01) { head => (lr = 0.1), "*.weight" => (lr = 0.2) } } }

fn main() {}
