//! Whole training steps (gradient reset, forward, loss, backward, update) of fixed workloads: one JSON line each.
//!
//! `cargo run --release -p benches --bin step -- --threads 1 --only mlp_seed`

use benches::{Args, Cost, Workload};
use clap::Parser;
use glulam::network::{ParamSpec, Sample};
use glulam::prelude::*;

network! { MlpSeed < Linear(784, 64) -> ReLU -> Linear(64, 10) > }
network! { MlpAdam < Linear(784, 512) -> ReLU -> Linear(512, 512) -> ReLU -> Linear(512, 10) > }
network! { MlpLarge < Linear(1024, 4096) -> ReLU -> Linear(4096, 4096) -> ReLU -> Linear(4096, 1000) > }
network! { MlpTiny < Linear(4, 16) -> Tanh -> Linear(16, 16) -> Tanh -> Linear(16, 3) > }

network! { LeNet: [1, 28, 28] <
    Conv2d(1, 32, 3) -> ReLU -> Conv2d(32, 64, 3) -> ReLU -> MaxPool2d(2)
    -> Flatten -> Linear(9216, 128) -> ReLU -> Linear(128, 10)
> }
network! {
    block Body(I, O, S) <
        Conv2d(I, O, 3, stride = S, padding = 1, bias = false) -> BatchNorm2d(O) -> ReLU
        -> Conv2d(O, O, 3, padding = 1, bias = false) -> BatchNorm2d(O)
    >
    block Down(I, O) < Residual(Body(I, O, 2), shortcut = Conv2d(I, O, 1, stride = 2, bias = false) -> BatchNorm2d(O)) >
    ResNet8: [3, 32, 32] <
        Conv2d(3, 16, 3, padding = 1, bias = false) -> BatchNorm2d(16) -> ReLU
        -> Residual(Body(16, 16, 1)) -> ReLU -> Down(16, 32) -> ReLU -> Down(32, 64) -> ReLU
        -> AdaptiveAvgPool2d(1) -> Flatten -> Linear(64, 10)
    >
}

train! { SeedTrainer for MlpSeed { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9) } }
train! { AdamTrainer for MlpAdam { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-3) } }
train! { LargeTrainer for MlpLarge { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9) } }
train! { TinyTrainer for MlpTiny { loss: CrossEntropyLoss, optimizer: Adam(lr = 1e-3) } }
train! { LeNetTrainer for LeNet { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9) } }
train! {
    ResNet8Trainer for ResNet8 {
        loss: CrossEntropyLoss,
        optimizer: SGD(lr = 0.01, momentum = 0.9, weight_decay = 5e-4),
    }
}

const WORKLOADS: [Workload; 8] = [
    Workload { name: "mlp_seed", batch: 64, inputs: 784, classes: 10 },
    Workload { name: "mlp_adam", batch: 128, inputs: 784, classes: 10 },
    Workload { name: "mlp_large", batch: 256, inputs: 1024, classes: 1000 },
    Workload { name: "mlp_tiny", batch: 16, inputs: 4, classes: 3 },
    Workload { name: "lenet", batch: 64, inputs: 784, classes: 10 },
    Workload { name: "resnet8", batch: 128, inputs: 3 * 32 * 32, classes: 10 },
    Workload { name: "infer_mlp_b1", batch: 1, inputs: 784, classes: 10 },
    Workload { name: "infer_lenet_b1", batch: 1, inputs: 784, classes: 10 },
];

/// Multiply-adds of one sample in each weight's product, the first weight's first.
fn products(table: &[ParamSpec]) -> impl Iterator<Item = usize> {
    table.iter().filter(|param| param.shape.len() >= 2).map(|param| param.len * param.cost)
}

/// What a training step needs at least: three products for each weight, but no gradient of the inputs; and the parameters
/// with the `slots` arrays of the optimizer, read and written.
fn training(table: &[ParamSpec], batch: usize, slots: usize) -> Option<Cost> {
    let (all, first) = (products(table).sum::<usize>(), products(table).next().unwrap_or(0));
    let parameters: usize = table.iter().map(|param| param.len).sum();
    Some(Cost { flops: 2 * batch * (3 * all - first), bytes: 2 * size_of::<f32>() * parameters * (1 + slots) })
}

/// What a prediction of one sample needs at least: the products, and the weights, read once.
fn predicting(table: &[ParamSpec]) -> Cost {
    let parameters: usize = table.iter().map(|param| param.len).sum();
    Cost { flops: 2 * products(table).sum::<usize>(), bytes: size_of::<f32>() * parameters }
}

/// Steps of one trainer; each takes its batch as a slice of the data in memory.
macro_rules! train {
    ($args:expr, $workload:expr, $trainer:ident, $network:ident, $slots:literal) => {{
        let (inputs, targets) = $workload.dataset();
        let inputs = <$network as Network<f32>>::Input::from_flat(&inputs);
        let mut trainer = $trainer::new($network::seeded(0));
        $workload.bench($args, training($network::PARAMS, $workload.batch, $slots), |row| {
            let rows = row..row + $workload.batch;
            let out = trainer.step((&inputs[rows.clone()], &targets[rows])).expect("the data fits the network");
            Some(out.loss)
        });
    }};
}

/// Predictions of one sample.
macro_rules! predict {
    ($args:expr, $workload:expr, $network:ident, $cost:expr) => {{
        let (inputs, _) = $workload.dataset();
        let inputs = <$network as Network<f32>>::Input::from_flat(&inputs);
        let (model, mut outputs) = ($network::seeded(0), [[0.0f32; 10]]);
        $workload.bench($args, $cost, |row| {
            model.predict_into(&inputs[row..row + 1], &mut outputs);
            std::hint::black_box(&outputs);
            None
        });
    }};
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    if args.list {
        #[allow(clippy::print_stdout, reason = "the list is what was asked for")]
        WORKLOADS.iter().for_each(|workload| println!("{}", workload.name));
        return Ok(());
    }
    if let Some(only) = args.only.as_ref().filter(|only| WORKLOADS.iter().all(|w| w.name != only.as_str())) {
        return Err(std::io::Error::other(format!("there is no workload {only:?}; --list names them")));
    }
    args.pin()?;
    for workload in WORKLOADS.iter().filter(|w| args.wants(w)) {
        match workload.name {
            "mlp_seed" => train!(&args, workload, SeedTrainer, MlpSeed, 1),
            "mlp_adam" => train!(&args, workload, AdamTrainer, MlpAdam, 2),
            "mlp_large" => train!(&args, workload, LargeTrainer, MlpLarge, 1),
            "mlp_tiny" => train!(&args, workload, TinyTrainer, MlpTiny, 2),
            "lenet" => train!(&args, workload, LeNetTrainer, LeNet, 1),
            "resnet8" => train!(&args, workload, ResNet8Trainer, ResNet8, 1),
            // Weights are read and nothing is written, which is faster than copies are.
            "infer_mlp_b1" => predict!(&args, workload, MlpSeed, None),
            "infer_lenet_b1" => predict!(&args, workload, LeNet, Some(predicting(LeNet::PARAMS))),
            other => unreachable!("{other} is in the table"),
        }
    }
    Ok(())
}
