//! Writes the declarations of the networks that PyTorch's answers are about: one `network!` for each different one in
//! the `index.json` of `GLULAM_ORACLE`, or of the fixtures here, and the function that finds it by the case's name.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value};

/// The layers that Glulam has, under PyTorch's names. A case of one of them that finds no network is an error.
const LAYERS: &[&str] = &[
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "CELU",
    "ChannelShuffle",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "ELU",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "GELU",
    "GLU",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Mish",
    "PReLU",
    "PixelShuffle",
    "PixelUnshuffle",
    "RMSNorm",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
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
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
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

fn networks(cases: &[Value]) -> String {
    let mut declarations: BTreeMap<String, usize> = BTreeMap::new();
    let mut arms = BTreeMap::from([("layer", String::new()), ("train", String::new())]);
    for case in cases {
        let (name, kind) = (text(&case["name"]), text(&case["kind"]));
        let declared = match kind {
            "layer" => layer_case(case),
            "train" => train_case(case),
            _ => continue,
        };
        // Otherwise it is of a layer that Glulam does not have.
        if let Some(declaration) = declared {
            let next = declarations.len();
            let number = *declarations.entry(declaration).or_insert(next);
            let arm = arms.get_mut(kind).expect("both kinds are there");
            writeln!(
                arm,
                "        {name:?} => match Net{number}::ERRORS {{
            [] => Some({kind}::run(case, Net{number}::seeded(0).cast::<T>())),
            errors => Some({kind}::refused(case, errors)),
        }},"
            )
            .expect("a string");
        }
    }
    let mut code = String::new();
    for (declaration, number) in &declarations {
        // One that is refused is the failure of its case alone.
        writeln!(code, "glulam::__private::network_or_errors! {{ Net{number}{declaration} }}").expect("a string");
    }
    let (layer, train) = (&arms["layer"], &arms["train"]);
    write!(
        code,
        "
/// The layer of a case, run; `None` if Glulam does not have it.
pub(crate) fn layer_case<T: Real>(case: &Case) -> Option<Checks> {{
    match case.name() {{
{layer}        _ => None,
    }}
}}

/// The training of a case, run; `None` if Glulam does not have one of its layers.
pub(crate) fn train_case<T: Real + crate::loss::Element>(case: &Case) -> Option<Checks> {{
    match case.name() {{
{train}        _ => None,
    }}
}}

/// The layers of these cases that Glulam has.
pub(crate) const LAYERS: &[&str] = &{LAYERS:?};
"
    )
    .expect("a string");
    code
}

/// The declaration of one layer.
fn layer_case(case: &Value) -> Option<String> {
    let op = text(&case["op"]);
    let shape = case["inputs"]["in/x"]["shape"].as_array().filter(|_| LAYERS.contains(&op))?;
    let config = case["config"].as_object().expect("options by name");
    // `batches` batches, one after the other, have an axis of their own before the batch.
    let batches = usize::from(case["batches"].is_u64());
    // PyTorch takes one sample without a batch, too.
    let of_one_sample = match op {
        "Linear" => 1,
        "LayerNorm" | "RMSNorm" => config["normalized_shape"].as_array().map_or(1, Vec::len),
        _ => 0,
    };
    let leading = batches + usize::from(shape.len() - batches != of_one_sample);
    let sample: Vec<i64> = shape[leading.min(shape.len())..].iter().map(|d| d.as_i64().expect("a dimension")).collect();
    Some(format!(": {sample:?} < {op}{} >", arguments(config)))
}

/// The declaration of a whole network.
fn train_case(case: &Value) -> Option<String> {
    let shape = case["inputs"]["data/x"]["shape"].as_array().expect("the samples have a shape");
    if case["inputs"]["data/x"]["dtype"] != "float" {
        return None;
    }
    let sample: Vec<i64> = shape[1..].iter().map(|d| d.as_i64().expect("a dimension")).collect();
    let chain = chain(case["config"]["net"].as_array().expect("a list of layers"), "")?;
    Some(format!(": {sample:?} < {chain} >"))
}

/// `Linear(…) -> ReLU`, if all layers are known. `at` is where the chain stands in the whole.
fn chain(layers: &[Value], at: &str) -> Option<String> {
    let mut declared: Vec<String> = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let mut config = layer.as_object().expect("a layer with its options").clone();
        let name = text(&config.remove("layer").expect("a layer's name")).to_owned();
        let here = format!("{at}_{index}");
        let body = || chain(config["body"].as_array().expect("a list of layers"), &here);
        let layer = match name.as_str() {
            "Residual" => format!("Residual({})", body()?),
            // x and body(x): a group, so that the layers are numbered as the body's are. x gets a name where it is made, which
            // the first layer's is not here.
            "Concat" => {
                write!(declared.last_mut()?, " as x{here}").expect("a string");
                format!("({} -> [x{here}, _] => Concat(1))", body()?)
            }
            known if LAYERS.contains(&known) => format!("{known}{}", arguments(&config)),
            _ => return None,
        };
        declared.push(layer);
    }
    Some(declared.join(" -> "))
}

/// `(alpha = 0.5, bias = false)`; nothing without options.
fn arguments(config: &Map<String, Value>) -> String {
    let arguments: Vec<String> = config.iter().map(|(name, v)| format!("{name} = {}", value(v))).collect();
    if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) }
}

/// A Python value as it is written in a declaration.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
