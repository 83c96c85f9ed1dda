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
fn another_arrow() {
    for arrow in
        [">>", "|>", "=>", "<-", ">", ",", ";", "|", ".", "-->", "~>", "+", "<", "::", "&", "=", "-", "&&", "/"]
    {
        let first = &arrow[..1];
        for source in [
            format!("A < Linear(3, 4) {arrow} ReLU -> Tanh >"),
            format!("A < Linear(3, 4) as s {arrow} ReLU >"),
            format!("A < Linear(3, 3) * 2 {arrow} ReLU >"),
            format!("A < (Linear(3, 4)) {arrow} (ReLU) >"),
            format!("A < (Linear(3, 4) {arrow} ReLU) -> Tanh >"),
            format!("A: [3] < Residual(ReLU(true) {arrow} Tanh) > pub B < Linear(3, 4) >"),
        ] {
            // There it separates the layers from the shortcut.
            let comma = arrow == "," && source.contains("Residual");
            if !comma {
                check(&source, &[&format!("`->` is expected, found `{arrow}`\nhelp: write `->` @ `{first}`")]);
            }
        }
    }
    check("A < Linear(3, 4) => [_, _] => Add >", &["`->` is expected, found `=>`\nhelp: write `->` @ `=`"]);
    check(
        "A < Linear(3, 4) > [_, _] => Add > fc: Linear(4, 3) >",
        &["`->` is expected, found `>`\nhelp: write `->` @ `>`", "`->` is expected, found `>`\nhelp: write `->` @ `>`"],
    );
}

#[test]
fn a_network_after_a_network_is_no_layer() {
    check(
        "A < Linear(3, 4) > B < ReLU -> Linear(3, 3) > C: [3] < ReLU > pub D < Linear(3, 4) > < Linear(3, 4) >",
        &[
            "the shape of the input is not known: `ReLU` does not fix it\nhelp: declare it before the layers: `Name: [784] < … >` @ `ReLU`",
        ],
    );
    check("A < Linear(3, 4) > block B(D) < ReLU > #[doc = \"C\"] C: [3] < B(1) >", &[]);
}

#[test]
fn a_layer_with_an_attribute() {
    let message = |what: &str, at: &str| format!("{what} has no attributes or doc comments @ `{at}`");
    let doc = message("a layer", "/// The stem.");
    check("A < /// The stem.\n fc1: Linear(3, 2) -> ReLU >", &[&doc]);
    check("A < Linear(3, 2) -> /// The stem.\n ReLU >", &[&doc]);
    check("A < Linear(3, 2) /// The stem.\n -> ReLU >", &[&doc]);
    check("A < Linear(3, 2) -> ReLU /// The stem.\n >", &[&doc]);
    check("block B(D) < /// The stem.\n Linear(D, 2) > A < B(3) >", &[&doc]);
    check("A < (#[cfg(x)] #[inline] Linear(3, 2)) >", &[&message("a layer", "#")]);
    check("A < Linear(3, 2) -> [#[x] _, #[y] ReLU] => Add >", &[&message("a branch", "#"), &message("a branch", "#")]);
    check("A < Linear(#[x] 3, 2) >", &[&message("an argument", "#")]);
    check("A < Linear(3, 2, #) -> (ReLU) >", &[&message("an argument", "#")]);
    check("A < Residual(#[x] Linear(3, 3)) >", &[&message("an argument", "#")]);
    check("A < #[x] |x: [3]| Linear(3, 2) >", &[&message("a list of inputs", "#")]);
    check("A < |#[x] x: [3]| Linear(3, 2) >", &[&message("an input", "#")]);
    let open = "`<` is not closed\nhelp: write `>` after the last layer @ `<`";
    check("A < Linear(3, 2) /// The next.\n B < Linear(3, 2) >", &[open]);
    check("A < Linear(3, 2) /// The next.\n pub B: [3] < Linear(3, 2) >", &[open]);
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
fn repeats_of_repeats() {
    check("A < ((Linear(3, 3) * 100) * 100) -> ReLU >", &["`* 100` makes a network of more than 4096 layers @ `100`"]);
    check(
        "block B < (Linear(3, 3) -> ReLU) * 30 > A < B * 1000 -> B * 1000 >",
        &["`* 1000` makes a network of more than 4096 layers @ `1000`"],
    );
}

#[test]
fn a_label_in_upper_case() {
    check("A < Fc1: Linear(3, 3) >", &["a label is snake_case, found `Fc1`\nhelp: write `fc1` @ `Fc1`"]);
}

#[test]
fn a_label_that_is_a_keyword() {
    check("A < type: Linear(3, 3) >", &["`type` is a keyword and cannot be a label @ `type`"]);
    for word in ["match", "fn", "async", "try", "self", "Self", "crate", "_", "abstract", "dyn", "yield"] {
        check(
            &format!("A < {word}: Linear(3, 3) >"),
            &[&format!("`{word}` is a keyword and cannot be a label @ `{word}`")],
        );
    }
    check("A < r#type: Linear(3, 3) >", &["`r#type` cannot be a label @ `r#type`"]);
    check("A < r#fc: Linear(3, 3) >", &["`r#fc` cannot be a label\nhelp: write `fc` @ `r#fc`"]);
    check("A < gen: Linear(3, 3) -> union: ReLU as raw -> auto: Tanh >", &[]);
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

#[test]
fn a_label_that_is_the_key_of_a_shortcut() {
    check(
        "A < Linear(4, 4) -> Residual(shortcut: (Linear(4, 4)), shortcut = Linear(4, 4)) >",
        &["two layers have the key `1.shortcut.0`\nhelp: choose another label @ `shortcut`"],
    );
}

#[test]
fn the_least_number_of_all_is_too_large_for_a_size() {
    let source = "block B(D) < Linear(3, D) > A < B(-1 << 63 << 63 << 1) >";
    let (_, messages) = crate::tests::compile(source);
    assert!(!messages.is_empty() && messages.iter().all(|message| message.contains("D")), "{messages:?}");
}
