//! Parameter groups from names and kinds: what `train!`'s `head => (lr = 3e-3)`, `no_decay` and `freeze` become.

use super::{OptimError, Optimizer, OptimizerState, ParamGroup, matches};
use crate::Real;
use crate::network::{Kind, ParamSpec};

/// Begins the parameter groups of a network whose table is `table`; `settings` are those of every parameter that no
/// other group claims.
///
/// # Example
/// ```
/// use glulam::network::{Kind, ParamSpec};
/// use glulam::optim::{self, AdamW, OptimizerState};
/// static PARAMS: [ParamSpec; 4] = [
///     ParamSpec::new("stem.weight", &[4, 4], 0, Kind::Weight),
///     ParamSpec::new("stem.bias", &[4], 16, Kind::Bias),
///     ParamSpec::new("head.weight", &[2, 4], 32, Kind::Weight),
///     ParamSpec::new("head.bias", &[2], 48, Kind::Bias),
/// ];
/// let base = AdamW { lr: 1e-3, weight_decay: 0.1, ..AdamW::DEFAULT };
/// let state = optim::groups(&PARAMS, base)
///     .no_decay(&[Kind::Bias, Kind::Norm])
///     .group("head", AdamW { lr: 3e-3, ..base })
///     .freeze("stem.bias")
///     .build::<f32>()?;
/// let groups: Vec<_> = state.groups().iter().map(|g| (&*g.name, g.settings.lr, g.settings.weight_decay)).collect();
/// assert_eq!(groups, [("", 1e-3, 0.1), ("head", 3e-3, 0.1), ("head no_decay", 3e-3, 0.0)]);
/// # Ok::<(), optim::OptimError>(())
/// ```
pub fn groups<S: Optimizer>(table: &'static [ParamSpec], settings: S) -> GroupBuilder<S> {
    GroupBuilder { table, settings, named: Vec::new(), no_decay: Vec::new(), frozen: Vec::new() }
}

/// Parameter groups in the making; see [`groups`].
#[derive(Clone, Debug)]
#[must_use = "groups do nothing before they are built"]
pub struct GroupBuilder<S> {
    table: &'static [ParamSpec],
    settings: S,
    named: Vec<(String, S)>,
    no_decay: Vec<Kind>,
    frozen: Vec<String>,
}

impl<S: Optimizer> GroupBuilder<S> {
    /// Sets the weight decay of parameters of these kinds to 0, in every group: each group that holds such parameters
    /// beside others falls in two, the second named `"… no_decay"`. The other settings stay those of the group.
    pub fn no_decay(mut self, kinds: &[Kind]) -> Self {
        self.no_decay.extend_from_slice(kinds);
        self
    }

    /// Gives the parameters that `pattern` [chooses](matches()) settings of their own.
    pub fn group(mut self, pattern: &str, settings: S) -> Self {
        self.named.push((pattern.to_owned(), settings));
        self
    }

    /// Leaves the parameters that `pattern` [chooses](matches()) as they are, even if a group chooses them too: they are
    /// in no group, and have no state.
    pub fn freeze(mut self, pattern: &str) -> Self {
        self.frozen.push(pattern.to_owned());
        self
    }

    /// The groups: what no pattern chose first, then the patterns' in the order given. In this order PyTorch (and a
    /// state dict) numbers the parameters.
    ///
    /// # Errors
    /// A pattern that chooses nothing, a parameter chosen by two groups (as in PyTorch), a group or a network of which
    /// everything is frozen.
    pub fn param_groups(self) -> Result<Vec<ParamGroup<S>>, OptimError> {
        let patterns = self.frozen.iter().chain(self.named.iter().map(|(pattern, _)| pattern));
        for pattern in patterns {
            if !self.table.iter().any(|spec| matches(pattern, spec.name)) {
                return Err(OptimError::UnknownPattern { pattern: pattern.clone(), names: names(self.table) });
            }
        }

        // For each group, its parameters with and without decay.
        let mut members = vec![(Vec::new(), Vec::new()); 1 + self.named.len()];
        for (index, spec) in self.table.iter().enumerate() {
            let mut claims = (1..).zip(&self.named).filter(|(_, (pattern, _))| matches(pattern, spec.name));
            let (group, first) = claims.next().map_or((0, ""), |(group, (pattern, _))| (group, pattern));
            if let Some((_, (second, _))) = claims.next() {
                let (first, second) = (first.to_owned(), second.clone());
                return Err(OptimError::TwoGroups { parameter: spec.name.to_owned(), first, second });
            }
            if self.frozen.iter().any(|pattern| matches(pattern, spec.name)) {
                continue;
            }
            let (decay, no_decay) = &mut members[group];
            if self.no_decay.contains(&spec.kind) { no_decay.push(index) } else { decay.push(index) }
        }

        let everyone = std::iter::once((String::new(), self.settings)).chain(self.named);
        let mut groups = Vec::new();
        for ((name, settings), (decay, no_decay)) in everyone.zip(members) {
            if !name.is_empty() && decay.is_empty() && no_decay.is_empty() {
                return Err(OptimError::FrozenGroup { group: name });
            }
            let mut without = settings.clone();
            without.set_weight_decay(0.0);
            let second = if name.is_empty() { "no_decay".to_owned() } else { format!("{name} no_decay") };
            for (settings, name, params) in [(settings, name, decay), (without, second, no_decay)] {
                if !params.is_empty() {
                    groups.push(ParamGroup { settings, name, params, initial_lr: None });
                }
            }
        }
        if groups.is_empty() { Err(OptimError::NothingToTrain) } else { Ok(groups) }
    }

    /// The optimizer's state for these groups.
    ///
    /// # Errors
    /// Those of [`param_groups`](Self::param_groups), and options out of their range.
    pub fn build<T: Real>(self) -> Result<S::State<T>, OptimError> {
        let table = self.table;
        S::State::new(table, self.param_groups()?)
    }
}

fn names(table: &[ParamSpec]) -> String {
    table.iter().map(|spec| spec.name).collect::<Vec<_>>().join(", ")
}

/// Checks `groups` against `table`: valid settings, places that exist, none of them twice, at least one.
/// Returns the group of each parameter.
pub(crate) fn check_groups<S: Optimizer>(
    table: &[ParamSpec],
    groups: &[ParamGroup<S>],
) -> Result<Vec<Option<usize>>, OptimError> {
    let mut group_of = vec![None; table.len()];
    for (number, group) in groups.iter().enumerate() {
        group.settings.check()?;
        for &index in &group.params {
            let count = table.len();
            let place = group_of.get_mut(index).ok_or(OptimError::NoSuchParameter { index, count })?;
            if let Some(first) = place.replace(number) {
                return Err(OptimError::TwoGroups {
                    parameter: table[index].name.to_owned(),
                    first: groups[first].name.clone(),
                    second: group.name.clone(),
                });
            }
        }
    }
    if group_of.iter().all(Option::is_none) { Err(OptimError::NothingToTrain) } else { Ok(group_of) }
}
