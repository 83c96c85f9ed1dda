//! Mistakes in blocks.

use super::check;

#[test]
fn a_block_without_its_arguments() {
    check(
        "block B(C, S = 1) < Linear(C, S) > A < B -> B(1, 2, 3) -> B(1, T = 2) -> B(\"x\") >",
        &[
            "`B` lacks `C`\nhelp: its arguments are `B(C, S = 1)` @ `B`",
            "`B` takes at most 2 positional arguments, found 3\nhelp: its arguments are `B(C, S = 1)` @ `3`",
            "`B` has no argument `T`\nhelp: its arguments are `B(C, S = 1)` @ `T`",
            "`C` of `B` is an integer, found `\"x\"` @ `\"x\"`",
        ],
    );
}

#[test]
fn a_mistake_in_a_block_is_said_once() {
    check(
        "block B(C) < Linear(C, 4, biass = false) > A < B(4) * 4 -> B(4) >",
        &["`Linear` has no argument `biass`\nhelp: did you mean `bias`?\nnote: in `B(4)` @ `biass`"],
    );
}

#[test]
fn a_shape_within_a_block() {
    check(
        "block B(C) < Linear(C, C) -> Linear(C, 5) > A < B(4) * 2 >",
        &[
            "`Linear(C, C)` expects 4 input features, but `Linear(C, 5)` produces 5\nhelp: write `Linear(5, 4)` or `Linear(_, 4)`\nnote: in `B(4)` @ `C`",
        ],
    );
}

#[test]
fn a_block_within_itself() {
    check("block B < C > block C < B > A < B >", &["the block `B` contains itself\nnote: in `C`\nnote: in `B` @ `B`"]);
}

#[test]
fn two_blocks_of_one_name() {
    check("block B < ReLU > block B < ReLU > A: [3] < B >", &["there are two blocks `B` @ `B`"]);
}

#[test]
fn a_block_in_public() {
    check("pub block B < ReLU > A: [3] < B >", &["a block has no attributes and no visibility @ `block`"]);
}

#[test]
fn a_parameter_that_is_no_name() {
    check(
        "block B(3, C, C) < ReLU > A: [3] < B(1) >",
        &[
            "a block's parameter is a name, found `3`\nhelp: write `D` or, with a default, `D = 64` @ `3`",
            "there are two parameters `C` @ `C`",
            "`B` lacks `C`\nhelp: its arguments are `B(C, C)` @ `B`",
        ],
    );
}

#[test]
fn a_zero_argument_where_a_layer_needs_one() {
    check(
        "block B(C) < Linear(3, C) > A < B(0) >",
        &["`out_features` of `Linear` must be at least 1, found 0\nnote: in `B(0)` @ `C`"],
    );
}
