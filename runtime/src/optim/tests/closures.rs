//! Optimizers that evaluate the loss several times in a step.

use super::*;

static POINTS: [ParamSpec; 2] = [param("a", &[2, 2], 0, &[1, 0]), param("b", &[3], 16, &[])];

/// 100 (z₁ − z₀²)² + (1 − z₀)² and so on, over all that is in the table.
fn rosenbrock<T: Real>(parameters: &[T], gradients: &mut [T]) -> T {
    let places = [0, 1, 2, 3, 16, 17, 18];
    let z: Vec<f64> = places.iter().map(|&i| parameters[i].to_f64()).collect();
    let mut g = vec![0.0; z.len()];
    let mut loss = 0.0;
    for i in 0..z.len() - 1 {
        let (a, b) = (z[i + 1] - z[i] * z[i], 1.0 - z[i]);
        loss += 100.0 * a * a + b * b;
        g[i] += -400.0 * z[i] * a - 2.0 * b;
        g[i + 1] += 200.0 * a;
    }
    for (&i, g) in places.iter().zip(g) {
        gradients[i] += T::from_f64(g);
    }
    T::from_f64(loss)
}

fn point<T: Real>() -> Vec<T> {
    (0..32).map(|i| T::from_f64(if [0, 1, 2, 3, 16, 17, 18].contains(&i) { -0.5 } else { 0.0 })).collect()
}

/// Their rows.
pub(super) const NAMES: [&str; 2] = ["LBFGS", "SAM"];

/// What the two have in common, for the tests of both.
trait Evaluates<T: Real>: Clone {
    fn go(&mut self, parameters: &mut [T], loss: impl FnMut(&[T], &mut [T]) -> T) -> T;
    /// All that is remembered, as text.
    fn save(&self) -> String;
    fn load(&mut self, text: &str);
    fn tensors(&self) -> Vec<T>;
}

fn tensors<S, T: Real>(dict: OptimizerStateDict<S, T>) -> Vec<T> {
    let values = dict.state.into_values().flatten().filter_map(|(_, value)| match value {
        StateValue::Tensor { values, .. } => Some(values),
        _ => None,
    });
    values.flatten().collect()
}

impl<T: Real> Evaluates<T> for LBFGSState<T> {
    fn go(&mut self, parameters: &mut [T], loss: impl FnMut(&[T], &mut [T]) -> T) -> T {
        self.step_flat(parameters, loss)
    }
    fn save(&self) -> String {
        serde_json::to_string(&self.state_dict()).unwrap()
    }
    fn load(&mut self, text: &str) {
        self.load_state_dict(&serde_json::from_str(text).unwrap()).unwrap();
    }
    fn tensors(&self) -> Vec<T> {
        tensors(self.state_dict())
    }
}

impl<T: Real> Evaluates<T> for SAMState<T, SGD> {
    fn go(&mut self, parameters: &mut [T], loss: impl FnMut(&[T], &mut [T]) -> T) -> T {
        self.step_flat(parameters, loss)
    }
    fn save(&self) -> String {
        serde_json::to_string(&self.inner.state_dict()).unwrap()
    }
    fn load(&mut self, text: &str) {
        self.inner.load_state_dict(&serde_json::from_str(text).unwrap()).unwrap();
    }
    fn tensors(&self) -> Vec<T> {
        tensors(self.inner.state_dict())
    }
}

/// ∑ aᵢ (pᵢ − 0.3)² / 2 over all that is in the table, aᵢ being 1, 2 or 3, and times `scale` at odd places.
fn parabola<T: Real>(scale: f64) -> impl Fn(&[T], &mut [T]) -> T {
    move |p, gradients| {
        let mut loss = 0.0;
        for i in [0, 1, 2, 3, 16, 17, 18] {
            let scale = if i % 2 == 1 { scale } else { 1.0 };
            let (slope, far) = (scale * (1 + i % 3) as f64, p[i].to_f64() - 0.3);
            loss += slope * far * far / 2.0;
            gradients[i] += T::from_f64(slope * far);
        }
        T::from_f64(loss)
    }
}

