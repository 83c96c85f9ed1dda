//! Checkpoints: exactness of what they hold, damaged files, and files of something else.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fixture::Fixture;
use crate::checkpoint::{Checkpoint, CheckpointError, ModelState, StateDict, StateDictError, StateDictExt, Tensor};
use crate::data::LoaderState;
use crate::network::{Kind, ParamSpec};
use crate::optim::{Adam, Optimizer, OptimizerState, OptimizerStateDict};
use crate::rng::Generator;

/// Writes a value to a file and reads it again. The text of a value tells 0 from -0, and shows every digit.
#[track_caller]
fn check_exact<V: Serialize + DeserializeOwned + Debug>(value: &V) -> V {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ckpt");
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("value", value).unwrap();
    checkpoint.save(&path).unwrap();
    let read: V = Checkpoint::load(&path).unwrap().get("value").unwrap();
    assert_eq!(format!("{read:?}"), format!("{value:?}"));
    read
}

#[test]
fn every_bit_of_a_number_survives() {
    for bits in [0u32, 0x8000_0000, 1, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7FC1_2345, 0xFFFF_FFFF, 0x3DCC_CCCD] {
        assert_eq!(check_exact(&f32::from_bits(bits)).to_bits(), bits);
        assert_eq!(check_exact(&[f32::from_bits(bits); 2])[1].to_bits(), bits);
        let wide = u64::from(bits) << 32 | u64::from(!bits);
        assert_eq!(check_exact(&f64::from_bits(wide)).to_bits(), wide);
        assert_eq!(check_exact(&Some(f64::from_bits(wide))).unwrap().to_bits(), wide);
        let dict = StateDict::from_iter([("x", Tensor::new(vec![1], vec![f32::from_bits(bits)]).unwrap())]);
        assert_eq!(check_exact(&dict).get("x").unwrap().to_reals::<f32>()[0].to_bits(), bits);
    }
    check_exact(&(u64::MAX, i64::MIN, u128::MAX, 'c', true, ()));
}

