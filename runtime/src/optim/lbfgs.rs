//! L-BFGS: quasi-Newton steps for losses that are evaluated on all data.

mod state_dict;

use serde::{Deserialize, Serialize};

use super::OptimError;
use super::closure::{Objective, OfArray, OfModel};
use super::element_wise::flat_len;
use super::options::non_negative;
use super::rules::flush;
use super::strong_wolfe::{PLACES, Point, search};
use crate::network::ParamSpec;
use crate::{Flat, Gradients, Network, Real};

/// L-BFGS: p ← p − t · H g, H being the inverse Hessian as the last `history_size` steps and gradient differences tell it.
///
/// One step makes up to `max_iter` such iterations, and evaluates the loss up to `max_eval` times, so it is given a
/// closure, and `train!` does not take it. t is lr (at the very first iteration lr · min(1, 1 / ∑|gᵢ|)), or what a line
/// search finds. It stops early where the largest |gᵢ| is at most `tolerance_grad`, or where the step or the loss changes
/// by less than `tolerance_change`. Per-parameter settings are not possible, as in PyTorch.
///
/// # Example
/// ```
/// use glulam::optim::{LBFGS, LineSearch};
/// # use glulam::network::{Kind, ParamSpec};
/// # static TABLE: [ParamSpec; 1] = [ParamSpec::new("p", &[2], 0, Kind::Bias)];
/// let settings = LBFGS { line_search_fn: Some(LineSearch::StrongWolfe), ..LBFGS::DEFAULT };
/// let mut optimizer = settings.init_for::<f64>(&TABLE)?;
/// let mut p = [3.0, 4.0];
/// let loss = optimizer.step_flat(&mut p, |p, gradients| {
///     (gradients[0], gradients[1]) = (2.0 * p[0], 8.0 * p[1]);
///     p[0] * p[0] + 4.0 * p[1] * p[1]
/// });
/// assert_eq!(loss, 73.0);
/// assert!(p[0].abs() < 1e-4 && p[1].abs() < 1e-4);
/// # Ok::<(), glulam::optim::OptimError>(())
/// ```
///
/// # References
/// `torch.optim.LBFGS`. Nocedal and Wright, Numerical optimization (2006), algorithms 7.4 and 7.5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LBFGS {
    /// Length of a step, or the first one that a line search tries.
    pub lr: f64,
    /// Iterations in one step.
    pub max_iter: u64,
    /// Evaluations in one step; `None`: 1.25 · max_iter.
    pub max_eval: Option<u64>,
    /// Stop where no element of the gradient is larger.
    pub tolerance_grad: f64,
    /// Stop where step or loss change less.
    pub tolerance_change: f64,
    /// How many steps are remembered, at least 1.
    pub history_size: usize,
    /// How the step's length is found; `None`: it is `lr`.
    pub line_search_fn: Option<LineSearch>,
    /// Ascend instead of descend.
    pub maximize: bool,
}

/// How [`LBFGS`] finds the length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineSearch {
    /// A length that satisfies the strong Wolfe conditions.
    StrongWolfe,
}

impl LBFGS {
    /// PyTorch's defaults.
    pub const DEFAULT: Self = LBFGS {
        lr: 1.0,
        max_iter: 20,
        max_eval: None,
        tolerance_grad: 1e-7,
        tolerance_change: 1e-9,
        history_size: 100,
        line_search_fn: None,
        maximize: false,
    };
    /// The name in `torch.optim`.
    pub const NAME: &'static str = "LBFGS";

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// The first option that is not, with what is allowed.
    pub fn check(&self) -> Result<(), OptimError> {
        self.check_options()
    }

    /// The state for all parameters of `table`.
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    pub fn init_for<T: Real>(self, table: &'static [ParamSpec]) -> Result<LBFGSState<T>, OptimError> {
        self.init_params(table, (0..table.len()).collect())
    }

