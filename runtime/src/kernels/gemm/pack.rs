//! Copies of operands in the order in which blocks read them, cut out of scratch memory.

use super::block::lanes;
use crate::Real;
use crate::simd::multiversion;
use crate::simd::vector::Lanes;

/// Scalars that operands are packed for.
pub trait PackKernels: Copy + Sized {
    /// `to[c][r] = from[r][c]` for `rows` × `columns` elements.
    fn transpose(rows: usize, columns: usize, from: &[Self], from_row: usize, to: &mut [Self], to_row: usize);
}

/// Cuts `len` elements off `scratch`, rounded up so that what follows is aligned again.
pub(crate) fn cut<'a, T>(scratch: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let (piece, rest) = std::mem::take(scratch).split_at_mut(aligned(len));
    *scratch = rest;
    &mut piece[..len]
}

/// What [`cut`] takes for `len` elements.
pub(crate) const fn aligned(len: usize) -> usize {
    len.next_multiple_of(16)
}

/// The distance of rows in a packed panel of `columns`.
pub(crate) fn packed_width<T>(columns: usize) -> usize {
    columns.next_multiple_of(lanes::<T>())
}

/// Copies `columns` elements of each of some rows, `stride` apart, to rows `to_stride` apart.
pub(crate) fn copy_columns<T: Real>(
    rows: usize,
    columns: usize,
    from: &[T],
    stride: usize,
    to: &mut [T],
    to_stride: usize,
) {
    for (row, to) in to.chunks_mut(to_stride).take(rows).enumerate() {
        to[..columns].copy_from_slice(&from[row * stride..][..columns]);
    }
}

/// Packs `k` rows of `columns` elements, `stride` apart, close together; each is padded with zeros to whole registers.
pub(crate) fn pack<T: Real>(k: usize, columns: usize, from: &[T], stride: usize, to: &mut [T]) {
    let width = packed_width::<T>(columns);
    for (p, to) in to.chunks_exact_mut(width).take(k).enumerate() {
        to[..columns].copy_from_slice(&from[p * stride..][..columns]);
        to[columns..].fill(T::ZERO);
    }
}

/// Packs the transpose of `columns` rows of `k` elements, `stride` apart, as [`pack`] would.
pub(crate) fn pack_transposed<T: Real>(k: usize, columns: usize, from: &[T], stride: usize, to: &mut [T]) {
    let width = packed_width::<T>(columns);
    if columns < width {
        for to in to.chunks_exact_mut(width).take(k) {
            to[columns..].fill(T::ZERO);
        }
    }
    T::transpose(columns, k, from, stride, to, width);
}

#[inline(always)]
fn transpose_body<S: Lanes<T>, T: Copy>(
    s: S,
    rows: usize,
    columns: usize,
    from: &[T],
    from_row: usize,
    to: &mut [T],
    to_row: usize,
) {
    for r in (0..rows).step_by(S::LANES) {
        for c in (0..columns).step_by(S::LANES) {
            let (height, width) = (S::LANES.min(rows - r), S::LANES.min(columns - c));
            s.transpose_block(height, width, &from[r * from_row + c..], from_row, &mut to[c * to_row + r..], to_row);
        }
    }
}

macro_rules! pack_kernels {
    ($($t:ident $transpose:ident;)*) => { $(
        multiversion! {
            fn $transpose(rows: usize, columns: usize, from: &[$t], from_row: usize, to: &mut [$t], to_row: usize)
                = transpose_body::<S, $t> with simd;
        }
        impl PackKernels for $t {
            fn transpose(rows: usize, columns: usize, from: &[$t], from_row: usize, to: &mut [$t], to_row: usize) {
                $transpose(rows, columns, from, from_row, to, to_row);
            }
        }
    )* };
}
pack_kernels! {
    f32 transpose_f32;
    f64 transpose_f64;
}