/// What serde's attributes can do to a type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Settings {
    #[serde(flatten)]
    inner: Inner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skipped: Option<f64>,
    by_number: BTreeMap<usize, Untagged>,
    by_name: BTreeMap<String, Vec<Tagged>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inner {
    lr: f64,
    betas: (f64, f64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Scalar(f64),
    Tensor { shape: Vec<usize>, values: Vec<f32> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tagged {
    Unit,
    New(f32),
    Struct { a: Option<u8> },
}

#[test]
fn values_of_every_form_survive() {
    let tensor = Untagged::Tensor { shape: vec![2], values: vec![0.1, f32::NAN] };
    check_exact(&Settings {
        inner: Inner { lr: f64::INFINITY, betas: (0.9, f64::MIN_POSITIVE / 2.0) },
        skipped: None,
        by_number: BTreeMap::from([(7, Untagged::Scalar(3.0)), (9, tensor)]),
        by_name: BTreeMap::from([("t".to_owned(), vec![Tagged::Unit, Tagged::New(-0.0), Tagged::Struct { a: None }])]),
    });
    check_exact(&Settings { skipped: Some(f64::NAN), ..Settings::default() });
}

#[test]
fn the_parts_of_a_run_survive() {
    const TABLE: &[ParamSpec] = &[ParamSpec::new("0.weight", &[2, 3], 0, Kind::Weight).stored(&[1, 0])];
    let mut optimizer = Adam { lr: 1e-3, ..Adam::DEFAULT }.init_for::<f32>(TABLE).unwrap();
    let mut parameters = [0.5f32; 16];
    let mut gradients = [0.0f32; 16];
    for step in 0..3 {
        gradients[..6].fill(0.1 / (step as f32 + 0.7));
        gradients[4] = f32::NAN;
        optimizer.step_flat(&mut parameters, &gradients);
    }
    let dict: OptimizerStateDict<Adam, f32> = optimizer.state_dict();
    assert!(format!("{dict:?}").contains("NaN"));
    check_exact(&dict);
    let mut generator = Generator::seed_from(u64::MAX).stream(3);
    generator.next_u32();
    assert_eq!(check_exact(&generator).next_u64(), generator.next_u64());
    check_exact(&LoaderState { seed: u64::MAX, epoch: 3, position: 77, samples: 100 });
}

#[test]
fn a_model_goes_on_with_its_weights_and_its_generator() {
    let mut model = Fixture::<f32>::new();
    model.0.parameters[3] = f32::from_bits(0x7FC1_2345);
    (model.0.seed, model.0.draws) = (u64::MAX, 12345);
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("model", &model).unwrap();
    let mut restored = Fixture::<f32>::zeros();
    checkpoint.load_model("model", &mut restored).unwrap();
    let bits = |model: &Fixture<f32>| model.0.parameters.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&restored), bits(&model));
    assert_eq!((&restored.0.buffers, &restored.0.counters), (&model.0.buffers, &model.0.counters));
    assert_eq!((restored.0.seed, restored.0.draws), (u64::MAX, 12345));
}

#[test]
fn another_network_is_refused_and_stays() {
    let mut state = ModelState::of(&Fixture::<f32>::new());
    state.name = "Other".to_owned();
    state.state_dict.remove("0.bias");
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("model", &state).unwrap();
    let mut model = Fixture::<f32>::zeros();
    let error = checkpoint.load_model("model", &mut model).unwrap_err();
    assert_eq!(model, Fixture::zeros());
    let expected = "section \"model\" is of the network Other: the state dict does not fit Fixture; missing: 0.bias";
    assert_eq!(error.to_string(), expected);
    let CheckpointError::Model { source, .. } = error else { panic!("{error}") };
    assert!(matches!(*source, StateDictError::Mismatch(_)));
}

#[test]
fn sections_keep_their_order_and_can_be_replaced() {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("b", "text").unwrap();
    checkpoint.put_bytes("a", [1, 2]);
    checkpoint.put("b", &7u8).unwrap();
    let read = Checkpoint::from_bytes(&checkpoint.to_bytes()).unwrap();
    assert_eq!(read, checkpoint);
    assert_eq!(read.names().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(read.get::<u8>("b").unwrap(), 7);
    assert_eq!(read.get_bytes("a").unwrap(), [1, 2]);
    assert!(read.contains("a") && !read.contains("c"));
    assert_eq!(Checkpoint::from_bytes(&Checkpoint::new().to_bytes()).unwrap(), Checkpoint::new());
}

#[test]
fn sections_that_are_missing_or_hold_something_else_are_errors() {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("text", "abc").unwrap();
    checkpoint.put_bytes("bytes", [1]);
    let missing = checkpoint.get::<u8>("model").unwrap_err();
    assert_eq!(missing.to_string(), "the checkpoint has no section \"model\"; it has text, bytes");
    assert!(matches!(missing, CheckpointError::Section { .. }));
    for error in [
        checkpoint.get::<u8>("text").unwrap_err(),
        checkpoint.get::<u8>("bytes").unwrap_err(),
        checkpoint.get_bytes("text").unwrap_err(),
        checkpoint.get::<Settings>("text").unwrap_err(),
    ] {
        assert!(matches!(error, CheckpointError::Decode { .. }), "{error}");
    }
}

#[test]
fn a_value_that_cannot_be_written_is_an_error_and_adds_nothing() {
    struct Secret;
    impl Serialize for Secret {
        fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it is secret"))
        }
    }
    let mut checkpoint = Checkpoint::new();
    let error = checkpoint.put("secret", &Secret).unwrap_err();
    assert_eq!(error.to_string(), "section \"secret\" cannot be written: it is secret");
    assert_eq!(checkpoint, Checkpoint::new());
}

fn small() -> Vec<u8> {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("model", &Fixture::<f32>::new().state_dict()).unwrap();
    checkpoint.put_bytes("notes", b"after two epochs".as_slice());
    checkpoint.to_bytes()
}

#[test]
fn a_file_cut_anywhere_is_truncated() {
    let file = small();
    for len in 0..file.len() {
        let error = Checkpoint::from_bytes(&file[..len]).unwrap_err();
        assert!(matches!(error, CheckpointError::Truncated { found, .. } if found == len as u64), "{len}: {error}");
    }
}

#[test]
fn a_bit_flipped_anywhere_is_noticed() {
    let file = small();
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1 << (at % 8);
        let error = Checkpoint::from_bytes(&damaged).unwrap_err();
        let fits = match at {
            0..8 => matches!(error, CheckpointError::Magic { .. }),
            8..12 => matches!(error, CheckpointError::Version { expected: 1, .. }),
            12..20 => matches!(error, CheckpointError::Truncated { .. } | CheckpointError::Corrupt { .. }),
            _ => matches!(error, CheckpointError::Corrupt { .. }),
        };
        assert!(fits, "byte {at}: {error}");
    }
}

