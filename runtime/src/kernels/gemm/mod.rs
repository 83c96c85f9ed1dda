//! Products of matrices, each element one chain of multiply-adds in a fixed order.
//!
//! [`block`] has the innermost loops, [`left`] what they read on the left, [`pack`] copies operands whose rows lie so far apart
//! that caches and prefetchers fail; this file cuts products into blocks. Where it cuts depends on sizes and on the processor, the
//! result does not: a chain that is cut goes on from the stored sum.

pub(crate) mod block;
pub(crate) mod left;
pub(crate) mod pack;
mod weight;

use block::{Block, BlockKernels, Start, next_panel, panel};
use left::Left;
use pack::{PackKernels, aligned, copy_columns, cut, pack, pack_transposed, packed_width};
pub(crate) use weight::{Factor, multiply_into_update};

use crate::Real;
use crate::parallel::with_scratch;

/// Scalars that products are compiled for.
pub trait GemmKernels: BlockKernels + PackKernels {}
impl<T: BlockKernels + PackKernels> GemmKernels for T {}

/// What is done in place to finished rows of a product, given the place of their first element.
pub(crate) type Epilogue<'a, T> = &'a dyn Fn(usize, &mut [T]);

/// Bytes of one operand that stay in the second-level cache (2 MiB, or 1 MiB on older servers) while others stream by.
pub(crate) const L2: usize = 1 << 20;
/// Bytes of one operand that stay in the first-level cache (32 or 48 KiB).
pub(crate) const L1: usize = 1 << 14;
/// The longest chains, and the widest groups of columns, for which B is packed at once if it does not fit the cache:
/// 512 KiB of B. The rows of A that go with it take as much again at a batch of 256, and reading whole kilobytes of B's
/// rows is what memory serves well. (64 columns of 1024 rows, the textbook's choice, were 8 % slower at 4096×4096, and
/// prefetching the next piece by hand slower still: it takes the buffers that the running tile's loads need.)
const PIECE_BYTES: usize = 2048;
const PIECE_COLUMNS: usize = 256;

/// Whether the elements that are read more than once stay in the first-level cache as they are, and the result, of `n`
/// columns, is one block: then there is nothing to cut.
fn is_small<T>(elements: usize, n: usize) -> bool {
    n <= panel::<T>() && elements * size_of::<T>() <= 2 * L1
}

/// Whether rows of B that lie so many bytes apart are worth copying for so many rows of A.
///
/// From half a page on, few sets of the first-level cache serve them all, and from a page on, prefetchers give up. The copy
/// costs as much as 10 to 20 rows of A.
fn worth_packing(bytes: usize, rows: usize) -> bool {
    (bytes >= 4096 && rows >= 24) || (bytes >= 1024 && rows >= 256)
}

