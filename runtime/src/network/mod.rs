//! What every declared network has in common: the trait that `network!` implements and `train!`, optimizers,
//! state dicts and metrics build on.

mod batch;
mod sample;
mod tables;

use std::fmt::Debug;

use crate::memory::words_of;
use crate::optim::FoldedUpdate;
use crate::parallel::Split;
use crate::workspace::Workspace;
use crate::{Flat, Real, Update};

pub use batch::BatchError;
pub use sample::Sample;
pub(crate) use tables::MAX_AXES;
pub use tables::{BufferSpec, Kind, LayerSpec, Output, ParamSpec};

/// Training or evaluation: whether dropout drops, and which statistics a batch norm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout drops, batch norm uses the statistics of the batch and updates the running ones.
    Train,
    /// Dropout does nothing, batch norm uses its running statistics (gradients flow all the same).
    Eval,
}

/// All that a network remembers: parameters, buffers, counters, and the state of its random generator.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights<T: Real> {
    /// All parameters, in the order and at the offsets of the table.
    pub parameters: Flat<T>,
    /// Running statistics.
    pub buffers: Flat<T>,
    /// Counters (`num_batches_tracked`).
    pub counters: Vec<u64>,
    /// The seed of dropout and its kind.
    pub seed: u64,
    /// How many training forwards there have been: dropout draws anew for each.
    pub draws: u64,
}

/// What a kernel may need to know beside its operands.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Training or evaluation.
    pub mode: Mode,
    /// The network's seed.
    pub seed: u64,
    /// The number of this training forward.
    pub draw: u64,
    /// The place in the batch of the first row at hand: a random number belongs to its row, whoever computes it.
    pub first_row: usize,
    /// The number of rows of the whole batch.
    pub rows: usize,
}

impl Context {
    /// The same for the rows that begin at `first_row`.
    pub fn at(self, first_row: usize) -> Context {
        Context { first_row, ..self }
    }
}

/// The most pieces that a batch is cut into, where something is added up piece by piece and then in their order. Its size
/// alone says where it is cut, never the number of threads, so each sum has one order; and so many threads find work.
pub const PIECES: usize = 32;

/// The rows of each piece of a batch of so many rows, but for the last, which may have fewer.
pub const fn rows_of_piece(rows: usize) -> usize {
    let rows = rows.div_ceil(PIECES);
    if rows == 0 { 1 } else { rows }
}

/// The output of a forward pass, and the place of its gradient, which the criterion fills.
#[derive(Debug)]
pub struct Outputs<'w, T, O> {
    /// The outputs, one for each sample.
    pub values: &'w [O],
    /// The gradient of the loss with respect to them.
    pub gradient: &'w mut [O],
    /// The share of each sample in the loss: at least as many numbers as there are samples.
    pub losses: &'w mut [T],
    /// The shape of one sample.
    pub shape: &'static [usize],
}

impl<T, O> std::ops::Deref for Outputs<'_, T, O> {
    type Target = [O];
    fn deref(&self) -> &[O] {
        self.values
    }
}

/// A loss whose targets have been checked, ready to be applied to any share of the rows of one batch.
pub trait RowLoss<T: Real>: Sync {
    /// For the rows that begin at `first_row` of the batch: writes each row's share of the loss (their sum, in order,
    /// is the loss) and the gradient with respect to `outputs`.
    fn rows(&self, first_row: usize, outputs: &[T], losses: &mut [T], gradient: &mut [T]);
}

