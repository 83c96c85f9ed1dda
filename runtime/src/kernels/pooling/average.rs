//! The average of each window.

use super::Shape;
use super::tile::{TILE, tile, tile_mut};
use crate::Real;
use crate::simd::Simd;

/// y += x.
#[inline(always)]
fn add<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// The cells of each line of a window are added up, then the lines. `sum`: room for one position.
#[inline(always)]
pub(super) fn forward_body<S: Simd, T: Real>(shape: &Shape, x: &[T], sum: &mut [T], y: &mut [T]) {
    let (c, [d, h, w]) = (shape.channels, shape.lines);
    let (samples, [outputs_d, outputs_h, outputs_w]) = (y.len() / shape.result(), shape.output());
    let mut line = 0;
    for n in 0..samples {
        for od in 0..outputs_d {
            let cells_d = d.cells(od);
            for oh in 0..outputs_h {
                let cells_h = h.cells(oh);
                let first = ((n * d.input + cells_d.first) * h.input + cells_h.first) * w.input;
                let y = &mut y[line..];
                line += outputs_w * c;
                if let Some(stride) = shape.square {
                    let cells_w = w.cells(0);
                    let divisor = T::from_f64(shape.divisor([od, oh, 0], [cells_d, cells_h, cells_w]));
                    squares(&x[first * c..], w.input * c, stride * c, c, divisor, y, outputs_w);
                    continue;
                }
                for ow in 0..outputs_w {
                    let cells_w = w.cells(ow);
                    let divisor = T::from_f64(shape.divisor([od, oh, ow], [cells_d, cells_h, cells_w]));
                    let y = &mut y[ow * c..][..c];
                    for i in 0..cells_d.count {
                        for j in 0..cells_h.count {
                            let at = (i * h.input + j) * w.input + cells_w.first;
                            let cells = &x[(first + at) * c..][..cells_w.count * c];
                            let (cell, others) = cells.split_at(c);
                            let is_first = i + j == 0;
                            let to = if is_first { &mut *y } else { &mut *sum };
                            to.copy_from_slice(cell);
                            others.chunks_exact(c).for_each(|cell| add(cell, to));
                            if !is_first {
                                add(sum, y);
                            }
                        }
                    }
                    for y in y {
                        *y = *y / divisor;
                    }
                }
            }
        }
    }
}

/// A line of windows of 2 × 2 cells, of which the first begins at the first element of `x`.
#[inline(always)]
fn squares<T: Real>(x: &[T], below: usize, stride: usize, c: usize, divisor: T, y: &mut [T], windows: usize) {
    for window in 0..windows {
        for first in (0..c).step_by(TILE) {
            let (at, to) = (window * stride + first, window * c + first);
            let cells = [at, at + c, at + below, at + below + c];
            if cells[3] + TILE <= x.len() && to + TILE <= y.len() {
                let [a, b, c, d] = cells.map(|at| tile(x, at));
                let mut average = [T::ZERO; TILE];
                for i in 0..TILE {
                    average[i] = ((a[i] + b[i]) + (c[i] + d[i])) / divisor;
                }
                *tile_mut(y, to) = average;
            } else {
                for i in 0..TILE.min(c - first) {
                    let [a, b, c, d] = cells.map(|at| x[at + i]);
                    y[to + i] = ((a + b) + (c + d)) / divisor;
                }
            }
        }
    }
}
