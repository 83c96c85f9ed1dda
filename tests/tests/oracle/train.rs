//! Whole trainings, by the hand-written loop: losses, rates, gradient norms, the first gradients, the final weights.

use glulam::loss::{Loss, LossForward};
use glulam::lr_scheduler::{AnyState, LrScheduler, SchedulerState};
use glulam::network::Sample;
use glulam::optim::*;
use glulam::{Gradients, Mode, Network, Real, StateDictExt};
use serde_json::Value;

use crate::fixture::{Case, Checks};
use crate::layer::{all_compared, load, tensor};
use crate::loss::{Element, Then, with_loss};
use crate::optim::{for_each_optimizer, settings};
use crate::sched::scheduler;

/// Trains the network as the case says.
pub(crate) fn run<T: Real + Element, N: Network<T, InputScalar = T>>(case: &Case, network: N) -> Checks {
    let loss = &case.config()["loss"];
    let classes = case.json["inputs"]["data/y"]["dtype"] == "i64";
    let name = loss["name"].as_str().expect("a loss's name");
    match with_loss::<T, _>(name, classes, loss, case, WithLoss { case, network }) {
        Some(Ok(checks)) => checks,
        Some(Err(error)) => Checks::failed(error),
        None => Checks::failed(format!("the test does not know the loss {name}")),
    }
}

struct WithLoss<'a, N> {
    case: &'a Case,
    network: N,
}

impl<T: Real + Element, N: Network<T, InputScalar = T>> Then<T> for WithLoss<'_, N> {
    type Result = Checks;

    fn with<Y: Element, L: Loss<T, Y>>(self, loss: L) -> Checks {
        let WithLoss { case, network } = self;
        let name = case.config()["optimizer"]["name"].as_str().expect("an optimizer's name");
        macro_rules! dispatch {
            (() $($kind:ident)*) => {
                match name {
                    $(stringify!($kind) => train::<T, N, Y, L, $kind>(case, network, loss),)*
                    other => Err(format!("the test does not know the optimizer {other}")),
                }
            };
        }
        for_each_optimizer!(dispatch!()).unwrap_or_else(Checks::failed)
    }
}

/// The parameter groups of the case: those named, or one of all.
fn groups<T: Real, N: Network<T>, S: Optimizer>(config: &Value) -> Result<Vec<ParamGroup<S>>, String> {
    let optimizer = &config["optimizer"];
    let group = |options: &[&Value], params: Vec<usize>| {
        Ok(ParamGroup { settings: settings(options)?, name: String::new(), params, initial_lr: None })
    };
    let Some(listed) = config["param_groups"].as_array() else {
        return Ok(vec![group(&[optimizer], (0..N::PARAMS.len()).collect())?]);
    };
    let place = |name: &Value| N::PARAMS.iter().position(|p| name == p.name).ok_or(format!("no parameter {name}"));
    let each = listed.iter().map(|own| {
        let names = own["params"].as_array().expect("names of parameters").iter();
        group(&[optimizer, own], names.map(place).collect::<Result<_, _>>()?)
    });
    each.collect()
}

