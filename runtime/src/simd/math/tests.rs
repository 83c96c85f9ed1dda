//! Accuracy against `f64` (of `f32`), and against the standard library and values of 40 digits (of `f64`).

use super::*;
use crate::simd::Isa;
use crate::simd::multiversion;

macro_rules! maps {
    ($($name:ident $t:ident $function:ident;)*) => { $(
        fn $name(x: &mut [$t]) {
            #[inline(always)]
            fn body<S: Simd>(x: &mut [$t]) {
                for x in x {
                    *x = Math::$function::<S>(*x);
                }
            }
            multiversion! { fn run(x: &mut [$t]) = body::<S>; }
            run(x);
        }
    )* };
}
maps! {
    exp_f32 f32 exp; expm1_f32 f32 expm1; ln_f32 f32 ln; ln_1p_f32 f32 ln_1p; ln_1p_unit_f32 f32 ln_1p_unit;
    tanh_f32 f32 tanh; sigmoid_f32 f32 sigmoid; erf_f32 f32 erf;
    exp_f64 f64 exp; expm1_f64 f64 expm1; ln_f64 f64 ln; ln_1p_f64 f64 ln_1p; ln_1p_unit_f64 f64 ln_1p_unit;
    tanh_f64 f64 tanh; sigmoid_f64 f64 sigmoid; erf_f64 f64 erf;
}

