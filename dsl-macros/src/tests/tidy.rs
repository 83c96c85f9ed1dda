//! What belongs to a layer beside its file: documentation, a gradient test, PyTorch's answers, a row of the README.

use std::fs;
use std::path::{Path, PathBuf};

use crate::layers;

/// What PyTorch has no class of: users write it.
const NOT_IN_TORCH: &[&str] = &["Add", "Mul", "Concat", "Stack"];

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
