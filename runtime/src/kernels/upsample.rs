//! A sample at another resolution: the nearest element of each place, or a mean of those around it.
//!
//! | mode | x at a place t |
//! |---|---|
//! | nearest | the element before it, of a grid whose first elements lie on each other: ⌊o / scale⌋ |
//! | nearest-exact | the nearest one: ⌊(o + 1/2) / scale⌋ |
//! | linear | (1 - λ)·x(i) + λ·x(i + 1), where i = ⌊t⌋ and λ = t - i |
//! | cubic | w(1 + λ)·x(i - 1) + w(λ)·x(i) + w(1 - λ)·x(i + 1) + w(2 - λ)·x(i + 2), where w is Keys' with a = -3/4 |
//!
//! Element o of the result lies at t = (o + 1/2) / scale - 1/2 of the sample, or, with `align_corners`, where the first and the last
//! elements lie on each other. The edge goes on beyond itself.
//!
//! Each axis has a table of sources and weights, which are computed as PyTorch computes them, in the network's type. The nearest
//! ones are copied (`gather.rs`). A mean is made axis by axis, the last one first; the gradient goes back along the same tables.
//! An axis that keeps its length has no linear table. Nor has an axis of an image or a volume that keeps or doubles its length a
//! scale for `nearest`: it is copied, or each element twice. (PyTorch does so forward but for images of more than 128 for height
//! and width together, and for sequences, and backward always.)
//!
//! # References
//! `torch.nn.Upsample` (`area_pixel_compute_source_index` and `guard_index_and_lambda` in PyTorch's `UpSample.h`). R. Keys, Cubic
//! convolution interpolation for digital image processing, 1981, equation 4.

use super::gather::{GatherKernels, Sources};
use crate::Real;
use crate::parallel::with_scratch;

/// What is made of the elements around a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The one before it: PyTorch's `nearest`.
    #[default]
    Nearest,
    /// The nearest one: PyTorch's `nearest-exact`.
    NearestExact,
    /// A mean of two along each axis.
    Linear,
    /// A mean of four along each axis.
    Cubic,
}

/// Another resolution along `D` axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resampling<const D: usize> {
    /// The lengths of the input's axes.
    pub input: [usize; D],
    /// Those of the output's.
    pub output: [usize; D],
    /// By how much an axis becomes longer; 0: as its lengths say.
    pub scale: [f64; D],
    /// What is made of the elements around a place.
    pub mode: Interpolation,
    /// The first and last elements lie on each other.
    pub align_corners: bool,
}

/// Option by option: `Resampling::new([14, 14], [28, 28]).linear()`.
impl<const D: usize> Resampling<D> {
    /// The nearest elements, as PyTorch's `nearest` finds them.
    pub const fn new(input: [usize; D], output: [usize; D]) -> Self {
        Resampling { input, output, scale: [0.0; D], mode: Interpolation::Nearest, align_corners: false }
    }

    /// By how much axes become longer, which lengths say but roughly.
    pub const fn scale(self, scale: [f64; D]) -> Self {
        Resampling { scale, ..self }
    }

    /// [`Interpolation::NearestExact`].
    pub const fn nearest_exact(self) -> Self {
        Resampling { mode: Interpolation::NearestExact, ..self }
    }

    /// [`Interpolation::Linear`].
    pub const fn linear(self) -> Self {
        Resampling { mode: Interpolation::Linear, ..self }
    }

    /// [`Interpolation::Cubic`].
    pub const fn cubic(self) -> Self {
        Resampling { mode: Interpolation::Cubic, ..self }
    }

    /// The first and last elements lie on each other.
    pub const fn align_corners(self) -> Self {
        Resampling { align_corners: true, ..self }
    }

    /// The axes, of which there are three from here on.
    fn lines(&self) -> [Line; 3] {
        let first = 3usize.checked_sub(D).expect("at most three axes");
        let (mode, align_corners, alone) = (self.mode, self.align_corners, D == 1);
        std::array::from_fn(|axis| match axis.checked_sub(first) {
            Some(axis) => {
                let (input, output, scale) = (self.input[axis], self.output[axis], self.scale[axis]);
                Line { input, output, scale, mode, align_corners, alone }
            }
            None => Line { input: 1, output: 1, scale: 1.0, mode, align_corners, alone },
        })
    }
}

/// One axis.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    input: usize,
    output: usize,
    scale: f64,
    mode: Interpolation,
    align_corners: bool,
    /// The only axis: of a sequence.
    alone: bool,
}