/// A network declared with `network!`.
///
/// Everything that the rest of the crate needs to know of it: tables, constants, and its forward and backward code.
pub trait Network<T: Real>: Clone + Debug + Send + Sync + Sized + 'static {
    /// The struct's name.
    const NAME: &'static str;
    /// The parameter table, in the order of the flat array.
    const PARAMS: &'static [ParamSpec];
    /// The buffer table.
    const BUFFERS: &'static [BufferSpec];
    /// Tied weights: the other state-dict keys of a parameter, `(head.weight, tok.weight)`. PyTorch lists both.
    const ALIASES: &'static [(&'static str, &'static str)] = &[];
    /// The rows of `summary()`.
    const LAYERS: &'static [LayerSpec];
    /// The number of parameters (gaps in the flat array not counted).
    const PARAMETERS: usize;
    /// Floating-point operations of the forward pass, for one sample.
    const FLOPS_PER_SAMPLE: u64;
    /// Bytes of workspace for one sample of the largest batch.
    const WORKSPACE_BYTES_PER_SAMPLE: usize;
    /// Bytes of workspace for each piece of a batch, of which there are at most [`PIECES`].
    const WORKSPACE_BYTES_PER_PIECE: usize = 0;
    /// The shape of one sample of the input.
    const INPUT_SHAPE: &'static [usize];
    /// The shape of one sample of the output.
    const OUTPUT_SHAPE: &'static [usize];
    /// What the last layer makes of its numbers, for checks against the loss.
    const OUTPUT: Output;
    /// Some weights are used in several places, so a gradient is finished only when all of them are done: no folding.
    const TIED: bool = false;
    /// The fewest samples of a training batch: 2 where a batch norm sees one value of each channel in a sample.
    const MIN_TRAIN_BATCH: usize = 1;
    /// The fewest samples of a batch in evaluation: 2 where such a batch norm has no running statistics.
    const MIN_EVAL_BATCH: usize = 1;
    /// The declaration had errors, so nothing more should be said about it.
    const FAILED: bool = false;

    /// The scalars of the input: `T`, or `u32` for token ids.
    type InputScalar: Copy + Default + Send + Sync + 'static;
    /// One sample of the input: `[T; 784]`.
    type Input: Sample<Self::InputScalar>;
    /// One sample of the output: `[T; 10]`.
    type Output: Sample<T>;

    /// Parameters, buffers and generator.
    fn weights(&self) -> &Weights<T>;
    /// The same, to be changed.
    fn weights_mut(&mut self) -> &mut Weights<T>;

    /// The number of arrays of the workspace, each of which begins on a cache line.
    const VALUES: usize;
    /// Scalars of workspace for a whole batch: statistics.
    const STATISTICS: usize;

    /// Forward in `mode`, keeping in `workspace` what a backward needs.
    ///
    /// # Panics
    /// If there are more inputs than the workspace has room for, none, or one that a batch norm needs company for;
    /// [`try_forward`](Self::try_forward) returns an error instead.
    fn forward<'w>(
        &mut self,
        mode: Mode,
        inputs: &[Self::Input],
        workspace: &'w mut Workspace<T>,
    ) -> Outputs<'w, T, Self::Output>;

    /// Whether [`forward`](Self::forward) takes a batch of so many samples.
    ///
    /// # Errors
    /// No samples, more than `workspace` has room for, one that a batch norm needs company for.
    fn check_batch(mode: Mode, samples: usize, workspace: &Workspace<T>) -> Result<(), BatchError> {
        let smallest = match mode {
            Mode::Train => Self::MIN_TRAIN_BATCH,
            Mode::Eval => Self::MIN_EVAL_BATCH,
        };
        BatchError::check(samples, smallest, workspace.capacity())
    }

    /// [`forward`](Self::forward), where the size of a batch is not known to fit.
    ///
    /// # Errors
    /// Those of [`check_batch`](Self::check_batch); then nothing has changed.
    fn try_forward<'w>(
        &mut self,
        mode: Mode,
        inputs: &[Self::Input],
        workspace: &'w mut Workspace<T>,
    ) -> Result<Outputs<'w, T, Self::Output>, BatchError> {
        Self::check_batch(mode, inputs.len(), workspace)?;
        Ok(self.forward(mode, inputs, workspace))
    }

    /// Backward of the last forward, from the gradient that the criterion left in `workspace`: each parameter's
    /// gradient goes to `update`, and the inputs' to `d_inputs`, if it is given.
    ///
    /// # Panics
    /// If `inputs` or `d_inputs` is not as long as the last forward's.
    fn backward_into(
        &self,
        inputs: &[Self::Input],
        workspace: &mut Workspace<T>,
        update: Update<'_, T>,
        d_inputs: Option<&mut [Self::Input]>,
    );

    /// Forward in training mode, loss and backward in one go. If the loss is finite, gradients go to `update`; if it is
    /// not, no parameter and no gradient has changed. Returns the loss. That a gradient is not finite all the same is known
    /// afterwards, by [`Workspace::non_finite_gradient`].
    ///
    /// # Panics
    /// If there are more inputs than the workspace has room for, or none.
    fn forward_backward(
        &mut self,
        inputs: &[Self::Input],
        loss: &dyn RowLoss<T>,
        workspace: &mut Workspace<T>,
        update: UpdateBy<'_, T>,
    ) -> T;

    /// The outputs of the last forward in `workspace` (training, evaluation, or part of a step).
    fn outputs(workspace: &Workspace<T>) -> &[Self::Output];

    /// The outputs in evaluation mode: no dropout, running statistics, nothing kept. No allocation after the first call
    /// of a thread.
    ///
    /// # Panics
    /// If `inputs` and `outputs` differ in length.
    fn predict_into(&self, inputs: &[Self::Input], outputs: &mut [Self::Output]);

    /// The same, in a new vector.
    fn predict(&self, inputs: &[Self::Input]) -> Vec<Self::Output> {
        let mut flat = vec![T::ZERO; inputs.len() * Self::Output::LEN];
        self.predict_into(inputs, Self::Output::from_flat_mut(&mut flat));
        Self::Output::from_flat(&flat).to_vec()
    }

    /// The name in the state dict of the first parameter or buffer with an element that is NaN or infinite.
    fn first_non_finite(&self) -> Option<&'static str> {
        let parameters = &self.weights().parameters;
        if T::all_finite(parameters) {
            return self.first_non_finite_statistic();
        }
        let all = Self::PARAMS.iter().map(|spec| (spec.name, &parameters[spec.offset..spec.offset + spec.len]));
        first_non_finite(all)
    }

    /// The name in the state dict of the first running statistic with an element that is NaN or infinite.
    fn first_non_finite_statistic(&self) -> Option<&'static str> {
        let buffers = &self.weights().buffers;
        if Self::BUFFERS.is_empty() || T::all_finite(buffers) {
            return None;
        }
        let all = Self::BUFFERS.iter().filter(|spec| !spec.counter);
        first_non_finite(all.map(|spec| (spec.name, &buffers[spec.offset..spec.offset + spec.len])))
    }

    /// A workspace for batches of at most `capacity` samples.
    fn workspace(&self, capacity: usize) -> Workspace<T> {
        Workspace {
            capacity,
            rows: 0,
            context: Context { mode: Mode::Eval, seed: 0, draw: 0, first_row: 0, rows: 0 },
            values: Flat::zeros(words_of(
                capacity * Self::WORKSPACE_BYTES_PER_SAMPLE + PIECES * Self::WORKSPACE_BYTES_PER_PIECE,
                Self::VALUES,
            )),
            statistics: Flat::zeros(Self::STATISTICS),
            losses: Flat::zeros(capacity),
            non_finite_gradient: None,
        }
    }

    /// Gradients of all parameters, all zero.
    fn zeros(&self) -> Gradients<T> {
        Gradients(Flat::zeros(self.weights().parameters.len()))
    }

    /// Backward of the last forward: adds each parameter's gradient to `gradients` (PyTorch's `loss.backward()`).
    ///
    /// # Panics
    /// If `inputs` is not as long as the last forward's.
    fn backward(&self, inputs: &[Self::Input], workspace: &mut Workspace<T>, gradients: &mut Gradients<T>) {
        self.backward_into(inputs, workspace, Update::accumulate(&mut gradients.0, None), None);
    }

    /// The same, and the gradient with respect to the inputs (PyTorch's `x.grad`), written to `d_inputs`.
    ///
    /// # Panics
    /// If `inputs` or `d_inputs` is not as long as the last forward's.
    fn backward_to_inputs(
        &self,
        inputs: &[Self::Input],
        workspace: &mut Workspace<T>,
        gradients: &mut Gradients<T>,
        d_inputs: &mut [Self::Input],
    ) {
        self.backward_into(inputs, workspace, Update::accumulate(&mut gradients.0, None), Some(d_inputs));
    }

    /// About how many floating-point operations `passes` passes over `rows` samples cost: whether threads would gain.
    #[doc(hidden)]
    fn work(rows: usize, passes: u64) -> u64 {
        Self::FLOPS_PER_SAMPLE * rows as u64 * passes
    }

    /// A table of the layers, their output shapes and parameters, like Keras's.
    fn summary(&self) -> String {
        crate::summary::table(Self::NAME, Self::INPUT_SHAPE, Self::LAYERS, Self::PARAMETERS)
    }
}

