//! One line for each kind and operator, and the verdict.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use crate::fixture::{Case, Checks};

/// How a case ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    Failed(Vec<String>),
    NotCovered,
}

impl Outcome {
    /// Runs a case; a panic is a failure like any other.
    pub(crate) fn of(run: impl FnOnce() -> Option<Checks>) -> Self {
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(None) => Outcome::NotCovered,
            Ok(Some(checks)) if checks.is_empty() => Outcome::Failed(vec!["nothing was compared".to_owned()]),
            Ok(Some(checks)) if checks.wrong.is_empty() => Outcome::Passed,
            Ok(Some(checks)) => Outcome::Failed(checks.wrong),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
                Outcome::Failed(vec![format!("panicked: {text}")])
            }
        }
    }
}

#[derive(Debug, Default)]
struct Row {
    passed: usize,
    failed: usize,
    not_covered: usize,
    known: bool,
}

/// All cases so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: BTreeMap<(String, String), Row>,
    named: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, case: &Case, known: bool, outcome: Outcome) {
        let row = self.rows.entry((case.kind().to_owned(), case.op().to_owned())).or_default();
        row.known = known;
        let name = format!("{} in {}", case.name(), case.precision.name());
        match outcome {
            Outcome::Passed => row.passed += 1,
            Outcome::Failed(messages) => {
                row.failed += 1;
                self.named.push(format!("failed: {name}"));
                self.named.extend(messages.iter().take(4).map(|message| format!("    {message}")));
            }
            Outcome::NotCovered => {
                row.not_covered += 1;
                let reason = if known { "although Glulam has it" } else { "Glulam has it not" };
                self.named.push(format!("not covered: {name} ({reason})"));
            }
        }
    }

    /// Prints everything; fails on a failed case, on an uncovered one of a known operator, and on no case at all.
    pub(crate) fn print(&self, root: &Path) -> ExitCode {
        println!("golden results of {}", root.display());
        for ((kind, op), row) in &self.rows {
            let Row { passed, failed, not_covered, .. } = row;
            println!("{kind:<6} {op:<28} {passed:>4} passed {failed:>4} failed {not_covered:>4} not covered");
        }
        self.named.iter().for_each(|line| println!("{line}"));
        let sum = |count: fn(&Row) -> usize| self.rows.values().map(count).sum::<usize>();
        let (passed, failed) = (sum(|r| r.passed), sum(|r| r.failed));
        let missed = sum(|r| if r.known { r.not_covered } else { 0 });
        println!("\n{passed} passed, {} failed", failed + missed);
        if passed == 0 || failed + missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