/// The loss falls to `share` within so many steps.
fn learns<O: Evaluates<f64>>(mut state: O, start: Vec<f64>, share: f64, loss: impl Fn(&[f64], &mut [f64]) -> f64) {
    let mut p = start;
    let before = loss(&p, &mut [0.0; 32]);
    for _ in 0..300 {
        state.go(&mut p, &loss);
    }
    let after = loss(&p, &mut [0.0; 32]);
    assert!(after <= share * before, "from {before} to {after}");
}

fn resumes<T: Real, O: Evaluates<T>>(fresh: O) {
    let (mut state, mut p) = (fresh.clone(), point::<T>());
    for _ in 0..3 {
        state.go(&mut p, rosenbrock);
    }
    let (mut resumed, mut q) = (fresh, p.clone());
    resumed.load(&state.save());
    for _ in 0..5 {
        assert_eq!(state.go(&mut p, rosenbrock), resumed.go(&mut q, rosenbrock));
    }
    assert_eq!((p, state.save()), (q, resumed.save()));
}

fn threads_agree<O: Evaluates<f32>>(fresh: O) {
    let _alone = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    parallel::set_min_work(0);
    let [one, four] = [1, 4].map(|threads| {
        parallel::set_num_threads(threads);
        let (mut state, mut p) = (fresh.clone(), point());
        for _ in 0..5 {
            state.go(&mut p, rosenbrock);
        }
        (p, state.save())
    });
    assert_eq!(one, four);
}

/// Whatever the size of some of the gradients.
fn never_keeps_subnormal_state<O: Evaluates<f32>>(mut state: O) {
    let mut p = point::<f32>();
    let tiny = f64::from(f32::MIN_POSITIVE);
    for scale in [1.0, tiny, 4.0 * tiny, tiny.sqrt(), tiny.powf(0.75), 1e-4, 0.0, tiny, 0.0] {
        for _ in 0..3 {
            state.go(&mut p, parabola(scale));
            for x in state.tensors() {
                assert!(x == 0.0 || x.abs() >= f32::MIN_POSITIVE, "{x:e} at scale {scale:e}");
            }
        }
    }
    assert!(p.iter().all(|p| p.is_finite()));
}

/// One row: `name: settings, share of Rosenbrock's valley left;`
macro_rules! conformance {
    ($($row:ident: $settings:expr, $valley:expr;)*) => { $(
        mod $row {
            use super::*;

            #[test]
            fn learns() {
                static MATRIX: [ParamSpec; 1] = [param("weight", &[3, 4], 0, &[])];
                super::learns($settings.init_for(&POINTS).unwrap(), point(), 1e-3, parabola(1.0));
                super::learns($settings.init_for(&POINTS).unwrap(), point(), $valley, rosenbrock);
                super::learns($settings.init_for(&MATRIX).unwrap(), vec![0.0; 32], 0.05, |w, g| regression(w, g));
            }

            #[test]
            fn resumes_with_the_same_bits() {
                resumes::<f32, _>($settings.init_for(&POINTS).unwrap());
                resumes::<f64, _>($settings.init_for(&POINTS).unwrap());
            }

            #[test]
            fn gives_the_same_bits_on_one_and_four_threads() {
                threads_agree($settings.init_for(&POINTS).unwrap());
            }

            #[test]
            fn never_keeps_subnormal_state() {
                super::never_keeps_subnormal_state($settings.init_for(&POINTS).unwrap());
            }
        }
    )* };
}

conformance! {
    lbfgs: LBFGS { max_iter: 4, history_size: 3, ..WOLFE }, 1e-6;
    lbfgs_plain: LBFGS { lr: 0.1, max_iter: 10, ..LBFGS::DEFAULT }, 0.1;
    sam: SAM { optimizer: SGD { lr: 1e-3, momentum: 0.9, ..SGD::DEFAULT }, ..SAM::DEFAULT }, 0.1;
    sam_adaptive: SAM { optimizer: SGD { lr: 1e-3, momentum: 0.9, ..SGD::DEFAULT }, rho: 0.05, adaptive: true, eta: 0.01 }, 0.1;
}

