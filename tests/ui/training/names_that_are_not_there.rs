use glulam::prelude::*;

network! { pub Mlp < Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! {
    MlpTrainer for Mlp {
        loss: MSE,
        optimizer: Adam(learning_rate = 1e-3, betas = [0.9]) { head => (decay = 0.1) },
        scheduler: CosineAnnealing(T_max = 5),
        metrics: [Acc, self::Mine],
        device: cuda,
    }
}

train! { Own for Mlp { loss: CrossEntropyLoss(class_weights = [1.0, 2.0, 3.0]), optimizer: Mine } }

type Mine = Accuracy;

fn main() {
    MlpTrainer::new(Mlp::new());
}
