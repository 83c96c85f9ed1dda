//! State dicts: names, shapes, order, precision, files, and dicts that do not fit.

use std::fs;

use super::fixture::Fixture;
use crate::Real;
use crate::checkpoint::{
    Dtype, IncompatibleKeys, Mismatch, ShapeMismatch, StateDict, StateDictError, StateDictExt, Tensor, Values,
};
use crate::network::Sample;

/// Bit patterns that a conversion, a decimal or a comparison would lose.
const TRICKY: [u32; 6] = [0x0000_0001, 0x8000_0000, 0x7FC1_2345, 0xFF80_0000, 0x3DCC_CCCD, 0x7F7F_FFFF];

fn tricky() -> Fixture<f32> {
    let mut model = Fixture::new();
    for (i, bits) in TRICKY.into_iter().enumerate() {
        model.0.parameters[i] = f32::from_bits(bits);
    }
    model
}

fn bits(model: &Fixture<f32>) -> Vec<u32> {
    model.0.parameters.iter().chain(model.0.buffers.iter()).map(|x| x.to_bits()).collect()
}

#[test]
fn a_state_dict_has_pytorchs_names_shapes_and_order_of_values() {
    let dict = Fixture::<f32>::new().state_dict();
    let found: Vec<_> = dict.iter().map(|(name, tensor)| (name, tensor.shape(), tensor.dtype())).collect();
    let expected: [(&str, &[usize], Dtype); 10] = [
        ("0.weight", &[2, 3], Dtype::F32),
        ("0.bias", &[2], Dtype::F32),
        ("1.weight", &[2], Dtype::F32),
        ("1.bias", &[2], Dtype::F32),
        ("1.running_mean", &[2], Dtype::F32),
        ("1.running_var", &[2], Dtype::F32),
        ("1.num_batches_tracked", &[], Dtype::I64),
        ("2.weight", &[2, 3, 2, 2], Dtype::F32),
        ("4.weight", &[2, 8], Dtype::F32),
        ("head.weight", &[2, 3], Dtype::F32),
    ];
    assert_eq!(found, expected);
    // Stored input by input.
    assert_eq!(dict.get("0.weight").unwrap().values(), &Values::F32(vec![0.1, 2.1, 4.1, 1.1, 3.1, 5.1]));
    let Values::F32(kernel) = dict.get("2.weight").unwrap().values() else { panic!("another precision") };
    // Of one output and input after the other; each place of the kernel holds 3 inputs of 2 outputs.
    assert_eq!(kernel[..8], [64.1, 70.1, 76.1, 82.1, 66.1, 72.1, 78.1, 84.1]);
    assert_eq!(kernel[12..16], [65.1, 71.1, 77.1, 83.1]);
    let Values::F32(behind) = dict.get("4.weight").unwrap().values() else { panic!("another precision") };
    // Each place of the image holds 2 channels, of 2 outputs each.
    assert_eq!(behind[..8], [96.1, 100.1, 104.1, 108.1, 98.1, 102.1, 106.1, 110.1]);
    assert_eq!(dict.get("1.num_batches_tracked").unwrap().values(), &Values::I64(vec![7]));
}

#[test]
fn a_loaded_network_is_the_saved_one() {
    let mut model = Fixture::<f64>::zeros();
    model.load_state_dict(&Fixture::<f64>::new().state_dict()).unwrap();
    assert_eq!(model, Fixture::new());
}

#[test]
fn a_file_gives_back_every_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    tricky().save(&path).unwrap();
    let mut model = Fixture::<f32>::zeros();
    model.load(&path).unwrap();
    assert_eq!(bits(&model), bits(&tricky()));
    assert_eq!(model.0.counters, [7]);
}

#[test]
fn the_same_weights_give_the_same_file() {
    let dict = Fixture::<f32>::new().state_dict();
    let reversed: StateDict = dict.clone().into_iter().rev().collect();
    assert_ne!(dict, reversed);
    assert_eq!(super::super::safetensors::encode(&dict), super::super::safetensors::encode(&reversed));
}

#[track_caller]
fn check_precision<S: Real + Sample<S>, T: Real + Sample<T>>() {
    let mut model = Fixture::<T>::zeros();
    model.load_state_dict(&Fixture::<S>::new().state_dict()).unwrap();
    let (given, found) = (Fixture::<S>::new().0, model.0);
    for (given, found) in [(&given.parameters, &found.parameters), (&given.buffers, &found.buffers)] {
        let expected: Vec<T> = given.iter().map(|x| T::from_f64(x.to_f64())).collect();
        assert_eq!(&found[..], expected);
    }
}

