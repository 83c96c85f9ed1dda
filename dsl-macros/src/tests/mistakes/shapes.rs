//! Edges that do not agree.

use super::check;

#[test]
fn features_that_do_not_agree() {
    check(
        "A < Linear(784, 64) -> ReLU -> Linear(128, 10) >",
        &[
            "`Linear(128, 10)` expects 128 input features, but `Linear(784, 64)` produces 64\nhelp: write `Linear(64, 10)` or `Linear(_, 10)` @ `128`",
        ],
    );
}

#[test]
fn every_edge_that_does_not_agree() {
    check(
        "A < Linear(784, 64) -> Linear(65, 10) -> BatchNorm1d(11) -> LayerNorm(12) -> Linear(10, 3) -> PReLU(4) >",
        &[
            "`Linear(65, 10)` expects 65 input features, but `Linear(784, 64)` produces 64\nhelp: write `Linear(64, 10)` or `Linear(_, 10)` @ `65`",
            "`BatchNorm1d(11)` expects 11 features, but `Linear(65, 10)` produces 10\nhelp: write `BatchNorm1d(10)` or `BatchNorm1d(_)` @ `11`",
            "`LayerNorm(12)` normalises the last axes 12, but `BatchNorm1d(11)` produces [10]\nhelp: write `LayerNorm(10)` or `LayerNorm(_)` @ `12`",
            "`PReLU(4)` has 4 slopes, but `Linear(10, 3)` produces 3 channels\nhelp: write `PReLU(3)`, or `PReLU` for one slope @ `4`",
        ],
    );
}

#[test]
fn an_image_into_a_linear_layer() {
    check(
        "A: [28, 28] < Linear(784, 10) >",
        &[
            "`Linear(784, 10)` expects 784 input features, but the input has shape [28, 28], whose last axis is 28\nhelp: write `Flatten -> Linear(784, 10)` @ `784`",
        ],
    );
}

#[test]
fn an_image_of_another_size() {
    check(
        "A: [28, 28] < Linear(785, 10) >",
        &[
            "`Linear(785, 10)` expects 785 input features, but the input has shape [28, 28], whose last axis is 28\nhelp: write `Linear(28, 10)` or `Linear(_, 10)` @ `785`",
        ],
    );
}

#[test]
fn a_scalar_into_a_linear_layer() {
    check(
        "A: [] < Linear(1, 10) >",
        &[
            "`Linear(1, 10)` works on the last axis, but the input has shape []\nhelp: a sample of one number has shape `[1]` @ `Linear`",
        ],
    );
}

#[test]
fn an_axis_that_is_the_batch() {
    check(
        "A: [2, 3] < Flatten(0) -> ReLU >",
        &[
            "`start_dim = 0` of `Flatten(0)` is the batch, whose samples do not meet\nhelp: the axes of a sample are 1 to 2, the last is also -1 @ `0`",
        ],
    );
}

#[test]
fn a_softmax_over_the_batch() {
    check(
        "A: [3] < Softmax(dim = 0) >",
        &[
            "`dim = 0` of `Softmax(dim = 0)` is the batch, whose samples do not meet\nhelp: the sample's axis is 1, or -1 @ `0`",
        ],
    );
}

#[test]
fn a_softmax_without_an_axis() {
    check(
        "A: [2, 3] < LogSoftmax >",
        &[
            "`LogSoftmax` without `dim` would work on axis 0, the batch, since the input has shape [2, 3]\nhelp: write `LogSoftmax(dim = -1)` @ `LogSoftmax`",
        ],
    );
}

#[test]
fn an_axis_that_is_not_there() {
    check(
        "A: [2, 3] < GLU(3) >",
        &[
            "`dim = 3` of `GLU(3)` is out of range: the input has shape [2, 3]\nhelp: the axes are 0, the batch, and 1 to 2 @ `3`",
        ],
    );
}

#[test]
fn axes_the_wrong_way_round() {
    check(
        "A: [2, 3, 4] < Flatten(3, 1) >",
        &["`start_dim = 3` of `Flatten(3, 1)` comes after `end_dim = 1`: the input has shape [2, 3, 4] @ `3`"],
    );
}

