//! One mistake, one message: what it says, and the first token that it points at.

mod arguments;
mod blocks;
mod chains;
mod convolutions;
mod declarations;
mod names;
mod norms;
mod pools;
mod resolutions;
mod shapes;

use super::compile;

/// Messages are written `message\nhelp: … @ token`.
#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(compile(source).1, expected, "{source}");
}
