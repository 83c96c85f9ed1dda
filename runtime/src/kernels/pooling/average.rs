//! The average of each window.

use super::Shape;
use super::tile::{TILE, WIDE, load, store};
use super::window::Cells;
use crate::Real;
use crate::simd::Simd;

/// The cells of each line of a window are added up, then the lines.
#[inline(always)]
pub(super) fn forward_body<S: Simd, T: Real>(shape: &Shape, x: &[T], y: &mut [T]) {
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
                line += w.output * c;
                let room = w.output * c + TILE <= y.len() && x.len() >= shape.reach();
                if shape.square.is_some() {
                    let divisor = T::from_f64(shape.divisor([od, oh, 0], [cells_d, cells_h, w.cells(0)]));
                    match room {
                        true => squares::<T, true>(shape, x, divisor, y),
                        false => squares::<T, false>(shape, x, divisor, y),
                    }
                } else {
                    match room {
                        true => windows::<T, true>(shape, [od, oh], [cells_d, cells_h], x, y),
                        false => windows::<T, false>(shape, [od, oh], [cells_d, cells_h], x, y),
                    }
                }
            }
        }
    }
}

/// A line of any windows, of which the first cells along the first axes begin at the first element of `x`.
#[inline(always)]
fn windows<T: Real, const ROOM: bool>(
    shape: &Shape,
    [od, oh]: [usize; 2],
    [cells_d, cells_h]: [Cells; 2],
    x: &[T],
    y: &mut [T],
) {
    let (c, w) = (shape.channels, shape.lines[2]);
    for ow in 0..w.output {
        let cells = [cells_d, cells_h, w.cells(ow)];
        let divisor = T::from_f64(shape.divisor([od, oh, ow], cells));
        let mut first = 0;
        while first + WIDE <= c {
            average::<T, WIDE, ROOM>(shape, cells, (x, first, WIDE), divisor, (y, ow * c + first));
            first += WIDE;
        }
        while first < c {
            average::<T, TILE, ROOM>(shape, cells, (x, first, TILE.min(c - first)), divisor, (y, ow * c + first));
            first += TILE;
        }
    }
}

/// Some channels of one window.
#[inline(always)]
fn average<T: Real, const N: usize, const ROOM: bool>(
    shape: &Shape,
    [cells_d, cells_h, cells_w]: [Cells; 3],
    (x, first, width): (&[T], usize, usize),
    divisor: T,
    (y, to): (&mut [T], usize),
) {
    let (c, [_, h, w]) = (shape.channels, shape.lines);
    let mut total = [T::ZERO; N];
    for i in 0..cells_d.count {
        for j in 0..cells_h.count {
            let mut at = ((i * h.input + j) * w.input + cells_w.first) * c + first;
            let mut line = [T::ZERO; N];
            for _ in 0..cells_w.count {
                add(&mut line, load::<T, N, ROOM>(x, at, width));
                at += c;
            }
            add(&mut total, line);
        }
    }
    for sum in &mut total {
        *sum /= divisor;
    }
    store::<T, N, ROOM>(total, y, to, width);
}

#[inline(always)]
fn add<T: Real, const N: usize>(sum: &mut [T; N], x: [T; N]) {
    for i in 0..N {
        sum[i] += x[i];
    }
}

/// A line of windows of 2 × 2 cells, of which the first begins at the first element of `x`.
#[inline(always)]
fn squares<T: Real, const ROOM: bool>(shape: &Shape, x: &[T], divisor: T, y: &mut [T]) {
    let (c, w) = (shape.channels, shape.lines[2]);
    let (below, step) = (w.input * c, shape.square.unwrap_or(1) * c);
    let (mut at, mut to) = (0, 0);
    for _ in 0..w.output {
        let mut first = 0;
        while first < c {
            let width = TILE.min(c - first);
            let from = at + first;
            let (left, right) = (load::<T, TILE, ROOM>(x, from, width), load::<T, TILE, ROOM>(x, from + c, width));
            let (below_left, below_right) =
                (load::<T, TILE, ROOM>(x, from + below, width), load::<T, TILE, ROOM>(x, from + below + c, width));
            let mut average = [T::ZERO; TILE];
            for i in 0..TILE {
                average[i] = ((left[i] + right[i]) + (below_left[i] + below_right[i])) / divisor;
            }
            store::<T, TILE, ROOM>(average, y, to + first, width);
            first += TILE;
        }
        at += step;
        to += c;
    }
}
