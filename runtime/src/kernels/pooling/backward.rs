//! The gradient of a sample: each element gets its share of the gradient of every window that has it.

use super::tile::{TILE, tile, tile_mut};
use super::{Mark, Shape};
use crate::Real;
use crate::kernels::gemm::Epilogue;
use crate::simd::Simd;

/// The elements to which an epilogue is applied at a time, at least: while they are in the first-level cache.
const FINISHED: usize = 2048;

/// `places` says what has the gradient of a window: the cell that it names, or, without places, all alike. Lines are written
/// in the order in which they lie; windows are added up in theirs.
#[inline(always)]
pub(super) fn backward_body<S: Simd, T: Real, P: Mark>(
    shape: &Shape,
    dy: &[T],
    places: &[P],
    dx: &mut [T],
    then: Epilogue<'_, T>,
) {
    let (c, [d, h, w]) = (shape.channels, shape.lines);
    let [outputs_d, outputs_h, outputs_w] = shape.output();
    let len = w.input * c;
    let (mut line, mut finished) = (0, 0);
    for n in 0..dx.len() / shape.sample() {
        for id in 0..d.input {
            for ih in 0..h.input {
                let mut written = false;
                for (od, tap_d) in d.reaching(id) {
                    for (oh, tap_h) in h.reaching(ih) {
                        let windows = ((n * outputs_d + od) * outputs_h + oh) * outputs_w;
                        let taps = (tap_d * h.kernel + tap_h) * w.kernel;
                        // All that is needed of an average's window.
                        let share = |ow: usize| {
                            let cells = [d.cells(od), h.cells(oh), w.cells(ow)];
                            let share = if P::IS_PLACE { 1.0 } else { 1.0 / shape.divisor([od, oh, ow], cells) };
                            (cells[2], T::from_f64(share))
                        };
                        if !written && shape.apart {
                            let mut next = 0;
                            for ow in 0..outputs_w {
                                let (cells, share) = share(ow);
                                dx[line + next * c..line + cells.first * c].fill(T::ZERO);
                                next = cells.first + cells.count;
                                for k in 0..cells.count {
                                    let (from, to) = ((windows + ow) * c, line + (cells.first + k) * c);
                                    write(c, (dy, places, from), P::of(taps + cells.tap + k), share, dx, to);
                                }
                            }
                            dx[line + next * c..line + len].fill(T::ZERO);
                            written = true;
                            continue;
                        }
                        let dx = &mut dx[line..line + len];
                        if !written {
                            dx.fill(T::ZERO);
                            written = true;
                        }
                        for ow in 0..outputs_w {
                            let (cells, share) = share(ow);
                            let from = (windows + ow) * c..(windows + ow + 1) * c;
                            let (dy, places) = (&dy[from.clone()], &places[from]);
                            for k in 0..cells.count {
                                let tap = P::of(taps + cells.tap + k);
                                let dx = &mut dx[(cells.first + k * w.dilation()) * c..][..c];
                                for ((dx, &dy), place) in dx.iter_mut().zip(dy).zip(places) {
                                    *dx += place.gradient(tap, dy, share);
                                }
                            }
                        }
                    }
                }
                if !written {
                    dx[line..line + len].fill(T::ZERO);
                }
                line += len;
                if line - finished >= FINISHED || line == dx.len() {
                    then(finished, &mut dx[finished..line]);
                    finished = line;
                }
            }
        }
    }
}

/// dx of one position from the one window that has it.
#[inline(always)]
fn write<T: Real, P: Mark>(
    c: usize,
    (dy, places, from): (&[T], &[P], usize),
    tap: P,
    share: T,
    dx: &mut [T],
    to: usize,
) {
    for first in (0..c).step_by(TILE) {
        let (from, to) = (from + first, to + first);
        if from + TILE <= dy.len() && to + TILE <= dx.len() {
            let (dy, places) = (tile(dy, from), tile(places, from));
            let mut gradient = [T::ZERO; TILE];
            for i in 0..TILE {
                gradient[i] = places[i].gradient(tap, dy[i], share);
            }
            *tile_mut(dx, to) = gradient;
        } else {
            for i in 0..TILE.min(c - first) {
                dx[to + i] = places[from + i].gradient(tap, dy[from + i], share);
            }
        }
    }
}
