//! The roof over all kernels on this machine, one JSON line each: multiply-adds in registers, and what each level of the
//! memory delivers.
//!
//! `cargo run --release -p benches --bin peak -- --threads 1`; `GLULAM_ISA` chooses the instruction set. One thread only:
//! what several reach together depends on the machine's other load more than on the program.

use std::hint::black_box;

use clap::Parser;
use glulam::simd::Isa;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Compute<'a> {
    measure: &'a str,
    isa: &'a str,
    gflops: f64,
}

#[derive(Debug, Serialize)]
struct Memory<'a> {
    measure: &'a str,
    /// The size of what is read or copied over and over: which level of the memory it comes from.
    kib: usize,
    gigabytes_per_second: f64,
}

#[allow(clippy::print_stdout, reason = "the lines are what the program is for")]
fn print(line: &impl Serialize) {
    println!("{}", serde_json::to_string(line).expect("a line of numbers and names is JSON"));
}

/// The sum of the words, in lanes, so that it is as fast as loads are.
fn read(words: &[u64]) -> u64 {
    let mut lanes = [0u64; 16];
    for chunk in words.as_chunks::<16>().0 {
        for (lane, word) in lanes.iter_mut().zip(chunk) {
            *lane = lane.wrapping_add(*word);
        }
    }
    lanes.into_iter().fold(0, u64::wrapping_add)
}

fn main() -> std::io::Result<()> {
    let args = benches::Args::parse();
    args.pin()?;
    let isa = Isa::current().level().name();
    print(&Compute { measure: "multiply_add", isa, gflops: benches::peak_flops_per_us() / 1e3 });
    for kib in [16, 256, 1024, 4096, 65536, 262_144] {
        let (words, bytes) = (vec![1u64; kib * 128], (kib * 1024) as f64);
        let us = benches::median_us(|| {
            black_box(read(black_box(&words)));
        });
        print(&Memory { measure: "read", kib, gigabytes_per_second: bytes / us / 1e3 });
        // What is read and what is written, as PyTorch's and STREAM's numbers count it.
        let us = benches::copy_us(kib * 1024);
        print(&Memory { measure: "copy", kib, gigabytes_per_second: 2.0 * bytes / us / 1e3 });
    }
    Ok(())
}
