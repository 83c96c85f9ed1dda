//! Optimizers: every parameter after every step, and the state at the end.

use glulam::Real;
use glulam::network::{Kind, ParamSpec};
use glulam::optim::*;
use serde_json::{Map, Value, json};

use crate::fixture::{Case, Checks};
use crate::layer::all_compared;

/// Hands a macro the optimizers whose steps are given gradients: a new one is a new name here.
macro_rules! for_each_optimizer {
    ($then:ident!($($args:tt)*)) => {
        $then!(($($args)*) SGD Adam AdamW RMSprop Adagrad Adamax NAdam RAdam Adadelta ASGD Rprop Adafactor Muon)
    };
}
pub(crate) use for_each_optimizer;

macro_rules! names {
    (() $($name:ident)*) => { &[$(stringify!($name)),*] };
}

/// Whether Glulam has an optimizer.
pub(crate) fn has(name: &str) -> bool {
    const GIVEN_GRADIENTS: &[&str] = for_each_optimizer!(names!());
    name == "LBFGS" || GIVEN_GRADIENTS.contains(&name)
}

/// The settings of an optimizer: those given over PyTorch's defaults.
pub(crate) fn settings<S: Optimizer>(options: &[&Value]) -> Result<S, String> {
    let mut all = Map::new();
    for options in options {
        let known =
            options.as_object().into_iter().flatten().filter(|(name, _)| !matches!(name.as_str(), "name" | "params"));
        all.extend(known.map(|(name, value)| (name.clone(), value.clone())));
    }
    serde_json::from_value(Value::Object(all)).map_err(|e| e.to_string())
}

pub(crate) fn run<T: Real>(case: &Case) -> Option<Checks> {
    if case.op() == "LBFGS" {
        return Some(lbfgs::<T>(case).unwrap_or_else(Checks::failed));
    }
    macro_rules! dispatch {
        (($case:ident) $($name:ident)*) => {
            match $case.op() {
                $(stringify!($name) => steps::<T, $name>($case),)*
                _ => return None,
            }
        };
    }
    let result: Result<Checks, String> = for_each_optimizer!(dispatch!(case));
    Some(result.unwrap_or_else(Checks::failed))
}

/// A parameter table for the tensors `p0`, `p1`, …; it lives as long as the program, as a network's does.
fn table(case: &Case) -> &'static [ParamSpec] {
    let mut table = Vec::new();
    let mut offset = 0usize;
    while let Some(init) = case.get(&format!("p{}/init", table.len())) {
        let name: &'static str = Box::leak(format!("p{}", table.len()).into_boxed_str());
        let shape: &'static [usize] = Box::leak(init.shape.clone().into_boxed_slice());
        table.push(ParamSpec::new(name, shape, offset, Kind::Weight));
        offset = (offset + init.values.len()).next_multiple_of(16);
    }
    Box::leak(table.into_boxed_slice())
}

fn steps<T: Real, S: Optimizer>(case: &Case) -> Result<Checks, String> {
    let table = table(case);
    // Not an option of PyTorch's: Muon iterates in bfloat16 there, and in the parameters' type in some cases.
    let precision = match case.json["ns_dtype"].as_str() {
        Some("same as the parameters") => json!({ "ns_dtype": "parameters" }),
        _ => json!({}),
    };
    let groups = match case.json["param_groups"].as_array() {
        None => vec![group::<S>(&[case.config(), &precision], (0..table.len()).collect())?],
        Some(groups) => {
            let each = groups.iter().enumerate();
            each.map(|(k, own)| group(&[case.config(), &precision, own], vec![k])).collect::<Result<Vec<_>, _>>()?
        }
    };
    let mut state = S::State::<T>::new(table, groups).map_err(|e| e.to_string())?;
    let len = table.last().map_or(0, |p| p.offset + p.len);
    let (mut parameters, mut gradients) = (vec![T::ZERO; len], vec![T::ZERO; len]);
    let mut results: Vec<Vec<T>> = vec![Vec::new(); table.len()];
    let range = |spec: &ParamSpec| spec.offset..spec.offset + spec.len;
    let given: Vec<Vec<T>> = (0..table.len()).map(|k| case.array(&format!("p{k}/grads")).reals()).collect();
    for (k, spec) in table.iter().enumerate() {
        parameters[range(spec)].copy_from_slice(&case.array(&format!("p{k}/init")).reals::<T>());
    }
    for step in 0..case.array("p0/grads").shape[0] {
        for (spec, given) in table.iter().zip(&given) {
            gradients[range(spec)].copy_from_slice(&given[step * spec.len..(step + 1) * spec.len]);
        }
        state.step_flat(&mut parameters, &gradients);
        for (spec, results) in table.iter().zip(&mut results) {
            results.extend_from_slice(&parameters[range(spec)]);
        }
    }
    let mut checks = Checks::default();
    for (k, result) in results.iter().enumerate() {
        case.compare(&mut checks, &format!("p{k}/steps"), result);
    }
    let dict = state.state_dict();
    for k in 0..table.len() {
        let prefix = format!("p{k}/state/");
        for (name, _) in case.under(&prefix) {
            let got: Vec<T> = match dict.state.get(&k).and_then(|state| state.get(name)) {
                Some(StateValue::Scalar(number)) => vec![T::from_f64(*number)],
                Some(StateValue::Tensor { values, .. }) => values.clone(),
                None => Vec::new(),
            };
            case.compare(&mut checks, &format!("{prefix}{name}"), &got);
        }
    }
    let found = serde_json::to_value(&dict.param_groups).map_err(|e| e.to_string())?;
    compare_groups(&mut checks, &found, &case.json["final_param_groups"]);
    all_compared(case, &mut checks);
    Ok(checks)
}

