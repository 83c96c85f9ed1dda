//! Schedules: the rates (and momenta) of every step.

use glulam::lr_scheduler::{
    AnyScheduler, ChainedScheduler, GroupsOf, LambdaLR, LrScheduler, MultiplicativeLR, SchedulerState, SequentialLR,
};
use glulam::optim::{ParamGroup, SGD};
use serde_json::{Value, json};

use crate::fixture::{Case, Checks};
use crate::layer::all_compared;

/// The schedules that Glulam has.
pub(crate) const SCHEDULES: &[&str] = &[
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "SWALR",
];

/// A function of the step, as the index writes it.
fn function(rule: &Value) -> impl Fn(usize) -> f64 + Send + Sync + use<> {
    let name = rule["rule"].as_str().expect("a rule's name").to_owned();
    let args: Vec<f64> =
        rule["args"].as_array().expect("its numbers").iter().map(|a| a.as_f64().expect("a number")).collect();
    move |step| {
        let t = step as f64;
        match name.as_str() {
            "inverse" => 1.0 / (1.0 + args[0] * t),
            "power" => args[0].powf(t),
            "warmup" => ((t + 1.0) / args[0]).min(1.0),
            "constant" => args[0],
            "alternate" => args[step % 2],
            other => panic!("no rule {other}"),
        }
    }
}

/// The schedule `name` with these options.
pub(crate) fn scheduler(name: &str, config: &Value) -> Result<AnyScheduler, String> {
    let rules = || match &config["lr_lambda"] {
        Value::Array(list) => list.iter().map(|rule| glulam::lr_scheduler::Lambda::new(function(rule))).collect(),
        one => vec![glulam::lr_scheduler::Lambda::new(function(one))],
    };
    match name {
        "LambdaLR" => Ok(LambdaLR { lr_lambdas: rules().into(), ..LambdaLR::DEFAULT }.into()),
        "MultiplicativeLR" => Ok(MultiplicativeLR { lr_lambdas: rules().into(), ..MultiplicativeLR::DEFAULT }.into()),
        "SequentialLR" | "ChainedScheduler" => {
            let listed = config["schedulers"].as_array().ok_or("no list of schedulers")?;
            let each = listed.iter().map(|s| scheduler(s["name"].as_str().ok_or("a schedule without a name")?, s));
            let schedulers = each.collect::<Result<Vec<_>, String>>()?;
            if name == "ChainedScheduler" {
                return Ok(ChainedScheduler { schedulers }.into());
            }
            let milestones = serde_json::from_value(config["milestones"].clone()).map_err(|e| e.to_string())?;
            Ok(SequentialLR { schedulers, milestones }.into())
        }
        _ => {
            let mut config = config.clone();
            config["name"] = json!(name);
            // A number for each group is an option of its own here: `max_lrs`.
            for option in ["base_lr", "max_lr", "min_lr"] {
                if config[option].is_array() {
                    let list = config.as_object_mut().and_then(|c| c.remove(option));
                    config[format!("{option}s")] = json!(list);
                }
            }
            serde_json::from_value(config).map_err(|e| e.to_string())
        }
    }
}

pub(crate) fn run(case: &Case) -> Option<Checks> {
    if !SCHEDULES.contains(&case.op()) {
        return None;
    }
    let numbers =
        |v: &Value| -> Vec<f64> { v.as_array().map_or(vec![], |l| l.iter().filter_map(Value::as_f64).collect()) };
    let momentum = case.json["momentum"].as_f64().unwrap_or(0.0);
    let mut groups: Vec<ParamGroup<SGD>> = numbers(&case.json["base_lrs"])
        .iter()
        .enumerate()
        .map(|(i, &lr)| ParamGroup {
            settings: SGD { lr, momentum, ..SGD::DEFAULT },
            name: String::new(),
            params: vec![i],
            initial_lr: None,
        })
        .collect();
    let scheduler = match scheduler(case.op(), case.config()) {
        Ok(scheduler) => scheduler,
        Err(error) => return Some(Checks::failed(error)),
    };
    let mut state = match scheduler.attach(&mut GroupsOf(&mut groups)) {
        Ok(state) => state,
        Err(error) => return Some(Checks::failed(error)),
    };
    let metrics = case.get("metrics").map(|m| m.values.clone());
    let steps = case.array("lr").shape[0] - 1;
    let (mut lr, mut momenta) = (Vec::new(), Vec::new());
    let mut record = |groups: &[ParamGroup<SGD>]| {
        lr.extend(groups.iter().map(|g| g.settings.lr));
        momenta.extend(groups.iter().map(|g| g.settings.momentum));
    };
    record(&groups);
    for step in 0..steps {
        match &metrics {
            Some(metrics) => state.step_groups_on(&mut GroupsOf(&mut groups), metrics[step]),
            None => state.step_groups(&mut GroupsOf(&mut groups)),
        }
        record(&groups);
    }
    let mut checks = Checks::default();
    case.compare(&mut checks, "lr", &lr);
    if case.get("momentum").is_some() {
        case.compare(&mut checks, "momentum", &momenta);
    }
    all_compared(case, &mut checks);
    Some(checks)
}
