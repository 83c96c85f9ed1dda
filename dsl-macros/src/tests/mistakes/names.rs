//! Names that mean nothing, or something else.

use super::check;

#[test]
fn a_misspelt_layer() {
    check(
        "A < Linear(3, 4) -> Relu -> Linaer(4, 5) -> dropout >",
        &[
            "there is no layer `Relu`\nhelp: did you mean `ReLU`? @ `Relu`",
            "there is no layer `Linaer`\nhelp: did you mean `Linear`? @ `Linaer`",
            "there is no layer `dropout`\nhelp: did you mean `Dropout`? @ `dropout`",
        ],
    );
}

#[test]
fn a_layer_that_is_not_there() {
    check(
        "A < Foo >",
        &["there is no layer `Foo`\nhelp: a layer of your own is written by its path, `my::Foo => [64]` @ `Foo`"],
    );
}

#[test]
fn a_layer_of_other_letters_that_is_not_there() {
    check(
        "A < größe(3) >",
        &["there is no layer `größe`\nhelp: a layer of your own is written by its path, `my::größe => [64]` @ `größe`"],
    );
}

#[test]
fn a_layer_that_is_not_there_yet() {
    check("A: [7, 3] < LSTM(3, 4) >", &["`LSTM` is not available yet @ `LSTM`"]);
}

#[test]
fn a_layer_that_will_not_be_there() {
    check(
        "A: [3, 8, 8] < MaxUnpool2d(2) -> FractionalMaxPool2d(2, 4) -> LazyConv2d(3, 3) -> LazyBatchNorm1d -> LazyReLU >",
        &[
            "`MaxUnpool2d` is not available: it reads places that another layer returns\nhelp: write `ConvTranspose2d(C, C, 2, stride = 2)` to make axes twice as long @ `MaxUnpool2d`",
            "`FractionalMaxPool2d` is not available: it draws its windows by lot\nhelp: write `AdaptiveMaxPool2d(…)`, which shares axes out evenly @ `FractionalMaxPool2d`",
            "there is no layer `LazyConv2d`: shapes are known when the network is declared\nhelp: write `Conv2d(_, …)`, and `_` is what comes in @ `LazyConv2d`",
            "there is no layer `LazyBatchNorm1d`: shapes are known when the network is declared\nhelp: write `BatchNorm1d(_)`, and `_` is what comes in @ `LazyBatchNorm1d`",
            "there is no layer `LazyReLU`\nhelp: did you mean `LeakyReLU`? @ `LazyReLU`",
        ],
    );
}

#[test]
fn a_layer_that_pytorch_has_not_either() {
    check(
        "A < PositionalEmbedding(8) >",
        &[
            "there is no layer `PositionalEmbedding`\nhelp: a layer of your own is written by its path, `my::PositionalEmbedding => [64]` @ `PositionalEmbedding`",
        ],
    );
}

#[test]
fn a_container_of_pytorchs() {
    check(
        "A < Sequential(Linear(3, 4), ReLU) >",
        &[
            "there is no layer `Sequential`\nhelp: layers in parentheses are a group: `(Linear(784, 64) -> ReLU)` @ `Sequential`",
        ],
    );
}

#[test]
fn a_misspelt_residual() {
    check(
        "A < Residul(Linear(3, 3) -> ReLU) >",
        &["there is no layer `Residul`\nhelp: did you mean `Residual`? @ `Residul`"],
    );
}

#[test]
fn a_tap_for_a_layer() {
    check(
        "A < Linear(3, 4) as s1 -> s1 >",
        &["`s1` is a tap, not a layer\nhelp: use it in a join: `[_, s1] => Add` @ `s1`"],
    );
}

#[test]
fn a_layer_of_the_users_without_a_shape() {
    check(
        "A < Linear(3, 4) -> my::Layer(7) >",
        &[
            "`my::Layer` is a layer of your own, whose output shape is not given\nhelp: write `my::Layer(7) => [64]` @ `my`",
        ],
    );
}

#[test]
fn a_layer_of_the_users_with_mixed_arguments() {
    check(
        "A < Linear(3, 4) -> my::Layer(7, size = 3) => [4] >",
        &[
            "the arguments of a layer of your own are all positional or all named\nhelp: `my::Layer(7)` is the tuple struct, `my::Layer(size = 7)` the struct with that field @ `my`",
        ],
    );
}

