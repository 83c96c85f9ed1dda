//! Products of matrices, each element one chain of multiply-adds in a fixed order.
//!
//! [`block`] has the innermost loops, [`pack`] copies operands whose rows lie so far apart that caches and prefetchers
//! fail; this file cuts products into blocks. Where it cuts depends on sizes and on the processor, the result does not:
//! a chain that is cut goes on from the stored sum.

pub(crate) mod block;
pub(crate) mod pack;
mod weight;

use block::{Block, BlockKernels, Left, Start, next_panel, panel};
use pack::{PackKernels, aligned, cut, pack, pack_transposed, packed_width, with_scratch};
pub(crate) use weight::multiply_into_update;

use crate::Real;

/// Scalars that products are compiled for.
pub trait GemmKernels: BlockKernels + PackKernels {}
impl<T: BlockKernels + PackKernels> GemmKernels for T {}

/// What is done in place to finished rows of a product, given the place of their first element.
pub(crate) type Epilogue<'a, T> = &'a dyn Fn(usize, &mut [T]);

/// Bytes of one operand that stay in the second-level cache (2 MiB, or 1 MiB on older servers) while others stream by.
const L2: usize = 1 << 20;
/// Bytes of one operand that stay in the first-level cache (32 or 48 KiB).
const L1: usize = 1 << 14;
/// Rows of B that lie at least so many bytes apart are packed: one every half page or less often defeats prefetchers,
/// and few sets of the first-level cache have to serve them all.
const FAR: usize = 2048;
/// B is packed for products of at least so many rows: packing costs about as much as one row.
const WORTH_PACKING: usize = 24;

