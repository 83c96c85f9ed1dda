//! What the tests of kernels share: numbers, every instruction set, comparisons, differences.

use crate::Real;
use crate::network::{Context, Mode};
use crate::simd::Isa;

/// The same numbers for the same seed, in [-3, 3).
pub(crate) fn numbers(len: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 * 6.0 - 3.0
    };
    (0..len).map(|_| next()).collect()
}

pub(crate) fn cast<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// Runs `check` on every instruction set that this processor has.
pub(crate) fn on_every_isa(mut check: impl FnMut()) {
    for isa in Isa::all() {
        isa.force(&mut check);
    }
}

pub(crate) fn context(mode: Mode) -> Context {
    Context { mode, seed: 7, draw: 3, first_row: 0, rows: 0 }
}

/// Each number within `tolerance`, relative to the largest one expected (at least 1).
#[track_caller]
pub(crate) fn assert_close<T: Real>(got: &[T], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: another length");
    let largest = want.iter().fold(1.0f64, |m, w| m.max(w.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (got.to_f64() - want).abs();
        assert!(error <= tolerance * largest, "{what}, element {i}: {got}, expected {want}, {:?}", Isa::current());
    }
}

/// Rounding of a few operations in the scalar's precision.
pub(crate) fn rounding<T: Real>() -> f64 {
    32.0 * T::EPSILON.to_f64()
}

/// The gradient of f by central differences, with a step that suits `f64`.
pub(crate) fn differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let (step, mut x) = (1e-5, x.to_vec());
    let mut gradient = Vec::new();
    for i in 0..x.len() {
        let at = x[i];
        x[i] = at + step;
        let above = f(&x);
        x[i] = at - step;
        gradient.push((above - f(&x)) / (2.0 * step));
        x[i] = at;
    }
    gradient
}

/// What central differences with that step are good for.
pub(crate) const DIFFERENCES: f64 = 1e-8;

pub(crate) fn weighted_sum(y: &[f64], weights: &[f64]) -> f64 {
    y.iter().zip(weights).map(|(y, w)| y * w).sum()
}

/// The bits, for comparisons that no rounding may escape.
pub(crate) fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}
