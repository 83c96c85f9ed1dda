//! Edges that do not agree.

use super::check;
use crate::tests::compile;

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
fn a_batch_norm_of_images() {
    check(
        "A: [3, 8, 8] < BatchNorm1d(3) >",
        &[
            "`BatchNorm1d(3)` expects samples of shape [C] or [C, L], but the input has shape [3, 8, 8]\nhelp: `BatchNorm2d` is for [C, H, W] @ `BatchNorm1d`",
        ],
    );
}

#[test]
fn a_batch_norm_of_another_rank() {
    check(
        "A: [3] < BatchNorm2d(3) > B: [3, 8, 8] < BatchNorm3d(3) > C: [3, 8] < BatchNorm2d(3) > \
         D: [1, 2, 3, 4, 5] < BatchNorm3d(1) >",
        &[
            "`BatchNorm2d(3)` expects samples of shape [C, H, W], but the input has shape [3]\nhelp: `BatchNorm1d` is for [C] or [C, L] @ `BatchNorm2d`",
            "`BatchNorm3d(3)` expects samples of shape [C, D, H, W], but the input has shape [3, 8, 8]\nhelp: `BatchNorm2d` is for [C, H, W]\nhelp: give its channels one more axis: `Unflatten(3, [8, 1]) -> BatchNorm3d(3)` @ `BatchNorm3d`",
            "`BatchNorm2d(3)` expects samples of shape [C, H, W], but the input has shape [3, 8]\nhelp: `BatchNorm1d` is for [C] or [C, L]\nhelp: give its channels one more axis: `Unflatten(2, [8, 1]) -> BatchNorm2d(3)` @ `BatchNorm2d`",
            "`BatchNorm3d(1)` expects samples of shape [C, D, H, W], but the input has shape [1, 2, 3, 4, 5] @ `BatchNorm3d`",
        ],
    );
}

/// What a help writes, `Unflatten(…) -> …`, if it does.
fn unflattened(message: &str) -> Option<&str> {
    message.split('`').find(|code| code.starts_with("Unflatten("))
}

#[test]
fn a_sample_that_lacks_an_axis_gets_one_that_fits() {
    for (shape, layer, expected) in [
        ("[28, 28]", "Conv2d(1, 6, 5, init = zeros)", Some("Unflatten(1, [1, 28]) -> Conv2d(1, 6, 5, init = zeros)")),
        ("[28, 28]", "Conv2d(_, 6, 5)", Some("Unflatten(1, [1, 28]) -> Conv2d(_, 6, 5)")),
        ("[28, 28]", "Conv2d(3, 6, 5)", Some("Unflatten(1, [1, 28]) -> Conv2d(1, 6, 5)")),
        ("[28, 28]", "Conv2d(4, 6, 5, groups = 2)", None),
        ("[3, 28]", "Conv2d(3, 6, 5)", None),
        ("[1, 28]", "Conv2d(1, 6, 5)", None),
        ("[3]", "Conv1d(3, 6, 3)", Some("Unflatten(1, [1, 3]) -> Conv1d(1, 6, 3)")),
        ("[8]", "MaxPool1d(2)", Some("Unflatten(1, [1, 8]) -> MaxPool1d(2)")),
        (
            "[8, 8]",
            "Upsample(16, mode = \"bilinear\")",
            Some("Unflatten(1, [1, 8]) -> Upsample(16, mode = \"bilinear\")"),
        ),
        ("[8, 8]", "Unfold(2)", Some("Unflatten(1, [1, 8]) -> Unfold(2)")),
        ("[4]", "ChannelShuffle(2)", Some("Unflatten(1, [4, 1]) -> ChannelShuffle(2)")),
        ("[4, 6]", "PixelUnshuffle(2)", Some("Unflatten(1, [1, 4]) -> PixelUnshuffle(2)")),
        ("[3]", "Dropout1d", Some("Unflatten(1, [3, 1]) -> Dropout1d")),
        ("[3, 8]", "Dropout2d", Some("Unflatten(2, [8, 1]) -> Dropout2d")),
        ("[3, 8, 8]", "Dropout3d(0.1)", Some("Unflatten(3, [8, 1]) -> Dropout3d(0.1)")),
        ("[3, 8]", "BatchNorm2d(3)", Some("Unflatten(2, [8, 1]) -> BatchNorm2d(3)")),
        ("[N, M]", "BatchNorm2d(N)", Some("Unflatten(2, [M, 1]) -> BatchNorm2d(N)")),
        ("[28, 28]", "BatchNorm2d(1)", Some("Unflatten(1, [1, 28]) -> BatchNorm2d(1)")),
        ("[28, 28]", "BatchNorm2d(_)", Some("Unflatten(1, [1, 28]) -> BatchNorm2d(_)")),
        ("[3, 8]", "BatchNorm2d(5)", None),
        ("[3]", "InstanceNorm1d(3)", None),
        ("[3, 1]", "InstanceNorm2d(3)", None),
        ("[3]", "InstanceNorm1d(1)", Some("Unflatten(1, [1, 3]) -> InstanceNorm1d(1)")),
        ("[3]", "InstanceNorm1d(_)", Some("Unflatten(1, [1, 3]) -> InstanceNorm1d(_)")),
        ("[3, 8]", "InstanceNorm2d(3)", Some("Unflatten(2, [8, 1]) -> InstanceNorm2d(3)")),
    ] {
        let errors = compile(&format!("A: {shape} < {layer} >")).1;
        assert_eq!(errors.len(), 1, "{layer} of {shape}: {errors:?}");
        assert_eq!(unflattened(&errors[0]), expected, "{layer} of {shape}");
        if let Some(better) = expected {
            check(&format!("A: {shape} < {better} >"), &[]);
        }
    }
}

