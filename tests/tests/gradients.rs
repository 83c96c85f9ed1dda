//! Every layer and some whole networks against central differences in f64: per tensor, the largest difference over the
//! largest value is at most 1e-6, away from kinks.

use glulam::network::Sample;
use glulam::prelude::*;

/// The step of a difference: its error is of the order of h², its rounding of ε/h.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;
/// No input lies so close to a kink (0, ±0.5, ±1, ±3, 6, 20, …) that a step crosses it: inputs are drawn from a lattice of
/// odd multiples of a thirty-second, moved a little.
const LATTICE: f64 = 1.0 / 16.0;

/// Numbers that look random, the same each time.
fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A number in about ±2.5, away from kinks.
fn away_from_kinks(u: f64, v: f64) -> f64 {
    ((u * 80.0).floor() - 40.0 + 0.5) * LATTICE + (v - 0.5) * LATTICE / 8.0
}

/// Σ weight · output of one forward, always with the same random draws and running statistics.
fn objective<N: Network<f64, InputScalar = f64>>(model: &N, mode: Mode, x: &[f64], weights: &[f64]) -> f64 {
    let mut model = model.clone();
    let inputs = N::Input::from_flat(x);
    let mut workspace = model.workspace(inputs.len());
    let outputs = model.forward(mode, inputs, &mut workspace);
    N::Output::to_flat(outputs.values).iter().zip(weights).map(|(y, w)| y * w).sum()
}

/// The derivative of `f` with respect to `x[i]`.
fn central_difference(x: &mut [f64], i: usize, mut f: impl FnMut(&[f64]) -> f64) -> f64 {
    let kept = x[i];
    x[i] = kept + STEP;
    let above = f(x);
    x[i] = kept - STEP;
    let below = f(x);
    x[i] = kept;
    (above - below) / (2.0 * STEP)
}

fn assert_close(what: &str, analytic: &[f64], numeric: &[f64]) {
    let largest = numeric.iter().fold(0.0f64, |max, v| max.max(v.abs()));
    let difference = analytic.iter().zip(numeric).fold(0.0f64, |max, (a, n)| max.max((a - n).abs()));
    // A gradient that is zero everywhere has to be zero.
    let allowed = if largest > 1e-9 { TOLERANCE * largest } else { 1e-9 };
    assert!(
        difference <= allowed,
        "{what}: differs by {difference:.3e}, at most {allowed:.3e} is allowed\n{analytic:?}\n{numeric:?}"
    );
}

/// Checks all gradients of a network in a mode.
fn check<N: Network<f64, InputScalar = f64>>(mut model: N, mode: Mode, name: &str) {
    const ROWS: usize = 5;
    let mut next = random(7);
    let mut x: Vec<f64> = (0..ROWS * N::Input::LEN).map(|_| away_from_kinks(next(), next())).collect();
    let weights: Vec<f64> = (0..ROWS * N::Output::LEN).map(|_| next() * 2.0 - 1.0).collect();
    // Norms whose scale is 1 and shift 0 would hide mistakes.
    model.weights_mut().parameters.iter_mut().for_each(|p| *p += 0.3 * (next() - 0.5));
    model.weights_mut().buffers.iter_mut().for_each(|b| *b += 0.2 * next());

    let inputs = N::Input::from_flat(&x).to_vec();
    let mut workspace = model.workspace(ROWS);
    let mut gradients = model.zeros();
    let mut d_x = vec![0.0; x.len()];
    let mut used = model.clone();
    let outputs = used.forward(mode, &inputs, &mut workspace);
    N::Output::to_flat_mut(outputs.gradient).copy_from_slice(&weights);
    used.backward_to_inputs(&inputs, &mut workspace, &mut gradients, N::Input::from_flat_mut(&mut d_x));

    let numeric: Vec<f64> =
        (0..x.len()).map(|i| central_difference(&mut x, i, |x| objective(&model, mode, x, &weights))).collect();
    assert_close(&format!("{name} in {mode:?}: inputs"), &d_x, &numeric);
    for spec in N::PARAMS {
        let range = spec.offset..spec.offset + spec.len;
        let mut parameters = model.weights().parameters.to_vec();
        let mut moved = model.clone();
        let numeric: Vec<f64> = range
            .clone()
            .map(|i| {
                central_difference(&mut parameters, i, |p| {
                    moved.weights_mut().parameters.copy_from_slice(p);
                    objective(&moved, mode, &x, &weights)
                })
            })
            .collect();
        assert_close(&format!("{name} in {mode:?}: {}", spec.name), &gradients.0[range], &numeric);
    }
}

