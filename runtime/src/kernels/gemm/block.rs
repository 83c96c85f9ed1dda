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
    /// B: k rows, `right_stride` apart.
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

#[inline(always)]
fn block_body<S: Lanes<T>, T: Copy + Default>(s: S, block: Block<'_, T>) {
    match block.left {
        Left::Rows { data, stride } => block_of(s, &Rows { data, stride }, block),
        Left::Columns { data, stride } => block_of(s, &Columns { data, stride }, block),
    }
}

/// A, as the innermost loop sees it.
trait Source<T> {
    /// Some rows of it.
    type Tile<const M: usize>: Tile<T>;
    /// Each row of a tile takes an address register, so tiles with many rows do not pay.
    const ADDRESS_PER_ROW: bool;
    /// `M` rows from `row` on, `k` long.
    fn tile<const M: usize>(&self, row: usize, k: usize) -> Self::Tile<M>;
}

/// Some rows of A. A method for one element, because a load has to stand where it is used: then it is part of the
/// broadcast, which otherwise takes the place of a multiply-add.
trait Tile<T> {
    /// Element p of `row`.
    ///
    /// # Safety
    /// `row < M` and `p < k` of the call that made the tile.
    unsafe fn get(&self, row: usize, p: usize) -> T;
}

struct Rows<'a, T> {
    data: &'a [T],
    stride: usize,
}

/// The rows, each `k` long.
struct RowsTile<'a, T, const M: usize>([&'a [T]; M]);

impl<'a, T: Copy> Source<T> for Rows<'a, T> {
    type Tile<const M: usize> = RowsTile<'a, T, M>;
    const ADDRESS_PER_ROW: bool = true;

    #[inline(always)]
    fn tile<const M: usize>(&self, row: usize, k: usize) -> RowsTile<'a, T, M> {
        // Not `array::from_fn`: it is not always inlined.
        let mut rows: [&[T]; M] = [&[]; M];
        for r in 0..M {
            rows[r] = &self.data[(row + r) * self.stride..][..k];
        }
        // Hidden where rows are long: the compiler would compute the places of rows from one another in the innermost loop,
        // with more registers than there are. (It goes over memory, which short rows do not repay.)
        RowsTile(if k >= 32 { std::hint::black_box(rows) } else { rows })
    }
}

impl<T: Copy, const M: usize> Tile<T> for RowsTile<'_, T, M> {
    #[inline(always)]
    unsafe fn get(&self, row: usize, p: usize) -> T {
        // SAFETY: the caller's promise, and the slices are `k` long.
        unsafe { *self.0[row].get_unchecked(p) }
    }
}

struct Columns<'a, T> {
    data: &'a [T],
    stride: usize,
}

/// From the tile's first row on, and the stride, such that `(k - 1) * stride + M` is at most the slice's length.
struct ColumnsTile<'a, T, const M: usize>(&'a [T], usize);

impl<'a, T: Copy> Source<T> for Columns<'a, T> {
    type Tile<const M: usize> = ColumnsTile<'a, T, M>;
    const ADDRESS_PER_ROW: bool = false;

    #[inline(always)]
    fn tile<const M: usize>(&self, row: usize, k: usize) -> ColumnsTile<'a, T, M> {
        let data = &self.data[row..];
        assert!(k == 0 || (k - 1) * self.stride + M <= data.len(), "A is too short for its block");
        ColumnsTile(data, self.stride)
    }
}

impl<T: Copy, const M: usize> Tile<T> for ColumnsTile<'_, T, M> {
    #[inline(always)]
    unsafe fn get(&self, row: usize, p: usize) -> T {
        // SAFETY: by the caller's promise the place is at most (k - 1) * stride + M - 1.
        unsafe { *self.0.get_unchecked(p * self.1 + row) }
    }
}

#[inline(always)]
fn block_of<S: Lanes<T>, T: Copy + Default, A: Source<T>>(s: S, a: &A, block: Block<'_, T>) {
    let registers = block.columns.div_ceil(S::LANES);
    if S::REGISTERS >= 32 {
        match registers {
            1 if A::ADDRESS_PER_ROW => tiles_of::<S, T, A, 8, 1>(s, a, block),
            2 if A::ADDRESS_PER_ROW => tiles_of::<S, T, A, 8, 2>(s, a, block),
            1 => tiles_of::<S, T, A, 16, 1>(s, a, block),
            2 => tiles_of::<S, T, A, 12, 2>(s, a, block),
            3 => tiles_of::<S, T, A, 8, 3>(s, a, block),
            4 => tiles_of::<S, T, A, 6, 4>(s, a, block),
            8 if A::ADDRESS_PER_ROW => tiles_of::<S, T, A, 2, 8>(s, a, block),
            _ => unreachable!("a block wider than a panel"),
        }
    } else {
        match registers {
            1 => tiles_of::<S, T, A, 8, 1>(s, a, block),
            2 => tiles_of::<S, T, A, 6, 2>(s, a, block),
            4 if A::ADDRESS_PER_ROW => tiles_of::<S, T, A, 2, 4>(s, a, block),
            _ => unreachable!("a block wider than a panel"),
        }
    }
}

