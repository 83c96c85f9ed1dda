//! Mistakes in argument lists.

use super::check;

#[test]
fn a_missing_argument() {
    check(
        "A < Linear(3) -> Linear -> Threshold >",
        &[
            "`Linear` lacks `out_features`\nhelp: its arguments are `Linear(in_features, out_features, bias = true, init = …, bias_init = …)` @ `Linear`",
            "`Linear` lacks `in_features` and `out_features`\nhelp: its arguments are `Linear(in_features, out_features, bias = true, init = …, bias_init = …)` @ `Linear`",
            "`Threshold` lacks `threshold` and `value`\nhelp: its arguments are `Threshold(threshold, value, inplace = false)` @ `Threshold`",
        ],
    );
}

#[test]
fn too_many_arguments() {
    check(
        "A < Linear(3, 4, true, 5) -> ReLU(true, 1) -> Sigmoid(3) >",
        &[
            "`Linear` takes at most 3 positional arguments, found 4\nhelp: its arguments are `Linear(in_features, out_features, bias = true, init = …, bias_init = …)` @ `5`",
            "`ReLU` takes at most 1 positional argument, found 2\nhelp: its arguments are `ReLU(inplace = false)` @ `1`",
            "`Sigmoid` takes no positional arguments, found 1\nhelp: `Sigmoid` takes no arguments @ `3`",
        ],
    );
}

#[test]
fn a_misspelt_argument() {
    check(
        "A < Linear(3, 4, biass = false) -> LeakyReLU(negative = 0.1) -> Dropout(q = 0.1) >",
        &[
            "`Linear` has no argument `biass`\nhelp: did you mean `bias`? @ `biass`",
            "`LeakyReLU` has no argument `negative`\nhelp: did you mean `negative_slope`? @ `negative`",
            "`Dropout` has no argument `q`\nhelp: its arguments are `Dropout(p = 0.5, inplace = false)` @ `q`",
        ],
    );
}

#[test]
fn an_argument_of_pytorchs_tensors() {
    check(
        "A < Linear(3, 4, device = \"cpu\", dtype = f32) >",
        &[
            "`Linear` has no argument `device`\nhelp: a network runs on the CPU: leave it out @ `device`",
            "`Linear` has no argument `dtype`\nhelp: the network's type parameter says it: leave it out @ `dtype`",
        ],
    );
}

#[test]
fn an_argument_twice() {
    check(
        "A < Linear(3, 4, in_features = 3) -> Dropout(p = 0.1, p = 0.2) >",
        &["`in_features` of `Linear` is given twice @ `in_features`", "`p` of `Dropout` is given twice @ `p`"],
    );
}

#[test]
fn a_positional_argument_after_a_keyword() {
    check(
        "A < Linear(3, out_features = 4, true) >",
        &["a positional argument after a keyword argument\nhelp: name it too: `name = true` @ `true`"],
    );
}

#[test]
fn a_missing_value() {
    check(
        "A < Linear(3, 4, bias = ) -> Linear(4, , 5) >",
        &["a value is missing after `bias =` @ `=`", "a value is missing before `,` @ `,`"],
    );
}

#[test]
fn pythons_words() {
    check(
        "A < Linear(3, 4, bias = True) -> ReLU(inplace = 1) >",
        &[
            "`bias` of `Linear` is `true` or `false`, found `True`\nhelp: write `true` @ `True`",
            "`inplace` of `ReLU` is `true` or `false`, found `1` @ `1`",
        ],
    );
}

#[test]
fn a_number_that_is_none() {
    check(
        "A < Dropout(\"half\") -> LeakyReLU(_) -> BatchNorm1d(4, momentum = True) >",
        &[
            "`p` of `Dropout` is a number, found `\"half\"` @ `\"half\"`",
            "`negative_slope` of `LeakyReLU` is a number, found `_` @ `_`",
            "`momentum` of `BatchNorm1d` is a number, found `True` @ `True`",
        ],
    );
}

#[test]
fn a_dimension_that_is_none() {
    check(
        "A < Linear(0, -4) -> Linear(3.5, \"four\") -> Linear(1 / 0, 3) -> Linear(_, _) >",
        &[
            "`in_features` of `Linear` must be at least 1, found 0 @ `0`",
            "`out_features` of `Linear` must be at least 1, found -4 @ `-`",
            "`in_features` of `Linear` is an integer, found `3.5` @ `3.5`",
            "`out_features` of `Linear` is an integer, found `\"four\"` @ `\"four\"`",
            "`in_features` of `Linear` is an integer, found `1 / 0` @ `1`",
            "`out_features` of `Linear` is an integer, found `_` @ `_`",
        ],
    );
}

