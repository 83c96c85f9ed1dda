//! The state of optimizers that look at whole parameters: at norms, at rows and columns, at matrix products. They cannot
//! be folded into the backward pass.

use std::fmt::Debug;

use super::groups::check_groups;
use super::{Adafactor, LAMB, LARS, Muon, SparseAdam};
use super::{
    FoldedUpdate, OptimError, Optimizer, OptimizerState, OptimizerStateDict, ParamGroup, StateValue, state_dict,
};
use crate::network::ParamSpec;
use crate::simd::{Simd, multiversion};
use crate::{Flat, Real};

/// An optimizer that moves one whole parameter after the other.
///
/// `type State<T> = ParamWiseState<T, Self>` does the rest.
pub trait ParamWise: Optimizer {
    /// The arrays that it may keep for each parameter, under the names of PyTorch's state dict.
    const SLOTS: &'static [&'static str];
    /// Whether these arrays lie in the order in which the parameter is stored; in PyTorch's otherwise.
    const SLOTS_AS_STORED: bool = true;
    /// Whether PyTorch's state dict has `step` (Muon's has not).
    const HAS_STEP: bool = true;

    /// Whether it can train this parameter.
    ///
    /// # Errors
    /// [`OptimError::Unsupported`], with the reason.
    fn accepts(&self, _spec: &ParamSpec) -> Result<(), OptimError> {
        Ok(())
    }
    /// The shape in PyTorch of the array `slot` for a parameter; `None` if it keeps none. It is the parameter's own where
    /// arrays are stored as the parameter is.
    fn slot_shape(&self, _slot: usize, spec: &ParamSpec) -> Option<Vec<usize>> {
        Some(spec.shape.to_vec())
    }
    /// How many scalars of scratch memory a step of this parameter needs.
    fn scratch_len(&self, _spec: &ParamSpec) -> usize {
        0
    }
    /// One step of one parameter.
    fn step_param<T: Real>(&self, step: ParamStep<'_, T>);
}

/// One step of one parameter.
#[derive(Debug)]
pub struct ParamStep<'a, T: Real> {
    /// The parameter's row in the table.
    pub spec: &'static ParamSpec,
    /// The number of the step, 1 for the first.
    pub number: u64,
    /// Its elements, as they are stored.
    pub parameters: &'a mut [T],
    /// The gradient, in the same order.
    pub gradient: &'a [T],
    /// The arrays that the optimizer keeps; empty if it has none for this parameter.
    pub slots: &'a mut [Flat<T>],
    /// As long as asked for, with anything in it.
    pub scratch: &'a mut [T],
}

/// The state of the optimizer `S`, which looks at whole parameters.
#[derive(Clone, Debug)]
pub struct ParamWiseState<T: Real, S: ParamWise> {
    table: &'static [ParamSpec],
    groups: Vec<ParamGroup<S>>,
    trainable: Vec<bool>,
    /// By place in the table; empty for frozen ones.
    params: Vec<ParamState<T>>,
    scratch: Vec<T>,
}

#[derive(Clone, Debug, PartialEq)]
struct ParamState<T: Real> {
    steps: u64,
    slots: Vec<Flat<T>>,
}

impl<T: Real> ParamState<T> {
    fn new<S: ParamWise>(settings: &S, spec: &ParamSpec) -> Self {
        let len = |slot| settings.slot_shape(slot, spec).map_or(0, |shape| shape.iter().product());
        ParamState { steps: 0, slots: (0..S::SLOTS.len()).map(|slot| Flat::zeros(len(slot))).collect() }
    }
}

impl<T: Real, S: ParamWise<State<T> = Self>> ParamWiseState<T, S> {
    /// The array of `slot` (a place in [`ParamWise::SLOTS`]) for parameter `index`; empty if it has none.
    pub fn slot(&self, slot: usize, index: usize) -> &[T] {
        self.params[index].slots.get(slot).map_or(&[], |array| array)
    }

    /// Checks a group's parameters and makes their state.
    fn begin_group(&mut self, group: &ParamGroup<S>) -> Result<(), OptimError> {
        for &index in &group.params {
            let spec = &self.table[index];
            group.settings.accepts(spec)?;
            self.params[index] = ParamState::new(&group.settings, spec);
            self.trainable[index] = true;
            let scratch = group.settings.scratch_len(spec).max(self.scratch.len());
            self.scratch.resize(scratch, T::ZERO);
        }
        Ok(())
    }
}

impl<T: Real, S: ParamWise<State<T> = Self>> OptimizerState<T> for ParamWiseState<T, S> {
    type Settings = S;

    fn new(table: &'static [ParamSpec], groups: Vec<ParamGroup<S>>) -> Result<Self, OptimError> {
        check_groups(table, &groups)?;
        let params = vec![ParamState { steps: 0, slots: Vec::new() }; table.len()];
        let trainable = vec![false; table.len()];
        let mut state = ParamWiseState { table, groups: Vec::new(), trainable, params, scratch: Vec::new() };
        for group in &groups {
            state.begin_group(group)?;
        }
        state.groups = groups;
        Ok(state)
    }

