//! Channels in tiles of one length. The last tile of a position reaches into the next one: what it writes there is written
//! over, since positions are written in the order in which they lie. Only at the end of all memory is there no room for it.

/// The channels that are worked on at once: a register of AVX2.
pub(super) const TILE: usize = 8;

#[inline(always)]
pub(super) fn tile<T>(x: &[T], at: usize) -> &[T; TILE] {
    x[at..].first_chunk().expect("room for a tile")
}

#[inline(always)]
pub(super) fn tile_mut<T>(x: &mut [T], at: usize) -> &mut [T; TILE] {
    x[at..].first_chunk_mut().expect("room for a tile")
}
