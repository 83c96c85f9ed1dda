//! Averages of a network's weights over training, as in `torch.optim.swa_utils`: SWA, EMA, and new running statistics for
//! them. (The schedule that goes with SWA is [`SWALR`](crate::lr_scheduler::SWALR).)

use crate::optim::FoldedUpdate;
use crate::{Mode, Network, Real, Update, Workspace};

/// How the average moves when a model is taken into it.
#[derive(Clone, Copy, Debug)]
pub enum Averaging<T> {
    /// The mean of all models: a ← a + (p − a) / (n + 1), n being the number so far.
    Swa,
    /// The exponential moving average: a ← decay · a + (1 − decay) · p.
    Ema {
        /// Share of the average that stays, in [0, 1].
        decay: f64,
    },
    /// A function of one's own: it is given the average, to be moved, the model's values and n. It is called for the
    /// parameters, and for the buffers if they are averaged too.
    Custom(fn(averaged: &mut [T], current: &[T], num_averaged: u64)),
}

/// A decay that is not in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("decay = {found}, expected a number in [0, 1]")]
pub struct InvalidDecay {
    /// The decay.
    pub found: f64,
}

/// The exponential moving average, with the `decay` checked. 0.999 in PyTorch unless said otherwise.
///
/// # Errors
/// A decay that is not in [0, 1].
///
/// # Example
/// ```
/// use glulam::swa_utils::get_ema_avg_fn;
/// assert!(get_ema_avg_fn::<f32>(0.999).is_ok());
/// assert_eq!(get_ema_avg_fn::<f32>(1.5).unwrap_err().to_string(), "decay = 1.5, expected a number in [0, 1]");
/// ```
///
/// # References
/// `torch.optim.swa_utils.get_ema_avg_fn` (and `get_ema_multi_avg_fn`).
pub fn get_ema_avg_fn<T>(decay: f64) -> Result<Averaging<T>, InvalidDecay> {
    if (0.0..=1.0).contains(&decay) { Ok(Averaging::Ema { decay }) } else { Err(InvalidDecay { found: decay }) }
}

/// The mean of all models: a ← a + (p − a) / (n + 1), n being the number so far.
///
/// # References
/// `torch.optim.swa_utils.get_swa_avg_fn` (and `get_swa_multi_avg_fn`).
pub const fn get_swa_avg_fn<T>() -> Averaging<T> {
    Averaging::Swa
}

impl<T: Real> Averaging<T> {
    /// How far the average moves towards the model that is number `n`, counted from 0; `None` where a function says.
    fn weight(&self, n: u64) -> Option<T> {
        match self {
            // The first model is copied.
            _ if n == 0 => Some(T::ONE),
            Averaging::Swa => Some(T::from_f64(1.0 / (n as f64 + 1.0))),
            Averaging::Ema { decay } => Some(T::from_f64(1.0 - decay)),
            Averaging::Custom(_) => None,
        }
    }

    fn apply(&self, averaged: &mut [T], current: &[T], n: u64) {
        match (self.weight(n), self) {
            (Some(weight), _) if weight == T::ONE => averaged.copy_from_slice(current),
            (Some(weight), _) => T::lerp(averaged, current, weight),
            (None, Averaging::Custom(average)) => average(averaged, current, n),
            (None, _) => unreachable!("only a function of the user's has no weight"),
        }
    }

    /// A counter is averaged as a number and cut to a whole one, as PyTorch's integer buffers are.
    fn apply_counter(&self, averaged: &mut u64, current: u64, n: u64) {
        let [mut average, now] = [*averaged, current].map(|count| [T::from_f64(count as f64)]);
        self.apply(&mut average, &now, n);
        *averaged = average[0].to_f64() as u64;
    }
}