#[test]
fn a_layer_of_channels_shows_a_shape_that_it_takes() {
    for (layer, shape) in [
        ("BatchNorm1d(_)", "[C, L]"),
        ("BatchNorm2d(3)", "[C, H, W]"),
        ("BatchNorm3d(3)", "[C, D, H, W]"),
        ("GroupNorm(1, 3)", "[C, H, W]"),
        ("InstanceNorm1d(3)", "[C, L]"),
        ("InstanceNorm2d(3)", "[C, H, W]"),
        ("InstanceNorm3d(3)", "[C, D, H, W]"),
        ("LocalResponseNorm(3)", "[C, H, W]"),
        ("Dropout1d", "[C, L]"),
        ("Dropout2d", "[C, H, W]"),
        ("Dropout3d", "[C, D, H, W]"),
        ("FeatureAlphaDropout", "[C, H, W]"),
        ("Softmax2d", "[C, H, W]"),
        ("PReLU(3)", "[C, H, W]"),
        ("PixelShuffle(1)", "[C, H, W]"),
        ("PReLU", "[784]"),
        ("Dropout", "[784]"),
        ("Softmax", "[784]"),
    ] {
        let name = layer.split('(').next().expect("a name");
        check(
            &format!("A < {layer} >"),
            &[&format!(
                "the shape of the input is not known: `{layer}` does not fix it\nhelp: declare it before the layers: `Name: {shape} < … >` @ `{name}`"
            )],
        );
        let numbers = shape.replace('C', "3").replace(['L', 'D', 'H', 'W'], "4");
        check(&format!("A: {numbers} < {layer} >"), &[]);
    }
}

#[test]
fn a_batch_norm_of_other_channels() {
    check(
        "A: [3, 8, 8] < BatchNorm2d(8) >",
        &[
            "`BatchNorm2d(8)` expects 8 channels, but the input has 3, in [3, 8, 8]\nhelp: write `BatchNorm2d(3)` or `BatchNorm2d(_)` @ `8`",
        ],
    );
}

#[test]
fn a_batch_norm_of_scalars() {
    check(
        "A: [] < BatchNorm1d(1) >",
        &["`BatchNorm1d(1)` expects samples of shape [C] or [C, L], but the input has shape [] @ `BatchNorm1d`"],
    );
}

#[test]
fn groups_that_do_not_divide_the_channels() {
    check(
        "A: [6, 8] < GroupNorm(4, 6) > B: [32, 8, 8] < GroupNorm(30, _) > C: [6, 8] < GroupNorm(7, 6) >",
        &[
            "`num_groups` of `GroupNorm(4, 6)` must divide its 6 channels, found 4\nhelp: write `GroupNorm(3, 6)` @ `4`",
            "`num_groups` of `GroupNorm(30, _)` must divide its 32 channels, found 30\nhelp: write `GroupNorm(32, 32)` @ `30`",
            "`num_groups` of `GroupNorm(7, 6)` must divide its 6 channels, found 7\nhelp: write `GroupNorm(6, 6)` @ `7`",
        ],
    );
}

#[test]
fn a_group_norm_of_other_channels() {
    check(
        "A: [3, 8] < GroupNorm(2, 4) -> InstanceNorm1d(4) -> GroupNorm(1, 3) >",
        &[
            "`GroupNorm(2, 4)` expects 4 channels, but the input has 3, in [3, 8]\nhelp: write `GroupNorm(2, 3)` or `GroupNorm(2, _)` @ `4`",
            "`InstanceNorm1d(4)` expects 4 channels, but `GroupNorm(2, 4)` produces 3, in [3, 8]\nhelp: write `InstanceNorm1d(3)` or `InstanceNorm1d(_)` @ `4`",
        ],
    );
    check(
        "A: [] < GroupNorm(1, 1) >",
        &["`GroupNorm(1, 1)` expects samples of shape [C, …], but the input has shape [] @ `GroupNorm`"],
    );
}

