//! The largest cell of each window, and where it was.

use super::tile::{TILE, tile, tile_mut};
use super::{Mark, Shape};
use crate::Real;
use crate::simd::Simd;

/// Whether `x` takes the place of the largest so far: the first of equals keeps it, and the last NaN has it.
#[inline(always)]
fn takes<T: Real>(x: T, largest: T) -> bool {
    (x > largest) | x.is_nan()
}

#[inline(always)]
pub(super) fn forward_body<S: Simd, T: Real, P: Mark>(shape: &Shape, x: &[T], places: &mut [P], y: &mut [T]) {
    let (c, [d, h, w]) = (shape.channels, shape.lines);
    let (samples, [outputs_d, outputs_h, outputs_w]) = (y.len() / shape.result(), shape.output());
    let mut line = 0;
    for n in 0..samples {
        for od in 0..outputs_d {
            let cells_d = d.cells(od);
            for oh in 0..outputs_h {
                let cells_h = h.cells(oh);
                // The place of an element of the first line that these windows have.
                let first = ((n * d.input + cells_d.first) * h.input + cells_h.first) * w.input;
                let (places, y) = (&mut places[line..], &mut y[line..]);
                line += outputs_w * c;
                if let Some(stride) = shape.square {
                    squares(&x[first * c..], w.input * c, stride * c, c, places, &mut *y, outputs_w);
                    continue;
                }
                for ow in 0..outputs_w {
                    let cells_w = w.cells(ow);
                    let (places, y) = (&mut places[ow * c..][..c], &mut y[ow * c..][..c]);
                    let mut any = false;
                    for i in 0..cells_d.count {
                        for j in 0..cells_h.count {
                            let taps = ((cells_d.tap + i) * h.kernel + cells_h.tap + j) * w.kernel + cells_w.tap;
                            let at = (i * d.dilation() * h.input + j * h.dilation()) * w.input + cells_w.first;
                            for k in 0..cells_w.count {
                                let x = &x[(first + at + k * w.dilation()) * c..][..c];
                                let tap = P::of(taps + k);
                                if !any {
                                    any = true;
                                    y.copy_from_slice(x);
                                    places.fill(tap);
                                    continue;
                                }
                                for ((y, place), &x) in y.iter_mut().zip(&mut *places).zip(x) {
                                    let takes = takes(x, *y);
                                    *y = if takes { x } else { *y };
                                    *place = if takes { tap } else { *place };
                                }
                            }
                        }
                    }
                    if !any {
                        y.fill(-T::INFINITY);
                        places.fill(P::of(0));
                    }
                }
            }
        }
    }
}

/// A line of windows of 2 × 2 cells, of which the first begins at the first element of `x`.
#[inline(always)]
fn squares<T: Real, P: Mark>(
    x: &[T],
    below: usize,
    stride: usize,
    c: usize,
    places: &mut [P],
    y: &mut [T],
    windows: usize,
) {
    let largest = |cells: [T; 4]| {
        let (mut largest, mut place) = (cells[0], P::of(0));
        for (tap, &x) in cells.iter().enumerate().skip(1) {
            let takes = takes(x, largest);
            largest = if takes { x } else { largest };
            place = if takes { P::of(tap) } else { place };
        }
        (largest, place)
    };
    for window in 0..windows {
        for first in (0..c).step_by(TILE) {
            let (at, to) = (window * stride + first, window * c + first);
            let cells = [at, at + c, at + below, at + below + c];
            if cells[3] + TILE <= x.len() && to + TILE <= y.len() {
                let cells = cells.map(|at| tile(x, at));
                let (mut best, mut place) = ([T::ZERO; TILE], [P::of(0); TILE]);
                for i in 0..TILE {
                    (best[i], place[i]) = largest(cells.map(|x| x[i]));
                }
                *tile_mut(y, to) = best;
                *tile_mut(places, to) = place;
            } else {
                for i in 0..TILE.min(c - first) {
                    (y[to + i], places[to + i]) = largest(cells.map(|at| x[at + i]));
                }
            }
        }
    }
}