    /// The state for the parameters of `table` at the places `params`; the others are frozen.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), a place that the table does not have, no place at all.
    pub fn init_params<T: Real>(
        self,
        table: &'static [ParamSpec],
        params: Vec<usize>,
    ) -> Result<LBFGSState<T>, OptimError> {
        self.check()?;
        let count = table.len();
        if let Some(&index) = params.iter().find(|&&index| index >= count) {
            return Err(OptimError::NoSuchParameter { index, count });
        }
        if params.is_empty() {
            return Err(OptimError::NothingToTrain);
        }
        let array = || Flat::zeros(flat_len(table));
        Ok(LBFGSState {
            settings: self,
            initial_lr: None,
            table,
            params,
            gradients: Gradients(Flat::zeros(0)),
            places: std::array::from_fn(|_| array()),
            start: array(),
            memory: Memory {
                n_iter: 0,
                func_evals: 0,
                d: array(),
                t: 0.0,
                old_dirs: Vec::new(),
                old_stps: Vec::new(),
                h_diag: 1.0,
                prev_flat_grad: array(),
                prev_loss: 0.0,
            },
            ro: Vec::new(),
            al: Vec::new(),
            new_dir: array(),
            new_stp: array(),
        })
    }

    /// The state for all parameters of `model`.
    ///
    /// # Panics
    /// If an option is out of its range; [`init_for`](Self::init_for) returns an error instead.
    pub fn init<T: Real, N: Network<T>>(self, _model: &N) -> LBFGSState<T> {
        self.init_for(N::PARAMS).unwrap_or_else(|error| panic!("{error}"))
    }
}

options!(LBFGS, |o| {
    lr: non_negative(o.lr), "a finite number of at least 0";
    tolerance_grad: non_negative(o.tolerance_grad), "a finite number of at least 0";
    tolerance_change: non_negative(o.tolerance_change), "a finite number of at least 0";
    history_size: o.history_size >= 1, "at least 1";
});

/// The state of [`LBFGS`]. Arrays are in the layout of the parameters, with zeros for frozen ones.
#[derive(Clone, Debug)]
pub struct LBFGSState<T: Real> {
    /// The settings, with the learning rate as the schedule left it.
    pub settings: LBFGS,
    initial_lr: Option<f64>,
    table: &'static [ParamSpec],
    params: Vec<usize>,
    /// What the closure writes.
    gradients: Gradients<T>,
    /// Gradients at the points of a line search.
    places: [Flat<T>; PLACES],
    /// The parameters before a line search.
    start: Flat<T>,
    memory: Memory<T>,
    /// 1 / (y · s) of each remembered step, and a coefficient of the recursion.
    ro: Vec<f64>,
    al: Vec<f64>,
    new_dir: Flat<T>,
    new_stp: Flat<T>,
}

/// What one step leaves for the next, under PyTorch's names.
#[derive(Clone, Debug, PartialEq)]
struct Memory<T: Real> {
    n_iter: u64,
    func_evals: u64,
    d: Flat<T>,
    t: f64,
    /// Differences of gradients (y), the oldest first, and steps (s).
    old_dirs: Vec<Flat<T>>,
    old_stps: Vec<Flat<T>>,
    h_diag: f64,
    prev_flat_grad: Flat<T>,
    prev_loss: f64,
}

impl<T: Real> LBFGSState<T> {
    /// One step of `model`. `closure` evaluates the loss at the model's parameters and adds its gradient to the array,
    /// which is zero when it is called. Returns the loss before the step.
    pub fn step<N: Network<T>>(&mut self, model: &mut N, closure: impl FnMut(&mut N, &mut Gradients<T>) -> T) -> T {
        T::from_f64(self.step_on(&mut OfModel { model, closure }))
    }

    /// The same for a flat array of parameters.
    pub fn step_flat(&mut self, parameters: &mut [T], closure: impl FnMut(&[T], &mut [T]) -> T) -> T {
        T::from_f64(self.step_on(&mut OfArray { parameters, closure }))
    }

