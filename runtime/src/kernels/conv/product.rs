//! A product whose left operand is windows over frames, group by group.

use super::shape::Shape;
use crate::Real;
use crate::kernels::gemm::block::{Block, Start, lanes};
use crate::kernels::gemm::left::{Left, Places};
use crate::kernels::gemm::{Epilogue, L2, Right, by_panels, by_rows, packed_len, rows_in_cache};

/// Rows of a product that are worth a call of their own; and such that are worth reading a weight from memory.
pub(super) const ROWS: usize = 48;
pub(super) const ROWS_OF_A_LARGE_WEIGHT: usize = 192;

/// Of what kind the products of a convolution are: `groups` of them, each k × n, with `outputs` columns in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups {
    /// How many products of matrices. Channels that are groups of their own are one product, channel by channel.
    pub(super) count: usize,
    /// The columns of each.
    pub(super) n: usize,
    /// The channels of each in a position of its left operand.
    pub(super) channels: usize,
    pub(super) depthwise: bool,
}

impl Groups {
    /// Those of windows over x, with y's channels as columns.
    pub(super) fn forward(shape: &Shape) -> Groups {
        Groups::new(shape, shape.inputs, shape.outputs)
    }

    /// Those of windows over y, with x's channels as columns.
    pub(super) fn backward(shape: &Shape) -> Groups {
        Groups::new(shape, shape.outputs, shape.inputs)
    }

    fn new(shape: &Shape, from: usize, to: usize) -> Groups {
        if shape.is_depthwise() {
            Groups { count: 1, n: shape.outputs, channels: 1, depthwise: true }
        } else {
            Groups { count: shape.groups, n: to / shape.groups, channels: from / shape.groups, depthwise: false }
        }
    }

    /// The columns of all.
    pub(super) fn columns(&self) -> usize {
        self.count * self.n
    }

    /// Whether a weight of `k` rows has to be packed, as it does not fit the cache.
    pub(super) fn is_large<T>(&self, k: usize) -> bool {
        !self.depthwise && k * self.n * size_of::<T>() > L2 / 2
    }

    /// How many of `batch` samples with so many positions are worth working on at once.
    pub(super) fn samples<T>(&self, k: usize, positions: usize, batch: usize) -> usize {
        let rows = if self.is_large::<T>(k) { ROWS_OF_A_LARGE_WEIGHT } else { ROWS };
        rows.div_ceil(positions).min(batch)
    }

    /// The elements of a copy of a weight of `k` rows.
    pub(super) fn weight_len<T>(&self, k: usize) -> usize {
        if self.depthwise { k * self.n } else { self.count * packed_len::<T>(k, self.n) }
    }
}

/// The weight of all groups.
#[derive(Clone, Copy, Debug)]
pub(super) enum Weight<'a, T> {
    /// k rows, with the columns of all groups side by side.
    Plain(&'a [T]),
    /// The panels of each group.
    Packed(&'a [T]),
}

/// Out = start + windows · weight: rows r are the elements of `data` at `rows[r]` + `steps[p]`, shifted by its channels for
/// each group. Rows of the result lie side by side.
pub(super) fn product<T: Real>(
    groups: Groups,
    (data, rows, steps): (&[T], Places<'_>, Places<'_>),
    k: usize,
    weight: Weight<'_, T>,
    start: Start<'_, T>,
    out: &mut [T],
    then: Epilogue<'_, T>,
) {
    let o = groups.columns();
    let m = out.len() / o;
    if groups.depthwise {
        let Weight::Plain(weight) = weight else { unreachable!("channels of their own are not packed") };
        return by_channels((m, o, k), (data, rows, steps), weight, start, out, then);
    }
    let Groups { count, n, channels, .. } = groups;
    for g in 0..count {
        let left = Left::Table { data: &data[g * channels..], rows, steps };
        let (start, out) = (start.columns(g * n, n), &mut out[g * n..]);
        let right = match weight {
            Weight::Plain(data) => Right::Plain { data: &data[g * n..], stride: o },
            Weight::Packed(data) => Right::Packed { data: &data[g * packed_len::<T>(k, n)..], k },
        };
        match right {
            Right::Plain { .. } if groups.is_large::<T>(k) => {
                // A few rows of the weight at a time: their streams are read in order.
                let mut start = start;
                for from in (0..k).step_by(16) {
                    let (left, right) = (left.steps_from(from), right.rows_from(from));
                    by_rows((m, n, 16.min(k - from)), left, right, start, (&mut *out, o), &|_, _| ());
                    start = Start::Sum;
                }
                if count == 1 {
                    then(0, out);
                }
            }
            Right::Packed { data, .. } if groups.is_large::<T>(k) => {
                by_panels((m, n, k), left, data, start, (&mut *out, o));
                if count == 1 {
                    then(0, out);
                }
            }
            _ if count == 1 => by_rows((m, n, k), left, right, start, (out, o), then),
            _ => by_rows((m, n, k), left, right, start, (out, o), &|_, _| ()),
        }
    }
    if count > 1 {
        then(0, out);
    }
}

/// The product channel by channel, for some rows of all channels at a time.
fn by_channels<T: Real>(
    (m, o, k): (usize, usize, usize),
    (data, rows, steps): (&[T], Places<'_>, Places<'_>),
    weight: &[T],
    start: Start<'_, T>,
    out: &mut [T],
    then: Epilogue<'_, T>,
) {
    let height = rows_in_cache(o * size_of::<T>());
    for row in (0..m).step_by(height) {
        let height = height.min(m - row);
        let out = &mut out[row * o..][..height * o];
        for column in (0..o).step_by(lanes::<T>()) {
            let columns = lanes::<T>().min(o - column);
            T::block(Block {
                rows: height,
                columns,
                k,
                left: Left::Channels { data: &data[column..], rows: rows.from(row), steps },
                right: &weight[column..],
                right_stride: o,
                start: start.columns(column, columns),
                out: &mut out[column..],
                out_stride: o,
                spill: columns == o,
            });
        }
        then(row * o, out);
    }
}