#[test]
fn norms_of_one_value() {
    check(
        "A: [4] < GroupNorm(4, 4) > B: [4, 1, 1] < InstanceNorm2d(4, track_running_stats = true) > C: [1] < GroupNorm(1, 1) >",
        &[
            "`GroupNorm(4, 4)` needs more than 1 value in each group of a sample, but the input has shape [4]\nhelp: write `GroupNorm(1, 4)`: one group @ `GroupNorm`",
            "`InstanceNorm2d(4, track_running_stats = true)` needs more than 1 value in each channel of a sample, but the input has shape [4, 1, 1]\nhelp: one value is its own mean: normalise over the channels, with `LayerNorm` or `GroupNorm` @ `InstanceNorm2d`",
            "`GroupNorm(1, 1)` needs more than 1 value in each group of a sample, but the input has shape [1]\nhelp: one value is its own mean: leave it out @ `GroupNorm`",
        ],
    );
}

#[test]
fn an_instance_norm_of_another_rank() {
    check(
        "A: [3, 8, 8] < InstanceNorm1d(3) > B: [3] < InstanceNorm1d(3) > C: [3, 8] < InstanceNorm3d(3) >",
        &[
            "`InstanceNorm1d(3)` expects samples of shape [C, L], but the input has shape [3, 8, 8]\nhelp: `InstanceNorm2d` is for [C, H, W] @ `InstanceNorm1d`",
            "`InstanceNorm1d(3)` expects samples of shape [C, L], but the input has shape [3]\nhelp: one value is its own mean: normalise over the channels, with `LayerNorm` or `GroupNorm` @ `InstanceNorm1d`",
            "`InstanceNorm3d(3)` expects samples of shape [C, D, H, W], but the input has shape [3, 8]\nhelp: `InstanceNorm1d` is for [C, L] @ `InstanceNorm3d`",
        ],
    );
}

#[test]
fn an_rms_norm_of_other_axes() {
    check(
        "A: [4, 8] < RMSNorm([8, 4]) > B: [8] < RMSNorm(9) >",
        &[
            "`RMSNorm([8, 4])` normalises the last axes [8, 4], but the input has shape [4, 8]\nhelp: write `RMSNorm([4, 8])` @ `[8, 4]`",
            "`RMSNorm(9)` normalises the last axes 9, but the input has shape [8]\nhelp: write `RMSNorm(8)` or `RMSNorm(_)` @ `9`",
        ],
    );
}

#[test]
fn a_local_response_norm_of_vectors() {
    check(
        "A: [8] < LocalResponseNorm(3) > B: [] < LocalResponseNorm(3) >",
        &[
            "`LocalResponseNorm(3)` expects samples of shape [C, L, …], but the input has shape [8]\nhelp: `Unflatten(1, [_, 1])` makes a position of them @ `LocalResponseNorm`",
            "`LocalResponseNorm(3)` expects samples of shape [C, L, …], but the input has shape [] @ `LocalResponseNorm`",
        ],
    );
}

#[test]
fn a_dropout_of_channels_of_another_rank() {
    check(
        "A: [3, 8] < Dropout2d > B: [3] < Dropout1d(0.2) > C: [3, 4, 4, 4] < Dropout1d > D: [] < FeatureAlphaDropout >",
        &[
            "`Dropout2d` expects samples of shape [C, H, W], but the input has shape [3, 8]\nhelp: `Dropout1d` is for [C, L]\nhelp: give its channels one more axis: `Unflatten(2, [8, 1]) -> Dropout2d` @ `Dropout2d`",
            "`Dropout1d(0.2)` expects samples of shape [C, L], but the input has shape [3]\nhelp: give its channels one more axis: `Unflatten(1, [3, 1]) -> Dropout1d(0.2)` @ `Dropout1d`",
            "`Dropout1d` expects samples of shape [C, L], but the input has shape [3, 4, 4, 4]\nhelp: `Dropout3d` is for [C, D, H, W] @ `Dropout1d`",
            "`FeatureAlphaDropout` expects samples of shape [C, …], but the input has shape [] @ `FeatureAlphaDropout`",
        ],
    );
}

