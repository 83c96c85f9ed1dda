//! Optimizers: every parameter after every step, and the state at the end.

use glulam::Real;
use glulam::network::{Kind, Layout, ParamSpec};
use glulam::optim::*;
use serde_json::{Map, Value};

use crate::fixture::{Case, Checks};
use crate::layer::all_compared;

/// Hands a macro the optimizers whose steps are given gradients: a new one is a new name here.
macro_rules! for_each_optimizer {
    ($then:ident!($($args:tt)*)) => {
        $then!(($($args)*) SGD Adam AdamW RMSprop Adagrad)
    };
}
pub(crate) use for_each_optimizer;

macro_rules! names {
    (() $($name:ident)*) => { &[$(stringify!($name)),*] };
}

/// The optimizers that Glulam has.
pub(crate) const OPTIMIZERS: &[&str] = for_each_optimizer!(names!());

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
        let len = init.values.len();
        table.push(ParamSpec { name, shape, offset, len, row: 1, kind: Kind::Weight, layout: Layout::Same });
        offset = (offset + len).next_multiple_of(16);
    }
    Box::leak(table.into_boxed_slice())
}

fn steps<T: Real, S: Optimizer>(case: &Case) -> Result<Checks, String> {
    let table = table(case);
    let groups = match case.json["param_groups"].as_array() {
        None => vec![group::<S>(&[case.config()], (0..table.len()).collect())?],
        Some(groups) => {
            let each = groups.iter().enumerate();
            each.map(|(k, own)| group(&[case.config(), own], vec![k])).collect::<Result<Vec<_>, _>>()?
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
