//! Declarations and the graphs that they become: keys, names, shapes, and what is left to rustc.

use super::graph;

macro_rules! snapshot {
    ($($name:ident: $source:literal,)*) => { $(
        #[test]
        fn $name() {
            insta::with_settings!({ description => $source, omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), graph($source));
            });
        }
    )* };
}

snapshot! {
    generic_arguments_with_commas: "N < Linear(3, 64) -> [Take::<0, 64> => [64], Linear(_, 64)] => Concat(1) -> Residual(Take<0, 128> => [128] -> ReLU, shortcut = my::Two::<{ A + B }, 3>(1, 2) => [128]) -> (Take::<0, 2> => [2]) >",
    a_network_without_a_name: "< Linear(784, 64) -> ReLU -> Linear(64, 10) >",
    several_networks_in_one_call: "pub A < Linear(4, 2) > /// Doc. \n #[derive(Hash)] pub(crate) B: [2] < ReLU >",
    an_underscore_is_what_comes_before: "N: [2, 28, 28] < Flatten -> Linear(_, 64) -> BatchNorm1d(_) -> LayerNorm(_) >",
    a_labelled_layer_keeps_its_place_in_the_count: "N < Linear(4, 4) -> fc: Linear(4, 4) -> Linear(4, 4) >",
    a_declared_shape_of_a_scalar: "N: [] < Tanh -> ELU(0.5) -> PReLU >",
    a_linear_layer_on_the_last_of_several_axes: "N: [7, 16] < Linear(16, 4, bias = false) -> LayerNorm((7, 4)) >",
    a_named_constant_is_carried_on: "N < Linear(784, H) -> ReLU -> Linear(H, 2 * H) -> Linear(K, 10) >",
    norms_of_named_channels: "N: [C, 2, 3] < BatchNorm2d(C, momentum = None) -> GroupNorm(G, C, bias = false) -> InstanceNorm2d(_, affine = true, track_running_stats = true, momentum = 0.2) -> LocalResponseNorm(5, k = 2) -> RMSNorm((2, 3), eps = 0.1) -> Dropout2d(0.1) >",
    a_named_constant_as_the_shape: "N: [C, L * 2] < BatchNorm1d(C) -> Flatten -> GLU -> Softmax(dim = 1) >",
    a_constant_number: "N < Linear(4, 4) -> Dropout(P) -> LeakyReLU(SLOPE) -> Hardtanh(-1.0, M) >",
    a_residual_adds_its_input: "N < Linear(4, 4) -> Residual(Linear(4, 8) -> fc: Linear(8, 4)) -> ReLU >",
    a_residual_with_a_shortcut: "N < Residual(Linear(4, 8) -> ReLU, shortcut = Linear(4, 8)) -> Residual(Identity) >",
    a_block_with_computed_arguments:
        "block T(D, H = 4 * D) < Residual(LayerNorm(D) -> Linear(D, H) -> GELU -> Linear(H, D)) >
         N: [7, 16] < T(16) -> T(16, H = 2 * 4) -> T(D = 16, H = K) >",
    a_repeat_numbers_its_copies: "block B(N) < Linear(N, N) -> ReLU > N < blocks: B(4) * 2 -> Linear(4, 4) * 2 -> (Linear(4, 4) -> ReLU) * 1 >",
    a_repeat_by_a_block_parameter: "block B(N) < Linear(3, 3) * N -> (ReLU) * (N - 1) > N < B(2) >",
    a_block_within_a_block: "block A(N) < Linear(N, N) > block B(N) < first: A(N) -> A(N) > N < b: B(3) >",
    a_group_nests_the_keys: "N < (Linear(4, 4) -> ReLU) -> head: (Linear(4, 4) -> Tanh) >",
    a_tap_is_added_later: "N < Linear(4, 4) as s1 -> ReLU -> [_, s1] => Add -> [_, s1, s1 -> Tanh] => Add >",
    branches_on_the_current_value: "N < Linear(4, 4) -> [Linear(_, 8), Linear(_, 6) -> Linear(_, 8)] => Add >",
    values_multiplied_and_beside_each_other:
        "N: [2, 3] < Linear(3, 3) as a -> Sigmoid as b -> [_, a] => Mul -> [_, a, Linear(3, 4)] => Concat(-1) as c
         -> [c, c -> ReLU] => Concat(1) -> [_, _] => Stack(1) -> [_, _] => Stack(-1) -> [_, [_, _] => Mul] => Add >",
    a_named_input: "N < |x: [4]| Linear(_, 4) -> [_, x] => Add >",
    a_label_like_the_input: "N < x: Linear(4, 4) -> ReLU >",
    initialisations_of_the_users:
        "N < Linear(4, 4, init = kaiming_normal(nonlinearity = \"relu\"), bias_init = zeros) -> Linear(4, 4, init = orthogonal_(GAIN)) >",
    a_layer_of_the_users: "N < Linear(4, 4) -> my::Scale::<3>(7) => [2, 2] -> Flatten -> my: ::crate_a::Norm => [H] -> Linear(_, 2) >",
    all_reshapes: "N: [2, 3, 4, 5] < Flatten(2) -> Unflatten(-1, [4, _]) -> Flatten(1, 2) -> Flatten(-2, -1) -> Identity(54, x = 1) >",
    all_pads:
        "N: [2, 3, 5] < ZeroPad1d(1) -> ZeroPad2d((1, 2, -1, 0)) -> ConstantPad1d((-1, 2), 0.5) -> ReflectionPad2d(1)
         -> ReplicationPad2d((0, 1, 2, 3)) -> CircularPad2d((1, 1, 2, -2)) -> Unflatten(1, [1, 2]) -> ZeroPad3d(1)
         -> ConstantPad2d(0, -1) -> ConstantPad3d(1, 1e-3) -> ReflectionPad3d(1) -> ReplicationPad3d(2) -> CircularPad3d(1) >",
    all_resolutions:
        "N: [8, 4, 6] < PixelShuffle(2) -> PixelUnshuffle(2) -> ChannelShuffle(4) -> Upsample(8) -> Upsample(scale_factor = (0.5, 1.3))
         -> Upsample((5, 7), mode = \"nearest-exact\") -> Upsample(None, 2, \"bilinear\", false, true) -> UpsamplingNearest2d(7)
         -> Upsample(scale_factor = 2, mode = \"bicubic\", align_corners = true) -> UpsamplingBilinear2d(scale_factor = 0.5)
         -> Unfold(3, 1, padding = (1, 0)) -> Fold(7, 3, padding = (1, 0)) -> Unfold((2, 3), stride = 2, dilation = (3, 1)) >",
    all_softmaxes: "N: [3, 4, 4] < Softmax(1) -> Softmax -> Softmax2d -> Softmin(-1) -> Flatten -> LogSoftmax >",
    all_activations:
        "N: [2, 4] < ReLU -> ReLU6 -> LeakyReLU -> LeakyReLU(0.2, inplace = true) -> ELU(alpha = 2) -> SELU -> CELU(0.5) -> GELU
         -> GELU(\"tanh\") -> SiLU -> Mish -> Sigmoid -> LogSigmoid -> Hardsigmoid -> Tanh -> Hardtanh -> Hardtanh(-2, 3)
         -> Hardswish -> Softplus -> Softplus(2, 10) -> Softsign -> Softshrink -> Hardshrink(1e-3) -> Tanhshrink
         -> Threshold(0.1, 20) -> PReLU -> PReLU(2, init = 0.1) -> RReLU -> RReLU(0.1, 0.1) -> GLU -> Dropout(p = 0) >",
    all_options_of_norms:
        "N: [4, 6] < BatchNorm1d(4, 1e-3, None, affine = false, track_running_stats = false) -> BatchNorm1d(_, momentum = 0.3, bias = false)
         -> LayerNorm([4, 6], eps = 0) -> LayerNorm(6, elementwise_affine = false) -> LayerNorm(6, bias = false) >",
}
