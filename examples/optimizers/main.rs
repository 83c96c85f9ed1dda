//! Draws the pictures of `docs/optimizers.md`: the paths of all optimizers through Rosenbrock's valley, and what each
//! learning-rate schedule does to a rate of 0.1 over a run.
//!
//! ```text
//! cargo run --release --example optimizers
//! cargo run --release --example optimizers -- --out /tmp --gradients 500 --steps 300
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod panels;
mod paths;
mod schedules;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Draws the paths of the optimizers and the learning-rate schedules.
#[derive(Debug, Parser)]
struct Args {
    /// The folder for optimizers.svg and schedules.svg
    #[arg(long, value_name = "FOLDER", default_value = "docs")]
    out: PathBuf,
    /// How many gradients each optimizer may take
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    gradients: u32,
    /// How many steps of a schedule to draw
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..))]
    steps: u32,
    /// The rate before any schedule
    #[arg(long, default_value_t = 0.1)]
    lr: f64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(&args.out).map_err(|error| format!("{}: {error}", args.out.display()))?;
    let (optimizers, schedules) = (args.out.join("optimizers.svg"), args.out.join("schedules.svg"));
    let paths = paths::all(args.gradients as usize)?;
    for path in &paths {
        println!("{:<24} lr {:<8} ends at {:.1e}", path.title, panels::number(path.lr), path.loss());
    }
    panels::draw(&optimizers, &paths, args.gradients as usize)?;
    println!("wrote {}", optimizers.display());
    schedules::draw_all(&schedules, args.steps as usize, args.lr)?;
    println!("wrote {}", schedules.display());
    Ok(())
}
