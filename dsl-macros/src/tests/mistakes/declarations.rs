//! Mistakes around the layers: names, shapes, inputs, brackets.

use super::check;

#[test]
fn an_empty_call() {
    check("", &["no network is declared here\nhelp: write `Name < Linear(784, 64) -> ReLU >` @ ``"]);
}

#[test]
fn an_empty_network() {
    check("Mlp < >", &["`Mlp` has no layers @ `<`"]);
}

#[test]
fn a_call_with_blocks_alone() {
    check("block B < ReLU >", &["no network is declared here\nhelp: write `Name < Linear(784, 64) -> ReLU >` @ `B`"]);
}

#[test]
fn a_network_without_angle_brackets() {
    check(
        "Mlp { Linear(3, 4) }",
        &[
            "`<` is expected after `Mlp`, found `{…}`\nhelp: write `Mlp < Linear(784, 64) -> ReLU >` @ `{ Linear(3, 4) }`",
        ],
    );
}

#[test]
fn a_network_that_is_not_closed() {
    check("Mlp < Linear(3, 4) -> ReLU", &["`<` is not closed\nhelp: write `>` after the last layer @ `<`"]);
}

#[test]
fn a_network_that_is_not_closed_before_another() {
    check(
        "A < Linear(3, 4) -> ReLU pub B < Linear(3, 4) >",
        &["`<` is not closed\nhelp: write `>` after the last layer @ `<`"],
    );
}

#[test]
fn a_network_in_lower_case() {
    check(
        "my_net < Linear(3, 4) >",
        &["the name of a network is UpperCamelCase, found `my_net`\nhelp: write `MyNet` @ `my_net`"],
    );
}

#[test]
fn two_networks_of_one_name() {
    check(
        "A < Linear(3, 4) > A < Linear(3, 4) >",
        &["there are two networks `A`\nhelp: give each a name of its own: `Name < … >` @ `A`"],
    );
}

#[test]
fn two_networks_without_a_name() {
    check(
        "< Linear(3, 4) > < Linear(3, 4) >",
        &["there are two networks `Network`\nhelp: give each a name of its own: `Name < … >` @ `<`"],
    );
}

#[test]
fn something_else_between_networks() {
    check(
        "A < Linear(3, 4) >, B < Linear(3, 4) >",
        &["nothing stands between networks, found `,`\nhelp: leave it out @ `,`"],
    );
}

#[test]
fn an_attribute_without_brackets() {
    check(
        "# derive(Hash) A < Linear(3, 4) >",
        &[
            "an attribute is written `#[…]` @ `derive`",
            "the name of a network is UpperCamelCase, found `derive`\nhelp: write `Derive` @ `derive`",
            "`<` is expected after `derive`, found `(…)`\nhelp: write `derive < Linear(784, 64) -> ReLU >` @ `(Hash)`",
        ],
    );
}

#[test]
fn a_shape_without_brackets() {
    check(
        "A: 784 < ReLU >",
        &["a shape is expected, found `784`\nhelp: write `[3, 32, 32]`, or `[u32; 64]` for token ids @ `784`"],
    );
}

#[test]
fn a_shape_of_nothing_sensible() {
    check(
        "A: [0, 1.5, a -> b, 99999999999] < ReLU >",
        &[
            "a dimension must be at least 1, found 0 @ `0`",
            "a dimension is an integer, found `1.5` @ `1.5`",
            "a dimension is an integer, found `a -> b` @ `a`",
            "a dimension is too large: 99999999999 @ `99999999999`",
        ],
    );
}

#[test]
fn a_shape_of_another_scalar() {
    check(
        "A: [f64; 3] < ReLU >",
        &[
            "inputs are numbers or token ids (`u32`), found `f64`\nhelp: leave it out: the network's type parameter says which numbers @ `f64`",
        ],
    );
}

