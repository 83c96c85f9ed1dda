//! The innermost loops: a block C = init + A·B, one panel of B wide, in tiles whose sums stay in registers.
//!
//! Each element of C is one chain of multiply-adds over p = 0, 1, …, k-1, whatever tile it is in and whatever else is in
//! the block. Chains may be cut: a block that starts from what is in C goes on where another has stopped.

use crate::simd::vector::Lanes;
use crate::simd::{Isa, Level, multiversion};

/// The left operand of a block, `rows` × k.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left<'a, T> {
    /// Rows lie `stride` elements apart, the elements of a row side by side.
    Rows { data: &'a [T], stride: usize },
    /// Columns lie `stride` elements apart, the elements of a column side by side.
    Columns { data: &'a [T], stride: usize },
}

/// What each chain begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a, T> {
    /// Zero.
    Zero,
    /// The same numbers in each row of C, as many as C has columns.
    Row(&'a [T]),
    /// What C holds.
    Sum,
}

impl<'a, T> Start<'a, T> {
    /// The same for some of the columns.
    pub(super) fn columns(self, column: usize, columns: usize) -> Self {
        match self {
            Start::Row(row) => Start::Row(&row[column..][..columns]),
            start => start,
        }
    }
}

/// One block: `rows` rows of `columns` elements, at most [`next_panel`] of them.
#[derive(Debug)]
pub struct Block<'a, T> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The length of the chains.
    pub(super) k: usize,
    pub(super) left: Left<'a, T>,
    /// B: k rows, `right_stride` apart. What follows a row's `columns` elements is read, if it is there, but not used.
    pub(super) right: &'a [T],
    pub(super) right_stride: usize,
    pub(super) start: Start<'a, T>,
    /// C: rows `out_stride` apart.
    pub(super) out: &'a mut [T],
    pub(super) out_stride: usize,
}

/// Scalars that blocks are compiled for.
pub trait BlockKernels: Copy + Sized {
    /// Computes the block.
    fn block(block: Block<'_, Self>);
}

/// The number of lanes of a register of `T`.
pub(crate) fn lanes<T>() -> usize {
    let bytes = match Isa::current().level() {
        Level::Avx512 => 64,
        Level::Avx2 => 32,
        Level::Portable => 16,
    };
    bytes / size_of::<T>()
}

/// The most columns of a block of many rows. Tiles are chosen so that accumulators, one row of B and one broadcast
/// element of A fit the registers: 6×4, 8×3, 12×2, 16×1 of 32 registers; 6×2, 8×1 of 16.
pub(crate) fn panel<T>() -> usize {
    lanes::<T>() * if many_registers() { 4 } else { 2 }
}

/// How many of `columns` the next block takes, if it has `rows` rows. Two units with a latency of four cycles want eight
/// sums in flight: where there are only one or two rows, more columns provide them.
pub(crate) fn next_panel<T>(rows: usize, columns: usize) -> usize {
    let panel = panel::<T>();
    if rows <= 2 && columns >= 2 * panel { 2 * panel } else { columns.min(panel) }
}

fn many_registers() -> bool {
    Isa::current().level() == Level::Avx512 || cfg!(target_arch = "aarch64")
}

/// The rows at the end of B that cannot be read as whole registers, copied: 16 of one register, or fewer of more.
const TAIL: usize = 256;

#[inline(always)]
fn block_body<S: Lanes<T>, T: Copy + Default>(s: S, block: Block<'_, T>) {
    let registers = block.columns.div_ceil(S::LANES);
    // A panel is read in whole registers. Near the end of B that may be impossible: those rows are copied.
    let width = registers * S::LANES;
    let mut tail = [T::default(); TAIL];
    let whole = match block.right.len().checked_sub(width) {
        Some(last) => (last / block.right_stride + 1).min(block.k),
        None => 0,
    };
    for (p, to) in (whole..block.k).zip(tail.chunks_exact_mut(width)) {
        let from = &block.right[p * block.right_stride..];
        let len = from.len().min(width);
        to[..len].copy_from_slice(&from[..len]);
    }
    assert!((block.k - whole) * width <= TAIL, "rows of B lie closer than they are wide");
    let b = [(block.right, block.right_stride, 0, whole), (&tail[..], width, whole, block.k)];
    let b = if whole == block.k { &b[..1] } else { &b[..] };
    match block.left {
        Left::Rows { data, stride } => block_of(s, registers, &Rows { data, stride }, b, block),
        Left::Columns { data, stride } => block_of(s, registers, &Columns { data, stride }, b, block),
    }
}

/// A, as the innermost loop sees it.
trait Source<T> {
    /// Some rows of it.
    type Tile<const M: usize>: Tile<T>;
    /// Each row of a tile takes an address register, so tiles with many rows do not pay.
    const ADDRESS_PER_ROW: bool;
    /// `M` rows from `row` on, for the chain's elements `from..to`.
    fn tile<const M: usize>(&self, row: usize, from: usize, to: usize) -> Self::Tile<M>;
}

/// Some rows of A. A method for one element, because a load has to stand where it is used: then it is part of the
/// broadcast, which otherwise takes the place of a multiply-add.
trait Tile<T> {
    /// Element p of `row`.
    ///
    /// # Safety
    /// `row < M` and `p < to - from` of the call that made the tile.
    unsafe fn get(&self, row: usize, p: usize) -> T;
}

struct Rows<'a, T> {
    data: &'a [T],
    stride: usize,
}