/// A test for each declaration: its gradients in training and in evaluation mode.
macro_rules! gradients {
    ($($name:ident { $($declared:tt)* })*) => { $(
        #[test]
        fn $name() {
            network! { Net: $($declared)* }
            for mode in [Mode::Train, Mode::Eval] {
                check(Net::seeded(3).cast::<f64>(), mode, stringify!($name));
            }
        }
    )* };
}

const TWO: usize = 2;
const HALF: f64 = 0.5;

gradients! {
    linear { [4] < Linear(4, 3) > }
    linear_without_bias { [4] < Linear(4, 3, bias = false) > }
    linear_on_the_last_of_several_axes { [2, 3] < Linear(3, 4) > }
    linear_wide { [20] < Linear(20, 70) > }
    flatten { [2, 3] < Linear(3, 2) -> Flatten -> Linear(_, 3) > }
    unflatten { [6] < Unflatten(1, [2, 3]) -> Linear(3, 2) > }
    identity { [3] < Identity -> Linear(3, 2) -> Identity > }
    conv1d { [2, 7] < Conv1d(2, 3, 3) > }
    conv1d_strided { [2, 8] < Conv1d(2, 3, 3, stride = 2, padding = 2, dilation = 2, bias = false) > }
    conv1d_longer_than_its_input { [1, 3] < Conv1d(1, 2, 5, padding = 2) > }
    conv2d { [2, 5, 4] < Conv2d(2, 3, (3, 2)) > }
    conv2d_strided { [3, 7, 5] < Conv2d(3, 2, 3, stride = (2, 3), padding = (1, 2)) > }
    conv2d_same { [2, 5, 3] < Conv2d(2, 3, (2, 4), padding = "same", dilation = (3, 1)) > }
    conv2d_grouped { [4, 5, 5] < Conv2d(4, 6, 3, padding = 1, groups = 2) > }
    conv2d_depthwise { [3, 5, 4] < Conv2d(3, 6, 3, padding = 1, stride = 2, groups = 3) > }
    conv2d_pointwise { [3, 3, 3] < Conv2d(3, 5, 1) > }
    conv2d_reflect { [2, 4, 5] < Conv2d(2, 2, 3, padding = (2, 1), padding_mode = "reflect") > }
    conv2d_replicate { [2, 3, 4] < Conv2d(2, 2, 3, padding = 2, stride = 2, padding_mode = "replicate") > }
    conv2d_circular { [2, 3, 5] < Conv2d(2, 4, (2, 3), padding = (1, 2), groups = 2, padding_mode = "circular") > }
    conv3d { [2, 3, 4, 3] < Conv3d(2, 2, (2, 3, 2), stride = (1, 2, 1), padding = (0, 1, 1)) > }
    conv_transpose1d { [3, 4] < ConvTranspose1d(3, 2, 3, stride = 2, padding = 1, output_padding = 1) > }
    conv_transpose2d { [2, 3, 4] < ConvTranspose2d(2, 3, (3, 2), stride = (2, 1), bias = false) > }
    conv_transpose2d_grouped { [4, 3, 2] < ConvTranspose2d(4, 2, 3, groups = 2, dilation = 2, padding = 1) > }
    conv_transpose3d { [2, 2, 2, 3] < ConvTranspose3d(2, 2, 2, stride = (2, 1, 2), output_padding = (1, 0, 0)) > }
    max_pool1d { [2, 7] < Linear(7, 7) -> MaxPool1d(3, stride = 2, padding = 1) > }
    max_pool1d_dilated { [3, 9] < MaxPool1d(2, stride = 1, dilation = 3, ceil_mode = true) > }
    max_pool2d { [3, 5, 7] < MaxPool2d(2) > }
    max_pool2d_of_one_channel { [1, 6, 5] < MaxPool2d(2) > }
    max_pool2d_overlapping { [9, 5, 7] < MaxPool2d(3, stride = (2, 1), padding = 1) > }
    max_pool2d_ceil { [2, 5, 6] < MaxPool2d((2, 3), stride = (2, 4), padding = (0, 1), ceil_mode = true) > }
    max_pool2d_dilated { [2, 6, 7] < MaxPool2d(2, stride = 1, padding = 1, dilation = (2, 3)) > }
    max_pool2d_far_apart { [2, 7, 8] < MaxPool2d(2, stride = 3) > }
    max_pool2d_of_large_windows { [2, 18, 17] < MaxPool2d(17, stride = 1) > }
    max_pool3d { [2, 3, 4, 5] < MaxPool3d((2, 2, 3), stride = (1, 2, 2), padding = (1, 0, 1)) > }
    max_pool3d_side_by_side { [2, 4, 5, 4] < MaxPool3d(2) > }
    avg_pool1d { [3, 8] < AvgPool1d(3, stride = 2, padding = 1, ceil_mode = true) > }
    avg_pool1d_of_what_is_there { [3, 8] < AvgPool1d(3, 2, 1, count_include_pad = false) > }
    avg_pool2d { [5, 5, 6] < AvgPool2d(2) > }
    avg_pool2d_of_one_channel { [1, 4, 7] < AvgPool2d((2, 3), stride = (1, 2)) > }
    avg_pool2d_padded { [3, 5, 4] < AvgPool2d(3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false) > }
    avg_pool2d_over_a_number { [2, 4, 5] < AvgPool2d(2, stride = 1, divisor_override = -3) > }
    avg_pool3d { [2, 3, 4, 5] < AvgPool3d((1, 2, 3), stride = (2, 2, 1), padding = (0, 1, 1)) > }
    lp_pool1d { [2, 7] < Softplus -> LPPool1d(2, 3, stride = 2, ceil_mode = true) > }
    lp_pool2d { [2, 5, 4] < Softplus -> LPPool2d(3, (2, 3), stride = 1) > }
    lp_pool2d_of_a_fraction { [3, 4, 4] < Softplus -> LPPool2d(1.5, 2) > }
    lp_pool3d { [2, 2, 3, 4] < Softplus -> LPPool3d(-1, 2, stride = (1, 1, 2)) > }
    adaptive_avg_pool1d { [3, 7] < AdaptiveAvgPool1d(3) > }
    adaptive_avg_pool2d { [3, 5, 3] < AdaptiveAvgPool2d((2, 4)) > }
    adaptive_avg_pool2d_of_the_whole { [5, 3, 4] < Conv2d(5, 4, 2) -> AdaptiveAvgPool2d(1) -> Flatten -> Linear(_, 3) > }
    adaptive_avg_pool3d { [2, 3, 4, 5] < AdaptiveAvgPool3d((2, None, 3)) > }
    adaptive_max_pool1d { [3, 7] < AdaptiveMaxPool1d(4) > }
    adaptive_max_pool2d { [3, 5, 6] < AdaptiveMaxPool2d((3, 2)) > }
    adaptive_max_pool3d { [2, 3, 4, 5] < AdaptiveMaxPool3d((2, 5, None)) > }
    pools_after_activations { [2, 7, 7] < Conv2d(2, 3, 2) -> Tanh -> MaxPool2d(2) -> Conv2d(3, 2, 2) -> SiLU -> AvgPool2d(2) -> Flatten -> Linear(_, 2) > }
    activations_after_convolutions { [2, 5, 5] < Conv2d(2, 3, 3) -> Tanh -> Conv2d(3, 4, 2) -> SiLU -> ConvTranspose2d(4, 2, 2) -> Sigmoid > }
    a_convolutional_network { [2, 6, 6] < Conv2d(2, 3, 3, padding = 1) -> Softplus -> Conv2d(3, 4, 3, stride = 2) -> Flatten -> Linear(_, 3) > }
    axes_of_channels_last { [2, 3, 4] < Conv2d(2, 4, 3, padding = 1) as a -> PReLU(4) -> GLU(1) -> Softmax(dim = 1) -> Softmax(dim = -1)
        -> [_, a] => Concat(1) as b -> [_, b -> LogSoftmax(2)] => Concat(2) -> [_, _] => Stack(1) -> Flatten -> Linear(_, 2) > }
    zero_pad1d { [3, 5] < ZeroPad1d((1, 2)) > }
    zero_pad2d { [2, 3, 5] < ZeroPad2d((-1, 2, 1, -1)) > }
    zero_pad2d_of_the_last_axes { [2, 3, 3, 2] < ZeroPad2d(1) > }
    zero_pad3d { [2, 3, 1, 5] < ZeroPad3d((2, 1, 0, 1, -1, 0)) > }
    constant_pad1d { [3, 5] < ConstantPad1d(2, 0.7) > }
    constant_pad2d { [3, 5] < ConstantPad2d((1, 0, 2, -1), -0.4) > }
    constant_pad3d { [3, 3, 2, 1] < ConstantPad3d(1, 1.5) > }
    reflection_pad1d { [3, 5] < ReflectionPad1d((4, 2)) > }
    reflection_pad2d { [2, 3, 5] < ReflectionPad2d((-2, 3, 2, 1)) > }
    reflection_pad3d { [1, 3, 5, 3] < ReflectionPad3d((1, 2, 3, 0, 2, 1)) > }
    replication_pad1d { [3, 5] < ReplicationPad1d((3, 7)) > }
    replication_pad2d { [2, 3, 5] < ReplicationPad2d((1, 0, -1, 2)) > }
    replication_pad3d { [3, 1, 3, 2] < ReplicationPad3d((0, 1, 2, 0, 1, 1)) > }
    circular_pad1d { [3, 5] < CircularPad1d((5, 1)) > }
    circular_pad2d { [2, 3, 5] < CircularPad2d((4, -1, 1, 3)) > }
    circular_pad3d { [2, 1, 3, 5] < CircularPad3d((1, 2, 0, 1, 1, 0)) > }
    upsample_nearest1d { [3, 5] < Upsample(scale_factor = 1.7) > }
    upsample_nearest2d { [2, 3, 5] < Upsample(scale_factor = (2, 0.7)) > }
    upsample_nearest3d { [2, 3, 1, 5] < Upsample(size = (5, 2, 3)) > }
    upsample_nearest_exact { [2, 3, 5] < Upsample(size = (7, 3), mode = "nearest-exact") > }
    upsample_linear { [3, 5] < Upsample(scale_factor = 1.7, mode = "linear") > }
    upsample_linear_to_corners { [3, 5] < Upsample(size = 7, mode = "linear", align_corners = true) > }
    upsample_bilinear { [2, 3, 5] < Upsample(scale_factor = (2.4, 0.7), mode = "bilinear") > }
    upsample_bilinear_of_one_axis { [2, 3, 5] < Upsample(size = (3, 9), mode = "bilinear") > }
    upsample_bilinear_recomputed { [2, 3, 5] < Upsample(scale_factor = 1.3, mode = "bilinear", recompute_scale_factor = true) > }
    upsample_bicubic { [2, 3, 5] < Upsample(scale_factor = (2.4, 0.7), mode = "bicubic") > }
    upsample_bicubic_to_corners { [1, 3, 5] < Upsample(size = (5, 3), mode = "bicubic", align_corners = true) > }
    upsample_trilinear { [2, 3, 1, 5] < Upsample(scale_factor = (1.7, 3, 0.7), mode = "trilinear") > }
    upsampling_nearest2d { [3, 3, 5] < UpsamplingNearest2d(size = (7, 3)) > }
    upsampling_bilinear2d { [3, 3, 5] < UpsamplingBilinear2d(scale_factor = (1, 1.7)) > }
    pixel_shuffle { [9, 3, 1] < PixelShuffle(3) > }
    pixel_shuffle_of_more_axes { [2, 4, 3, 5] < PixelShuffle(2) > }
    pixel_unshuffle { [3, 9, 3] < PixelUnshuffle(3) > }
    channel_shuffle { [6, 5] < ChannelShuffle(3) > }
    unfold { [3, 5, 7] < Unfold((3, 2), dilation = (1, 3), padding = (2, 1), stride = (3, 2)) > }
    unfold_of_few { [1, 3, 5] < Unfold(3) > }
    fold { [12, 12] < Fold((5, 7), (2, 3), stride = (2, 2), padding = 1) > }
    resolutions_channels_last { [2, 5, 3] < Conv2d(2, 4, 2) -> ReflectionPad2d((1, 0, 2, 1)) -> Upsample(scale_factor = 1.3, mode = "bilinear") -> PixelShuffle(2)
        -> ConstantPad1d((-1, 1), 0.3) -> PixelUnshuffle(2) -> ChannelShuffle(2) -> Upsample(size = 3) -> Conv2d(4, 2, 2) > }
    windows_of_channels_last { [2, 5, 3] < Conv2d(2, 3, 2) -> Unfold(2) -> Linear(3, 3) -> Fold((4, 2), 2) -> Conv2d(_, 2, 1) > }
    pads_and_resolutions_by_name { [TWO * 4, 1, 3] < ZeroPad2d((TWO, 0, 1, -1)) -> PixelShuffle(TWO) -> ReflectionPad2d(TWO - 1)
        -> Upsample(scale_factor = HALF, mode = "bilinear") -> ChannelShuffle(TWO) -> Unfold(TWO) > }
    a_view_alone { [2, 3] < Flatten > }
    dropout { [8] < Dropout(0.4) -> Linear(8, 4) -> Dropout(0.2) > }
    batch_norm { [3] < BatchNorm1d(3) > }
    batch_norm_of_sequences { [3, 4] < BatchNorm1d(3, eps = 0.01, momentum = 0.3) > }
    batch_norm_without_statistics { [3] < BatchNorm1d(3, track_running_stats = false) > }
    batch_norm_without_affine { [3] < BatchNorm1d(3, affine = false) > }
    batch_norm_without_bias { [3] < BatchNorm1d(3, bias = false) > }
    batch_norm_of_images { [3, 5, 3] < BatchNorm2d(3) > }
    batch_norm_of_images_without_statistics { [3, 3, 1] < BatchNorm2d(3, momentum = None, track_running_stats = false) > }
    batch_norm_of_volumes { [3, 2, 3, 1] < BatchNorm3d(3, affine = false) > }
    layer_norm { [6] < LayerNorm(6) > }
    layer_norm_of_two_axes { [3, 2, 4] < LayerNorm([2, 4], eps = 0.001) > }
    layer_norm_without_bias { [5] < LayerNorm(5, bias = false) > }
    layer_norm_without_affine { [5] < LayerNorm(5, elementwise_affine = false) > }
    group_norm { [6, 3] < GroupNorm(2, 6) > }
    group_norm_of_images { [6, 3, 5] < GroupNorm(3, _, eps = 0.01) > }
    group_norm_of_vectors { [6] < GroupNorm(2, 6, bias = false) > }
    group_norm_without_affine { [4, 1, 3] < GroupNorm(1, 4, affine = false) > }
    group_norm_of_many_channels { [70, 3] < GroupNorm(7, 70) > }
    instance_norm { [3, 5] < InstanceNorm1d(3, affine = true) > }
    instance_norm_of_images { [2, 3, 5] < InstanceNorm2d(2, eps = 0.01) > }
    instance_norm_with_statistics { [3, 3, 3] < InstanceNorm2d(3, momentum = 0.3, affine = true, track_running_stats = true) > }
    instance_norm_of_volumes { [2, 3, 1, 3] < InstanceNorm3d(2, affine = true, track_running_stats = true, bias = false) > }
    rms_norm { [3, 5] < RMSNorm(5) > }
    rms_norm_of_two_axes { [3, 2, 3] < RMSNorm([2, 3], eps = 0.01) > }
    rms_norm_without_affine { [7] < RMSNorm(7, elementwise_affine = false) > }
    local_response_norm { [7, 3] < LocalResponseNorm(3, alpha = 1.3, beta = 0.8, k = 1.2) > }
    local_response_norm_of_images { [5, 3, 3] < LocalResponseNorm(4, alpha = 0.9) > }
    local_response_norm_of_more_than_there_are { [3, 5] < LocalResponseNorm(9, alpha = 2.0) > }
    local_response_norm_of_a_long_sample { [5, 61] < LocalResponseNorm(2, alpha = 0.7) > }
    dropout1d { [5, 3] < Dropout1d(0.4) > }
    dropout2d { [5, 3, 1] < Dropout2d > }
    dropout3d { [5, 1, 3, 1] < Dropout3d(0.2) > }
    alpha_dropout { [9] < AlphaDropout(0.3) > }
    feature_alpha_dropout { [5, 3] < FeatureAlphaDropout(0.6) > }
    norms_channels_last { [2, 3, 4] < Conv2d(2, 6, 2, bias = false) -> GroupNorm(2, 6) -> Tanh -> InstanceNorm2d(6, affine = true, track_running_stats = true) -> LocalResponseNorm(3, alpha = 0.5) -> BatchNorm2d(6) -> Conv2d(6, 2, 1) > }
    group_norm_channels_last { [2, 3, 4] < Conv2d(2, 6, 2, bias = false) -> GroupNorm(3, 6, bias = false) -> Tanh -> Conv2d(6, 2, 1) -> InstanceNorm2d(2) > }
    layer_norm_channels_last { [2, 3, 4] < Conv2d(2, 3, 2) -> LayerNorm([3, 2, 3]) -> Tanh -> Conv2d(3, 2, 1) -> RMSNorm([2, 2, 3]) -> Conv2d(2, 2, 1) -> LayerNorm(3) > }
    dropouts_channels_last { [2, 3, 4] < Conv2d(2, 5, 2) -> Dropout2d(0.3) -> Conv2d(5, 4, 1) -> FeatureAlphaDropout(0.3) -> AlphaDropout(0.2) -> Conv2d(4, 2, 1) > }
    norms_between_layers { [4, 3] < Linear(3, 5) -> GroupNorm(2, 4) -> Tanh -> InstanceNorm1d(4, affine = true, track_running_stats = true) -> Dropout1d(0.3) -> Linear(5, 2) -> RMSNorm(2) -> LocalResponseNorm(3, alpha = 0.5) -> Flatten -> Linear(_, 2) > }
    sum_of_three { [3] < Linear(3, 3) as a -> Tanh as b -> [_, a, b -> Linear(3, 3)] => Add > }
    product { [3] < Linear(3, 3) as a -> Tanh -> [_, a] => Mul > }
    concat { [2, 3] < Linear(3, 3) as a -> Linear(3, 2) -> [_, a, a] => Concat(2) > }
    concat_of_channels { [2, 3] < Linear(3, 3) -> [_, Tanh -> Linear(3, 3)] => Concat(1) > }
    stack { [2, 3] < Linear(3, 3) -> [_, Tanh] => Stack(1) > }
    stack_at_the_end { [2, 3] < Linear(3, 3) -> [Tanh, _] => Stack(-1) > }
    softmax { [5] < Softmax > }
    softmax_of_channels { [4, 3] < Softmax(dim = 1) > }
    log_softmax { [2, 5] < LogSoftmax(dim = -1) > }
    softmin { [5] < Softmin(dim = 1) > }
    softmax2d { [3, 2, 2] < Softmax2d > }
    glu { [6] < GLU > }
    glu_of_channels { [4, 3] < GLU(dim = 1) > }
    prelu { [6] < PReLU > }
    prelu_of_channels { [3, 4] < PReLU(3) > }
    rrelu { [6] < RReLU > }
    relu { [7] < ReLU > }
    relu_folded { [4] < Linear(4, 5) -> ReLU -> Linear(5, 3) > }
    relu6 { [7] < ReLU6 > }
    relu6_folded { [4] < Linear(4, 5) -> ReLU6 -> Linear(5, 3) > }
    leakyrelu { [7] < LeakyReLU > }
    leakyrelu_folded { [4] < Linear(4, 5) -> LeakyReLU -> Linear(5, 3) > }
    leakyrelu_negative_slope_0_3 { [7] < LeakyReLU(negative_slope = -0.3) > }
    leakyrelu_negative_slope_0_3_folded { [4] < Linear(4, 5) -> LeakyReLU(negative_slope = -0.3) -> Linear(5, 3) > }
    elu { [7] < ELU > }
    elu_folded { [4] < Linear(4, 5) -> ELU -> Linear(5, 3) > }
    elu_alpha_0_7 { [7] < ELU(alpha = 0.7) > }
    elu_alpha_0_7_folded { [4] < Linear(4, 5) -> ELU(alpha = 0.7) -> Linear(5, 3) > }
    selu { [7] < SELU > }
    selu_folded { [4] < Linear(4, 5) -> SELU -> Linear(5, 3) > }
    celu_alpha_1_5 { [7] < CELU(alpha = 1.5) > }
    celu_alpha_1_5_folded { [4] < Linear(4, 5) -> CELU(alpha = 1.5) -> Linear(5, 3) > }
    gelu { [7] < GELU > }
    gelu_folded { [4] < Linear(4, 5) -> GELU -> Linear(5, 3) > }
    gelu_approximate_tanh { [7] < GELU(approximate = "tanh") > }
    gelu_approximate_tanh_folded { [4] < Linear(4, 5) -> GELU(approximate = "tanh") -> Linear(5, 3) > }
    silu { [7] < SiLU > }
    silu_folded { [4] < Linear(4, 5) -> SiLU -> Linear(5, 3) > }
    mish { [7] < Mish > }
    mish_folded { [4] < Linear(4, 5) -> Mish -> Linear(5, 3) > }
    sigmoid { [7] < Sigmoid > }
    sigmoid_folded { [4] < Linear(4, 5) -> Sigmoid -> Linear(5, 3) > }
    logsigmoid { [7] < LogSigmoid > }
    logsigmoid_folded { [4] < Linear(4, 5) -> LogSigmoid -> Linear(5, 3) > }
    hardsigmoid { [7] < Hardsigmoid > }
    hardsigmoid_folded { [4] < Linear(4, 5) -> Hardsigmoid -> Linear(5, 3) > }
    tanh { [7] < Tanh > }
    tanh_folded { [4] < Linear(4, 5) -> Tanh -> Linear(5, 3) > }
    hardtanh { [7] < Hardtanh > }
    hardtanh_folded { [4] < Linear(4, 5) -> Hardtanh -> Linear(5, 3) > }
    hardtanh_2_0_0_6 { [7] < Hardtanh(-2.0, 0.6) > }
    hardtanh_2_0_0_6_folded { [4] < Linear(4, 5) -> Hardtanh(-2.0, 0.6) -> Linear(5, 3) > }
    hardswish { [7] < Hardswish > }
    hardswish_folded { [4] < Linear(4, 5) -> Hardswish -> Linear(5, 3) > }
    softplus { [7] < Softplus > }
    softplus_folded { [4] < Linear(4, 5) -> Softplus -> Linear(5, 3) > }
    softplus_beta_2_0_threshold_3_0 { [7] < Softplus(beta = 2.0, threshold = 3.0) > }
    softplus_beta_2_0_threshold_3_0_folded { [4] < Linear(4, 5) -> Softplus(beta = 2.0, threshold = 3.0) -> Linear(5, 3) > }
    softsign { [7] < Softsign > }
    softsign_folded { [4] < Linear(4, 5) -> Softsign -> Linear(5, 3) > }
    softshrink { [7] < Softshrink > }
    softshrink_folded { [4] < Linear(4, 5) -> Softshrink -> Linear(5, 3) > }
    hardshrink { [7] < Hardshrink > }
    hardshrink_folded { [4] < Linear(4, 5) -> Hardshrink -> Linear(5, 3) > }
    tanhshrink { [7] < Tanhshrink > }
    tanhshrink_folded { [4] < Linear(4, 5) -> Tanhshrink -> Linear(5, 3) > }
    threshold_0_3_1_5 { [7] < Threshold(0.3, 1.5) > }
    threshold_0_3_1_5_folded { [4] < Linear(4, 5) -> Threshold(0.3, 1.5) -> Linear(5, 3) > }
    a_perceptron { [6] < Linear(6, 8) -> Tanh -> Linear(8, 8) -> GELU -> Linear(8, 3) -> LogSoftmax > }
    a_residual_block { [6] < Linear(6, 6) -> Residual(LayerNorm(6) -> Linear(6, 9) -> SiLU -> Linear(9, 6)) -> Linear(6, 2) > }
    a_residual_at_the_input { [4] < Residual(Linear(4, 4) -> Tanh, shortcut = Linear(4, 4, bias = false)) -> Sigmoid > }
    nested_residuals { [4] < Residual(Residual(Linear(4, 4) -> Tanh) -> Residual(Identity)) -> Linear(4, 2) > }
    a_fork_of_three { [4] < Linear(4, 4) as a -> Tanh as b -> [_, a, b] => Add -> Linear(4, 2) > }
    an_activation_with_two_readers { [4] < Linear(4, 4) -> SiLU -> Residual(Linear(4, 4) -> Mish) -> Linear(4, 2) > }
    batch_norms_between_layers { [4] < Linear(4, 6) -> BatchNorm1d(6) -> Tanh -> Linear(6, 6, bias = false) -> BatchNorm1d(6) -> Softplus -> Linear(6, 2) > }
    noise_and_norms { [3, 4] < Dropout(0.3) -> Linear(4, 5) -> RReLU -> PReLU -> BatchNorm1d(3) -> Flatten -> Linear(_, 3) > }
}
