//! Pads, resolutions, shuffles and windows that do not fit.

use super::check;

#[test]
fn a_pad_of_three_numbers() {
    check(
        "A: [3, 8, 8] < ZeroPad2d((1, 2, 3)) >",
        &["`padding` of `ZeroPad2d` is one number, or one for each of 4 sides, found 3 @ `(1, 2, 3)`"],
    );
}

#[test]
fn a_pad_of_a_fraction() {
    check("A: [3, 8, 8] < ZeroPad2d(0.5) >", &["`padding` of `ZeroPad2d` is an integer, found `0.5` @ `0.5`"]);
}

#[test]
fn a_constant_that_is_not_given() {
    check(
        "A: [3, 8] < ConstantPad1d(1) >",
        &["`ConstantPad1d` lacks `value`\nhelp: its arguments are `ConstantPad1d(padding, value)` @ `ConstantPad1d`"],
    );
}

#[test]
fn axes_that_a_pad_does_not_take() {
    check(
        "A: [3, 4, 8, 8] < ReflectionPad2d(1) >",
        &[
            "`ReflectionPad2d(1)` expects samples of shape [C, H, W], but the input has shape [3, 4, 8, 8]\nhelp: `ReflectionPad3d` is for [C, D, H, W] @ `ReflectionPad2d`",
        ],
    );
    check(
        "A: [8] < ZeroPad2d(1) >",
        &[
            "`ZeroPad2d(1)` expects samples of shape [C, H, W], but the input has shape [8]\nhelp: make axes of it: `Unflatten(1, [C, H, W]) -> ZeroPad2d(1)` @ `ZeroPad2d`",
        ],
    );
}

#[test]
fn more_taken_away_than_there_is() {
    check(
        "A: [3, 4, 5] < ZeroPad2d((-6, 9, 0, 0)) >",
        &[
            "`ZeroPad2d((-6, 9, 0, 0))` takes 6 elements away along W, of 5: the input has shape [3, 4, 5]\nhelp: take at most 5 away @ `(-6, 9, 0, 0)`",
        ],
    );
    check(
        "A: [3, 4, 5] < ZeroPad2d(-2) >",
        &[
            "`ZeroPad2d(-2)` makes an empty output: the input has shape [3, 4, 5], and 4 + 0 - 4 along H is less than 1\nhelp: take less away @ `-`",
        ],
    );
}

#[test]
fn more_mirrored_or_repeated_than_there_is() {
    check(
        "A: [3, 4, 5] < ReflectionPad2d(4) >",
        &[
            "`ReflectionPad2d(4)` mirrors 4 elements along H, more than the 3 that there are: the input has shape [3, 4, 5]\nhelp: pad at most 3, or take `ReplicationPad2d` @ `4`",
        ],
    );
    check(
        "A: [3, 5] < CircularPad1d((6, 0)) >",
        &[
            "`CircularPad1d((6, 0))` repeats 6 elements along L, more than the 5 that there are: the input has shape [3, 5]\nhelp: pad at most 5, or take `ReplicationPad1d` @ `(6, 0)`",
        ],
    );
    check(
        "A: [3, 5] < CircularPad1d((4, -2)) >",
        &[
            "`CircularPad1d((4, -2))` repeats 4 elements along L, more than the 3 that there are: the input has shape [3, 5]\nhelp: pad at most 3, or take `ReplicationPad1d` @ `(4, -2)`",
        ],
    );
}

#[test]
fn a_size_and_a_scale() {
    check(
        "A: [3, 4, 4] < Upsample(8, 2) >",
        &["`Upsample` takes `size` or `scale_factor`, not both\nhelp: leave out one of them @ `2`"],
    );
    check(
        "A: [3, 4, 4] < UpsamplingNearest2d >",
        &[
            "`UpsamplingNearest2d` lacks `size` or `scale_factor`\nhelp: write `UpsamplingNearest2d(scale_factor = 2)` @ `UpsamplingNearest2d`",
        ],
    );
}

