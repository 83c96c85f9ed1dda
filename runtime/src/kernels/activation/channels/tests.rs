use super::*;
use crate::kernels::testing::*;

/// Samples of 24: channels 1, 3, 12 and 24, with what lies behind them.
const CHANNELS: [(usize, usize); 5] = [(1, 24), (3, 8), (12, 2), (24, 1), (3, 1)];

fn slope_of(weight: &[f64], inner: usize, i: usize) -> f64 {
    weight[i / inner % weight.len()]
}

fn prelu_plain(inner: usize, x: &[f64], weight: &[f64]) -> Vec<f64> {
    x.iter().enumerate().map(|(i, &x)| if x > 0.0 { x } else { slope_of(weight, inner, i) * x }).collect()
}

#[test]
fn prelu_has_a_slope_for_each_channel() {
    fn check<T: Real>() {
        for (channels, inner) in CHANNELS {
            let (x, w): (Vec<T>, Vec<T>) = (cast(&numbers(24 * 7, 1)), cast(&numbers(channels, 2)));
            let wide = [&x, &w].map(|x| x.iter().map(|x| x.to_f64()).collect::<Vec<_>>());
            let want = prelu_plain(inner, &wide[0], &wide[1]);
            on_every_isa(|| {
                let mut y = vec![[T::ZERO; 24]; 7];
                prelu_forward(inner, x.as_chunks::<24>().0, &w, &mut y);
                assert_close(y.as_flattened(), &want, rounding::<T>(), &format!("{channels} channels of {inner}"));
            });
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn prelu_has_the_slope_at_zero_too() {
    let (mut y, mut dx) = ([[9.0; 2]], [[9.0; 2]]);
    prelu_forward(1, &[[0.0, -0.0]], &[0.25, 0.5], &mut y);
    prelu_backward_input(1, &[[0.0, -0.0]], &[0.25, 0.5], &[[1.0, 1.0]], &mut dx);
    assert_eq!((y, dx), ([[0.0, 0.0]], [[0.25, 0.5]]));
}

#[test]
fn prelu_gradients_are_those_of_central_differences() {
    fn check<const C: usize>(inner: usize) {
        let (x, dy, w) = (numbers(24 * 9, 3), numbers(24 * 9, 4), numbers(C, 5));
        let want_x = differences(&x, |x| weighted_sum(&prelu_plain(inner, x, &w), &dy));
        let want_w = differences(&w, |w| weighted_sum(&prelu_plain(inner, &x, w), &dy));
        let (x, dy) = (x.as_chunks::<24>().0, dy.as_chunks::<24>().0);
        on_every_isa(|| {
            let mut dx = x.to_vec();
            prelu_backward_input(inner, x, &w, dy, &mut dx);
            assert_close(dx.as_flattened(), &want_x, DIFFERENCES, &format!("dx, {C} channels of {inner}"));
            let weight = Span::<1, C>::new(0, 16);
            let mut dw = vec![0.0; 48];
            prelu_backward_weight(inner, x, dy, weight, &mut Update::accumulate(&mut dw, None));
            assert_close(&dw[16..16 + C], &want_w, DIFFERENCES, &format!("dw, {C} channels of {inner}"));
            // In two shares, with the same bits.
            let mut shared = vec![0.0; 48];
            let (mut left, mut right) = Update::accumulate(&mut shared, None).split_at(17);
            prelu_backward_weight(inner, x, dy, weight, &mut left);
            prelu_backward_weight(inner, x, dy, weight, &mut right);
            assert_eq!(bits(&shared), bits(&dw));
        });
    }
    check::<1>(24);
    check::<3>(8);
    check::<12>(2);
    check::<24>(1);
    check::<3>(1);
}

#[test]
fn rrelu_draws_a_slope_for_each_element_in_training() {
    let (lower, upper, cx) = (0.125, 0.5, context(Mode::Train));
    let x: Vec<[f32; 100]> =
        (0..200).map(|r| std::array::from_fn(|i| if (r + i) % 3 == 0 { 2.0 } else { -1.0 })).collect();
    on_every_isa(|| {
        let mut y = x.clone();
        rrelu_forward(&cx, 5, lower, upper, &x, &mut y);
        let pairs = || x.as_flattened().iter().zip(y.as_flattened());
        assert!(pairs().filter(|(x, _)| **x > 0.0).all(|(x, y)| x == y));
        let slopes: Vec<f64> = pairs().filter(|(x, _)| **x < 0.0).map(|(_, y)| -f64::from(*y)).collect();
        assert!(slopes.iter().all(|s| (lower..upper).contains(s)));
        let n = slopes.len() as f64;
        let mean = slopes.iter().sum::<f64>() / n;
        let variance = slopes.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
        // Uniform: the mean's standard error is width/√(12 n), some 0.001.
        assert!((mean - 0.3125).abs() < 0.004, "mean {mean}");
        assert!((variance - 0.375f64.powi(2) / 12.0).abs() < 0.0004, "variance {variance}");

        let (dy, mut dx) = (vec![[1.0f32; 100]; 200], x.clone());
        rrelu_backward(&cx, 5, lower, upper, &x, &dy, &mut dx);
        for ((&x, &y), &dx) in pairs().zip(dx.as_flattened()) {
            assert_eq!(dx, if x > 0.0 { 1.0 } else { -y }, "the backward pass has other slopes");
        }
    });
}

#[test]
fn rrelu_has_the_mean_slope_in_evaluation() {
    let (x, mut y, mut dx) = ([[-2.0, 0.0, 3.0]], [[0.0; 3]], [[0.0; 3]]);
    rrelu_forward(&context(Mode::Eval), 5, 0.125, 0.375, &x, &mut y);
    rrelu_backward(&context(Mode::Eval), 5, 0.125, 0.375, &x, &[[1.0; 3]], &mut dx);
    assert_eq!((y, dx), ([[-0.5, 0.0, 3.0]], [[0.25, 0.25, 1.0]]));
}

/// Outer 2, axis 6, inner 1, 4 and 9.
const INNER: [usize; 3] = [1, 4, 9];

fn glu_plain(axis: Axis, x: &[f64]) -> Vec<f64> {
    let half = axis.len / 2 * axis.inner;
    let gated = |x: &[f64]| (0..half).map(|i| x[i] / (1.0 + (-x[half + i]).exp())).collect::<Vec<_>>();
    x.chunks(2 * half).flat_map(gated).collect()
}

#[test]
fn glu_gates_one_half_with_the_other() {
    fn check<T: Real>() {
        for inner in INNER {
            let axis = Axis { len: 6, inner };
            let x: Vec<T> = cast(&numbers(2 * 6 * inner, 6));
            let want = glu_plain(axis, &x.iter().map(|x| x.to_f64()).collect::<Vec<_>>());
            on_every_isa(|| {
                let mut y = vec![T::ZERO; x.len() / 2];
                T::glu_forward(axis, &x, &mut y);
                assert_close(&y, &want, rounding::<T>(), &format!("{axis:?}"));
            });
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn glu_gradients_are_those_of_central_differences() {
    for inner in INNER {
        let axis = Axis { len: 6, inner };
        let (x, dy) = (numbers(2 * 6 * inner, 7), numbers(6 * inner, 8));
        let want = differences(&x, |x| weighted_sum(&glu_plain(axis, x), &dy));
        on_every_isa(|| {
            let mut dx = x.clone();
            f64::glu_backward(axis, &x, &dy, &mut dx);
            assert_close(&dx, &want, DIFFERENCES, &format!("{axis:?}"));
        });
    }
}

#[test]
fn the_typed_glu_halves_a_sample() {
    let (axis, x) = (Axis { len: 2, inner: 2 }, [[1.0, 2.0, 0.0, 0.0], [4.0, 6.0, 0.0, 0.0]]);
    let (mut y, mut dx) = ([[0.0; 2]; 2], [[0.0; 4]; 2]);
    glu_forward(axis, &x, &mut y);
    glu_backward(axis, &x, &[[1.0, 1.0], [2.0, 0.0]], &mut dx);
    assert_eq!(y, [[0.5, 1.0], [2.0, 3.0]]);
    assert_eq!(dx, [[0.5, 0.5, 0.25, 0.5], [1.0, 0.0, 2.0, 0.0]]);
}
