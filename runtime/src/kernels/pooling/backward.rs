//! The gradient of a sample: each element gets its share of the gradient of every window that has it.

use super::tile::{TILE, load, store};
use super::window::Cells;
use super::{Mark, Shape};
use crate::Real;
use crate::kernels::gemm::Epilogue;
use crate::simd::Simd;

/// The elements to which an epilogue is applied at a time, at least: while they are in the first-level cache.
const FINISHED: usize = 2048;

/// A line of windows, and where a line of elements lies in them along the first axes.
#[derive(Clone, Copy)]
struct Windows<'a, T, P> {
    /// From the first window on.
    dy: &'a [T],
    places: &'a [P],
    o: [usize; 2],
    /// The first place that the line's elements have.
    tap: usize,
}

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
    let len = w.input * c;
    let (mut line, mut finished) = (0, 0);
    for n in 0..dx.len() / shape.sample() {
        for id in 0..d.input {
            for ih in 0..h.input {
                let mut written = false;
                for (od, tap_d) in d.reaching(id) {
                    for (oh, tap_h) in h.reaching(ih) {
                        let first = ((n * d.output + od) * h.output + oh) * w.output * c;
                        let (dy, places) = (&dy[first..], &places[first..]);
                        let tap = (tap_d * h.kernel + tap_h) * w.kernel;
                        let windows = Windows { dy, places, o: [od, oh], tap };
                        let dx = &mut dx[line..];
                        if !written && !shape.apart {
                            dx[..len].fill(T::ZERO);
                        }
                        match !written && shape.apart {
                            true => {
                                write(shape, windows, w.output * c + TILE <= dy.len() && len + TILE <= dx.len(), dx)
                            }
                            false => add(shape, windows, dx),
                        }
                        written = true;
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

/// What each cell has of an average's gradient.
#[inline(always)]
fn share<T: Real, P: Mark>(shape: &Shape, o: [usize; 2], ow: usize, cells: Cells) -> T {
    if P::IS_PLACE {
        return T::ONE;
    }
    let [d, h, _] = shape.lines;
    T::ONE / T::from_f64(shape.divisor([o[0], o[1], ow], [d.cells(o[0]), h.cells(o[1]), cells]))
}

/// A line of dx, of which no element is in two of these windows. `room`: tiles may reach beyond it, and beyond the windows.
#[inline(always)]
fn write<T: Real, P: Mark>(shape: &Shape, windows: Windows<'_, T, P>, room: bool, dx: &mut [T]) {
    let (c, w) = (shape.channels, shape.lines[2]);
    // What makes whole tiles needs no tiles: it is a loop over all of it.
    let whole = if room { c - c % TILE } else { c };
    let mut next = 0;
    for ow in 0..w.output {
        let cells = w.cells(ow);
        let share = share::<T, P>(shape, windows.o, ow, cells);
        if next < cells.first {
            dx[next * c..cells.first * c].fill(T::ZERO);
        }
        next = cells.first + cells.count;
        let (from, mut to) = (ow * c, cells.first * c);
        let taps = (windows.tap + cells.tap) as u32;
        let taps = taps..taps + cells.count as u32;
        let (mut tile, mut marks) = ([T::ZERO; TILE], [P::default(); TILE]);
        if whole < c {
            (tile, marks) = (load(windows.dy, from + whole), load(windows.places, from + whole));
        }
        for tap in taps {
            if whole > 0 {
                let (dy, places) = (&windows.dy[from..from + whole], &windows.places[from..from + whole]);
                fill(dy, places, tap, share, &mut dx[to..to + whole]);
            }
            if whole < c {
                let mut gradient = [T::ZERO; TILE];
                fill(&tile, &marks, tap, share, &mut gradient);
                store(gradient, dx, to + whole);
            }
            to += c;
        }
    }
    if next < w.input {
        dx[next * c..w.input * c].fill(T::ZERO);
    }
}

/// dx of one position from the one window that has it.
#[inline(always)]
fn fill<T: Real, P: Mark>(dy: &[T], places: &[P], tap: u32, share: T, dx: &mut [T]) {
    for ((dx, &dy), place) in dx.iter_mut().zip(dy).zip(places) {
        *dx = place.gradient(tap, dy, share);
    }
}

/// dx += what a line of it has of any windows.
#[inline(always)]
fn add<T: Real, P: Mark>(shape: &Shape, windows: Windows<'_, T, P>, dx: &mut [T]) {
    let (c, w) = (shape.channels, shape.lines[2]);
    for ow in 0..w.output {
        let cells = w.cells(ow);
        let share = share::<T, P>(shape, windows.o, ow, cells);
        let from = ow * c..ow * c + c;
        let (dy, places) = (&windows.dy[from.clone()], &windows.places[from]);
        let taps = (windows.tap + cells.tap) as u32;
        for k in 0..cells.count {
            let dx = &mut dx[(cells.first + k * w.dilation()) * c..][..c];
            for ((dx, &dy), place) in dx.iter_mut().zip(dy).zip(places) {
                *dx += place.gradient(taps + k as u32, dy, share);
            }
        }
    }
}