#[test]
fn corners_of_the_nearest() {
    check(
        "A: [3, 4, 4] < Upsample(8, align_corners = false) >",
        &[
            "`align_corners` of `Upsample` means nothing with `mode = \"nearest\"`, which makes no means\nhelp: leave it out, or write `mode = \"bilinear\"` @ `false`",
        ],
    );
}

#[test]
fn a_size_whose_scale_is_to_be_computed() {
    check(
        "A: [3, 4, 4] < Upsample(8, recompute_scale_factor = true) >",
        &["`recompute_scale_factor` of `Upsample` means nothing with `size`\nhelp: leave it out @ `true`"],
    );
}

#[test]
fn a_mode_that_there_is_not() {
    check(
        "A: [3, 4, 4] < Upsample(8, mode = \"bilinera\") >",
        &[
            "`mode` of `Upsample` is `\"nearest\"`, `\"linear\"`, `\"bilinear\"`, `\"bicubic\"`, `\"trilinear\"` or `\"nearest-exact\"`, found `\"bilinera\"`\nhelp: write `\"bilinear\"` @ `\"bilinera\"`",
        ],
    );
}

#[test]
fn a_mode_for_other_axes() {
    check(
        "A: [3, 4] < Upsample(8, mode = \"bilinear\") >",
        &[
            "`Upsample(8, mode = \"bilinear\")` expects samples of shape [C, H, W], but the input has shape [3, 4]\nhelp: for [C, L] write `mode = \"linear\"`\nhelp: give it an axis for its one channel: `Unflatten(1, [1, 3]) -> Upsample(8, mode = \"bilinear\")` @ `Upsample`",
        ],
    );
    check(
        "A: [3, 4, 4] < Upsample(8, mode = \"linear\") >",
        &[
            "`Upsample(8, mode = \"linear\")` expects samples of shape [C, L], but the input has shape [3, 4, 4]\nhelp: for [C, H, W] write `mode = \"bilinear\"` @ `Upsample`",
        ],
    );
    check(
        "A: [3] < Upsample(8) >",
        &[
            "`Upsample(8)` expects samples of shape [C, L], [C, H, W] or [C, D, H, W], but the input has shape [3]\nhelp: give it an axis for its one channel: `Unflatten(1, [1, 3]) -> Upsample(8)` @ `Upsample`",
        ],
    );
    check(
        "A: [3, 4] < UpsamplingBilinear2d(8) >",
        &[
            "`UpsamplingBilinear2d(8)` expects samples of shape [C, H, W], but the input has shape [3, 4]\nhelp: give it an axis for its one channel: `Unflatten(1, [1, 3]) -> UpsamplingBilinear2d(8)` @ `UpsamplingBilinear2d`",
        ],
    );
}

#[test]
fn sizes_for_other_axes() {
    check(
        "A: [3, 4, 4] < Upsample((8, 8, 8)) >",
        &["`size` of `Upsample` is one number, or one for each of 2 axes, found 3 @ `(8, 8, 8)`"],
    );
    check(
        "A: [3, 4] < Upsample(scale_factor = (2, 2)) >",
        &["`scale_factor` of `Upsample` is one number, found 2 @ `(2, 2)`"],
    );
}

#[test]
fn a_resolution_of_nothing() {
    check(
        "A: [3, 4, 4] < Upsample(scale_factor = 0.2) >",
        &[
            "`Upsample(scale_factor = 0.2)` makes an empty output: the input has shape [3, 4, 4], and 4 · 0.2 along H is less than 1\nhelp: take a larger factor @ `0.2`",
        ],
    );
    check(
        "A: [3, 4, 4] < Upsample(scale_factor = -2) >",
        &["`scale_factor` of `Upsample` must be positive, found -2 @ `-`"],
    );
    check("A: [3, 4, 4] < Upsample(0) >", &["`size` of `Upsample` must be at least 1, found 0 @ `0`"]);
}

