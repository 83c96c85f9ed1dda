//! Pools.

use super::check;

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
    // As much padding as it lacks would be refused.
    check(
        "A: [1, 2, 8] < LPPool2d(2, 3) > B: [1, 3] < MaxPool1d(2, dilation = 6) >",
        &[
            "`LPPool2d(2, 3)` makes an empty output: the input has shape [1, 2, 8], and (2 + 0 - 1 · (3 - 1) - 1) / 3 + 1 along H is less than 1\nhelp: its window is 3 wide: take a smaller one @ `LPPool2d`",
            "`MaxPool1d(2, dilation = 6)` makes an empty output: the input has shape [1, 3], and (3 + 0 - 6 · (2 - 1) - 1) / 2 + 1 along L is less than 1\nhelp: its window is 7 wide: take a smaller one @ `MaxPool1d`",
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
