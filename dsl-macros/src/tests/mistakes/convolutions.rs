//! Convolutions: sizes, channels, groups and padding that do not fit.

use super::check;

#[test]
fn channels_that_are_not_those_of_the_input() {
    check(
        "A: [16, 8, 8] < Conv2d(3, 4, 3) >",
        &[
            "`Conv2d(3, 4, 3)` expects 3 channels, but the input has 16, in [16, 8, 8]\nhelp: write `Conv2d(16, 4, 3)` or `Conv2d(_, 4, 3)` @ `3`",
        ],
    );
}

#[test]
fn channels_that_are_not_those_of_another_layer() {
    check(
        "A: [1, 28, 28] < Conv2d(1, 8, 5) -> ReLU -> Conv2d(16, 32, 3, stride = 2, bias = false) >",
        &[
            "`Conv2d(16, 32, 3, stride = 2, bias = false)` expects 16 channels, but `Conv2d(1, 8, 5)` produces 8, in [8, 24, 24]\nhelp: write `Conv2d(8, 32, 3, stride = 2, bias = false)` or `Conv2d(_, 32, 3, stride = 2, bias = false)` @ `16`",
        ],
    );
}

#[test]
fn an_empty_output() {
    check(
        "A: [1, 8, 8] < Conv2d(1, 6, 5) -> Conv2d(6, 16, 5) >",
        &[
            "`Conv2d(6, 16, 5)` makes an empty output: `Conv2d(1, 6, 5)` produces [6, 4, 4], and (4 + 0 - 1 · (5 - 1) - 1) / 1 + 1 along H is less than 1\nhelp: its window is 5 wide: pad 1 more, or take a smaller kernel @ `Conv2d`",
            "`Conv2d(6, 16, 5)` makes an empty output: `Conv2d(1, 6, 5)` produces [6, 4, 4], and (4 + 0 - 1 · (5 - 1) - 1) / 1 + 1 along W is less than 1\nhelp: its window is 5 wide: pad 1 more, or take a smaller kernel @ `Conv2d`",
        ],
    );
}

#[test]
fn a_dilated_window_that_is_too_wide() {
    check(
        "A: [1, 8, 3] < Conv2d(1, 6, (3, 5), dilation = (4, 1)) >",
        &[
            "`Conv2d(1, 6, (3, 5), dilation = (4, 1))` makes an empty output: the input has shape [1, 8, 3], and (8 + 0 - 4 · (3 - 1) - 1) / 1 + 1 along H is less than 1\nhelp: its window is 9 wide: pad 1 more, or take a smaller kernel @ `Conv2d`",
            "`Conv2d(1, 6, (3, 5), dilation = (4, 1))` makes an empty output: the input has shape [1, 8, 3], and (3 + 0 - 1 · (5 - 1) - 1) / 1 + 1 along W is less than 1\nhelp: its window is 5 wide: pad 1 more, or take a smaller kernel @ `Conv2d`",
        ],
    );
}

#[test]
fn a_flat_sample() {
    check(
        "A: [784] < Conv2d(1, 6, 5) >",
        &[
            "`Conv2d(1, 6, 5)` expects samples of shape [C, H, W], but the input has shape [784]\nhelp: make axes of it: `Unflatten(1, [C, H, W]) -> Conv2d(1, 6, 5)` @ `Conv2d`",
        ],
    );
}

#[test]
fn an_image_without_channels() {
    check(
        "A: [28, 28] < Conv2d(1, 6, 5) >",
        &[
            "`Conv2d(1, 6, 5)` expects samples of shape [C, H, W], but the input has shape [28, 28]\nhelp: `Conv1d` is for [C, L]\nhelp: give it an axis for its one channel: `Unflatten(1, [1, 28]) -> Conv2d(1, 6, 5)` @ `Conv2d`",
        ],
    );
}

