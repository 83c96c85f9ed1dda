//! The declarations that are mutated: all of the workspace's README, manuals, programs and tests.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// Declarations as text, for each macro.
#[derive(Default)]
pub(super) struct Seeds {
    pub(super) networks: Vec<String>,
    pub(super) trainers: Vec<String>,
}

impl Seeds {
    pub(super) fn of_workspace() -> Seeds {
        let mut seeds = Seeds::default();
        seeds.folder(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder"));
        seeds
    }

    /// Sorted, so that a seed of the random numbers means the same inputs on every machine.
    fn folder(&mut self, path: &Path) {
        let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !matches!(&*name, "target" | "fixtures" | "data") {
                    self.folder(&path);
                }
            } else if name.ends_with(".rs") {
                self.source(&fs::read_to_string(&path).expect("a file of text"));
            } else if name.ends_with(".md") {
                let text = fs::read_to_string(&path).expect("a file of text");
                let blocks = text.split("```").skip(1).step_by(2);
                blocks.filter_map(|block| block.split_once('\n')).for_each(|(_, code)| self.source(code));
            }
        }
    }

    fn source(&mut self, text: &str) {
        if let Ok(tokens) = text.parse() {
            self.tokens(tokens);
        }
    }

    /// Calls of the macros, and what tests give to the compiler as text.
    fn tokens(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for (i, token) in tokens.iter().enumerate() {
            let before = |n: usize| i.checked_sub(n).map(|i| tokens[i].to_string()).unwrap_or_default();
            match token {
                TokenTree::Group(group) => match (&*before(2), &*before(1)) {
                    ("network" | "network_or_errors", "!") => self.networks.push(group.stream().to_string()),
                    ("train", "!") => self.trainers.push(group.stream().to_string()),
                    _ => self.tokens(group.stream()),
                },
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.text(text.value());
                    }
                }
                _ => {}
            }
        }
    }

    fn text(&mut self, text: String) {
        if text.contains("loss:") {
            self.trainers.push(text);
        } else if text.contains('<') && text.contains('>') && text.len() > 12 {
            self.networks.push(text);
        }
    }
}
