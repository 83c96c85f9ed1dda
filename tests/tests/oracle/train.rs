//! Whole trainings, by the hand-written loop: losses, rates, gradient norms, the first gradients, the final weights.

use glulam::loss::{Loss, LossForward};
use glulam::lr_scheduler::{AnyState, Groups, GroupsOf, LrScheduler, SchedulerState};
use glulam::network::{ParamSpec, Sample};
use glulam::optim::*;
use glulam::{Gradients, Mode, Network, Outputs, Real, StateDictExt};
use serde_json::Value;

use crate::fixture::{Case, Checks};
use crate::layer::{all_compared, load, tensor};
use crate::loss::{Element, Then, with_loss};
use crate::optim::{for_each_optimizer, settings};
use crate::sched::scheduler;

/// Trains the network as the case says.
pub(crate) fn run<T: Real + Element, N: Network<T, InputScalar = T>>(case: &Case, network: N) -> Checks {
    criterion(case)
        .and_then(|criterion| train(case, network, &*criterion, &mut *optimizer(case, N::PARAMS)?))
        .unwrap_or_else(Checks::failed)
}

/// A network that Glulam refuses, though it has all of its layers.
pub(crate) fn refused(_: &Case, messages: &[&str]) -> Checks {
    Checks::failed(format!("is refused: {}", messages.join("; ")))
}

/// A loss whose type is forgotten: with every network times every loss times every optimizer, this test would take
/// minutes to compile. It is given the shape of an output, the rows of the batch, the outputs, and the places of the
/// losses and the gradient.
type Criterion<T> = dyn Fn(&[usize], &[usize], &[T], &mut [T], &mut [T]) -> Result<T, String>;

/// The loss of the case, with its targets.
fn criterion<T: Real + Element>(case: &Case) -> Result<Box<Criterion<T>>, String> {
    let loss = &case.config()["loss"];
    let classes = case.json["inputs"]["data/y"]["dtype"] == "i64";
    let name = loss["name"].as_str().expect("a loss's name");
    with_loss::<T, _>(name, classes, loss, case, WithTargets { case })
        .unwrap_or_else(|| Err(format!("the test does not know the loss {name}")))
}

struct WithTargets<'a> {
    case: &'a Case,
}

impl<T: Real + Element> Then<T> for WithTargets<'_> {
    type Result = Box<Criterion<T>>;

    fn with<Y: Element, L: Loss<T, Y> + 'static>(self, loss: L) -> Box<Criterion<T>> {
        let all = Y::read(self.case.array("data/y"));
        let each = all.len() / self.case.array("data/x").shape[0];
        Box::new(move |shape, rows, outputs, losses, gradient| {
            let targets: Vec<Y> = rows.iter().flat_map(|row| all[row * each..(row + 1) * each].to_vec()).collect();
            loss.forward_flat(shape, outputs, &targets, losses, gradient).map_err(|e| e.to_string())
        })
    }
}

/// An optimizer whose type is forgotten, likewise.
trait Steps<T> {
    fn step(&mut self, parameters: &mut [T], gradients: &[T]);
    fn on_groups(&mut self, f: &mut dyn FnMut(&mut dyn Groups));
}

impl<T: Real, O: OptimizerState<T>> Steps<T> for O {
    fn step(&mut self, parameters: &mut [T], gradients: &[T]) {
        self.step_flat(parameters, gradients);
    }
    fn on_groups(&mut self, f: &mut dyn FnMut(&mut dyn Groups)) {
        f(&mut GroupsOf(self.groups_mut()));
    }
}

/// The optimizer of the case.
fn optimizer<T: Real>(case: &Case, table: &'static [ParamSpec]) -> Result<Box<dyn Steps<T>>, String> {
    let config = case.config();
    let name = config["optimizer"]["name"].as_str().expect("an optimizer's name");
    macro_rules! dispatch {
        (() $($kind:ident)*) => {
            match name {
                $(stringify!($kind) => {
                    let state = <$kind as Optimizer>::State::<T>::new(table, groups::<$kind>(config, table)?);
                    Ok(Box::new(state.map_err(|e| e.to_string())?))
                })*
                other => Err(format!("the test does not know the optimizer {other}")),
            }
        };
    }
    for_each_optimizer!(dispatch!())
}

