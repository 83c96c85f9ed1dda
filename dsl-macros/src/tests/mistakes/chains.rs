//! Mistakes between the layers: arrows, repeats, labels.

use super::check;

#[test]
fn an_arrow_in_two_pieces() {
    check("A < Linear(3, 4) - > ReLU >", &["`- >` is two tokens\nhelp: write `->` @ `-`"]);
}

#[test]
fn a_comma_between_layers() {
    check("A < Linear(3, 4), ReLU >", &["`->` is expected, found `,`\nhelp: write `->` @ `,`"]);
}

#[test]
fn no_arrow_between_layers() {
    check("A < Linear(3, 4) ReLU -> Linear(4, 5) >", &["`->` is missing before `ReLU` @ `ReLU`"]);
}

#[test]
fn an_arrow_at_the_end() {
    check("A < Linear(3, 4) -> >", &["a layer is missing after `->` @ `-`"]);
}

#[test]
fn an_arrow_at_the_beginning() {
    check("A < -> Linear(3, 4) >", &["a layer is expected, found `->`\nhelp: remove one `->` @ `-`"]);
}

#[test]
fn two_arrows() {
    check("A < Linear(3, 4) -> -> ReLU >", &["a layer is expected, found `->`\nhelp: remove one `->` @ `-`"]);
}

#[test]
fn arguments_in_brackets() {
    check("A < Linear[3, 4] -> ReLU >", &["arguments stand in parentheses, found `[…]`\nhelp: write `(…)` @ `[3, 4]`"]);
}

#[test]
fn arguments_in_braces() {
    check(
        "A < Linear { 3, 4 } -> ReLU >",
        &["arguments stand in parentheses, found `{…}`\nhelp: write `(…)` @ `{ 3, 4 }`"],
    );
}

#[test]
fn a_number_for_a_layer() {
    check("A < 3 -> Linear(3, 4) >", &["a layer is expected, found `3` @ `3`"]);
}

#[test]
fn an_empty_group() {
    check("A < () >", &["a group without layers @ `(`"]);
}

#[test]
fn a_repeat_of_none() {
    check("A < Linear(3, 3) * 0 >", &["the count after `*` must be at least 1, found 0 @ `0`"]);
}

#[test]
fn a_repeat_by_a_fraction() {
    check("A < Linear(3, 3) * 1.5 >", &["the count after `*` is an integer, found `1.5` @ `1.5`"]);
}

#[test]
fn a_repeat_by_a_constant_of_rustcs() {
    check(
        "A < Linear(3, 3) * N >",
        &[
            "the count after `*` decides the code, but only rustc knows `N`\nhelp: write an integer, or a parameter of the block @ `N`",
        ],
    );
}

#[test]
fn a_repeat_without_a_count() {
    check(
        "A < Linear(3, 3) * -> ReLU >",
        &[
            "a count is expected after `*`, found `->`\nhelp: write an integer, a name or an expression in parentheses: `* 4` @ `*`",
        ],
    );
}

#[test]
fn a_repeat_of_far_too_many() {
    check("A < ((Linear(3, 3) * 1000) * 1000) * 1000000 >", &["the count after `*` is too large: 1000000 @ `1000000`"]);
}

#[test]
fn a_label_in_upper_case() {
    check("A < Fc1: Linear(3, 3) >", &["a label is snake_case, found `Fc1`\nhelp: write `fc1` @ `Fc1`"]);
}

#[test]
fn a_label_that_is_a_keyword() {
    check("A < type: Linear(3, 3) >", &["`type` is a keyword and cannot be a label @ `type`"]);
}

#[test]
fn a_label_twice() {
    check(
        "A < fc: Linear(3, 3) -> fc: ReLU >",
        &["there are two layers labelled `fc`\nhelp: a label is a key of the state dict: give each its own @ `fc`"],
    );
}

#[test]
fn a_label_that_is_another_key() {
    check(
        "A < l1: Linear(3, 3) -> Linear(3, 3) >",
        &["the keys `l1` and `1` are one field, `l1`\nhelp: choose another label @ `l1`"],
    );
}