#[test]
fn a_sequence_into_two_axes() {
    check(
        "A: [3, 100] < Conv2d(3, 6, 5) >",
        &[
            "`Conv2d(3, 6, 5)` expects samples of shape [C, H, W], but the input has shape [3, 100]\nhelp: `Conv1d` is for [C, L] @ `Conv2d`",
        ],
    );
}

#[test]
fn a_volume_into_two_axes() {
    check(
        "A: [3, 4, 4, 4] < Conv2d(3, 6, 3) >",
        &[
            "`Conv2d(3, 6, 3)` expects samples of shape [C, H, W], but the input has shape [3, 4, 4, 4]\nhelp: `Conv3d` is for [C, D, H, W] @ `Conv2d`",
        ],
    );
}

#[test]
fn more_axes_than_any_layer_takes() {
    check(
        "A: [1, 2, 3, 4, 5] < Conv2d(1, 6, 3) >",
        &["`Conv2d(1, 6, 3)` expects samples of shape [C, H, W], but the input has shape [1, 2, 3, 4, 5] @ `Conv2d`"],
    );
}

#[test]
fn a_window_that_lacks_three_elements() {
    check(
        "A: [1, 4] < Conv1d(1, 6, 7) >",
        &[
            "`Conv1d(1, 6, 7)` makes an empty output: the input has shape [1, 4], and (4 + 0 - 1 · (7 - 1) - 1) / 1 + 1 along L is less than 1\nhelp: its window is 7 wide: pad 2 more, or take a smaller kernel @ `Conv1d`",
        ],
    );
}

#[test]
fn an_image_into_one_axis() {
    check(
        "A: [3, 4, 4] < Conv1d(3, 6, 3) >",
        &[
            "`Conv1d(3, 6, 3)` expects samples of shape [C, L], but the input has shape [3, 4, 4]\nhelp: `Conv2d` is for [C, H, W] @ `Conv1d`",
        ],
    );
}

#[test]
fn a_shape_that_is_not_declared() {
    check(
        "A < Conv2d(1, 6, 5) -> ReLU >",
        &[
            "the shape of the input is not known: `Conv2d(1, 6, 5)` does not fix it\nhelp: declare it before the layers: `Name: [C, H, W] < … >` @ `Conv2d`",
        ],
    );
}

#[test]
fn groups_that_do_not_divide_the_input() {
    check(
        "A: [6, 8, 8] < Conv2d(6, 8, 3, groups = 4) >",
        &[
            "`groups = 4` of `Conv2d(6, 8, 3, groups = 4)` does not divide its 6 input channels\nhelp: 6 is divided by 1, 2, 3, 6 @ `4`",
        ],
    );
}

#[test]
fn groups_that_do_not_divide_the_output() {
    check(
        "A: [6, 8, 8] < Conv2d(6, 8, 3, groups = 3) >",
        &[
            "`groups = 3` of `Conv2d(6, 8, 3, groups = 3)` does not divide its 8 output channels\nhelp: 8 is divided by 1, 2, 4, 8 @ `3`",
        ],
    );
}

#[test]
fn a_kernel_of_four_sizes() {
    check(
        "A: [3, 8, 8] < Conv2d(3, 8, (3, 3, 3, 3)) >",
        &["`kernel_size` of `Conv2d` is one number, or one for each of 2 axes, found 4 @ `(3, 3, 3, 3)`"],
    );
}

#[test]
fn a_kernel_of_no_size() {
    check("A: [3, 8, 8] < Conv2d(3, 8, 0) >", &["`kernel_size` of `Conv2d` must be at least 1, found 0 @ `0`"]);
}

#[test]
fn a_stride_of_zero() {
    check("A: [3, 8, 8] < Conv2d(3, 8, 3, stride = 0) >", &["`stride` of `Conv2d` must be at least 1, found 0 @ `0`"]);
}

#[test]
fn a_negative_padding() {
    check(
        "A: [3, 8, 8] < Conv2d(3, 8, 3, padding = -1) >",
        &["`padding` of `Conv2d` must be at least 0, found -1 @ `-`"],
    );
}

