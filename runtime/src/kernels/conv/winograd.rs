//! Convolutions of 3×3 windows with fewer multiplications: Winograd's F(2×2, 3×3).
//!
//! Four neighbouring results, a tile, come from 4×4 elements of x. Of each channel
//!
//! V = Bᵀ·x·B, U = G·w·Gᵀ, M = Σ U ⊙ V over channels, y = b + Aᵀ·M·A,
//!
//! ```text
//!      1  0 -1  0         1   0   0
//! Bᵀ = 0  1  1  0    G = 1/2 1/2 1/2    Aᵀ = 1 1  1  0
//!      0 -1  1  0        1/2 -1/2 1/2        0 1 -1 -1
//!      0  1  0 -1         0   0   1
//! ```
//!
//! which takes 16 multiplications for what are 36 otherwise. For all tiles and channels they are 16 products of matrices, one
//! for each place in a tile. Whether a convolution is computed so depends on its shape alone, so that results have the same bits
//! in every batch. Each result is made of its window's nine elements alone, but differences of elements meet sums of weights: its
//! error is of the size of the largest element times the largest weight, also where these two do not meet in the sum, and an
//! infinite element may give NaN where the sum is infinite.
//!
//! # References
//! Lavin and Gray, Fast algorithms for convolutional neural networks, 2016, section 4.1; Winograd, Arithmetic complexity of
//! computations, 1980.

use super::Padding;
use super::product::{ROWS, ROWS_OF_A_LARGE_WEIGHT};
use super::shape::{Line, Shape};
use crate::Real;
use crate::kernels::gemm::block::{Start, panel};
use crate::kernels::gemm::left::Left;
use crate::kernels::gemm::pack::{aligned, cut};
use crate::kernels::gemm::{Epilogue, L2, Right, by_panels, by_rows};
use crate::parallel::with_scratch;
use crate::simd::multiversion;
use crate::simd::vector::Lanes;

/// The places of a tile.
const PLACES: usize = 16;

/// The fewest channels with which fewer multiplications pay for what is written and read in between (BENCHMARKS.md).
const CHANNELS: usize = 32;

/// Channels come in whole registers of every instruction set.
const REGISTER: usize = 16;

/// The fewest tiles of a sample that pay for the weight's transform, at a batch of a few.
const TILES: usize = 16;

/// Scalars for which tiles are transformed.
pub trait WinogradKernels: Sized {
    /// V of some tiles of x, the first of which begins at column `first`. `size`: how many tiles, and the distance of places.
    fn tiles_of_input(lines: [&[Self]; 4], first: isize, channels: usize, to: &mut [Self], size: (usize, usize));
    /// U of a weight's taps, `[9][channels][outputs]`, as packed panels for each place.
    fn tiles_of_weight(taps: &[Self], channels: usize, outputs: usize, to: &mut [Self]);
    /// Two lines of y, or one, from a row of tiles of M. Places are `plane` elements apart.
    fn tiles_of_output(from: &[Self], plane: usize, bias: &[Self], outputs: usize, lines: [&mut [Self]; 2]);
}

/// A convolution of 3×3 windows with stride 1: of x, or of dy with the taps reversed.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// Lines and columns.
    input: [usize; 2],
    output: [usize; 2],
    /// Zeros before the first.
    padding: [isize; 2],
    /// Channels of the input, and of the output.
    inputs: usize,
    outputs: usize,
}

/// Whether convolutions of this shape, and the gradients of their input, are computed here.
pub(super) fn suits(shape: &Shape) -> bool {
    let [depth, height, width] = &shape.lines;
    let plain = [depth.input, depth.output, depth.kernel] == [1; 3] && depth.padding == 0;
    let three = |line: &Line| line.kernel == 3 && line.stride == 1 && line.dilation == 1;
    let channels = |n: usize| n >= CHANNELS && n.is_multiple_of(REGISTER);
    plain
        && three(height)
        && three(width)
        && shape.mode == Padding::Zeros
        && shape.groups == 1
        && channels(shape.inputs)
        && channels(shape.outputs)
        && height.output.div_ceil(2) * width.output.div_ceil(2) >= TILES
}