/// The error function by its series of positive terms, to some 10 ulp.
fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (a, a, 1.0);
    while term > sum * 1e-18 {
        term *= 2.0 * a * a / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    (sum * (-a * a).exp() * std::f64::consts::FRAC_2_SQRT_PI).copysign(x)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The distance of neighbouring `f32` at `x`.
fn ulp_f32(x: f32) -> f64 {
    f64::from(f32::from_bits(x.abs().to_bits() + 1)) - f64::from(x.abs())
}

fn ulp_f64(x: f64) -> f64 {
    f64::from_bits(x.abs().to_bits() + 1) - x.abs()
}

/// Checks `f` on `x`: within `bound` ulp of `want`, the same special values, and 0 where `want` is subnormal.
fn check_f32(name: &str, f: fn(&mut [f32]), want: fn(f64) -> f64, bound: f64, x: &[f32]) {
    for isa in Isa::all() {
        let mut y = x.to_vec();
        isa.force(|| f(&mut y));
        for (&x, &y) in x.iter().zip(&y) {
            let exact = want(f64::from(x));
            let rounded = exact as f32;
            let right = if rounded.is_nan() {
                y.is_nan()
            } else if rounded.is_infinite() {
                y == rounded
            } else if rounded.abs() < f32::MIN_POSITIVE {
                f64::from(y - rounded).abs() <= f64::from(f32::MIN_POSITIVE)
            } else {
                (f64::from(y) - exact).abs() <= bound * ulp_f32(rounded)
            };
            assert!(right, "{name}({x:e}) = {y:e}, expected {exact:e}, {isa:?}");
        }
    }
}

#[test]
fn single_precision_is_within_its_bounds_on_all_bit_patterns() {
    // A prime distance: signs, exponents and mantissas of all kinds.
    let x: Vec<f32> = (0..u32::MAX).step_by(49_999).map(f32::from_bits).collect();
    check_f32("exp", exp_f32, f64::exp, 1.1, &x);
    check_f32("expm1", expm1_f32, f64::exp_m1, 2.0, &x);
    check_f32("ln", ln_f32, f64::ln, 1.0, &x);
    check_f32("ln_1p", ln_1p_f32, f64::ln_1p, 2.0, &x);
    check_f32("tanh", tanh_f32, f64::tanh, 3.0, &x);
    check_f32("sigmoid", sigmoid_f32, sigmoid, 3.0, &x);
    check_f32("erf", erf_f32, erf, 2.0, &x);
}

#[test]
fn single_precision_is_within_its_bounds_where_it_matters_most() {
    let x: Vec<f32> = (-40_000..40_000).map(|i| i as f32 * 2.5e-4).collect();
    check_f32("exp", exp_f32, f64::exp, 1.1, &x);
    check_f32("expm1", expm1_f32, f64::exp_m1, 2.0, &x);
    check_f32("ln", ln_f32, f64::ln, 1.0, &x);
    check_f32("ln_1p", ln_1p_f32, f64::ln_1p, 2.0, &x);
    check_f32("tanh", tanh_f32, f64::tanh, 3.0, &x);
    check_f32("sigmoid", sigmoid_f32, sigmoid, 3.0, &x);
    check_f32("erf", erf_f32, erf, 2.0, &x);
    let unit: Vec<f32> = (0..=50_000).map(|i| i as f32 / 50_000.0).collect();
    check_f32("ln_1p_unit", ln_1p_unit_f32, f64::ln_1p, 2.0, &unit);
}

/// Checks `f` on `x` against a reference that is itself off by up to `slack` ulp.
fn check_f64(name: &str, f: fn(&mut [f64]), want: fn(f64) -> f64, bound: f64, slack: f64, x: &[f64]) {
    for isa in Isa::all() {
        let mut y = x.to_vec();
        isa.force(|| f(&mut y));
        for (&x, &y) in x.iter().zip(&y) {
            let exact = want(x);
            let right = if exact.is_nan() {
                y.is_nan()
            } else if exact.is_infinite() {
                y == exact
            } else if exact.abs() < f64::MIN_POSITIVE {
                (y - exact).abs() <= f64::MIN_POSITIVE
            } else {
                (y - exact).abs() <= (bound + slack) * ulp_f64(exact)
            };
            assert!(right, "{name}({x:e}) = {y:e}, expected {exact:e}, {isa:?}");
        }
    }
}

#[test]
fn double_precision_is_close_to_the_standard_library() {
    let mut x: Vec<f64> = (-20_000..20_000).map(|i| f64::from(i) * 0.001_234_567).collect();
    x.extend((-1000..1000).map(|i| f64::from(i) * 0.8));
    x.extend((0..2000).map(|i| f64::from_bits(0x7ff0_0000_0000_0000 / 2000 * i + i)));
    x.extend((0..60).flat_map(|i| [0.7 * f64::powi(0.5, i), -0.7 * f64::powi(0.5, i)]));
    // The standard library is taken to be within 1 ulp.
    check_f64("exp", exp_f64, f64::exp, 1.0, 1.0, &x);
    check_f64("expm1", expm1_f64, f64::exp_m1, 2.0, 1.0, &x);
    check_f64("ln", ln_f64, f64::ln, 1.0, 1.0, &x);
    check_f64("ln_1p", ln_1p_f64, f64::ln_1p, 1.0, 1.0, &x);
    check_f64("tanh", tanh_f64, f64::tanh, 3.0, 1.0, &x);
    check_f64("sigmoid", sigmoid_f64, sigmoid, 3.0, 2.0, &x);
    check_f64("erf", erf_f64, erf, 2.0, 12.0, &x);
    let unit: Vec<f64> = (0..=20_000).map(|i| f64::from(i) / 20_000.0).collect();
    check_f64("ln_1p_unit", ln_1p_unit_f64, f64::ln_1p, 1.0, 1.0, &unit);
}

#[test]
fn double_precision_is_within_its_bounds_of_exact_values() {
    // Arguments and values rounded from 40 digits: half an ulp.
    let tables = [
        (
            "exp",
            exp_f64 as fn(&mut [f64]),
            [
                (-700.25, 7.678723813110872e-305),
                (-37.3, 6.321437159096094e-17),
                (-1.1, 0.33287108369807955),
                (-0.001, 0.999000499833375),
                (0.34, 1.4049475905635938),
                (0.35, 1.4190675485932571),
                (1.0, 2.718281828459045),
                (11.9, 147266.6252405527),
                (88.0, 1.6516362549940018e+38),
                (700.3, 1.3690700720098904e+304),
            ],
        ),
        (
            "expm1",
            expm1_f64 as fn(&mut [f64]),
            [
                (-30.0, -0.9999999999999064),
                (-3.3, -0.96311683259876),
                (-0.5, -0.3934693402873666),
                (-0.34, -0.2882296772373903),
                (-1e-09, -9.999999995e-10),
                (1e-20, 1e-20),
                (0.36, 0.43332941456034024),
                (1.0, 1.7182818284590453),
                (20.5, 799902176.4755054),
                (700.3, 1.3690700720098904e+304),
            ],
        ),
        (
            "ln",
            ln_f64 as fn(&mut [f64]),
            [
                (1e-300, -690.7755278982137),
                (0.1, -2.3025850929940455),
                (0.7, -0.35667494393873245),
                (0.71, -0.342490308946776),
                (0.999, -0.0010005003335835344),
                (1.0001, 9.999500033329732e-05),
                (1.41, 0.34358970439007686),
                (1.42, 0.35065687161316933),
                (3.0, 1.0986122886681098),
                (1e+200, 460.51701859880916),
            ],
        ),
        (
            "ln_1p",
            ln_1p_f64 as fn(&mut [f64]),
            [
                (-0.999, -6.907755278982136),
                (-0.5, -0.6931471805599453),
                (-0.3, -0.35667494393873234),
                (-1e-12, -1.0000000000005e-12),
                (1e-17, 1e-17),
                (0.41, 0.3435897043900769),
                (0.42, 0.35065687161316933),
                (1.0, 0.6931471805599453),
                (100000.0, 11.51293546492023),
                (1e+200, 460.51701859880916),
            ],
        ),
        (
            "tanh",
            tanh_f64 as fn(&mut [f64]),
            [
                (-20.0, -1.0),
                (-5.4, -0.9999592018254402),
                (-1.0, -0.7615941559557649),
                (-0.3, -0.2913126124515909),
                (-1e-10, -1e-10),
                (0.001, 0.0009999996666668),
                (0.17, 0.16838104587081473),
                (0.5, 0.46211715726000974),
                (2.2, 0.9757431300314515),
                (7.6, 0.999999499096851),
            ],
        ),
        (
            "sigmoid",
            sigmoid_f64 as fn(&mut [f64]),
            [
                (-700.0, 9.85967654375977e-305),
                (-40.1, 3.8440698952601175e-18),
                (-2.0, 0.11920292202211756),
                (-0.1, 0.47502081252106),
                (1e-08, 0.5000000025),
                (0.3, 0.574442516811659),
                (0.9, 0.710949502625004),
                (3.0, 0.9525741268224333),
                (20.0, 0.9999999979388464),
                (36.5, 0.9999999999999999),
            ],
        ),
        (
            "erf",
            erf_f64 as fn(&mut [f64]),
            [
                (-5.5, -0.9999999999999927),
                (-2.0, -0.9953222650189527),
                (-1.0, -0.8427007929497149),
                (-0.8749, -0.7840225819637185),
                (-1e-10, -1.1283791670955126e-10),
                (0.001, 0.0011283787909692365),
                (0.3, 0.3286267594591274),
                (0.8751, 0.7841275309729625),
                (1.5, 0.9661051464753108),
                (3.3, 0.9999969422902035),
            ],
        ),
    ];
    let bounds = [1.0, 2.0, 1.0, 1.0, 3.0, 3.0, 2.0];
    for ((name, f, table), bound) in tables.into_iter().zip(bounds) {
        for (x, exact) in table {
            for isa in Isa::all() {
                let mut y = [x];
                isa.force(|| f(&mut y));
                let error = (y[0] - exact).abs() / ulp_f64(exact);
                assert!(error <= bound + 0.5, "{name}({x}) is off by {error} ulp, {isa:?}");
            }
        }
    }
}

#[test]
fn nan_stays_nan_and_infinities_give_limits() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    // A NaN with a payload, which bit-level steps must not turn into a number.
    let payload = f64::from_bits(0x7ff8_0000_1234_5679);
    let table: [(fn(&mut [f64]), fn(&mut [f32]), f64, f64); 7] = [
        (exp_f64, exp_f32, 0.0, inf),
        (expm1_f64, expm1_f32, -1.0, inf),
        (ln_f64, ln_f32, nan, inf),
        (ln_1p_f64, ln_1p_f32, nan, inf),
        (tanh_f64, tanh_f32, -1.0, 1.0),
        (sigmoid_f64, sigmoid_f32, 0.0, 1.0),
        (erf_f64, erf_f32, -1.0, 1.0),
    ];
    for isa in Isa::all() {
        for (i, (wide, narrow, low, high)) in table.into_iter().enumerate() {
            let (mut y, mut z) =
                ([-inf, inf, nan, payload], [-inf as f32, inf as f32, nan as f32, f32::from_bits(0x7fc0_1235)]);
            isa.force(|| (wide(&mut y), narrow(&mut z)));
            for y in [y, z.map(f64::from)] {
                assert!(y[0] == low || low.is_nan() && y[0].is_nan(), "function {i} of -inf is {}, {isa:?}", y[0]);
                assert!(y[1] == high && y[2].is_nan() && y[3].is_nan(), "function {i} gives {y:?}, {isa:?}");
            }
        }
    }
}

#[test]
fn lanes_and_remainders_give_the_same_bits() {
    let x: Vec<f32> = (0..101).map(|i| (i as f32 - 50.0) * 0.37).collect();
    let functions: [fn(&mut [f32]); 7] = [exp_f32, expm1_f32, ln_f32, ln_1p_f32, tanh_f32, sigmoid_f32, erf_f32];
    for isa in Isa::all() {
        isa.force(|| {
            for (i, f) in functions.into_iter().enumerate() {
                let (mut whole, mut single) = (x.clone(), x.clone());
                f(&mut whole);
                single.chunks_mut(1).for_each(f);
                let bits = |y: &[f32]| y.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&whole), bits(&single), "function {i}, {isa:?}");
            }
        });
    }
}
