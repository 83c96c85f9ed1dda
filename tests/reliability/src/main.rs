//! What Glulam has to bear: kills, damaged files, threads, panics, numbers that are none. See README.md.
//!
//! Each harness is a module with one function, and enters what is wrong as a [`fault`]; a fault makes the program fail.

mod bits;
mod files;
mod images;
mod kills;
mod memory;
mod numbers;
mod random;
mod threads;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Parser, Subcommand};

static FAULTS: AtomicUsize = AtomicUsize::new(0);

/// Something is wrong with Glulam.
fn fault(text: impl Display) {
    FAULTS.fetch_add(1, Ordering::Relaxed);
    println!("FAULT {text}");
}

/// Where a harness leaves what somebody may want to look at afterwards.
fn output(harness: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/reliability").join(harness);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// Harnesses of reliability; a fault makes the exit status 1.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    harness: Harness,
}

#[derive(Subcommand)]
enum Harness {
    /// SIGKILL at random moments and while a file is written; `--resume` must end with the bits of an unbroken run
    Kills {
        /// The built example `fashion_mnist`
        program: PathBuf,
        /// How many kills
        #[arg(default_value_t = 60)]
        kills: usize,
        #[arg(default_value_t = 1)]
        seed: u64,
    },
    /// SIGKILL at every system call of a save, by strace
    Calls {
        /// The built example `fashion_mnist`
        program: PathBuf,
    },
    /// Damaged IDX files, gzip, safetensors and checkpoints
    Files {
        /// How many damaged files
        #[arg(default_value_t = 300_000)]
        tries: usize,
        #[arg(default_value_t = 1)]
        seed: u64,
    },
    /// The same bits with any number of threads, under load
    Bits {
        #[arg(default_value_t = 20)]
        rounds: usize,
        #[arg(default_value_t = 200)]
        steps: usize,
    },
    /// NaN, infinity, overflow, labels out of range, learning rates without measure
    Numbers,
    /// Trainers at once, panics in the middle of a step, many steps
    Threads {
        #[arg(default_value_t = 100_000)]
        steps: usize,
    },
    /// Memory over a long training with checkpoints
    Soak {
        #[arg(default_value_t = 600)]
        seconds: u64,
    },
    /// No harness: writes images to train on
    Images { folder: PathBuf, count: usize },
}

fn main() -> ExitCode {
    match Args::parse().harness {
        Harness::Kills { program, kills, seed } => kills::at_random(&program, kills, seed),
        Harness::Calls { program } => kills::at_calls(&program),
        Harness::Files { tries, seed } => files::run(tries, seed),
        Harness::Bits { rounds, steps } => bits::run(rounds, steps),
        Harness::Numbers => numbers::run(),
        Harness::Threads { steps } => threads::run(steps),
        Harness::Soak { seconds } => threads::soak(seconds),
        Harness::Images { folder, count } => {
            images::write(&folder, count);
            return ExitCode::SUCCESS;
        }
    }
    let faults = FAULTS.load(Ordering::Relaxed);
    println!("{faults} faults");
    ExitCode::from(u8::from(faults > 0))
}
