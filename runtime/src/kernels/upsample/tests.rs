//! Values by hand: each mode along one axis, axes together, and gradients.

use super::line::cubic;
use super::*;
use crate::kernels::testing::numbers;

/// Along one axis, of 1, 2, 3, ….
#[track_caller]
fn check<const X: usize, const Y: usize>(resampling: Resampling<1>, expected: [f64; Y]) {
    let x: [f64; X] = std::array::from_fn(|i| i as f64 + 1.0);
    let mut y = [[0.0; Y]];
    upsample_forward(resampling, 1, &[x], &mut y);
    let close = y[0].iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 6e-4);
    assert!(close, "{resampling:?}: {y:?}, expected {expected:?}");
    // The same in f32.
    let mut y = [[0.0; Y]];
    upsample_forward(resampling, 1, &[x.map(|x| x as f32)], &mut y);
    let close = y[0].iter().zip(expected).all(|(&y, expected)| (f64::from(y) - expected).abs() < 6e-4);
    assert!(close, "{resampling:?} in f32: {y:?}, expected {expected:?}");
}

/// PyTorch's trap 41: the given scale is used for places, unless it is computed from the lengths again.
#[test]
fn a_given_scale_is_not_that_of_the_lengths() {
    // ⌊4 · 1.3⌋ = 5, and 4 / 5 is not 1 / 1.3.
    let places = |step: f64| std::array::from_fn(|o| (step * (o as f64 + 0.5) - 0.5).clamp(0.0, 3.0) + 1.0);
    check::<4, 5>(Resampling::new([4], [5]).linear().scale([1.3]), places(1.0 / 1.3));
    check::<4, 5>(Resampling::new([4], [5]).linear(), places(0.8));
}

/// Trap 42.
#[test]
fn a_linear_axis_that_keeps_its_length_is_copied_and_others_are_not() {
    let kept = Resampling::new([3], [3]).scale([1.3]);
    check::<3, 3>(kept.linear(), [1.0, 2.0, 3.0]);
    check::<3, 3>(kept.cubic(), [0.932, 1.560, 2.519]);
    check::<3, 3>(kept.nearest_exact(), [1.0, 2.0, 2.0]);
}

/// Trap 43.
#[test]
fn nearest_is_the_one_before_and_nearest_exact_the_nearest() {
    check::<5, 3>(Resampling::new([5], [3]), [1.0, 2.0, 4.0]);
    check::<5, 3>(Resampling::new([5], [3]).nearest_exact(), [1.0, 3.0, 5.0]);
}

#[test]
fn images_that_double_have_each_element_twice_whatever_the_scale_says() {
    let (x, mut y) = ([[1.0f32, 2.0, 3.0]], [[0.0; 6]]);
    upsample_forward(Resampling::new([1, 3], [1, 6]).scale([1.3, 2.3]), 1, &x, &mut y);
    assert_eq!(y, [[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]);
    check::<3, 6>(Resampling::new([3], [6]).scale([2.3]), [1.0, 1.0, 1.0, 2.0, 2.0, 3.0]);
}

/// Trap 44.
#[test]
fn the_cubic_weights_are_those_of_three_quarters() {
    // At 1/2: a/8, 1/2 - a/8, ….
    assert_eq!(cubic(0.5f64), [-0.09375, 0.59375, 0.59375, -0.09375]);
    assert_eq!(cubic(0.0f64), [0.0, 1.0, 0.0, 0.0]);
}

/// Trap 45.
#[test]
fn corners_of_one_element_are_the_first_one() {
    check::<4, 1>(Resampling::new([4], [1]).linear().align_corners(), [1.0]);
    check::<4, 1>(Resampling::new([4], [1]).linear(), [2.5]);
    check::<3, 5>(Resampling::new([3], [5]).linear().align_corners(), [1.0, 1.5, 2.0, 2.5, 3.0]);
}

const C: usize = 3;
const X: usize = 3 * 4 * 2 * C;
const Y: usize = 5 * 3 * 2 * C;

fn samples<const LEN: usize>(seed: u64) -> [[f64; LEN]; 2] {
    [seed, seed + 1].map(|seed| numbers(LEN, seed).try_into().expect("its length"))
}

#[test]
fn channels_last_and_first_are_the_same_and_the_gradient_is_the_transpose() {
    let all = [Resampling::linear, Resampling::cubic, Resampling::nearest_exact, Resampling::align_corners];
    for option in all {
        let resampling = option(Resampling::new([3, 4, 2], [5, 3, 2]).scale([1.7, 0.8, 1.0]));
        let resampling = if resampling.align_corners { resampling.linear() } else { resampling };
        let x: [[f64; X]; 2] = samples(1);
        let (mut last, mut y, mut again) = ([[0.0; X]; 2], [[0.0; Y]; 2], [[0.0; Y]; 2]);
        crate::kernels::channels_last(C, &x, &mut last);
        upsample_forward(resampling, C, &last, &mut y);
        crate::kernels::channels_first(C, &y, &mut again);
        upsample_forward(resampling, 1, &x, &mut y);
        assert_eq!(y, again, "{resampling:?}");
        let dy: [[f64; Y]; 2] = samples(7);
        let mut dx = [[0.0; X]; 2];
        upsample_backward(resampling, 1, &dy, &mut dx);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (forward, backward) = (dot(y.as_flattened(), dy.as_flattened()), dot(x.as_flattened(), dx.as_flattened()));
        assert!((forward - backward).abs() < 1e-9, "{resampling:?}: {forward} and {backward}");
    }
}