const WOLFE: LBFGS = LBFGS { line_search_fn: Some(LineSearch::StrongWolfe), ..LBFGS::DEFAULT };

#[test]
fn lbfgs_finds_the_minimum_of_rosenbrocks_function() {
    let mut p = point::<f64>();
    let mut state = WOLFE.init_for(&POINTS).unwrap();
    let losses: Vec<f64> = (0..6).map(|_| state.step_flat(&mut p, rosenbrock)).collect();
    assert!(losses[5] < 1e-8, "{losses:?}");
    assert!(state.func_evals() <= 6 * 26, "{}", state.func_evals());
}

#[test]
fn lbfgs_without_a_line_search_descends() {
    let mut p = point::<f32>();
    let mut state = LBFGS { lr: 0.1, max_iter: 10, ..LBFGS::DEFAULT }.init_for(&POINTS).unwrap();
    let losses: Vec<f32> = (0..8).map(|_| state.step_flat(&mut p, rosenbrock)).collect();
    assert!(losses[7] < 0.1 * losses[0], "{losses:?}");
    assert_eq!(state.n_iter(), 80);
}

#[test]
fn lbfgs_maximizes() {
    let negated = |p: &[f64], g: &mut [f64]| {
        let loss = -rosenbrock(p, g);
        g.iter_mut().for_each(|g| *g = -*g);
        loss
    };
    let (mut p, mut q) = (point::<f64>(), point::<f64>());
    let mut minimizing = WOLFE.init_for(&POINTS).unwrap();
    let mut maximizing = LBFGS { maximize: true, ..WOLFE }.init_for(&POINTS).unwrap();
    for _ in 0..3 {
        let loss = minimizing.step_flat(&mut p, rosenbrock);
        assert_eq!(maximizing.step_flat(&mut q, negated), -loss);
    }
    assert_eq!(p, q);
}

#[test]
fn lbfgs_leaves_frozen_parameters_alone() {
    let mut p = point::<f64>();
    let mut state = WOLFE.init_params(&POINTS, vec![1]).unwrap();
    state.step_flat(&mut p, rosenbrock);
    assert_eq!(p[..16], point::<f64>()[..16]);
    assert!(p[16..19] != point::<f64>()[16..19]);
}

