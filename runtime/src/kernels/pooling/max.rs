//! The largest cell of each window, and where it was.

use super::tile::{Largest, Room, TILE, load, store};
use super::window::Cells;
use super::{Place, PlacesMut, Shape};
use crate::Real;
use crate::simd::Simd;

/// `numbers`: memory for a line of places, [`Shape::line`]; `memory`: [`Shape::room`].
#[inline(always)]
pub(super) fn forward_body<S: Simd, T: Real>(
    shape: &Shape,
    x: &[T],
    numbers: &mut [T],
    memory: &mut [T],
    mut places: PlacesMut<'_>,
    y: &mut [T],
) {
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
                let room = shape.has_room(x, y);
                let (x, to) = if room { (x, &mut *y) } else { memory.lend(x) };
                match shape.square {
                    Some(stride) => squares(shape, stride, x, numbers, to),
                    None => windows(shape, [cells_d, cells_h], x, numbers, to),
                }
                if !room {
                    memory.fetch(&mut y[..len]);
                }
                // In a loop of its own: together with the comparisons it would not become one over vectors.
                match &mut places {
                    PlacesMut::None => {}
                    PlacesMut::Small(places) => fill(&mut places[line..line + len], numbers),
                    PlacesMut::Large(places) => fill(&mut places[line..line + len], numbers),
                }
                line += len;
            }
        }
    }
}

#[inline(always)]
fn fill<T: Real, P: Place>(places: &mut [P], numbers: &[T]) {
    for (place, &number) in places.iter_mut().zip(numbers) {
        *place = P::of(number);
    }
}

/// A line of windows of 2 × 2 cells, of which the first begins at the first element of `x`.
#[inline(always)]
fn squares<T: Real>(shape: &Shape, stride: usize, x: &[T], numbers: &mut [T], y: &mut [T]) {
    let (c, w) = (shape.channels, shape.lines[2]);
    let below = w.input * c;
    let [one, two, three] = [1.0, 2.0, 3.0].map(T::from_f64);
    let (mut at, mut to) = (0, 0);
    for _ in 0..w.output {
        let mut first = 0;
        while first < c {
            let from = at + first;
            let mut largest = Largest { x: load(x, from), place: [T::ZERO; TILE] };
            largest.take(load(x, from + c), one);
            largest.take(load(x, from + below), two);
            largest.take(load(x, from + below + c), three);
            store(largest.x, y, to + first);
            store(largest.place, numbers, to + first);
            first += TILE;
        }
        at += stride * c;
        to += c;
    }
}

/// A line of any windows, of which the first cells along the first axes begin at the first element of `x`.
#[inline(always)]
fn windows<T: Real>(shape: &Shape, [cells_d, cells_h]: [Cells; 2], x: &[T], numbers: &mut [T], y: &mut [T]) {
    let (c, [d, h, w]) = (shape.channels, shape.lines);
    let (step_h, step_w) = (h.dilation() * w.input * c, w.dilation() * c);
    let step_d = d.dilation() * h.input * w.input * c;
    for ow in 0..w.output {
        let cells_w = w.cells(ow);
        let mut first = 0;
        while first < c {
            let from = cells_w.first * c + first;
            let tap = ((cells_d.tap * h.kernel + cells_h.tap) * w.kernel + cells_w.tap) as f64;
            let any = cells_d.count * cells_h.count * cells_w.count > 0;
            let start = if any { load(x, from) } else { [-T::INFINITY; TILE] };
            let mut largest = Largest { x: start, place: [T::from_f64(tap); TILE] };
            for i in 0..cells_d.count {
                for j in 0..cells_h.count {
                    let mut place = T::from_f64(tap + ((i * h.kernel + j) * w.kernel) as f64);
                    let mut at = from + i * step_d + j * step_h;
                    // The first cell again changes nothing.
                    for _ in 0..cells_w.count {
                        largest.take(load(x, at), place);
                        place += T::ONE;
                        at += step_w;
                    }
                }
            }
            store(largest.x, y, ow * c + first);
            store(largest.place, numbers, ow * c + first);
            first += TILE;
        }
    }
}
