//! Every form of a declaration, as a running network: its keys, its numbers, and its gradients against differences.

mod endings;
mod expressions;
mod fragments;
mod names;

use glulam::init::Init;
use glulam::layer::CustomLayer;
use glulam::network::Sample;
use glulam::prelude::*;

const ROWS: usize = 3;

/// Numbers that look random, from -1.5 to 1.5.
fn numbers(count: usize, start: usize) -> Vec<f64> {
    (0..count).map(|i| ((i + start) * 7919 % 1009) as f64 / 336.0 - 1.5).collect()
}

/// The sum of all outputs, each times a number, for one batch in training mode.
fn objective<N: Network<f64, InputScalar = f64>>(net: &mut N, inputs: &[f64], upstream: &[f64]) -> f64 {
    let mut workspace = net.workspace(ROWS);
    let outputs = net.forward(Mode::Train, N::Input::from_flat(inputs), &mut workspace);
    N::Output::to_flat(outputs.values).iter().zip(upstream).map(|(y, u)| y * u).sum()
}

/// Every parameter's gradient agrees with a central difference.
#[track_caller]
fn check_gradients<N: Network<f64, InputScalar = f64>>(mut net: N) {
    let inputs = numbers(ROWS * N::Input::LEN, 1);
    let upstream = numbers(ROWS * N::Output::LEN, 500);
    // Parameters that begin alike (zeros of a bias) would hide mistakes.
    for spec in N::PARAMS {
        for i in spec.offset..spec.offset + spec.len {
            net.weights_mut().parameters[i] += 0.1 * numbers(1, i)[0];
        }
    }

    let mut workspace = net.workspace(ROWS);
    let outputs = net.forward(Mode::Train, N::Input::from_flat(&inputs), &mut workspace);
    N::Output::to_flat_mut(outputs.gradient).copy_from_slice(&upstream);
    let mut gradients = net.zeros();
    net.backward(N::Input::from_flat(&inputs), &mut workspace, &mut gradients);

    for spec in N::PARAMS {
        for i in spec.offset..spec.offset + spec.len {
            const STEP: f64 = 1e-6;
            let at = net.weights().parameters[i];
            let mut side = |x| {
                net.weights_mut().parameters[i] = x;
                objective(&mut net, &inputs, &upstream)
            };
            let numeric = (side(at + STEP) - side(at - STEP)) / (2.0 * STEP);
            net.weights_mut().parameters[i] = at;
            let found = gradients.0[i];
            // Rounding of the objective divided by the step, and the third derivative times its square.
            let bound = 1e-7 * (1.0 + numeric.abs());
            assert!((found - numeric).abs() < bound, "{} of {}: {found}, not {numeric}", spec.name, N::NAME);
        }
    }
}

fn keys<N: Network<f32>>(_: &N) -> Vec<&'static str> {
    N::PARAMS.iter().map(|spec| spec.name).collect()
}

mod without_a_name {
    glulam::network! { pub < Linear(4, 3) -> Tanh -> Linear(3, 2) > }
}

#[test]
fn a_network_without_a_name_is_called_network() {
    check_gradients(without_a_name::Network::seeded(1).cast::<f64>());
}

network! {
    /// The first of two networks in one call.
    #[allow(dead_code, reason = "an attribute passes to the struct: it is never made")]
    pub(crate) First < Linear(3, 2) >
    pub Second: [2, 3] < Flatten -> first: Linear(_, 4, bias = false) -> SiLU >
}

#[test]
fn a_call_may_declare_several_networks() {
    assert_eq!(keys(&Second::seeded(1)), ["first.weight"]);
    check_gradients(Second::seeded(1).cast::<f64>());
}

const WIDTH: usize = 5;
const SLOPE: f64 = 0.2;

network! {
    Constants: [2, WIDTH] <
        Flatten -> Linear(2 * WIDTH, WIDTH) -> LeakyReLU(SLOPE) -> hidden: Linear(WIDTH, WIDTH + 1) -> BatchNorm1d(WIDTH + 1)
            -> GELU -> Linear(_, WIDTH) -> LayerNorm(WIDTH) -> Softmax(dim = 1)
    >
}

#[test]
fn named_constants_are_carried_through() {
    check_gradients(Constants::seeded(1).cast::<f64>());
    assert_eq!(Constants::PARAMETERS, 10 * 5 + 5 + 5 * 6 + 6 + 2 * 6 + 6 * 5 + 5 + 2 * 5);
}

network! {
    block Mix(D, H = 2 * D) < Residual(LayerNorm(D) -> up: Linear(D, H) -> GELU("tanh") -> Linear(H, D)) >
    Blocks: [2, 4] <
        Mix(4) -> Mix(4, H = 3) * 2 -> more: Mix(D = 4) * (1 + 1)
            -> Residual(Linear(4, 3) -> Mish, shortcut = Linear(4, 3, bias = false)) -> (Linear(3, 2) -> ELU)
    >
}

network! {
    block Pair(N) < fc: Linear(N, N) -> ReLU -> Linear(N, N, bias = false) * 2 >
    Rows < stem: Linear(3, 4) -> blocks: Pair(4) * 3 -> Linear(_, 5) * 2 -> Linear(5, 2) >
}

