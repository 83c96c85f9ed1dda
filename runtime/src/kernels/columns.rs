//! Sums over everything but one axis: of `[rows, columns, inner]`, one number for each column.
//!
//! The order of each column's sum is fixed: blocks of [`BLOCK`] rows in lanes of their own, the blocks in `f64`, so a
//! sum over a million numbers is as good as one over a few dozen. It does not depend on which columns are asked for.

use std::ops::Range;

use crate::simd::math::Math;
use crate::simd::reduce::{LANES, join};
use crate::simd::{Simd, multiversion};
use crate::{Real, Update};

/// The rows of one block.
const BLOCK: usize = 32;

/// The columns that are worked on at a time.
pub(super) const TILE: usize = 64;

/// What is summed: a function of two numbers at the same place, and of two that belong to the column or to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnSum {
    /// Σ (a - p): Σ a without scalars, which count as zeros.
    Differences,
    /// Σ (a - p)².
    Squares,
    /// Σ a·(b - p)·q.
    Normalised,
    /// Σ a·b where a <= 0.
    Below,
}

/// The sums behind the functions of several files.
pub trait ColumnKernels: Sized {
    /// The sums of the columns `range` (at most [`TILE`] of them) into the first elements of `sums`.
    fn column_sums(
        what: ColumnSum,
        shape: Columns,
        range: Range<usize>,
        a: &[Self],
        b: &[Self],
        scalars: Scalars<'_, Self>,
        sums: &mut [f64; TILE],
    );
}

/// The shape of a row: `[count, inner]`.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub(super) count: usize,
    pub(super) inner: usize,
}

/// A term of a sum.
trait Term<T>: Fn(T, T, T, T) -> T + Copy {}
impl<T, F: Fn(T, T, T, T) -> T + Copy> Term<T> for F {}

/// The numbers p and q of a [`ColumnSum`].
#[derive(Clone, Copy, Debug)]
pub enum Scalars<'a, T> {
    /// The same for the whole column: one of each for every column.
    Column(&'a [T], &'a [T]),
    /// The same for the whole row: p and q of each row, one after the other.
    Row(&'a [T]),
    /// Not needed, and zero.
    None,
}

/// p and q of column `c`.
#[inline(always)]
fn of_column<T: Math>(scalars: &Scalars<'_, T>, c: usize) -> (T, T) {
    match scalars {
        Scalars::Column(p, q) => (p[c], q[c]),
        _ => (T::ZERO, T::ZERO),
    }
}

/// p and q of row `r`.
#[inline(always)]
fn of_row<T: Math>(scalars: &Scalars<'_, T>, r: usize) -> (T, T) {
    match scalars {
        Scalars::Row(pq) => (pq[2 * r], pq[2 * r + 1]),
        _ => (T::ZERO, T::ZERO),
    }
}

#[inline(always)]
fn column_sums_body<S: Simd, T: Math>(
    what: ColumnSum,
    shape: Columns,
    range: Range<usize>,
    a: &[T],
    b: &[T],
    scalars: Scalars<'_, T>,
    sums: &mut [f64; TILE],
) {
    match what {
        ColumnSum::Differences => sums_of(|a, _, p, _| a - p, shape, range, a, b, scalars, sums),
        ColumnSum::Squares => sums_of(|a, _, p, _| (a - p) * (a - p), shape, range, a, b, scalars, sums),
        ColumnSum::Normalised => sums_of(|a, b, p, q| a * ((b - p) * q), shape, range, a, b, scalars, sums),
        ColumnSum::Below => {
            let below = |a: T, b: T, _, _| {
                let product = a * b;
                if a > T::ZERO { T::ZERO } else { product }
            };
            sums_of(below, shape, range, a, b, scalars, sums);
        }
    }
}

#[inline(always)]
fn sums_of<T: Math>(
    term: impl Term<T>,
    Columns { count, inner }: Columns,
    range: Range<usize>,
    a: &[T],
    b: &[T],
    scalars: Scalars<'_, T>,
    sums: &mut [f64; TILE],
) {
    assert!(range.len() <= TILE && range.end <= count && a.len() == b.len(), "columns {range:?} of {count}");
    *sums = [0.0; TILE];
    if inner > 1 {
        return inner_sums(term, count, inner, range, a, b, scalars, sums);
    }
    let mut c = range.start;
    while c < range.end {
        let at = c - range.start;
        c += match range.end - c {
            64.. => tile_sums::<T, 64>(term, count, c, 64, a, b, scalars, &mut sums[at..]),
            n => tile_sums::<T, 16>(term, count, c, n.min(16), a, b, scalars, &mut sums[at..]),
        };
    }
}

