//! The index and the tensors of the golden results.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use glulam::Real;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// Which of a case's two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    F32,
    F64,
}

impl Precision {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }
}

/// A tensor; `f64` holds every value that occurs exactly.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

/// A case of the index, with the tensors of one precision once they are loaded.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) json: Value,
    pub(crate) precision: Precision,
    tensors: BTreeMap<String, Array>,
}

/// All cases of the index.
pub(crate) fn cases(root: &Path) -> Vec<Case> {
    let path = root.join("index.json");
    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let index: Value = serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(index["format"], 1, "{}: another format of the index", path.display());
    let cases = index["cases"].as_array().expect("`cases` is a list").iter();
    cases.map(|json| Case { json: json.clone(), precision: Precision::F64, tensors: BTreeMap::new() }).collect()
}

impl Case {
    pub(crate) fn name(&self) -> &str {
        self.text("name")
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("kind")
    }

    pub(crate) fn op(&self) -> &str {
        self.text("op")
    }

    fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_else(|| panic!("a case without {field}"))
    }

    /// The options.
    pub(crate) fn config(&self) -> &Value {
        &self.json["config"]
    }

    /// The files that the case has.
    pub(crate) fn precisions(&self) -> Vec<Precision> {
        [Precision::F32, Precision::F64].into_iter().filter(|p| self.json["files"][p.name()].is_string()).collect()
    }

    /// The case with its tensors.
    pub(crate) fn load(&self, root: &Path, precision: Precision) -> Case {
        let path = root.join(self.json["files"][precision.name()].as_str().expect("a file"));
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let array = |t: safetensors::tensor::TensorView<'_>| Array {
            shape: t.shape().to_vec(),
            values: values(t.dtype(), t.data()),
        };
        let tensors = file.tensors().into_iter().map(|(name, tensor)| (name, array(tensor))).collect();
        Case { json: self.json.clone(), precision, tensors }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Array> {
        self.tensors.get(name)
    }

    pub(crate) fn array(&self, name: &str) -> &Array {
        self.get(name).unwrap_or_else(|| panic!("{}: no tensor {name}", self.name()))
    }

    /// The tensors whose names begin so, without the beginning.
    pub(crate) fn under(&self, prefix: &str) -> impl Iterator<Item = (&str, &Array)> {
        self.tensors.iter().filter_map(move |(name, array)| Some((name.strip_prefix(prefix)?, array)))
    }

    /// The names of the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.json["outputs"].as_object().expect("outputs by name").keys().map(String::as_str)
    }

    /// Whether a result is close enough to the output `name`: every element within `atol + rtol · max|want|`.
    pub(crate) fn compare<T: Real>(&self, checks: &mut Checks, name: &str, got: &[T]) {
        let want = self.array(name);
        let tolerance = &self.json["tol"][self.precision.name()];
        let number = |field: &str| tolerance[field].as_f64().expect("a tolerance");
        let largest = want.values.iter().fold(0.0f64, |max, v| max.max(v.abs()));
        let bound = number("atol") + number("rtol") * largest;
        checks.done.push(name.to_owned());
        if got.len() != want.values.len() {
            checks.that(false, || format!("{name}: {} values, expected {}", got.len(), want.values.len()));
            return;
        }
        let distance = |(g, w): (&T, &f64)| (g.to_f64() - w).abs();
        // A NaN is farther than anything.
        let far = |d: f64| if d.is_nan() { f64::INFINITY } else { d };
        let worst = got.iter().zip(&want.values).map(|pair| far(distance(pair))).enumerate();
        let worst = worst.fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a });
        checks.that(worst.1 <= bound, || {
            let (at, d) = worst;
            format!("{name}[{at}] = {}, expected {} ± {bound:.3e} (off by {d:.3e})", got[at], want.values[at])
        });
    }
}

impl Array {
    pub(crate) fn reals<T: Real>(&self) -> Vec<T> {
        self.values.iter().map(|&v| T::from_f64(v)).collect()
    }

    /// The values repeated along the axes of size 1, to `shape`; `None` if they do not fit.
    pub(crate) fn broadcast(&self, shape: &[usize]) -> Option<Vec<f64>> {
        let missing = shape.len().checked_sub(self.shape.len())?;
        let own: Vec<usize> = std::iter::repeat_n(1, missing).chain(self.shape.iter().copied()).collect();
        if own.iter().zip(shape).any(|(&own, &axis)| own != axis && own != 1) {
            return None;
        }
        let value = |mut place: usize| {
            let (mut at, mut stride) = (0, 1);
            for (&own, &axis) in own.iter().zip(shape).rev() {
                at += if own == 1 { 0 } else { place % axis * stride };
                (place, stride) = (place / axis, stride * own);
            }
            self.values[at]
        };
        Some((0..shape.iter().product()).map(value).collect())
    }

    pub(crate) fn integers(&self) -> Vec<i64> {
        self.values.iter().map(|&v| v as i64).collect()
    }
}

/// What was compared, and what was wrong.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) done: Vec<String>,
    pub(crate) wrong: Vec<String>,
}

impl Checks {
    /// Whether nothing was compared at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.done.is_empty() && self.wrong.is_empty()
    }

    pub(crate) fn that(&mut self, holds: bool, message: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(message());
        }
    }

    /// An error where there should have been a result.
    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        Checks { done: Vec::new(), wrong: vec![error.to_string()] }
    }
}

fn values(dtype: Dtype, bytes: &[u8]) -> Vec<f64> {
    fn each<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|&b| read(b)).collect()
    }
    match dtype {
        Dtype::F32 => each(bytes, |b| f32::from_le_bytes(b).into()),
        Dtype::F64 => each(bytes, f64::from_le_bytes),
        Dtype::I64 => each(bytes, |b| i64::from_le_bytes(b) as f64),
        Dtype::BOOL => bytes.iter().map(|&b| b.into()).collect(),
        other => panic!("a tensor of {other:?}"),
    }
}
