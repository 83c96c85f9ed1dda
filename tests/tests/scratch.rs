use glulam::prelude::*;
network! { pub Mlp < Linear(8, 16) -> ReLU -> head: Linear(16, 3) > }
network! { pub Soft < Linear(8, 16) -> ReLU -> head: Linear(16, 3) -> Softmax(1) > }
train! { pub C for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lrr = 0.1) } }
train! { pub D for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lr = -0.1) } }
train! { pub F for Soft { loss: CrossEntropyLoss, optimizer: Adam(lr = 1.0) } }
train! { pub G for Mlp { loss: CrossEntropyLoss(weight = LossWeights::new(&[1.0, 2.0])), optimizer: Adam(lr = 1.0) } }
train! { pub H for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lr = 1.0) { head => (lrr = 0.1) } } }
train! { pub J for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lr = 1.0), ema: 1.5 } }
train! { pub K for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lr = 1.0) { head => (lr = -0.1) } } }
train! { pub L for Mlp { loss: CrossEntropyLoss, optimizer: Adam(lr = 1.0), scheduler: StepLR(step_size = 0) for 5 -> LinearLR } }
train! { pub M for Mlp { loss: CrossEntropyLoss(reduction = Reduction::None), optimizer: Adam(lr = 1.0), scheduler: StepLR } }
