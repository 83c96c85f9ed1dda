//! The state dict of an optimizer, in PyTorch's structure:
//! `{"state": {index: {name: tensor}}, "param_groups": [{"lr": …, "params": [index, …]}]}`.
//!
//! Parameters are numbered as PyTorch numbers them: through the groups, in their order. Tensors have PyTorch's shapes
//! and order of elements, whatever the layout in the flat array.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{OptimError, Optimizer, ParamGroup};
use crate::Real;
use crate::network::ParamSpec;

/// What an optimizer remembers, as data: made by [`state_dict`](super::OptimizerState::state_dict), taken back by
/// [`load_state_dict`](super::OptimizerState::load_state_dict).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerStateDict<S, T> {
    /// For each parameter by number: its state under PyTorch's names. A parameter that no step has moved has none.
    pub state: BTreeMap<usize, BTreeMap<String, StateValue<T>>>,
    /// The groups, with all settings.
    pub param_groups: Vec<GroupState<S>>,
}

/// One parameter group of a state dict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupState<S> {
    /// The settings, beside the other entries as in PyTorch.
    #[serde(flatten)]
    pub settings: S,
    /// The learning rate before any schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_lr: Option<f64>,
    /// The group's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The numbers of its parameters.
    pub params: Vec<usize>,
}

impl<S> GroupState<S> {
    /// The same group with other settings.
    pub(crate) fn map<R>(&self, settings: impl FnOnce(&S) -> R) -> GroupState<R> {
        let GroupState { initial_lr, name, params, .. } = self;
        let (name, params) = (name.clone(), params.clone());
        GroupState { settings: settings(&self.settings), initial_lr: *initial_lr, name, params }
    }
}

/// One entry of a parameter's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StateValue<T> {
    /// A number, exactly: `step`, `mu_product`.
    Scalar(f64),
    /// An array: `exp_avg`.
    Tensor {
        /// The shape in PyTorch.
        shape: Vec<usize>,
        /// The elements, row by row.
        values: Vec<T>,
    },
}

/// The part of `array` (a whole flat array) that belongs to `spec`, as PyTorch's tensor.
pub(crate) fn to_tensor<T: Real>(spec: &ParamSpec, array: &[T]) -> StateValue<T> {
    let mut values = vec![T::ZERO; spec.len];
    spec.read(array, &mut values);
    StateValue::Tensor { shape: spec.shape.to_vec(), values }
}

/// Puts the elements of a PyTorch tensor of the shape of `spec` in their places in `array`. A subnormal moment is flushed
/// by the next step.
pub(crate) fn from_tensor<T: Real>(spec: &ParamSpec, values: &[T], array: &mut [T]) {
    spec.write(values, array);
}

/// The state dict of an optimizer with these groups: `entries` adds the state of one parameter, by its place in the
/// table.
pub(crate) fn collect<S: Optimizer, T>(
    groups: &[ParamGroup<S>],
    mut entries: impl FnMut(usize, &mut BTreeMap<String, StateValue<T>>),
) -> OptimizerStateDict<S, T> {
    let mut dict = OptimizerStateDict { state: BTreeMap::new(), param_groups: Vec::new() };
    let mut number = 0;
    for group in groups {
        let first = number;
        for &param in &group.params {
            let mut of_param = BTreeMap::new();
            entries(param, &mut of_param);
            if !of_param.is_empty() {
                dict.state.insert(number, of_param);
            }
            number += 1;
        }
        dict.param_groups.push(GroupState {
            settings: group.settings.clone(),
            initial_lr: group.initial_lr,
            name: group.name.clone(),
            params: (first..number).collect(),
        });
    }
    dict
}

