//! The gradient of the weight: for each tap and each pair of channels, what they have made of one another at all windows of
//! all samples.

use std::ops::Range;

use super::product::Groups;
use super::shape::{Shape, fill_table};
use crate::kernels::gemm::block::{Block, Start, lanes, panel, whole_tiles};
use crate::kernels::gemm::left::{Left, Places};
use crate::kernels::gemm::pack::{aligned, cut, packed_width};
use crate::kernels::gemm::{Factor, L1, L2, Right, multiply_into_update, pack_all, packed_len};
use crate::parallel::with_scratch;
use crate::{Real, Update};

/// The rows by which tables of a gradient's rows are longer, so that blocks may have whole tiles.
const SPARE: usize = 8;

/// Bytes of the gradient that stay in the second-level cache while windows stream by.
const AREA: usize = L2 / 4;

/// Bytes of an element's channels from which neighbours lie so far apart that few sets of a cache serve them all: then what a
/// part of the gradient meets of each window is laid out close together (BENCHMARKS.md).
const WIDE: usize = 1024;

/// Windows whose frames are made at once: pieces of chains are as long, or as long as a piece of dy stays in the first-level cache.
const WINDOWS: usize = 256;

/// dw = Σ windowsᵀ·dy, over samples and their windows in order.
pub(super) fn backward_weight<T: Real>(
    shape: &Shape,
    x: &[T],
    dy: &[T],
    (index, offset): (usize, usize),
    update: &mut Update<'_, T>,
) {
    let (c, o, k) = (shape.inputs, shape.outputs, shape.rows());
    let (positions, sample, size) = (shape.positions(), shape.sample(), size_of::<T>());
    let part = update.part_of(offset, k * o);
    let part = part.start / o..part.end / o;
    if part.is_empty() {
        return;
    }
    if shape.is_product() {
        let a = Factor::Plain { data: x, stride: c };
        return multiply_into_update(part, (o, x.len() / c), a, (dy, o), (index, offset), update);
    }
    if shape.groups == 1 && c * size >= WIDE && o > panel::<T>() {
        let a = Factor::LaidOut(&|windows, elements, to, stride| lay_out(shape, x, windows, elements, to, stride));
        return multiply_into_update(part, (o, dy.len() / o), a, (dy, o), (index, offset), update);
    }
    let (groups, frame, batch) = (Groups::forward(shape), shape.frame(), x.len() / sample);
    // An area of the gradient and a piece of dy and of the windows stay in cache. With one group, rows of the area are whole
    // registers long.
    let width = if groups.count == 1 { packed_width::<T>(o) } else { o };
    let section = part.len().div_ceil((part.len() * width * size).div_ceil(AREA)).next_multiple_of(24).min(part.len());
    // Places in all of them are numbers of 32 bits.
    let together = WINDOWS.div_ceil(positions).min(u32::MAX as usize / frame.elements()).min(batch).max(1);
    let piece = (L1 / 2 / size / panel::<T>()).min(together * positions);
    let packs = !groups.depthwise && section >= 24 && o > panel::<T>();
    let lens = [
        (section + SPARE) * width,
        frame.scratch(together),
        if packs { groups.count * packed_len::<T>(piece, groups.n) } else { 0 },
    ];
    with_scratch(k + SPARE + together * positions, |tables: &mut [u32]| {
        let (rows, windows) = tables.split_at_mut(k + SPARE);
        let [d, h, l] = shape.tap_axes(&frame);
        fill_table(&mut rows[..k], 0, &[d, h, l, (groups.channels, 1)]);
        let last = rows[k - 1];
        rows[k..].fill(last);
        let [d, h, l] = shape.window_axes(&frame);
        fill_table(windows, 0, &[(together, frame.elements()), d, h, l]);
        with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
            let [sums, frames, packed] = lens.map(|len| cut(&mut scratch, len));
            frame.clear(frames);
            for from in part.clone().step_by(section) {
                let section = section.min(part.end - from);
                let rows = Places::new(&rows[from..][..section + SPARE]);
                let mut start = Start::Zero;
                for (x, dy) in x.chunks(together * sample).zip(dy.chunks(together * positions * o)) {
                    let data = frame.of(x, frames);
                    let windows = &windows[..dy.len() / o];
                    for (windows, dy) in windows.chunks(piece).zip(dy.chunks(piece * o)) {
                        let windows = Places::new(windows);
                        let area = Area { section, length: dy.len() / o, o, width };
                        area.add(groups, (data, rows, windows), dy, packs.then_some(&mut *packed), start, sums);
                        start = Start::Sum;
                    }
                }
                if batch == 0 {
                    sums.fill(T::ZERO);
                }
                for row in 1..section {
                    sums.copy_within(row * width..row * width + o, row * o);
                }
                update.finish(index, offset + from * o, &sums[..section * o]);
            }
        });
    });
}

/// Lays out the elements `elements` of the windows `windows` of x, counted over all samples; windows lie `stride` apart.
fn lay_out<T: Real>(
    shape: &Shape,
    x: &[T],
    windows: Range<usize>,
    elements: Range<usize>,
    to: &mut [T],
    stride: usize,
) {
    let (channels, positions) = (shape.inputs, shape.positions());
    for (window, to) in windows.zip(to.chunks_mut(stride)) {
        let x = &x[window / positions * shape.sample()..][..shape.sample()];
        let mut to = &mut to[..elements.len()];
        let mut from = elements.start;
        while from < elements.end {
            let (tap, channel) = (from / channels, from % channels);
            let len = (channels - channel).min(elements.end - from);
            let (piece, rest) = to.split_at_mut(len);
            match shape.source(window % positions, tap) {
                Some(place) => piece.copy_from_slice(&x[place * channels + channel..][..len]),
                None => piece.fill(T::ZERO),
            }
            (to, from) = (rest, from + len);
        }
    }
}

/// Some rows of the gradient, and what is added to them at once.
struct Area {
    section: usize,
    /// The number of windows.
    length: usize,
    o: usize,
    /// The distance of the area's rows.
    width: usize,
}

impl Area {
    fn add<T: Real>(
        &self,
        groups: Groups,
        (data, rows, windows): (&[T], Places<'_>, Places<'_>),
        dy: &[T],
        packed: Option<&mut [T]>,
        start: Start<'_, T>,
        sums: &mut [T],
    ) {
        let &Area { section, length, o, width } = self;
        let Groups { count, n, channels, depthwise } = groups;
        let packed = packed.map(|packed| {
            for g in 0..count {
                pack_all((n, length), &dy[g * n..], o, &mut packed[g * packed_len::<T>(length, n)..]);
            }
            &*packed
        });
        let step = if depthwise { lanes::<T>() } else { panel::<T>() };
        for g in 0..count {
            for column in (0..n).step_by(step) {
                let columns = step.min(n - column);
                let (right, right_stride) = match packed {
                    Some(packed) => Right::Packed { data: &packed[g * packed_len::<T>(length, n)..], k: length }
                        .columns(column, columns),
                    None => (&dy[g * n + column..], o),
                };
                let left = if depthwise {
                    Left::Channels { data: &data[column..], rows, steps: windows }
                } else {
                    Left::Table { data: &data[g * channels..], rows, steps: windows }
                };
                T::block(Block {
                    rows: whole_tiles::<T>(section, columns),
                    columns,
                    k: length,
                    left,
                    right,
                    right_stride,
                    start,
                    out: &mut sums[g * n + column..],
                    out_stride: width,
                    spill: count == 1,
                });
            }
        }
    }
}
