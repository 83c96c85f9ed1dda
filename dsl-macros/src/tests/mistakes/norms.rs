//! Layers of channels: norms, dropouts, and samples that lack an axis.

use super::check;
use crate::tests::compile;

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