/// B, k × n.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a, T> {
    /// Rows lie `stride` apart.
    Plain { data: &'a [T], stride: usize },
    /// Panels of [`panel`] columns, one after the other, each with its rows close together.
    Packed { data: &'a [T], k: usize },
}

impl<'a, T> Right<'a, T> {
    /// The rows from `row` on, if they lie side by side.
    pub(crate) fn rows_from(self, row: usize) -> Self {
        match self {
            Right::Plain { data, stride } => Right::Plain { data: &data[row * stride..], stride },
            Right::Packed { .. } => unreachable!("panels are not cut"),
        }
    }

    /// The columns from `column` on, as a slice and the distance of rows. Packed panels are only cut between panels.
    pub(crate) fn columns(&self, column: usize, columns: usize) -> (&'a [T], usize) {
        match *self {
            Right::Plain { data, stride } => (&data[column..], stride),
            Right::Packed { data, k } => {
                let width = packed_width::<T>(columns);
                (&data[column * k..][..k * width], width)
            }
        }
    }
}

/// The number of elements of a packed k × n operand.
pub(crate) fn packed_len<T>(k: usize, n: usize) -> usize {
    k * packed_width::<T>(n)
}

/// The longest chains for which a piece of a large operand is packed.
const fn piece_len<T>() -> usize {
    PIECE_BYTES / size_of::<T>()
}

/// Packs all panels of a k × n operand.
pub(crate) fn pack_all<T: Real>((n, k): (usize, usize), b: &[T], b_row: usize, to: &mut [T]) {
    for column in (0..n).step_by(panel::<T>()) {
        pack(k, panel::<T>().min(n - column), &b[column..], b_row, &mut to[column * k..]);
    }
}

/// Packs all panels of the transpose of an n × k operand.
pub(crate) fn pack_all_transposed<T: Real>((n, k): (usize, usize), b: &[T], b_row: usize, to: &mut [T]) {
    for column in (0..n).step_by(panel::<T>()) {
        pack_transposed(k, panel::<T>().min(n - column), &b[column * b_row..], b_row, &mut to[column * k..]);
    }
}

/// The rows of the highest tile.
const TILE: usize = 6;

/// Between how many rows each a weight of `rows` rows may be cut, so that its gradient can be shared out: whole tiles where
/// there are many.
pub(crate) const fn rows_of_a_cut(rows: usize) -> usize {
    if rows >= 16 * TILE { TILE } else { 1 }
}

/// How many rows at a time take `bytes` each and stay in the first-level cache: whole tiles.
pub(crate) fn rows_in_cache(bytes: usize) -> usize {
    let rows = L1 / bytes.max(1);
    if rows >= 24 { rows / 24 * 24 } else { (rows / TILE * TILE).max(TILE) }
}

/// Out = start + A·B: `m` rows of A, `k` long and `a_row` apart; B is `k` × `n`, its rows `b_row` apart.
pub(crate) fn multiply<T: Real>(
    (m, n, k): (usize, usize, usize),
    (a, a_row): (&[T], usize),
    (b, b_row): (&[T], usize),
    start: Start<'_, T>,
    (out, out_row): (&mut [T], usize),
    then: Epilogue<'_, T>,
) {
    if m == 0 || n == 0 {
        return;
    }
    let left = Left::Rows { data: a, stride: a_row };
    let far = b_row * size_of::<T>();
    let large = k * n * size_of::<T>() > L2;
    if is_small::<T>(n * (k + m), n) {
        T::block(Block {
            rows: m,
            columns: n,
            k,
            left,
            right: b,
            right_stride: b_row,
            start,
            out: &mut *out,
            out_stride: out_row,
            spill: spills(n, n, out_row, start),
        });
        then(0, &mut out[..(m - 1) * out_row + n]);
    } else if large && far >= 1024 && m < 24 {
        // A few rows of B at a time: their streams are read in order, and the sums stay in the first-level cache.
        let mut start = start;
        for from in (0..k).step_by(16) {
            let k = 16.min(k - from);
            let b = Right::Plain { data: &b[from * b_row..], stride: b_row };
            by_rows((m, n, k), Left::Rows { data: &a[from..], stride: a_row }, b, start, (out, out_row), &|_, _| ());
            start = Start::Sum;
        }
        then(0, &mut out[..(m - 1) * out_row + n]);
    } else if large && far >= 1024 {
        by_pieces((m, n, k), (a, a_row), (b, b_row), start, (out, out_row));
        then(0, &mut out[..(m - 1) * out_row + n]);
    } else if worth_packing(far, m) {
        with_scratch(packed_len::<T>(k, n), |packed| {
            pack_all((n, k), b, b_row, packed);
            by_rows((m, n, k), left, Right::Packed { data: packed, k }, start, (out, out_row), then);
        });
    } else {
        by_rows((m, n, k), left, Right::Plain { data: b, stride: b_row }, start, (out, out_row), then);
    }
}

/// Whether what a block of some of `n` columns writes behind a row is overwritten by its next row.
fn spills<T>(columns: usize, n: usize, out_row: usize, start: Start<'_, T>) -> bool {
    columns == n && n == out_row && !matches!(start, Start::Sum)
}

/// For B that stays in cache: some rows of A at a time against all panels, so that rows of the result are finished, and
/// handed to `then`, while they are in the first-level cache.
pub(crate) fn by_rows<T: Real>(
    (m, n, k): (usize, usize, usize),
    a: Left<'_, T>,
    b: Right<'_, T>,
    start: Start<'_, T>,
    (out, out_row): (&mut [T], usize),
    then: Epilogue<'_, T>,
) {
    // One panel reads A once, several read it again. (Windows overlap: a further one brings little into the cache.)
    let again = n > panel::<T>() && matches!(a, Left::Rows { .. });
    let step = rows_in_cache(size_of::<T>() * if again { n.max(k) } else { n });
    for row in (0..m).step_by(step) {
        let rows = step.min(m - row);
        let left = a.rows_from(row);
        let out = &mut out[row * out_row..][..(rows - 1) * out_row + n];
        let mut column = 0;
        while column < n {
            let columns = match b {
                Right::Plain { .. } if matches!(a, Left::Rows { .. }) => next_panel::<T>(rows, n - column),
                _ => panel::<T>().min(n - column),
            };
            let (right, right_stride) = b.columns(column, columns);
            T::block(Block {
                rows,
                columns,
                k,
                left,
                right,
                right_stride,
                start: start.columns(column, columns),
                out: &mut out[column..],
                out_stride: out_row,
                spill: spills(columns, n, out_row, start),
            });
            column += columns;
        }
        then(row * out_row, out);
    }
}

/// For packed B that does not fit the cache, and A that does: a piece of one panel at a time, which stays in the first-level
/// cache, against all rows of A.
pub(crate) fn by_panels<T: Real>(
    (m, n, k): (usize, usize, usize),
    a: Left<'_, T>,
    packed: &[T],
    start: Start<'_, T>,
    (out, out_row): (&mut [T], usize),
) {
    for column in (0..n).step_by(panel::<T>()) {
        let columns = panel::<T>().min(n - column);
        let width = packed_width::<T>(columns);
        let piece = L1 / size_of::<T>() / width;
        for from in (0..k).step_by(piece) {
            T::block(Block {
                rows: m,
                columns,
                k: piece.min(k - from),
                left: a.steps_from(from),
                right: &packed[column * k + from * width..],
                right_stride: width,
                start: if from == 0 { start.columns(column, columns) } else { Start::Sum },
                out: &mut out[column..],
                out_stride: out_row,
                spill: false,
            });
        }
    }
}

/// For B that does not fit the cache: a packed piece of some panels at a time against all rows of A.
fn by_pieces<T: Real>(
    (m, n, k): (usize, usize, usize),
    (a, a_row): (&[T], usize),
    (b, b_row): (&[T], usize),
    start: Start<'_, T>,
    (out, out_row): (&mut [T], usize),
) {
    let (step, group) = (piece_len::<T>().min(k), PIECE_COLUMNS.min(n));
    // Pieces of rows of A that lie pages apart share few sets of the second-level cache: they are packed as well.
    let pack_a = a_row * size_of::<T>() >= 4096;
    let lens = [packed_len::<T>(step, group), if pack_a { m * step } else { 0 }];
    with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
        let [packed_b, packed_a] = lens.map(|len| cut(&mut scratch, len));
        for from in (0..k).step_by(step) {
            let k = step.min(k - from);
            let (a, a_row) = if pack_a {
                copy_columns(m, k, &a[from..], a_row, packed_a, k);
                (&packed_a[..], k)
            } else {
                (&a[from..], a_row)
            };
            for column in (0..n).step_by(group) {
                let n = group.min(n - column);
                pack_all((n, k), &b[from * b_row + column..], b_row, packed_b);
                let start = if from == 0 { start.columns(column, n) } else { Start::Sum };
                let b = Right::Packed { data: packed_b, k };
                let left = Left::Rows { data: a, stride: a_row };
                by_rows((m, n, k), left, b, start, (&mut out[column..], out_row), &|_, _| ());
            }
        }
    });
}

