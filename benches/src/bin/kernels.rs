//! The kernels of a linear layer, beside `matrixmultiply` on the same shapes and the same machine, one JSON line each.
//!
//! `cargo run --release -p benches --bin kernels -- --threads 1 [--shape 64x784x64] [--check 0.8]`. Times are the least of
//! many, because other programs only ever add to them. With `--check`, a kernel that is slower than this share of
//! `matrixmultiply`'s speed makes the program fail: a guard against a compiler that no longer keeps tiles in registers.

use std::hint::black_box;
use std::process::ExitCode;
use std::str::FromStr;

use benches::least_us;
use clap::Parser;
use glulam::network::{Kind, ParamSpec};
use glulam::optim::{Adam, Optimizer, OptimizerState, SGD};
use glulam::simd::Isa;
use glulam::{Flat, Real, Update};
use ndarray::ArrayView2;
use ndarray::linalg::general_mat_mul;
use serde::Serialize;

#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    common: benches::Args,
    /// Only this shape: batch x inputs x outputs.
    #[arg(long, value_name = "NxIxO")]
    shape: Option<Shape>,
    /// Fail where a kernel reaches less than this share of `matrixmultiply`'s speed.
    #[arg(long, value_name = "SHARE")]
    check: Option<f64>,
}

#[derive(Clone, Debug)]
struct Shape(usize, usize, usize);

impl FromStr for Shape {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Result<Vec<usize>, _> = text.split('x').map(str::parse).collect();
        match sizes.as_deref() {
            Ok(&[n, i, o]) if n * i * o > 0 => Ok(Shape(n, i, o)),
            _ => Err("expected batch x inputs x outputs, like 64x784x64".into()),
        }
    }
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    kernel: &'a str,
    shape: &'a str,
    isa: &'a str,
    us_min: f64,
    gflops: f64,
    /// The speed over that of `matrixmultiply` at the same product.
    of_matrixmultiply: f64,
}

/// Batch, inputs, outputs; and whether `--check` looks at it (a product of some size, with full registers).
const SHAPES: [(usize, usize, usize, bool); 12] = [
    (16, 4, 16, false),
    (16, 16, 16, false),
    (64, 784, 64, true),
    (64, 64, 10, false),
    (1, 784, 64, false),
    (128, 784, 512, true),
    (128, 512, 512, true),
    (4096, 128, 512, true),
    (4096, 512, 128, true),
    (256, 1024, 4096, true),
    (256, 4096, 4096, true),
    (256, 4096, 1000, true),
];

/// Numbers in [-0.5, 0.5).
fn numbers<T: Real>(len: usize, seed: u32) -> Flat<T> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut flat = Flat::zeros(len);
    for x in flat.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *x = T::from_f64(f64::from(state >> 8) / f64::from(1u32 << 24) - 0.5);
    }
    flat
}

/// A table of one weight.
fn table(inputs: usize, outputs: usize) -> &'static [ParamSpec] {
    let shape: &'static [usize] = Box::leak(Box::new([outputs, inputs]));
    let spec = ParamSpec::new("weight", shape, 0, Kind::Weight).stored(&[1, 0]);
    Box::leak(Box::new([ParamSpec { row: outputs, ..spec }]))
}

fn matrixmultiply(n: usize, i: usize, o: usize, x: &[f32], w: &[f32]) -> f64 {
    let view = |rows, columns, data| ArrayView2::from_shape((rows, columns), data).expect("rows times columns numbers");
    let (x, w) = (view(n, i, x), view(i, o, w));
    let mut y = ndarray::Array2::zeros((n, o));
    least_us(|| general_mat_mul(1.0, &black_box(x), &w, 0.0, black_box(&mut y)))
}

/// Times all kernels of one shape; returns the least share of `matrixmultiply`'s speed.
#[allow(clippy::print_stdout, reason = "the lines are what the program is for")]
fn measure<T: Real>(shape: &str, (n, i, o): (usize, usize, usize), isa: &str) -> f64 {
    let (x, w, b, dy) = (numbers::<T>(n * i, 1), numbers(i * o, 2), numbers(o, 3), numbers(n * o, 4));
    let (mut y, mut dx, mut dw) = (Flat::zeros(n * o), Flat::zeros(n * i), Flat::zeros(i * o));
    let (mut parameters, mut moved) = (w.clone(), w.clone());
    let table = table(i, o);
    let mut sgd = SGD { momentum: 0.9, ..SGD::DEFAULT }.init_for::<T>(table).expect("the settings are valid");
    let mut adam = Adam::DEFAULT.init_for::<T>(table).expect("the settings are valid");
    let reference = matrixmultiply(n, i, o, &numbers(n * i, 1), &numbers(i * o, 2));

    let mut worst = f64::INFINITY;
    let mut line = |kernel: &str, us: f64| {
        let of_matrixmultiply = reference / us;
        worst = worst.min(of_matrixmultiply);
        let gflops = 2.0 * (n * i * o) as f64 / us / 1e3;
        let line = Line { kernel, shape, isa, us_min: us, gflops, of_matrixmultiply };
        println!("{}", serde_json::to_string(&line).expect("a line of numbers and names is JSON"));
    };
    line("matrixmultiply", reference);
    line("forward", least_us(|| T::linear_forward(i, o, black_box(&x), &w, &b, black_box(&mut y), &|_, _| ())));
    line(
        "backward_input",
        least_us(|| T::linear_backward_input(i, o, black_box(&dy), &w, black_box(&mut dx), &|_, _| ())),
    );
    line(
        "backward_weight",
        least_us(|| T::linear_backward_weight(i, o, &x, &dy, 0, 0, &mut Update::accumulate(black_box(&mut dw), None))),
    );
    let sgd = sgd.fold().expect("the rule is element-wise");
    line(
        "backward_weight_sgd",
        least_us(|| T::linear_backward_weight(i, o, &x, &dy, 0, 0, &mut sgd.begin(black_box(&mut parameters)))),
    );
    let adam = adam.fold().expect("the rule is element-wise");
    line(
        "backward_weight_adam",
        least_us(|| T::linear_backward_weight(i, o, &x, &dy, 0, 0, &mut adam.begin(black_box(&mut moved)))),
    );
    worst
}

#[allow(clippy::print_stderr, reason = "the reason of the failure")]
fn main() -> std::io::Result<ExitCode> {
    let options = Options::parse();
    options.common.pin()?;
    let isa = Isa::current().level().name();
    let mut slow = Vec::new();
    let shapes = match &options.shape {
        Some(Shape(n, i, o)) => vec![(*n, *i, *o, true)],
        // What is not checked need not be timed then.
        None => SHAPES.into_iter().filter(|shape| options.check.is_none() || shape.3).collect(),
    };
    for (n, i, o, checked) in shapes {
        let shape = format!("{n}x{i}x{o}");
        let share = measure::<f32>(&shape, (n, i, o), isa);
        if checked && options.check.is_some_and(|least| share < least) {
            slow.push(format!("{shape}: {share:.2} of matrixmultiply's speed"));
        }
    }
    for shape in &slow {
        eprintln!("too slow: {shape}");
    }
    Ok(if slow.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
