//! The state of every element-wise optimizer: groups, moments, step counts, written once.
//!
//! Parameters of one group that have made the same number of steps share the numbers of a step (learning rate, bias
//! corrections): they form a *cohort*. A fresh optimizer has one for each group; parameters that were unfrozen later,
//! or a state dict whose parameters differ in their steps, have more. `begin` makes the rule of each cohort, once for
//! the step; folding and the two-phase way then apply the same rules.

use std::fmt::Debug;

use super::groups::check_groups;
use super::{
    FoldedUpdate, OptimError, Optimizer, OptimizerState, OptimizerStateDict, ParamGroup, StateValue, state_dict,
};
use crate::network::ParamSpec;
use crate::update::for_each_update;
use crate::{ElementRule, Flat, MAX_SLOTS, Real, Rules, Update};

/// The most numbers beside `step` that an element-wise optimizer keeps for each parameter.
pub const MAX_SCALARS: usize = 2;

/// An optimizer whose rule is element-wise: how one step's rule follows from its settings.
///
/// `type State<T> = ElementWiseState<T, Self>` does the rest.
pub trait ElementWise: Optimizer {
    /// The parameter-shaped arrays that it may keep (at most [`MAX_SLOTS`]), under the names of PyTorch's state dict.
    const SLOTS: &'static [&'static str];
    /// The numbers beside `step` that it keeps for each parameter (at most [`MAX_SCALARS`]), under PyTorch's names.
    const SCALARS: &'static [&'static str] = &[];
    /// Whether PyTorch's state dict has `step` (SGD's has not).
    const HAS_STEP: bool = true;
    /// One step's rule.
    type Rule<T: Real>: ElementRule<T> + Clone;

    /// Whether these settings need the array `slot`.
    fn uses(&self, _slot: usize) -> bool {
        true
    }
    /// What the elements of the array `slot` begin with.
    fn initial_value(&self, _slot: usize) -> f64 {
        0.0
    }
    /// What the number `scalar` begins with.
    fn initial_scalar(&self, _scalar: usize) -> f64 {
        0.0
    }
    /// For optimizers that train other parameters than they evaluate: remembers which of the two are wanted, and if that
    /// is a change, returns the weight with which the first array draws the training parameters towards itself to make
    /// those for evaluation. The last array keeps the training parameters meanwhile.
    fn switch(&mut self, _train: bool) -> Option<f64> {
        None
    }
    /// The rule of the step `progress.step`, with all its numbers computed in `f64` first. May move the scalars on.
    fn rule<T: Real>(&self, progress: &mut StepProgress) -> Self::Rule<T>;
}

/// How far some parameters have come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepProgress {
    /// The number of the step, 1 for the first.
    pub step: u64,
    /// For each slot whether an earlier step has used it.
    pub started: [bool; MAX_SLOTS],
    /// The numbers that the optimizer keeps beside the step count.
    pub scalars: [f64; MAX_SCALARS],
}

impl StepProgress {
    fn new<S: ElementWise>(settings: &S) -> Self {
        let scalars = std::array::from_fn(|i| settings.initial_scalar(i));
        StepProgress { step: 0, started: [false; MAX_SLOTS], scalars }
    }
}

/// The state of the element-wise optimizer `S`.
#[derive(Clone, Debug)]
pub struct ElementWiseState<T: Real, S: ElementWise> {
    table: &'static [ParamSpec],
    groups: Vec<ParamGroup<S>>,
    trainable: Vec<bool>,
    /// Arrays in the layout of the parameters; empty if no group's settings need them.
    slots: Vec<Flat<T>>,
    cohorts: Vec<Cohort>,
    rules: StepRules<S::Rule<T>>,
}

/// Parameters of one group that have made the same steps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cohort {
    group: usize,
    progress: StepProgress,
}

/// The rules of the step under way.
#[derive(Clone, Debug)]
struct StepRules<R> {
    /// One for each cohort.
    rules: Vec<R>,
    /// The cohort of each parameter; `FROZEN` if it has none.
    cohort_of: Vec<usize>,
}

const FROZEN: usize = usize::MAX;

impl<T: Real, R: ElementRule<T>> Rules<T> for StepRules<R> {
    fn rule(&self, index: usize) -> Option<&dyn ElementRule<T>> {
        self.rules.get(self.cohort_of[index]).map(|rule| rule as &dyn ElementRule<T>)
    }
}

/// One step over whole parameters, by the rules that folding uses too: the same bits.
pub(super) fn step_folded<T: Real>(
    fold: &mut dyn FoldedUpdate<T>,
    table: &[ParamSpec],
    parameters: &mut [T],
    gradients: &[T],
) {
    // The sums are there.
    for_each_update(fold.begin(parameters), table, 0, |update| {
        for (index, spec) in table.iter().enumerate() {
            update.finish_within(index, spec.offset, &gradients[spec.offset..spec.offset + spec.len]);
        }
    });
}