/// B, k × n.
#[derive(Clone, Copy, Debug)]
enum Right<'a, T> {
    /// Rows lie `stride` apart.
    Plain { data: &'a [T], stride: usize },
    /// Panels of [`panel`] columns, one after the other, each with its rows close together.
    Packed { data: &'a [T], k: usize },
}

impl<'a, T> Right<'a, T> {
    /// The columns from `column` on, as a slice and the distance of rows. Packed panels are only cut between panels.
    fn columns(&self, column: usize, columns: usize) -> (&'a [T], usize) {
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
fn packed_len<T>(k: usize, n: usize) -> usize {
    k * packed_width::<T>(n)
}

/// Packs all panels of a k × n operand.
fn pack_all<T: Real>((n, k): (usize, usize), b: &[T], b_row: usize, to: &mut [T]) {
    for column in (0..n).step_by(panel::<T>()) {
        pack(k, panel::<T>().min(n - column), &b[column..], b_row, &mut to[column * k..]);
    }
}

/// Packs all panels of the transpose of an n × k operand.
fn pack_all_transposed<T: Real>((n, k): (usize, usize), b: &[T], b_row: usize, to: &mut [T]) {
    for column in (0..n).step_by(panel::<T>()) {
        pack_transposed(k, panel::<T>().min(n - column), &b[column * b_row..], b_row, &mut to[column * k..]);
    }
}

/// How many rows at a time take `bytes` each and stay in the first-level cache: whole tiles.
fn rows_in_cache(bytes: usize) -> usize {
    let rows = L1 / bytes.max(1);
    if rows >= 24 { rows / 24 * 24 } else { (rows / 6 * 6).max(6) }
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
    let far = b_row * size_of::<T>() >= FAR;
    let large = k * n * size_of::<T>() > L2;
    if far && large && m < WORTH_PACKING {
        // A few rows of B at a time: their streams are read in order, and the sums stay in the first-level cache.
        let mut start = start;
        for from in (0..k).step_by(16) {
            let k = 16.min(k - from);
            let b = Right::Plain { data: &b[from * b_row..], stride: b_row };
            by_rows((m, n, k), (&a[from..], a_row), b, start, (out, out_row), &|_, _| ());
            start = Start::Sum;
        }
        then(0, &mut out[..(m - 1) * out_row + n]);
    } else if !far || m < WORTH_PACKING {
        by_rows((m, n, k), (a, a_row), Right::Plain { data: b, stride: b_row }, start, (out, out_row), then);
    } else if !large {
        with_scratch(packed_len::<T>(k, n), |packed| {
            pack_all((n, k), b, b_row, packed);
            by_rows((m, n, k), (a, a_row), Right::Packed { data: packed, k }, start, (out, out_row), then);
        });
    } else {
        by_panels((m, n, k), (a, a_row), (b, b_row), start, (out, out_row));
        then(0, &mut out[..(m - 1) * out_row + n]);
    }
}

/// For B that stays in cache: some rows of A at a time against all panels, so that rows of the result are finished, and
/// handed to `then`, while they are in the first-level cache.
fn by_rows<T: Real>(
    (m, n, k): (usize, usize, usize),
    (a, a_row): (&[T], usize),
    b: Right<'_, T>,
    start: Start<'_, T>,
    (out, out_row): (&mut [T], usize),
    then: Epilogue<'_, T>,
) {
    // One panel reads A once, several read it again.
    let step = rows_in_cache(size_of::<T>() * if n <= panel::<T>() { n } else { n.max(k) });
    for row in (0..m).step_by(step) {
        let rows = step.min(m - row);
        let left = Left::Rows { data: &a[row * a_row..], stride: a_row };
        let out = &mut out[row * out_row..][..(rows - 1) * out_row + n];
        let mut column = 0;
        while column < n {
            let columns = match b {
                Right::Plain { .. } => next_panel::<T>(rows, n - column),
                Right::Packed { .. } => panel::<T>().min(n - column),
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
            });
            column += columns;
        }
        then(row * out_row, out);
    }
}

/// For B that does not fit the cache: one packed piece of a panel at a time against all rows of A.
fn by_panels<T: Real>(
    (m, n, k): (usize, usize, usize),
    (a, a_row): (&[T], usize),
    (b, b_row): (&[T], usize),
    start: Start<'_, T>,
    (out, out_row): (&mut [T], usize),
) {
    let step = (L2 / 4 / size_of::<T>() / panel::<T>()).min(k);
    with_scratch(packed_len::<T>(step, panel::<T>()), |packed| {
        for from in (0..k).step_by(step) {
            let k = step.min(k - from);
            for column in (0..n).step_by(panel::<T>()) {
                let columns = panel::<T>().min(n - column);
                pack(k, columns, &b[from * b_row + column..], b_row, packed);
                T::block(Block {
                    rows: m,
                    columns,
                    k,
                    left: Left::Rows { data: &a[from..], stride: a_row },
                    right: packed,
                    right_stride: packed_width::<T>(columns),
                    start: if from == 0 { start.columns(column, columns) } else { Start::Sum },
                    out: &mut out[column..],
                    out_stride: out_row,
                });
            }
        }
    });
}

/// Out = A·Bᵀ: `m` rows of A, `k` long and `a_row` apart; B is `n` × `k`, its rows `b_row` apart.
///
/// Sums run along rows of both, so one of them has to be transposed: B, or A and the result, whichever is less.
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
    if !large && k * n <= m * (n + k) {
        with_scratch(packed_len::<T>(k, n), |packed| {
            pack_all_transposed((n, k), b, b_row, packed);
            by_rows((m, n, k), (a, a_row), Right::Packed { data: packed, k }, Start::Zero, (out, out_row), then);
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
    let step = if fits { k } else { (L2 / 4 / size_of::<T>() / panel::<T>()).min(k) };
    let height = if fits { 48 } else { 192 }.min(n);
    with_scratch(aligned(packed_len::<T>(k, m)) + aligned(height * width), |mut scratch| {
        let packed = cut(&mut scratch, packed_len::<T>(k, m));
        let sums = cut(&mut scratch, height * width);
        // Pieces of the chains, each with its panels.
        for from in (0..k).step_by(step) {
            let k = step.min(k - from);
            pack_all_transposed((m, k), &a[from..], a_row, &mut packed[from * width..]);
        }
        for row in (0..n).step_by(height) {
            let rows = height.min(n - row);
            for from in (0..k).step_by(step) {
                let k = step.min(k - from);
                for column in (0..m).step_by(panel::<T>()) {
                    let columns = panel::<T>().min(m - column);
                    T::block(Block {
                        rows,
                        columns,
                        k,
                        left: Left::Rows { data: &b[row * b_row + from..], stride: b_row },
                        right: &packed[from * width + column * k..][..k * packed_width::<T>(columns)],
                        right_stride: packed_width::<T>(columns),
                        start: if from == 0 { Start::Zero } else { Start::Sum },
                        out: &mut sums[column..],
                        out_stride: width,
                    });
                }
            }
            T::transpose(rows, m, sums, width, &mut out[row..], out_row);
        }
    });
}