#[test]
fn lbfgs_resumes_with_the_same_bits() {
    let settings = LBFGS { max_iter: 4, history_size: 3, ..WOLFE };
    let mut p = point::<f32>();
    let mut state = settings.init_for(&POINTS).unwrap();
    state.step_flat(&mut p, rosenbrock);
    state.step_flat(&mut p, rosenbrock);
    let text = serde_json::to_string(&state.state_dict()).unwrap();
    let mut resumed = LBFGS::DEFAULT.init_for(&POINTS).unwrap();
    resumed.load_state_dict(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(resumed.state_dict(), state.state_dict());
    let mut q = p.clone();
    for _ in 0..3 {
        assert_eq!(state.step_flat(&mut p, rosenbrock), resumed.step_flat(&mut q, rosenbrock));
    }
    assert_eq!(p, q);
}

#[test]
fn lbfgs_refuses_a_dict_that_does_not_fit() {
    let mut state = WOLFE.init_for(&POINTS).unwrap();
    state.step_flat(&mut point::<f64>(), rosenbrock);
    let good = state.state_dict();
    let mut refused = |change: &dyn Fn(&mut OptimizerStateDict<LBFGS, f64>), expected: &str| {
        let mut dict = good.clone();
        change(&mut dict);
        let error = state.load_state_dict(&dict).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(state.state_dict(), good);
    };
    refused(&|d| d.param_groups.clear(), "expected one group");
    refused(&|d| d.param_groups[0].params.truncate(1), "found 1, expected 2");
    refused(&|d| drop(d.state.get_mut(&0).unwrap().remove("t")), "t: found nothing");
    refused(&|d| d.param_groups[0].settings.history_size = 1, "old_dirs");
    let short = StateValue::Tensor { shape: vec![3], values: vec![0.0; 3] };
    refused(&|d| drop(d.state.get_mut(&0).unwrap().insert("d".into(), short.clone())), "vectors of 7 elements");
}

#[test]
fn schedules_drive_lbfgs() {
    use crate::lr_scheduler::Groups;
    let mut state = LBFGS { lr: 0.5, ..LBFGS::DEFAULT }.init_for::<f32>(&POINTS).unwrap();
    let initial = state.lr(0);
    state.set_initial_lr(0, initial);
    state.set_lr(0, 0.25);
    assert_eq!((state.count(), state.settings.lr, state.initial_lr(0)), (1, 0.25, Some(0.5)));
}

const _: () = {
    WOLFE.assert_valid();
    SAM::<SGD> { rho: 0.1, ..SAM::DEFAULT }.assert_valid();
};

#[test]
fn closure_options_out_of_range_are_refused() {
    let refused = |error: Option<OptimError>, expected: &str| {
        assert!(matches!(error, Some(OptimError::Option { option, .. }) if option == expected), "{expected}");
    };
    refused(LBFGS { history_size: 0, ..LBFGS::DEFAULT }.init_for::<f32>(&POINTS).err(), "history_size");
    refused(LBFGS { tolerance_grad: -1.0, ..LBFGS::DEFAULT }.init_for::<f32>(&POINTS).err(), "tolerance_grad");
    refused(SAM::<SGD> { rho: f64::NAN, ..SAM::DEFAULT }.init_for::<f32>(&POINTS).err(), "rho");
    refused(SAM::<SGD> { eta: -0.01, ..SAM::DEFAULT }.init_for::<f32>(&POINTS).err(), "eta");
    let error = LBFGS::DEFAULT.init_params::<f32>(&POINTS, vec![2]).unwrap_err();
    assert_eq!(error, OptimError::NoSuchParameter { index: 2, count: 2 });
    assert_eq!(LBFGS::DEFAULT.init_params::<f32>(&POINTS, vec![]).unwrap_err(), OptimError::NothingToTrain);
}

#[test]
fn sam_takes_the_gradient_at_the_worst_place_nearby() {
    for (adaptive, eta) in [(false, 0.3), (true, 0.0), (true, 0.3)] {
        let sgd = SGD { lr: 0.01, momentum: 0.9, ..SGD::DEFAULT };
        let mut sam = SAM { optimizer: sgd, rho: 0.1, adaptive, eta }.init_for::<f64>(&POINTS).unwrap();
        let mut plain = sgd.init_for::<f64>(&POINTS).unwrap();
        let (mut p, mut q) = (point::<f64>(), point::<f64>());
        p.iter_mut().zip(&mut q).enumerate().for_each(|(i, (p, q))| {
            *p *= 1.0 + 0.1 * i as f64;
            *q = *p;
        });
        for _ in 0..3 {
            let mut gradients = vec![0.0; 32];
            let loss = rosenbrock(&q, &mut gradients);
            let size = |i: usize| if adaptive { q[i].abs() + eta } else { 1.0 };
            let norm = (0..32).map(|i| (size(i) * gradients[i]).powi(2)).sum::<f64>().sqrt();
            let worst: Vec<f64> =
                (0..32).map(|i| q[i] + 0.1 * size(i).powi(2) * gradients[i] / (norm + 1e-12)).collect();
            gradients.fill(0.0);
            rosenbrock(&worst, &mut gradients);
            plain.step_flat(&mut q, &gradients);

            assert_eq!(sam.step_flat(&mut p, rosenbrock), loss);
            for (p, q) in p.iter().zip(&q) {
                assert!((p - q).abs() < 1e-13, "{p} {q}");
            }
        }
    }
}

#[test]
fn sam_leaves_frozen_parameters_alone() {
    let inner = groups(&POINTS, SGD { lr: 0.01, ..SGD::DEFAULT }).freeze("a").build::<f64>().unwrap();
    let mut sam = SAMState::<f64, SGD>::new(&POINTS, 0.1, false, inner).unwrap();
    let mut p = point::<f64>();
    sam.step_flat(&mut p, rosenbrock);
    assert_eq!(p[..16], point::<f64>()[..16]);
    assert!(p[16..19] != point::<f64>()[16..19]);
}
