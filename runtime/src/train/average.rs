//! The moving average of a network's parameters.

use crate::{Network, Real};

/// A network whose parameters are the exponential moving average of another's: ema ← decay · ema + (1 − decay) · p, after
/// every step. The first step copies them. Running statistics are copied as they are.
///
/// # References
/// `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)`.
#[derive(Clone, Debug)]
pub struct Averaged<T: Real, N: Network<T>> {
    model: N,
    decay: f64,
    steps: u64,
    _scalar: std::marker::PhantomData<T>,
}

impl<T: Real, N: Network<T>> Averaged<T, N> {
    /// The average of `model`, which has made no step yet.
    pub fn new(model: &N, decay: f64) -> Self {
        Averaged { model: model.clone(), decay, steps: 0, _scalar: std::marker::PhantomData }
    }

    /// Takes a step of `model` into the average. No allocation.
    pub fn update(&mut self, model: &N) {
        let (average, now) = (self.model.weights_mut(), model.weights());
        if self.steps == 0 {
            average.parameters.copy_from_slice(&now.parameters);
        } else {
            T::lerp(&mut average.parameters, &now.parameters, T::from_f64(1.0 - self.decay));
        }
        average.buffers.copy_from_slice(&now.buffers);
        average.counters.copy_from_slice(&now.counters);
        self.steps += 1;
    }

    /// The averaged network.
    pub fn model(&self) -> &N {
        &self.model
    }

    /// The averaged network and the number of steps in it, to be restored.
    pub(crate) fn restore(&mut self) -> (&mut N, &mut u64) {
        (&mut self.model, &mut self.steps)
    }

    /// The number of steps in it.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
