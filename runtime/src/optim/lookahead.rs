//! Lookahead: slow weights that follow another optimizer's fast ones.

use serde::{Deserialize, Serialize};

use super::element_wise::{flat_len, step_folded};
use super::options::finite;
use super::{
    FoldedUpdate, OptimError, Optimizer, OptimizerState, OptimizerStateDict, ParamGroup, StateValue, state_dict,
};
use crate::network::ParamSpec;
use crate::{Flat, Real, Update};

/// Lookahead: after every `k` steps of `optimizer`, s ← s + alpha · (p − s); p ← s. The slow weights s begin with the parameters.
///
/// State: that of `optimizer`, `slow_buffer` (s) and `lookahead_step`. All groups have the same k and alpha.
///
/// # Example
/// ```
/// use glulam::optim::{AdamW, Lookahead};
/// const SETTINGS: Lookahead<AdamW> =
///     Lookahead { optimizer: AdamW { lr: 1e-3, ..AdamW::DEFAULT }, k: 6, ..Lookahead::DEFAULT };
/// const { SETTINGS.assert_valid() }
/// ```
///
/// # References
/// Zhang et al., Lookahead optimizer: k steps forward, 1 step back (2019), algorithm 1; the inner optimizer keeps its
/// moments. Not in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, bound = "O: Optimizer")]
pub struct Lookahead<O> {
    /// The optimizer of the fast weights.
    pub optimizer: O,
    /// Steps between two moves of the slow weights, at least 1.
    pub k: u64,
    /// How far the slow weights move, in [0, 1].
    pub alpha: f64,
}

impl<O: Optimizer> Lookahead<O> {
    /// The paper's defaults, around the defaults of `O`.
    pub const DEFAULT: Self = Lookahead { optimizer: O::DEFAULT, k: 5, alpha: 0.5 };

    /// Whether k and alpha are in their range, for settings known at compile time. The inner settings have an
    /// `assert_valid` of their own.
    ///
    /// # Panics
    /// If one of them is not.
    #[track_caller]
    pub const fn assert_valid(&self) {
        assert!(self.k >= 1, "Lookahead: `k` must be at least 1");
        assert!(self.alpha >= 0.0 && self.alpha <= 1.0, "Lookahead: `alpha` must be a number in [0, 1]");
    }
}

impl<O: Optimizer> Default for Lookahead<O> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl<O: Optimizer> Optimizer for Lookahead<O> {
    const NAME: &'static str = "Lookahead";
    const DEFAULT: Self = Self::DEFAULT;
    const ELEMENT_WISE: bool = O::ELEMENT_WISE;
    const SWITCHES: bool = O::SWITCHES;
    type State<T: Real> = LookaheadState<T, O>;

    fn check(&self) -> Result<(), OptimError> {
        self.optimizer.check()?;
        let refuse = |option, found: String, expected| {
            Err(OptimError::Option { optimizer: Self::NAME, option, found, expected })
        };
        if self.k == 0 {
            return refuse("k", self.k.to_string(), "at least 1");
        }
        if !(finite(self.alpha) && (0.0..=1.0).contains(&self.alpha)) {
            return refuse("alpha", format!("{:?}", self.alpha), "a number in [0, 1]");
        }
        Ok(())
    }
    fn lr(&self) -> f64 {
        self.optimizer.lr()
    }
    fn set_lr(&mut self, lr: f64) {
        self.optimizer.set_lr(lr);
    }
    fn momentum(&self) -> Option<f64> {
        self.optimizer.momentum()
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.optimizer.set_momentum(momentum);
    }
    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.optimizer.set_weight_decay(weight_decay);
    }
}

/// The state of [`Lookahead`].
#[derive(Clone, Debug)]
pub struct LookaheadState<T: Real, O: Optimizer> {
    table: &'static [ParamSpec],
    groups: Vec<ParamGroup<Lookahead<O>>>,
    inner: O::State<T>,
    /// In the layout of the parameters.
    slow: Flat<T>,
    steps: u64,
    /// Parameters whose slow weights are still to be taken from them.
    fresh: Vec<usize>,
}

