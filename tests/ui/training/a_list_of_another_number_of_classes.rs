use glulam::prelude::*;

network! { pub Mlp < Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! { MlpTrainer for Mlp { loss: CrossEntropyLoss(weight = [1.0, 2.0], label_smoothing = 1.5), optimizer: SGD(lr = 0.01) } }
train! { Labels for Mlp { loss: BCEWithLogitsLoss(weight = [1.0], pos_weight = [1.0, 2.0]), optimizer: SGD(lr = 0.01) } }
train! { Integers for Mlp { loss: CrossEntropyLoss(weight = [1, 2, 3]), optimizer: SGD(lr = 0.01) } }

fn main() {}
