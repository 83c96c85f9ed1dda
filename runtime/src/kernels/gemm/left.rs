//! The left operand of a block: matrices in any order, and the windows of convolutions, found by tables of places.

use crate::simd::vector::Lanes;

/// The left operand of a block, `rows` × k.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left<'a, T> {
    /// Rows lie `stride` elements apart, the elements of a row side by side.
    Rows { data: &'a [T], stride: usize },
    /// Columns lie `stride` elements apart, the elements of a column side by side.
    Columns { data: &'a [T], stride: usize },
    /// Element (r, p) lies at `rows[r] + steps[p]`: the windows of a convolution.
    Table { data: &'a [T], rows: Places<'a>, steps: Places<'a> },
    /// The same, with an element of its own for each column, side by side: what is multiplied is not a matrix but one
    /// column of A with one of B, for as many columns as a register has lanes. For convolutions of single channels.
    Channels { data: &'a [T], rows: Places<'a>, steps: Places<'a> },
}

impl<T> Left<'_, T> {
    /// The rows from `row` on.
    pub(super) fn rows_from(self, row: usize) -> Self {
        match self {
            Left::Rows { data, stride } => Left::Rows { data: &data[row * stride..], stride },
            Left::Columns { data, stride } => Left::Columns { data: &data[row..], stride },
            Left::Table { data, rows, steps } => Left::Table { data, rows: rows.from(row), steps },
            Left::Channels { data, rows, steps } => Left::Channels { data, rows: rows.from(row), steps },
        }
    }

    /// The elements of each row from the `p`th on.
    pub(crate) fn steps_from(self, p: usize) -> Self {
        match self {
            Left::Rows { data, stride } => Left::Rows { data: &data[p..], stride },
            Left::Columns { data, stride } => Left::Columns { data: &data[p * stride..], stride },
            Left::Table { data, rows, steps } => Left::Table { data, rows, steps: steps.from(p) },
            Left::Channels { data, rows, steps } => Left::Channels { data, rows, steps: steps.from(p) },
        }
    }
}

/// Places of elements, and one that none of them is beyond: so a block need not look at all of them before it trusts them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    places: &'a [u32],
    last: u32,
}

impl<'a> Places<'a> {
    pub(crate) fn new(places: &'a [u32]) -> Self {
        Places { places, last: places.iter().copied().max().unwrap_or(0) }
    }

    /// Those from the `n`th on.
    pub(crate) fn from(self, n: usize) -> Self {
        Places { places: &self.places[n..], ..self }
    }

    /// # Panics
    /// If a sum of one of these and one of `steps` does not have `width` elements of `len` from there on.
    #[inline(always)]
    fn check(self, steps: Places<'_>, width: usize, len: usize) {
        assert!(self.last as usize + steps.last as usize + width <= len, "A is too short for its block");
    }
}

/// A, as the innermost loop sees it.
pub(super) trait Source<T: Copy> {
    /// Some rows of it.
    type Tile<const M: usize>: Tile<T>;
    /// Each row of a tile takes an address register, so tiles with many rows do not pay.
    const ADDRESS_PER_ROW: bool;
    /// Whether there are tiles of two rows, and wide ones for one row or two: for products of as many.
    const FEW_ROWS: bool = false;
    /// Whether blocks have one register of columns at most.
    const ONE_REGISTER: bool = false;
    /// How many of the first `k` elements of rows can be read as a whole register of so many `lanes`.
    #[inline(always)]
    fn whole(&self, k: usize, lanes: usize) -> usize {
        let _ = lanes;
        k
    }
    /// `M` rows from `row` on, `k` long.
    fn tile<const M: usize>(&self, row: usize, k: usize) -> Self::Tile<M>;
}

/// Some rows of A. A method for one element, because a load has to stand where it is used: then it is part of the
/// broadcast, which otherwise takes the place of a multiply-add.
pub(super) trait Tile<T: Copy> {
    /// Element p of `row`, in all lanes; or the elements that belong to the first `part` columns.
    ///
    /// # Safety
    /// `row < M` and `p < k` of the call that made the tile; `part` is the block's number of columns, or that of lanes if p is
    /// less than [`Source::whole`].
    unsafe fn get<S: Lanes<T>>(&self, s: S, row: usize, p: usize, part: usize) -> S::V;
}

pub(super) struct Rows<'a, T> {
    pub(super) data: &'a [T],
    pub(super) stride: usize,
}