impl<T: Real, O: Optimizer> LookaheadState<T, O> {
    /// The slow weights of all parameters, in their layout, which are what the paper evaluates.
    pub fn slow(&self) -> &[T] {
        &self.slow
    }

    /// The inner optimizer's state.
    pub fn inner(&self) -> &O::State<T> {
        &self.inner
    }

    /// Begins a step; whether it is one at whose end the slow weights move.
    fn begin_step(&mut self, parameters: &[T]) -> bool {
        for spec in self.fresh.drain(..).map(|index| &self.table[index]) {
            let range = spec.offset..spec.offset + spec.len;
            self.slow[range.clone()].copy_from_slice(&parameters[range]);
        }
        for (inner, group) in self.inner.groups_mut().iter_mut().zip(&self.groups) {
            inner.settings = group.settings.optimizer.clone();
        }
        self.steps += 1;
        self.steps.is_multiple_of(self.groups[0].settings.k)
    }

    fn alpha(&self) -> T {
        T::from_f64(self.groups[0].settings.alpha)
    }
}

fn inner_group<O: Optimizer>(group: &ParamGroup<Lookahead<O>>) -> ParamGroup<O> {
    ParamGroup {
        settings: group.settings.optimizer.clone(),
        name: group.name.clone(),
        params: group.params.clone(),
        initial_lr: group.initial_lr,
    }
}

/// All groups share one count of steps, so they cannot differ in k or alpha.
fn check_alike<O: Optimizer>(groups: &[ParamGroup<Lookahead<O>>]) -> Result<(), OptimError> {
    let settings = groups.iter().map(|group| (group.settings.k, group.settings.alpha));
    match settings.clone().zip(settings.skip(1)).find(|(a, b)| a != b) {
        Some((_, (k, alpha))) => Err(OptimError::Option {
            optimizer: "Lookahead",
            option: "k and alpha",
            found: format!("{k} and {alpha:?}"),
            expected: "the same in all groups",
        }),
        None => Ok(()),
    }
}

impl<T: Real, O: Optimizer> OptimizerState<T> for LookaheadState<T, O> {
    type Settings = Lookahead<O>;

    fn new(table: &'static [ParamSpec], groups: Vec<ParamGroup<Lookahead<O>>>) -> Result<Self, OptimError> {
        for group in &groups {
            group.settings.check()?;
        }
        check_alike(&groups)?;
        let inner = O::State::new(table, groups.iter().map(inner_group).collect())?;
        let fresh = groups.iter().flat_map(|group| group.params.iter().copied()).collect();
        Ok(LookaheadState { table, groups, inner, slow: Flat::zeros(flat_len(table)), steps: 0, fresh })
    }

    fn groups(&self) -> &[ParamGroup<Lookahead<O>>] {
        &self.groups
    }

    fn groups_mut(&mut self) -> &mut [ParamGroup<Lookahead<O>>] {
        &mut self.groups
    }

    fn trainable(&self) -> &[bool] {
        self.inner.trainable()
    }

    fn add_param_group(&mut self, group: ParamGroup<Lookahead<O>>) -> Result<(), OptimError> {
        group.settings.check()?;
        let mut groups = self.groups.clone();
        groups.push(group);
        check_alike(&groups)?;
        let group = &groups[groups.len() - 1];
        self.inner.add_param_group(inner_group(group))?;
        self.fresh.extend(&group.params);
        self.groups = groups;
        Ok(())
    }