/// Out = A·Bᵀ: `m` rows of A, `k` long and `a_row` apart; B is `n` × `k`, its rows `b_row` apart.
///
/// Sums run along rows of both, so one of them has to be transposed: B, or A and the result, whichever is less. (What is
/// transposed of B is written and read once more, so it counts twice.)
pub(crate) fn multiply_transposed<T: Real>(
    (m, n, k): (usize, usize, usize),
    (a, a_row): (&[T], usize),
    (b, b_row): (&[T], usize),
    (out, out_row): (&mut [T], usize),
    then: Epilogue<'_, T>,
) {
    if m == 0 || n == 0 {
        return;
    }
    let large = k * n * size_of::<T>() > L2;
    if !large && 2 * k * n <= m * (n + k) {
        with_scratch(packed_len::<T>(k, n), |packed| {
            pack_all_transposed((n, k), b, b_row, packed);
            let left = Left::Rows { data: a, stride: a_row };
            by_rows((m, n, k), left, Right::Packed { data: packed, k }, Start::Zero, (out, out_row), then);
        });
    } else {
        by_columns((m, n, k), (a, a_row), (b, b_row), (out, out_row));
        then(0, &mut out[..(m - 1) * out_row + n]);
    }
}

/// Outᵀ = B·Aᵀ, with the rows of A and of the result in the lanes of registers.
///
/// Some rows of B at a time (`height`) against all of Aᵀ, in pieces of the chains (`step`), so that a piece of Aᵀ stays in
/// the second-level cache, B is read once and in order, and the sums are transposed while they are in cache.
fn by_columns<T: Real>(
    (m, n, k): (usize, usize, usize),
    (a, a_row): (&[T], usize),
    (b, b_row): (&[T], usize),
    (out, out_row): (&mut [T], usize),
) {
    let width = packed_width::<T>(m);
    let fits = k * width * size_of::<T>() <= L2;
    let step = if fits { k } else { piece_len::<T>().min(k) };
    let height = if fits { 48 } else { 192 }.min(n);
    let lens = [packed_len::<T>(k, m), height * width];
    with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
        let [packed, sums] = lens.map(|len| cut(&mut scratch, len));
        // Pieces of the chains, each with its panels.
        for from in (0..k).step_by(step) {
            let k = step.min(k - from);
            pack_all_transposed((m, k), &a[from..], a_row, &mut packed[from * width..]);
        }
        for row in (0..n).step_by(height) {
            let rows = height.min(n - row);
            for from in (0..k).step_by(step) {
                let k = step.min(k - from);
                let right = Right::Packed { data: &packed[from * width..], k };
                let start = if from == 0 { Start::Zero } else { Start::Sum };
                let left = Left::Rows { data: &b[row * b_row + from..], stride: b_row };
                by_rows((rows, m, k), left, right, start, (sums, width), &|_, _| ());
            }
            T::transpose(rows, m, sums, width, &mut out[row..], out_row);
        }
    });
}
