//! Writes the declarations of the networks that PyTorch's answers are about: one `network!` for each different one in
//! the `index.json` of `GLULAM_ORACLE`, or of the fixtures here, and the function that finds it by the case's name.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value};

/// The layers that Glulam has, under PyTorch's names. A case of one of them that finds no network is an error.
const LAYERS: &[&str] = &[
    "BatchNorm1d",
    "CELU",
    "Dropout",
    "ELU",
    "Flatten",
    "GELU",
    "GLU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Unflatten",
];

fn main() {
    println!("cargo::rerun-if-env-changed=GLULAM_ORACLE");
    println!("cargo::rerun-if-changed=build.rs");
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = match env::var_os("GLULAM_ORACLE").filter(|dir| !dir.is_empty()) {
        // Relative to the workspace, where the command is given.
        Some(dir) => package.parent().expect("the workspace").join(dir),
        None => package.join("fixtures/oracle"),
    };
    let index = root.join("index.json");
    println!("cargo::rerun-if-changed={}", index.display());
    println!("cargo::rustc-env=GLULAM_ORACLE_ROOT={}", root.display());
    let code = match fs::read(&index) {
        Ok(bytes) => {
            let index: Value = serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", index.display()));
            networks(index["cases"].as_array().expect("`cases` is a list"))
        }
        Err(error) => panic!("{}: {error}", index.display()),
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(Path::new(&out).join("oracle_networks.rs"), code).expect("the build folder can be written to");
}

/// What is to be done with a case.
enum Declared {
    /// A declaration.
    Network(String),
    /// A declaration that has to be refused: it touches the batch.
    Refused(String),
    /// A layer that Glulam does not have.
    Unknown,
}

fn networks(cases: &[Value]) -> String {
    let mut declarations: BTreeMap<String, usize> = BTreeMap::new();
    let mut arms = BTreeMap::from([("layer", String::new()), ("train", String::new())]);
    let mut refusals = String::new();
    for case in cases {
        let (name, kind) = (text(&case["name"]), text(&case["kind"]));
        let declared = match kind {
            "layer" => layer_case(case),
            "train" => train_case(case),
            _ => continue,
        };
        match declared {
            Declared::Network(declaration) => {
                let next = declarations.len();
                let number = *declarations.entry(declaration).or_insert(next);
                let arm = arms.get_mut(kind).expect("both kinds are there");
                writeln!(arm, "        {name:?} => {kind}::run(case, Net{number}::seeded(0).cast::<T>()),")
                    .expect("a string");
            }
            Declared::Refused(declaration) => {
                writeln!(refusals, "        {name:?} => &glulam::__private::network_errors!({declaration}),")
                    .expect("a string");
            }
            Declared::Unknown => {}
        }
    }
    let mut code = String::new();
    for (declaration, number) in &declarations {
        writeln!(code, "glulam::network! {{ Net{number}{declaration} }}").expect("a string");
    }
    let (layer, train) = (&arms["layer"], &arms["train"]);
    write!(
        code,
        "
/// The layer of a case, run; `None` if Glulam does not have it.
pub(crate) fn layer_case<T: Real>(case: &Case) -> Option<Checks> {{
    Some(match case.name() {{
{layer}        _ => return None,
    }})
}}

/// The training of a case, run; `None` if Glulam does not have one of its layers.
pub(crate) fn train_case<T: Real + crate::loss::Element>(case: &Case) -> Option<Checks> {{
    Some(match case.name() {{
{train}        _ => return None,
    }})
}}

/// The messages about a declaration that cannot be expressed.
pub(crate) fn refusal(name: &str) -> Option<&'static [&'static str]> {{
    Some(match name {{
{refusals}        _ => return None,
    }})
}}

/// The layers of these cases that Glulam has.
pub(crate) const LAYERS: &[&str] = &{LAYERS:?};
"
    )
    .expect("a string");
    code
}

fn layer_case(case: &Value) -> Declared {
    let op = text(&case["op"]);
    let Some(shape) = case["inputs"]["in/x"]["shape"].as_array().filter(|_| LAYERS.contains(&op)) else {
        return Declared::Unknown;
    };
    let config = case["config"].as_object().expect("options by name");
    // `batches` batches, one after the other, have an axis of their own before the batch.
    let batches = usize::from(case["batches"].is_u64());
    // PyTorch takes one sample without a batch, too.
    let of_one_sample = match op {
        "Linear" => 1,
        "LayerNorm" => config["normalized_shape"].as_array().map_or(1, Vec::len),
        _ => 0,
    };
    let leading = batches + usize::from(shape.len() - batches != of_one_sample);
    let sample: Vec<i64> = shape[leading.min(shape.len())..].iter().map(|d| d.as_i64().expect("a dimension")).collect();
    let declaration = format!(": {sample:?} < {op}{} >", arguments(config));
    match touches_batch(op, config, sample.len() as i64 + 1) {
        true => Declared::Refused(format!("Net{declaration}")),
        false => Declared::Network(declaration),
    }
}

/// Whether an axis option names the batch, in a tensor with `rank` axes, the batch being the first.
fn touches_batch(op: &str, config: &Map<String, Value>, rank: i64) -> bool {
    let option = match op {
        "Flatten" => "start_dim",
        "Unflatten" | "Softmax" | "LogSoftmax" | "Softmin" | "GLU" => "dim",
        _ => return false,
    };
    config.get(option).and_then(Value::as_i64).is_some_and(|axis| axis == 0 || axis == -rank)
}

fn train_case(case: &Value) -> Declared {
    let config = &case["config"];
    let shape = case["inputs"]["data/x"]["shape"].as_array().expect("the samples have a shape");
    if case["inputs"]["data/x"]["dtype"] != "float" {
        return Declared::Unknown;
    }
    let sample: Vec<i64> = shape[1..].iter().map(|d| d.as_i64().expect("a dimension")).collect();
    match chain(config["net"].as_array().expect("a list of layers")) {
        Some(chain) => Declared::Network(format!(": {sample:?} < {chain} >")),
        None => Declared::Unknown,
    }
}

/// `Linear(…) -> ReLU`, if all layers are known.
fn chain(layers: &[Value]) -> Option<String> {
    let layers: Option<Vec<String>> = layers
        .iter()
        .map(|layer| {
            let mut config = layer.as_object().expect("a layer with its options").clone();
            let name = text(&config.remove("layer").expect("a layer's name")).to_owned();
            match name.as_str() {
                "Residual" => {
                    Some(format!("Residual({})", chain(config["body"].as_array().expect("a list of layers"))?))
                }
                known if LAYERS.contains(&known) => Some(format!("{known}{}", arguments(&config))),
                _ => None,
            }
        })
        .collect();
    Some(layers?.join(" -> "))
}

/// `(alpha = 0.5, bias = false)`; nothing without options.
fn arguments(config: &Map<String, Value>) -> String {
    let arguments: Vec<String> =
        config.iter().filter_map(|(name, v)| Some(format!("{name} = {}", value(v)?))).collect();
    if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) }
}

/// A Python value as it is written in a declaration; `None` is an option left out.
fn value(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => format!("[{}]", items.iter().filter_map(self::value).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    })
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