#[test]
fn a_state_dict_of_the_other_precision_is_converted() {
    check_precision::<f32, f64>();
    check_precision::<f64, f32>();
}

#[track_caller]
fn check_mismatch(change: impl Fn(&mut StateDict), expected: Mismatch, message: &str) {
    let mut dict = Fixture::<f32>::new().state_dict();
    change(&mut dict);
    let mut model = Fixture::<f32>::zeros();
    let error = model.load_state_dict(&dict).unwrap_err();
    assert_eq!(error.to_string(), message);
    let StateDictError::Mismatch(found) = error else { panic!("{error}") };
    assert_eq!(found, expected);
    assert_eq!(model, Fixture::zeros(), "the model has changed");
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn one() -> Tensor {
    Tensor::new(vec![], vec![1.5f32]).unwrap()
}

#[test]
fn everything_that_does_not_fit_is_named_at_once() {
    check_mismatch(
        |dict| {
            dict.remove("0.bias");
            dict.insert("fc.weight", one());
            dict.insert("fc.bias", one());
            dict.insert("0.weight", Tensor::new(vec![3, 2], vec![0.0f32; 6]).unwrap());
            dict.insert("1.running_var", one());
        },
        Mismatch {
            model: "Fixture",
            missing: strings(&["0.bias"]),
            unexpected: strings(&["fc.weight", "fc.bias"]),
            shapes: vec![
                ShapeMismatch { name: "0.weight".to_owned(), found: vec![3, 2], expected: vec![2, 3] },
                ShapeMismatch { name: "1.running_var".to_owned(), found: vec![], expected: vec![2] },
            ],
            counters: vec![],
        },
        "the state dict does not fit Fixture; missing: 0.bias; unexpected: fc.weight, fc.bias; \
         0.weight has shape [3, 2], expected [2, 3]; 1.running_var has shape [], expected [2]",
    );
}

#[test]
fn a_counter_must_be_a_count() {
    for value in [Values::I64(vec![-1]), Values::F32(vec![1.5]), Values::F64(vec![f64::NAN])] {
        check_mismatch(
            |dict| drop(dict.insert("1.num_batches_tracked", Tensor::new(vec![], value.clone()).unwrap())),
            Mismatch { model: "Fixture", counters: strings(&["1.num_batches_tracked"]), ..Mismatch::default() },
            "the state dict does not fit Fixture; not a count: 1.num_batches_tracked",
        );
    }
}

/// What PyTorch 2.15's strict load of a plain dict makes of a batch norm's counter.
#[test]
fn a_counter_may_be_missing_or_have_an_axis_or_another_type() {
    fn check(tensor: Option<Tensor>, expected: u64) {
        let mut dict = Fixture::<f32>::new().state_dict();
        dict.remove("1.num_batches_tracked");
        tensor.into_iter().for_each(|tensor| drop(dict.insert("1.num_batches_tracked", tensor)));
        for strict in [true, false] {
            let mut model = Fixture::<f32>::zeros();
            model.0.counters[0] = 5;
            let keys = model.load_state_dict_with(&dict, strict).unwrap();
            assert_eq!((model.0.counters[0], keys), (expected, IncompatibleKeys::default()));
        }
    }
    check(None, 5);
    check(Some(Tensor::new(vec![1], vec![9i64]).unwrap()), 9);
    check(Some(Tensor::new(vec![], vec![9.0f32]).unwrap()), 9);
    for shape in [vec![2], vec![0], vec![1, 1]] {
        let mut dict = Fixture::<f32>::new().state_dict();
        let values = vec![0i64; shape.iter().product()];
        dict.insert("1.num_batches_tracked", Tensor::new(shape.clone(), values).unwrap());
        let error = Fixture::<f32>::zeros().load_state_dict(&dict).unwrap_err().to_string();
        assert!(error.ends_with(&format!("1.num_batches_tracked has shape {shape:?}, expected []")), "{error}");
    }
    // An axis of length 1 is no single number the other way round, and parameters may not be missing.
    check_mismatch(
        |dict| drop(dict.remove("1.running_var")),
        Mismatch { model: "Fixture", missing: strings(&["1.running_var"]), ..Mismatch::default() },
        "the state dict does not fit Fixture; missing: 1.running_var",
    );
}

#[test]
fn what_is_not_strict_ignores_names_but_not_shapes() {
    let mut dict = Fixture::<f32>::new().state_dict();
    dict.remove("0.bias");
    dict.insert("fc.weight", one());
    let mut model = Fixture::<f32>::zeros();
    let keys = model.load_state_dict_with(&dict, false).unwrap();
    let expected = IncompatibleKeys { missing_keys: strings(&["0.bias"]), unexpected_keys: strings(&["fc.weight"]) };
    assert_eq!(keys, expected);
    let mut whole = Fixture::<f32>::new();
    whole.0.parameters[16..18].fill(0.0);
    assert_eq!(model.0.parameters, whole.0.parameters);

    dict.insert("1.bias", one());
    let before = model.clone();
    assert!(matches!(model.load_state_dict_with(&dict, false), Err(StateDictError::Mismatch(_))));
    assert_eq!(model, before);
}

#[test]
fn the_last_name_of_a_tied_weight_counts_and_one_is_enough_if_not_strict() {
    let ones = Tensor::new(vec![2, 3], vec![1.0f32; 6]).unwrap();
    let mut dict = Fixture::<f32>::new().state_dict();
    dict.insert("head.weight", ones.clone());
    let mut model = Fixture::<f32>::zeros();
    model.load_state_dict(&dict).unwrap();
    assert_eq!(model.0.parameters[..6], [1.0; 6]);

    let dict = StateDict::from_iter([("0.weight", ones)]);
    let mut model = Fixture::<f32>::zeros();
    model.load_state_dict_with(&dict, false).unwrap();
    assert_eq!(model.0.parameters[..6], [1.0; 6]);
}

#[test]
fn files_that_are_none_are_refused_and_the_model_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    let mut model = Fixture::<f32>::new();
    model.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut wrong_type = whole.clone();
    let at = whole.windows(3).position(|w| w == b"F32").unwrap();
    // As many bits, so that only the type is at fault.
    wrong_type[at..at + 3].copy_from_slice(b"U32");
    let mut check = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = model.load(&path).unwrap_err();
        assert_eq!(model, Fixture::new(), "the model has changed");
        assert!(error.to_string().contains("model.safetensors: not a whole"), "{error}");
        assert!(matches!(error, StateDictError::Format { .. }));
    };
    for len in [0, 7, 8, 40, whole.len() - 1] {
        check(&whole[..len]);
    }
    check(b"this is a text and no file of tensors");
    check(&[&whole[..], b"x"].concat());
    let missing = model.load(directory.path().join("none")).unwrap_err();
    assert!(matches!(missing, StateDictError::Io { .. }), "{missing}");
}