#[test]
fn other_files_are_not_checkpoints() {
    let error = Checkpoint::from_bytes(b"\x00PK\x03 something else, and long enough").unwrap_err();
    let expected = r#"not a checkpoint: it begins with "\x00PK\x03 som", expected "GLULAMCP""#;
    assert_eq!(error.to_string(), expected);
    let mut longer = small();
    longer.push(0);
    let error = Checkpoint::from_bytes(&longer).unwrap_err();
    assert_eq!(error.to_string(), "the checkpoint is corrupt: 1 bytes after its end");
}

/// Sections that contradict themselves under a right checksum.
#[test]
fn files_that_are_taken_for_checkpoints_are_told_for_what_they_are() {
    let weights = crate::checkpoint::safetensors::encode(&Fixture::<f32>::new().state_dict());
    let error = Checkpoint::from_bytes(&weights).unwrap_err();
    let expected = "not a checkpoint: it is a safetensors file: `model.load(path)` reads the weights in it";
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, CheckpointError::Foreign { .. }));
    let torch = [&b"PK\x03\x04"[..], &[0; 26], b"x/data.pkl"].concat();
    let error = Checkpoint::from_bytes(&torch).unwrap_err();
    assert_eq!(error.to_string(), "not a checkpoint: it is a file of `torch.save`");
}

#[test]
fn a_faulty_body_is_corrupt_whatever_its_checksum_says() {
    let file = |body: &[u8]| {
        let mut file = [b"GLULAMCP".as_slice(), &1u32.to_le_bytes(), &(body.len() as u64).to_le_bytes(), body].concat();
        file.extend(crc32fast::hash(&file).to_le_bytes());
        Checkpoint::from_bytes(&file)
    };
    assert!(file(&[0; 4]).is_ok());
    for body in [
        &[][..],
        &[1, 0, 0, 0],
        &[0, 0, 0, 0, 9],
        &[255; 4],
        &[1, 0, 0, 0, 255, 255, 255, 255, 0],
        &[1, 0, 0, 0, 1, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0, 1, 0, 0, 0, b'a', 9, 0, 0, 0, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0, 1, 0, 0, 0, b'a', 0, 255, 255, 255, 255, 255, 255, 255, 255],
    ] {
        assert!(matches!(file(body), Err(CheckpointError::Corrupt { .. })), "{body:?}");
    }
}

#[test]
fn files_are_named_and_written_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ckpt");
    let missing = Checkpoint::load(&path).unwrap_err();
    assert!(matches!(missing, CheckpointError::Io { .. }), "{missing}");
    fs::write(&path, &small()[..30]).unwrap();
    let error = Checkpoint::load(&path).unwrap_err();
    assert!(error.to_string().contains("run.ckpt: the checkpoint is truncated: found 30 bytes"), "{error}");
    assert!(
        matches!(&error, CheckpointError::File { source, .. } if matches!(**source, CheckpointError::Truncated { .. }))
    );

    let error = Checkpoint::new().save(directory.path().join("none/run.ckpt")).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
    let error = Checkpoint::new().save(directory.path()).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "something was left behind");
}
