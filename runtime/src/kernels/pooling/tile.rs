//! Channels in tiles of one length. The last tile of a position reaches into the next one: what it writes there is written
//! over, since positions are written in the order in which they lie. At the end of all memory, where there is no room for
//! that, a tile is copied (`ROOM` is false).

use crate::Real;

/// The channels that are worked on at once: a register of AVX2.
pub(super) const TILE: usize = 8;

/// Several registers: of windows of many cells, whose lines of channels are then read from cache whole.
pub(super) const WIDE: usize = 4 * TILE;

/// The elements of `x` from `at` on, of which the first `width` matter.
#[inline(always)]
pub(super) fn load<T: Copy + Default, const N: usize, const ROOM: bool>(x: &[T], at: usize, width: usize) -> [T; N] {
    if ROOM {
        return *x[at..].first_chunk().expect("room for a tile");
    }
    let mut tile = [T::default(); N];
    for (to, &x) in tile.iter_mut().zip(&x[at..at + width]) {
        *to = x;
    }
    tile
}

/// Writes a tile to `x` from `at` on: its first `width` elements at least.
#[inline(always)]
pub(super) fn store<T: Copy, const N: usize, const ROOM: bool>(tile: [T; N], x: &mut [T], at: usize, width: usize) {
    if ROOM {
        *x[at..].first_chunk_mut().expect("room for a tile") = tile;
        return;
    }
    for (x, from) in x[at..at + width].iter_mut().zip(tile) {
        *x = from;
    }
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