#[test]
fn a_probability_above_one() {
    check(
        "A < Linear(3, 4) -> Dropout(1.5) -> Dropout(-0.1) >",
        &[
            "`p` of `Dropout` must be between 0 and 1, found 1.5 @ `1.5`",
            "`p` of `Dropout` must be between 0 and 1, found -0.1 @ `-`",
        ],
    );
}

#[test]
fn a_number_out_of_range() {
    check(
        "A < CELU(0) -> Softshrink(-1) -> Softplus(beta = 0) -> BatchNorm1d(3, eps = 0) >",
        &[
            "`alpha` of `CELU` must be other than 0, found 0 @ `0`",
            "`lambd` of `Softshrink` must be 0 or more, found -1 @ `-`",
            "`beta` of `Softplus` must be other than 0, found 0 @ `0`",
            "`eps` of `BatchNorm1d` must be positive, found 0 @ `0`",
        ],
    );
}

#[test]
fn an_interval_upside_down() {
    check(
        "A < Hardtanh(3, 2) -> Hardtanh(1.5, 1.5) -> RReLU(0.5, 0.1) >",
        &[
            "`max_val` of `Hardtanh` must be larger than `min_val`, found 3 and 2\nhelp: write the smaller first: `Hardtanh(2, 3)` @ `2`",
            "`max_val` of `Hardtanh` must be larger than `min_val`, found 1.5 and 1.5\nhelp: take a larger `max_val`: all outputs would be one number @ `1.5`",
            "`upper` of `RReLU` must not be less than `lower`, found 0.5 and 0.1\nhelp: write the smaller first: `RReLU(0.1, 0.5)` @ `0.1`",
        ],
    );
    check("A: [4] < Hardtanh(2, 3) -> RReLU(0.1, 0.5) >", &[]);
}

#[test]
fn a_string_that_is_none_of_the_choices() {
    check(
        "A < GELU(\"tan\") -> GELU(approximate = tanh) -> GELU(true) >",
        &[
            "`approximate` of `GELU` is `\"none\"` or `\"tanh\"`, found `\"tan\"`\nhelp: write `\"tanh\"` @ `\"tan\"`",
            "`approximate` of `GELU` is `\"none\"` or `\"tanh\"`, found `tanh`\nhelp: write `\"tanh\"` @ `tanh`",
            "`approximate` of `GELU` is `\"none\"` or `\"tanh\"`, found `true` @ `true`",
        ],
    );
}

#[test]
fn an_initialisation_that_is_not_there() {
    check(
        "A < Linear(3, 4, init = kaiming) -> Linear(4, 4, init = glorot()) -> Linear(3, 3, init = 0.5) >",
        &[
            "there is no initialisation `kaiming`\nhelp: did you mean `kaiming_uniform`? @ `kaiming`",
            "there is no initialisation `glorot`\nhelp: there are `uniform`, `normal`, `constant`, `ones`, `zeros`, `eye`, `dirac`, `xavier_uniform`, `xavier_normal`, `kaiming_uniform`, `kaiming_normal`, `trunc_normal`, `orthogonal`, `sparse` @ `glorot`",
            "an initialisation is expected, found `0.5`\nhelp: for example `init = kaiming_normal(nonlinearity = \"relu\")` @ `0.5`",
        ],
    );
}

#[test]
fn an_initialisation_with_wrong_arguments() {
    check(
        "A < Linear(3, 4, init = kaiming_normal(nonlinearity = \"relo\", moed = \"fan_in\")) -> Linear(4, 4, init = constant) >",
        &[
            "`nonlinearity` of `kaiming_normal` is `\"linear\"`, `\"conv1d\"`, `\"conv2d\"`, `\"conv3d\"`, `\"conv_transpose1d\"`, `\"conv_transpose2d\"`, `\"conv_transpose3d\"`, `\"sigmoid\"`, `\"tanh\"`, `\"relu\"`, `\"leaky_relu\"` or `\"selu\"`, found `\"relo\"`\nhelp: write `\"relu\"` @ `\"relo\"`",
            "`kaiming_normal` has no argument `moed`\nhelp: did you mean `mode`? @ `moed`",
            "`constant` lacks `val`\nhelp: its arguments are `constant(val)` @ `constant`",
        ],
    );
}