/// A network whose parameters are an average of another's over training.
///
/// Buffers (running statistics) are averaged too with `use_buffers`, else they are those of the last model.
///
/// # Example
/// ```
/// use glulam::prelude::*;
/// use glulam::swa_utils::{AveragedModel, get_ema_avg_fn};
/// network! { Mlp < Linear(2, 1) > }
/// let model = Mlp::seeded(1);
/// let mut average = AveragedModel::new(&model, get_ema_avg_fn(0.99)?, false);
/// average.update_parameters(&model);
/// assert_eq!(average.n_averaged(), 1);
/// assert_eq!(average.module().predict(&[[1.0, 2.0]]), model.predict(&[[1.0, 2.0]]));
/// # Ok::<(), glulam::swa_utils::InvalidDecay>(())
/// ```
///
/// # References
/// `torch.optim.swa_utils.AveragedModel`. Izmailov et al., Averaging weights leads to wider optima and better generalization
/// (2018).
#[derive(Clone, Debug)]
pub struct AveragedModel<T: Real, N: Network<T>> {
    module: N,
    averaging: Averaging<T>,
    use_buffers: bool,
    n_averaged: u64,
}

impl<T: Real, N: Network<T>> AveragedModel<T, N> {
    /// An average of `model` over the time to come.
    pub fn new(model: &N, averaging: Averaging<T>, use_buffers: bool) -> Self {
        AveragedModel { module: model.clone(), averaging, use_buffers, n_averaged: 0 }
    }

    /// The averaged network.
    pub fn module(&self) -> &N {
        &self.module
    }

    /// The averaged network, to load weights, or to bring its running statistics up to date with [`update_bn`].
    pub fn module_mut(&mut self) -> &mut N {
        &mut self.module
    }

    /// How many models are in the average.
    pub fn n_averaged(&self) -> u64 {
        self.n_averaged
    }

    /// Sets how many models are in the average, for one that was saved.
    pub fn set_n_averaged(&mut self, n_averaged: u64) {
        self.n_averaged = n_averaged;
    }

    /// Takes `model` into the average; the first one is copied. No allocation.
    pub fn update_parameters(&mut self, model: &N) {
        self.averaging.apply(&mut self.module.weights_mut().parameters, &model.weights().parameters, self.n_averaged);
        self.update_buffers(model);
        self.n_averaged += 1;
    }

    fn update_buffers(&mut self, model: &N) {
        let (average, now) = (self.module.weights_mut(), model.weights());
        if self.use_buffers {
            self.averaging.apply(&mut average.buffers, &now.buffers, self.n_averaged);
            for (average, &now) in average.counters.iter_mut().zip(&now.counters) {
                self.averaging.apply_counter(average, now, self.n_averaged);
            }
        } else {
            average.buffers.copy_from_slice(&now.buffers);
            average.counters.copy_from_slice(&now.counters);
        }
    }

    /// Exchanges the parameters and buffers of `model` with the averaged ones: to evaluate or save the average in the
    /// model's place, and again to go on.
    pub fn swap(&mut self, model: &mut N) {
        let (average, now) = (self.module.weights_mut(), model.weights_mut());
        std::mem::swap(&mut average.parameters, &mut now.parameters);
        std::mem::swap(&mut average.buffers, &mut now.buffers);
        std::mem::swap(&mut average.counters, &mut now.counters);
    }

    /// `optimizer`, with the average following in the same pass over the parameters. After the step,
    /// [`end_step`](Self::end_step) takes the buffers. The numbers are those of
    /// [`update_parameters`](Self::update_parameters). `None` for [`Averaging::Custom`].
    pub fn fold<'a>(&'a mut self, optimizer: &'a mut dyn FoldedUpdate<T>) -> Option<FoldedAverage<'a, T>> {
        let weight = self.averaging.weight(self.n_averaged)?;
        Some(FoldedAverage { optimizer, average: &mut self.module.weights_mut().parameters, weight })
    }

    /// Ends a step that was made with [`fold`](Self::fold).
    pub fn end_step(&mut self, model: &N) {
        self.update_buffers(model);
        self.n_averaged += 1;
    }
}

/// An optimizer and an average that follows its parameters; see [`AveragedModel::fold`].
#[derive(Debug)]
pub struct FoldedAverage<'m, T: Real> {
    optimizer: &'m mut dyn FoldedUpdate<T>,
    average: &'m mut [T],
    weight: T,
}

impl<T: Real> FoldedUpdate<T> for FoldedAverage<'_, T> {
    fn begin<'a>(&'a mut self, parameters: &'a mut [T]) -> Update<'a, T> {
        self.optimizer.begin(parameters).follow(self.average, self.weight, false)
    }

    fn trains(&self, index: usize) -> bool {
        self.optimizer.trains(index)
    }
}