/// The length of a flat array for `table`: up to the end of the last parameter, rounded up as the offsets are.
pub(crate) fn flat_len(table: &[ParamSpec]) -> usize {
    table.iter().map(|spec| spec.offset + spec.len).max().unwrap_or(0).next_multiple_of(16)
}

impl<T: Real, S: ElementWise<State<T> = Self>> ElementWiseState<T, S> {
    /// The array of `slot` (a place in [`ElementWise::SLOTS`]) for all parameters, in their layout; empty if it is not
    /// kept.
    pub fn slot(&self, slot: usize) -> &[T] {
        &self.slots[slot]
    }

    /// The number of steps that parameter `index` has made (as far as the state dict that was loaded, if any, counts
    /// them: SGD's does not); `None` if it is frozen.
    pub fn steps(&self, index: usize) -> Option<u64> {
        self.cohorts.get(self.rules.cohort_of[index]).map(|cohort| cohort.progress.step)
    }

    /// Makes the arrays that the settings need and that are not there yet: at the start, and when a setting is changed
    /// on the way (a momentum that was zero).
    fn allocate(&mut self) {
        for (number, slot) in self.slots.iter_mut().enumerate() {
            if !slot.is_empty() || !self.groups.iter().any(|group| group.settings.uses(number)) {
                continue;
            }
            *slot = Flat::zeros(flat_len(self.table));
            for group in &self.groups {
                let value = T::from_f64(group.settings.initial_value(number));
                for spec in group.params.iter().map(|&index| &self.table[index]) {
                    slot[spec.offset..spec.offset + spec.len].fill(value);
                }
            }
        }
    }

    /// Exchanges the parameters for training and those for evaluation, where they differ.
    fn switch(&mut self, parameters: &mut [T], train: bool) {
        let weights: Vec<_> = self.groups.iter_mut().map(|group| group.settings.switch(train)).collect();
        self.allocate();
        let kept = S::SLOTS.len() - 1;
        for cohort in &mut self.cohorts {
            if weights[cohort.group].is_some() {
                cohort.progress.started[kept] = !train;
            }
        }
        for (index, spec) in self.table.iter().enumerate() {
            let Some(Cohort { group, progress }) = self.cohorts.get(self.rules.cohort_of[index]) else { continue };
            let Some(weight) = weights[*group] else { continue };
            let range = spec.offset..spec.offset + spec.len;
            let parameters = &mut parameters[range.clone()];
            if train {
                parameters.copy_from_slice(&self.slots[kept][range]);
            } else {
                self.slots[kept][range.clone()].copy_from_slice(parameters);
                if progress.step > 0 {
                    T::lerp(parameters, &self.slots[0][range], T::from_f64(weight));
                }
            }
        }
    }

    /// Puts parameter `index` in the cohort `wanted`, which is made if there is none like it.
    fn join(&mut self, index: usize, wanted: Cohort) {
        let place = self.cohorts.iter().position(|cohort| *cohort == wanted).unwrap_or_else(|| {
            self.cohorts.push(wanted);
            self.cohorts.len() - 1
        });
        self.rules.cohort_of[index] = place;
    }

    /// Takes the state of parameter `index` from a state dict.
    fn load_param(&mut self, index: usize, entries: &mut state_dict::Entries<'_, T>) -> Result<(), OptimError> {
        let spec = &self.table[index];
        let group = self.groups.iter().position(|group| group.params.contains(&index));
        let group = group.expect("only parameters of groups are loaded");
        let settings = self.groups[group].settings.clone();

        let mut progress = StepProgress::new(&settings);
        let fresh = entries.is_empty();
        if S::HAS_STEP && !fresh {
            progress.step = entries.step()?.ok_or_else(|| entries.missing("step"))?;
        }
        for (&name, scalar) in S::SCALARS.iter().zip(&mut progress.scalars) {
            if !fresh {
                *scalar = entries.scalar(name)?.ok_or_else(|| entries.missing(name))?;
            }
        }
        for (number, &name) in S::SLOTS.iter().enumerate() {
            let values = entries.tensor(name)?;
            progress.started[number] = values.is_some();
            if values.is_some() && self.slots[number].is_empty() {
                self.slots[number] = Flat::zeros(flat_len(self.table));
            }
            match values {
                Some(values) => state_dict::from_tensor(spec, values, &mut self.slots[number]),
                // An optimizer that counts its steps keeps all its arrays from the first on.
                None if progress.step > 0 && settings.uses(number) => return Err(entries.missing(name)),
                None if self.slots[number].is_empty() => {}
                None => {
                    let value = T::from_f64(settings.initial_value(number));
                    self.slots[number][spec.offset..spec.offset + spec.len].fill(value);
                }
            }
        }
        self.join(index, Cohort { group, progress });
        Ok(())
    }
}

