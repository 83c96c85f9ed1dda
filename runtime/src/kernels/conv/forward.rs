//! y = b + windows · w.

use super::product::{Groups, Weight, product};
use super::shape::{Shape, fill_table};
use super::winograd;
use crate::Real;
use crate::kernels::gemm::block::{Start, panel};
use crate::kernels::gemm::left::Places;
use crate::kernels::gemm::pack::{aligned, cut};
use crate::kernels::gemm::{Epilogue, multiply, pack_all, packed_len};
use crate::parallel::with_scratch;

/// Some samples at a time are laid into frames; their windows are the rows of a product.
pub(super) fn forward<T: Real>(shape: &Shape, x: &[T], w: &[T], b: &[T], y: &mut [T], then: Epilogue<'_, T>) {
    let start = if b.is_empty() { Start::Zero } else { Start::Row(b) };
    let (c, o, positions) = (shape.inputs, shape.outputs, shape.positions());
    if shape.is_product() {
        return multiply((y.len() / o, o, c), (x, c), (w, o), start, (y, o), then);
    }
    if winograd::suits(shape) {
        return winograd::forward(shape, x, w, b, y, then);
    }
    let (groups, frame, k) = (Groups::forward(shape), shape.frame(), shape.rows());
    let batch = y.len() / (positions * o);
    if batch == 0 {
        return;
    }
    let together = groups.samples::<T>(k, positions, batch);
    // Several panels of many rows are worth a copy; so is, for a few dozen rows, what does not stay in the cache.
    let enough = if groups.is_large::<T>(k) { 48 } else { 512 };
    let packs = !groups.depthwise && o > panel::<T>() && batch * positions >= enough;
    let lens = [if packs { groups.weight_len::<T>(k) } else { 0 }, frame.scratch(together)];
    with_scratch(together * positions + k, |tables: &mut [u32]| {
        let (rows, steps) = tables.split_at_mut(together * positions);
        let [d, h, l] = shape.window_axes(&frame);
        fill_table(rows, 0, &[(together, frame.elements()), d, h, l]);
        let [d, h, l] = shape.tap_axes(&frame);
        fill_table(steps, 0, &[d, h, l, (groups.channels, 1)]);
        with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
            let [packed, frames] = lens.map(|len| cut(&mut scratch, len));
            frame.clear(frames);
            let weight = if packs {
                for g in 0..groups.count {
                    let to = &mut packed[g * packed_len::<T>(k, groups.n)..];
                    pack_all((groups.n, k), &w[g * groups.n..], o, to);
                }
                Weight::Packed(packed)
            } else {
                Weight::Plain(w)
            };
            let (x_step, y_step) = (together * shape.sample(), together * positions * o);
            for (i, (x, y)) in x.chunks(x_step).zip(y.chunks_mut(y_step)).enumerate() {
                let windows = (frame.of(x, frames), Places::new(&rows[..y.len() / o]), Places::new(steps));
                product(groups, windows, k, weight, start, y, &|at, y| then(i * y_step + at, y));
            }
        });
    });
}
