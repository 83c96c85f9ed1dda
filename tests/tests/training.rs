//! x
use glulam::prelude::*;
use glulam::train;

network! { pub Mlp < Linear(8, 16) -> ReLU -> Linear(16, 3) > }

train! { pub Plain for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9) } }
train! {
    /// Trains everything.
    pub Everything for Mlp {
        loss: CrossEntropyLoss(label_smoothing = 0.1),
        optimizer: AdamW(lr = 1e-3, weight_decay = 0.01) { no_decay: [bias, norm], "2" => (lr = 3e-3) },
        scheduler: LinearLR(start_factor = 0.1, total_iters = 5) -> CosineAnnealingLR(T_max = 10) per step,
        clip_grad_norm: 1.0,
        accumulate: 4,
        ema: 0.999,
    }
}

#[test]
fn it_runs() {
    let mut trainer = Plain::new(Mlp::seeded(1));
    let inputs = [[0.5f32; 8]; 4];
    let targets = [0i64, 1, 2, 0];
    for _ in 0..5 {
        let out = trainer.step((&inputs, &targets)).unwrap();
        println!("{out:?}");
    }
    let mut trainer = Everything::new(Mlp::seeded(1));
    for _ in 0..12 {
        let out = trainer.step((&inputs, &targets)).unwrap();
        println!("{out:?}");
    }
}
