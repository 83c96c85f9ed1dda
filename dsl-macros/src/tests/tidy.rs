//! What belongs to a layer beside its file: documentation, a gradient test, PyTorch's answers, a row of the README.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use serde_json::Value;

use crate::diagnostics::Diagnostics;
use crate::layers;
use crate::parse::args::{Args, Env};

/// What PyTorch has no class of: users write it.
const NOT_IN_TORCH: &[&str] = &["Add", "Mul", "Concat", "Stack"];

/// Options that no result of PyTorch's can tell, each with the reason.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("inplace", "says where PyTorch puts a result, and is read for that alone"),
    ("return_indices", "can only be `false`"),
    ("init", "says what a case gives"),
    ("bias_init", "says what a case gives"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether `name` stands in `text` as a whole word.
fn names(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(i, _)| !text[..i].ends_with(part) && !text[i + name.len()..].starts_with(part))
}

#[track_caller]
fn check(what: &str, has: impl Fn(&str) -> bool) {
    let missing: Vec<&str> = layers::registry().map(|entry| entry.name).filter(|name| !has(name)).collect();
    assert_eq!(missing, [""; 0], "layers without {what}");
}

#[test]
fn every_layer_is_documented() {
    let folder = workspace().join("runtime/src/layers");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("it is there").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let manual: String = files.iter().map(|f| fs::read_to_string(f).expect("a file of text")).collect();
    check("documentation in runtime/src/layers", |name| manual.contains(&format!("pub struct {name};")));
    let exported = read("runtime/src/layers.rs");
    check("an export from runtime/src/layers.rs", |name| names(&exported, name));
}

#[test]
fn every_layer_has_a_gradient_test() {
    let tests = read("tests/tests/gradients.rs");
    check("a test in tests/tests/gradients.rs", |name| names(&tests, name));
}

#[test]
fn every_layer_is_compared_with_pytorch() {
    let harness = read("tests/build.rs");
    check("a row in tests/build.rs", |name| NOT_IN_TORCH.contains(&name) || harness.contains(&format!("\"{name}\"")));
    let golden = read("tests/fixtures/oracle/index.json");
    let compared = |name: &str| golden.contains(&format!("\"op\": \"{name}\""));
    check("a golden case in tests/fixtures/oracle", |name| NOT_IN_TORCH.contains(&name) || compared(name));
}

/// A layer's options as its constructor asks for them: `kernel_size`, `ceil_mode = false`; and what it says when it is
/// given `arguments`.
fn asked(entry: layers::Entry, arguments: &str) -> (Vec<String>, Vec<String>) {
    let (mut errors, env) = (Diagnostics::new(), Env::default());
    let tokens: TokenStream = arguments.parse().expect("the arguments are tokens");
    let group = Group::new(Delimiter::Parenthesis, tokens);
    let mut args = Args::new(&Ident::new(entry.name, Span::call_site()), Some(&group), &env, &mut errors);
    // What is missing is reported once all has been asked for.
    (entry.read)(&mut args, &mut errors);
    (args.signature().to_vec(), errors.into_messages())
}

/// The words that an option of a layer can be, told by the message about another word: `"same"`, `"valid"`.
fn words(entry: layers::Entry, option: &str) -> Vec<String> {
    let (_, messages) = asked(entry, &format!("{option} = \"?\""));
    let start = format!("`{option}` of `{}` is ", entry.name);
    let list = messages.iter().find_map(|message| message.strip_prefix(&start)?.split(", found").next());
    list.into_iter().flat_map(|list| list.split('`')).filter(|w| w.starts_with('"')).map(str::to_owned).collect()
}

/// The options that golden cases give a layer.
fn given<'g>(golden: &'g Value, layer: &str) -> Vec<(&'g str, &'g Value)> {
    let cases = golden["cases"].as_array().into_iter().flatten();
    let of_layer = cases.filter(|case| case["kind"] == "layer" && case["op"] == layer);
    let options = of_layer.filter_map(|case| case["config"].as_object()).flatten();
    options.map(|(name, value)| (name.as_str(), value)).collect()
}

/// As signatures have it, too: a word in its quotation marks.
fn json(value: &Value) -> String {
    value.to_string()
}

/// Whether a value, or any of a list of them, is not `default`, as the signature has it.
fn differs(value: &Value, default: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| differs(value, default)),
        Value::Null => default != "None",
        Value::Number(number) => number.as_f64() != default.parse().ok(),
        value => json(value) != default,
    }
}

