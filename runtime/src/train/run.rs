//! What a trainer keeps from step to step beside the model and the optimizer: memory and counts.

use super::look::Looks;
use super::place::Place;
use super::{AsBatch, Target, TrainError};
use crate::clip::ClipError;
use crate::data::LoaderState;
use crate::loss::{Bound, Loss};
use crate::network::{BatchError, Sample};
use crate::optim::{Optimizer, OptimizerState};
use crate::{Flat, Gradients, Network, Real, Workspace};

/// Memory and counts of a trainer. All memory is made in the first step, at the latest.
#[derive(Clone, Debug)]
pub struct Run<T: Real> {
    /// Of capacity 0 until the first batch says how large it must be.
    workspace: Workspace<T>,
    /// Empty where each parameter moves in the backward pass.
    pub(super) gradients: Gradients<T>,
    /// Each parameter moves in the backward pass, where its gradient is finished, and no gradient is stored. Never
    /// changes: the memory for gradients is made accordingly.
    fused: bool,
    pub(super) steps: u64,
    pub(super) accumulated: usize,
    /// The number of batches that the gradients which are being added up have been divided by.
    pub(super) share: usize,
    pub(super) settings: RunSettings,
    /// Where the next `fit` goes on, after a resume.
    pub(super) resumed: Option<Place>,
    /// Where the last `fit` was at its end.
    pub(super) ended: Option<Place>,
    /// The number of the next order of a dataset that `fit` shuffles, from 0: no two epochs have the same.
    pub(super) data_epoch: u64,
    /// What a forward pass changes, as it was before: a step with a NaN loss takes it back.
    before: Before<T>,
    pub(super) looks: Looks,
}

/// How a trainer uses memory, and how `fit` makes batches of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSettings {
    /// Whether each parameter may move in the backward pass.
    pub fused: bool,
    /// The largest batch; that of the first step if `None`.
    pub capacity: Option<usize>,
    /// The number of samples in a batch.
    pub batch_size: usize,
    /// The seed of the order of the data; the network's if `None`.
    pub seed: Option<u64>,
}

#[derive(Clone, Debug)]
struct Before<T: Real> {
    buffers: Flat<T>,
    counters: Vec<u64>,
    draws: u64,
}

impl<T: Real> Run<T> {
    /// Steps of the optimizer so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Batches whose gradients have been added up since the last step of the optimizer.
    pub fn accumulated(&self) -> usize {
        self.accumulated
    }

    /// Whether each parameter moves in the backward pass, where its gradient is finished, and no gradient is stored.
    pub fn fused(&self) -> bool {
        self.fused
    }

    /// How it uses memory, and how `fit` makes batches of a dataset.
    pub fn settings(&self) -> RunSettings {
        self.settings
    }

    /// Activations and their gradients, of the last step.
    pub fn workspace(&self) -> &Workspace<T> {
        &self.workspace
    }

    /// The gradients of all parameters, of the last step; empty if [`fused`](Self::fused).
    pub fn gradients(&self) -> &Gradients<T> {
        &self.gradients
    }
}

/// What generated code does with it.
#[doc(hidden)]
impl<T: Real> Run<T> {
    /// The memory of a trainer of `model`.
    pub fn new<N: Network<T>, O: OptimizerState<T>>(model: &N, _optimizer: &O, settings: RunSettings) -> Self {
        // A tied weight's gradient is complete only after all of its uses.
        let fused = settings.fused && <O::Settings as Optimizer>::ELEMENT_WISE && !N::TIED;
        let weights = model.weights();
        Run {
            workspace: model.workspace(settings.capacity.unwrap_or(0)),
            gradients: if fused { Gradients(Flat::zeros(0)) } else { model.zeros() },
            fused,
            steps: 0,
            accumulated: 0,
            share: 1,
            settings,
            resumed: None,
            ended: None,
            data_epoch: 0,
            before: Before {
                buffers: weights.buffers.clone(),
                counters: weights.counters.clone(),
                draws: weights.draws,
            },
            looks: Looks::default(),
        }
    }

