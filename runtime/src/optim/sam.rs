//! Sharpness-aware minimization: the gradient is taken where the loss is largest nearby.

use serde::{Deserialize, Serialize};

use super::closure::{Objective, OfArray, OfModel};
use super::options::non_negative;
use super::{OptimError, Optimizer, OptimizerState};
use crate::network::ParamSpec;
use crate::{Flat, Gradients, Network, Real};

/// SAM: one step of `optimizer` with the gradient at p + rho · g / ‖g‖, g being the gradient at p.
///
/// `adaptive` makes the neighbourhood follow the size of the parameters (ASAM): p + rho · s² g / ‖s g‖ with s = |p| + eta,
/// and wants a rho about ten times as large. It evaluates the loss twice in a step, so it is given a closure, and `train!`
/// does not take it.
///
/// # Example
/// ```
/// use glulam::optim::{SAM, SGD};
/// # use glulam::network::{Kind, ParamSpec};
/// # static TABLE: [ParamSpec; 1] = [ParamSpec::new("p", &[2], 0, Kind::Bias)];
/// let sgd = SGD { lr: 0.1, ..SGD::DEFAULT };
/// let mut optimizer = SAM { optimizer: sgd, rho: 0.05, ..SAM::DEFAULT }.init_for::<f64>(&TABLE)?;
/// let mut p = [3.0, 4.0];
/// let loss = optimizer.step_flat(&mut p, |p, gradients| {
///     gradients[..2].copy_from_slice(p);
///     (p[0] * p[0] + p[1] * p[1]) / 2.0
/// });
/// assert_eq!(loss, 12.5);
/// // The gradient at p + 0.05 · (3, 4) / 5.
/// assert!((p[0] - (3.0 - 0.1 * 3.03)).abs() < 1e-12);
/// # Ok::<(), glulam::optim::OptimError>(())
/// ```
///
/// # References
/// Foret et al., Sharpness-aware minimization for efficiently improving generalization (2021), algorithm 1; Kwon et al., ASAM
/// (2021), equation 9. Not in PyTorch. The authors of ASAM have rho = 0.5 and eta = 0.01, and take s = 1 for parameters that
/// are no weights (biases); here s is |p| + eta for all of them, and both numbers are to be given:
/// `SAM { adaptive: true, rho: 0.5, eta: 0.01, ..SAM::DEFAULT }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, bound = "O: Optimizer")]
pub struct SAM<O> {
    /// The optimizer that makes the step.
    pub optimizer: O,
    /// Radius of the neighbourhood.
    pub rho: f64,
    /// Measure the neighbourhood by the parameters.
    pub adaptive: bool,
    /// Added to their sizes, so that a parameter that is zero has a neighbourhood too; with `adaptive` alone.
    pub eta: f64,
}

impl<O: Optimizer> SAM<O> {
    /// The defaults of SAM's paper, around the defaults of `O`.
    pub const DEFAULT: Self = SAM { optimizer: O::DEFAULT, rho: 0.05, adaptive: false, eta: 0.0 };

    /// Whether rho and eta are in their range, for settings known at compile time. The inner settings have an `assert_valid` of their
    /// own.
    ///
    /// # Panics
    /// If one is not.
    #[track_caller]
    pub const fn assert_valid(&self) {
        assert!(non_negative(self.rho), "SAM: `rho` must be a finite number of at least 0");
        assert!(non_negative(self.eta), "SAM: `eta` must be a finite number of at least 0");
    }

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// The first option that is not, with what is allowed.
    pub fn check(&self) -> Result<(), OptimError> {
        self.optimizer.check()?;
        check("rho", self.rho)?;
        check("eta", self.eta)
    }

    /// The state for the parameters of `table`, all in one group.
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    pub fn init_for<T: Real>(self, table: &'static [ParamSpec]) -> Result<SAMState<T, O>, OptimError> {
        SAMState::new(table, self.rho, self.adaptive, self.optimizer.init_for(table)?)?.with_eta(self.eta)
    }