#[test]
fn a_padding_by_a_wrong_word() {
    check(
        "A: [3, 8, 8] < Conv2d(3, 8, 3, padding = \"sane\") >",
        &[
            "`padding` of `Conv2d` is a number, `\"same\"` or `\"valid\"`, found `\"sane\"`\nhelp: write `\"same\"` @ `\"sane\"`",
        ],
    );
}

#[test]
fn the_same_size_with_a_stride() {
    check(
        "A: [3, 8, 8] < Conv2d(3, 8, 3, padding = \"same\", stride = 2) >",
        &[
            "`padding = \"same\"` of `Conv2d` needs `stride = 1`, found 2\nhelp: give the padding as numbers, `padding = 1` @ `\"same\"`",
        ],
    );
}

#[test]
fn a_mode_that_is_not_there() {
    check(
        "A: [3, 8, 8] < Conv2d(3, 8, 3, padding_mode = \"mirror\") >",
        &[
            "`padding_mode` of `Conv2d` is `\"zeros\"`, `\"reflect\"`, `\"replicate\"` or `\"circular\"`, found `\"mirror\"` @ `\"mirror\"`",
        ],
    );
}

#[test]
fn a_mirror_smaller_than_its_padding() {
    check(
        "A: [3, 4, 4] < Conv2d(3, 8, 3, padding = 4, padding_mode = \"reflect\") >",
        &[
            "`Conv2d(3, 8, 3, padding = 4, padding_mode = \"reflect\")` mirrors 4 elements along H, more than the 3 that there are: the input has shape [3, 4, 4]\nhelp: write `padding = 3`, or another `padding_mode` @ `Conv2d`",
            "`Conv2d(3, 8, 3, padding = 4, padding_mode = \"reflect\")` mirrors 4 elements along W, more than the 3 that there are: the input has shape [3, 4, 4]\nhelp: write `padding = 3`, or another `padding_mode` @ `Conv2d`",
        ],
    );
}

#[test]
fn a_circle_smaller_than_its_padding() {
    check(
        "A: [3, 4, 4] < Conv2d(3, 8, 3, padding = (1, 5), padding_mode = \"circular\") >",
        &[
            "`Conv2d(3, 8, 3, padding = (1, 5), padding_mode = \"circular\")` repeats 5 elements along W, more than the 4 that there are: the input has shape [3, 4, 4]\nhelp: write `padding = 4`, or another `padding_mode` @ `Conv2d`",
        ],
    );
}

#[test]
fn a_transposed_mode() {
    check(
        "A: [3, 4, 4] < ConvTranspose2d(3, 8, 3, padding_mode = \"reflect\") >",
        &["`padding_mode` of `ConvTranspose2d` is `\"zeros\"`, found `\"reflect\"` @ `\"reflect\"`"],
    );
}

#[test]
fn a_transposed_padding_by_a_word() {
    check(
        "A: [3, 4, 4] < ConvTranspose2d(3, 8, 3, padding = \"same\") >",
        &["`padding` of `ConvTranspose2d` is an integer, found `\"same\"` @ `\"same\"`"],
    );
}

#[test]
fn more_output_padding_than_stride() {
    check(
        "A: [3, 4, 4] < ConvTranspose2d(3, 8, 3, stride = 2, output_padding = 2) >",
        &[
            "`output_padding` of `ConvTranspose2d(3, 8, 3, stride = 2, output_padding = 2)` must be less than its stride, 2, or its dilation, 1, found 2\nhelp: write `output_padding = 1`, or take a larger stride @ `2`",
        ],
    );
}

