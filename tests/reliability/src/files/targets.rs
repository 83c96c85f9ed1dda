//! Files of data and of models, and how they are read.

use std::error::Error;
use std::fmt::Debug;
use std::fs;
use std::io::Write;
use std::path::Path;

use glulam::checkpoint::{Checkpoint, safetensors};
use glulam::data::{Dataset, FashionMnist, idx};
use glulam::prelude::*;

use super::trainers::Net;
use super::{Outcome, Refusal, Sum, Target};

fn outcome<T: Debug, E: Error>(result: Result<T, E>) -> Outcome {
    result.map(text).map_err(|error| Refusal::Error(error.to_string()))
}

pub fn text(value: impl Debug) -> Vec<u8> {
    format!("{value:?}").into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn idx_file(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let sizes = shape.iter().flat_map(|size| size.to_be_bytes());
    [0, 0, code, shape.len() as u8].into_iter().chain(sizes).chain(data.iter().copied()).collect()
}

/// IDX as it is, and compressed, which brings a checksum; read as arrays, and as Fashion-MNIST.
pub fn of_data(folder: &Path) -> Vec<Target<'_>> {
    let small: Vec<u8> = (0..24).collect();
    let images = idx_file(8, &[3, 28, 28], &(0..3 * 784).map(|i| (i * 7) as u8).collect::<Vec<_>>());
    let labels = idx_file(8, &[3], &[7, 0, 9]);
    fs::write(folder.join("t10k-images-idx3-ubyte"), &images).expect("written");
    fs::write(folder.join("train-labels-idx1-ubyte"), &labels).expect("written");
    let target = |name, bytes, sum, read| Target { name, bytes, sum, read };
    vec![
        target(
            "IDX of u8",
            idx_file(8, &[2, 3, 4], &small),
            Sum::Absent,
            Box::new(|path| outcome(idx::read::<u8>(path))),
        ),
        target(
            "IDX of u8, gzip",
            gzip(&idx_file(8, &[2, 3, 4], &small)),
            Sum::Left,
            Box::new(|path| outcome(idx::read::<u8>(path))),
        ),
        target(
            "IDX of f64",
            idx_file(14, &[2, 3], &[63; 48]),
            Sum::Absent,
            Box::new(|path| outcome(idx::read::<f64>(path))),
        ),
        target(
            "IDX of i16, gzip",
            gzip(&idx_file(11, &[200], &[63; 400])),
            Sum::Left,
            Box::new(|path| outcome(idx::read::<i16>(path))),
        ),
        target(
            "labels of Fashion-MNIST",
            labels,
            Sum::Absent,
            Box::new(move |path| {
                fs::copy(path, folder.join("t10k-labels-idx1-ubyte")).expect("copied");
                outcome(FashionMnist::test(folder).map(|data| data.len()))
            }),
        ),
        target(
            "images of Fashion-MNIST, gzip",
            gzip(&images),
            Sum::Left,
            Box::new(move |path| {
                fs::copy(path, folder.join("train-images-idx3-ubyte.gz")).expect("copied");
                outcome(FashionMnist::train(folder))
            }),
        ),
    ]
}

/// Models as safetensors, and checkpoints without a trainer.
pub fn of_models(folder: &Path) -> Vec<Target<'_>> {
    let model = Net::seeded(3);
    let path = folder.join("net.safetensors");
    model.save(&path).expect("written");
    let saved = fs::read(&path).expect("it was written");
    let checkpoint = checkpoint(&model);
    let target = |name, bytes, sum, read| Target { name, bytes, sum, read };
    vec![
        target("safetensors", saved.clone(), Sum::Absent, Box::new(|path| outcome(safetensors::load(path)))),
        target("safetensors, by a model", saved, Sum::Absent, Box::new(load_model)),
        target("checkpoint", checkpoint.clone(), Sum::Left, Box::new(|path| outcome(Checkpoint::load(path)))),
        target("checkpoint, checksum mended", checkpoint, Sum::Mended, Box::new(load_checkpoint)),
    ]
}

fn checkpoint(model: &Net) -> Vec<u8> {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("numbers", &vec![1.5f32, 2.5]).expect("they can be written");
    checkpoint.put_bytes("bytes", vec![1, 2, 3]);
    checkpoint.put_model("model", model).expect("it can be written");
    checkpoint.to_bytes()
}

fn load_model(path: &Path) -> Outcome {
    let mut model = Net::seeded(9);
    let before = model.clone();
    match model.load(path) {
        Ok(_) => Ok(text(model.state_dict())),
        Err(error) if model == before => Err(Refusal::Error(error.to_string())),
        Err(error) => Err(Refusal::Harm(format!("refused, but the model has changed: {error}"))),
    }
}

/// What is whole by its checksum is asked for everything; each answer may be an error.
fn load_checkpoint(path: &Path) -> Outcome {
    let checkpoint = Checkpoint::load(path).map_err(|error| Refusal::Error(error.to_string()))?;
    let _ = checkpoint.load_model("model", &mut Net::seeded(9));
    let _ = checkpoint.get::<Vec<f32>>("numbers");
    let _ = checkpoint.get::<serde_json::Value>("model");
    let _ = checkpoint.get_bytes("bytes");
    Ok(text(&checkpoint))
}
