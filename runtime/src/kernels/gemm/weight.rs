//! The gradient of a weight, handed over while it is in cache.

use std::ops::Range;

use super::block::{Block, Start, panel};
use super::left::Left;
use super::pack::{aligned, copy_columns, cut};
use super::{L1, L2, Right, TILE, is_small, pack_all, packed_len, worth_packing};
use crate::parallel::with_scratch;
use crate::{Real, Update};

/// The most columns of a gradient that are computed together, so that the part of B that belongs to them stays in cache.
/// Pieces of rows as long as this are also what memory serves well.
const GROUP: usize = 512;

/// Bytes of the gradient that are computed before they are handed over.
const AREA: usize = 1 << 16;

/// A, each of whose columns makes a row of the gradient.
#[derive(Clone, Copy)]
pub(crate) enum Factor<'a, T> {
    /// Its rows lie `stride` apart.
    Plain { data: &'a [T], stride: usize },
    /// It lies nowhere: some columns of some rows are laid out where they are wanted, rows the last argument apart.
    LaidOut(&'a dyn Fn(Range<usize>, Range<usize>, &mut [T], usize)),
}

/// aᵀ·b: `m` columns of A from `first` on and `n` of B, `k` rows of each, those of B `b_row` apart.
#[derive(Clone, Copy)]
struct Product<'a, T> {
    m: usize,
    n: usize,
    k: usize,
    a: Factor<'a, T>,
    first: usize,
    b: &'a [T],
    b_row: usize,
    /// Columns of the result that are computed together.
    group: usize,
    /// Whether the operands have to be packed.
    pack_a: bool,
    pack_b: bool,
}

impl<'a, T: Real> Product<'a, T> {
    /// `columns` columns of A from `from` on, in `k` rows from `p` on: packed if they have to be, and their distance.
    fn strip<'s>(
        &self,
        (p, k): (usize, usize),
        (from, columns): (usize, usize),
        packed: &'s mut [T],
    ) -> (&'s [T], usize)
    where
        'a: 's,
    {
        let (from, row) = (self.first + from, strip_row::<T>(columns));
        match self.a {
            Factor::Plain { data, stride } if !self.pack_a => return (&data[p * stride + from..], stride),
            Factor::Plain { data, stride } => copy_columns(k, columns, &data[p * stride + from..], stride, packed, row),
            Factor::LaidOut(lay_out) => lay_out(p..p + k, from..from + columns, packed, row),
        }
        (packed, row)
    }

    /// `columns` columns of B from `from` on, in `k` rows from `p` on: packed if they have to be.
    fn panels<'s>(&self, (p, k): (usize, usize), (from, columns): (usize, usize), packed: &'s mut [T]) -> Right<'s, T>
    where
        'a: 's,
    {
        let b = &self.b[p * self.b_row + from..];
        if !self.pack_b {
            return Right::Plain { data: b, stride: self.b_row };
        }
        pack_all((columns, k), b, self.b_row, packed);
        Right::Packed { data: packed, k }
    }

    /// What `strip` and `panels` need for so many rows and columns.
    fn packed_lens(&self, k: usize, strip: usize, columns: usize) -> [usize; 2] {
        [
            if self.pack_a { k * strip_row::<T>(strip) } else { 0 },
            if self.pack_b { packed_len::<T>(k, columns) } else { 0 },
        ]
    }
}

/// The rows `rows` of aᵀ·b, `n` wide: `k` rows of A and B, those of B `b_row` apart. Row r of the result is parameter
/// `index`'s gradient from place `offset + r * n` on.
pub(crate) fn multiply_into_update<T: Real>(
    rows: Range<usize>,
    (n, k): (usize, usize),
    a: Factor<'_, T>,
    (b, b_row): (&[T], usize),
    (index, offset): (usize, usize),
    update: &mut Update<'_, T>,
) {
    let m = rows.len();
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        return update.finish_with(index, offset + rows.start * n, m * n, |out| out.fill(T::ZERO));
    }
    let size = size_of::<T>();
    if let Factor::Plain { data, stride } = a
        && is_small::<T>(k * (m + n), n)
        && m * n * size <= L1
    {
        let left = Left::Columns { data: &data[rows.start..], stride };
        return update.finish_with(index, offset + rows.start * n, m * n, |out| {
            let (right, start) = (b, Start::Zero);
            T::block(Block {
                rows: m,
                columns: n,
                k,
                left,
                right,
                right_stride: b_row,
                start,
                out,
                out_stride: n,
                spill: true,
            });
        });
    }
    let product = Product {
        m,
        n,
        k,
        a,
        first: rows.start,
        b,
        b_row,
        group: n.div_ceil(n.div_ceil(GROUP)).next_multiple_of(panel::<T>()).min(n),
        // A tile reads few elements of a row of A: if several panels do, and rows lie far apart, they are worth a copy.
        pack_a: match a {
            Factor::Plain { stride, .. } => stride * size >= 2048 && n > panel::<T>(),
            Factor::LaidOut(_) => true,
        },
        pack_b: worth_packing(b_row * size, m),
    };
    let mut finish = |row: usize, column: usize, gradient: &[T]| {
        update.finish(index, offset + (rows.start + row) * n + column, gradient);
    };
    if k * product.group * size <= L2 / 2 {
        at_once(product, &mut finish);
    } else {
        in_pieces(product, &mut finish);
    }
}