#[test]
fn flatten_of_a_scalar() {
    check(
        "A: [] < Flatten >",
        &[
            "`start_dim = 1` of `Flatten` is out of range: the input has shape []\nhelp: there is no axis but 0, the batch @ `Flatten`",
        ],
    );
}

#[test]
fn an_unflatten_that_does_not_fit() {
    check(
        "A: [12] < Unflatten(1, (5, 2)) >",
        &[
            "`Unflatten(1, (5, 2))` splits an axis of 12 into sizes whose product is 10: the input has shape [12]\nhelp: write `_` for one of the sizes, to have it computed @ `(5, 2)`",
        ],
    );
}

#[test]
fn an_open_size_as_pytorch_writes_it() {
    check(
        "A: [12] < Unflatten(1, [3, -1]) -> Flatten -> Linear(-1, 2) >",
        &[
            "`unflattened_size` of `Unflatten` must be at least 1, found -1\nhelp: write `_` for what is to be inferred @ `-`",
            "`in_features` of `Linear` must be at least 1, found -1\nhelp: write `_` for what is to be inferred @ `-`",
        ],
    );
}

#[test]
fn an_unflatten_that_leaves_a_rest() {
    check(
        "A: [12] < Unflatten(1, [5, _]) >",
        &[
            "`Unflatten(1, [5, _])` splits an axis of 12, which 5 does not divide\nhelp: 12 is divided by 1, 2, 3, 4, 6, 12 @ `_`",
        ],
    );
}

#[test]
fn an_unflatten_with_two_open_sizes() {
    check("A: [12] < Unflatten(1, [_, _]) >", &["only one size of `Unflatten` can be left open @ `_`"]);
}

#[test]
fn an_odd_axis_in_halves() {
    check(
        "A: [7] < GLU >",
        &[
            "`GLU` halves an axis, which must be even, but the input has shape [7]\nhelp: let axis 1 have 8 elements, of which 4 are left @ `GLU`",
        ],
    );
}

#[test]
fn a_softmax2d_of_vectors() {
    check(
        "A: [7] < Softmax2d >",
        &[
            "`Softmax2d` expects samples of shape [C, H, W], but the input has shape [7]\nhelp: `Softmax(dim = 1)` takes any shape @ `Softmax2d`",
        ],
    );
}

#[test]
fn a_residual_that_changes_the_width() {
    check(
        "A < Linear(3, 4) -> Residual(Linear(4, 8) -> ReLU) >",
        &[
            "`Residual` adds its input [4] to what its layers make of it, [8]\nhelp: write `Residual(…, shortcut = Linear(4, 8))` @ `Residual`",
        ],
    );
}

#[test]
fn a_residual_that_changes_the_rank() {
    check(
        "A: [2, 3] < Residual(Flatten) >",
        &[
            "`Residual` adds its input [2, 3] to what its layers make of it, [6]\nhelp: bring the input to the shape [6]: `Residual(…, shortcut = …)` @ `Residual`",
        ],
    );
}

#[test]
fn a_shortcut_of_another_width() {
    check(
        "A < Residual(Linear(4, 8), shortcut = Linear(4, 9)) >",
        &[
            "`Residual` adds its branches, but its layers produce [8] and its shortcut [9]\nhelp: let both end in one shape @ `Residual`",
        ],
    );
}

#[test]
fn values_of_different_shapes() {
    check(
        "A < Linear(3, 4) as s -> Linear(4, 5) -> [_, s] => Add >",
        &["`Add` needs values of one shape, but `Linear(4, 5)` produces [5] and `Linear(3, 4)` produces [4] @ `Add`"],
    );
}

#[test]
fn a_residual_without_layers() {
    check(
        "A < Linear(3, 4) -> Residual -> Residual() >",
        &[
            "`Residual` lacks the layers to go around\nhelp: write `Residual(Linear(64, 64) -> ReLU)` @ `Residual`",
            "`Residual` lacks the layers to go around\nhelp: write `Residual(Linear(64, 64) -> ReLU)` @ `Residual`",
        ],
    );
}

#[test]
fn a_residual_with_two_bodies() {
    check(
        "A < Residual(Linear(4, 4), ReLU, skip = ReLU) >",
        &[
            "`Residual` goes around one chain of layers, found another after `,`\nhelp: join layers by `->`, or write `shortcut = …` @ `ReLU`",
            "`Residual` has no argument `skip`\nhelp: its arguments are `Residual(layers, shortcut = layers)` @ `skip`",
        ],
    );
}

