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
//! in every batch. Numbers differ from the sum's in their last bits, as the sum's do with its order: a result's error is of the
//! size of the largest of the 16 elements, not of those nine that the window has. A number that is not finite makes all four
//! results of its tiles so.
//!
//! # References
//! Lavin and Gray, Fast algorithms for convolutional neural networks, 2016, section 4.1; Winograd, Arithmetic complexity of
//! computations, 1980.

use super::Padding;
use super::shape::{Line, Shape};
use crate::Real;
use crate::kernels::gemm::block::{Left, Start, panel};
use crate::kernels::gemm::pack::{aligned, cut};
use crate::kernels::gemm::{Epilogue, L2, Right, by_rows};
use crate::parallel::with_scratch;
use crate::simd::multiversion;
use crate::simd::vector::Lanes;

/// The places of a tile.
const PLACES: usize = 16;

/// The fewest channels with which fewer multiplications pay for what is written and read in between; they come in whole
/// registers of every instruction set. (With 16 to 16 on 32×32 it took half as long again as the sum, with 32 to 64 on 26×26
/// and 64 to 64 on 8×8 six tenths of its time.)
const CHANNELS: usize = 32;
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
    let plain = depth.input == 1 && depth.kernel == 1 && depth.padding == 0;
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
    grid.convolve(x, |_, u| T::tiles_of_weight(w, grid.inputs, grid.outputs, u), b, y, then);
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
    grid.convolve(dy, reversed, b, dx, then);
}

impl Grid {
    /// Fills U with `weight`, which may use room for nine taps, then y, some rows of tiles at a time.
    fn convolve<T: Real>(
        &self,
        x: &[T],
        weight: impl FnOnce(&mut [T], &mut [T]),
        b: &[T],
        y: &mut [T],
        then: Epilogue<'_, T>,
    ) {
        let Grid { input, output, padding, inputs, outputs } = *self;
        let (sample, line) = (input[0] * input[1] * inputs, output[1] * outputs);
        let [rows, columns] = output.map(|n| n.div_ceil(2));
        let all = y.len() / (output[0] * line) * rows;
        // What is made of some rows of tiles stays in the second-level cache.
        let row_bytes = PLACES * columns * (inputs + outputs) * size_of::<T>();
        let together = (L2 / 4).div_ceil(row_bytes).min(all);
        // A few elements more, as places a power of two apart share sets of the cache.
        let [plane_v, plane_m] = [inputs, outputs].map(|n| aligned(together * columns * n) + 16);
        let lens = [
            PLACES * inputs * outputs,
            (9 * inputs * outputs).max(PLACES * plane_v),
            PLACES * plane_m,
            input[1] * inputs,
        ];
        with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
            let [u, v, m, zeros] = lens.map(|len| cut(&mut scratch, len));
            weight(&mut v[..9 * inputs * outputs], u);
            zeros.fill(T::ZERO);
            for first in (0..all).step_by(together) {
                let tile_rows = first..all.min(first + together);
                for (i, row) in tile_rows.clone().enumerate() {
                    let x = &x[row / rows * sample..][..sample];
                    let top = (row % rows * 2) as isize - padding[0];
                    let lines = [0, 1, 2, 3].map(|l| match usize::try_from(top + l) {
                        Ok(at) if at < input[0] => &x[at * input[1] * inputs..][..input[1] * inputs],
                        _ => &*zeros,
                    });
                    T::tiles_of_input(lines, -padding[1], inputs, &mut v[i * columns * inputs..], (columns, plane_v));
                }
                let tiles = tile_rows.len() * columns;
                for place in 0..PLACES {
                    let left = Left::Rows { data: &v[place * plane_v..], stride: inputs };
                    let right = Right::Packed { data: &u[place * inputs * outputs..], k: inputs };
                    let m = &mut m[place * plane_m..];
                    by_rows((tiles, outputs, inputs), left, right, Start::Zero, (m, outputs), &|_, _| ());
                }
                let line_of = |row: usize| (row / rows * output[0] + row % rows * 2) * line;
                let at = line_of(tile_rows.start);
                let end = if tile_rows.end == all { y.len() } else { line_of(tile_rows.end) };
                let y = &mut y[at..end];
                let mut rest = &mut *y;
                for (i, row) in tile_rows.enumerate() {
                    let lines = 2.min(output[0] - row % rows * 2);
                    let (own, others) = rest.split_at_mut(lines * line);
                    rest = others;
                    let (even, odd) = own.split_at_mut(line);
                    T::tiles_of_output(&m[i * columns * outputs..], plane_m, b, outputs, [even, odd]);
                }
                then(at, y);
            }
        });
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
