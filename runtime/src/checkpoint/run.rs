//! Checkpoints: a whole run in one file.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::file_format::{Kind, Section, decode, encode};
use super::{CheckpointError, StateDict, StateDictError, StateDictExt};
use crate::Real;
use crate::file::write_whole;
use crate::network::Network;

/// Named sections, written to one file: model, optimizer, schedule, place in the data, and whatever else a run needs
/// to go on as if it had never stopped.
///
/// A section holds any value that serde can write, exactly: every bit of every number, NaN included.
///
/// # Example
/// ```
/// use glulam::checkpoint::Checkpoint;
/// use glulam::rng::Generator;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("run.ckpt");
/// let generator = Generator::seed_from(42);
///
/// let mut checkpoint = Checkpoint::new();
/// checkpoint.put("generator", &generator)?;
/// checkpoint.put("best loss", &f32::NAN)?;
/// checkpoint.save(&path)?;
///
/// let checkpoint = Checkpoint::load(&path)?;
/// assert_eq!(checkpoint.get::<Generator>("generator")?, generator);
/// assert!(checkpoint.get::<f32>("best loss")?.is_nan());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    sections: Vec<Section>,
}

/// All that a network remembers: its state dict, and the state of its random generator, so that dropout goes on too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelState {
    /// The network's name.
    pub name: String,
    /// Parameters, buffers and counters.
    pub state_dict: StateDict,
    /// The seed of dropout and its kind.
    pub seed: u64,
    /// How many training forwards there have been.
    pub draws: u64,
}

impl ModelState {
    /// The state of `model`.
    pub fn of<T: Real, N: Network<T>>(model: &N) -> Self {
        let weights = model.weights();
        let state_dict = model.state_dict();
        ModelState { name: N::NAME.to_owned(), state_dict, seed: weights.seed, draws: weights.draws }
    }

    /// Gives `model` this state. On an error it has not changed.
    ///
    /// # Errors
    /// If it is the state of another network.
    pub fn restore<T: Real, N: Network<T>>(&self, model: &mut N) -> Result<(), StateDictError> {
        model.load_state_dict(&self.state_dict)?;
        let weights = model.weights_mut();
        (weights.seed, weights.draws) = (self.seed, self.draws);
        Ok(())
    }
}

impl Checkpoint {
    /// No sections yet.
    pub fn new() -> Self {
        Checkpoint::default()
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// A file that cannot be read, is no checkpoint, is truncated or damaged, or has another version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let file = crate::file::read(path).map_err(|source| CheckpointError::io(path, source))?;
        Checkpoint::from_bytes(&file).map_err(|error| error.at(path))
    }

    /// Writes all sections to a file, whole or not at all: an existing one stays as it is if anything fails.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let path = path.as_ref();
        write_whole(path, &self.to_bytes()).map_err(|source| CheckpointError::io(path, source))
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&self.sections)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Bytes that are no checkpoint, truncated or damaged, or of another version.
    pub fn from_bytes(file: &[u8]) -> Result<Self, CheckpointError> {
        Ok(Checkpoint { sections: decode(file)? })
    }

    /// Adds a section, or replaces the one of that name.
    ///
    /// # Errors
    /// If serde cannot write the value.
    pub fn put<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), CheckpointError> {
        // With names of fields: a value may be read by a later version of its type, and by types that only find out
        // while reading what they read (`#[serde(untagged)]`, `#[serde(flatten)]`).
        let bytes = rmp_serde::to_vec_named(value)
            .map_err(|error| CheckpointError::Encode { section: name.to_owned(), problem: error.to_string() })?;
        self.insert(name, Kind::Value, bytes);
        Ok(())
    }

    /// The value of a section.
    ///
    /// # Errors
    /// If there is no such section, or it holds something else.
    pub fn get<V: DeserializeOwned>(&self, name: &str) -> Result<V, CheckpointError> {
        let section = self.section(name)?;
        let decode = |problem: String| CheckpointError::Decode { section: name.to_owned(), problem };
        match section.kind {
            Kind::Value => rmp_serde::from_slice(&section.bytes).map_err(|error| decode(error.to_string())),
            Kind::Bytes => Err(decode("it holds plain bytes".to_owned())),
        }
    }

    /// Adds a section of bytes as they are, or replaces the one of that name.
    pub fn put_bytes(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.insert(name, Kind::Bytes, bytes.into());
    }

    /// The bytes of a section.
    ///
    /// # Errors
    /// If there is no such section, or it holds a value.
    pub fn get_bytes(&self, name: &str) -> Result<&[u8], CheckpointError> {
        let section = self.section(name)?;
        match section.kind {
            Kind::Bytes => Ok(&section.bytes),
            Kind::Value => {
                let problem = "it holds a value, not plain bytes".to_owned();
                Err(CheckpointError::Decode { section: name.to_owned(), problem })
            }
        }
    }

    /// Adds a section with all that `model` remembers.
    ///
    /// # Errors
    /// None that a network can cause; those of [`put`](Self::put).
    pub fn put_model<T: Real, N: Network<T>>(&mut self, name: &str, model: &N) -> Result<(), CheckpointError> {
        self.put(name, &ModelState::of(model))
    }

    /// Gives `model` what the section remembers. On an error it has not changed.
    ///
    /// # Errors
    /// If there is no such section, or it is that of another network.
    pub fn load_model<T: Real, N: Network<T>>(&self, name: &str, model: &mut N) -> Result<(), CheckpointError> {
        let state: ModelState = self.get(name)?;
        state.restore(model).map_err(|source| CheckpointError::Model {
            section: name.to_owned(),
            found: state.name,
            source: Box::new(source),
        })
    }

    /// The names of the sections, in the order in which they were added.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// Whether there is a section of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|other| other == name)
    }

    fn insert(&mut self, name: &str, kind: Kind, bytes: Vec<u8>) {
        let section = Section { name: name.to_owned(), kind, bytes };
        match self.sections.iter_mut().find(|section| section.name == name) {
            Some(place) => *place = section,
            None => self.sections.push(section),
        }
    }

    fn section(&self, name: &str) -> Result<&Section, CheckpointError> {
        self.sections.iter().find(|section| section.name == name).ok_or_else(|| CheckpointError::Section {
            section: name.to_owned(),
            names: self.names().collect::<Vec<_>>().join(", "),
        })
    }
}