#[test]
fn an_initialisation_of_no_bias() {
    check(
        "A < Linear(3, 4, bias = false, bias_init = zeros) >",
        &["`bias_init` of `Linear` is without effect, since `bias = false`\nhelp: leave it out @ `zeros`"],
    );
}

#[test]
fn a_tied_weight() {
    check(
        "A < tok: Linear(3, 4) -> Linear(4, 3, weight = tok.weight) >",
        &["`weight` of `Linear` is not available: tied weights are not there yet @ `weight`"],
    );
}

#[test]
fn an_axis_that_only_rustc_knows() {
    check(
        "A: [3, 4] < Softmax(dim = D) >",
        &["`dim` of `Softmax` must be known when the macro is expanded, but only rustc knows `D` @ `D`"],
    );
}

#[test]
fn an_integer_of_every_operator() {
    check(
        "A: [3] < Linear(3, 1 << 3) -> Linear(8, 8 >> 1) -> Linear(4, 6 & 3) -> Linear(2, 6 | 3) -> Linear(7, 6 ^ 3) \
         -> Linear(5, !0 >> 61) -> Linear(7, { 5 }) -> Linear(5, 6u8 as usize) -> Linear(6, (7)) -> Linear(7, 9 % 5) \
         -> Softmax(!0) -> Softmax(1 as i64) -> Unflatten(1, [1 << 1, 2]) >",
        &[],
    );
    check("A: [3] < Dropout(1 >> 1) -> LeakyReLU(1 << 2) -> LeakyReLU({ 0.5 }) -> LeakyReLU(1 as f64 / 2.0) >", &[]);
}

#[test]
fn an_integer_that_is_too_large() {
    check(
        "A < Linear(3, 1 << 64) -> Linear(3, !3) -> Linear(3, 18446744073709551616 * 18446744073709551616) -> Flatten(1 << 70) >",
        &[
            "`out_features` of `Linear` is too large: 1 << 64 @ `1`",
            "`out_features` of `Linear` is too large: !3 @ `!`",
            "`out_features` of `Linear` is too large: 18446744073709551616 * 18446744073709551616 @ `18446744073709551616`",
            "`start_dim` of `Flatten` is too large: 1 << 70 @ `1`",
        ],
    );
}

#[test]
fn an_expression_that_is_no_integer() {
    check(
        "A < Linear(3, 1 << 3 == 8) -> Linear(3, return 3) -> Linear(3, |x| 3) -> Linear(3, !0.5) -> Linear(3, #[a] 4 + ) >",
        &[
            "`out_features` of `Linear` is an integer, found `1 << 3 == 8` @ `1`",
            "`out_features` of `Linear` is an integer, found `return 3` @ `return`",
            "`out_features` of `Linear` is an integer, found `| x | 3` @ `|`",
            "`out_features` of `Linear` is an integer, found `!0.5` @ `!`",
            "an argument has no attributes or doc comments @ `#`",
            "`out_features` of `Linear` is an integer, found `4 +` @ `4`",
        ],
    );
}

#[test]
fn numbers_of_norms() {
    check(
        "A: [4, 4] < GroupNorm(0, 4) -> InstanceNorm1d(4, eps = -1) -> RMSNorm(4, eps = -1) -> LocalResponseNorm(0) \
         -> InstanceNorm1d(4, 1e-5, 0.1, true, true, true) -> InstanceNorm1d(4, momentum = None) -> RMSNorm(4, bias = true) >",
        &[
            "`num_groups` of `GroupNorm` must be at least 1, found 0 @ `0`",
            "`eps` of `InstanceNorm1d` must be 0 or more, found -1 @ `-`",
            "`eps` of `RMSNorm` must be 0 or more, found -1 @ `-`",
            "`size` of `LocalResponseNorm` must be at least 1, found 0 @ `0`",
            "`InstanceNorm1d` takes at most 5 positional arguments, found 6\nhelp: its arguments are `InstanceNorm1d(num_features, eps = 0.00001, momentum = 0.1, affine = false, track_running_stats = false, bias = true)` @ `true`",
            "`momentum` of `InstanceNorm1d` is a number, found `None` @ `None`",
            "`RMSNorm` has no argument `bias`\nhelp: its arguments are `RMSNorm(normalized_shape, eps = None, elementwise_affine = true)` @ `bias`",
        ],
    );
}
