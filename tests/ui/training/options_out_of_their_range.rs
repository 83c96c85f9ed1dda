use glulam::prelude::*;

network! { Mlp < Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! {
    Negative for Mlp { loss: CrossEntropyLoss(label_smoothing = 1.5), optimizer: SGD(lr = -0.1) }
}
train! {
    Betas for Mlp { loss: CrossEntropyLoss, optimizer: AdamW(betas = (0.9, 1.0)) { head => (lr = -1.0) } }
}
train! {
    Nesterov for Mlp {
        loss: CrossEntropyLoss,
        optimizer: Lookahead(SGD(lr = 0.1, nesterov = true), k = 0),
        scheduler: LinearLR(start_factor = 2.0) -> StepLR(gamma = 0.5),
        clip_grad_norm: 0.0,
        ema: 1.5,
    }
}
train! {
    Unknown for Mlp { loss: CrossEntropyLoss, optimizer: Adam(learning_rate = 0.1) }
}

fn main() {}
