//! Draws the pictures of `docs/optimizers.md`: the paths of all optimizers through Rosenbrock's valley, and what each
//! learning-rate schedule does to a rate of 0.1 over a run.
//!
//! ```text
//! cargo run --release --example optimizers
//! cargo run --release --example optimizers -- --out /tmp --gradients 500 --steps 300
//! ```

mod panels;
mod paths;
mod schedules;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use examples::{check_writable, ended, positive, say, write_whole};

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
    #[arg(long, default_value_t = 0.1, value_parser = positive)]
    lr: f64,
}

fn main() -> ExitCode {
    ended(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(&args.out).map_err(|error| format!("{}: {error}", args.out.display()))?;
    let (optimizers, schedules) = (args.out.join("optimizers.svg"), args.out.join("schedules.svg"));
    check_writable(&optimizers)?;
    check_writable(&schedules)?;
    let paths = paths::all(args.gradients as usize)?;
    for path in &paths {
        say!("{:<24} lr {:<8} ends at {:.1e}", path.title, panels::number(path.lr), path.loss());
    }
    write_whole(&optimizers, panels::draw(&paths, args.gradients as usize)?.as_bytes())?;
    say!("wrote {}", optimizers.display());
    write_whole(&schedules, schedules::draw_all(args.steps as usize, args.lr)?.as_bytes())?;
    say!("wrote {}", schedules.display());
    Ok(())
}
