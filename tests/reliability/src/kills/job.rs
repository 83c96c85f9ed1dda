//! A run of the example, and how an unbroken one ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::fault;

/// Both files are written dozens of times within a second or two.
const OPTIONS: [&str; 4] = ["--epochs", "3", "--checkpoint-every", "50"];

/// A command that trains, with its files in one folder.
pub struct Job<'a> {
    pub program: &'a Path,
    pub folder: &'a Path,
    pub name: &'a str,
}

impl Job<'_> {
    pub fn command(&self, threads: usize) -> Command {
        let mut command = Command::new(self.program);
        self.arguments(&mut command, threads);
        command
    }

    pub fn arguments(&self, command: &mut Command, threads: usize) {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/fashion-mnist");
        command.args(OPTIONS).arg("--data").arg(data).arg("--save").arg(self.model());
        command.args(["--threads", &threads.to_string()]);
    }

    pub fn model(&self) -> PathBuf {
        self.folder.join(format!("{}.safetensors", self.name))
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join(format!("{}.ckpt", self.name))
    }

    /// Where a file is written before it takes its name.
    pub fn temporary(&self, file: &Path) -> PathBuf {
        let name = file.file_name().expect("a file of this job").to_string_lossy();
        self.folder.join(format!(".{name}.tmp"))
    }
}

/// What a run leaves, and what it says of each epoch.
#[derive(PartialEq)]
pub struct Unbroken {
    model: Vec<u8>,
    epochs: Vec<String>,
}

impl Unbroken {
    /// Runs it with one thread and with two; returns how long it takes, too.
    pub fn new(program: &Path) -> (Unbroken, Duration) {
        let folder = tempfile::tempdir().expect("a folder");
        let job = Job { program, folder: folder.path(), name: "whole" };
        let run = |threads| {
            let output = job.command(threads).output().expect("the program starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Unbroken { model: std::fs::read(job.model()).expect("a model"), epochs: epochs(&output) }
        };
        let begin = Instant::now();
        let one = run(1);
        let took = begin.elapsed();
        if run(2) != one {
            fault("one thread and two end differently");
        }
        println!("unbroken: {took:.1?}");
        (one, took)
    }

    /// What is there after a kill.
    pub fn look(&self, job: &Job, after: &str) {
        if let Ok(model) = std::fs::read(job.model())
            && model != self.model
        {
            fault(format!("{after}: a model file that is not whole"));
        }
    }

    /// Goes on with `threads` to the end, which must be that of an unbroken run.
    pub fn end(&self, job: &Job, threads: usize, after: &str) {
        let output = job.command(threads).arg("--resume").output().expect("the program starts");
        if !output.status.success() {
            return fault(format!("{after}: resume fails: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        if std::fs::read(job.model()).expect("a model") != self.model {
            fault(format!("{after}: other bits at the end"));
        }
        let epochs = epochs(&output);
        if !self.epochs.ends_with(&epochs) {
            fault(format!("{after}: it prints {epochs:#?}, an unbroken run {:#?}", self.epochs));
        }
        for entry in std::fs::read_dir(job.folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            let mine = path.file_name().is_some_and(|name| name.to_string_lossy().contains(job.name));
            if mine && path != job.model() && path != job.checkpoint() {
                fault(format!("{after}: {} is left", path.display()));
            }
        }
    }
}

/// The lines of the epochs without their times.
fn epochs(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter(|line| line.starts_with("epoch"));
    lines.map(|line| line.split("  lr").next().unwrap_or_default().to_owned()).collect()
}
