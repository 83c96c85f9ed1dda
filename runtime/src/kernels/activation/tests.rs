//! Values against plain formulas, kinks against PyTorch's answers, gradients against differences.

use super::*;
use crate::kernels::testing::*;

/// Each activation with the formula that defines it, and the places of its kinks.
macro_rules! for_each_activation {
    ($check:ident) => {
        $check!(ReLU, |x: f64| x.max(0.0), [0.0]);
        $check!(ReLU6, |x: f64| x.clamp(0.0, 6.0), [0.0, 6.0]);
        $check!(LeakyReLU::default(), |x: f64| x.max(0.01 * x), [0.0]);
        $check!(LeakyReLU { negative_slope: -0.5 }, |x: f64| if x > 0.0 { x } else { -0.5 * x }, [0.0]);
        $check!(ELU::default(), |x: f64| if x > 0.0 { x } else { x.exp_m1() }, [0.0]);
        $check!(ELU { alpha: -0.5 }, |x: f64| if x > 0.0 { x } else { -0.5 * x.exp_m1() }, [0.0]);
        $check!(SELU, |x: f64| 1.0507009873554805 * if x > 0.0 { x } else { 1.6732632423543772 * x.exp_m1() }, [0.0]);
        $check!(CELU::default(), |x: f64| if x > 0.0 { x } else { x.exp_m1() }, [0.0]);
        $check!(CELU { alpha: 0.25 }, |x: f64| if x > 0.0 { x } else { 0.25 * (x / 0.25).exp_m1() }, [0.0]);
        $check!(GELU::default(), |x: f64| x * normal_cdf(x), []);
        $check!(
            GELU { tanh: true },
            |x: f64| 0.5 * x * (1.0 + (0.7978845608028654 * (x + 0.044715 * x.powi(3))).tanh()),
            []
        );
        $check!(SiLU, |x: f64| x / (1.0 + (-x).exp()), []);
        $check!(Mish, |x: f64| x * x.exp().ln_1p().tanh(), []);
        $check!(Sigmoid, |x: f64| 1.0 / (1.0 + (-x).exp()), []);
        $check!(LogSigmoid, |x: f64| -(-x).exp().ln_1p(), []);
        $check!(Hardsigmoid, |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0, [-3.0, 3.0]);
        $check!(Tanh, |x: f64| x.tanh(), []);
        $check!(Hardtanh::default(), |x: f64| x.clamp(-1.0, 1.0), [-1.0, 1.0]);
        $check!(Hardtanh { min_val: -2.0, max_val: 0.5 }, |x: f64| x.clamp(-2.0, 0.5), [-2.0, 0.5]);
        $check!(Hardswish, |x: f64| x * (x + 3.0).clamp(0.0, 6.0) / 6.0, [-3.0, 3.0]);
        $check!(Softplus::default(), |x: f64| x.exp().ln_1p(), []);
        $check!(Softplus { beta: 2.5, threshold: 1e9 }, |x: f64| (2.5 * x).exp().ln_1p() / 2.5, []);
        $check!(Softsign, |x: f64| x / (1.0 + x.abs()), []);
        $check!(Softshrink::default(), |x: f64| x - x.clamp(-0.5, 0.5), [-0.5, 0.5]);
        $check!(Hardshrink::default(), |x: f64| if x.abs() > 0.5 { x } else { 0.0 }, [-0.5, 0.5]);
        $check!(Tanhshrink, |x: f64| x - x.tanh(), []);
        $check!(Threshold { threshold: 0.5, value: 2.0 }, |x: f64| if x > 0.5 { x } else { 2.0 }, [0.5]);
    };
}

