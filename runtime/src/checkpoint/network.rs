//! A network's weights as a state dict, and back.

use std::path::Path;

use super::{Mismatch, ShapeMismatch, StateDict, StateDictError, Tensor, Values};
use crate::network::{BufferSpec, Network, ParamSpec};
use crate::{Flat, Real};

/// The names that a state dict and a network do not share (what PyTorch's `load_state_dict` returns).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncompatibleKeys {
    /// Names that the network has and the dict has not: these weights stayed as they were.
    pub missing_keys: Vec<String>,
    /// Names that the dict has and the network has not: these tensors were ignored.
    pub unexpected_keys: Vec<String>,
}

/// State dicts and weight files for every network. In the prelude; nobody implements it by hand.
///
/// Names, shapes and the order of values are PyTorch's: what `nn.Sequential` with the same layers writes is read here,
/// and the other way round.
pub trait StateDictExt<T: Real>: Network<T> {
    /// All parameters, buffers and counters (PyTorch's `model.state_dict()`), as copies.
    fn state_dict(&self) -> StateDict {
        let weights = self.weights();
        let mut dict = StateDict::new();
        for spec in Self::PARAMS {
            dict.insert(spec.name, parameter(spec, &weights.parameters));
        }
        for &(alias, name) in Self::ALIASES {
            let tensor = dict.get(name).expect("a tied weight is in the parameter table").clone();
            dict.insert(alias, tensor);
        }
        for spec in Self::BUFFERS {
            let range = spec.offset..spec.offset + spec.len;
            let values = if spec.counter {
                // PyTorch counts in i64; nobody has seen 2⁶³ batches.
                Values::I64(weights.counters[range].iter().map(|&count| count as i64).collect())
            } else {
                Values::from_reals(weights.buffers[range].to_vec())
            };
            dict.insert_beside(spec.name, tensor(spec.shape, values));
        }
        dict
    }

    /// Takes all weights over from `dict` (PyTorch's `model.load_state_dict(dict)`, strict). Numbers of the other
    /// precision are converted. As in PyTorch, a counter (`num_batches_tracked`) that is missing stays as it is, and one
    /// of any type of number and of shape `[1]` is taken; unlike there, one that is no count is refused. On an error
    /// nothing has changed.
    ///
    /// # Errors
    /// If a name is missing or unexpected, or a shape differs: all of them are named.
    fn load_state_dict(&mut self, dict: &StateDict) -> Result<(), StateDictError> {
        self.load_state_dict_with(dict, true).map(|_| ())
    }

    /// The same with a choice: if not `strict`, missing names keep their weights and unexpected ones are ignored, and
    /// both are returned.
    ///
    /// # Errors
    /// If a shape differs, strict or not; if strict, also if a name is missing or unexpected.
    fn load_state_dict_with(&mut self, dict: &StateDict, strict: bool) -> Result<IncompatibleKeys, StateDictError> {
        let mut mismatch = compare::<T, Self>(dict);
        let counters = || Self::BUFFERS.iter().filter(|spec| spec.counter);
        mismatch.counters = counters()
            .filter(|spec| dict.get(spec.name).is_some_and(|tensor| tensor.to_counts().is_none()))
            .map(|spec| spec.name.to_owned())
            .collect();
        let keys_differ = !mismatch.missing.is_empty() || !mismatch.unexpected.is_empty();
        if strict && keys_differ || !mismatch.shapes.is_empty() || !mismatch.counters.is_empty() {
            return Err(StateDictError::Mismatch(mismatch));
        }
        // From here on nothing can fail.
        let weights = self.weights_mut();
        for spec in Self::PARAMS {
            // The names of a tied weight are copied one after the other, as in PyTorch: the last one stays.
            for name in names::<T, Self>(spec) {
                if let Some(tensor) = dict.get(name) {
                    spec.write(&tensor.to_reals::<T>(), &mut weights.parameters);
                }
            }
        }
        for spec in Self::BUFFERS {
            let Some(tensor) = dict.get(spec.name) else { continue };
            let range = spec.offset..spec.offset + spec.len;
            if spec.counter {
                weights.counters[range].copy_from_slice(&tensor.to_counts().expect("checked above"));
            } else {
                weights.buffers[range].copy_from_slice(&tensor.to_reals::<T>());
            }
        }
        Ok(IncompatibleKeys { missing_keys: mismatch.missing, unexpected_keys: mismatch.unexpected })
    }

