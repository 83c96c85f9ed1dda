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

mod line;

use line::Line;

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
mod tests;