/// ½(1 + erf(x/√2)), by the series of positive terms.
fn normal_cdf(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        term *= x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Numbers in [-9, 9), as many as leave a remainder for every width of vector.
fn inputs() -> Vec<f64> {
    numbers(1003, 1).iter().map(|x| 3.0 * x).collect()
}

/// (y, dy/dx) of `activation`, the gradient from what it keeps.
fn run<T: Real, A: Activation<T>>(activation: A, x: &[T]) -> (Vec<T>, Vec<T>) {
    let (mut y, mut d) = (x.to_vec(), vec![T::ONE; x.len()]);
    activation.forward(x, &mut y);
    activation.backward(if A::KEEPS == Keeps::Input { x } else { &y }, &mut d);
    (y, d)
}

#[test]
fn values_are_those_of_the_formula() {
    fn check<T: Real>(activation: impl Activation<T>, formula: impl Fn(f64) -> f64) {
        let x: Vec<T> = cast(&inputs());
        let want: Vec<f64> = x.iter().map(|x| formula(x.to_f64())).collect();
        on_every_isa(|| assert_close(&run(activation, &x).0, &want, rounding::<T>(), &format!("{activation:?}")));
    }
    macro_rules! values {
        ($activation:expr, $formula:expr, $kinks:tt) => {
            check::<f32>($activation, $formula);
            check::<f64>($activation, $formula);
        };
    }
    for_each_activation!(values);
}

#[test]
fn gradients_are_those_of_central_differences() {
    fn check(activation: impl Activation<f64>, formula: impl Fn(f64) -> f64, kinks: &[f64]) {
        let mut x = inputs();
        x.retain(|x| kinks.iter().all(|kink| (x - kink).abs() > 1e-3));
        let want: Vec<f64> = x.iter().map(|&x| (formula(x + 1e-5) - formula(x - 1e-5)) / 2e-5).collect();
        // Hardsigmoid's slope has PyTorch's single-precision 1/6.
        on_every_isa(|| assert_close(&run(activation, &x).1, &want, DIFFERENCES, &format!("{activation:?}")));
    }
    macro_rules! gradients {
        ($activation:expr, $formula:expr, $kinks:tt) => {
            check($activation, $formula, &$kinks);
        };
    }
    for_each_activation!(gradients);
}

#[test]
fn single_precision_gradients_are_those_of_double_precision() {
    fn check<A: Activation<f32> + Activation<f64>>(activation: A) {
        let x: Vec<f32> = cast(&inputs());
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        on_every_isa(|| {
            let want = run(activation, &wide).1;
            assert_close(&run(activation, &x).1, &want, rounding::<f32>(), &format!("{activation:?}"));
        });
    }
    macro_rules! gradients {
        ($activation:expr, $formula:expr, $kinks:tt) => {
            check($activation);
        };
    }
    for_each_activation!(gradients);
}

/// (x, y, dy/dx) as PyTorch 2.15 gives them.
fn check_points(activation: impl Activation<f64> + Activation<f32>, points: &[(f64, f64, f64)]) {
    on_every_isa(|| {
        for &(x, y, slope) in points {
            let got = run::<f64, _>(activation, &[x]);
            assert!((got.0[0] - y).abs() < 1e-12 && (got.1[0] - slope).abs() < 1e-12, "{activation:?} at {x}: {got:?}");
            let got = run::<f32, _>(activation, &[x as f32]);
            let close = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-6;
            assert!(close(got.0[0], y) && close(got.1[0], slope), "{activation:?} at {x}: {got:?}");
        }
    });
}

#[test]
fn kinks_are_where_pytorch_puts_them() {
    check_points(ReLU, &[(0.0, 0.0, 0.0), (-0.0, 0.0, 0.0)]);
    check_points(ReLU6, &[(0.0, 0.0, 0.0), (6.0, 6.0, 0.0)]);
    check_points(LeakyReLU { negative_slope: 0.25 }, &[(0.0, 0.0, 0.25)]);
    check_points(LeakyReLU { negative_slope: -0.5 }, &[(-1.0, 0.5, -0.5), (0.0, 0.0, -0.5), (0.5, 0.5, 1.0)]);
    check_points(ELU { alpha: 0.5 }, &[(0.0, 0.0, 0.5)]);
    check_points(ELU { alpha: 0.0 }, &[(-1.0, 0.0, 0.0), (0.0, 0.0, 0.0)]);
    check_points(SELU, &[(0.0, 0.0, 1.7580993408473766)]);
    check_points(CELU { alpha: -0.5 }, &[(0.0, 0.0, 1.0), (0.5, 0.5, 1.0)]);
    check_points(Hardsigmoid, &[(-3.0, 0.0, 0.0), (3.0, 1.0, 0.0), (1.5, 0.75, 0.1666666716337204)]);
    check_points(Hardtanh::default(), &[(-1.0, -1.0, 0.0), (1.0, 1.0, 0.0)]);
    check_points(Hardswish, &[(-3.0, 0.0, 0.0), (3.0, 3.0, 1.0), (0.0, 0.0, 0.5)]);
    check_points(Softplus::default(), &[(20.0, 20.000000002061153, 0.9999999979388464), (20.5, 20.5, 1.0)]);
    check_points(Softplus { beta: -1.0, threshold: 20.0 }, &[(30.0, 0.0, 0.0), (-30.0, -30.0, 1.0)]);
    check_points(Softshrink { lambd: 0.5 }, &[(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0)]);
    check_points(Softshrink { lambd: 0.0 }, &[(0.0, 0.0, 0.0), (0.5, 0.5, 1.0)]);
    check_points(Hardshrink { lambd: 0.5 }, &[(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0)]);
    check_points(Hardshrink { lambd: -0.5 }, &[(-0.5, -0.5, 1.0), (0.0, 0.0, 1.0)]);
    check_points(Threshold { threshold: 0.5, value: 2.0 }, &[(0.5, 2.0, 0.0), (0.25, 2.0, 0.0)]);
    check_points(Softsign, &[(0.0, 0.0, 1.0)]);
}

#[test]
fn large_inputs_give_the_limits() {
    fn check<T: Real>(activation: impl Activation<T>) {
        let x: Vec<T> = cast(&[-1000.0, -120.0, -90.0, -20.0, 20.0, 90.0, 120.0, 1000.0]);
        let name = format!("{activation:?}");
        on_every_isa(|| {
            let (y, d) = run(activation, &x);
            assert!(y.iter().chain(&d).all(|v| v.is_finite()), "{name}: {y:?} {d:?}");
        });
    }
    macro_rules! finite {
        ($activation:expr, $formula:expr, $kinks:tt) => {
            check::<f32>($activation);
            check::<f64>($activation);
        };
    }
    for_each_activation!(finite);
    check_points(LogSigmoid, &[(1000.0, 0.0, 0.0), (-1000.0, -1000.0, 1.0)]);
    check_points(GELU { tanh: false }, &[(1000.0, 1000.0, 1.0), (-1000.0, 0.0, 0.0)]);
    check_points(GELU { tanh: true }, &[(1000.0, 1000.0, 1.0), (-1000.0, 0.0, 0.0)]);
    check_points(Mish, &[(1000.0, 1000.0, 1.0), (-1000.0, 0.0, 0.0)]);
    check_points(SiLU, &[(1000.0, 1000.0, 1.0), (-1000.0, 0.0, 0.0)]);
    check_points(Softplus { beta: 1.0, threshold: 2000.0 }, &[(1000.0, 1000.0, 1.0)]);
}

#[test]
fn nan_stays_nan() {
    fn check(activation: impl Activation<f32>) {
        on_every_isa(|| {
            let (y, _) = run(activation, &[f32::NAN; 19]);
            assert!(y.iter().all(|y| y.is_nan()), "{activation:?}: {y:?}");
        });
    }
    macro_rules! nan {
        ($activation:expr, $formula:expr, $kinks:tt) => {
            check($activation);
        };
    }
    for_each_activation!(nan);
}

#[test]
fn the_bits_do_not_depend_on_place_or_share() {
    fn check<T: Real>(activation: impl Activation<T>) {
        let x: Vec<[T; 7]> = cast(&inputs()).as_chunks().0.to_vec();
        on_every_isa(|| {
            let (y, d) = run(activation, x.as_flattened());
            let mut in_place = x.clone();
            activation.forward_in_place(in_place.as_flattened_mut());
            assert_eq!(bits(in_place.as_flattened()), bits(&y), "{activation:?} in place");
            for cut in [1, 5, 64] {
                let (mut a, mut b) =
                    (run(activation, x[..cut].as_flattened()), run(activation, x[cut..].as_flattened()));
                a.0.append(&mut b.0);
                a.1.append(&mut b.1);
                assert_eq!((bits(&a.0), bits(&a.1)), (bits(&y), bits(&d)), "{activation:?} cut at {cut}");
            }
        });
    }
    macro_rules! shares {
        ($activation:expr, $formula:expr, $kinks:tt) => {
            check::<f32>($activation);
            check::<f64>($activation);
        };
    }
    for_each_activation!(shares);
}

#[test]
fn the_gradient_of_the_output_is_multiplied() {
    let x: Vec<[f64; 5]> = inputs().as_chunks().0[..31].to_vec();
    let dy: Vec<[f64; 5]> = numbers(155, 2).as_chunks().0.to_vec();
    let (mut y, mut dx) = (x.clone(), x.clone());
    activation_forward(Tanh, &x, &mut y);
    activation_backward(Tanh, &y, &dy, &mut dx);
    let want: Vec<f64> = y.as_flattened().iter().zip(dy.as_flattened()).map(|(y, dy)| dy * (1.0 - y * y)).collect();
    assert_close(dx.as_flattened(), &want, 1e-15, "tanh");
    let mut in_place = dy.clone();
    activation_backward_in_place(Tanh, &y, &mut in_place);
    assert_eq!(in_place, dx);
}
