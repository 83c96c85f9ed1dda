use super::*;
use crate::kernels::testing::*;

const FAMILIES: [Family; 3] = [Family::Softmax, Family::Softmin, Family::LogSoftmax];

/// Short rows with code of their own and without, whole registers, remainders, several blocks, other axes.
const AXES: [Axis; 14] = [
    Axis { len: 1, inner: 1 },
    Axis { len: 2, inner: 1 },
    Axis { len: 3, inner: 1 },
    Axis { len: 5, inner: 1 },
    Axis { len: 10, inner: 1 },
    Axis { len: 16, inner: 1 },
    Axis { len: 33, inner: 1 },
    Axis { len: 64, inner: 1 },
    Axis { len: 100, inner: 1 },
    Axis { len: 1500, inner: 1 },
    Axis { len: 1, inner: 5 },
    Axis { len: 3, inner: 2 },
    Axis { len: 4, inner: 64 },
    Axis { len: 7, inner: 70 },
];

/// The number of outer positions that leaves a rest in every kind of block.
fn outer(axis: Axis) -> usize {
    (300 / (axis.len * axis.inner)).clamp(2, 131)
}

/// The definition, place by place.
fn plain(family: Family, axis: Axis, x: &[f64]) -> Vec<f64> {
    let Axis { len, inner } = axis;
    let sign = if family == Family::Softmin { -1.0 } else { 1.0 };
    let mut y = vec![0.0; x.len()];
    for start in (0..x.len()).step_by(len * inner).flat_map(|outer| outer..outer + inner) {
        let at = |i: usize| start + i * inner;
        let top = (0..len).map(|i| sign * x[at(i)]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..len).map(|i| (sign * x[at(i)] - top).exp()).sum();
        for i in 0..len {
            let d = sign * x[at(i)] - top;
            y[at(i)] = if family == Family::LogSoftmax { d - sum.ln() } else { d.exp() / sum };
        }
    }
    y
}

fn forward<T: Real>(family: Family, axis: Axis, x: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    T::softmax_family_forward(family, axis, x, &mut y);
    y
}

fn backward<T: Real>(family: Family, axis: Axis, y: &[T], dy: &[T]) -> Vec<T> {
    let mut dx = y.to_vec();
    T::softmax_family_backward(family, axis, y, dy, &mut dx);
    dx
}

