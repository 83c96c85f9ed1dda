//! What may be a name, a value or an arrow in `train!`, and what is said of the rest.

use super::*;

#[test]
fn a_name_is_no_keyword() {
    let named = |name: &str| {
        crate::expand::trainer(format!("{name} for Mlp {{ loss: L, optimizer: O }}").parse().expect("tokens"))
    };
    assert!(named("match").to_string().contains("`match` is a keyword and cannot name a trainer"));
    syn::parse2::<syn::File>(named("match")).expect("what has no name is left out");
    check(
        "T for match { loss: L, optimizer: O }",
        &["expected the name of a network, found the keyword `match` @ `match`"],
    );
    check("T for my::fn { loss: L, optimizer: O }", &["expected the name of a network, found the keyword `fn` @ `fn`"]);
    check(
        "T for Mlp { loss: type, optimizer: O }",
        &["expected the name of a loss, found the keyword `type` @ `type`"],
    );
    check(
        "T for Mlp { loss: L, optimizer: O(for = 1) }",
        &["`for` is a keyword and cannot be an option of `O` @ `for`"],
    );
    // A raw name is a name.
    check("r#Type for crate::Mlp { loss: r#type, optimizer: my::r#fn(r#in = 1) }", &[]);
}

#[test]
fn a_value_is_an_expression() {
    let check = |options: &str, expected: &[&str]| {
        check(&format!("T for Mlp {{ loss: L, optimizer: SGD({options}) }}"), expected);
    };
    check("lr = = 0.1", &["`lr` of `SGD` is an expression, found `= 0.1` @ `=`"]);
    check("lr = #, k = 3", &["`lr` of `SGD` is an expression, found `#` @ `#`"]);
    check("lr = crate", &["`lr` of `SGD` is an expression, found `crate` @ `crate`"]);
    check("lr = 0.1 0.2", &["expected `,`, found `0.2` @ `0.2`"]);
    check("lr = 0.1 k = 3", &["expected `,`, found `k` @ `k`"]);
    check_items("ema: 0.9 accumulate: 3", &["expected `,`, found `accumulate` @ `accumulate`"]);
    check_items("ema: / 2", &["`ema` is an expression, found `/ 2` @ `/`"]);
    check_items("scheduler: A for 2 * -> B", &["the number after `for` is an expression, found `2 *` @ `2`"]);
}

#[test]
fn a_comma_within_an_expression_ends_no_option() {
    check(
        "T for Mlp {
            loss: L(weight = f::<1, 2>(), f = |a, b| a + b, k = if x { [1, 2] } else { [3, 4] }),
            optimizer: O(lr = <X as Y<1, 2>>::RATE),
            accumulate: f::<1, 2>(),
            scheduler: A for f::<1, 2>() -> B(f = |t| -> f64 { 1.0 }) for 2 * N -> C for { 3 } -> D for N / (2 - 1) -> E per step,
            ema: 0.9,
        }",
        &[],
    );
}

#[test]
fn another_arrow_between_schedules() {
    for arrow in [">>", "=>", "|>", "<-", "-->"] {
        let (first, message) = (&arrow[..1], format!("expected `->`, found `{arrow}`\nhelp: write `->` @ `"));
        check_items(&format!("scheduler: A(x = 1) {arrow} B(y = 2)"), &[&format!("{message}{first}`")]);
    }
    check_items("scheduler: A for 3 => B", &["expected `->`, found `=>`\nhelp: write `->` @ `=`"]);
}

#[test]
fn nothing_within_has_attributes() {
    let message = |what: &str| format!("{what} has no attributes or doc comments @ `#`");
    check("T for Mlp { #[x] loss: L, optimizer: O }", &[&message("an item of `train!`")]);
    check("T for Mlp { loss: L, optimizer: O(#[x] lr = 1) }", &[&message("an option")]);
    check("T for Mlp { loss: L, optimizer: O { #[x] head => (lr = 1) } }", &[&message("an item of an optimizer")]);
    check("T for Mlp { loss: L, optimizer: O { head => (#[x] lr = 1) } }", &[&message("an option")]);
    check_items("metrics: [#[x] A]", &[&message("an element of a list")]);
}

#[test]
fn neither_trainer_nor_network_is_called_like_the_scalar() {
    for (source, expected) in [
        ("T for Mlp { loss: L, optimizer: O }", 1),
        ("A for T { loss: L, optimizer: O }", 1),
        ("T for T { loss: L, optimizer: O }", 2),
        ("A for my::T { loss: L, optimizer: O }", 0),
    ] {
        let expansion = crate::expand::trainer(source.parse().expect("tokens")).to_string();
        assert_eq!(expansion.matches("is the scalar type of every").count(), expected, "{source}");
    }
}
