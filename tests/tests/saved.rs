//! Networks and state dicts in files: serde in any format, and a file that PyTorch wrote.

use std::path::Path;

use glulam::StateDict;
use glulam::prelude::*;

network! {
    /// With buffers, a counter and a generator that has moved on.
    pub Deep < fc1: Linear(4, 6) -> BatchNorm1d(6) -> ReLU -> Dropout(0.5) -> head: Linear(6, 3) >
}
network! { pub Wide < fc1: Linear(4, 7) -> BatchNorm1d(7) -> ReLU -> Dropout(0.5) -> head: Linear(7, 3) > }

/// A network that has been trained a little.
fn trained() -> Deep {
    let mut model = Deep::seeded(1);
    let mut workspace = model.workspace(2);
    for _ in 0..3 {
        model.forward(Mode::Train, &[[0.5, -1.0, 2.0, 0.1], [1.5, 0.3, -2.0, 0.7]], &mut workspace);
    }
    model
}

#[test]
fn a_network_is_written_and_read_in_any_format() {
    let model = trained();
    let text = serde_json::to_string(&model).expect("JSON");
    assert_eq!(serde_json::from_str::<Deep>(&text).expect("what was written can be read"), model);
    let bytes = rmp_serde::to_vec(&model).expect("MessagePack");
    assert_eq!(rmp_serde::from_slice::<Deep>(&bytes).expect("what was written can be read"), model);
    let double: Deep<f64> = serde_json::from_str(&text).expect("in double precision");
    assert_eq!(double, model.cast());
}

#[test]
fn a_network_is_a_field_like_any_other() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Deployed {
        version: u32,
        model: Deep,
    }
    let text = serde_json::to_string(&Deployed { version: 3, model: trained() }).expect("JSON");
    let read: Deployed = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!((read.version, read.model), (3, trained()));
}

#[test]
fn a_network_of_other_shapes_is_refused_with_all_of_them() {
    let text = serde_json::to_string(&trained()).expect("JSON");
    let error = serde_json::from_str::<Wide>(&text).expect_err("it is another network").to_string();
    for part in
        ["of the network Deep: the state dict does not fit Wide", "fc1.weight has shape [6, 4], expected [7, 4]"]
    {
        assert!(error.contains(part), "{error}");
    }
    let error = serde_json::from_str::<Deep>(&text.replace("\"head.bias\"", "\"tail.bias\"")).expect_err("a name");
    assert!(error.to_string().contains("missing: head.bias; unexpected: tail.bias"), "{error}");
}

#[test]
fn a_state_dict_is_written_and_read_in_any_format() {
    let dict = trained().state_dict();
    let text = serde_json::to_string(&dict).expect("JSON");
    assert_eq!(serde_json::from_str::<StateDict>(&text).expect("what was written can be read"), dict);
    let bytes = rmp_serde::to_vec(&dict).expect("MessagePack");
    assert_eq!(rmp_serde::from_slice::<StateDict>(&bytes).expect("what was written can be read"), dict);
}

network! { FromTorch < Linear(4, 6) -> BatchNorm1d(6) -> ReLU -> Linear(6, 3) > }

/// The file and the numbers were made by `fixtures/from_torch.py`.
#[test]
fn a_file_that_pytorch_wrote_is_loaded() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/from_torch.safetensors");
    let mut model = FromTorch::seeded(9);
    model.load(&file).expect("the file fits");
    let outputs = model.predict(&[[0.5, -1.0, 2.0, 0.25], [0.0, 0.0, 0.0, 0.0]]);
    let expected = include_str!("../fixtures/from_torch.txt");
    let expected: Vec<f32> = expected.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    assert_eq!(expected.len(), 6);
    for (found, expected) in outputs.as_flattened().iter().zip(&expected) {
        // Sums of six products, rounded in another order.
        assert!((found - expected).abs() <= 1e-6, "{found} {expected}");
    }
    assert_eq!(model.state_dict().get("1.num_batches_tracked").and_then(|count| count.to_counts()), Some(vec![2]));

    // And back: the same names, shapes and bits.
    let directory = tempfile::tempdir().expect("a directory");
    model.save(directory.path().join("again.safetensors")).expect("written");
    let again = StateDict::load(directory.path().join("again.safetensors")).expect("readable");
    let theirs = StateDict::load(&file).expect("readable");
    for (name, tensor) in theirs.iter() {
        assert_eq!(again.get(name), Some(tensor), "{name}");
    }
    assert_eq!(again.len(), theirs.len());
}

network! {
    Instances: [2, 3] < InstanceNorm1d(2) -> InstanceNorm1d(2, affine = true) -> InstanceNorm1d(2, affine = true, bias = false)
        -> InstanceNorm1d(2, track_running_stats = true) >
}

#[test]
fn an_instance_norm_has_pytorchs_keys_and_does_not_count() {
    let mut model = Instances::seeded(1);
    let mut workspace = model.workspace(1);
    model.forward(Mode::Train, &[[[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]]], &mut workspace);
    let dict = model.state_dict();
    let names: Vec<&str> = dict.iter().map(|(name, _)| name).collect();
    let of_last = ["3.running_mean", "3.running_var", "3.num_batches_tracked"];
    assert_eq!(names, [["1.weight", "1.bias", "2.weight"], of_last].concat());
    assert_eq!(dict.get("3.num_batches_tracked").and_then(|count| count.to_counts()), Some(vec![0]));
    let variances = dict.get("3.running_var").expect("it is there").to_reals::<f32>();
    // What comes in has a biased variance of 1, so an unbiased one of 3/2.
    assert!(variances.iter().all(|var| (var - (0.9 + 0.1 * 1.5)).abs() < 1e-4), "{variances:?}");
}