#[test]
fn values_are_those_of_the_definition() {
    fn check<T: Real>() {
        for (axis, family) in AXES.into_iter().flat_map(|axis| FAMILIES.map(|family| (axis, family))) {
            let x: Vec<T> = cast(&numbers(outer(axis) * axis.len * axis.inner, 1));
            let wide: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
            let want = plain(family, axis, &wide);
            on_every_isa(|| {
                assert_close(&forward(family, axis, &x), &want, rounding::<T>(), &format!("{family:?} {axis:?}"))
            });
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn gradients_are_those_of_central_differences() {
    for (axis, family) in AXES.into_iter().flat_map(|axis| FAMILIES.map(|family| (axis, family))) {
        if axis.len * axis.inner > 500 {
            continue;
        }
        let x = numbers(2 * axis.len * axis.inner, 2);
        let dy = numbers(x.len(), 3);
        let want = differences(&x, |x| weighted_sum(&plain(family, axis, x), &dy));
        on_every_isa(|| {
            let dx = backward(family, axis, &forward(family, axis, &x), &dy);
            assert_close(&dx, &want, DIFFERENCES, &format!("{family:?} {axis:?}"));
        });
    }
}

#[test]
fn single_precision_gradients_are_those_of_double_precision() {
    for (axis, family) in AXES.into_iter().flat_map(|axis| FAMILIES.map(|family| (axis, family))) {
        let x: Vec<f32> = cast(&numbers(outer(axis) * axis.len * axis.inner, 4));
        let dy: Vec<f32> = cast(&numbers(x.len(), 5));
        on_every_isa(|| {
            let y = forward(family, axis, &x);
            let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let want = backward(family, axis, &wide(&y), &wide(&dy));
            // Sums of up to 1500 numbers.
            let tolerance = 4.0 * rounding::<f32>();
            assert_close(&backward(family, axis, &y, &dy), &want, tolerance, &format!("{family:?} {axis:?}"));
        });
    }
}

#[test]
fn large_logits_neither_overflow_nor_vanish() {
    for len in [3, 4, 10, 40] {
        for inner in [1, 3] {
            let axis = Axis { len, inner };
            let mut x = vec![-1000f32; len * inner];
            x[..inner].fill(1000.0);
            on_every_isa(|| {
                let y = forward(Family::Softmax, axis, &x);
                assert!(y[..inner].iter().all(|&y| y == 1.0) && y[inner..].iter().all(|&y| y == 0.0), "{axis:?} {y:?}");
                let y = forward(Family::LogSoftmax, axis, &x);
                assert!(
                    y[..inner].iter().all(|&y| y == 0.0) && y[inner..].iter().all(|&y| y == -2000.0),
                    "{axis:?} {y:?}"
                );
                let dx = backward(Family::LogSoftmax, axis, &y, &vec![1.0; y.len()]);
                assert!(dx[..inner].iter().all(|&d| d == 1.0 - len as f32) && dx[inner..].iter().all(|&d| d == 1.0));
            });
        }
    }
}

#[test]
fn masked_logits_get_nothing_and_a_wholly_masked_row_is_nan() {
    let inf = f64::NEG_INFINITY;
    for len in [3, 5, 64] {
        on_every_isa(|| {
            let axis = Axis { len, inner: 1 };
            let mut x = vec![inf; 2 * len];
            (x[0], x[1]) = (0.5, 0.5);
            let y = forward(Family::Softmax, axis, &x);
            assert!((y[0] - 0.5).abs() < 1e-15 && (y[1] - 0.5).abs() < 1e-15, "{y:?}");
            assert!(y[2..len].iter().all(|&y| y == 0.0) && y[len..].iter().all(|y| y.is_nan()), "{y:?}");
            let y = forward(Family::LogSoftmax, axis, &x);
            assert!(y[2..len].iter().all(|&y| y == inf) && y[len..].iter().all(|y| y.is_nan()), "{y:?}");
        });
    }
}

#[test]
fn nan_spoils_its_own_row_alone() {
    for len in [3, 5, 64] {
        let mut x = numbers(3 * len, 6);
        x[len + 1] = f64::NAN;
        on_every_isa(|| {
            for family in FAMILIES {
                let y = forward(family, Axis { len, inner: 1 }, &x);
                assert!(y[len..2 * len].iter().all(|y| y.is_nan()), "{family:?} {y:?}");
                assert!(y[..len].iter().chain(&y[2 * len..]).all(|y| y.is_finite()), "{family:?} {y:?}");
            }
        });
    }
}

#[test]
fn the_bits_of_a_row_do_not_depend_on_its_company() {
    for (axis, family) in AXES.into_iter().flat_map(|axis| FAMILIES.map(|family| (axis, family))) {
        let row = axis.len * axis.inner;
        let x: Vec<f32> = cast(&numbers(outer(axis) * row, 7));
        let dy: Vec<f32> = cast(&numbers(x.len(), 8));
        on_every_isa(|| {
            let y = forward(family, axis, &x);
            let dx = backward(family, axis, &y, &dy);
            for cut in [row, (outer(axis) - 1) * row] {
                let halves = [forward(family, axis, &x[..cut]), forward(family, axis, &x[cut..])].concat();
                assert_eq!(bits(&halves), bits(&y), "{family:?} {axis:?}");
                let (dy, ys) = (dy.split_at(cut), y.split_at(cut));
                let halves = [backward(family, axis, ys.0, dy.0), backward(family, axis, ys.1, dy.1)].concat();
                assert_eq!(bits(&halves), bits(&dx), "{family:?} {axis:?}");
            }
        });
    }
}

#[test]
fn the_typed_functions_work_along_their_axis() {
    // Two samples of [2, 3]; along the first of these axes.
    let axis = Axis { len: 2, inner: 3 };
    let x = [[0.0, 1.0, 2.0, 0.0, 2.0, 4.0], [1.0; 6]];
    let (mut y, mut dx) = (x, x);
    softmax_forward(axis, &x, &mut y);
    assert_close(y.as_flattened(), &plain(Family::Softmax, axis, x.as_flattened()), 1e-15, "softmax");
    softmin_forward(axis, &x, &mut y);
    assert_close(y.as_flattened(), &plain(Family::Softmin, axis, x.as_flattened()), 1e-15, "softmin");
    log_softmax_forward(axis, &x, &mut y);
    assert_close(y.as_flattened(), &plain(Family::LogSoftmax, axis, x.as_flattened()), 1e-15, "log-softmax");
    log_softmax_backward_from_output(axis, &y, &[[1.0; 6]; 2], &mut dx);
    let want: Vec<f64> = y.as_flattened().iter().map(|y| 1.0 - 2.0 * y.exp()).collect();
    assert_close(dx.as_flattened(), &want, 1e-15, "gradient of log-softmax");
}