/// The parameter groups of the case: those named, or one of all.
fn groups<S: Optimizer>(config: &Value, table: &[ParamSpec]) -> Result<Vec<ParamGroup<S>>, String> {
    let optimizer = &config["optimizer"];
    let group = |options: &[&Value], params: Vec<usize>| {
        Ok(ParamGroup { settings: settings(options)?, name: String::new(), params, initial_lr: None })
    };
    let Some(listed) = config["param_groups"].as_array() else {
        return Ok(vec![group(&[optimizer], (0..table.len()).collect())?]);
    };
    let place = |name: &Value| table.iter().position(|p| name == p.name).ok_or(format!("no parameter {name}"));
    let each = listed.iter().map(|own| {
        let names = own["params"].as_array().expect("names of parameters").iter();
        group(&[optimizer, own], names.map(place).collect::<Result<_, _>>()?)
    });
    each.collect()
}

fn train<T: Real, N: Network<T, InputScalar = T>>(
    case: &Case,
    mut model: N,
    criterion: &Criterion<T>,
    optimizer: &mut dyn Steps<T>,
) -> Result<Checks, String> {
    let config = case.config();
    let count = |field: &str| config[field].as_u64().map(|n| n as usize).ok_or(format!("no {field}"));
    let (steps, accumulate, batch) = (count("steps")?, count("accumulate")?, count("batch_size")?);
    load(&mut model, case.under("init/"))?;
    let mut schedule: Option<AnyState> = None;
    if let Some(name) = config["scheduler"]["name"].as_str() {
        let attached = scheduler(name, &config["scheduler"])?;
        let mut state = None;
        optimizer.on_groups(&mut |groups| state = Some(attached.clone().attach(groups)));
        schedule = state.transpose().map_err(|e| e.to_string())?;
    }
    let x: Vec<T> = case.array("data/x").reals();
    let x = N::Input::from_flat(&x);
    let rows: Vec<usize> = case.array("batches").integers().into_iter().map(|row| row as usize).collect();
    let inputs_of = |rows: &[usize]| -> Vec<N::Input> { rows.iter().map(|&row| x[row]).collect() };
    let (mut workspace, mut gradients) = (model.workspace(batch), model.zeros());
    let (mut losses, mut rates, mut norms) = (Vec::new(), Vec::new(), Vec::new());
    let mut checks = Checks::default();
    for step in 0..steps {
        gradients.zero();
        let mut total = T::ZERO;
        for micro in 0..accumulate {
            let first = (step * accumulate + micro) * batch;
            let rows = &rows[first..first + batch];
            let inputs = inputs_of(rows);
            let Outputs { values, gradient, losses, shape } = model.forward(Mode::Train, &inputs, &mut workspace);
            let scale = T::ONE / T::from_f64(accumulate as f64);
            let (values, gradient) = (N::Output::to_flat(values), N::Output::to_flat_mut(gradient));
            let loss = criterion(shape, rows, values, &mut losses[..batch], gradient)? * scale;
            // The loss of a micro-batch is divided by their number.
            gradient.iter_mut().for_each(|g| *g *= scale);
            model.backward(&inputs, &mut workspace, &mut gradients);
            total += loss;
        }
        if step == 0 {
            for spec in N::PARAMS {
                case.compare(&mut checks, &format!("grad0/{}", spec.name), &tensor(spec, &gradients.0));
            }
        }
        optimizer.on_groups(&mut |groups| rates.push(T::from_f64(groups.lr(0))));
        losses.push(total);
        norms.extend(clip::<T, N>(&config["clip"], &mut gradients)?);
        optimizer.step(&mut model.weights_mut().parameters, &gradients.0);
        if let Some(schedule) = &mut schedule {
            match config["scheduler"]["name"].as_str() {
                Some("ReduceLROnPlateau") => {
                    optimizer.on_groups(&mut |groups| schedule.step_groups_on(groups, total.to_f64()));
                }
                _ => optimizer.on_groups(&mut |groups| schedule.step_groups(groups)),
            }
        }
    }
    case.compare(&mut checks, "loss", &losses);
    case.compare(&mut checks, "lr", &rates);
    if case.get("grad_norm").is_some() {
        case.compare(&mut checks, "grad_norm", &norms);
    }
    let end = model.state_dict();
    for (name, _) in case.under("final/") {
        let got: Vec<T> = end.get(name).map_or_else(Vec::new, |t| t.to_reals());
        case.compare(&mut checks, &format!("final/{name}"), &got);
    }
    let predicted = model.predict(&inputs_of(&rows[..batch]));
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
