//! The innermost loops: a block C = init + A·B, one panel of B wide, in tiles whose sums stay in registers.
//!
//! Each element of C is one chain of multiply-adds over p = 0, 1, …, k-1, whatever tile it is in and whatever else is in
//! the block. Chains may be cut: a block that starts from what is in C goes on where another has stopped.

use super::left::{Columns, Left, Rows, Source, Table, Tile};
use crate::simd::vector::Lanes;
use crate::simd::{Isa, Level, multiversion};

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
    pub(crate) fn columns(self, column: usize, columns: usize) -> Self {
        match self {
            Start::Row(row) => Start::Row(&row[column..][..columns]),
            start => start,
        }
    }
}

/// One block: `rows` rows of `columns` elements, at most [`next_panel`] of them.
#[derive(Debug)]
pub struct Block<'a, T> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// The length of the chains.
    pub(crate) k: usize,
    pub(crate) left: Left<'a, T>,
    /// B: k rows, `right_stride` apart.
    pub(crate) right: &'a [T],
    pub(crate) right_stride: usize,
    pub(crate) start: Start<'a, T>,
    /// C: rows `out_stride` apart.
    pub(crate) out: &'a mut [T],
    pub(crate) out_stride: usize,
    /// Whether the elements behind a row of C, up to a whole register, are nobody's or those of the next row, which is
    /// written afterwards: stores of parts of registers are slow on some processors.
    pub(crate) spill: bool,
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

/// Up to how many rows a block of so many rows and columns may be extended, if tables give it as many: remainders of one, two
/// and three rows take as long as four, and others as long as a whole tile.
pub(crate) fn whole_tiles<T>(rows: usize, columns: usize) -> usize {
    let widest = columns > lanes::<T>() * if many_registers() { 3 } else { 1 };
    let tile = if widest { 6 } else { 8 };
    match rows % tile {
        1..=4 => rows.next_multiple_of(tile) - tile + 4,
        _ => rows.next_multiple_of(tile),
    }
}

fn many_registers() -> bool {
    Isa::current().level() == Level::Avx512 || cfg!(target_arch = "aarch64")
}

#[inline(always)]
fn block_body<S: Lanes<T>, T: Copy + Default>(s: S, block: Block<'_, T>) {
    match block.left {
        Left::Rows { data, stride } => block_of(s, &Rows { data, stride }, block),
        Left::Columns { data, stride } => block_of(s, &Columns { data, stride }, block),
        Left::Table { data, rows, steps } => {
            block_of(s, &Table::<_, false>::new(data, rows, steps, block.columns), block);
        }
        Left::Channels { data, rows, steps } => {
            block_of(s, &Table::<_, true>::new(data, rows, steps, block.columns), block);
        }
    }
}

#[inline(always)]
fn block_of<S: Lanes<T>, T: Copy + Default, A: Source<T>>(s: S, a: &A, block: Block<'_, T>) {
    let registers = block.columns.div_ceil(S::LANES);
    if A::ONE_REGISTER {
        assert!(registers == 1, "a block wider than a register");
        tiles_of::<S, T, A, 8, 1>(s, a, block);
    } else if S::REGISTERS >= 32 {
        match registers {
            1 if A::ADDRESS_PER_ROW => tiles_of::<S, T, A, 8, 1>(s, a, block),
            2 if A::ADDRESS_PER_ROW => tiles_of::<S, T, A, 8, 2>(s, a, block),
            1 => tiles_of::<S, T, A, 16, 1>(s, a, block),
            2 => tiles_of::<S, T, A, 12, 2>(s, a, block),
            3 => tiles_of::<S, T, A, 8, 3>(s, a, block),
            4 => tiles_of::<S, T, A, 6, 4>(s, a, block),
            8 if A::FEW_ROWS => tiles_of::<S, T, A, 2, 8>(s, a, block),
            _ => unreachable!("a block wider than a panel"),
        }
    } else {
        match registers {
            1 => tiles_of::<S, T, A, 8, 1>(s, a, block),
            2 => tiles_of::<S, T, A, 6, 2>(s, a, block),
            4 if A::FEW_ROWS => tiles_of::<S, T, A, 2, 4>(s, a, block),
            _ => unreachable!("a block wider than a panel"),
        }
    }
}

/// Tiles of `M` rows and `N` registers as long as there are so many rows, then smaller ones. (Where columns of A
/// are read, the rows of C are inputs of a layer, and where tables are, windows, which are many: there some sizes are left out.)
#[inline(always)]
fn tiles_of<S: Lanes<T>, T: Copy + Default, A: Source<T>, const M: usize, const N: usize>(
    s: S,
    a: &A,
    mut block: Block<'_, T>,
) {
    let rows = block.rows;
    let whole = a.whole(block.check(N * S::LANES), S::LANES);
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
        if M > 2 && A::FEW_ROWS && row + 2 <= rows {
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
            // SAFETY: p + u < whole, so `check` and the source have found whole registers; and whole <= k.
            unsafe { link::<S, T, M, N>(s, &a, (right, stride), S::LANES, p + u, &mut sums) };
        }
        p += UNROLL;
    }
    while p < k {
        // SAFETY: p < k, so `check` has found `last + part` elements.
        unsafe { link::<S, T, M, N>(s, &a, (right, stride), part, p, &mut sums) };
        p += 1;
    }
    let end = (row + M - 1) * block.out_stride + N * S::LANES;
    let part = if block.spill && end <= block.out.len() { S::LANES } else { part };
    for r in 0..M {
        let at = (row + r) * block.out_stride;
        for v in 0..N - 1 {
            // SAFETY: `check` has found `last + part` elements in each row of C.
            unsafe { s.store_at(sums[r][v], block.out, at + v * S::LANES) };
        }
        // SAFETY: the same, or there are N whole registers from the tile's last row on.
        unsafe { s.store_part_at(sums[r][N - 1], block.out, at + last, part) };
    }
}

/// Link p of a tile's chains.
///
/// # Safety
/// `a` has an element p (for `part` columns), and row p of B has `N` registers, `part` elements of the last.
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
        let x = unsafe { a.get(s, r, p, part) };
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
