//! Channels in tiles of one length. The last tile of a position reaches into the next one: what it writes there is written
//! over, since positions are written in the order in which they lie.

use crate::Real;

/// The channels that are worked on at once: a register of AVX2.
pub(super) const TILE: usize = 8;

/// Several registers: of windows of many cells, whose lines of channels are then read from cache whole.
pub(super) const WIDE: usize = 4 * TILE;

/// The elements of `x` from `at` on.
#[inline(always)]
pub(super) fn load<T: Copy, const N: usize>(x: &[T], at: usize) -> [T; N] {
    *x[at..].first_chunk().expect("room for a tile")
}

/// Writes a tile to `x` from `at` on.
#[inline(always)]
pub(super) fn store<T: Copy, const N: usize>(tile: [T; N], x: &mut [T], at: usize) {
    *x[at..].first_chunk_mut().expect("room for a tile") = tile;
}

/// The largest so far of each channel of a tile, and its place: as a number of the same width, for which the compiler has one
/// vector of conditions.
#[derive(Clone, Copy)]
pub(super) struct Largest<T> {
    pub(super) x: [T; TILE],
    pub(super) place: [T; TILE],
}

impl<T: Real> Largest<T> {
    /// The first of equals stays, and the last NaN.
    #[inline(always)]
    pub(super) fn take(&mut self, x: [T; TILE], place: T) {
        for i in 0..TILE {
            let takes = (x[i] > self.x[i]) | x[i].is_nan();
            self.x[i] = if takes { x[i] } else { self.x[i] };
            self.place[i] = if takes { place } else { self.place[i] };
        }
    }
}

/// Where tiles have room at the end of all memory: a line of results, and what it is made of.
pub(super) struct Room<'a, T> {
    x: &'a mut [T],
    y: &'a mut [T],
}

impl<'a, T: Copy> Room<'a, T> {
    /// From memory for a line of results, and for what it reads.
    pub(super) fn new(memory: &'a mut [T], line: usize) -> Self {
        let (y, x) = memory.split_at_mut(line);
        Room { x, y }
    }

    /// The same elements, with room behind them.
    #[inline(always)]
    pub(super) fn lend(&mut self, x: &[T]) -> (&[T], &mut [T]) {
        let there = x.len().min(self.x.len());
        self.x[..there].copy_from_slice(&x[..there]);
        (self.x, self.y)
    }

    /// The line that has been made.
    #[inline(always)]
    pub(super) fn fetch(&self, y: &mut [T]) {
        y.copy_from_slice(&self.y[..y.len()]);
    }
}