/// y = b + windows · w.
pub(super) fn forward<T: Real>(shape: &Shape, x: &[T], w: &[T], b: &[T], y: &mut [T], then: Epilogue<'_, T>) {
    let [_, height, width] = shape.lines;
    let grid = Grid {
        input: [height.input, width.input],
        output: [height.output, width.output],
        padding: [height.padding as isize, width.padding as isize],
        inputs: shape.inputs,
        outputs: shape.outputs,
    };
    grid.convolve(x, 0, |_, u| T::tiles_of_weight(w, grid.inputs, grid.outputs, u), b, y, then);
}

/// dx = b + what the windows that reach each element make of dy.
pub(super) fn backward_input<T: Real>(shape: &Shape, dy: &[T], w: &[T], b: &[T], dx: &mut [T], then: Epilogue<'_, T>) {
    let [_, height, width] = shape.lines;
    let grid = Grid {
        input: [height.output, width.output],
        output: [height.input, width.input],
        padding: [2 - height.padding as isize, 2 - width.padding as isize],
        inputs: shape.outputs,
        outputs: shape.inputs,
    };
    let (c, o) = (shape.inputs, shape.outputs);
    let reversed = |taps: &mut [T], u: &mut [T]| {
        for (from, to) in w.chunks_exact(c * o).zip(taps.chunks_exact_mut(c * o).rev()) {
            T::transpose(c, o, from, o, to, c);
        }
        T::tiles_of_weight(taps, o, c, u);
    };
    grid.convolve(dy, w.len(), reversed, b, dx, then);
}

impl Grid {
    /// Bytes of the weight's tiles, for one place.
    fn weight_bytes<T>(&self) -> usize {
        self.inputs * self.outputs * size_of::<T>()
    }

    /// How many of `all` rows of tiles are worked on at once. What is made of them stays in the second-level cache, but a weight
    /// that does not is read for many.
    fn rows_at_once<T>(&self, columns: usize, all: usize) -> usize {
        let row = PLACES * columns * (self.inputs + self.outputs) * size_of::<T>();
        let tiles = match self.weight_bytes::<T>() {
            large if large > L2 / 2 => ROWS_OF_A_LARGE_WEIGHT,
            middle if PLACES * middle > L2 => ROWS,
            _ => 1,
        };
        (L2 / 4).div_ceil(row).max(tiles.div_ceil(columns)).min(all)
    }