#[test]
fn channels_that_a_shuffle_cannot_split() {
    check(
        "A: [6, 4, 4] < PixelShuffle(2) >",
        &[
            "`PixelShuffle(2)` needs a multiple of 4 channels, but the input has shape [6, 4, 4]\nhelp: `upscale_factor` can be 1 @ `2`",
        ],
    );
    check(
        "A: [3, 4, 6] < PixelUnshuffle(4) >",
        &[
            "`PixelUnshuffle(4)` needs a multiple of 4 along W, but the input has shape [3, 4, 6]\nhelp: `downscale_factor` can be 1, 2, 3, 6 @ `4`",
        ],
    );
    check(
        "A: [6, 4, 4] < ChannelShuffle(4) >",
        &[
            "`ChannelShuffle(4)` needs a multiple of 4 channels, but the input has shape [6, 4, 4]\nhelp: `groups` can be 1, 2, 3, 6 @ `4`",
        ],
    );
}

#[test]
fn a_shuffle_of_too_few_axes() {
    check(
        "A: [4, 4] < PixelShuffle(2) >",
        &[
            "`PixelShuffle(2)` expects samples of shape [C, H, W], but the input has shape [4, 4]\nhelp: make two axes of its last: `Unflatten(2, [H, W]) -> PixelShuffle(2)` @ `PixelShuffle`",
        ],
    );
    check(
        "A: [784] < PixelShuffle(2) > B: [4, 6] < PixelUnshuffle(2) > C: [] < PixelShuffle(2) >",
        &[
            "`PixelShuffle(2)` expects samples of shape [C, H, W], but the input has shape [784]\nhelp: make axes of it: `Unflatten(1, [C, H, W]) -> PixelShuffle(2)` @ `PixelShuffle`",
            "`PixelUnshuffle(2)` expects samples of shape [C, H, W], but the input has shape [4, 6]\nhelp: give it an axis for its one channel: `Unflatten(1, [1, 4]) -> PixelUnshuffle(2)` @ `PixelUnshuffle`",
            "`PixelShuffle(2)` expects samples of shape [C, H, W], but the input has shape [] @ `PixelShuffle`",
        ],
    );
    check(
        "A: [4] < ChannelShuffle(2) >",
        &[
            "`ChannelShuffle(2)` expects samples of shape [C, …], but the input has shape [4]\nhelp: give its channels one more axis: `Unflatten(1, [4, 1]) -> ChannelShuffle(2)` @ `ChannelShuffle`",
        ],
    );
}

#[test]
fn windows_that_do_not_fit() {
    check(
        "A: [3, 4, 4] < Unfold(5) >",
        &[
            "`Unfold(5)` has no window: (4 + 0 - 1 · (5 - 1) - 1) / 1 + 1 along H is less than 1\nhelp: its window is 5 wide: pad 1 more, or take a smaller kernel @ `5`",
            "`Unfold(5)` has no window: (4 + 0 - 1 · (5 - 1) - 1) / 1 + 1 along W is less than 1\nhelp: its window is 5 wide: pad 1 more, or take a smaller kernel @ `5`",
        ],
    );
    check(
        "A: [3, 4] < Unfold(3) >",
        &[
            "`Unfold(3)` expects samples of shape [C, H, W], but the input has shape [3, 4]\nhelp: give it an axis for its one channel: `Unflatten(1, [1, 3]) -> Unfold(3)` @ `Unfold`",
        ],
    );
}

#[test]
fn columns_that_are_not_those_of_the_windows() {
    check(
        "A: [12, 28] < Fold(6, 2) >",
        &[
            "`Fold(6, 2)` has 5 · 5 = 25 windows, but the input has shape [12, 28]\nhelp: its windows are what `Unfold` of an image of [6, 6] has @ `6`",
        ],
    );
    check(
        "A: [10, 25] < Fold(6, 2) >",
        &[
            "`Fold(6, 2)` adds up columns of 4 elements for each channel, but the input has shape [10, 25]\nhelp: 4 does not divide 10 @ `2`",
        ],
    );
    check(
        "A: [12] < Fold(6, 2) >",
        &[
            "`Fold(6, 2)` expects samples of shape [C·kernel, windows], but the input has shape [12]\nhelp: it takes what `Unfold` makes of an image @ `Fold`",
        ],
    );
}
