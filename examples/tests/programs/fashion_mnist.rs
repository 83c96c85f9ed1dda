//! `fashion_mnist` as a user runs it: killed, resumed, listened to or not.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::place::Place;

fn place() -> Place {
    Place::with_images("fashion_mnist", [320, 50])
}

#[test]
fn it_trains_and_says_how_well() {
    let place = place();
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
    let place = place();
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
    assert!(place.bytes("killed.safetensors") == place.bytes("whole.safetensors"), "other bits");
    assert_eq!(place.names(), ["data", "killed.ckpt", "killed.safetensors", "whole.ckpt", "whole.safetensors"]);
}

#[test]
fn a_run_is_resumed_with_its_options_and_may_become_longer() {
    let place = place();
    place.succeeds("--epochs 1");
    let before = place.bytes("fashion-mnist.ckpt");
    for (options, error) in [
        ("--lr 0.5", "--lr: found 0.03, expected 0.5"),
        ("--batch-size 32", "--batch-size: found 64, expected 32"),
        ("--seed 7", "--seed: found 42, expected 7"),
        ("--optimizer adam", "optimizer: found SGD, expected Adam"),
    ] {
        let found = place.fails(&format!("--epochs 2 --resume {options}"));
        assert_eq!(found.trim_end(), format!("error: the checkpoint does not fit: {error}"));
    }
    assert!(place.bytes("fashion-mnist.ckpt") == before);
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
    let place = place();
    let printed = place.succeeds("--epochs 1 --resume");
    assert!(printed.contains("no checkpoint at fashion-mnist.ckpt: starting afresh"), "{printed}");
}

#[test]
fn what_cannot_be_saved_is_an_error_before_the_training() {
    let place = place();
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
    let place = place();
    place.succeeds_unheard("--epochs 2");
    assert_eq!(place.names(), ["data", "fashion-mnist.ckpt", "fashion-mnist.safetensors"]);
}

#[test]
fn weights_that_the_last_step_makes_infinite_are_an_error_and_are_not_saved() {
    let place = place();
    // All images in one step.
    let error = place.fails("--lr 1e300 --epochs 1 --batch-size 320");
    assert!(error.contains("0.weight is not finite, after 1 step since"), "{error}");
    assert_eq!(place.names(), ["data"]);
}

#[test]
fn its_help_is_complete() {
    let help = place().has_help(
        "Trains Linear(784, 64) -> ReLU -> Linear(64, 10) on Fashion-MNIST",
        &[
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
        ],
    );
    // The rates that it names are those of the first step of a run that does not fall yet.
    let place = place();
    for (optimizer, rate) in [("sgd", 0.03), ("adam", 0.002), ("adamw", 0.002), ("rmsprop", 0.001), ("adagrad", 0.05)] {
        let line = help.lines().find(|line| line.trim().starts_with(&format!("- {optimizer}:"))).expect("a line");
        assert!(line.ends_with(&format!("learning rate {rate}")), "{line}");
        let save = format!("--save {optimizer}.safetensors --optimizer {optimizer} --epochs 1");
        place.succeeds(&save);
        let error = place.fails(&format!("{save} --resume --lr 9"));
        assert!(error.contains(&format!("--lr: found {rate}, expected 9.0")), "{error}");
    }
}
