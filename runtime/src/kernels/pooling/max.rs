//! The largest cell of each window, and where it was.

use super::tile::{Largest, TILE, load, store};
use super::window::Cells;
use super::{Mark, Shape};
use crate::Real;
use crate::simd::Simd;

#[inline(always)]
pub(super) fn forward_body<S: Simd, T: Real, P: Mark>(
    shape: &Shape,
    x: &[T],
    numbers: &mut [T],
    places: &mut [P],
    y: &mut [T],
) {
    let (c, [d, h, w]) = (shape.channels, shape.lines);
    let mut line = 0;
    for n in 0..y.len() / shape.result() {
        for od in 0..d.output {
            let cells_d = d.cells(od);
            for oh in 0..h.output {
                let cells_h = h.cells(oh);
                // From the first element of the first line that these windows have.
                let first = ((n * d.input + cells_d.first) * h.input + cells_h.first) * w.input * c;
                let (x, y) = (&x[first..], &mut y[line..]);
                let places = &mut places[line..line + w.output * c];
                line += w.output * c;
                let room = w.output * c + TILE <= y.len() && x.len() >= shape.reach();
                match (shape.square, room) {
                    (Some(_), true) => squares::<T, P, true>(shape, x, numbers, y),
                    (Some(_), false) => squares::<T, P, false>(shape, x, numbers, y),
                    (None, true) => windows::<T, P, true>(shape, [cells_d, cells_h], x, numbers, y),
                    (None, false) => windows::<T, P, false>(shape, [cells_d, cells_h], x, numbers, y),
                }
                // In a loop of its own: together with the comparisons it would not become one over vectors.
                for (place, &number) in places.iter_mut().zip(&*numbers) {
                    *place = P::of(number);
                }
            }
        }
    }
}

/// A line of windows of 2 × 2 cells, of which the first begins at the first element of `x`.
#[inline(always)]
fn squares<T: Real, P: Mark, const ROOM: bool>(shape: &Shape, x: &[T], numbers: &mut [T], y: &mut [T]) {
    let (c, w) = (shape.channels, shape.lines[2]);
    let (below, step) = (w.input * c, shape.square.unwrap_or(1) * c);
    let (mut at, mut to) = (0, 0);
    for _ in 0..w.output {
        let mut first = 0;
        while first < c {
            let width = TILE.min(c - first);
            let from = at + first;
            let mut largest = Largest { x: load::<T, TILE, ROOM>(x, from, width), place: [T::ZERO; TILE] };
            largest.take(load::<T, TILE, ROOM>(x, from + c, width), T::ONE);
            largest.take(load::<T, TILE, ROOM>(x, from + below, width), T::ONE + T::ONE);
            largest.take(load::<T, TILE, ROOM>(x, from + below + c, width), T::ONE + T::ONE + T::ONE);
            store::<T, TILE, ROOM>(largest.x, y, to + first, width);
            if P::IS_PLACE {
                store::<T, TILE, true>(largest.place, numbers, to + first, width);
            }
            first += TILE;
        }
        at += step;
        to += c;
    }
}

/// A line of any windows, of which the first cells along the first axes begin at the first element of `x`.
#[inline(always)]
fn windows<T: Real, P: Mark, const ROOM: bool>(
    shape: &Shape,
    [cells_d, cells_h]: [Cells; 2],
    x: &[T],
    numbers: &mut [T],
    y: &mut [T],
) {
    let (c, [d, h, w]) = (shape.channels, shape.lines);
    let (step_h, step_w) = (h.dilation() * w.input * c, w.dilation() * c);
    let step_d = d.dilation() * h.input * w.input * c;
    for ow in 0..w.output {
        let cells_w = w.cells(ow);
        let mut first = 0;
        while first < c {
            let width = TILE.min(c - first);
            let from = cells_w.first * c + first;
            let tap = ((cells_d.tap * h.kernel + cells_h.tap) * w.kernel + cells_w.tap) as f64;
            let any = cells_d.count * cells_h.count * cells_w.count > 0;
            let start = if any { load::<T, TILE, ROOM>(x, from, width) } else { [-T::INFINITY; TILE] };
            let mut largest = Largest { x: start, place: [T::from_f64(tap); TILE] };
            for i in 0..cells_d.count {
                for j in 0..cells_h.count {
                    let mut place = T::from_f64(tap + ((i * h.kernel + j) * w.kernel) as f64);
                    let mut at = from + i * step_d + j * step_h;
                    // The first cell again changes nothing.
                    for _ in 0..cells_w.count {
                        largest.take(load::<T, TILE, ROOM>(x, at, width), place);
                        place += T::ONE;
                        at += step_w;
                    }
                }
            }
            store::<T, TILE, ROOM>(largest.x, y, ow * c + first, width);
            if P::IS_PLACE {
                store::<T, TILE, true>(largest.place, numbers, ow * c + first, width);
            }
            first += TILE;
        }
    }
}
