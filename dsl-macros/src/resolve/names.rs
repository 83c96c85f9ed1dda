//! Names of values: labels and keys as the variables of generated functions.
//!
//! AFTER THIS POINT: no two variables of a function have one name, whatever the labels are: neither two values, nor a
//! value and what is made of another one's name (its gradient, what its layer keeps).

use std::collections::BTreeSet;

use crate::parse::names::is_reserved;

/// What generated functions call their other variables, and each other.
const RESERVED: &[&str] = &[
    "b",
    "backward_tiles",
    "buffers",
    "counters",
    "cx",
    "d_inputs",
    "draws",
    "first_row",
    "first_trained",
    "inputs",
    "loss",
    "loss_rows",
    "losses",
    "memory",
    "mode",
    "outputs",
    "p",
    "parameters",
    "predict_rows",
    "rows",
    "s",
    "scratch",
    "seed",
    "statistics",
    "update",
    "v",
    "values",
    "workspace",
];

/// Functions that are numbered: `forward_rows_1`.
const NUMBERED: &[&str] = &["backward_rows", "forward_rows"];

/// What `Program::name` makes of a value's name: before it, and after it.
const MADE: &[(&str, &str)] = &[
    ("", ""),
    ("d_", ""),
    ("", "_gradient"),
    ("", "_moments"),
    ("", "_norm"),
    ("", "_partial_sums"),
    ("", "_statistics"),
    ("", "_sums"),
    ("", "_z"),
];

/// The names that are given away.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name for a value like `wanted`, and for all that is made of it.
    pub(super) fn variable(&mut self, wanted: &str) -> String {
        // A constant of the user's, which a pattern would mean, is not written so.
        let mut name = wanted.to_lowercase();
        while !self.is_free(&name) {
            name.push('_');
        }
        self.0.extend(made(&name));
        name
    }

    fn is_free(&self, name: &str) -> bool {
        let reserved = |made: &str| {
            let number = |c: char| c == '_' || c.is_ascii_digit();
            RESERVED.contains(&made) || NUMBERED.contains(&made.trim_end_matches(number)) && !made.ends_with('_')
        };
        !is_reserved(name) && made(name).all(|made| !reserved(&made) && !self.0.contains(&made))
    }
}

fn made(name: &str) -> impl Iterator<Item = String> {
    MADE.iter().map(move |(before, after)| format!("{before}{name}{after}"))
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn no_two_variables_have_one_name() {
        let mut names = Names::default();
        for (wanted, expected) in [
            ("x", "x"),
            ("x", "x_"),
            ("d_x", "d_x__"),
            ("H", "h"),
            ("fc_z", "fc_z"),
            ("fc", "fc_"),
            ("rows", "rows_"),
            ("forward_rows", "forward_rows_"),
            ("forward_rows_1", "forward_rows_1_"),
            ("backward_rowses", "backward_rowses"),
            ("type", "type_"),
            ("gen", "gen_"),
        ] {
            assert_eq!(names.variable(wanted), expected, "{wanted}");
        }
    }
}