#[test]
fn token_ids_into_numbers() {
    check(
        "A: [u32; 64] < Linear(64, 3) >",
        &[
            "`Linear(64, 3)` takes numbers, but it is given token ids\nhelp: declare the input as numbers, `[64]`: there is no layer for token ids yet @ `Linear`",
        ],
    );
}

#[test]
fn a_shape_that_is_not_known() {
    check(
        "A < ReLU -> Linear(_, 3) >",
        &[
            "the shape of the input is not known: `ReLU` does not fix it\nhelp: declare it before the layers: `Name: [784] < … >` @ `ReLU`",
        ],
    );
}

#[test]
fn a_shape_declared_twice() {
    check(
        "A: [3] < |x: [3]| Linear(3, 4) >",
        &["the shape of the input is declared twice: `x` has one too\nhelp: leave one of them out @ `[`"],
    );
}

#[test]
fn several_inputs() {
    check(
        "A < |x: [3], y: [4]| Linear(3, 4) >",
        &["several inputs are not available yet\nhelp: give the network one input, and join them before it @ `y`"],
    );
}

#[test]
fn two_inputs_of_one_name() {
    check(
        "A < |x: [3], x: [3]| Linear(3, 4) >",
        &[
            "several inputs are not available yet\nhelp: give the network one input, and join them before it @ `x`",
            "there are two inputs `x` @ `x`",
        ],
    );
}

#[test]
fn inputs_without_shapes() {
    check("A < |x, y| Linear(3, 4) >", &["the input `x` has no shape\nhelp: write `x: [784]` @ `x`"]);
}

#[test]
fn inputs_that_are_not_closed() {
    check("A < |x: [3] Linear(3, 4) -> ReLU >", &["the list of inputs is not closed by `|` @ `|`"]);
}

#[test]
fn more_than_sixty_four_groups() {
    check(&format!("A < {}ReLU{} >", "(".repeat(70), ")".repeat(70)), &["more than 64 groups within each other @ `(`"]);
}

#[test]
fn a_network_is_not_called_like_its_scalar() {
    check(
        "T < Linear(3, 4) >",
        &["`T` is the scalar type of every network\nhelp: give the network another name @ `T`"],
    );
}

#[test]
fn a_visibility_that_is_none() {
    let help = "help: write `pub`, `pub(crate)` or `pub(in some::module)`";
    check("pub () A < Linear(3, 4) >", &[&format!("`pub()` is not a visibility\n{help} @ `()`")]);
    check("pub (H, D) A < Linear(3, 4) >", &[&format!("`pub(H, D)` is not a visibility\n{help} @ `(H, D)`")]);
    check("pub(in crate::nets) A < Linear(3, 4) >", &[]);
}

#[test]
fn an_attribute_that_is_none() {
    check("#[] A < Linear(3, 4) >", &["`#[]` is not an attribute @ `#`"]);
    check("#[doc \"x\"] A < Linear(3, 4) >", &["`#[doc \"x\"]` is not an attribute @ `#`"]);
}

#[test]
fn a_mistake_in_each_of_several_networks() {
    check(
        "A: [4] < Linaer(4, 3) > B < ReLU > C < Linear(3, 0) > D: [3] < Linear(4, 5) > E: 3 < ReLU > F < >",
        &[
            "a shape is expected, found `3`\nhelp: write `[3, 32, 32]`, or `[u32; 64]` for token ids @ `3`",
            "`F` has no layers @ `<`",
            "there is no layer `Linaer`\nhelp: did you mean `Linear`? @ `Linaer`",
            "the shape of the input is not known: `ReLU` does not fix it\nhelp: declare it before the layers: `Name: [784] < … >` @ `ReLU`",
            "`out_features` of `Linear` must be at least 1, found 0 @ `0`",
            "`Linear(4, 5)` expects 4 input features, but the input has 3\nhelp: write `Linear(3, 5)` or `Linear(_, 5)` @ `4`",
        ],
    );
}