/// The loops of this file, on flat slices.
pub trait UpsampleKernels: Sized {
    /// y from x, samples of `inner` elements at each place.
    fn upsample(lines: &[Line; 3], inner: usize, x: &[Self], y: &mut [Self]);
    /// dx from dy.
    fn upsample_backward(lines: &[Line; 3], inner: usize, dy: &[Self], dx: &mut [Self]);
}

macro_rules! upsample_kernels {
    ($($t:ident)*) => { $(
        impl UpsampleKernels for $t {
            fn upsample(lines: &[Line; 3], inner: usize, x: &[$t], y: &mut [$t]) {
                if lines[0].is_nearest() {
                    return with_sources::<$t, _>(lines, inner, |from| {
                        GatherKernels::gather(from, 0.0, x, y);
                    });
                }
                with_passes(lines, inner, |passes, scratch| through(passes, scratch, false, x, y));
            }
            fn upsample_backward(lines: &[Line; 3], inner: usize, dy: &[$t], dx: &mut [$t]) {
                if lines[0].is_nearest() {
                    return with_sources::<$t, _>(lines, inner, |from| {
                        GatherKernels::scatter(from, dy, dx);
                    });
                }
                with_passes(lines, inner, |passes, scratch| {
                    passes.reverse();
                    through(passes, scratch, true, dy, dx);
                });
            }
        }
    )* };
}
upsample_kernels!(f32 f64);

/// x at another resolution.
///
/// # Shapes
/// `x`: [N, …, input…, channels], `y`: [N, …, output…, channels].
///
/// # Panics
/// If shapes do not fit, or the batches differ in length.
///
/// # Example
/// ```
/// use glulam::kernels::{Resampling, upsample_forward};
/// let mut y = [[0.0; 4]];
/// upsample_forward(Resampling::new([2], [4]).linear(), 1, &[[1.0f32, 5.0]], &mut y);
/// assert_eq!(y, [[1.0, 2.0, 4.0, 5.0]]);
/// ```
#[inline]
pub fn upsample_forward<T: Real, const D: usize, const X: usize, const Y: usize>(
    resampling: Resampling<D>,
    channels: usize,
    x: &[[T; X]],
    y: &mut [[T; Y]],
) {
    check_shapes(&resampling, channels, x, y);
    T::upsample(&resampling.lines(), channels, x.as_flattened(), y.as_flattened_mut());
}

/// dx = Σ weight · dy of what was made of it. Shapes and panics: see [`upsample_forward`].
#[inline]
pub fn upsample_backward<T: Real, const D: usize, const X: usize, const Y: usize>(
    resampling: Resampling<D>,
    channels: usize,
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    check_shapes(&resampling, channels, dx, dy);
    T::upsample_backward(&resampling.lines(), channels, dy.as_flattened(), dx.as_flattened_mut());
}