/// Who gets the gradients of [`Network::forward_backward`].
#[derive(Debug)]
pub enum UpdateBy<'a, T: Real> {
    /// They are added to the array; the flags say which parameters are trained (`None`: all).
    Gradients(&'a mut [T], Option<&'a [bool]>),
    /// The optimizer's rule moves the parameters at once.
    Optimizer(&'a mut dyn FoldedUpdate<T>),
}

impl<'a, T: Real> UpdateBy<'a, T> {
    /// The first of `count` parameters that is trained; `count` if none is.
    pub fn first_trained(&self, count: usize) -> usize {
        let trained = |index: &usize| match self {
            UpdateBy::Gradients(_, trainable) => trainable.is_none_or(|t| t[*index]),
            UpdateBy::Optimizer(optimizer) => optimizer.trains(*index),
        };
        (0..count).find(trained).unwrap_or(count)
    }

    /// Begins the tile phase.
    pub fn begin<'b>(self, parameters: &'b mut [T]) -> Update<'b, T>
    where
        'a: 'b,
    {
        match self {
            UpdateBy::Gradients(gradients, trainable) => Update::accumulate(gradients, trainable),
            UpdateBy::Optimizer(optimizer) => optimizer.begin(parameters),
        }
    }
}

/// Gradients of all parameters, in the layout of the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<T: Real>(pub Flat<T>);

impl<T: Real> Gradients<T> {
    /// Sets all to zero (PyTorch's `optimizer.zero_grad()`).
    pub fn zero(&mut self) {
        self.0.fill(T::ZERO);
    }
}

/// Of one kind of rows; one of them may be cut into pieces.
impl<A: Split, B: Split> Split for (A, B) {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn piece(&self) -> usize {
        self.0.piece().max(self.1.piece())
    }
    fn split_at(self, rows: usize) -> (Self, Self) {
        let (a, c) = self.0.split_at(rows);
        let (b, d) = self.1.split_at(rows);
        ((a, b), (c, d))
    }
}

/// The name of the first of `all` that is not finite.
fn first_non_finite<'a, T: Real>(mut all: impl Iterator<Item = (&'static str, &'a [T])>) -> Option<&'static str> {
    all.find(|(_, values)| !T::all_finite(values)).map(|(name, _)| name)
}