/// The rows, each `to - from` long.
struct RowsTile<'a, T, const M: usize>([&'a [T]; M]);

impl<'a, T: Copy> Source<T> for Rows<'a, T> {
    type Tile<const M: usize> = RowsTile<'a, T, M>;
    const ADDRESS_PER_ROW: bool = true;

    #[inline(always)]
    fn tile<const M: usize>(&self, row: usize, from: usize, to: usize) -> RowsTile<'a, T, M> {
        RowsTile(std::array::from_fn(|r| &self.data[(row + r) * self.stride..][from..to]))
    }
}

impl<T: Copy, const M: usize> Tile<T> for RowsTile<'_, T, M> {
    #[inline(always)]
    unsafe fn get(&self, row: usize, p: usize) -> T {
        // SAFETY: the caller's promise, and the slices are `to - from` long.
        unsafe { *self.0[row].get_unchecked(p) }
    }
}

struct Columns<'a, T> {
    data: &'a [T],
    stride: usize,
}

/// From the tile's first row on, `stride`, such that `(to - from - 1) * stride + M` is at most the slice's length.
struct ColumnsTile<'a, T, const M: usize>(&'a [T], usize);

impl<'a, T: Copy> Source<T> for Columns<'a, T> {
    type Tile<const M: usize> = ColumnsTile<'a, T, M>;
    const ADDRESS_PER_ROW: bool = false;

    #[inline(always)]
    fn tile<const M: usize>(&self, row: usize, from: usize, to: usize) -> ColumnsTile<'a, T, M> {
        let data = &self.data[from * self.stride + row..];
        assert!(from == to || (to - from - 1) * self.stride + M <= data.len(), "A is too short for its block");
        ColumnsTile(data, self.stride)
    }
}

impl<T: Copy, const M: usize> Tile<T> for ColumnsTile<'_, T, M> {
    #[inline(always)]
    unsafe fn get(&self, row: usize, p: usize) -> T {
        // SAFETY: by the caller's promise the place is at most (to - from - 1) * stride + M - 1.
        unsafe { *self.0.get_unchecked(p * self.1 + row) }
    }
}

/// Rows of B: a slice, their distance, and which elements of the chains they are for.
type Right<'a, T> = (&'a [T], usize, usize, usize);