fn check_shapes<T, const D: usize, const X: usize, const Y: usize>(
    resampling: &Resampling<D>,
    channels: usize,
    x: &[[T; X]],
    y: &[[T; Y]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    let sample = |lens: &[usize; D]| lens.iter().product::<usize>() * channels;
    let (input, output) = (sample(&resampling.input), sample(&resampling.output));
    let fits = input > 0 && output > 0 && X.is_multiple_of(input) && Y == X / input * output;
    assert!(fits, "samples of {X} and {Y} elements, in pieces of {input} and {output}");
}

impl Line {
    fn is_nearest(&self) -> bool {
        matches!(self.mode, Interpolation::Nearest | Interpolation::NearestExact)
    }

    /// How many elements a mean is made of; 0 where the axis stays as it is.
    fn taps(&self) -> usize {
        match self.mode {
            Interpolation::Cubic if self.output == 1 && self.input == 1 => 0,
            Interpolation::Cubic => 4,
            // Whatever the scale says.
            _ if self.input == self.output => 0,
            _ => 2,
        }
    }

    /// The distance between two elements of the output, in the input.
    fn step<T: Real>(&self) -> T {
        let number = |n: usize| T::from_f64(n as f64);
        match *self {
            Line { align_corners: true, output: 1, .. } => T::ZERO,
            Line { align_corners: true, input, output, .. } => number(input - 1) / number(output - 1),
            Line { scale, .. } if scale > 0.0 => T::from_f64(1.0 / scale),
            Line { input, output, .. } => number(input) / number(output),
        }
    }

    /// Where element `o` of the output lies in the input. A mean of four may reach before the first one.
    fn place<T: Real>(&self, step: T, o: usize) -> T {
        let (o, half) = (T::from_f64(o as f64), T::from_f64(0.5));
        if self.align_corners {
            return step * o;
        }
        let place = step * (o + half) - half;
        if place < T::ZERO && self.mode != Interpolation::Cubic { T::ZERO } else { place }
    }

    /// The nearest element of each of the output.
    fn nearest<T: Real>(&self, sources: &mut [u32]) {
        let exact = self.mode == Interpolation::NearestExact;
        let step: T = self.step();
        // That of images and volumes, of any type.
        let single: f32 = self.step();
        for (o, source) in sources.iter_mut().enumerate() {
            let place = match (self.alone, exact) {
                (true, true) => self.place(step, o).to_f64() + 0.5,
                (true, false) => (step * T::from_f64(o as f64)).to_f64(),
                (false, true) => (o as f64 + 0.5) * f64::from(single),
                // Whatever the scale says.
                (false, false) if self.output == self.input => o as f64,
                (false, false) if self.output == 2 * self.input => (o / 2) as f64,
                (false, false) => f64::from(single * o as f32),
            };
            *source = (floor(place) as usize).min(self.input - 1) as u32;
        }
    }

    /// The elements that a mean is made of, for each of the output, and their weights.
    fn weigh<T: Real>(&self, sources: &mut [u32], weights: &mut [T]) {
        let (step, last) = (self.step::<T>(), self.input as isize - 1);
        let taps = self.taps();
        let tables = sources.chunks_exact_mut(taps).zip(weights.chunks_exact_mut(taps));
        for (o, (sources, weights)) in tables.enumerate() {
            let place = self.place(step, o);
            let first = (floor(place.to_f64()) as isize).min(last);
            let beyond = (place - T::from_f64(first as f64)).max_nan(T::ZERO).min_nan(T::ONE);
            let before = if taps == 4 { 1 } else { 0 };
            for (tap, source) in sources.iter_mut().enumerate() {
                *source = (first + tap as isize - before).clamp(0, last) as u32;
            }
            if taps == 4 {
                weights.copy_from_slice(&cubic(beyond));
            } else {
                weights.copy_from_slice(&[T::ONE - beyond, beyond]);
            }
        }
    }
}

/// ⌊x⌋ after rounding to f32, as PyTorch takes it of f64 too.
fn floor(x: f64) -> f32 {
    (x as f32).floor()
}

/// The weights of the elements at -1, 0, 1 and 2 for a place between 0 and 1.
fn cubic<T: Real>(place: T) -> [T; 4] {
    let number = T::from_f64;
    let a = number(-0.75);
    let near = |x: T| ((a + number(2.0)) * x - (a + number(3.0))) * x * x + T::ONE;
    let far = |x: T| ((a * x - number(5.0) * a) * x + number(8.0) * a) * x - number(4.0) * a;
    let other = T::ONE - place;
    [far(place + T::ONE), near(place), near(other), far(other + T::ONE)]
}

/// Calls `body` with the sources of the nearest elements.
fn with_sources<T: Real, R>(lines: &[Line; 3], inner: usize, body: impl FnOnce(&Sources<'_>) -> R) -> R {
    let [planes, rows, places] = lines.each_ref().map(|line| line.output);
    with_scratch(planes + rows + places, |table: &mut [u32]| {
        let (plane, rest) = table.split_at_mut(planes);
        let (row, place) = rest.split_at_mut(rows);
        for (line, table) in lines.iter().zip([&mut *plane, &mut *row, &mut *place]) {
            line.nearest::<T>(table);
        }
        body(&Sources { input: lines.each_ref().map(|line| line.input), sources: [plane, row, place], inner })
    })
}

/// Means along one axis: of `[outer, input, inner]` the pass makes `[outer, output, inner]`.
#[derive(Clone, Copy, Debug, Default)]
struct Pass<'a, T> {
    outer: usize,
    input: usize,
    output: usize,
    inner: usize,
    /// So many for each element of the output.
    sources: &'a [u32],
    weights: &'a [T],
}

/// Calls `body` with a pass for each axis that changes, the last axis first, and scratch memory for what lies between them.
fn with_passes<T: Real>(lines: &[Line; 3], inner: usize, body: impl FnOnce(&mut [Pass<'_, T>], &mut [T])) {
    let table: usize = lines.iter().map(|line| line.output * line.taps()).sum();
    // What lies between two passes is no larger.
    let between = lines.iter().map(|line| line.input.max(line.output)).product::<usize>() * inner;
    with_scratch(table, |mut sources: &mut [u32]| {
        with_scratch(table + 2 * between, |scratch: &mut [T]| {
            let (mut weights, scratch) = scratch.split_at_mut(table);
            let mut passes = [Pass::default(); 3];
            let mut count = 0;
            let mut inner = inner;
            for (axis, line) in lines.iter().enumerate().rev() {
                let len = line.output * line.taps();
                if len > 0 {
                    let (table, rest) = std::mem::take(&mut sources).split_at_mut(len);
                    let (weight, more) = std::mem::take(&mut weights).split_at_mut(len);
                    (sources, weights) = (rest, more);
                    line.weigh(table, weight);
                    let outer = lines[..axis].iter().map(|line| line.input).product();
                    passes[count] =
                        Pass { outer, input: line.input, output: line.output, inner, sources: table, weights: weight };
                    count += 1;
                }
                inner *= line.output;
            }
            body(&mut passes[..count], scratch);
        });
    });
}

/// Each sample of `x` through all passes, or, as a gradient, `back` through them.
fn through<T: Real>(passes: &[Pass<'_, T>], scratch: &mut [T], back: bool, x: &[T], y: &mut [T]) {
    let ([first, ..], [.., last]) = (passes, passes) else {
        y.copy_from_slice(x);
        return;
    };
    // The lengths of a sample before and after a pass.
    let sizes = |pass: &Pass<'_, T>| {
        let (input, output) = (pass.outer * pass.input * pass.inner, pass.outer * pass.output * pass.inner);
        if back { (output, input) } else { (input, output) }
    };
    let apply = |pass: &Pass<'_, T>, x: &[T], y: &mut [T]| if back { pass.backward(x, y) } else { pass.forward(x, y) };
    let (before, after) = (sizes(first).0, sizes(last).1);
    let (a, b) = scratch.split_at_mut(scratch.len() / 2);
    for (x, y) in x.chunks_exact(before).zip(y.chunks_exact_mut(after)) {
        match passes {
            [first, second] => {
                let a = &mut a[..sizes(first).1];
                apply(first, x, a);
                apply(second, a, y);
            }
            [first, second, third] => {
                let (a, b) = (&mut a[..sizes(first).1], &mut b[..sizes(second).1]);
                apply(first, x, a);
                apply(second, a, b);
                apply(third, b, y);
            }
            _ => apply(first, x, y),
        }
    }
}

impl<T: Real> Pass<'_, T> {
    fn forward(&self, x: &[T], y: &mut [T]) {
        if self.sources.len() == 4 * self.output { self.means::<4>(x, y) } else { self.means::<2>(x, y) }
    }

    /// y(o) = Σ weight · x(source), in the order of the sources.
    fn means<const TAPS: usize>(&self, x: &[T], y: &mut [T]) {
        let Pass { input, output, inner, .. } = *self;
        let tables = self.sources.as_chunks::<TAPS>().0.iter().zip(self.weights.as_chunks::<TAPS>().0);
        for (x, y) in x.chunks_exact(input * inner).zip(y.chunks_exact_mut(output * inner)) {
            for ((sources, weights), y) in tables.clone().zip(y.chunks_exact_mut(inner)) {
                let x: [&[T]; TAPS] = sources.map(|source| &x[source as usize * inner..][..inner]);
                for (i, y) in y.iter_mut().enumerate() {
                    let mut sum = weights[0] * x[0][i];
                    for tap in 1..TAPS {
                        sum += weights[tap] * x[tap][i];
                    }
                    *y = sum;
                }
            }
        }
    }

    /// dx(source) = Σ weight · dy(o), in the order of the output.
    fn backward(&self, dy: &[T], dx: &mut [T]) {
        let Pass { input, output, inner, .. } = *self;
        let taps = self.sources.len() / output;
        let tables = self.sources.chunks_exact(taps).zip(self.weights.chunks_exact(taps));
        dx.fill(T::ZERO);
        for (dx, dy) in dx.chunks_exact_mut(input * inner).zip(dy.chunks_exact(output * inner)) {
            for ((sources, weights), dy) in tables.clone().zip(dy.chunks_exact(inner)) {
                for (&source, &weight) in sources.iter().zip(weights) {
                    let dx = &mut dx[source as usize * inner..][..inner];
                    for (dx, &dy) in dx.iter_mut().zip(dy) {
                        *dx += weight * dy;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
            let (forward, backward) =
                (dot(y.as_flattened(), dy.as_flattened()), dot(x.as_flattened(), dx.as_flattened()));
            assert!((forward - backward).abs() < 1e-9, "{resampling:?}: {forward} and {backward}");
        }
    }
}