#[test]
fn output_padding_that_is_as_wrong_along_each_axis() {
    check(
        "A: [3, 1, 1] < ConvTranspose2d(3, 8, 1, padding = 1, output_padding = 1) >",
        &[
            "`output_padding` of `ConvTranspose2d(3, 8, 1, padding = 1, output_padding = 1)` must be less than its stride, 1, or its dilation, 1, found 1\nhelp: leave `output_padding` out, or take a larger stride @ `1`",
        ],
    );
    check(
        "A: [3, 1, 1] < ConvTranspose2d(3, 8, 1, padding = 1) >",
        &[
            "`ConvTranspose2d(3, 8, 1, padding = 1)` makes an empty output: the input has shape [3, 1, 1], and (1 - 1) · 1 + 1 · (1 - 1) + 0 + 1 - 2 along H is less than 1\nhelp: take less padding @ `ConvTranspose2d`",
            "`ConvTranspose2d(3, 8, 1, padding = 1)` makes an empty output: the input has shape [3, 1, 1], and (1 - 1) · 1 + 1 · (1 - 1) + 0 + 1 - 2 along W is less than 1\nhelp: take less padding @ `ConvTranspose2d`",
        ],
    );
}

#[test]
fn output_padding_where_none_can_be() {
    check(
        "A: [3, 4] < ConvTranspose1d(3, 8, 3, output_padding = 1) >",
        &[
            "`output_padding` of `ConvTranspose1d(3, 8, 3, output_padding = 1)` must be less than its stride, 1, or its dilation, 1, found 1\nhelp: leave `output_padding` out, or take a larger stride @ `1`",
        ],
    );
}

#[test]
fn an_empty_transposed_output() {
    check(
        "A: [3, 1, 4] < ConvTranspose2d(3, 8, 3, padding = (2, 1)) >",
        &[
            "`ConvTranspose2d(3, 8, 3, padding = (2, 1))` makes an empty output: the input has shape [3, 1, 4], and (1 - 1) · 1 + 1 · (3 - 1) + 0 + 1 - 4 along H is less than 1\nhelp: take less padding @ `ConvTranspose2d`",
        ],
    );
}

#[test]
fn a_kernel_that_is_missing() {
    check(
        "A: [3, 4, 4] < Conv2d(3, 8) >",
        &[
            "`Conv2d` lacks `kernel_size`\nhelp: its arguments are `Conv2d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, padding_mode = \"zeros\", init = …, bias_init = …)` @ `Conv2d`",
        ],
    );
}

#[test]
fn too_many_positional_arguments() {
    check(
        "A: [3, 4, 4] < Conv2d(3, 8, 3, 1, 0, 1, 1, true, \"zeros\", 5) >",
        &[
            "`Conv2d` takes at most 9 positional arguments, found 10\nhelp: its arguments are `Conv2d(in_channels, out_channels, kernel_size, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, padding_mode = \"zeros\", init = …, bias_init = …)` @ `5`",
        ],
    );
}

#[test]
fn an_initialisation_of_no_bias() {
    check(
        "A: [3, 4, 4] < Conv2d(3, 8, 3, bias = false, bias_init = zeros) >",
        &["`bias_init` of `Conv2d` is without effect, since `bias = false`\nhelp: leave it out @ `zeros`"],
    );
}

#[test]
fn a_residual_of_other_channels() {
    check(
        "A: [3, 4, 4] < Residual(Conv2d(3, 8, 3, padding = 1)) >",
        &[
            "`Residual` adds its input [3, 4, 4] to what its layers make of it, [8, 4, 4]\nhelp: bring the input to that shape: `Residual(…, shortcut = Conv2d(3, 8, 1))` @ `Residual`",
        ],
    );
}

#[test]
fn an_image_into_a_linear_layer() {
    check(
        "A: [3, 4, 4] < Conv2d(3, 8, 3) -> Linear(8, 2) >",
        &[
            "`Linear(8, 2)` expects 8 input features, but `Conv2d(3, 8, 3)` produces [8, 2, 2], whose last axis is 2\nhelp: write `Linear(2, 2)` or `Linear(_, 2)` @ `8`",
        ],
    );
}