    /// How often the loss has been evaluated so far.
    pub fn func_evals(&self) -> u64 {
        self.memory.func_evals
    }

    /// How many iterations there have been so far.
    pub fn n_iter(&self) -> u64 {
        self.memory.n_iter
    }

    /// The most evaluations of one step.
    fn max_eval(&self) -> u64 {
        self.settings.max_eval.unwrap_or(self.settings.max_iter * 5 / 4)
    }

    fn step_on(&mut self, objective: &mut dyn Objective<T>) -> f64 {
        let LBFGS { lr, max_iter, tolerance_grad, tolerance_change, line_search_fn, maximize, .. } = self.settings;
        let max_eval = self.max_eval();
        let mut here = 0;
        let mut loss = self.evaluate(objective, here);
        let first_loss = if maximize { -loss } else { loss };
        let mut evaluations = 1;
        let is_flat = |gradient: &[T]| T::largest_magnitude(gradient).to_f64() <= tolerance_grad;
        if is_flat(&self.places[here]) {
            return first_loss;
        }
        for iteration in 1..=max_iter {
            self.memory.n_iter += 1;
            self.find_direction(here);
            self.memory.prev_flat_grad.copy_from_slice(&self.places[here]);
            self.memory.prev_loss = loss;
            let is_first = self.memory.n_iter == 1;
            let first_length = if is_first { (1.0 / T::sum_of_magnitudes(&self.places[here])).min(1.0) } else { 1.0 };
            self.memory.t = first_length * lr;
            let slope = T::dot(&self.places[here], &self.memory.d);
            if slope > -tolerance_change {
                break;
            }

            let mut optimal = false;
            self.remember(objective.parameters());
            if let Some(LineSearch::StrongWolfe) = line_search_fn {
                let start = Point { t: 0.0, f: loss, slope, place: here };
                let (t, d_norm) = (self.memory.t, T::largest_magnitude(&self.memory.d).to_f64());
                let at = |t, place| {
                    self.go(objective, t);
                    let loss = self.evaluate(objective, place);
                    (loss, T::dot(&self.places[place], &self.memory.d))
                };
                let (found, spent) =
                    search(at, start, t, d_norm, tolerance_change, max_eval.saturating_sub(evaluations));
                self.go(objective, found.t);
                (loss, here, self.memory.t) = (found.f, found.place, found.t);
                evaluations += spent;
                optimal = is_flat(&self.places[here]);
            } else {
                self.go(objective, self.memory.t);
                // After the last one nobody asks for it any more.
                if iteration != max_iter {
                    loss = self.evaluate(objective, here);
                    evaluations += 1;
                    optimal = is_flat(&self.places[here]);
                }
            }
            let moved = T::largest_magnitude(&self.memory.d).to_f64() * self.memory.t.abs();
            let changed = (loss - self.memory.prev_loss).abs();
            if evaluations >= max_eval || optimal || moved <= tolerance_change || changed < tolerance_change {
                break;
            }
        }
        first_loss
    }

    /// Keeps the parameters (a flat array may be longer than its table, or not be rounded up) as the start.
    fn remember(&mut self, parameters: &[T]) {
        let len = self.start.len().min(parameters.len());
        self.start[..len].copy_from_slice(&parameters[..len]);
    }

    /// Sets the parameters to start + t · d.
    fn go(&mut self, objective: &mut dyn Objective<T>, t: f64) {
        let parameters = objective.parameters();
        for spec in self.params.iter().map(|&index| &self.table[index]) {
            let range = spec.offset..spec.offset + spec.len;
            parameters[range.clone()].copy_from_slice(&self.start[range.clone()]);
            T::add_scaled(&mut parameters[range.clone()], T::from_f64(t), &self.memory.d[range]);
        }
    }