#[test]
fn what_is_repeated_is_an_array_of_views() {
    let mut net = Rows::seeded(3);
    assert_eq!(net.params().blocks.len(), 3);
    net.params_mut().blocks[1].fc_weight[2][3] = 7.5;
    net.params_mut().blocks[2].l2[1].weight[0][3] = -2.5;
    let dict = net.state_dict();
    // The weight is stored [in][out].
    assert_eq!(dict.get("blocks.1.fc.weight").unwrap().to_reals::<f32>()[3 * 4 + 2], 7.5);
    assert_eq!(dict.get("blocks.2.2.1.weight").unwrap().to_reals::<f32>()[3 * 4], -2.5);
    assert_eq!(net.params().blocks[1].fc_weight[2][3], 7.5);
    // Copies of different shapes are fields of their own.
    let (first, second) = (net.params().l2_0_weight, net.params().l2_1_weight);
    assert_eq!((first.len(), second.len()), (4, 5));
    assert!(format!("{:?}", net.params()).contains("blocks: [RowsParamsBlocks"));
    check_gradients(net.cast());
}

#[test]
fn blocks_and_repeats_have_keys_of_their_own() {
    let body = |prefix: &str| {
        let names = ["0.weight", "0.bias", "up.weight", "up.bias", "3.weight", "3.bias"];
        names.map(|name| format!("{prefix}.0.{name}"))
    };
    let mut expected: Vec<String> = ["0", "1.0", "1.1", "more.0", "more.1"].iter().flat_map(|p| body(p)).collect();
    expected.extend(["3.0.weight", "3.0.bias", "3.shortcut.0.weight", "4.0.weight", "4.0.bias"].map(String::from));
    assert_eq!(keys(&Blocks::seeded(1)), expected);
    check_gradients(Blocks::seeded(1).cast::<f64>());
}

network! {
    Taps: [4] <
        Linear(4, 4) as s0 -> Sigmoid as s1 -> Linear(4, 4) -> [_, s1, s0 -> Tanh] => Add as s2
            -> [Linear(_, 3), Linear(_, 5) -> Softplus -> Linear(5, 3)] => Add -> [_, s2 -> Linear(4, 3)] => Add -> Hardswish
    >
}

#[test]
fn taps_and_branches_meet() {
    check_gradients(Taps::seeded(1).cast::<f64>());
}

network! {
    Joins: [2, 3] <
        Linear(3, 3) as a -> Sigmoid as b -> [_, a] => Mul -> [_, a, Linear(3, 4)] => Concat(-1) as c
            -> [c, c -> Tanh] => Concat(1) -> [_, _ -> SiLU] => Stack(2) -> [_, [_, _] => Mul] => Mul -> [_, _] => Stack(-1)
            -> Flatten -> Linear(_, 2) -> [_, _] => Concat(1)
    >
}

#[test]
fn values_are_multiplied_and_put_beside_each_other() {
    check_gradients(Joins::seeded(1).cast::<f64>());
}

network! { Views: [2, 3] < x: Identity -> Residual(Identity) -> Flatten -> Linear(_, 4) -> Unflatten(1, [2, _]) -> Linear(2, 2) -> Flatten > }

#[test]
fn views_of_the_input_and_of_values_may_be_added() {
    check_gradients(Views::seeded(1).cast::<f64>());
}

network! { Last < Linear(3, 3) -> CELU(0.5) -> Linear(3, 2) -> Sigmoid > }

#[test]
fn an_activation_may_be_the_end() {
    check_gradients(Last::seeded(1).cast::<f64>());
}

network! { Scalars: [] < PReLU -> Hardtanh(-3, 3) > }

#[test]
fn a_sample_may_be_a_scalar() {
    check_gradients(Scalars::seeded(1).cast::<f64>());
    assert_eq!(Scalars::seeded(1).predict(&[0.0, -4.0, 5.0]), [0.0, -1.0, 3.0]);
}

network! { Nothing: [3] < ReLU -> Dropout(0.0) -> Flatten > }

#[test]
fn a_network_may_have_no_parameters() {
    assert_eq!(Nothing::PARAMETERS, 0);
    assert_eq!(Nothing::seeded(1).predict(&[[-1.0, 0.5, 2.0]]), [[0.0, 0.5, 2.0]]);
    check_gradients(Nothing::seeded(1).cast::<f64>());
}

network! {
    Initialised <
        Linear(3, 3, init = eye, bias_init = constant(2.0)) -> Linear(3, 3, init = zeros_, bias_init = uniform(4.0, 4.5))
            -> Linear(3, 3, init = kaiming_normal(mode = "fan_out", nonlinearity = "relu"), bias = false)
            -> Linear(3, 3, init = xavier_uniform(gain = WIDTH as f64)) -> PReLU(3, init = 0.5)
    >
}

