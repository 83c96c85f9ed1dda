//! What the manual says, where it could come to differ from what is so.

use std::collections::BTreeSet;

/// `[profile.dev.package.…]` with the line after it.
fn profiles(text: &str) -> BTreeSet<(&str, &str)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.filter(|(section, _)| section.starts_with("[profile.dev.package.")).collect()
}

#[test]
fn a_users_debug_build_is_told_the_profiles_of_this_workspace() {
    let ours = profiles(include_str!("../../Cargo.toml"));
    assert!(ours.contains(&("[profile.dev.package.glulam]", "opt-level = 3")), "{ours:?}");
    assert_eq!(profiles(include_str!("../../README.md")), ours);
}
