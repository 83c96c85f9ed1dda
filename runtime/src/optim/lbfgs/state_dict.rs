//! State dicts of L-BFGS: PyTorch's entries, all under the first parameter, as there; `ro` follows from the others.

use super::super::element_wise::flat_len;
use super::super::{GroupState, OptimError, OptimizerStateDict, StateValue};
use super::{LBFGS, LBFGSState, Memory};
use crate::{Flat, Real};

impl<T: Real> LBFGSState<T> {
    /// All that is remembered, under PyTorch's names. Flat vectors run through the parameters in their order.
    pub fn state_dict(&self) -> OptimizerStateDict<LBFGS, T> {
        let memory = &self.memory;
        let mut dict = OptimizerStateDict { state: Default::default(), param_groups: Vec::new() };
        dict.param_groups.push(GroupState {
            // As in PyTorch, where the default becomes a number when the optimizer is made.
            settings: LBFGS { max_eval: Some(self.max_eval()), ..self.settings },
            initial_lr: self.initial_lr,
            name: String::new(),
            params: (0..self.params.len()).collect(),
        });
        if memory.func_evals == 0 {
            return dict;
        }
        let vectors = |arrays: &[Flat<T>]| arrays.iter().flat_map(|array| self.gather(array)).collect::<Vec<T>>();
        let vector = |array: &Flat<T>| {
            let values = self.gather(array);
            StateValue::Tensor { shape: vec![values.len()], values }
        };
        let list = |arrays: &[Flat<T>]| StateValue::Tensor {
            shape: vec![arrays.len(), self.numel()],
            values: vectors(arrays),
        };
        let entries = [
            ("func_evals", StateValue::Scalar(memory.func_evals as f64)),
            ("n_iter", StateValue::Scalar(memory.n_iter as f64)),
            ("d", vector(&memory.d)),
            ("t", StateValue::Scalar(memory.t)),
            ("old_dirs", list(&memory.old_dirs)),
            ("old_stps", list(&memory.old_stps)),
            ("H_diag", StateValue::Scalar(memory.h_diag)),
            ("prev_flat_grad", vector(&memory.prev_flat_grad)),
            ("prev_loss", StateValue::Scalar(memory.prev_loss)),
        ];
        dict.state.insert(0, entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        dict
    }

    /// Takes over what [`state_dict`](Self::state_dict) gave.
    ///
    /// # Errors
    /// The first thing that does not fit; then nothing has changed.
    pub fn load_state_dict(&mut self, dict: &OptimizerStateDict<LBFGS, T>) -> Result<(), OptimError> {
        let wrong =
            |what: &str, found: String, expected: String| OptimError::State { what: what.to_owned(), found, expected };
        let [group] = &dict.param_groups[..] else {
            return Err(wrong("param_groups", format!("{} groups", dict.param_groups.len()), "one group".into()));
        };
        let (found, expected) = (group.params.len(), self.params.len());
        if found != expected {
            return Err(wrong("param_groups[0].params", found.to_string(), expected.to_string()));
        }
        let mut next = group.settings.init_params::<T>(self.table, self.params.clone())?;
        next.initial_lr = group.initial_lr;
        if let Some(entries) = dict.state.get(&0) {
            let scalar = |name: &str| match entries.get(name) {
                Some(StateValue::Scalar(x)) if x.is_finite() => Ok(*x),
                found => Err(wrong(name, describe(found), "a finite number".into())),
            };
            let numel = next.numel();
            let vectors = |name: &str, rows: Option<usize>| match entries.get(name) {
                Some(StateValue::Tensor { shape, values })
                    if shape.iter().product::<usize>() == values.len()
                        && shape.last() == Some(&numel)
                        && rows.is_none_or(|rows| values.len() == rows * numel) =>
                {
                    Ok(values.chunks_exact(numel.max(1)).map(|row| next.scatter(row)).collect::<Vec<_>>())
                }
                found => Err(wrong(name, describe(found), format!("vectors of {numel} elements"))),
            };
            let one = |name: &str| vectors(name, Some(1)).map(|mut rows| rows.remove(0));
            let old_dirs = vectors("old_dirs", None)?;
            let memory = Memory {
                n_iter: scalar("n_iter")? as u64,
                func_evals: scalar("func_evals")? as u64,
                d: one("d")?,
                t: scalar("t")?,
                old_stps: vectors("old_stps", Some(old_dirs.len()))?,
                old_dirs,
                h_diag: scalar("H_diag")?,
                prev_flat_grad: one("prev_flat_grad")?,
                prev_loss: scalar("prev_loss")?,
            };
            let (found, limit) = (memory.old_dirs.len(), next.settings.history_size);
            if found > limit {
                return Err(wrong("old_dirs", format!("{found} steps"), format!("at most {limit}")));
            }
            next.ro = memory.old_dirs.iter().zip(&memory.old_stps).map(|(y, s)| 1.0 / T::dot(y, s)).collect();
            next.al = vec![0.0; found];
            next.memory = memory;
        }
        *self = next;
        Ok(())
    }

    fn numel(&self) -> usize {
        self.params.iter().map(|&index| self.table[index].len).sum()
    }

    fn gather(&self, array: &[T]) -> Vec<T> {
        let mut all = vec![T::ZERO; self.numel()];
        let mut rest = &mut all[..];
        for spec in self.params.iter().map(|&index| &self.table[index]) {
            let (here, after) = rest.split_at_mut(spec.len);
            spec.read(array, here);
            rest = after;
        }
        all
    }

    fn scatter(&self, mut values: &[T]) -> Flat<T> {
        let mut array = Flat::zeros(flat_len(self.table));
        for spec in self.params.iter().map(|&index| &self.table[index]) {
            let (here, after) = values.split_at(spec.len);
            spec.write(here, &mut array);
            values = after;
        }
        array
    }
}

fn describe<T>(value: Option<&StateValue<T>>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(StateValue::Scalar(x)) => format!("the number {x}"),
        Some(StateValue::Tensor { shape, values }) => format!("shape {shape:?} of {} elements", values.len()),
    }
}