#[test]
fn initialisations_are_those_of_the_declaration() {
    let net = Initialised::seeded(1);
    let params = net.params();
    assert_eq!(*params.l0_weight, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    assert_eq!(*params.l0_bias, [2.0; 3]);
    assert_eq!(*params.l1_weight, [[0.0; 3]; 3]);
    assert!(params.l1_bias.iter().all(|b| (4.0..4.5).contains(b)));
    assert_eq!(*params.l4_weight, [0.5; 3]);
}

/// y = a ⊙ x, and in the last place a constant: with parameters.
#[derive(Clone, Copy, Debug)]
struct Scale<const N: usize>;

impl<const N: usize> CustomLayer for Scale<N> {
    const PARAMETERS: usize = N;
    const INIT: Init = Init::Constant(1.5);

    fn forward<T: Real>(&self, parameters: &[T], x: &[T], y: &mut [T]) {
        for i in 0..N {
            y[i] = parameters[i] * x[i] * x[i];
        }
    }

    fn backward_input<T: Real>(&self, parameters: &[T], x: &[T], dy: &[T], dx: &mut [T]) {
        for i in 0..N {
            dx[i] = (parameters[i] * x[i] + parameters[i] * x[i]) * dy[i];
        }
    }

    fn backward_parameters<T: Real>(&self, _parameters: &[T], x: &[T], dy: &[T], gradient: &mut [T]) {
        for i in 0..N {
            gradient[i] += dy[i] * x[i] * x[i];
        }
    }
}

mod mine {
    use super::*;

    /// Takes some of the elements: without parameters.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Slice {
        pub(super) start: usize,
        pub(super) len: usize,
    }

    impl CustomLayer for Slice {
        const PARAMETERS: usize = 0;

        fn forward<T: Real>(&self, _parameters: &[T], x: &[T], y: &mut [T]) {
            y.copy_from_slice(&x[self.start..self.start + self.len]);
        }

        fn backward_input<T: Real>(&self, _parameters: &[T], _x: &[T], dy: &[T], dx: &mut [T]) {
            dx.fill(T::ZERO);
            dx[self.start..self.start + self.len].copy_from_slice(dy);
        }
    }
}

network! {
    block Half(N) < mine::Slice(start = N, len = N) => [N] >
    Custom < Linear(3, 4) -> scale: Scale::<4> => [2, 2] -> Flatten -> Half(2) -> Linear(2, 2) -> Tanh -> Scale::<2> => [2] >
}

#[test]
fn layers_of_the_users_are_trained_too() {
    let net = Custom::seeded(1);
    assert_eq!(*net.params().scale_parameters, [1.5; 4]);
    check_gradients(net.cast::<f64>());
}

network! {
    block Pass(N) < mine::Slice(start = 0, len = N) => [N] >
    Woven: [4] <
        Scale::<4> => [4] -> Tanh -> Residual(Scale::<4> => [4]) -> Tanh
            -> Residual(Linear(4, 4), shortcut = mine::Slice(start = 0, len = 4) => [4]) -> Tanh
            -> [Scale::<4> => [4], Linear(4, 4)] => Add -> Tanh as a -> [_, mine::Slice(start = 0, len = 4) => [4]] => Mul
            -> (Pass(4) -> Tanh) * 2 -> [_, a -> Scale::<4> => [4], a] => Add -> Tanh
            -> [Pass(4), _] => Concat(1) -> [_, Pass(8)] => Stack(1) -> Flatten -> Linear(_, 2)
    >
}

#[test]
fn layers_of_the_users_stand_wherever_a_layer_can() {
    check_gradients(Woven::seeded(1).cast::<f64>());
}

network! {
    // Norms behind convolutions of each kind; one whose input is read once more, and one without running statistics.
    NormsBehind: [3, 9, 8] <
        Conv2d(3, 6, 3, stride = 2, groups = 3) -> BatchNorm2d(6) -> SiLU
        -> Conv2d(6, 32, 3, padding = 6) -> BatchNorm2d(32, affine = false)
        -> Conv2d(32, 32, 3, padding = 1) -> BatchNorm2d(32, bias = false) -> ReLU
        -> ConvTranspose2d(32, 5, 3, stride = 2, bias = false) -> BatchNorm2d(5) -> ReLU
        -> Conv2d(5, 4, 1) as a -> BatchNorm2d(4) -> [_, a] => Add
        -> Conv2d(4, 4, 2, padding_mode = "circular", padding = 1) -> BatchNorm2d(4, track_running_stats = false)
        -> Conv2d(4, 4, 3) -> BatchNorm2d(4)
    >
}

#[test]
fn a_norm_in_a_convolutions_write_back_has_the_bits_of_the_evaluation() {
    let mut net = NormsBehind::seeded(3);
    let inputs: Vec<f32> = numbers(4 * 216, 1).into_iter().map(|x| x as f32).collect();
    let inputs = <NormsBehind as Network<f32>>::Input::from_flat(&inputs);
    let mut workspace = net.workspace(4);
    for spec in NormsBehind::PARAMS {
        net.weights_mut().parameters[spec.offset] += 0.25;
    }
    net.forward(Mode::Train, inputs, &mut workspace);
    let evaluated = net.forward(Mode::Eval, inputs, &mut workspace).values.to_vec();
    assert!(net.predict(inputs) == evaluated);
}