    /// Evaluates loss and gradient (of what is to be minimized), the gradient to `place`.
    fn evaluate(&mut self, objective: &mut dyn Objective<T>, place: usize) -> f64 {
        let len = objective.parameters().len();
        if self.gradients.0.len() != len {
            self.gradients = Gradients(Flat::zeros(len));
        }
        self.memory.func_evals += 1;
        let loss = objective.evaluate(&mut self.gradients);
        for spec in self.params.iter().map(|&index| &self.table[index]) {
            let range = spec.offset..spec.offset + spec.len;
            for (kept, &g) in self.places[place][range.clone()].iter_mut().zip(&self.gradients.0[range]) {
                *kept = flush(g);
            }
        }
        if !self.settings.maximize {
            return loss;
        }
        T::scale(&mut self.places[place], -T::ONE);
        -loss
    }

    /// d ← −H g, after the last step has been remembered. Two-loop recursion, algorithm 7.4.
    fn find_direction(&mut self, here: usize) {
        let (g, memory) = (&self.places[here], &mut self.memory);
        let minus_g = |d: &mut Flat<T>| {
            d.copy_from_slice(g);
            T::scale(d, -T::ONE);
        };
        if memory.n_iter == 1 {
            minus_g(&mut memory.d);
            memory.h_diag = 1.0;
            return;
        }
        let (y, s) = (&mut self.new_dir, &mut self.new_stp);
        y.copy_from_slice(g);
        T::add_scaled(y, -T::ONE, &memory.prev_flat_grad);
        s.copy_from_slice(&memory.d);
        T::scale(s, T::from_f64(memory.t));
        flush_all(y);
        flush_all(s);
        let ys = T::dot(y, s);
        if ys > 1e-10 {
            memory.h_diag = ys / T::sum_of_squares(y);
            if memory.old_dirs.len() == self.settings.history_size {
                memory.old_dirs.rotate_left(1);
                memory.old_stps.rotate_left(1);
                self.ro.rotate_left(1);
            } else {
                memory.old_dirs.push(Flat::zeros(y.len()));
                memory.old_stps.push(Flat::zeros(y.len()));
                self.ro.push(0.0);
                self.al.push(0.0);
            }
            let last = memory.old_dirs.len() - 1;
            std::mem::swap(&mut memory.old_dirs[last], y);
            std::mem::swap(&mut memory.old_stps[last], s);
            self.ro[last] = 1.0 / ys;
        }

        let d = &mut memory.d;
        minus_g(d);
        for i in (0..memory.old_dirs.len()).rev() {
            self.al[i] = T::dot(&memory.old_stps[i], d) * self.ro[i];
            T::add_scaled(d, T::from_f64(-self.al[i]), &memory.old_dirs[i]);
        }
        T::scale(d, T::from_f64(memory.h_diag));
        for i in 0..memory.old_dirs.len() {
            let be = T::dot(&memory.old_dirs[i], d) * self.ro[i];
            T::add_scaled(d, T::from_f64(self.al[i] - be), &memory.old_stps[i]);
        }
        flush_all(d);
    }
}

/// What is kept is zero rather than subnormal, which would make every later step slow.
fn flush_all<T: Real>(x: &mut [T]) {
    x.iter_mut().for_each(|x| *x = flush(*x));
}

impl<T: Real> crate::lr_scheduler::Groups for LBFGSState<T> {
    fn count(&self) -> usize {
        1
    }
    fn lr(&self, _group: usize) -> f64 {
        self.settings.lr
    }
    fn set_lr(&mut self, _group: usize, lr: f64) {
        self.settings.lr = lr;
    }
    fn initial_lr(&self, _group: usize) -> Option<f64> {
        self.initial_lr
    }
    fn set_initial_lr(&mut self, _group: usize, lr: f64) {
        self.initial_lr = Some(lr);
    }
    fn momentum(&self, _group: usize) -> Option<f64> {
        None
    }
    fn set_momentum(&mut self, _group: usize, _momentum: f64) {}
}
