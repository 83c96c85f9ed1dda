//! A layer alone: outputs, gradients of inputs and parameters, buffers afterwards.

use glulam::checkpoint::{Tensor, Values};
use glulam::network::{ParamSpec, Sample};
use glulam::{Gradients, Mode, Network, Real, StateDict, StateDictExt};

use crate::fixture::{Array, Case, Checks};

/// Runs the network of one layer as the case says.
pub(crate) fn run<T: Real, N: Network<T, InputScalar = T>>(case: &Case, mut network: N) -> Checks {
    let mut checks = Checks::default();
    if let Err(error) = load(&mut network, case.under("init/")) {
        return Checks::failed(error);
    }
    let mode = if case.json["mode"] == "eval" { Mode::Eval } else { Mode::Train };
    let batches = case.json["batches"].as_u64().unwrap_or(1) as usize;
    let x: Vec<T> = case.array("in/x").reals();
    let gout: Vec<T> = case.array("gout/y").reals();
    let (mut outputs, mut d_inputs) = (Vec::new(), vec![T::ZERO; x.len()]);
    let mut gradients: Vec<Gradients<T>> = Vec::new();
    let samples = N::Input::from_flat(&x).len() / batches;
    let mut workspace = network.workspace(samples);
    for batch in 0..batches {
        let rows = batch * samples..(batch + 1) * samples;
        let inputs = &N::Input::from_flat(&x)[rows.clone()];
        let result = network.forward(mode, inputs, &mut workspace);
        outputs.extend_from_slice(N::Output::to_flat(result.values));
        let part = gout.len() / batches;
        N::Output::to_flat_mut(result.gradient).copy_from_slice(&gout[batch * part..(batch + 1) * part]);
        let mut gradient = network.zeros();
        let d_inputs = &mut N::Input::from_flat_mut(&mut d_inputs)[rows];
        network.backward_to_inputs(inputs, &mut workspace, &mut gradient, d_inputs);
        gradients.push(gradient);
    }
    case.compare(&mut checks, "out/y", &outputs);
    case.compare(&mut checks, "grad_in/x", &d_inputs);
    for spec in N::PARAMS {
        let all: Vec<T> = gradients.iter().flat_map(|g| tensor(spec, &g.0)).collect();
        case.compare(&mut checks, &format!("grad/{}", spec.name), &all);
    }
    let after = network.state_dict();
    for (name, _) in case.under("after/") {
        let got: Vec<T> = after.get(name).map_or_else(Vec::new, |t| t.to_reals());
        case.compare(&mut checks, &format!("after/{name}"), &got);
    }
    all_compared(case, &mut checks);
    // A prediction is a forward in evaluation mode.
    if mode == Mode::Eval {
        let inputs = N::Input::from_flat(&x);
        let predicted: Vec<N::Output> = inputs.chunks(samples).flat_map(|batch| network.predict(batch)).collect();
        case.compare(&mut checks, "out/y", N::Output::to_flat(&predicted));
    }
    checks
}

/// A declaration that Glulam refuses: right when the layer would mix the samples of a batch, and the message says so.
pub(crate) fn refused(case: &Case, messages: &[&str]) -> Checks {
    let option = match case.op() {
        "Flatten" => "start_dim",
        _ => "dim",
    };
    let rank = case.array("in/x").shape.len() as i64 - case.json["batches"].is_u64() as i64;
    let axis = case.config()[option].as_i64();
    let right = axis.is_some_and(|axis| axis == 0 || axis == -rank) && messages.iter().any(|m| m.contains("batch"));
    let mut checks = Checks { done: vec!["the refusal".to_owned()], wrong: Vec::new() };
    checks.that(right, || format!("is refused: {}", messages.join("; ")));
    checks
}

/// No output may be passed over.
pub(crate) fn all_compared(case: &Case, checks: &mut Checks) {
    for name in case.outputs() {
        let done = checks.done.iter().any(|d| d == name);
        checks.that(done, || format!("{name} was not compared"));
    }
}

/// Takes over the parameters and buffers that the case gives; counters begin at zero.
pub(crate) fn load<'a, T: Real, N: Network<T>>(
    network: &mut N,
    tensors: impl Iterator<Item = (&'a str, &'a Array)>,
) -> Result<(), String> {
    let mut dict: StateDict = network.state_dict();
    for (name, array) in tensors {
        let values = Values::from_reals(array.reals::<T>());
        let tensor = Tensor::new(array.shape.clone(), values).map_err(|e| e.to_string())?;
        if dict.insert(name, tensor).is_none() {
            return Err(format!("the network has no {name}"));
        }
    }
    network.load_state_dict(&dict).map_err(|e| e.to_string())
}

/// A parameter's part of a flat array, in PyTorch's layout.
pub(crate) fn tensor<T: Real>(spec: &ParamSpec, flat: &[T]) -> Vec<T> {
    let mut values = vec![T::ZERO; spec.len];
    spec.read(flat, &mut values);
    values
}
