//! The kernels of convolutions, as shares of the peak of multiply-adds, one JSON line for each shape and batch.
//!
//! `cargo run --release -p benches --bin convolutions`. Shares count the multiply-adds of the sum over all pairs of a window's
//! element and a weight. Times are the least of many, because other programs only ever add to them.

use std::hint::black_box;

use benches::{least_us, peak_flops_per_us, pin};
use clap::Parser;
use glulam::Update;
use glulam::kernels::{Conv, Padding, Span, Window, conv_backward_input, conv_backward_weight, conv_forward};
use serde::Serialize;

/// Times convolutions, forward and both gradients.
#[derive(Debug, Parser)]
struct Options {
    /// Threads; the process is pinned to as many processors.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    threads: u16,
    /// Only the shapes whose names begin so.
    #[arg(long, value_name = "SHAPE", default_value = "")]
    only: String,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    shape: &'a str,
    batch: usize,
    gflops_peak: f64,
    forward: f64,
    backward_input: f64,
    backward_weight: f64,
}

/// `rows` rows of numbers in [-0.5, 0.5).
fn numbers<const F: usize>(rows: usize) -> Vec<[f32; F]> {
    let number = |i: usize| (i as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5;
    (0..rows).map(|row| std::array::from_fn(|i| number(row * F + i))).collect()
}

/// Times the kernels of a square window over a square image.
#[allow(clippy::print_stdout, reason = "the lines are what the program is for")]
fn measure<const X: usize, const Y: usize, const K: usize, const O: usize>(
    shape: &str,
    (size, kernel, padding, groups): (usize, usize, usize, usize),
) {
    let output = size + 2 * padding - kernel + 1;
    let window = Window {
        input: [size; 2],
        output: [output; 2],
        kernel: [kernel; 2],
        stride: [1; 2],
        padding: [padding; 2],
        dilation: [1; 2],
    };
    let conv = Conv { window, groups, padding_mode: Padding::Zeros, transposed: false };
    let weight: Box<[[f32; O]; K]> = numbers(K).try_into().expect("as many rows as asked for");
    for batch in [1, 16, 128] {
        let (x, dy, bias) = (numbers::<X>(batch), numbers::<Y>(batch), [0.5; O]);
        let (mut y, mut dx, mut dw) = (numbers::<Y>(batch), numbers::<X>(batch), vec![0.0; K * O]);
        let peak = peak_flops_per_us();
        let share = |us: f64| 2.0 * (batch * output * output * K * O) as f64 / us / peak;
        let line = Line {
            shape,
            batch,
            gflops_peak: peak / 1e3,
            forward: share(least_us(|| conv_forward(conv, black_box(&x), &weight, &bias, black_box(&mut y)))),
            backward_input: share(least_us(|| conv_backward_input(conv, &weight, black_box(&dy), black_box(&mut dx)))),
            backward_weight: share(least_us(|| {
                let mut update = Update::accumulate(black_box(&mut dw), None);
                conv_backward_weight(conv, black_box(&x), &dy, Span::<K, O>::new(0, 0), &mut update);
            })),
        };
        println!("{}", serde_json::to_string(&line).expect("a line of numbers and names is JSON"));
    }
}

/// A shape's sizes as parameters: input and output channels, side, kernel, padding, groups. Those are measured whose names begin
/// with `$only`; the value is how many.
macro_rules! shapes {
    ($only:expr; $($name:literal: $c:literal $o:literal $size:literal $kernel:literal $padding:literal $groups:literal;)*) => {{
        let mut measured = 0;
        $(if $name.starts_with($only) {
            const SIDE: usize = $size + 2 * $padding - $kernel + 1;
            measure::<{ $c * $size * $size }, { $o * SIDE * SIDE }, { $kernel * $kernel * $c / $groups }, $o>(
                $name, ($size, $kernel, $padding, $groups),
            );
            measured += 1;
        })*
        measured
    }};
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    pin(options.threads)?;
    let measured = shapes! { options.only.as_str();
        "3 to 16, 3x3, padding 1, on 32x32": 3 16 32 3 1 1;
        "16 to 16, 3x3, padding 1, on 32x32": 16 16 32 3 1 1;
        "64 to 64, 3x3, padding 1, on 8x8": 64 64 8 3 1 1;
        "32 to 64, 3x3, on 26x26": 32 64 26 3 0 1;
        "1 to 6, 5x5, padding 2, on 28x28": 1 6 28 5 2 1;
        "6 to 16, 5x5, on 14x14": 6 16 14 5 0 1;
        "256 to 256, 3x3, padding 1, on 8x8": 256 256 8 3 1 1;
        "512 to 512, 3x3, padding 1, on 7x7": 512 512 7 3 1 1;
        "1024 to 1024, 3x3, padding 1, on 14x14": 1024 1024 14 3 1 1;
        "64 channels apart, 3x3, padding 1, on 16x16": 64 64 16 3 1 64;
    };
    if measured == 0 {
        return Err(std::io::Error::other(format!(
            "no shape's name begins with `{}`: run it without `--only`",
            options.only
        )));
    }
    Ok(())
}
