//! How fast optimizers move parameters: bytes read and written per second, against the bandwidth of a copy.
//!
//! `cargo run --release -p benches --bin optimizers -- --threads 1`; `benches/optimizers.py` prints the same lines for PyTorch's
//! fused optimizers.

use benches::Args;
use clap::Parser;
use glulam::network::{Kind, ParamSpec};
use glulam::optim::*;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Line<'a> {
    peer: &'a str,
    optimizer: &'a str,
    parameters: usize,
    threads: u16,
    us_per_step_median: f64,
    gigabytes_per_second: f64,
    /// The same over what a copy of as many numbers reaches here.
    of_copy: f64,
}

/// A table of one parameter.
fn table(parameters: usize) -> &'static [ParamSpec] {
    let shape: &'static [usize] = Box::leak(Box::new([parameters]));
    Box::leak(Box::new([ParamSpec::new("weight", shape, 0, Kind::Weight)]))
}

/// `arrays` counts the arrays of numbers that a step reads, and those that it writes.
#[allow(clippy::print_stdout, reason = "the lines are what the program is for")]
fn measure<S: Optimizer>(args: &Args, settings: S, parameters: usize, arrays: usize, copy: f64) {
    let mut state = settings.init_for::<f32>(table(parameters)).expect("the settings are valid");
    let (mut weights, gradients) = (vec![0.5f32; parameters], vec![1e-3f32; parameters]);
    let us = benches::median_us(|| state.step_flat(&mut weights, &gradients));
    let rate = (arrays * 4 * parameters) as f64 / us / 1e3;
    let line = Line {
        peer: &args.peer,
        optimizer: S::NAME,
        parameters,
        threads: args.threads,
        us_per_step_median: us,
        gigabytes_per_second: rate,
        of_copy: rate / copy,
    };
    println!("{}", serde_json::to_string(&line).expect("a line of numbers and names is JSON"));
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    args.pin()?;
    for parameters in [50_000, 25_000_000] {
        let (from, mut to) = (vec![1.0f32; parameters], vec![0.0f32; parameters]);
        let us = benches::median_us(|| {
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
        });
        let copy = (8 * parameters) as f64 / us / 1e3;
        measure(&args, SGD { momentum: 0.9, ..SGD::DEFAULT }, parameters, 5, copy);
        measure(&args, Adam::DEFAULT, parameters, 7, copy);
        measure(&args, AdamW::DEFAULT, parameters, 7, copy);
        measure(&args, RMSprop::DEFAULT, parameters, 5, copy);
        measure(&args, Adagrad::DEFAULT, parameters, 5, copy);
    }
    Ok(())
}