/// Tiles of `M` rows and `N` registers as long as there are so many rows, then smaller ones. (Where columns of A are read,
/// the rows of C are inputs of a layer, which are many: there some sizes are left out.)
#[inline(always)]
fn tiles_of<S: Lanes<T>, T: Copy + Default, A: Source<T>, const M: usize, const N: usize>(
    s: S,
    a: &A,
    mut block: Block<'_, T>,
) {
    let (rows, whole) = (block.rows, block.check(N * S::LANES));
    let mut row = 0;
    // SAFETY: the block has been checked, and has the rows of each tile.
    unsafe {
        while row + M <= rows {
            tile::<S, T, A, M, N>(s, a, row, whole, &mut block);
            row += M;
        }
        while M > 4 && row + 4 <= rows {
            tile::<S, T, A, 4, N>(s, a, row, whole, &mut block);
            row += 4;
        }
        if M > 2 && A::ADDRESS_PER_ROW && row + 2 <= rows {
            tile::<S, T, A, 2, N>(s, a, row, whole, &mut block);
            row += 2;
        }
        while row < rows {
            tile::<S, T, A, 1, N>(s, a, row, whole, &mut block);
            row += 1;
        }
    }
}

impl<T> Block<'_, T> {
    /// Checks that B, C and what the chains begin with are as long as the block says. Returns how many rows of B have
    /// `width` elements before B ends, counted from the first on: the last registers of those can be loaded whole. What
    /// stands behind a row's own columns there is computed with, and never stored.
    ///
    /// # Panics
    /// If one of them is too short.
    #[inline(always)]
    fn check(&self, width: usize) -> usize {
        let &Block { rows, columns, k, right_stride: stride, .. } = self;
        assert!(columns <= width, "a block wider than its registers");
        let end = |rows: usize, stride: usize| if rows == 0 { 0 } else { (rows - 1) * stride + columns };
        assert!(end(k, stride) <= self.right.len(), "B is too short for its block");
        assert!(end(rows, self.out_stride) <= self.out.len(), "C is too short for its block");
        if let Start::Row(start) = self.start {
            assert!(columns <= start.len(), "the chains' beginnings are too few for a block");
        }
        let mut whole = k;
        while whole > 0 && (whole - 1) * stride + width > self.right.len() {
            whole -= 1;
        }
        whole
    }
}

/// Links of a chain in one round of the loop: what counts and computes addresses then does not take the place of
/// multiply-adds.
const UNROLL: usize = 4;

/// `M` rows and `N` registers of C, the last of which may be partly filled.
///
/// All that is not a link stands here once, whether registers are full or not: the compiler makes a tile of each size, for
/// each scalar and instruction set, and takes longer for them than for anything else in this crate.
///
/// # Safety
/// [`Block::check`] has returned `whole` for `N` registers, and the block has the rows `row .. row + M`.
#[inline(always)]
unsafe fn tile<S: Lanes<T>, T: Copy + Default, A: Source<T>, const M: usize, const N: usize>(
    s: S,
    a: &A,
    row: usize,
    whole: usize,
    block: &mut Block<'_, T>,
) {
    let (k, right, stride) = (block.k, block.right, block.right_stride);
    let last = (N - 1) * S::LANES;
    let part = block.columns - last;
    let mut sums = [[s.splat(T::default()); N]; M];
    match block.start {
        Start::Zero => (),
        // SAFETY: `check` has found `last + part` beginnings.
        Start::Row(start) => sums = [unsafe { load(s, start, 0, part) }; M],
        Start::Sum => {
            for r in 0..M {
                // SAFETY: `check` has found `last + part` elements in each row of C.
                sums[r] = unsafe { load(s, block.out, (row + r) * block.out_stride, part) };
            }
        }
    }
    let a = a.tile::<M>(row, k);
    let mut p = 0;
    while p + UNROLL <= whole {
        for u in 0..UNROLL {
            // SAFETY: p + u < whole, so `check` has found whole registers; and whole <= k.
            unsafe { link::<S, T, M, N>(s, &a, (right, stride), S::LANES, p + u, &mut sums) };
        }
        p += UNROLL;
    }
    while p < k {
        // SAFETY: p < k, so `check` has found `last + part` elements.
        unsafe { link::<S, T, M, N>(s, &a, (right, stride), part, p, &mut sums) };
        p += 1;
    }
    for r in 0..M {
        let at = (row + r) * block.out_stride;
        for v in 0..N - 1 {
            // SAFETY: `check` has found `last + part` elements in each row of C.
            unsafe { s.store_at(sums[r][v], block.out, at + v * S::LANES) };
        }
        // SAFETY: the same.
        unsafe { s.store_part_at(sums[r][N - 1], block.out, at + last, part) };
    }
}

/// Link p of a tile's chains.
///
/// # Safety
/// `a` has an element p, and row p of B has `N` registers, `part` elements of the last.
#[inline(always)]
unsafe fn link<S: Lanes<T>, T: Copy + Default, const M: usize, const N: usize>(
    s: S,
    a: &impl Tile<T>,
    (right, stride): (&[T], usize),
    part: usize,
    p: usize,
    sums: &mut [[S::V; N]; M],
) {
    // SAFETY: the caller's promise.
    let b: [S::V; N] = unsafe { load(s, right, p * stride, part) };
    for r in 0..M {
        // SAFETY: r < M, and the caller's promise.
        let x = s.splat(unsafe { a.get(r, p) });
        for v in 0..N {
            sums[r][v] = s.mul_add(x, b[v], sums[r][v]);
        }
    }
}

/// `N` registers from `at` on, `part` elements of the last.
///
/// # Safety
/// There must be so many elements.
#[inline(always)]
unsafe fn load<S: Lanes<T>, T: Copy + Default, const N: usize>(s: S, from: &[T], at: usize, part: usize) -> [S::V; N] {
    // Not `array::from_fn`, which is not always inlined.
    let mut v = [s.splat(T::default()); N];
    for i in 0..N - 1 {
        // SAFETY: the caller's promise.
        v[i] = unsafe { s.load_at(from, at + i * S::LANES) };
    }
    // SAFETY: the caller's promise.
    v[N - 1] = unsafe { s.load_part_at(from, at + (N - 1) * S::LANES, part) };
    v
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