    /// Takes a batch: makes room for it if it is the first, checks that there is room if not, and remembers what the
    /// forward pass is about to change.
    ///
    /// # Errors
    /// No samples, too few for a batch norm, more than there is room for, inputs of another shape.
    pub fn begin<'b, N: Network<T>, Y>(
        &mut self,
        model: &N,
        batch: impl AsBatch<'b, T, N, Y>,
    ) -> Result<(&'b [N::Input], &'b [Y]), TrainError> {
        let (inputs, targets) = batch.samples()?;
        BatchError::check(inputs.len(), N::MIN_TRAIN_BATCH, usize::MAX)?;
        if self.workspace.capacity() == 0 {
            self.reserve(model, inputs.len());
        }
        let (found, capacity) = (inputs.len(), self.workspace.capacity());
        if found > capacity {
            return Err(TrainError::BatchTooLarge { found, capacity });
        }
        let weights = model.weights();
        self.before.buffers.copy_from_slice(&weights.buffers);
        self.before.counters.copy_from_slice(&weights.counters);
        self.before.draws = weights.draws;
        Ok((inputs, targets))
    }

    /// Remembers which order of a dataset comes after that of `state`, which is about to be used, or has been in part.
    pub(super) fn note_epoch(&mut self, state: &LoaderState, begins: bool) {
        self.data_epoch = state.epoch + u64::from(begins || state.position > 0);
    }

    /// Makes room for batches of `capacity` samples, if there is less.
    pub fn reserve<N: Network<T>>(&mut self, model: &N, capacity: usize) {
        if capacity > self.workspace.capacity() {
            self.workspace = model.workspace(capacity);
        }
    }

    /// Begins a sum of gradients, unless one is under way.
    pub fn zero_grad(&mut self) {
        if self.accumulated == 0 {
            self.gradients.zero();
        }
    }

    /// The memory of a step.
    pub fn memory(&mut self) -> (&mut Workspace<T>, &mut Gradients<T>) {
        (&mut self.workspace, &mut self.gradients)
    }

    /// The gradients, to be clipped.
    pub fn gradients_mut(&mut self) -> &mut Gradients<T> {
        &mut self.gradients
    }

    /// Counts a step of the optimizer.
    pub fn count_step(&mut self) {
        self.steps += 1;
    }

    /// What the gradients of the next batch are to be divided by: the number of batches that were to make a step when their
    /// sum was begun.
    pub fn share(&mut self, batches: usize) -> usize {
        if self.accumulated == 0 {
            self.share = batches;
        }
        self.share
    }

    /// Ends a sum of gradients, and makes it the mean of the batches that are there. Whether there were any.
    pub fn end_sum(&mut self) -> bool {
        let there = std::mem::take(&mut self.accumulated);
        if there > 0 && there != self.share {
            T::scale(&mut self.gradients.0, T::from_f64(self.share as f64 / there as f64));
        }
        there > 0
    }

    /// Whether the batch of `criterion` moves anything. If its loss, a gradient or a running statistic is no number the
    /// forward pass is taken back, and its gradients are dropped.
    ///
    /// # Errors
    /// [`TrainError::NonFiniteLoss`], or why the loss is not finite, unless it is because no target counts;
    /// [`TrainError::NonFiniteGradient`], [`TrainError::NonFiniteStatistic`].
    pub fn check_loss<N: Network<T>, Y: Target, L: Loss<T, Y>>(
        &mut self,
        model: &mut N,
        criterion: &Bound<'_, T, Y, L>,
        loss: T,
    ) -> Result<bool, TrainError> {
        let step = self.steps;
        if loss.is_finite() {
            let moved = self.fused;
            let error = if let Some(index) = self.workspace.non_finite_gradient() {
                TrainError::NonFiniteGradient { step, parameter: N::PARAMS[index].name, moved }
            } else if let Some(name) = model.first_non_finite_statistic().filter(|name| self.was_finite::<N>(name)) {
                TrainError::NonFiniteStatistic { step, name, moved }
            } else {
                return Ok(true);
            };
            self.undo(model);
            self.accumulated = 0;
            return Err(error);
        }
        self.undo(model);
        if criterion.weight() == 0.0 {
            return Ok(false);
        }
        criterion.check(loss, N::Output::to_flat(N::outputs(&self.workspace)))?;
        Err(TrainError::NonFiniteLoss { step, loss: loss.to_f64() })
    }

    /// Passes on the norm of the gradients. If it is infinite, the gradients are dropped.
    ///
    /// # Errors
    /// [`TrainError::NonFiniteNorm`], and a limit that is not allowed.
    pub fn check_norm<N: Network<T>>(
        &mut self,
        model: &mut N,
        norm: Result<f64, ClipError>,
    ) -> Result<f64, TrainError> {
        norm.map_err(|error| {
            self.undo(model);
            self.accumulated = 0;
            match error {
                ClipError::NonFinite { norm } => TrainError::NonFiniteNorm { step: self.steps, norm },
                other => TrainError::Clip(other),
            }
        })
    }

    /// Whether the step before has left the statistic `name` finite; weights that come with another are told by a look.
    fn was_finite<N: Network<T>>(&self, name: &str) -> bool {
        let spec = N::BUFFERS.iter().find(|spec| spec.name == name);
        spec.is_some_and(|spec| T::all_finite(&self.before.buffers[spec.offset..spec.offset + spec.len]))
    }

    fn undo<N: Network<T>>(&mut self, model: &mut N) {
        let weights = model.weights_mut();
        weights.buffers.copy_from_slice(&self.before.buffers);
        weights.counters.copy_from_slice(&self.before.counters);
        weights.draws = self.before.draws;
    }

    /// Counts a batch whose gradients have been added up. True if with it there are `batches`: then it is the
    /// optimizer's turn, and the next batch begins anew.
    pub fn is_complete(&mut self, batches: usize) -> bool {
        self.accumulated += 1;
        // The number that makes a step may have been changed in the meantime.
        self.accumulated >= batches && self.end_sum()
    }
}
