//! State dicts: the weights of a network by PyTorch's names, in PyTorch's shapes.

use std::fmt;
use std::path::Path;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{StateDictError, Tensor, safetensors};

/// Tensors by name, in the order in which they were inserted (PyTorch's `state_dict()`, an `OrderedDict`).
///
/// # Example
/// ```
/// use glulam::checkpoint::{StateDict, Tensor};
///
/// let mut dict = StateDict::new();
/// dict.insert("0.bias", Tensor::new(vec![2], vec![0.5f32, -0.5])?);
/// assert_eq!(dict.get("0.bias").unwrap().shape(), [2]);
/// # Ok::<(), glulam::checkpoint::StateDictError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    entries: Vec<(String, Tensor)>,
}

impl StateDict {
    /// No tensors yet.
    pub fn new() -> Self {
        StateDict::default()
    }

    /// Reads a safetensors file. See [`safetensors::load`].
    ///
    /// # Errors
    /// Those of [`safetensors::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StateDictError> {
        safetensors::load(path)
    }

    /// Writes a safetensors file, whole or not at all. See [`safetensors::save`].
    ///
    /// # Errors
    /// Those of [`safetensors::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), StateDictError> {
        safetensors::save(self, path)
    }

    /// Adds a tensor; one of the same name gives way, and is returned.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) -> Option<Tensor> {
        let name = name.into();
        match self.get_mut(&name) {
            Some(place) => Some(std::mem::replace(place, tensor)),
            None => {
                self.entries.push((name, tensor));
                None
            }
        }
    }

    /// Puts a new tensor behind the last one of the same module, where PyTorch lists a module's buffers.
    pub(super) fn insert_beside(&mut self, name: &str, tensor: Tensor) {
        fn module(name: &str) -> &str {
            name.rsplit_once('.').map_or("", |(module, _)| module)
        }
        let last = self.entries.iter().rposition(|(other, _)| module(other) == module(name));
        let at = last.map_or(self.entries.len(), |last| last + 1);
        self.entries.insert(at, (name.to_owned(), tensor));
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter().find(|(other, _)| *other == name).map(|(_, tensor)| tensor)
    }

    /// The tensor of that name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tensor> {
        self.entries.iter_mut().find(|(other, _)| other == name).map(|(_, tensor)| tensor)
    }

    /// Takes the tensor of that name out.
    pub fn remove(&mut self, name: &str) -> Option<Tensor> {
        let at = self.entries.iter().position(|(other, _)| other == name)?;
        Some(self.entries.remove(at).1)
    }

    /// Names and tensors, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.entries.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The names, in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<S: Into<String>> FromIterator<(S, Tensor)> for StateDict {
    fn from_iter<I: IntoIterator<Item = (S, Tensor)>>(tensors: I) -> Self {
        let mut dict = StateDict::new();
        for (name, tensor) in tensors {
            dict.insert(name, tensor);
        }
        dict
    }
}

impl IntoIterator for StateDict {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl Serialize for StateDict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for StateDict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tensors;
        impl<'de> Visitor<'de> for Tensors {
            type Value = StateDict;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tensors by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StateDict, A::Error> {
                let mut dict = StateDict::new();
                while let Some((name, tensor)) = map.next_entry::<String, Tensor>()? {
                    if let Some(first) = dict.insert(name.as_str(), tensor) {
                        let shape = first.shape();
                        return Err(A::Error::custom(format_args!("two tensors are called {name}, one of {shape:?}")));
                    }
                }
                Ok(dict)
            }
        }
        deserializer.deserialize_map(Tensors)
    }
}