/// The beginnings of files as PyTorch 2.15, Keras 3.15, NumPy, ONNX and others write them.
#[test]
fn files_of_another_kind_are_told_for_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let check = |file: &str, bytes: &[u8], found: &str, advice: &str| {
        let path = directory.path().join(file);
        fs::write(&path, bytes).unwrap();
        let mut model = Fixture::<f32>::new();
        let error = model.load(&path).unwrap_err();
        assert!(matches!(error, StateDictError::Foreign { .. }), "{file}: {error}");
        let expected = format!("{file}: it is {found}, not a safetensors file; ");
        assert!(error.to_string().contains(&expected), "{error}");
        assert!(error.to_string().contains(advice), "{error}");
        assert_eq!(model, Fixture::new());
    };
    let zip = |names: &str| [&b"PK\x03\x04\0\0\x08\x08"[..], &[0; 22], names.as_bytes(), &[7; 99]].concat();
    let torch = "`safetensors.torch.save_file(torch.load(\"x.pt\", weights_only=True), \"x.safetensors\")`";
    check("x.pt", &zip("x/data.pkl x/byteorder"), "a file of `torch.save`", torch);
    let before_archives = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    check("x.pt", before_archives, "a file of `torch.save`", torch);
    check(
        "x.pt",
        &zip("x/data/0 x/data.pkl x/code/__torch__/a.py"),
        "a TorchScript program",
        "torch.jit.load(\"x.pt\")",
    );
    check("x.pkl", b"\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94.", "a pickle of Python", "safetensors.torch.save_file");
    let keras = "numpy.ascontiguousarray(kernel.T)";
    check("m.keras", &zip("metadata.json config.json model.weights.h5"), "a .keras file", keras);
    check("m.weights.h5", b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0", "an HDF5 file (Keras's .h5)", keras);
    check(
        "a.npz",
        &zip("0.weight.npy"),
        "an .npz file of NumPy",
        "save_file(dict(numpy.load(\"a.npz\")), \"a.safetensors\")",
    );
    check("a.npy", b"\x93NUMPY\x01\0v\0{'descr': '<f8'", "an .npy file of NumPy", "numpy.load(\"a.npy\")");
    check("m.onnx", b"\x08\x0e:3\x0a\x0c\x0a\x01x\x12\x01y\"\x04Relu\x12", "an ONNX model", "onnx.load(\"m.onnx\")");
    check("m.onnx", b"\x08\x08\x12\x07pytorch\x1a\x05", "an ONNX model", "onnx.load(\"m.onnx\")");
    check("m.gguf", b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0", "a GGUF file", "safetensors.torch.save_file");
    check("m.tflite", b"\x1c\0\0\0TFL3\x14\0 \0", "a TensorFlow Lite model", "safetensors.torch.save_file");
    check("m.zip", &zip("readme.txt"), "a zip archive", "safetensors.torch.save_file");
    check("m.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "compressed by gzip", "gunzip m.gz");
    let index = br#"{"metadata": {}, "weight_map": {"0.weight": "a-1.safetensors"}}"#;
    check("m.json", index, "the index of several safetensors files", "weight_map");
    check("m", b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS", "git lfs pull");
    check("m", b"\n<!DOCTYPE html><html>", "a web page", "download the file itself");
    let checkpoint = crate::checkpoint::Checkpoint::new().to_bytes();
    check("run.ckpt", &checkpoint, "a checkpoint of a trainer", "`trainer.resume(path)`");
}

#[test]
fn a_file_of_complex_numbers_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("complex");
    let header = r#"{"z":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}"#;
    fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 8]].concat()).unwrap();
    let error = StateDict::load(&path).unwrap_err();
    assert!(error.to_string().contains("z has type C64, expected F32"), "{error}");
    assert!(matches!(error, StateDictError::Dtype { .. }));
}