    fn groups(&self) -> &[ParamGroup<S>] {
        &self.groups
    }

    fn groups_mut(&mut self) -> &mut [ParamGroup<S>] {
        &mut self.groups
    }

    fn trainable(&self) -> &[bool] {
        &self.trainable
    }

    fn add_param_group(&mut self, group: ParamGroup<S>) -> Result<(), OptimError> {
        let mut next = self.clone();
        next.groups.push(group.clone());
        check_groups(self.table, &next.groups)?;
        next.begin_group(&group)?;
        *self = next;
        Ok(())
    }

    fn state_dict(&self) -> OptimizerStateDict<S, T> {
        let settings = |index| self.groups.iter().find(|group| group.params.contains(&index)).map(|g| &g.settings);
        state_dict::collect(&self.groups, |index, entries| {
            let (param, spec) = (&self.params[index], &self.table[index]);
            let Some(settings) = settings(index).filter(|_| param.steps > 0) else { return };
            if S::HAS_STEP {
                entries.insert("step".to_owned(), StateValue::Scalar(param.steps as f64));
            }
            for (slot, name) in S::SLOTS.iter().enumerate() {
                let Some(shape) = settings.slot_shape(slot, spec) else { continue };
                let mut values = param.slots[slot].to_vec();
                if S::SLOTS_AS_STORED {
                    spec.read_matrix(&param.slots[slot], false, &mut values);
                }
                entries.insert((*name).to_owned(), StateValue::Tensor { shape, values });
            }
        })
    }

    fn load_state_dict(&mut self, dict: &OptimizerStateDict<S, T>) -> Result<(), OptimError> {
        let mut groups = self.groups.clone();
        state_dict::load(dict, self.table, &mut groups, |_, entries| entries.skip())?;
        let mut next = Self::new(self.table, groups.clone())?;
        state_dict::load(dict, self.table, &mut groups, |index, entries| {
            if entries.is_empty() {
                return Ok(());
            }
            let (param, spec) = (&mut next.params[index], &self.table[index]);
            let settings = &next.groups.iter().find(|group| group.params.contains(&index));
            let settings = &settings.expect("only parameters of groups are loaded").settings;
            // Without a count in the dict, what matters is that it is not the first step.
            param.steps = if S::HAS_STEP { entries.step()?.ok_or_else(|| entries.missing("step"))? } else { 1 };
            for (slot, name) in S::SLOTS.iter().enumerate() {
                let Some(shape) = settings.slot_shape(slot, spec) else { continue };
                let values = entries.tensor_of(name, &shape)?.ok_or_else(|| entries.missing(name))?;
                if S::SLOTS_AS_STORED {
                    spec.write_matrix(values, false, &mut param.slots[slot]);
                } else {
                    param.slots[slot].copy_from_slice(values);
                }
            }
            Ok(())
        })?;
        *self = next;
        Ok(())
    }

    fn step_flat(&mut self, parameters: &mut [T], gradients: &[T]) {
        for group in &self.groups {
            for &index in &group.params {
                let (param, spec) = (&mut self.params[index], &self.table[index]);
                param.steps += 1;
                let range = spec.offset..spec.offset + spec.len;
                group.settings.step_param(ParamStep {
                    spec,
                    number: param.steps,
                    parameters: &mut parameters[range.clone()],
                    gradient: &gradients[range],
                    slots: &mut param.slots,
                    scratch: &mut self.scratch[..group.settings.scratch_len(spec)],
                });
            }
        }
    }

    fn fold(&mut self) -> Option<&mut dyn FoldedUpdate<T>> {
        None
    }
}

/// `Settings as name;` for each built-in optimizer: its step, compiled for `f32` and `f64` and each instruction set.
macro_rules! compiled {
    ($($settings:ident as $name:ident;)*) => {
        /// The steps of the built-in optimizers that look at whole parameters, for one scalar type.
        pub trait ParamKernels: Sized {
            $(#[doc(hidden)]
            fn $name(settings: &$settings, step: ParamStep<'_, Self>)
            where
                Self: Real;)*
        }
        compiled!(@scalar f32 $($settings as $name;)*);
        compiled!(@scalar f64 $($settings as $name;)*);
    };
    (@scalar $t:ident $($settings:ident as $name:ident;)*) => {
        impl ParamKernels for $t {
            $(fn $name(settings: &$settings, step: ParamStep<'_, $t>) {
                #[inline(always)]
                #[allow(clippy::extra_unused_type_parameters, reason = "the step is the same on all of them")]
                fn body<S: Simd, T: Real>(settings: &$settings, step: ParamStep<'_, T>) {
                    settings.body(step);
                }
                multiversion! {
                    fn kernel(settings: &$settings, step: ParamStep<'_, $t>) = body::<S, $t>;
                }
                kernel(settings, step);
            })*
        }
    };
}

compiled! {
    LAMB as lamb;
    LARS as lars;
    Adafactor as adafactor;
    Muon as muon;
    SparseAdam as sparse_adam;
}
