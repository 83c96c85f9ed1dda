//! Which optimizers, schedules and losses there are, so that a table of tests can be told what it lacks.
//!
//! They are read from the source: a member of a family is what has defaults, `pub const DEFAULT: Self = Adam {`. So a new
//! file fails the test of its family until it has a row there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The members of the family in `src/<folder>`.
pub(crate) fn members(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut members = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("the family's folder") {
        let path = entry.expect("a file of the family").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a file of the family");
            members.extend(source.split("pub const DEFAULT: Self =").skip(1).map(name));
        }
    }
    members
}

/// The name that an expression begins with.
fn name(expression: &str) -> String {
    expression.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn members_are_found_in_the_source() {
    let optimizers = members("optim");
    assert!(["SGD", "Adam", "LBFGS", "Lookahead"].iter().all(|name| optimizers.contains(*name)), "{optimizers:?}");
}

#[test]
fn the_manuals_have_every_member() {
    let guide = include_str!("../../docs/optimizers.md");
    let readme = include_str!("../../README.md");
    let named = |text: &str, name: &str| text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}("));
    for name in members("optim").into_iter().chain(members("lr_scheduler")) {
        assert!(named(guide, &name) || guide.contains(&format!("`{name} {{")), "{name} is not in docs/optimizers.md");
        assert!(named(readme, &name), "{name} is not in README.md");
    }
    for name in members("loss").into_iter().filter(|name| name.ends_with("Loss")) {
        assert!(named(readme, &name), "{name} is not in README.md");
    }
}