    fn state_dict(&self) -> OptimizerStateDict<Lookahead<O>, T> {
        let mut inner = self.inner.state_dict();
        let mut dict = state_dict::collect(&self.groups, |_, _| {});
        let numbered = self.groups.iter().flat_map(|group| group.params.iter().copied()).enumerate();
        for (number, param) in numbered.filter(|(_, param)| !self.fresh.contains(param)) {
            let mut entries = inner.state.remove(&number).unwrap_or_default();
            let slow = state_dict::to_tensor(&self.table[param], &self.slow);
            entries.insert("slow_buffer".to_owned(), slow);
            entries.insert("lookahead_step".to_owned(), StateValue::Scalar(self.steps as f64));
            dict.state.insert(number, entries);
        }
        dict
    }

    fn load_state_dict(&mut self, dict: &OptimizerStateDict<Lookahead<O>, T>) -> Result<(), OptimError> {
        let mut next = self.clone();
        (next.steps, next.fresh) = (0, Vec::new());
        let (mut counts, mut groups) = (Vec::new(), self.groups.clone());
        state_dict::load(dict, self.table, &mut groups, |index, entries| {
            match entries.tensor("slow_buffer")? {
                Some(slow) => {
                    state_dict::from_tensor(&self.table[index], slow, &mut next.slow);
                    let steps = entries.count("lookahead_step")?;
                    counts.push(steps.ok_or_else(|| entries.missing("lookahead_step"))?);
                }
                None => next.fresh.push(index),
            }
            entries.skip()
        })?;
        check_alike(&groups)?;
        next.steps = counts.iter().copied().max().unwrap_or(0);
        if let Some(other) = counts.iter().find(|&&count| count != next.steps) {
            let (found, expected) = (other.to_string(), format!("{} as elsewhere", next.steps));
            return Err(OptimError::State { what: "lookahead_step".to_owned(), found, expected });
        }

        let mut inner = OptimizerStateDict { state: dict.state.clone(), param_groups: Vec::new() };
        for entries in inner.state.values_mut() {
            entries.remove("slow_buffer");
            entries.remove("lookahead_step");
        }
        inner.state.retain(|_, entries| !entries.is_empty());
        inner.param_groups = dict.param_groups.iter().map(|group| group.map(|s| s.optimizer.clone())).collect();
        next.inner.load_state_dict(&inner)?;
        next.groups = groups;
        *self = next;
        Ok(())
    }

    fn step_flat(&mut self, parameters: &mut [T], gradients: &[T]) {
        let table = self.table;
        if self.inner.fold().is_some() {
            return step_folded(self, table, parameters, gradients);
        }
        let moves = self.begin_step(parameters);
        self.inner.step_flat(parameters, gradients);
        if moves {
            let alpha = self.alpha();
            let trained = table.iter().zip(self.inner.trainable()).filter(|(_, trained)| **trained);
            for (spec, _) in trained {
                let range = spec.offset..spec.offset + spec.len;
                T::lerp(&mut self.slow[range.clone()], &parameters[range.clone()], alpha);
                parameters[range.clone()].copy_from_slice(&self.slow[range]);
            }
        }
    }

    fn fold(&mut self) -> Option<&mut dyn FoldedUpdate<T>> {
        self.inner.fold().is_some().then_some(self as &mut dyn FoldedUpdate<T>)
    }

    fn eval(&mut self, parameters: &mut [T]) {
        self.inner.eval(parameters);
    }

    fn train(&mut self, parameters: &mut [T]) {
        self.inner.train(parameters);
    }
}

impl<T: Real, O: Optimizer> FoldedUpdate<T> for LookaheadState<T, O> {
    fn begin<'a>(&'a mut self, parameters: &'a mut [T]) -> Update<'a, T> {
        let (moves, alpha) = (self.begin_step(parameters), self.alpha());
        let inner = self.inner.fold().expect("only an optimizer that can be folded comes here");
        let update = inner.begin(parameters);
        if moves { update.follow(&mut self.slow, alpha, true) } else { update }
    }

    fn trains(&self, index: usize) -> bool {
        self.inner.trainable()[index]
    }
}