    /// The state for `model`, all parameters in one group.
    ///
    /// # Panics
    /// If an option is out of its range; [`init_for`](Self::init_for) returns an error instead.
    pub fn init<T: Real, N: Network<T>>(self, _model: &N) -> SAMState<T, O> {
        self.init_for(N::PARAMS).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl<O: Optimizer> Default for SAM<O> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

fn check(option: &'static str, value: f64) -> Result<(), OptimError> {
    if non_negative(value) {
        return Ok(());
    }
    let expected = "a finite number of at least 0";
    Err(OptimError::Option { optimizer: "SAM", option, found: format!("{value:?}"), expected })
}

/// The state of [`SAM`]: that of the optimizer which makes the steps. Schedules drive, and checkpoints keep, the
/// [`inner`](Self::inner) state.
#[derive(Clone, Debug)]
pub struct SAMState<T: Real, O: Optimizer> {
    /// The state of the optimizer that makes the step.
    pub inner: O::State<T>,
    table: &'static [ParamSpec],
    rho: f64,
    adaptive: bool,
    eta: f64,
    gradients: Gradients<T>,
    /// The parameters before they went to the worst place nearby.
    kept: Flat<T>,
}

impl<T: Real, O: Optimizer> SAMState<T, O> {
    /// SAM around an optimizer's state, which may have several groups. The neighbourhood is that of all its parameters.
    ///
    /// # Errors
    /// `rho` out of its range.
    pub fn new(table: &'static [ParamSpec], rho: f64, adaptive: bool, inner: O::State<T>) -> Result<Self, OptimError> {
        check("rho", rho)?;
        let (gradients, kept) = (Gradients(Flat::zeros(0)), Flat::zeros(0));
        Ok(SAMState { inner, table, rho, adaptive, eta: 0.0, gradients, kept })
    }

    /// The same with this [`eta`](SAM::eta), which is 0 before.
    ///
    /// # Errors
    /// `eta` out of its range.
    pub fn with_eta(self, eta: f64) -> Result<Self, OptimError> {
        check("eta", eta)?;
        Ok(SAMState { eta, ..self })
    }

    /// One step of `model`. `closure` evaluates the loss at the model's parameters and adds its gradient to the array,
    /// which is zero when it is called. Returns the loss before the step.
    pub fn step<N: Network<T>>(&mut self, model: &mut N, closure: impl FnMut(&mut N, &mut Gradients<T>) -> T) -> T {
        T::from_f64(self.step_on(&mut OfModel { model, closure }))
    }

    /// The same for a flat array of parameters.
    pub fn step_flat(&mut self, parameters: &mut [T], closure: impl FnMut(&[T], &mut [T]) -> T) -> T {
        T::from_f64(self.step_on(&mut OfArray { parameters, closure }))
    }

    fn step_on(&mut self, objective: &mut dyn Objective<T>) -> f64 {
        let len = objective.parameters().len();
        if self.gradients.0.len() != len {
            self.gradients = Gradients(Flat::zeros(len));
            self.kept = Flat::zeros(len);
        }
        let loss = objective.evaluate(&mut self.gradients);
        self.kept.copy_from_slice(objective.parameters());

        let trained = || self.table.iter().zip(self.inner.trainable()).filter(|(_, trained)| **trained);
        let ranges = || trained().map(|(spec, _)| spec.offset..spec.offset + spec.len);
        let eta = T::from_f64(self.eta);
        if self.adaptive {
            for range in ranges() {
                for (g, &p) in self.gradients.0[range.clone()].iter_mut().zip(&self.kept[range]) {
                    *g *= p.abs() + eta;
                }
            }
        }
        let norm = ranges().map(|range| T::sum_of_squares(&self.gradients.0[range])).sum::<f64>().sqrt();
        let scale = T::from_f64(self.rho / (norm + 1e-12));
        let parameters = objective.parameters();
        for range in ranges() {
            let (g, p) = (&self.gradients.0[range.clone()], &mut parameters[range]);
            if self.adaptive {
                for (p, &g) in p.iter_mut().zip(g) {
                    *p += scale * g * (p.abs() + eta);
                }
            } else {
                T::add_scaled(p, scale, g);
            }
        }
        objective.evaluate(&mut self.gradients);
        let parameters = objective.parameters();
        parameters.copy_from_slice(&self.kept);
        self.inner.step_flat(parameters, &self.gradients.0);
        loss
    }
}
