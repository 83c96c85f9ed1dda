//! The gradient of a weight, handed over while it is in cache.

use std::ops::Range;

use super::block::{Block, Left, Start, next_panel, panel};
use super::pack::{aligned, cut, with_scratch};
use super::{FAR, L1, Right, WORTH_PACKING, pack_all, packed_len, rows_in_cache};
use crate::{Real, Update};

/// A gradient piece is at most so many columns wide: with so many rows of two operands, still in the cache.
const GROUP: usize = 512;

/// The rows `rows` of aᵀ·b, `n` wide: `k` rows of A and B, `a_row` and `b_row` apart. Row r of the result is parameter
/// `index`'s gradient from place `offset + r * n` on.
pub(crate) fn multiply_into_update<T: Real>(
    rows: Range<usize>,
    (n, k): (usize, usize),
    (a, a_row): (&[T], usize),
    (b, b_row): (&[T], usize),
    (index, offset): (usize, usize),
    update: &mut Update<'_, T>,
) {
    let m = rows.len();
    if m == 0 || n == 0 {
        return;
    }
    let size = size_of::<T>();
    let pack_b = b_row * size >= FAR && m >= WORTH_PACKING;
    let group = if n <= 2 * GROUP { n } else { GROUP };
    let height = rows_in_cache(group * size).min(m.next_multiple_of(6));
    // A few columns of A, far apart: packed when several panels read them.
    let pack_a = a_row * size >= FAR && n > panel::<T>();
    let strip =
        if pack_a { (L1 * 16 / size / k.max(1)).next_multiple_of(height).min(m.next_multiple_of(height)) } else { m };
    let lens = [if pack_b { packed_len::<T>(k, n) } else { 0 }, if pack_a { k * strip } else { 0 }, height * group];
    with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
        let [packed_b, packed_a, tile] = lens.map(|len| cut(&mut scratch, len));
        let b = if pack_b {
            pack_all((n, k), b, b_row, packed_b);
            Right::Packed { data: packed_b, k }
        } else {
            Right::Plain { data: b, stride: b_row }
        };
        for from in rows.clone().step_by(strip) {
            let strip = strip.min(rows.end - from);
            let (a, a_row) = if pack_a {
                pack_strip(k, strip, &a[from..], a_row, packed_a);
                (&packed_a[..], strip)
            } else {
                (&a[from..], a_row)
            };
            for first in (0..n).step_by(group) {
                let group = group.min(n - first);
                for row in (0..strip).step_by(height) {
                    let height = height.min(strip - row);
                    let left = Left::Columns { data: &a[row..], stride: a_row };
                    gradient((height, group, k), left, b, first, tile);
                    let start = offset + (from + row) * n + first;
                    if group == n {
                        update.finish(index, start, &tile[..height * n]);
                    } else {
                        for r in 0..height {
                            update.finish(index, start + r * n, &tile[r * group..][..group]);
                        }
                    }
                }
            }
        }
    });
}

/// `group` columns of B from `first` on: tile = aᵀ·b.
fn gradient<T: Real>(
    (height, group, k): (usize, usize, usize),
    left: Left<'_, T>,
    b: Right<'_, T>,
    first: usize,
    tile: &mut [T],
) {
    let mut column = 0;
    while column < group {
        let columns = match b {
            Right::Plain { .. } => next_panel::<T>(height, group - column),
            Right::Packed { .. } => panel::<T>().min(group - column),
        };
        let (right, right_stride) = b.columns(first + column, columns);
        T::block(Block {
            rows: height,
            columns,
            k,
            left,
            right,
            right_stride,
            start: Start::Zero,
            out: &mut tile[column..],
            out_stride: group,
        });
        column += columns;
    }
}

/// Copies `strip` columns of `k` rows close together.
fn pack_strip<T: Real>(k: usize, strip: usize, a: &[T], a_row: usize, to: &mut [T]) {
    for (p, to) in to.chunks_exact_mut(strip).take(k).enumerate() {
        to.copy_from_slice(&a[p * a_row..][..strip]);
    }
}