/// The options of layers that no golden case sets to anything but their default, and the words that none gives them.
fn never_set(golden: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    for entry in layers::registry().filter(|entry| !NOT_IN_TORCH.contains(&entry.name)) {
        let given = given(golden, entry.name);
        for asked in asked(entry, "").0 {
            let (option, default) =
                asked.split_once(" = ").map_or((&*asked, None), |(option, default)| (option, Some(default)));
            let words = words(entry, option);
            let no_choice = words.iter().all(|word| Some(&**word) == default) && !words.is_empty();
            if no_choice || NOT_COMPARED.iter().any(|(name, _)| *name == option) {
                continue;
            }
            let values: Vec<&Value> =
                given.iter().filter(|(name, _)| *name == option).map(|(_, value)| *value).collect();
            if !values.iter().any(|value| default.is_none_or(|default| differs(value, default))) {
                missing.push(format!("{}.{option}", entry.name));
            }
            let used = |word: &str| values.iter().any(|value| json(value) == word);
            let unused = words.iter().filter(|word| Some(&***word) != default && !used(word));
            missing.extend(unused.map(|word| format!("{}.{option} = {word}", entry.name)));
        }
    }
    missing
}

#[test]
fn every_option_of_a_layer_is_compared_with_pytorch() {
    let text = read("tests/fixtures/oracle/index.json");
    let missing = |text: &str| never_set(&serde_json::from_str(text).expect("an index of cases"));
    assert_eq!(missing(&text), [""; 0], "options that no golden case of tests/fixtures/oracle sets");
    // Cases without an option, or with its default, would be found.
    let without = |option: &str| text.replace(&format!("\"{option}\": "), "\"other\": ");
    for (text, expected) in [
        (without("padding_mode"), "Conv2d.padding_mode = \"circular\""),
        (without("momentum"), "BatchNorm1d.momentum"),
        (text.replace("\"ceil_mode\": true", "\"ceil_mode\": false"), "MaxPool3d.ceil_mode"),
        (text.replace("\"nearest-exact\"", "\"nearest\""), "Upsample.mode = \"nearest-exact\""),
    ] {
        assert!(missing(&text).iter().any(|found| found == expected), "{expected}");
    }
    for (name, why) in NOT_COMPARED {
        let known =
            layers::registry().any(|entry| asked(entry, "").0.iter().any(|o| o.starts_with(&format!("{name} = "))));
        assert!(known, "no layer has the option {name}, which {why}");
    }
}

/// The activations of which the macros say otherwise than the runtime what the derivative is computed from.
fn kept_otherwise(known: &[(String, bool)], runtime: &str) -> Vec<String> {
    let keeps = |input| if input { "Input" } else { "Output" };
    let wrong = known.iter().filter(|(name, input)| !names(runtime, &format!("{name}: {}", keeps(*input))));
    wrong.map(|(name, _)| name.clone()).collect()
}

#[test]
fn an_activation_keeps_what_the_runtime_differentiates_it_from() {
    let source = read("runtime/src/kernels/activation/mod.rs");
    let (_, list) = source.rsplit_once("public_activations! {").expect("the list of the runtime");
    let list = list.split('}').next().expect("a piece");
    let known = layers::registry().filter_map(|entry| {
        let arguments = if entry.name == "Threshold" { "(0, 0)" } else { "" };
        let (graphs, _) = super::compile(&format!("N: [4] < {}{arguments} >", entry.name));
        let activation = graphs.first()?.nodes[0].layer.as_activation()?;
        Some((entry.name.to_owned(), activation.keeps_input))
    });
    let known: Vec<(String, bool)> = known.collect();
    assert_eq!(known.len(), list.matches(": ").count(), "all that the runtime has are layers");
    assert_eq!(kept_otherwise(&known, list), [""; 0]);
    // A row that is wrong would be found.
    for (i, (name, input)) in known.iter().enumerate() {
        let mut wrong = known.clone();
        wrong[i].1 = !input;
        assert_eq!(kept_otherwise(&wrong, list), [name.as_str()]);
    }
}

#[test]
fn every_layer_has_its_row_in_the_readme() {
    let readme = read("README.md");
    check("a row in README.md", |name| readme.contains(&format!("`{name}`")));
}

#[test]
fn no_two_layers_have_one_name() {
    let names: Vec<&str> = layers::registry().map(|entry| entry.name).collect();
    for (i, name) in names.iter().enumerate() {
        assert!(!names[..i].contains(name), "two layers are called {name}");
    }
}

#[test]
fn what_is_there_is_not_said_to_be_missing() {
    let missing: Vec<&str> =
        layers::registry().map(|entry| entry.name).filter(|name| layers::is_missing(name)).collect();
    assert_eq!(missing, [""; 0], "layers that dsl-macros/src/layers/torch.rs says are missing");
}

