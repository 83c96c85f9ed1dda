//! `fashion_mnist` as a user runs it: a process with arguments, files, and what it prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The example, built as `cargo test` builds it: nothing is compiled again if it has been.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("this program has a path");
        let profile = test.ancestors().nth(2).expect("target/debug/deps/this");
        let target = profile.parent().expect("target/debug");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--example", "fashion_mnist", "--target-dir"]).arg(target);
        match profile.file_name().and_then(|name| name.to_str()) {
            Some("release") => build.arg("--release"),
            _ => build.args(["--profile", "test"]),
        };
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
        assert!(built.success(), "the example does not compile");
        profile.join("examples").join(format!("fashion_mnist{}", std::env::consts::EXE_SUFFIX))
    })
}

/// A folder with images of clothes that are easy to tell apart: 320 to train on, 50 to test.
fn data(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    std::fs::create_dir(&data).expect("a new folder");
    let mut state = 1u32;
    for (part, count) in [("train", 320u32), ("t10k", 50)] {
        let mut images = [0x0000_0803, count, 28, 28].map(u32::to_be_bytes).concat();
        let mut labels = [0x0000_0801, count].map(u32::to_be_bytes).concat();
        for i in 0..count {
            let class = i % 10;
            labels.push(class as u8);
            images.extend((0..28 * 28).map(|pixel| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let bright = if pixel / 78 == class { 128 } else { 0 };
                bright + (state >> 25) as u8
            }));
        }
        std::fs::write(data.join(format!("{part}-images-idx3-ubyte")), images).expect("written");
        std::fs::write(data.join(format!("{part}-labels-idx1-ubyte")), labels).expect("written");
    }
    data
}

/// A place for one test.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        data(folder.path());
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, in words.
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.folder.path()).args(["--data", "data"]).args(arguments.split_whitespace());
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// What it prints where it succeeds.
    fn succeeds(&self, arguments: &str) -> String {
        let Output { status, stdout, stderr } = self.run(arguments);
        assert!(status.success(), "{arguments}: {}", text(stderr));
        text(stdout)
    }

    /// What it complains about where it fails, before any training.
    fn fails(&self, arguments: &str) -> String {
        let Output { status, stdout, stderr } = self.run(arguments);
        let (printed, error) = (text(stdout), text(stderr));
        assert!(!status.success() && !printed.contains("train loss"), "{arguments}: {printed}");
        assert!(error.starts_with("error: ") && !error.contains("panicked"), "{error}");
        error
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("readable");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

#[test]
fn it_trains_and_says_how_well() {
    let place = Place::new();
    let printed = place.succeeds("--epochs 3 --save net.safetensors");
    let accuracy = printed.lines().find_map(|line| line.strip_prefix("test accuracy: ")?.strip_suffix(" %"));
    let accuracy: f64 = accuracy.expect("a line").parse().expect("a number");
    assert!((50.0..=100.0).contains(&accuracy), "{printed}");
    for part in ["Linear(784, 64)", "val is the 50 test images", "epoch 3/3", "Ankle boot", "saved to net.safetensors"]
    {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert_eq!(place.names(), ["data", "net.ckpt", "net.safetensors"]);
}

#[test]
fn killed_and_resumed_it_ends_with_the_same_bits() {
    let place = Place::new();
    let arguments = "--epochs 60 --checkpoint-every 3";
    place.succeeds(&format!("{arguments} --save whole.safetensors"));

    let arguments = format!("{arguments} --save killed.safetensors");
    let mut process = place.command(&arguments).stdout(Stdio::null()).spawn().expect("it runs");
    let begin = Instant::now();
    while !place.path("killed.ckpt").exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "no checkpoint was written");
        std::thread::sleep(Duration::from_millis(1));
    }
    // SIGKILL: nothing is tidied up.
    process.kill().expect("it runs");
    process.wait().expect("it has ended");
    assert!(!place.path("killed.safetensors").exists(), "it was too fast to be killed");

    let printed = place.succeeds(&format!("{arguments} --resume"));
    assert!(printed.contains("resumed from killed.ckpt after "), "{printed}");
    let bytes = |name: &str| std::fs::read(place.path(name)).expect("written");
    assert!(bytes("killed.safetensors") == bytes("whole.safetensors"), "other bits");
    assert_eq!(place.names(), ["data", "killed.ckpt", "killed.safetensors", "whole.ckpt", "whole.safetensors"]);
}