#[inline(always)]
fn block_of<S: Lanes<T>, T: Copy + Default, A: Source<T>>(
    s: S,
    registers: usize,
    a: &A,
    b: &[Right<'_, T>],
    block: Block<'_, T>,
) {
    if S::REGISTERS >= 32 {
        match registers {
            1 if A::ADDRESS_PER_ROW => rows_of::<S, T, 8, 1>(s, a, b, block),
            2 if A::ADDRESS_PER_ROW => rows_of::<S, T, 8, 2>(s, a, b, block),
            1 => rows_of::<S, T, 16, 1>(s, a, b, block),
            2 => rows_of::<S, T, 12, 2>(s, a, b, block),
            3 => rows_of::<S, T, 8, 3>(s, a, b, block),
            4 => rows_of::<S, T, 6, 4>(s, a, b, block),
            8 => rows_of::<S, T, 2, 8>(s, a, b, block),
            _ => unreachable!("a block wider than a panel"),
        }
    } else {
        match registers {
            1 => rows_of::<S, T, 8, 1>(s, a, b, block),
            2 => rows_of::<S, T, 6, 2>(s, a, b, block),
            4 => rows_of::<S, T, 2, 4>(s, a, b, block),
            _ => unreachable!("a block wider than a panel"),
        }
    }
}

/// Tiles of `M` rows as long as there are so many, then smaller ones.
#[inline(always)]
fn rows_of<S: Lanes<T>, T: Copy + Default, const M: usize, const N: usize>(
    s: S,
    a: &impl Source<T>,
    b: &[Right<'_, T>],
    mut block: Block<'_, T>,
) {
    let mut row = 0;
    while row + M <= block.rows {
        tile::<S, T, M, N>(s, a, b, row, &mut block);
        row += M;
    }
    if M > 8 && row + 8 <= block.rows {
        tile::<S, T, 8, N>(s, a, b, row, &mut block);
        row += 8;
    }
    if M > 4 && row + 4 <= block.rows {
        tile::<S, T, 4, N>(s, a, b, row, &mut block);
        row += 4;
    }
    if M > 2 && row + 2 <= block.rows {
        tile::<S, T, 2, N>(s, a, b, row, &mut block);
        row += 2;
    }
    if row < block.rows {
        tile::<S, T, 1, N>(s, a, b, row, &mut block);
    }
}

/// `M` rows and `N` registers of C.
#[inline(always)]
fn tile<S: Lanes<T>, T: Copy + Default, const M: usize, const N: usize>(
    s: S,
    a: &impl Source<T>,
    b: &[Right<'_, T>],
    row: usize,
    block: &mut Block<'_, T>,
) {
    let columns = block.columns;
    let mut sums: [[S::V; N]; M] = match block.start {
        Start::Zero => [[s.splat(T::default()); N]; M],
        Start::Row(start) => [load(s, &start[..columns]); M],
        Start::Sum => std::array::from_fn(|r| load(s, &block.out[(row + r) * block.out_stride..][..columns])),
    };
    for &(right, stride, from, to) in b {
        let a = a.tile::<M>(row, from, to);
        let n = to - from;
        assert!(n == 0 || (n - 1) * stride + N * S::LANES <= right.len(), "B is too short for its block");
        for p in 0..n {
            // SAFETY: p < n, so p * stride + N * LANES <= right.len() by the assertion.
            let b: [S::V; N] = std::array::from_fn(|v| unsafe { s.load_at(right, p * stride + v * S::LANES) });
            for r in 0..M {
                // SAFETY: r < M and p < n.
                let x = s.splat(unsafe { a.get(r, p) });
                for v in 0..N {
                    sums[r][v] = s.mul_add(x, b[v], sums[r][v]);
                }
            }
        }
    }
    for r in 0..M {
        let out = &mut block.out[(row + r) * block.out_stride..][..columns];
        let last = (N - 1) * S::LANES;
        for v in 0..N - 1 {
            s.store(sums[r][v], &mut out[v * S::LANES..]);
        }
        if columns == N * S::LANES {
            s.store(sums[r][N - 1], &mut out[last..]);
        } else {
            s.store_part(sums[r][N - 1], &mut out[last..]);
        }
    }
}

/// `N` registers, the last of which may be partly filled.
#[inline(always)]
fn load<S: Lanes<T>, T: Copy, const N: usize>(s: S, from: &[T]) -> [S::V; N] {
    let last = (N - 1) * S::LANES;
    std::array::from_fn(|v| match v {
        v if v < N - 1 => s.load(&from[v * S::LANES..]),
        _ if from.len() == N * S::LANES => s.load(&from[last..]),
        _ => s.load_part(&from[last..]),
    })
}

macro_rules! block_kernels {
    ($($t:ident $name:ident;)*) => { $(
        multiversion! {
            fn $name(block: Block<'_, $t>) = block_body::<S, $t> with simd;
        }
        impl BlockKernels for $t {
            #[inline]
                    fn block(block: Block<'_, $t>) {
                $name(block);
            }
        }
    )* };
}
block_kernels! {
    f32 block_f32;
    f64 block_f64;
}
