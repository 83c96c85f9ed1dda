//! Bounds, moments and structure of initial values. The numbers differ from PyTorch's; their distributions may not.

use super::*;
use crate::Network;
use crate::network::{Kind, ParamSpec};

fn filled(init: Init, shape: &[usize]) -> Vec<f64> {
    let mut values = vec![f64::NAN; shape.iter().product()];
    init.fill_tensor(&mut values, shape, &mut Generator::seed_from(9)).unwrap();
    values
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Compares with the moments of the distribution; 40,000 numbers estimate them to half a percent of the deviation, and
/// five times that never happens.
#[track_caller]
fn check_moments(init: Init, shape: &[usize], mean: f64, std: f64) {
    let values = filled(init, shape);
    assert!(values.len() >= 40_000);
    let found = moments(&values);
    assert!((found.0 - mean).abs() < 0.025 * std && (found.1 - std).abs() < 0.025 * std, "{init:?}: {found:?}");
}

#[track_caller]
fn check_uniform(init: Init, shape: &[usize], bound: f64) {
    check_moments(init, shape, 0.0, bound / 3f64.sqrt());
    let largest = filled(init, shape).iter().fold(0f64, |m, x| m.max(x.abs()));
    assert!(largest <= bound && largest > 0.99 * bound, "{init:?}: {largest} for {bound}");
}

const WIDE: &[usize] = &[100, 400];
const KERNELS: &[usize] = &[80, 64, 3, 3];

#[test]
fn uniform_numbers_fill_their_bounds() {
    check_uniform(Init::Default { fan_in: 400 }, WIDE, 0.05);
    check_uniform(Init::Uniform { a: -3.0, b: 3.0 }, WIDE, 3.0);
    check_uniform(Init::XavierUniform { gain: 2.0 }, WIDE, 2.0 * (6.0f64 / 500.0).sqrt());
    check_uniform(Init::XavierUniform { gain: 1.0 }, KERNELS, (6.0f64 / (9.0 * 144.0)).sqrt());
    check_uniform(Init::KAIMING_UNIFORM, WIDE, (6.0f64 / 400.0).sqrt());
    let slope = |a| Init::KaimingUniform { a, mode: FanMode::FanIn, nonlinearity: Nonlinearity::LeakyReLU };
    check_uniform(slope(5f64.sqrt()), KERNELS, (1.0f64 / (64.0 * 9.0)).sqrt());
    let out = Init::KaimingUniform { a: 7.0, mode: FanMode::FanOut, nonlinearity: Nonlinearity::ReLU };
    check_uniform(out, KERNELS, (6.0f64 / (80.0 * 9.0)).sqrt());
}

#[test]
fn normal_numbers_have_their_moments() {
    check_moments(Init::Normal { mean: 2.0, std: 3.0 }, WIDE, 2.0, 3.0);
    check_moments(Init::XavierNormal { gain: 1.0 }, WIDE, 0.0, (2.0f64 / 500.0).sqrt());
    check_moments(Init::KAIMING_NORMAL, WIDE, 0.0, (2.0f64 / 400.0).sqrt());
    let tanh = Init::KaimingNormal { a: 0.0, mode: FanMode::FanOut, nonlinearity: Nonlinearity::Tanh };
    check_moments(tanh, KERNELS, 0.0, 5.0 / 3.0 / (80.0f64 * 9.0).sqrt());
    let fourth =
        filled(Init::Normal { mean: 0.0, std: 1.0 }, &[200, 400]).iter().map(|x| x.powi(4)).sum::<f64>() / 80_000.0;
    assert!((fourth - 3.0).abs() < 0.2, "{fourth}");
}

#[test]
fn truncated_normal_numbers_stay_within_their_bounds() {
    // Moments: from the density and the distribution function.
    for (mean, std, a, b, expected) in [
        (0.0, 1.0, -2.0, 2.0, (0.0, 0.879626)),
        (0.0, 1.0, 3.0, f64::INFINITY, (3.283099, 0.265630)),
        (0.0, 1.0, -0.1, 0.2, (0.049626, 0.086472)),
        (1.0, 2.0, 0.0, f64::INFINITY, (2.018321, 1.394526)),
    ] {
        let init = Init::TruncNormal { mean, std, a, b };
        check_moments(init, WIDE, expected.0, expected.1);
        assert!(filled(init, WIDE).iter().all(|x| (a..=b).contains(x)));
    }
}

#[test]
fn the_identity_fills_matrices_of_any_form() {
    assert_eq!(filled(Init::Eye, &[2, 3]), [1., 0., 0., 0., 1., 0.]);
    assert_eq!(filled(Init::Eye, &[3, 2]), [1., 0., 0., 1., 0., 0.]);
}

#[test]
fn dirac_kernels_pass_channels_on() {
    assert_eq!(filled(Init::Dirac { groups: 1 }, &[2, 1, 3]), [0., 1., 0., 0., 0., 0.]);
    // Two groups of two channels each: channel i of a group from input i.
    assert_eq!(
        filled(Init::Dirac { groups: 2 }, &[4, 2, 1, 2]),
        [0., 1., 0., 0., 0., 0., 0., 1., 0., 1., 0., 0., 0., 0., 0., 1.]
    );
    assert_eq!(filled(Init::Dirac { groups: 1 }, &[1, 1, 3, 3, 3]).iter().position(|&x| x == 1.0), Some(13));
}

#[test]
fn orthogonal_matrices_have_orthonormal_rows_or_columns() {
    for shape in [&[5, 3, 4][..], &[30, 7], &[6, 6], &[1, 1]] {
        let (rows, columns) = (shape[0], shape[1..].iter().product::<usize>());
        let values = filled(Init::Orthogonal { gain: 3.0 }, shape);
        let vector = |i: usize| -> Vec<f64> {
            if rows < columns {
                values[i * columns..][..columns].to_vec()
            } else {
                (0..rows).map(|j| values[j * columns + i]).collect()
            }
        };
        for i in 0..rows.min(columns) {
            for j in 0..rows.min(columns) {
                let product: f64 = vector(i).iter().zip(vector(j)).map(|(x, y)| x * y).sum();
                let expected = if i == j { 9.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-12, "{shape:?}: {i}·{j} = {product}");
            }
        }
    }
}

#[test]
fn orthogonal_matrices_have_no_preferred_sign() {
    let mut generator = Generator::seed_from(4);
    let positive = (0..1000).filter(|_| {
        let mut value = [0.0f64];
        orthogonal_(&mut value, &[1, 1], 1.0, &mut generator).unwrap();
        value[0] > 0.0
    });
    // Five standard deviations of a fair coin thrown a thousand times.
    assert!(positive.count().abs_diff(500) < 80);
}

#[test]
fn sparse_matrices_have_the_same_number_of_zeros_in_each_column() {
    let values = filled(Init::Sparse { sparsity: 0.25, std: 0.01 }, &[10, 40]);
    for column in 0..40 {
        assert_eq!((0..10).filter(|row| values[row * 40 + column] == 0.0).count(), 3);
    }
    assert!(values.iter().all(|x| x.abs() < 0.06));
}

#[test]
fn an_embedding_has_zeros_for_padding() {
    let values = filled(Init::Embedding { padding_idx: Some(1) }, &[3, 2]);
    assert_eq!(values.iter().map(|&x| x == 0.0).collect::<Vec<_>>(), [false, false, true, true, false, false]);
}

#[test]
fn constants_are_everywhere() {
    assert_eq!(filled(Init::ONES, &[2]), [1.0, 1.0]);
    let mut values = [3.0f32; 2];
    zeros_(&mut values);
    assert_eq!(values, [0.0; 2]);
    ones_(&mut values);
    assert_eq!(values, [1.0; 2]);
    constant_(&mut values, 0.1);
    assert_eq!(values, [0.1; 2]);
}

#[test]
fn both_precisions_are_the_same_numbers_rounded() {
    for init in [Init::Default { fan_in: 4 }, Init::KAIMING_NORMAL, Init::TRUNC_NORMAL, Init::Orthogonal { gain: 1.0 }]
    {
        let mut single = [0.0f32; 15];
        init.fill_tensor(&mut single, &[5, 3], &mut Generator::seed_from(9)).unwrap();
        assert_eq!(single.to_vec(), filled(init, &[5, 3]).iter().map(|&x| x as f32).collect::<Vec<_>>());
    }
}

#[test]
fn a_parameter_is_filled_in_its_own_order() {
    let spec = ParamSpec::new("w", &[2, 3], 16, Kind::Weight);
    let mut flat = [0.0f64; 22];
    Init::Eye.fill(&spec.stored(&[1, 0]), &mut flat, &mut Generator::seed_from(0));
    assert_eq!(flat[16..], [1., 0., 0., 1., 0., 0.]);
    Init::Eye.fill(&spec, &mut flat, &mut Generator::seed_from(0));
    assert_eq!(flat[16..], [1., 0., 0., 0., 1., 0.]);
}

#[test]
fn gains_are_pytorchs() {
    for (name, param, expected) in [
        ("linear", None, 1.0),
        ("conv_transpose2d", None, 1.0),
        ("sigmoid", None, 1.0),
        ("tanh", None, 5.0 / 3.0),
        ("relu", Some(9.0), 2f64.sqrt()),
        ("leaky_relu", None, 1.4141428569978354),
        ("leaky_relu", Some(0.2), 1.3867504905630728),
        ("selu", None, 0.75),
    ] {
        assert_eq!(calculate_gain(name.parse().unwrap(), param), expected, "{name}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    let error = "gelu".parse::<Nonlinearity>().unwrap_err().to_string();
    assert!(error.starts_with("nonlinearity \"gelu\", expected linear, conv1d"), "{error}");
    assert_eq!("fan_out".parse(), Ok(FanMode::FanOut));
    assert_eq!("fan".parse::<FanMode>().unwrap_err().to_string(), "mode \"fan\", expected fan_in or fan_out");
}

#[track_caller]
fn check_refused(init: Init, shape: &[usize], expected: &str) {
    let mut values = vec![7.0f32; shape.iter().product()];
    let error = init.fill_tensor(&mut values, shape, &mut Generator::seed_from(0)).unwrap_err();
    assert!(matches!(error, InitError::Unsuitable { .. }));
    assert!(error.to_string().contains(expected), "{error}");
    assert!(values.iter().all(|&x| x == 7.0), "values have changed");
}

#[test]
fn unsuitable_shapes_and_numbers_are_refused() {
    check_refused(Init::Default { fan_in: 0 }, &[1], "fan_in must be positive");
    check_refused(Init::KAIMING_NORMAL, &[4], "fewer than 2 dimensions");
    check_refused(Init::XavierUniform { gain: 1.0 }, &[4], "fewer than 2 dimensions");
    check_refused(Init::Orthogonal { gain: 1.0 }, &[4], "2 or more dimensions");
    check_refused(Init::Eye, &[1, 1, 1], "2 dimensions");
    check_refused(Init::Sparse { sparsity: 0.1, std: 1.0 }, &[1], "2 dimensions");
    check_refused(Init::Sparse { sparsity: 1.1, std: 1.0 }, &[2, 2], "within 0 and 1");
    check_refused(Init::Dirac { groups: 1 }, &[2, 2], "3, 4, or 5 dimensions");
    check_refused(Init::Dirac { groups: 3 }, &[2, 2, 1], "divisible by groups");
    check_refused(Init::Uniform { a: 1.0, b: 0.0 }, &[1], "a <= b");
    check_refused(Init::Normal { mean: 0.0, std: -1.0 }, &[1], "not negative");
    check_refused(Init::TruncNormal { mean: 0.0, std: 1.0, a: 2.0, b: 2.0 }, &[1], "a < b");
    check_refused(Init::TruncNormal { mean: f64::NAN, std: 1.0, a: 0.0, b: 2.0 }, &[1], "finite");
    check_refused(Init::Embedding { padding_idx: Some(3) }, &[3, 2], "padding_idx");
    check_refused(Init::XavierNormal { gain: f64::NAN }, &[3, 2], "gain");
    let steep = Init::KaimingNormal { a: f64::INFINITY, mode: FanMode::FanIn, nonlinearity: Nonlinearity::LeakyReLU };
    check_refused(steep, &[3, 2], "a must be finite");
}

#[test]
fn a_tensor_without_elements_is_left_alone() {
    for init in [Init::KAIMING_UNIFORM, Init::Orthogonal { gain: 1.0 }, Init::Eye, Init::TRUNC_NORMAL] {
        assert!(filled(init, &[3, 0]).is_empty());
        assert!(filled(init, &[0, 3]).is_empty());
    }
}

crate::network! {
    Filled <
        Linear(6, 6, init = uniform(2.0, 3.0), bias_init = normal(mean = 100.0)) -> Linear(6, 6, init = constant(0.5), bias_init = ones)
            -> Linear(6, 6, init = eye, bias_init = zeros) -> Linear(6, 6, init = xavier_uniform(gain = 2.0), bias = false)
            -> Linear(6, 6, init = xavier_normal, bias = false) -> Linear(6, 6, init = kaiming_uniform(a = 1.0), bias = false)
            -> Linear(6, 6, init = kaiming_normal(mode = "fan_out", nonlinearity = "relu"), bias = false)
            -> Linear(6, 6, init = trunc_normal(std = 2.0, a = -0.5, b = 0.5), bias = false)
            -> Linear(6, 6, init = orthogonal, bias = false) -> Linear(6, 6, init = sparse(0.5), bias = false)
    >
}

/// (`dirac` is for kernels of convolutions.)
#[test]
fn a_declaration_may_name_every_function() {
    let model = Filled::seeded(1);
    let parameter = |name: &str| {
        let spec = <Filled as Network<f32>>::PARAMS.iter().find(|spec| spec.name == name).expect(name);
        &model.weights().parameters[spec.offset..spec.offset + spec.len]
    };
    let all = |name: &str, is_so: &dyn Fn(f32) -> bool| {
        assert!(parameter(name).iter().all(|&w| is_so(w)), "{name}: {:?}", parameter(name));
    };
    all("0.weight", &|w| (2.0..3.0).contains(&w));
    all("0.bias", &|w| (w - 100.0).abs() < 6.0 && w != 100.0);
    all("1.weight", &|w| w == 0.5);
    all("1.bias", &|w| w == 1.0);
    let rows = |name: &str| -> Vec<[f32; 6]> { parameter(name).as_chunks::<6>().0.to_vec() };
    for (i, row) in rows("2.weight").iter().enumerate() {
        assert_eq!(*row, std::array::from_fn(|j| f32::from(u8::from(i == j))));
    }
    all("2.bias", &|w| w == 0.0);
    // 2 √(6 / (6 + 6)), and √2 / √(1 + 1²) · √(3 / 6).
    all("3.weight", &|w| w.abs() <= 2f32.sqrt() && w != 0.0);
    all("5.weight", &|w| w.abs() <= 0.5f32.sqrt() && w != 0.0);
    for (name, std) in [("4.weight", (1.0f32 / 6.0).sqrt()), ("6.weight", (1.0f32 / 3.0).sqrt())] {
        let variance = parameter(name).iter().map(|w| w * w).sum::<f32>() / 36.0;
        // Of 36 numbers, whose mean square varies by a quarter.
        assert!((0.4..2.0).contains(&(variance / (std * std))), "{name}: {variance}");
    }
    all("7.weight", &|w| w.abs() <= 0.5 && w != 0.0);
    let orthogonal = rows("8.weight");
    for (i, a) in orthogonal.iter().enumerate() {
        for (j, b) in orthogonal.iter().enumerate() {
            let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!((product - f32::from(u8::from(i == j))).abs() < 1e-5, "{i} {j}: {product}");
        }
    }
    assert_eq!(parameter("9.weight").iter().filter(|&&w| w == 0.0).count(), 18);
}