#[test]
fn an_unknown_tap() {
    check(
        "A < Linear(3, 4) as skip -> [_, skipp] => Add -> [_, zzz] => Add >",
        &[
            "there is no tap `skipp` here\nhelp: did you mean `skip`? @ `skipp`",
            "there is no tap `zzz` here\nhelp: name a value before it: `ReLU as zzz` @ `zzz`",
        ],
    );
}

#[test]
fn a_tap_twice() {
    check("A < Linear(3, 4) as s -> ReLU as s >", &["there are two taps `s` @ `s`"]);
}

#[test]
fn a_join_of_one() {
    check("A < Linear(3, 4) -> [_] => Add >", &["`Add` joins at least 2 values, found 1 @ `Add`"]);
}

#[test]
fn a_join_that_is_not_there() {
    check(
        "A < Linear(3, 4) as a -> [_, a] => Concatenate(1) -> [_, a] => Sum >",
        &[
            "there is no join `Concatenate`\nhelp: a list of values can be joined by `Add`, `Mul`, `Concat` or `Stack` @ `Concatenate`",
            "there is no join `Sum`\nhelp: a list of values can be joined by `Add`, `Mul`, `Concat` or `Stack` @ `Sum`",
        ],
    );
}

#[test]
fn a_join_without_a_list() {
    check(
        "A < Linear(3, 4) -> Add >",
        &["`Add` joins several values, but one comes in\nhelp: list them: `[_, s1] => Add` @ `Add`"],
    );
}

#[test]
fn a_list_without_a_join() {
    check(
        "A < Linear(3, 4) -> [_, _] -> ReLU >",
        &[
            "`=>` and a join are expected after the list of values, found `->`\nhelp: write `[_, s1] => Concat(1)`, or `Add`, `Mul`, `Stack(1)` @ `-`",
        ],
    );
}

#[test]
fn a_layer_again() {
    check(
        "A < fc: Linear(3, 3) -> &fc -> &fd >",
        &[
            "using `fc` again is not available yet\nhelp: write the layer a second time; it then has weights of its own @ `fc`",
            "there is no layer labelled `fd` before this one\nhelp: did you mean `fc`? @ `fd`",
        ],
    );
}

#[test]
fn a_keyword_for_a_name() {
    let check = |source: &str, what: &str, at: &str| {
        check(source, &[&format!("`{at}` is a keyword and cannot {what} @ `{at}`")]);
    };
    check("match < Linear(3, 4) >", "name a network", "match");
    check("pub Self < Linear(3, 4) > B < Linear(3, 4) >", "name a network", "Self");
    check("block fn(D) < ReLU > A: [3] < ReLU >", "name a block", "fn");
    check("block B(type = 3) < ReLU > A: [3] < B >", "be a block's parameter", "type");
    check("A < Linear(3, 4) as async -> [_, async] => Add >", "be a tap", "async");
    check("A < |match: [3]| Linear(3, 4) >", "be an input", "match");
}

#[test]
fn a_keyword_in_a_path() {
    check("A < Linear(3, 4) -> my::match => [3] -> ReLU >", &["`my::match` is not the path of a layer @ `my`"]);
    check("A < Linear(3, 4) -> my: match => [3] -> ReLU >", &["`match` is not the path of a layer @ `match`"]);
    check("A < Linear(3, 4) -> match::My(3) => [3] -> ReLU >", &["`match::My` is not the path of a layer @ `match`"]);
}

#[test]
fn an_argument_of_the_users_layer_that_is_none() {
    check(
        "A < Linear(3, 4) -> my::Layer(7, size 3, = 2) => [4] >",
        &[
            "an argument of `my::Layer` is an expression, found `size 3` @ `size`",
            "an argument of `my::Layer` is an expression, found `= 2` @ `=`",
        ],
    );
}

#[test]
fn a_shape_that_is_a_layer() {
    check(
        "A < my::Layer => ReLU -> Tanh >",
        &["a shape is expected, found `ReLU`\nhelp: write `[3, 32, 32]`, or `[u32; 64]` for token ids @ `ReLU`"],
    );
}