/// Computes the running statistics of all batch norms of `model` anew: their mean over `batches`, at its present weights.
/// An average of weights has none of its own.
///
/// The network runs in training mode. `workspace` has to have room for the largest batch.
///
/// # Panics
/// If a batch is empty or larger than the workspace.
///
/// # Example
/// ```
/// use glulam::prelude::*;
/// use glulam::swa_utils::update_bn;
/// network! { Normed < BatchNorm1d(2) -> Linear(2, 1) > }
/// let mut model = Normed::seeded(1);
/// let mut workspace = model.workspace(2);
/// update_bn(&mut model, [&[[1.0, 2.0], [3.0, 2.0]][..], &[[4.0, 1.0], [4.0, 3.0]]], &mut workspace);
/// // The means of the two batches are (2, 2) and (4, 2).
/// let running_mean = &model.weights().buffers[..2];
/// assert!((running_mean[0] - 3.0).abs() < 1e-5 && (running_mean[1] - 2.0).abs() < 1e-5);
/// ```
///
/// # References
/// `torch.optim.swa_utils.update_bn`. PyTorch sets the momentum of the layers to `None` meanwhile; the numbers are the same.
pub fn update_bn<'a, T: Real, N: Network<T>>(
    model: &mut N,
    batches: impl IntoIterator<Item = &'a [N::Input]>,
    workspace: &mut Workspace<T>,
) where
    N::Input: 'a,
{
    let is_batch_norm = |name: &str| {
        let layer = |layer: &crate::network::LayerSpec| {
            let is_inside = name.strip_prefix(layer.key).is_some_and(|rest| rest.starts_with('.'));
            is_inside && layer.layer.starts_with("BatchNorm")
        };
        N::LAYERS.iter().any(layer)
    };
    let specs: Vec<_> = N::BUFFERS.iter().filter(|spec| is_batch_norm(spec.name)).collect();
    if specs.is_empty() {
        return;
    }
    let statistics = || specs.iter().filter(|spec| !spec.counter).flat_map(|spec| spec.offset..spec.offset + spec.len);
    let counters = || specs.iter().filter(|spec| spec.counter).map(|spec| spec.offset);

    // A forward makes (1 − m) r + m s of a running statistic r, s being the batch's. With r = 0 and a large r, and
    // everything else alike, that tells m and s, whatever the layer's momentum is (or none, where it follows from the
    // counter). Large, so that m is not lost in the rounding of s.
    let large = T::from_f64(f64::from(1 << 30));
    let mut forward = |model: &mut N, batch: &[N::Input], r: T| {
        let weights = model.weights_mut();
        statistics().for_each(|place| weights.buffers[place] = r);
        counters().for_each(|place| weights.counters[place] = 0);
        model.forward(Mode::Train, batch, workspace);
    };
    let mut momenta: Vec<f64> = Vec::new();
    let mut sums = vec![0.0; statistics().count()];
    let mut count = 0u32;
    for batch in batches {
        if momenta.is_empty() {
            let draws = model.weights().draws;
            forward(model, batch, large);
            let with_large: Vec<f64> = statistics().map(|place| model.weights().buffers[place].to_f64()).collect();
            model.weights_mut().draws = draws;
            forward(model, batch, T::ZERO);
            let with_zero = statistics().map(|place| model.weights().buffers[place].to_f64());
            momenta =
                with_large.iter().zip(with_zero).map(|(after, zero)| 1.0 - (after - zero) / large.to_f64()).collect();
        } else {
            forward(model, batch, T::ZERO);
        }
        count += 1;
        for ((sum, momentum), place) in sums.iter_mut().zip(&momenta).zip(statistics()) {
            *sum += model.weights().buffers[place].to_f64() / momentum;
        }
    }
    let weights = model.weights_mut();
    for (sum, place) in sums.iter().zip(statistics()) {
        // Without batches, PyTorch leaves what a new layer has.
        weights.buffers[place] = T::from_f64(sum / f64::from(count.max(1)));
    }
    if count == 0 {
        for spec in specs.iter().filter(|spec| !spec.counter) {
            weights.buffers[spec.offset..spec.offset + spec.len].fill(T::from_f64(spec.init));
        }
    }
    counters().for_each(|place| weights.counters[place] = u64::from(count));
}

#[cfg(test)]
mod tests;
