//! The average of each window.

use super::Shape;
use super::tile::{Room, TILE, WIDE, load, store};
use super::window::Cells;
use crate::Real;
use crate::simd::Simd;

/// The cells of each line of a window are added up, then the lines. `memory`: [`Shape::room`].
#[inline(always)]
pub(super) fn forward_body<S: Simd, T: Real>(shape: &Shape, x: &[T], memory: &mut [T], y: &mut [T]) {
    let (c, [d, h, w]) = (shape.channels, shape.lines);
    let (len, mut line) = (w.output * c, 0);
    let mut memory = Room::new(memory, shape.line());
    for n in 0..y.len() / shape.result() {
        for od in 0..d.output {
            let cells_d = d.cells(od);
            for oh in 0..h.output {
                let cells_h = h.cells(oh);
                // From the first element of the first line that these windows have.
                let first = ((n * d.input + cells_d.first) * h.input + cells_h.first) * w.input * c;
                let (x, y) = (&x[first..], &mut y[line..]);
                line += len;
                let room = shape.has_room(x, y);
                let (x, to) = if room { (x, &mut *y) } else { memory.lend(x) };
                match shape.square {
                    Some(stride) => {
                        let divisor = shape.divisor([od, oh, 0], [cells_d, cells_h, w.cells(0)]);
                        squares(shape, stride, x, T::from_f64(divisor), to);
                    }
                    None => windows(shape, [od, oh], [cells_d, cells_h], x, to),
                }
                if !room {
                    memory.fetch(&mut y[..len]);
                }
            }
        }
    }
}

/// A line of any windows, of which the first cells along the first axes begin at the first element of `x`.
#[inline(always)]
fn windows<T: Real>(shape: &Shape, [od, oh]: [usize; 2], [cells_d, cells_h]: [Cells; 2], x: &[T], y: &mut [T]) {
    let (c, w) = (shape.channels, shape.lines[2]);
    for ow in 0..w.output {
        let cells = [cells_d, cells_h, w.cells(ow)];
        let divisor = T::from_f64(shape.divisor([od, oh, ow], cells));
        let mut first = 0;
        while first + WIDE <= c {
            average::<T, WIDE>(shape, cells, (x, first), divisor, (y, ow * c + first));
            first += WIDE;
        }
        while first < c {
            average::<T, TILE>(shape, cells, (x, first), divisor, (y, ow * c + first));
            first += TILE;
        }
    }
}

/// Some channels of one window.
#[inline(always)]
fn average<T: Real, const N: usize>(
    shape: &Shape,
    [cells_d, cells_h, cells_w]: [Cells; 3],
    (x, first): (&[T], usize),
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
                add(&mut line, load(x, at));
                at += c;
            }
            add(&mut total, line);
        }
    }
    for sum in &mut total {
        *sum /= divisor;
    }
    store(total, y, to);
}

#[inline(always)]
fn add<T: Real, const N: usize>(sum: &mut [T; N], x: [T; N]) {
    for i in 0..N {
        sum[i] += x[i];
    }
}

/// A line of windows of 2 × 2 cells, of which the first begins at the first element of `x`.
#[inline(always)]
fn squares<T: Real>(shape: &Shape, stride: usize, x: &[T], divisor: T, y: &mut [T]) {
    let (c, w) = (shape.channels, shape.lines[2]);
    let below = w.input * c;
    let (mut at, mut to) = (0, 0);
    for _ in 0..w.output {
        let mut first = 0;
        while first < c {
            let from = at + first;
            let mut average: [T; TILE] = load(x, from);
            add(&mut average, load(x, from + c));
            let mut line: [T; TILE] = load(x, from + below);
            add(&mut line, load(x, from + below + c));
            add(&mut average, line);
            for sum in &mut average {
                *sum /= divisor;
            }
            store(average, y, to + first);
            first += TILE;
        }
        at += stride * c;
        to += c;
    }
}