#[test]
fn every_type_of_file_that_fits_is_read() {
    let check = |dtype: &str, bytes: &[u8], expected: Values| {
        let size = bytes.len();
        let header = format!(r#"{{"x":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{size}]}}}}"#);
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), bytes].concat();
        let dict = super::super::safetensors::decode(&file).unwrap();
        assert_eq!(dict.get("x").unwrap().values(), &expected, "{dtype}");
    };
    check("F16", &[0, 0x3C, 0, 0xC0], Values::F32(vec![1.0, -2.0]));
    check("BF16", &[0x80, 0x3F, 0, 0xC0], Values::F32(vec![1.0, -2.0]));
    check("I32", &[1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF], Values::I64(vec![1, -2]));
    check("U32", &[1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF], Values::I64(vec![1, 0xFFFF_FFFE]));
    let u64s = [[1u8, 0, 0, 0, 0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]].concat();
    check("U64", &u64s, Values::I64(vec![1, i64::MAX]));
    check("I16", &[1, 0, 0xFE, 0xFF], Values::I64(vec![1, -2]));
    check("U16", &[1, 0, 0xFE, 0xFF], Values::I64(vec![1, 0xFFFE]));
    check("I8", &[1, 0xFE], Values::I64(vec![1, -2]));
    check("U8", &[1, 0xFE], Values::I64(vec![1, 0xFE]));
    check("BOOL", &[1, 0], Values::I64(vec![1, 0]));
}

#[test]
fn a_state_dict_survives_json() {
    let mut dict = tricky().state_dict();
    dict.insert("wide", Tensor::new(vec![5], vec![0.1, f64::MIN_POSITIVE / 8.0, -0.0, 1e300, 3.0]).unwrap());
    dict.insert("count", Tensor::new(vec![2], vec![i64::MIN, i64::MAX]).unwrap());
    let text = serde_json::to_string(&dict).unwrap();
    assert!(text.starts_with(r#"{"0.weight":{"shape":[2,3],"values":{"F32":["#), "{text}");
    let read: StateDict = serde_json::from_str(&text).unwrap();
    // Every NaN is the same in a text; all other bits are kept.
    assert_eq!(format!("{read:?}"), format!("{dict:?}"));
}

#[test]
fn a_json_of_another_form_is_refused() {
    for (text, expected) in [
        (r#"{"a":{"shape":[3],"values":{"F32":[1,2]}}}"#, "2 values for shape [3]"),
        (r#"{"a":{"shape":[1],"values":{"F32":["one"]}}}"#, "another kind of number"),
        (r#"{"a":{"shape":[1],"values":{"I64":[1.5]}}}"#, "another kind of number"),
        (
            r#"{"a":{"shape":[0],"values":{"F32":[]}},"a":{"shape":[0],"values":{"F32":[]}}}"#,
            "two tensors are called a",
        ),
    ] {
        let error = serde_json::from_str::<StateDict>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_shape_too_large_to_count_is_refused() {
    let error = Tensor::new(vec![usize::MAX, 2], vec![0.0f32; 3]).unwrap_err();
    assert!(matches!(error, StateDictError::Length { found: 3, .. }));
}