/// The public structs of a folder of the runtime that are settings, each with the names and types of its public fields.
fn settings_of(module: &str) -> Vec<(String, Vec<(String, String)>)> {
    let folder = workspace().join("runtime/src").join(module);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("it is there").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs")) {
        let text = fs::read_to_string(file).expect("a file of text");
        for (i, _) in text.match_indices("\npub struct ") {
            let rest = &text[i + "\npub struct ".len()..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            let body = rest.split("\n}").next().expect("a piece");
            let fields = body.lines().filter_map(|line| {
                let (field, ty) = line.strip_prefix("    pub ")?.split_once(": ")?;
                Some((field.to_owned(), ty.trim_end_matches(',').to_owned()))
            });
            let set = [format!("DEFAULT: Self = {name}"), format!("DEFAULT: Self =\n        {name}")];
            if set.iter().any(|set| text.contains(set.as_str())) {
                found.push((name, fields.collect()));
            }
        }
    }
    found
}

#[test]
fn what_train_knows_of_settings_is_what_the_runtime_has() {
    use crate::known::{LOSSES, METRICS, OPTIMIZERS, SCHEDULES};
    // For hand-written loops: `train!` has words of its own for them.
    const BY_HAND: &[&str] = &["LBFGS", "SAM", "PairwiseDistance"];
    let tables = [("loss", LOSSES), ("optim", OPTIMIZERS), ("lr_scheduler", SCHEDULES), ("metrics", METRICS)];
    for (module, table) in tables {
        let found = settings_of(module);
        assert!(found.len() > 5, "{module}: the settings are found");
        for (name, fields) in found.iter().filter(|(name, _)| !BY_HAND.contains(&name.as_str())) {
            let options = fields.iter().map(|(field, ty)| match ty.as_str() {
                "LossWeights" => format!("{field}:weights"),
                "List<f64>" | "List<usize>" => format!("{field}:list"),
                tuple if tuple.starts_with('(') => format!("{field}:{}", tuple.split(", ").count()),
                _ => field.clone(),
            });
            let row = options.collect::<Vec<_>>().join(" ");
            let known = table.iter().find(|(known, _)| known == name).map(|(_, options)| *options);
            assert_eq!(known, Some(row.as_str()), "the row of {name} in dsl-macros/src/known/table.rs");
        }
        let exported = read(&format!("runtime/src/{module}/mod.rs"));
        for (name, _) in table {
            assert!(names(&exported, name), "{name} of dsl-macros/src/known/table.rs is not in glulam::{module}");
        }
    }
}

#[test]
fn public_modules_have_no_name_in_common() {
    const MODULES: &[&str] = &[
        "checkpoint/mod.rs",
        "clip.rs",
        "data/mod.rs",
        "init.rs",
        "layer.rs",
        "layers.rs",
        "loss/mod.rs",
        "lr_scheduler/mod.rs",
        "metrics/mod.rs",
        "network/mod.rs",
        "optim/mod.rs",
        "parallel/mod.rs",
        "rng.rs",
        "swa_utils.rs",
        "train/mod.rs",
    ];
    let mut owners: std::collections::BTreeMap<String, &str> = Default::default();
    for module in MODULES {
        let source = read(&format!("runtime/src/{module}"));
        for name in public_names(&source) {
            if let Some(other) = owners.insert(name.clone(), module).filter(|other| other != module) {
                panic!("`{name}` is in {other} and in {module}: `use` of both by `*` would not say which is meant");
            }
        }
    }
    assert!(owners.contains_key("Progress") && owners.contains_key("CrossEntropyLoss"), "names are found");
}

/// The names that a file declares or passes on to everybody.
fn public_names(source: &str) -> Vec<String> {
    let code: String = source.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for kind in ["fn", "struct", "enum", "trait", "type", "const", "const fn"] {
        let start = format!("\npub {kind} ");
        found.extend(code.match_indices(&start).map(|(i, _)| word(&code[i + start.len()..])));
    }
    for (i, start) in code.match_indices("\npub use ") {
        let list = code[i + start.len()..].split(';').next().expect("a piece");
        let names = list.split_once('{').map_or(list, |(_, names)| names.trim_end_matches('}'));
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty() && !name.ends_with('*')) {
            let name = name.rsplit(" as ").next().expect("a piece").rsplit("::").next().expect("a piece");
            found.push(name.to_owned());
        }
    }
    found.retain(|name| name != "_" && name != "fn");
    found
}