impl<T: Real, S: ElementWise<State<T> = Self>> OptimizerState<T> for ElementWiseState<T, S> {
    type Settings = S;

    fn new(table: &'static [ParamSpec], groups: Vec<ParamGroup<S>>) -> Result<Self, OptimError> {
        const {
            assert!(S::SLOTS.len() <= MAX_SLOTS && S::SCALARS.len() <= MAX_SCALARS);
        }
        let group_of = check_groups(table, &groups)?;
        let progress = groups.iter().map(|group| StepProgress::new(&group.settings));
        let cohorts = progress.enumerate().map(|(group, progress)| Cohort { group, progress }).collect();
        let mut state = ElementWiseState {
            table,
            trainable: group_of.iter().map(Option::is_some).collect(),
            slots: S::SLOTS.iter().map(|_| Flat::zeros(0)).collect(),
            cohorts,
            rules: StepRules {
                rules: Vec::with_capacity(groups.len()),
                cohort_of: group_of.iter().map(|group| group.unwrap_or(FROZEN)).collect(),
            },
            groups,
        };
        state.allocate();
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
        next.groups.push(group);
        let group_of = check_groups(self.table, &next.groups)?;
        next.trainable = group_of.iter().map(Option::is_some).collect();
        next.allocate();
        let number = next.groups.len() - 1;
        let group = next.groups[number].clone();
        let cohort = Cohort { group: number, progress: StepProgress::new(&group.settings) };
        for index in group.params {
            let spec = &self.table[index];
            for (slot, array) in next.slots.iter_mut().enumerate().filter(|(_, array)| !array.is_empty()) {
                let value = T::from_f64(group.settings.initial_value(slot));
                array[spec.offset..spec.offset + spec.len].fill(value);
            }
            next.join(index, cohort);
        }
        *self = next;
        Ok(())
    }

    fn state_dict(&self) -> OptimizerStateDict<S, T> {
        state_dict::collect(&self.groups, |index, entries| {
            let progress = self.cohorts[self.rules.cohort_of[index]].progress;
            if S::HAS_STEP && progress.step == 0 {
                return;
            }
            if S::HAS_STEP {
                entries.insert("step".to_owned(), StateValue::Scalar(progress.step as f64));
            }
            for (name, &scalar) in S::SCALARS.iter().zip(&progress.scalars) {
                entries.insert((*name).to_owned(), StateValue::Scalar(scalar));
            }
            for (number, name) in S::SLOTS.iter().enumerate().filter(|(number, _)| progress.started[*number]) {
                let tensor = state_dict::to_tensor(&self.table[index], &self.slots[number]);
                entries.insert((*name).to_owned(), tensor);
            }
        })
    }

    fn load_state_dict(&mut self, dict: &OptimizerStateDict<S, T>) -> Result<(), OptimError> {
        let mut next = self.clone();
        next.cohorts.clear();
        let mut groups = self.groups.clone();
        // The settings first: which arrays a parameter needs depends on them.
        state_dict::load(dict, self.table, &mut groups, |_, entries| entries.skip())?;
        next.groups = groups.clone();
        next.allocate();
        state_dict::load(dict, self.table, &mut groups, |index, entries| next.load_param(index, entries))?;
        next.rules.rules.reserve(next.cohorts.len());
        *self = next;
        Ok(())
    }

    fn step_flat(&mut self, parameters: &mut [T], gradients: &[T]) {
        let table = self.table;
        step_folded(self, table, parameters, gradients);
    }

    fn fold(&mut self) -> Option<&mut dyn FoldedUpdate<T>> {
        Some(self)
    }

    fn eval(&mut self, parameters: &mut [T]) {
        self.switch(parameters, false);
    }

    fn train(&mut self, parameters: &mut [T]) {
        self.switch(parameters, true);
    }
}

impl<T: Real, S: ElementWise<State<T> = Self>> FoldedUpdate<T> for ElementWiseState<T, S> {
    fn trains(&self, index: usize) -> bool {
        self.trainable[index]
    }

    fn begin<'a>(&'a mut self, parameters: &'a mut [T]) -> Update<'a, T> {
        self.allocate();
        self.rules.rules.clear();
        for cohort in &mut self.cohorts {
            let settings = &self.groups[cohort.group].settings;
            cohort.progress.step += 1;
            self.rules.rules.push(settings.rule(&mut cohort.progress));
            for (slot, started) in cohort.progress.started.iter_mut().enumerate().take(S::SLOTS.len()) {
                *started |= settings.uses(slot);
            }
        }
        let parameters = match self.slots.iter().map(|slot| slot.len()).filter(|&len| len > 0).min() {
            Some(len) if len < parameters.len() => &mut parameters[..len],
            _ => parameters,
        };
        Update::apply(parameters, self.slots.iter_mut().map(|slot| &mut **slot), &self.rules)
    }
}