fn train<T: Real, N: Network<T, InputScalar = T>, Y: Element, L: Loss<T, Y>, S: Optimizer>(
    case: &Case,
    mut model: N,
    criterion: L,
) -> Result<Checks, String> {
    let config = case.config();
    let count = |field: &str| config[field].as_u64().map(|n| n as usize).ok_or(format!("no {field}"));
    let (steps, accumulate, batch) = (count("steps")?, count("accumulate")?, count("batch_size")?);
    load(&mut model, case.under("init/"))?;
    let mut optimizer = S::State::<T>::new(N::PARAMS, groups::<T, N, S>(config)?).map_err(|e| e.to_string())?;
    let mut schedule: Option<AnyState> = match config["scheduler"]["name"].as_str() {
        None => None,
        Some(name) => Some(scheduler(name, &config["scheduler"])?.init(&mut optimizer).map_err(|e| e.to_string())?),
    };
    let x: Vec<T> = case.array("data/x").reals();
    let (x, y) = (N::Input::from_flat(&x), Y::read(case.array("data/y")));
    let per_target = y.len() / x.len();
    let rows = case.array("batches").integers();
    let batch_at = |i: usize| -> (Vec<N::Input>, Vec<Y>) {
        let rows = rows[i * batch..(i + 1) * batch].iter().map(|&row| row as usize);
        let targets = rows.clone().flat_map(|row| y[row * per_target..(row + 1) * per_target].to_vec());
        (rows.clone().map(|row| x[row]).collect(), targets.collect())
    };
    let (mut workspace, mut gradients) = (model.workspace(batch), model.zeros());
    let (mut losses, mut rates, mut norms) = (Vec::new(), Vec::new(), Vec::new());
    let mut checks = Checks::default();
    for step in 0..steps {
        gradients.zero();
        let mut total = T::ZERO;
        for micro in 0..accumulate {
            let (inputs, targets) = batch_at(step * accumulate + micro);
            let outputs = model.forward(Mode::Train, &inputs, &mut workspace);
            let scale = T::ONE / T::from_f64(accumulate as f64);
            let loss = {
                let glulam::Outputs { values, gradient, losses, shape } = outputs;
                let outputs = glulam::Outputs { values, gradient: &mut *gradient, losses, shape };
                let loss = criterion.forward(outputs, &targets).map_err(|e| e.to_string())?;
                // The loss of a micro-batch is divided by their number.
                N::Output::to_flat_mut(gradient).iter_mut().for_each(|g| *g *= scale);
                loss * scale
            };
            model.backward(&inputs, &mut workspace, &mut gradients);
            total += loss;
        }
        if step == 0 {
            for spec in N::PARAMS {
                case.compare(&mut checks, &format!("grad0/{}", spec.name), &tensor(spec, &gradients.0));
            }
        }
        rates.push(optimizer.groups()[0].settings.lr());
        losses.push(total);
        norms.extend(clip::<T, N>(&config["clip"], &mut gradients)?);
        optimizer.step(&mut model, &gradients);
        match &mut schedule {
            Some(schedule) if config["scheduler"]["name"] == "ReduceLROnPlateau" => {
                let mut groups = glulam::lr_scheduler::GroupsOf(optimizer.groups_mut());
                schedule.step_groups_on(&mut groups, total.to_f64());
            }
            Some(schedule) => schedule.step(&mut optimizer),
            None => {}
        }
    }
    case.compare(&mut checks, "loss", &losses);
    let groups = case.array("lr").values.len() / steps;
    if groups == 1 {
        case.compare(&mut checks, "lr", &rates.iter().map(|&r| T::from_f64(r)).collect::<Vec<_>>());
    }
    if case.get("grad_norm").is_some() {
        case.compare(&mut checks, "grad_norm", &norms);
    }
    let end = model.state_dict();
    for (name, _) in case.under("final/") {
        let got: Vec<T> = end.get(name).map_or_else(Vec::new, |t| t.to_reals());
        case.compare(&mut checks, &format!("final/{name}"), &got);
    }
    let predicted = model.predict(&batch_at(0).0);
    case.compare(&mut checks, "eval/y", N::Output::to_flat(&predicted));
    all_compared(case, &mut checks);
    Ok(checks)
}

/// Clips as the case says; the norm before, if it clips by norm.
fn clip<T: Real, N: Network<T>>(clip: &Value, gradients: &mut Gradients<T>) -> Result<Option<T>, String> {
    if let Some(max_norm) = clip["norm"].as_f64() {
        let norm = glulam::clip::clip_grad_norm_(gradients, max_norm, 2.0, false).map_err(|e| e.to_string())?;
        return Ok(Some(T::from_f64(norm)));
    }
    if let Some(value) = clip["value"].as_f64() {
        glulam::clip::clip_grad_value_(gradients, value).map_err(|e| e.to_string())?;
    }
    Ok(None)
}