    /// Fills U with `weight`, which is lent `room` elements, then y, some rows of tiles at a time.
    fn convolve<T: Real>(
        &self,
        x: &[T],
        room: usize,
        weight: impl FnOnce(&mut [T], &mut [T]),
        b: &[T],
        y: &mut [T],
        then: Epilogue<'_, T>,
    ) {
        let Grid { input, output, inputs, outputs, .. } = *self;
        let line = output[1] * outputs;
        let [rows, columns] = output.map(|n| n.div_ceil(2));
        let all = y.len() / (output[0] * line) * rows;
        if all == 0 {
            return;
        }
        let together = self.rows_at_once::<T>(columns, all);
        // A few elements more, as places a power of two apart share sets of the cache.
        let planes = [inputs, outputs].map(|n| aligned(together * columns * n) + 16);
        let [len_v, len_m] = planes.map(|plane| PLACES * plane);
        let lens = [PLACES * inputs * outputs, room.max(len_v), len_m, input[1] * inputs];
        with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
            let [u, v, m, zeros] = lens.map(|len| cut(&mut scratch, len));
            weight(&mut v[..room], u);
            zeros.fill(T::ZERO);
            let mut at = 0;
            for first in (0..all).step_by(together) {
                let tile_rows = first..all.min(first + together);
                for (i, row) in tile_rows.clone().enumerate() {
                    let (lines, v) =
                        (self.lines_below(row / rows, row % rows, x, zeros), &mut v[i * columns * inputs..]);
                    T::tiles_of_input(lines, -self.padding[1], inputs, v, (columns, planes[0]));
                }
                self.multiply(tile_rows.len() * columns, u, (v, m), planes);
                let (start, mut rest) = (at, &mut y[at..]);
                for (i, row) in tile_rows.enumerate() {
                    let lines = 2.min(output[0] - row % rows * 2);
                    let (own, others) = rest.split_at_mut(lines * line);
                    let (even, odd) = own.split_at_mut(line);
                    T::tiles_of_output(&m[i * columns * outputs..], planes[1], b, outputs, [even, odd]);
                    (rest, at) = (others, at + lines * line);
                }
                then(start, &mut y[start..at]);
            }
        });
    }

    /// The four lines of a sample that row `row` of its tiles is made of; those beyond its edges are zeros.
    fn lines_below<'a, T>(&self, sample: usize, row: usize, x: &'a [T], zeros: &'a [T]) -> [&'a [T]; 4] {
        let ([height, _], len) = (self.input, zeros.len());
        let top = (row * 2) as isize - self.padding[0];
        [0, 1, 2, 3].map(|l| match usize::try_from(top + l) {
            Ok(at) if at < height => &x[(sample * height + at) * len..][..len],
            _ => zeros,
        })
    }

    /// M of so many tiles: a product of matrices for each place.
    fn multiply<T: Real>(&self, tiles: usize, u: &[T], (v, m): (&[T], &mut [T]), planes: [usize; 2]) {
        let Grid { inputs: k, outputs: n, .. } = *self;
        let places = u.chunks_exact(k * n).zip(v.chunks(planes[0])).zip(m.chunks_mut(planes[1]));
        for ((u, v), m) in places {
            let left = Left::Rows { data: v, stride: k };
            if self.weight_bytes::<T>() > L2 / 2 {
                by_panels((tiles, n, k), left, u, Start::Zero, (m, n));
            } else {
                by_rows((tiles, n, k), left, Right::Packed { data: u, k }, Start::Zero, (m, n), &|_, _| ());
            }
        }
    }
}

/// Columns of Bᵀ·d.
#[inline(always)]
fn input_side<S: Lanes<T>, T: Real>(s: S, d: [S::V; 4]) -> [S::V; 4] {
    let minus = s.splat(-T::ONE);
    [s.mul_add(minus, d[2], d[0]), s.add(d[1], d[2]), s.mul_add(minus, d[1], d[2]), s.mul_add(minus, d[3], d[1])]
}

/// Columns of G·w.
#[inline(always)]
fn weight_side<S: Lanes<T>, T: Real>(s: S, w: [S::V; 3]) -> [S::V; 4] {
    let half = s.splat(T::from_f64(0.5));
    let minus = s.splat(T::from_f64(-0.5));
    let zero = s.splat(T::ZERO);
    let ends = s.mul_add(half, s.add(w[0], w[2]), zero);
    [w[0], s.mul_add(half, w[1], ends), s.mul_add(minus, w[1], ends), w[2]]
}

/// Columns of Aᵀ·m.
#[inline(always)]
fn output_side<S: Lanes<T>, T: Real>(s: S, m: [S::V; 4]) -> [S::V; 2] {
    let minus = s.splat(-T::ONE);
    let (sum, difference) = (s.add(m[1], m[2]), s.mul_add(minus, m[2], m[1]));
    [s.add(m[0], sum), s.mul_add(minus, m[3], difference)]
}

#[inline(always)]
fn tiles_of_input_body<S: Lanes<T>, T: Real>(
    s: S,
    lines: [&[T]; 4],
    first: isize,
    channels: usize,
    to: &mut [T],
    (tiles, plane): (usize, usize),
) {
    let columns = lines[0].len() / channels;
    for t in 0..tiles {
        let left = 2 * t as isize + first;
        let to = &mut to[t * channels..];
        for c in (0..channels).step_by(S::LANES) {
            let mut d = [[s.splat(T::ZERO); 4]; 4];
            for j in 0..4 {
                let Ok(column) = usize::try_from(left + j as isize) else { continue };
                if column < columns {
                    let at = column * channels + c;
                    d[j] = input_side(
                        s,
                        [
                            s.load(&lines[0][at..]),
                            s.load(&lines[1][at..]),
                            s.load(&lines[2][at..]),
                            s.load(&lines[3][at..]),
                        ],
                    );
                }
            }
            for i in 0..4 {
                let v = input_side(s, [d[0][i], d[1][i], d[2][i], d[3][i]]);
                for j in 0..4 {
                    s.store(v[j], &mut to[(4 * i + j) * plane + c..]);
                }
            }
        }
    }
}