/// The sums of `width` <= W columns from `first` on, of rows without an inner axis. Returns `width`.
///
/// Always W columns are read, which belong to the next row if the row ends before, and `width` of the sums are used: so
/// each row is a few whole registers.
#[inline(always)]
fn tile_sums<T: Math, const W: usize>(
    term: impl Term<T>,
    columns: usize,
    first: usize,
    width: usize,
    a: &[T],
    b: &[T],
    scalars: Scalars<'_, T>,
    sums: &mut [f64],
) -> usize {
    let (mut p, mut q) = ([T::ZERO; W], [T::ZERO; W]);
    for c in 0..width {
        (p[c], q[c]) = of_column(&scalars, first + c);
    }
    let by_row = matches!(scalars, Scalars::Row(_));
    let rows = a.len() / columns;
    for block in (0..rows).step_by(BLOCK) {
        let mut lanes = [T::ZERO; W];
        for r in block..rows.min(block + BLOCK) {
            if by_row {
                let (p_row, q_row) = of_row(&scalars, r);
                (p, q) = ([p_row; W], [q_row; W]);
            }
            let (a, b) = (&a[r * columns + first..], &b[r * columns + first..]);
            let (mut last_a, mut last_b) = ([T::ZERO; W], [T::ZERO; W]);
            let (a, b): (&[T; W], &[T; W]) = match (a.first_chunk(), b.first_chunk()) {
                (Some(a), Some(b)) => (a, b),
                _ => {
                    last_a[..width].copy_from_slice(&a[..width]);
                    last_b[..width].copy_from_slice(&b[..width]);
                    (&last_a, &last_b)
                }
            };
            for c in 0..W {
                lanes[c] += term(a[c], b[c], p[c], q[c]);
            }
        }
        for (sum, lane) in sums[..width].iter_mut().zip(lanes) {
            *sum += lane.to_f64();
        }
    }
    width
}

/// The sums of columns whose elements lie `inner` at a time.
#[inline(always)]
fn inner_sums<T: Math>(
    term: impl Term<T>,
    columns: usize,
    inner: usize,
    range: Range<usize>,
    a: &[T],
    b: &[T],
    scalars: Scalars<'_, T>,
    sums: &mut [f64; TILE],
) {
    let first = range.start;
    for c in range {
        let (p, q) = of_column(&scalars, c);
        let mut sum = 0.0;
        let rows = a.chunks_exact(columns * inner).zip(b.chunks_exact(columns * inner));
        for (a, b) in rows {
            let (a, b) = (&a[c * inner..(c + 1) * inner], &b[c * inner..(c + 1) * inner]);
            for (a, b) in a.chunks(BLOCK * LANES).zip(b.chunks(BLOCK * LANES)) {
                sum += chunk_sum(term, a, b, p, q).to_f64();
            }
        }
        sums[c - first] = sum;
    }
}

#[inline(always)]
fn chunk_sum<T: Math>(term: impl Term<T>, a: &[T], b: &[T], p: T, q: T) -> T {
    let ((chunks_a, rest_a), (chunks_b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut tail = T::ZERO;
    for (&a, &b) in rest_a.iter().zip(rest_b) {
        tail += term(a, b, p, q);
    }
    if chunks_a.is_empty() {
        return tail;
    }
    let mut lanes = [T::ZERO; LANES];
    for (a, b) in chunks_a.iter().zip(chunks_b) {
        for l in 0..LANES {
            lanes[l] += term(a[l], b[l], p, q);
        }
    }
    join(lanes) + tail
}

macro_rules! column_kernels {
    ($($t:ident)*) => { $(
        impl ColumnKernels for $t {
            fn column_sums(
                what: ColumnSum, shape: Columns, range: Range<usize>, a: &[$t], b: &[$t], scalars: Scalars<'_, $t>,
                sums: &mut [f64; TILE],
            ) {
                multiversion! {
                    fn run(
                        what: ColumnSum, shape: Columns, range: Range<usize>, a: &[$t], b: &[$t],
                        scalars: Scalars<'_, $t>, sums: &mut [f64; TILE],
                    ) = column_sums_body::<S, $t>;
                }
                run(what, shape, range, a, b, scalars, sums);
            }
        }
    )* };
}
column_kernels!(f32 f64);

/// Hands `update` the gradients of a parameter with one element for each column: those within its range. `sums` computes
/// a range of at most [`TILE`] columns.
#[inline]
pub(super) fn finish_columns<T: Real>(
    update: &mut Update<'_, T>,
    index: usize,
    offset: usize,
    columns: usize,
    mut sums: impl FnMut(Range<usize>, &mut [f64; TILE]),
) {
    if !update.wants(index) {
        return;
    }
    let part = update.part_of(offset, columns);
    for start in part.clone().step_by(TILE) {
        let stop = part.end.min(start + TILE);
        let mut wide = [0.0; TILE];
        sums(start..stop, &mut wide);
        let piece = wide.map(T::from_f64);
        update.finish(index, offset + start, &piece[..stop - start]);
    }
}
