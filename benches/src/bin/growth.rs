//! Time per training step against batch, width and depth: JSON lines, which `plot` turns into pictures.
//!
//! `cargo run --release -p benches --bin growth -- --threads 1 > growth.jsonl`; `benches/growth.py` prints the same lines for
//! PyTorch.

use benches::Args;
use clap::Parser;
use glulam::prelude::*;
use serde::Serialize;

network! { Batched < Linear(256, 256) -> ReLU -> Linear(256, 256) -> ReLU -> Linear(256, 10) > }
network! { Width16 < Linear(16, 16) -> ReLU -> Linear(16, 16) -> ReLU -> Linear(16, 10) > }
network! { Width32 < Linear(32, 32) -> ReLU -> Linear(32, 32) -> ReLU -> Linear(32, 10) > }
network! { Width64 < Linear(64, 64) -> ReLU -> Linear(64, 64) -> ReLU -> Linear(64, 10) > }
network! { Width128 < Linear(128, 128) -> ReLU -> Linear(128, 128) -> ReLU -> Linear(128, 10) > }
network! { Width256 < Linear(256, 256) -> ReLU -> Linear(256, 256) -> ReLU -> Linear(256, 10) > }
network! { Width512 < Linear(512, 512) -> ReLU -> Linear(512, 512) -> ReLU -> Linear(512, 10) > }
network! { Width1024 < Linear(1024, 1024) -> ReLU -> Linear(1024, 1024) -> ReLU -> Linear(1024, 10) > }
network! { Width2048 < Linear(2048, 2048) -> ReLU -> Linear(2048, 2048) -> ReLU -> Linear(2048, 10) > }
network! { Width4096 < Linear(4096, 4096) -> ReLU -> Linear(4096, 4096) -> ReLU -> Linear(4096, 10) > }
network! { Depth1 < (Linear(128, 128) -> ReLU) * 1 -> Linear(128, 10) > }
network! { Depth2 < (Linear(128, 128) -> ReLU) * 2 -> Linear(128, 10) > }
network! { Depth4 < (Linear(128, 128) -> ReLU) * 4 -> Linear(128, 10) > }
network! { Depth8 < (Linear(128, 128) -> ReLU) * 8 -> Linear(128, 10) > }
network! { Depth16 < (Linear(128, 128) -> ReLU) * 16 -> Linear(128, 10) > }
network! { Depth32 < (Linear(128, 128) -> ReLU) * 32 -> Linear(128, 10) > }

/// Samples of a step where width or depth grows.
const BATCH: usize = 128;

#[derive(Debug, Serialize)]
struct Line<'a> {
    peer: &'a str,
    axis: &'a str,
    x: usize,
    threads: u16,
    us_per_step_median: f64,
}

#[allow(clippy::print_stdout, reason = "the lines are what the program is for")]
fn measure<N>(args: &Args, axis: &str, x: usize, batch: usize, mut model: N)
where
    N: Network<f32, InputScalar = f32>,
{
    use glulam::network::{Sample, UpdateBy};
    let flat: Vec<f32> = (0..batch * N::Input::LEN).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
    let inputs = N::Input::from_flat(&flat);
    let targets: Vec<i64> = (0..batch as i64).map(|i| i % 10).collect();
    let mut optimizer = SGD { lr: 1e-3, momentum: 0.9, ..SGD::DEFAULT }.init(&model);
    let mut workspace = model.workspace(batch);
    let us = benches::median_us(|| {
        let loss = CrossEntropyLoss::DEFAULT;
        let loss = Loss::<f32, i64>::bind(&loss, N::OUTPUT_SHAPE, batch, &targets).expect("the classes exist");
        let update = UpdateBy::Optimizer(optimizer.fold().expect("SGD is element-wise"));
        std::hint::black_box(model.forward_backward(inputs, &loss, &mut workspace, update));
    });
    let line = Line { peer: &args.peer, axis, x, threads: args.threads, us_per_step_median: us };
    println!("{}", serde_json::to_string(&line).expect("a line of numbers and names is JSON"));
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    args.pin()?;
    for batch in (0..13).map(|i| 1 << i) {
        measure(&args, "batch", batch, batch, Batched::seeded(0));
    }
    macro_rules! each {
        ($axis:literal: $($network:ident = $x:literal),*) => {
            $(measure(&args, $axis, $x, BATCH, $network::seeded(0));)*
        };
    }
    each!("width": Width16 = 16, Width32 = 32, Width64 = 64, Width128 = 128, Width256 = 256, Width512 = 512,
        Width1024 = 1024, Width2048 = 2048, Width4096 = 4096);
    each!("depth": Depth1 = 1, Depth2 = 2, Depth4 = 4, Depth8 = 8, Depth16 = 16, Depth32 = 32);
    Ok(())
}