fn group<S: Optimizer>(options: &[&Value], params: Vec<usize>) -> Result<ParamGroup<S>, String> {
    Ok(ParamGroup { settings: settings(options)?, name: String::new(), params, initial_lr: None })
}

/// LBFGS evaluates a function itself: of all values of `p0`, then those of `p1`.
fn lbfgs<T: Real>(case: &Case) -> Result<Checks, String> {
    let table = table(case);
    let range = |spec: &ParamSpec| spec.offset..spec.offset + spec.len;
    let mut parameters = vec![T::ZERO; table.last().map_or(0, |p| p.offset + p.len)];
    for (k, spec) in table.iter().enumerate() {
        parameters[range(spec)].copy_from_slice(&case.array(&format!("p{k}/init")).reals::<T>());
    }
    let mut state = settings_of_lbfgs(case)?.init_for::<T>(table).map_err(|e| e.to_string())?;
    let (a, b): (Vec<T>, Vec<T>) = match case.json["objective"].as_str() {
        Some("quartic") => (case.array("A").reals(), case.array("b").reals()),
        Some("rosenbrock") => (vec![], vec![]),
        other => return Err(format!("no objective {other:?}")),
    };
    let mut objective = |parameters: &[T], gradients: &mut [T]| {
        let z: Vec<T> = table.iter().flat_map(|spec| parameters[range(spec)].to_vec()).collect();
        let (value, d) = if a.is_empty() { rosenbrock(&z) } else { quartic(&a, &b, &z) };
        let mut rest = &d[..];
        for spec in table {
            let (mine, others) = rest.split_at(spec.len);
            gradients[range(spec)].copy_from_slice(mine);
            rest = others;
        }
        value
    };
    let outer = case.json["outer_steps"].as_u64().ok_or("no outer_steps")?;
    let (mut losses, mut evaluations) = (Vec::new(), Vec::new());
    let mut results: Vec<Vec<T>> = vec![Vec::new(); table.len()];
    for _ in 0..outer {
        losses.push(state.step_flat(&mut parameters, &mut objective));
        evaluations.push(T::from_f64(state.func_evals() as f64));
        for (spec, results) in table.iter().zip(&mut results) {
            results.extend_from_slice(&parameters[range(spec)]);
        }
    }
    let mut checks = Checks::default();
    for (k, result) in results.iter().enumerate() {
        case.compare(&mut checks, &format!("p{k}/steps"), result);
    }
    case.compare(&mut checks, "loss", &losses);
    case.compare(&mut checks, "func_evals", &evaluations);
    let found = serde_json::to_value(&state.state_dict().param_groups).map_err(|e| e.to_string())?;
    compare_groups(&mut checks, &found, &case.json["final_param_groups"]);
    all_compared(case, &mut checks);
    Ok(checks)
}

fn settings_of_lbfgs(case: &Case) -> Result<LBFGS, String> {
    serde_json::from_value(case.config().clone()).map_err(|e| e.to_string())
}

/// z·Az/2 − b·z + Σ z⁴/4, and its gradient (A + Aᵀ)z/2 − b + z³.
fn quartic<T: Real>(a: &[T], b: &[T], z: &[T]) -> (T, Vec<T>) {
    let n = z.len();
    let half = T::from_f64(0.5);
    let (mut value, mut d) = (T::ZERO, vec![T::ZERO; n]);
    for i in 0..n {
        let row: T = (0..n).map(|j| a[i * n + j] * z[j]).sum();
        let column: T = (0..n).map(|j| a[j * n + i] * z[j]).sum();
        let cube = z[i] * z[i] * z[i];
        value += half * z[i] * row - b[i] * z[i] + T::from_f64(0.25) * cube * z[i];
        d[i] = half * (row + column) - b[i] + cube;
    }
    (value, d)
}

/// Σ 100 (z[i+1] − z[i]²)² + (1 − z[i])², and its gradient.
fn rosenbrock<T: Real>(z: &[T]) -> (T, Vec<T>) {
    let number = T::from_f64;
    let (mut value, mut d) = (T::ZERO, vec![T::ZERO; z.len()]);
    for i in 0..z.len() - 1 {
        let (valley, slope) = (z[i + 1] - z[i] * z[i], T::ONE - z[i]);
        value += number(100.0) * valley * valley + slope * slope;
        d[i] += -number(400.0) * valley * z[i] - number(2.0) * slope;
        d[i + 1] += number(200.0) * valley;
    }
    (value, d)
}

/// Every option of PyTorch's groups, with its default spelled out, is the same here.
fn compare_groups(checks: &mut Checks, found: &Value, expected: &Value) {
    let expected = expected.as_array().map_or(&[][..], Vec::as_slice);
    for (k, group) in expected.iter().enumerate() {
        for (name, want) in group.as_object().into_iter().flatten() {
            // Which of PyTorch's implementations runs is no setting of the rule.
            if matches!(name.as_str(), "params" | "foreach" | "fused" | "capturable" | "differentiable") {
                continue;
            }
            let got = &found[k][name];
            checks.that(same(got, want), || format!("group {k}: {name} = {got}, expected {want}"));
        }
    }
}

/// Equal as JSON, integers and floating-point numbers alike.
fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => got == want,
    }
}
