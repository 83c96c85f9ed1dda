use glulam::prelude::*;

network! { pub Mlp < Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! { MlpTrainer for Mlp { loss: CrossEntropyLoss, optimiser: SGD(lr = 0.01), sheduler: StepLR(step_size = 3), device: cuda } }

fn main() {}