#[inline(always)]
fn tiles_of_weight_body<S: Lanes<T>, T: Real>(s: S, taps: &[T], channels: usize, outputs: usize, to: &mut [T]) {
    let panel = panel::<T>();
    for from in (0..outputs).step_by(panel) {
        let width = panel.min(outputs - from);
        for c in 0..channels {
            for o in (0..width).step_by(S::LANES) {
                let mut w = [s.splat(T::ZERO); 9];
                for tap in 0..9 {
                    w[tap] = s.load(&taps[(tap * channels + c) * outputs + from + o..]);
                }
                let mut columns = [[s.splat(T::ZERO); 4]; 3];
                for j in 0..3 {
                    columns[j] = weight_side(s, [w[j], w[3 + j], w[6 + j]]);
                }
                for i in 0..4 {
                    let u = weight_side(s, [columns[0][i], columns[1][i], columns[2][i]]);
                    for j in 0..4 {
                        let at = (4 * i + j) * channels * outputs + from * channels + c * width + o;
                        s.store(u[j], &mut to[at..]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn tiles_of_output_body<S: Lanes<T>, T: Real>(
    s: S,
    from: &[T],
    plane: usize,
    bias: &[T],
    outputs: usize,
    [even, odd]: [&mut [T]; 2],
) {
    let tiles = (even.len() / outputs).div_ceil(2);
    for t in 0..tiles {
        for o in (0..outputs).step_by(S::LANES) {
            let bias = if bias.is_empty() { s.splat(T::ZERO) } else { s.load(&bias[o..]) };
            let mut columns = [[s.splat(T::ZERO); 2]; 4];
            for j in 0..4 {
                let mut m = [s.splat(T::ZERO); 4];
                for i in 0..4 {
                    m[i] = s.load(&from[(4 * i + j) * plane + t * outputs + o..]);
                }
                columns[j] = output_side(s, m);
            }
            let at = 2 * t * outputs + o;
            for (i, line) in [&mut *even, &mut *odd].into_iter().enumerate() {
                let y = output_side(s, [columns[0][i], columns[1][i], columns[2][i], columns[3][i]]);
                for j in 0..2 {
                    // The last line and the last column may be beyond the end.
                    if at + j * outputs < line.len() {
                        s.store(s.add(y[j], bias), &mut line[at + j * outputs..]);
                    }
                }
            }
        }
    }
}

macro_rules! winograd_kernels {
    ($($t:ident $input:ident $weight:ident $output:ident;)*) => { $(
        multiversion! {
            fn $input(lines: [&[$t]; 4], first: isize, channels: usize, to: &mut [$t], size: (usize, usize))
                = tiles_of_input_body::<S, $t> with simd;
            fn $weight(taps: &[$t], channels: usize, outputs: usize, to: &mut [$t])
                = tiles_of_weight_body::<S, $t> with simd;
            fn $output(from: &[$t], plane: usize, bias: &[$t], outputs: usize, lines: [&mut [$t]; 2])
                = tiles_of_output_body::<S, $t> with simd;
        }
        impl WinogradKernels for $t {
            fn tiles_of_input(
                lines: [&[$t]; 4], first: isize, channels: usize, to: &mut [$t], size: (usize, usize),
            ) {
                $input(lines, first, channels, to, size);
            }
            fn tiles_of_weight(taps: &[$t], channels: usize, outputs: usize, to: &mut [$t]) {
                $weight(taps, channels, outputs, to);
            }
            fn tiles_of_output(
                from: &[$t], plane: usize, bias: &[$t], outputs: usize, lines: [&mut [$t]; 2],
            ) {
                $output(from, plane, bias, outputs, lines);
            }
        }
    )* };
}
winograd_kernels! {
    f32 tiles_of_input_f32 tiles_of_weight_f32 tiles_of_output_f32;
    f64 tiles_of_input_f64 tiles_of_weight_f64 tiles_of_output_f64;
}