/// Takes over the settings of the groups of `dict` and hands each parameter's entries to `entries`.
///
/// As in PyTorch, groups and parameters are matched by their order. Entries are taken out by [`Entries::tensor`] and
/// [`Entries::scalar`]; what is left over is an error.
pub(crate) fn load<'d, S: Optimizer, T: Real>(
    dict: &'d OptimizerStateDict<S, T>,
    table: &'static [ParamSpec],
    groups: &mut [ParamGroup<S>],
    mut entries: impl FnMut(usize, &mut Entries<'d, T>) -> Result<(), OptimError>,
) -> Result<(), OptimError> {
    let (found, expected) = (dict.param_groups.len(), groups.len());
    if found != expected {
        return Err(mismatch("param_groups".into(), format!("{found} groups"), format!("{expected} groups")));
    }
    let mut loaded = std::collections::BTreeSet::new();
    for (number, (group, from)) in groups.iter_mut().zip(&dict.param_groups).enumerate() {
        let (found, expected) = (from.params.len(), group.params.len());
        if found != expected {
            let what = format!("param_groups[{number}].params");
            return Err(mismatch(what, format!("{found} parameters"), format!("{expected} parameters")));
        }
        from.settings.check()?;
        group.settings = from.settings.clone();
        group.initial_lr = from.initial_lr;
        for (id, &param) in from.params.iter().zip(&group.params) {
            if !loaded.insert(*id) {
                let what = format!("param_groups[{number}].params");
                return Err(mismatch(what, format!("{id} a second time"), "each parameter once".into()));
            }
            let spec = &table[param];
            let values = dict.state.get(id).map(|of_param| of_param.iter().map(|(k, v)| (k.as_str(), v)).collect());
            let mut of_param = Entries { id: *id, spec, values: values.unwrap_or_default() };
            entries(param, &mut of_param)?;
            if let Some(name) = of_param.values.keys().next() {
                return Err(mismatch(of_param.place(name), "state".into(), format!("no such state of {}", S::NAME)));
            }
        }
    }
    match dict.state.keys().find(|id| !loaded.contains(id)) {
        Some(id) => Err(mismatch(format!("state[{id}]"), "state".into(), "a parameter of some group".into())),
        None => Ok(()),
    }
}

/// The state of one parameter in a dict that is being loaded.
pub(crate) struct Entries<'d, T> {
    id: usize,
    spec: &'static ParamSpec,
    values: BTreeMap<&'d str, &'d StateValue<T>>,
}

impl<'d, T: Real> Entries<'d, T> {
    /// Whether there is nothing at all: the parameter has not been moved yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Passes over all entries, whatever they are.
    pub(crate) fn skip(&mut self) -> Result<(), OptimError> {
        self.values.clear();
        Ok(())
    }

    /// The tensor `name`, of the parameter's shape.
    pub(crate) fn tensor(&mut self, name: &str) -> Result<Option<&'d [T]>, OptimError> {
        self.tensor_of(name, self.spec.shape)
    }

    /// The tensor `name`, of this shape.
    pub(crate) fn tensor_of(&mut self, name: &str, expected: &[usize]) -> Result<Option<&'d [T]>, OptimError> {
        let wrong = |found, expected| Err(mismatch(self.place(name), found, expected));
        let len = expected.iter().product::<usize>();
        match self.values.get(name).copied() {
            None => Ok(None),
            Some(StateValue::Scalar(x)) => wrong(format!("the number {x}"), format!("a tensor of shape {expected:?}")),
            Some(StateValue::Tensor { shape, .. }) if shape != expected => {
                wrong(format!("shape {shape:?}"), format!("shape {expected:?}"))
            }
            Some(StateValue::Tensor { values, .. }) if values.len() != len => {
                wrong(format!("{} elements", values.len()), format!("{len} elements"))
            }
            Some(StateValue::Tensor { values, .. }) => {
                self.values.remove(name);
                Ok(Some(values))
            }
        }
    }

    /// The number `name`, finite.
    pub(crate) fn scalar(&mut self, name: &str) -> Result<Option<f64>, OptimError> {
        let value = match self.values.get(name) {
            None => return Ok(None),
            Some(StateValue::Scalar(x)) => *x,
            // PyTorch keeps numbers as tensors without an axis; with one it takes them too.
            Some(StateValue::Tensor { shape, values }) if shape.len() <= 1 && values.len() == 1 => values[0].to_f64(),
            Some(StateValue::Tensor { shape, .. }) => {
                return Err(mismatch(self.place(name), format!("a tensor of shape {shape:?}"), "a number".into()));
            }
        };
        if !value.is_finite() {
            return Err(mismatch(self.place(name), value.to_string(), "a finite number".into()));
        }
        self.values.remove(name);
        Ok(Some(value))
    }

    /// The number of steps, `step`.
    pub(crate) fn step(&mut self) -> Result<Option<u64>, OptimError> {
        self.count("step")
    }

    /// The whole number `name`.
    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u64>, OptimError> {
        match self.scalar(name)? {
            // Beyond 2^53 an `f64` does not count exactly.
            Some(x) if x < 0.0 || x.fract() != 0.0 || x > 9007199254740992.0 => {
                Err(mismatch(self.place(name), x.to_string(), "a count of steps".into()))
            }
            count => Ok(count.map(|x| x as u64)),
        }
    }

    /// The error for state that has to be there and is not.
    pub(crate) fn missing(&self, name: &str) -> OptimError {
        mismatch(self.place(name), "nothing".into(), format!("the state of {}", self.spec.name))
    }

    fn place(&self, name: &str) -> String {
        format!("state[{}].{name}", self.id)
    }
}

fn mismatch(what: String, found: String, expected: String) -> OptimError {
    OptimError::State { what, found, expected }
}