/// The rows, each `k` long.
pub(super) struct RowsTile<'a, T, const M: usize>([&'a [T]; M]);

impl<'a, T: Copy> Source<T> for Rows<'a, T> {
    type Tile<const M: usize> = RowsTile<'a, T, M>;
    const ADDRESS_PER_ROW: bool = true;
    const FEW_ROWS: bool = true;

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
    unsafe fn get<S: Lanes<T>>(&self, s: S, row: usize, p: usize, _: usize) -> S::V {
        // SAFETY: the caller's promise, and the slices are `k` long.
        s.splat(unsafe { *self.0[row].get_unchecked(p) })
    }
}

pub(super) struct Columns<'a, T> {
    pub(super) data: &'a [T],
    pub(super) stride: usize,
}

/// From the tile's first row on, and the stride, such that `(k - 1) * stride + M` is at most the slice's length.
pub(super) struct ColumnsTile<'a, T, const M: usize>(&'a [T], usize);

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
    unsafe fn get<S: Lanes<T>>(&self, s: S, row: usize, p: usize, _: usize) -> S::V {
        // SAFETY: by the caller's promise the place is at most (k - 1) * stride + M - 1.
        s.splat(unsafe { *self.0.get_unchecked(p * self.1 + row) })
    }
}

/// Elements at the sums of each of `rows` and each of `steps`: one for all columns, or, `EACH`, one for each of them, side by
/// side. They are there: [`Table::new`] has looked.
pub(super) struct Table<'a, T, const EACH: bool> {
    data: &'a [T],
    rows: Places<'a>,
    steps: Places<'a>,
}

impl<'a, T, const EACH: bool> Table<'a, T, EACH> {
    /// # Panics
    /// If one of the elements is not there.
    #[inline(always)]
    pub(super) fn new(data: &'a [T], rows: Places<'a>, steps: Places<'a>, columns: usize) -> Self {
        rows.check(steps, if EACH { columns } else { 1 }, data.len());
        Table { data, rows, steps }
    }
}

/// From each row's place on, and the steps: `k` of them, each of which leads to the elements of each row.
pub(super) struct TableTile<'a, T, const EACH: bool, const M: usize>([&'a [T]; M], &'a [u32]);

impl<'a, T: Copy, const EACH: bool> Source<T> for Table<'a, T, EACH> {
    type Tile<const M: usize> = TableTile<'a, T, EACH, M>;
    const ADDRESS_PER_ROW: bool = true;
    const ONE_REGISTER: bool = EACH;

    #[inline(always)]
    fn whole(&self, k: usize, lanes: usize) -> usize {
        let there = !EACH || self.rows.last as usize + self.steps.last as usize + lanes <= self.data.len();
        if there { k } else { 0 }
    }

    #[inline(always)]
    fn tile<const M: usize>(&self, row: usize, k: usize) -> TableTile<'a, T, EACH, M> {
        let Table { data, rows, steps } = *self;
        let places: &[u32; M] = rows.places[row..].first_chunk().expect("a place for each row");
        assert!(rows.last as usize <= data.len(), "A is too short for its block");
        let mut from: [&[T]; M] = [&[]; M];
        for r in 0..M {
            // SAFETY: no place is beyond the last one, which is not beyond the end. (With a check for each, tiles with chains of
            // 25 links took a tenth longer.)
            from[r] = unsafe { data.get_unchecked(places[r] as usize..) };
        }
        TableTile(from, &steps.places[..k])
    }
}

impl<T: Copy, const EACH: bool, const M: usize> Tile<T> for TableTile<'_, T, EACH, M> {
    #[inline(always)]
    unsafe fn get<S: Lanes<T>>(&self, s: S, row: usize, p: usize, part: usize) -> S::V {
        // SAFETY: by the caller's promise p is one of the steps.
        let step = unsafe { *self.1.get_unchecked(p) as usize };
        if EACH {
            // SAFETY: it leads to as many elements as the block has columns, or to a whole register where `whole` says so.
            unsafe { s.load_part_at(self.0[row], step, part) }
        } else {
            // SAFETY: it leads to an element.
            s.splat(unsafe { *self.0[row].get_unchecked(step) })
        }
    }
}
