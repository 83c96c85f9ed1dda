//! `lenet` and `resnet`: a table and a model.

use glulam::checkpoint::StateDict;

use crate::place::Place;

const SHORT: &str = "--epochs 1 --batch-size 8";

fn place(example: &str) -> Place {
    Place::with_images(example, [16, 10])
}

/// It prints a table, and saves a model with these parameters among others.
fn trains(place: &Place, file: &str, parameters: [&str; 2]) {
    let printed = place.succeeds(SHORT);
    for part in
        ["val is the 10 test images", "epoch 1/1", "0 T-shirt/top", "9 Ankle boot", " of 10)", "test accuracy: "]
    {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(printed.ends_with(&format!("model saved to {file}\n")), "{printed}");
    assert_eq!(place.names(), ["data", file]);
    let saved = StateDict::load(place.path(file)).expect("a model");
    assert!(parameters.iter().all(|name| saved.get(name).is_some()), "{:?}", saved.keys().collect::<Vec<_>>());
}

#[test]
fn lenet_trains() {
    let (place, file) = (place("lenet"), "lenet.safetensors");
    trains(&place, file, ["0.weight", "11.bias"]);
    // The same seed, the same bits, and whoever looks on does not matter.
    place.succeeds_unheard(&format!("{SHORT} --save again.safetensors"));
    assert!(place.bytes("again.safetensors") == place.bytes(file), "other bits");
    place.succeeds(&format!("{SHORT} --save again.safetensors --seed 7"));
    assert!(place.bytes("again.safetensors") != place.bytes(file), "the seed says nothing");
}

#[test]
fn resnet_trains() {
    trains(&place("resnet"), "resnet.safetensors", ["stem.0.weight", "fc.bias"]);
}

#[test]
fn what_cannot_be_is_an_error_before_the_training() {
    for example in ["lenet", "resnet"] {
        let place = place(example);
        place.fails_without_images();
        let error = place.fails("--save none/net.safetensors");
        assert!(error.starts_with("error: cannot save none/net.safetensors: "), "{error}");
        let error = place.fails("--batch-size 17");
        assert!(error.contains("17"), "{error}");
        assert_eq!(place.names(), ["data"]);
    }
}

#[test]
fn they_have_a_help() {
    for example in ["lenet", "resnet"] {
        place(example).has_help(
            "Trains a network on the 60,000 images of Fashion-MNIST, and tests it on 10,000 others.",
            &[
                "--data <DIR>",
                "--epochs <EPOCHS>",
                "--batch-size <BATCH_SIZE>",
                "--seed <SEED>",
                "--save <FILE>",
                "GLULAM_NUM_THREADS",
            ],
        );
    }
}