#[test]
fn a_run_is_resumed_with_its_options_and_may_become_longer() {
    let place = Place::new();
    place.succeeds("--epochs 1");
    let before = std::fs::read(place.path("fashion-mnist.ckpt")).expect("written");
    for (options, error) in [
        ("--lr 0.5", "--lr: found 0.03, expected 0.5"),
        ("--batch-size 32", "--batch-size: found 64, expected 32"),
        ("--seed 7", "--seed: found 42, expected 7"),
        ("--optimizer adam", "optimizer: found SGD, expected Adam"),
    ] {
        let found = place.fails(&format!("--epochs 2 --resume {options}"));
        assert_eq!(found.trim_end(), format!("error: the checkpoint does not fit: {error}"));
    }
    assert!(std::fs::read(place.path("fashion-mnist.ckpt")).expect("still there") == before);
    let printed = place.succeeds("--epochs 3 --resume");
    assert!(printed.contains("epoch 2/3") && !printed.contains("epoch 1/3"), "{printed}");
    let rates: Vec<f64> = printed
        .lines()
        .filter(|line| line.starts_with("epoch"))
        .map(|line| {
            let (_, after) = line.split_once("  lr ").expect("a rate");
            after.split_whitespace().next().expect("a rate").parse().expect("a number")
        })
        .collect();
    assert!(rates.len() == 2 && rates[0] > 1e-3, "it goes on to learn: {rates:?}");
}

#[test]
fn where_there_is_no_checkpoint_it_says_so() {
    let place = Place::new();
    let printed = place.succeeds("--epochs 1 --resume");
    assert!(printed.contains("no checkpoint at fashion-mnist.ckpt: starting afresh"), "{printed}");
}

#[test]
fn what_cannot_be_saved_is_an_error_before_the_training() {
    let place = Place::new();
    let error = place.fails("--save none/net.safetensors");
    assert!(error.starts_with("error: cannot save none/net.safetensors: "), "{error}");
    let error = place.fails("--save data");
    assert!(error.starts_with("error: cannot save data: it is a directory"), "{error}");
    let error = place.fails("--save net.ckpt");
    assert!(error.contains(".ckpt is the ending of the checkpoint"), "{error}");
    assert_eq!(place.names(), ["data"]);
    std::fs::remove_dir_all(place.path("data")).expect("it was there");
    let error = place.fails("--epochs 1");
    assert!(error.contains("data/train-labels-idx1-ubyte"), "{error}");
}

#[test]
fn nobody_has_to_listen() {
    let place = Place::new();
    let mut process =
        place.command("--epochs 2").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(process.stdout.take());
    let output = process.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(output.stderr));
    assert_eq!(place.names(), ["data", "fashion-mnist.ckpt", "fashion-mnist.safetensors"]);
}

#[test]
fn weights_that_the_last_step_makes_infinite_are_an_error_and_are_not_saved() {
    let place = Place::new();
    // All images in one step.
    let error = place.fails("--lr 1e300 --epochs 1 --batch-size 320");
    assert!(error.contains("0.weight is not finite, after 1 step since"), "{error}");
    assert_eq!(place.names(), ["data"]);
}

#[test]
fn its_help_is_complete() {
    let help = Place::new().succeeds("--help");
    for part in [
        "--data <DIR>",
        "--epochs <EPOCHS>",
        "--batch-size <BATCH_SIZE>",
        "--lr <LR>",
        "--optimizer <OPTIMIZER>",
        "--seed <SEED>",
        "--threads <THREADS>",
        "--save <FILE>",
        "--resume",
        "--checkpoint-every <N>",
        "GLULAM_NUM_THREADS",
        "GLULAM_ISA",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
    // The rates that it names are those of the first step of a run that does not fall yet.
    let place = Place::new();
    for (optimizer, rate) in [("sgd", 0.03), ("adam", 0.002), ("adamw", 0.002), ("rmsprop", 0.001), ("adagrad", 0.05)] {
        let line = help.lines().find(|line| line.trim().starts_with(&format!("- {optimizer}:"))).expect("a line");
        assert!(line.ends_with(&format!("learning rate {rate}")), "{line}");
        let save = format!("--save {optimizer}.safetensors --optimizer {optimizer} --epochs 1");
        place.succeeds(&save);
        let error = place.fails(&format!("{save} --resume --lr 9"));
        assert!(error.contains(&format!("--lr: found {rate}, expected 9.0")), "{error}");
    }
}