    /// Writes the state dict to a safetensors file, whole or not at all.
    ///
    /// Whatever the weights are, as `torch.save` does: NaN and infinite ones too, which somebody may want to look at.
    /// [`Network::first_non_finite`] tells; a trainer's checkpoints, and all that a run saves, are refused then.
    ///
    /// # Errors
    /// What the file system reports.
    fn save(&self, path: impl AsRef<Path>) -> Result<(), StateDictError> {
        self.state_dict().save(path)
    }

    /// Takes all weights over from a safetensors file, strict. On an error nothing has changed.
    ///
    /// # Errors
    /// Those of [`StateDict::load`] and of [`load_state_dict`](Self::load_state_dict).
    fn load(&mut self, path: impl AsRef<Path>) -> Result<(), StateDictError> {
        self.load_state_dict(&StateDict::load(path)?)
    }
}

impl<T: Real, N: Network<T>> StateDictExt<T> for N {}

/// The parameter's own name and those under which it is used again.
fn names<T: Real, N: Network<T>>(spec: &'static ParamSpec) -> impl Iterator<Item = &'static str> {
    let aliases = N::ALIASES.iter().filter(|(_, name)| *name == spec.name).map(|(alias, _)| *alias);
    std::iter::once(spec.name).chain(aliases)
}

fn compare<T: Real, N: Network<T>>(dict: &StateDict) -> Mismatch {
    let parameters = N::PARAMS.iter().flat_map(|spec| names::<T, N>(spec).map(|name| (name, spec.shape)));
    let buffers = N::BUFFERS.iter().map(|BufferSpec { name, shape, .. }| (*name, *shape));
    let wanted: Vec<(&str, &[usize])> = parameters.chain(buffers).collect();
    let mut mismatch = Mismatch { model: N::NAME, ..Mismatch::default() };
    let counter = |name| N::BUFFERS.iter().any(|spec| spec.counter && spec.name == name);
    for &(name, shape) in &wanted {
        match dict.get(name) {
            // Files older than the counter lack it.
            None if counter(name) => {}
            None => mismatch.missing.push(name.to_owned()),
            Some(tensor) if !fits(tensor.shape(), shape) => mismatch.shapes.push(ShapeMismatch {
                name: name.to_owned(),
                found: tensor.shape().to_vec(),
                expected: shape.to_vec(),
            }),
            Some(_) => {}
        }
    }
    let known = |name: &&str| wanted.iter().any(|(other, _)| other == name);
    mismatch.unexpected = dict.keys().filter(|name| !known(name)).map(str::to_owned).collect();
    mismatch
}

/// Whether a tensor of the shape `found` can be taken for one of `expected`: a single number may have an axis, as it had
/// before PyTorch 0.4.
fn fits(found: &[usize], expected: &[usize]) -> bool {
    found == expected || (expected.is_empty() && found == [1])
}

/// A parameter of the flat array, in PyTorch's order.
fn parameter<T: Real>(spec: &ParamSpec, flat: &Flat<T>) -> Tensor {
    let mut values = vec![T::ZERO; spec.len];
    spec.read(flat, &mut values);
    tensor(spec.shape, Values::from_reals(values))
}

fn tensor(shape: &[usize], values: Values) -> Tensor {
    Tensor::new(shape.to_vec(), values).expect("the tables' lengths fit their shapes")
}