#[test]
fn a_layer_norm_of_too_many_axes() {
    check(
        "A: [8] < LayerNorm([4, 8]) >",
        &["`LayerNorm([4, 8])` normalises the last axes [4, 8], but the input has shape [8] @ `[4, 8]`"],
    );
}

#[test]
fn a_layer_norm_of_other_axes() {
    check(
        "A: [4, 8] < LayerNorm([8, 4]) >",
        &[
            "`LayerNorm([8, 4])` normalises the last axes [8, 4], but the input has shape [4, 8]\nhelp: write `LayerNorm([4, 8])` @ `[8, 4]`",
        ],
    );
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

#[test]
fn more_padding_than_half_of_a_window() {
    check(
        "A: [3, 8, 8] < MaxPool2d(3, padding = 2, dilation = 2) -> AvgPool2d((4, 1), padding = (2, 1)) >",
        &[
            "`padding` of `MaxPool2d` must be at most half of `kernel_size`, found 2, and a kernel of 3\nhelp: write `padding = 1`, or take a larger kernel @ `2`",
            "`padding` of `AvgPool2d` must be at most half of `kernel_size`, found 1, and a kernel of 1\nhelp: leave `padding` out, or take a larger kernel @ `(2, 1)`",
        ],
    );
}

#[test]
fn a_pool_of_less_than_a_window() {
    check(
        "A: [3, 8, 2] < MaxPool2d(3, stride = 1, padding = (0, 0)) >",
        &[
            "`MaxPool2d(3, stride = 1, padding = (0, 0))` makes an empty output: the input has shape [3, 8, 2], and (2 + 0 - 1 · (3 - 1) - 1) / 1 + 1 along W is less than 1\nhelp: its window is 3 wide: pad 1 more, or take a smaller kernel @ `MaxPool2d`",
        ],
    );
    // A cut window is one.
    check(
        "A: [3, 2] < LPPool1d(2, 3, ceil_mode = true) -> MaxPool1d(2, ceil_mode = true) -> Flatten -> Linear(3, 1) >",
        &[],
    );
}

#[test]
fn a_pool_over_other_axes() {
    check(
        "A: [8, 8] < MaxPool2d(2) >",
        &[
            "`MaxPool2d(2)` expects samples of shape [C, H, W], but the input has shape [8, 8]\nhelp: `MaxPool1d` is for [C, L]\nhelp: give it an axis for its one channel: `Unflatten(1, [1, 8]) -> MaxPool2d(2)` @ `MaxPool2d`",
        ],
    );
    check(
        "A: [3, 8, 8] < AdaptiveAvgPool1d(1) >",
        &[
            "`AdaptiveAvgPool1d(1)` expects samples of shape [C, L], but the input has shape [3, 8, 8]\nhelp: `AdaptiveAvgPool2d` is for [C, H, W] @ `AdaptiveAvgPool1d`",
        ],
    );
}

#[test]
fn a_window_of_too_many_axes() {
    check(
        "A: [3, 8, 8] < MaxPool2d((2, 2, 2, 2)) -> AdaptiveMaxPool2d([1, 2, None]) -> AdaptiveAvgPool3d(0) >",
        &[
            "`kernel_size` of `MaxPool2d` is one number, or one for each of 2 axes, found 4 @ `(2, 2, 2, 2)`",
            "`output_size` of `AdaptiveMaxPool2d` is one number, or one for each of 2 axes, found 3 @ `[1, 2, None]`",
            "`output_size` of `AdaptiveAvgPool3d` must be at least 1, found 0 @ `0`",
        ],
    );
}

#[test]
fn options_that_no_pool_can_have() {
    check(
        "A: [3, 8, 8] < MaxPool2d(2, return_indices = true) -> MaxPool2d(2, 2, 0, 1, true) -> MaxPool2d(2, return_indices = false) >",
        &[
            "`return_indices` of `MaxPool2d` is not available: a layer has one output, and there is no `MaxUnpool` to read places @ `true`",
            "`return_indices` of `MaxPool2d` is not available: a layer has one output, and there is no `MaxUnpool` to read places @ `true`",
        ],
    );
    check(
        "A: [3, 8, 8] < AvgPool2d(2, divisor_override = 0) -> LPPool2d(0, 2) -> AvgPool1d(2, divisor_override = 3) >",
        &[
            "`divisor_override` of `AvgPool2d` must be other than 0, found 0 @ `0`",
            "`norm_type` of `LPPool2d` must be other than 0, found 0 @ `0`",
            "`AvgPool1d` has no argument `divisor_override`\nhelp: its arguments are `AvgPool1d(kernel_size, stride = None, padding = 0, ceil_mode = false, count_include_pad = true)` @ `divisor_override`",
        ],
    );
}