/// Takes finished rows of the gradient, from a row and a column on.
type Finish<'a, T> = &'a mut dyn FnMut(usize, usize, &[T]);

/// For a batch so small that its rows of a group stay in cache: a few rows of the gradient at a time are summed up and
/// handed over in the first-level cache.
fn at_once<T: Real>(product: Product<'_, T>, finish: Finish<'_, T>) {
    let Product { m, n, k, group, .. } = product;
    let size = size_of::<T>();
    let height = (AREA / (group * size) / TILE * TILE).clamp(TILE, 96).min(m);
    let strip = if product.pack_a { (L2 / 4 / size / k).max(1).next_multiple_of(height).min(m) } else { m };
    let [len_a, len_b] = product.packed_lens(k, strip, n);
    let lens = [len_a, len_b, height * group];
    with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
        let [packed_a, packed_b, sums] = lens.map(|len| cut(&mut scratch, len));
        let b = product.panels((0, k), (0, n), packed_b);
        for from in (0..m).step_by(strip) {
            let strip = strip.min(m - from);
            let (a, a_row) = product.strip((0, k), (from, strip), packed_a);
            for first in (0..n).step_by(group) {
                let group = group.min(n - first);
                for row in (0..strip).step_by(height) {
                    let height = height.min(strip - row);
                    let left = Left::Columns { data: &a[row..], stride: a_row };
                    area((height, group, k), left, b, first, Start::Zero, sums);
                    hand_over((height, group, n), (from + row, first), sums, finish);
                }
            }
        }
    });
}

/// For a large batch: an area of the gradient that stays in the second-level cache is summed up over pieces of the batch
/// that do so too.
fn in_pieces<T: Real>(product: Product<'_, T>, finish: Finish<'_, T>) {
    let Product { m, n, k, group, .. } = product;
    let size = size_of::<T>();
    let strip = (L2 / 4 / size / group).next_multiple_of(24).min(m);
    let piece = L2 / 2 / size / group.max(strip);
    let height = (L1 / size / piece).max(1).next_multiple_of(24);
    let [len_a, len_b] = product.packed_lens(piece, strip, group);
    let lens = [len_a, len_b, strip * group];
    with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
        let [packed_a, packed_b, sums] = lens.map(|len| cut(&mut scratch, len));
        for from in (0..m).step_by(strip) {
            let strip = strip.min(m - from);
            for first in (0..n).step_by(group) {
                let group = group.min(n - first);
                for p in (0..k).step_by(piece) {
                    let k = piece.min(k - p);
                    let b = product.panels((p, k), (first, group), packed_b);
                    let (a, a_row) = product.strip((p, k), (from, strip), packed_a);
                    let start = if p == 0 { Start::Zero } else { Start::Sum };
                    for row in (0..strip).step_by(height) {
                        let height = height.min(strip - row);
                        let left = Left::Columns { data: &a[row..], stride: a_row };
                        area((height, group, k), left, b, 0, start, &mut sums[row * group..]);
                    }
                }
                hand_over((strip, group, n), (from, first), sums, finish);
            }
        }
    });
}

/// `group` columns of B from `first` on: sums = start + aᵀ·b.
fn area<T: Real>(
    (height, group, k): (usize, usize, usize),
    left: Left<'_, T>,
    b: Right<'_, T>,
    first: usize,
    start: Start<'_, T>,
    sums: &mut [T],
) {
    for column in (0..group).step_by(panel::<T>()) {
        let columns = panel::<T>().min(group - column);
        let (right, right_stride) = b.columns(first + column, columns);
        T::block(Block {
            rows: height,
            columns,
            k,
            left,
            right,
            right_stride,
            start,
            out: &mut sums[column..],
            out_stride: group,
            spill: false,
        });
    }
}

/// Hands over `height` × `group` sums, which belong at `(row, column)` of a gradient `n` wide.
fn hand_over<T>(
    (height, group, n): (usize, usize, usize),
    (row, column): (usize, usize),
    sums: &[T],
    finish: Finish<'_, T>,
) {
    if group == n {
        // Whole rows follow on one another.
        finish(row, column, &sums[..height * n]);
    } else {
        for (r, sums) in sums.chunks_exact(group).take(height).enumerate() {
            finish(row + r, column, sums);
        }
    }
}

/// The distance of rows in a packed strip of A: an odd number of cache lines, so that a tile's elements, one short stretch
/// of each row, are spread over all sets of the first-level cache.
fn strip_row<T>(strip: usize) -> usize {
    let line = 64 / size_of::<T>();
    (strip.div_ceil(line) | 1) * line
}