#[test]
fn values_that_do_not_fit_beside_each_other() {
    check(
        "A: [2, 3] < Linear(3, 4) as s -> Linear(4, 5) -> [_, s] => Concat(1) >",
        &[
            "`Concat(1)` needs values that agree but for axis 1, but `Linear(4, 5)` produces [2, 5] and `Linear(3, 4)` produces [2, 4] @ `Concat`",
        ],
    );
}

#[test]
fn values_of_different_shapes_in_a_stack() {
    check(
        "A < Linear(3, 4) as s -> Linear(4, 5) -> [_, s] => Stack(1) >",
        &[
            "`Stack(1)` needs values of one shape, but `Linear(4, 5)` produces [5] and `Linear(3, 4)` produces [4] @ `Stack`",
        ],
    );
}

#[test]
fn values_beside_each_other_along_the_batch() {
    check(
        "A: [3] < [_, _] => Concat(0) >",
        &[
            "`dim = 0` of `Concat(0)` is the batch, whose samples do not meet\nhelp: the sample's axis is 1, or -1 @ `0`",
        ],
    );
}

#[test]
fn a_stack_along_the_batch() {
    check(
        "A: [3] < [_, _] => Stack(0) >",
        &[
            "`dim = 0` of `Stack(0)` is the batch, whose samples do not meet\nhelp: the axes of a sample are 1 to 2, the last is also -1 @ `0`",
        ],
    );
}

#[test]
fn a_product_of_three() {
    check(
        "A: [3] < [_, _, _] => Mul >",
        &[
            "`Mul` joins exactly 2 values, found 3\nhelp: multiply one after the other: `[[a, b] => Mul, c] => Mul` @ `Mul`",
        ],
    );
}

#[test]
fn factors_of_different_shapes() {
    check(
        "A < Linear(3, 4) as s -> Linear(4, 5) -> [_, s] => Mul >",
        &["`Mul` needs values of one shape, but `Linear(4, 5)` produces [5] and `Linear(3, 4)` produces [4] @ `Mul`"],
    );
}

#[test]
fn more_than_a_program_can_address() {
    let check_all = |source: &str, message: &str| check(source, &[message]);
    check_all(
        "A: [3, 1000000, 1000000, 1000000, 1000000] < Flatten -> Linear(_, 3) >",
        "a sample of shape [3, 1000000, 1000000, 1000000, 1000000] takes 12000000000000000000000000 bytes in `f32`, more than a program can address @ `[`",
    );
    check_all(
        "A < Linear(4294967295, 4294967295) -> ReLU >",
        "`weight` of `Linear(4294967295, 4294967295)` takes 73786976260478468100 bytes in `f32`, more than a program can address @ `Linear`",
    );
    check_all(
        "A: [4294967295] < Unflatten(1, [4294967295, 4294967295]) >",
        "what `Unflatten(1, [4294967295, 4294967295])` makes of an axis takes 73786976260478468100 bytes in `f32`, more than a program can address @ `[4294967295, 4294967295]`",
    );
    check_all(
        "A: [N, 4294967295, 4294967295, 4294967295, 4294967295] < Flatten >",
        "a sample of shape [N, 4294967295, 4294967295, 4294967295, 4294967295] takes more than 2^128 bytes @ `[`",
    );
    check_all(
        "A < LayerNorm([1000000, 1000000, 1000000]) >",
        "the output of `LayerNorm([1000000, 1000000, 1000000])`, [1000000, 1000000, 1000000], takes 4000000000000000000 bytes in `f32`, more than a program can address @ `LayerNorm`",
    );
    check_all(
        "A < Linear(3, 4) -> my::Layer => [4294967295, 4294967295] -> Flatten >",
        "a sample of shape [4294967295, 4294967295] takes 73786976260478468100 bytes in `f32`, more than a program can address @ `[`",
    );
    check_all(
        "A: [1000000, 1000000] < Linear(1000000, 1000000) >",
        "`Linear(1000000, 1000000)` takes more than 2^48 operations for one sample @ `Linear`",
    );
    check("A < Linear(4294967295, 3) -> ReLU >", &[]);
}
