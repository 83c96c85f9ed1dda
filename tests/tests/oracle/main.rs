//! Glulam's numbers against PyTorch's: every case of an index of golden results, in f32 and f64.
//!
//! `cargo test -p tests --test oracle` checks the results kept here, `GLULAM_ORACLE=DIR cargo test -p tests --test oracle`
//! any other folder of the same form (absolute, or from the workspace's root). Declarations are made from the index when
//! this is built (`build.rs`). One line for each kind and operator; it fails when a case fails, or when one is not
//! covered though Glulam has its operator.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the report is what the test is for")]

mod fixture;
mod layer;
mod loss;
mod optim;
mod report;
mod sched;
mod train;

use std::path::Path;
use std::process::ExitCode;

use fixture::{Case, Checks, Precision};
use report::{Outcome, Report};

mod networks {
    use glulam::Real;

    use crate::fixture::{Case, Checks};
    use crate::{layer, train};

    include!(concat!(env!("OUT_DIR"), "/oracle_networks.rs"));
}

/// One case in one precision.
fn run<T: glulam::Real + loss::Element>(case: &Case) -> Option<Checks> {
    match case.kind() {
        "layer" => networks::layer_case::<T>(case),
        "train" => networks::train_case::<T>(case),
        "optim" => optim::run::<T>(case),
        "sched" => sched::run(case),
        "loss" => loss::run::<T>(case),
        _ => None,
    }
}

/// Whether Glulam has the operator, so that no case of it may be left out.
fn has(kind: &str, op: &str) -> bool {
    match kind {
        "layer" => networks::LAYERS.contains(&op),
        "optim" => optim::has(op),
        "sched" => sched::SCHEDULES.contains(&op),
        "loss" => loss::LOSSES.contains(&op),
        // A training whose layers Glulam has is declared and run; one without is left out, as the layers' own cases are.
        _ => false,
    }
}

fn main() -> ExitCode {
    // What cargo passes on to every test program; names filter the cases.
    let filters: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let root = Path::new(env!("GLULAM_ORACLE_ROOT"));
    let mut report = Report::default();
    for case in fixture::cases(root) {
        if !filters.is_empty() && !filters.iter().any(|filter| case.name().contains(filter.as_str())) {
            continue;
        }
        for precision in case.precisions() {
            let loaded = case.load(root, precision);
            let outcome = match precision {
                Precision::F32 => Outcome::of(|| run::<f32>(&loaded)),
                Precision::F64 => Outcome::of(|| run::<f64>(&loaded)),
            };
            report.add(&loaded, has(loaded.kind(), loaded.op()), outcome);
        }
    }
    report.print(root)
}
