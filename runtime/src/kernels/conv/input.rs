//! The gradient of the input: what each element of it has met, which is a convolution of dy with the kernel's taps reversed
//! and its matrices transposed.
//!
//! With strides, elements that lie a stride apart meet the same taps of the kernel, and others meet others: each such phase
//! is a product of its own, and together they use each tap once.

use super::Padding;
use super::product::{Groups, Weight, product};
use super::shape::{Frame, Phase, Shape, fill_table};
use super::spread::spread;
use super::winograd;
use crate::Real;
use crate::kernels::gemm::block::{Start, panel};
use crate::kernels::gemm::left::Places;
use crate::kernels::gemm::pack::{aligned, cut, pack_transposed, packed_width};
use crate::kernels::gemm::{Epilogue, multiply_transposed, packed_len};
use crate::parallel::with_scratch;

/// dx = b + what the windows that reach each element make of dy: a convolution's gradient, or a transposed convolution.
pub(super) fn backward_input<T: Real>(shape: &Shape, dy: &[T], w: &[T], b: &[T], dx: &mut [T], then: Epilogue<'_, T>) {
    let (c, o) = (shape.inputs, shape.outputs);
    if shape.is_product() && b.is_empty() {
        return multiply_transposed((dx.len() / c, c, o), (dy, o), (w, o), (dx, c), then);
    }
    if winograd::suits(shape) {
        return winograd::backward_input(shape, dy, w, b, dx, then);
    }
    if spreads(shape) {
        return spread(shape, dy, w, b, dx, then);
    }
    let (sample, result) = (shape.sample(), shape.positions() * o);
    let batch = dx.len() / sample;
    if batch == 0 {
        return;
    }
    // What has been padded with elements of the sample gets the gradient of the padded sample first.
    let padded = shape.frame();
    let folds = shape.mode != Padding::Zeros && !padded.is_unpadded();
    let shape = &if folds { shape.padded() } else { *shape };

    let (groups, frame) = (Groups::backward(shape), shape.result_frame());
    let (k, gradient) = (groups.channels * shape.kernel().iter().product::<usize>(), shape.sample());
    let in_place = shape.lines.iter().all(|line| line.stride == 1) && !folds && groups.columns() == c;
    let rows = phases(shape).map(|phase| positions(&phase)).max().unwrap_or(0);
    let together = groups.samples::<T>(k, rows, batch);
    let lens = [
        phases(shape).map(|phase| groups.weight_len::<T>(taps(&phase) * groups.channels)).sum(),
        frame.scratch(together),
        if in_place { 0 } else { together * rows * groups.columns() },
        if folds { together * gradient } else { 0 },
    ];
    with_scratch(together * rows + k, |tables: &mut [u32]| {
        let (rows, steps) = tables.split_at_mut(together * rows);
        with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
            let [packed, frames, sums, gradients] = lens.map(|len| cut(&mut scratch, len));
            frame.clear(frames);
            pack_phases(shape, groups, w, packed);
            let (dy_step, dx_step) = (together * result, together * sample);
            for (i, (dy, dx)) in dy.chunks(dy_step).zip(dx.chunks_mut(dx_step)).enumerate() {
                let (place, samples) = (i * dx_step, dx.len() / sample);
                let data = frame.of(dy, frames);
                let mut weight = &packed[..];
                for phase in phases(shape) {
                    let k = taps(&phase) * groups.channels;
                    let (rows, steps) = (&mut rows[..samples * positions(&phase)], &mut steps[..k]);
                    let (own, rest) = weight.split_at(groups.weight_len::<T>(k));
                    weight = rest;
                    if k > 0 {
                        place_phase(&frame, &phase, samples, groups.channels, rows, steps);
                    }
                    let windows = (data, Places::new(rows), Places::new(steps));
                    let weight = if groups.depthwise { Weight::Plain(own) } else { Weight::Packed(own) };
                    if in_place {
                        let start = if b.is_empty() { Start::Zero } else { Start::Row(b) };
                        product(groups, windows, k, weight, start, dx, &|at, dx| then(place + at, dx));
                        continue;
                    }
                    let sums = &mut sums[..rows.len() * groups.columns()];
                    if k > 0 {
                        product(groups, windows, k, weight, Start::Zero, sums, &|_, _| ());
                    } else {
                        sums.fill(T::ZERO);
                    }
                    let to = if folds { &mut gradients[..samples * gradient] } else { &mut *dx };
                    scatter(shape, &phase, groups.columns() / c, sums, b, to);
                }
                if folds {
                    for (gradient, dx) in gradients.chunks_exact(gradient).zip(dx.chunks_exact_mut(sample)) {
                        padded.fold(gradient, &[], dx);
                    }
                }
                if !in_place {
                    then(place, dx);
                }
            }
        });
    });
}

/// Whether it takes less to compute what each window makes of each of its elements, and to add that up, than to gather for each
/// element: that fills whole registers, and does without the windows that are not there.
fn spreads(shape: &Shape) -> bool {
    let (c, o, k) = (shape.inputs, shape.outputs, shape.rows());
    if shape.groups > 1 {
        return false;
    }
    // In multiply-adds: an addition in memory, and what a short chain costs more than a long one, are some 12.
    let spread = shape.positions() * k * (o + 12);
    let gather = phases(shape).map(|phase| positions(&phase) * taps(&phase)).sum::<usize>() * o * c.next_multiple_of(8);
    spread < gather
}

/// The phases of all axes.
fn phases(shape: &Shape) -> impl Iterator<Item = [Phase; 3]> {
    let [d, h, l] = shape.lines;
    d.phases().flat_map(move |d| h.phases().flat_map(move |h| l.phases().map(move |l| [d, h, l])))
}

/// The number of elements of x in a phase.
fn positions(phase: &[Phase; 3]) -> usize {
    phase.iter().map(|phase| phase.len).product()
}

/// The number of taps that they meet.
fn taps(phase: &[Phase; 3]) -> usize {
    phase.iter().map(|phase| phase.taps).product()
}

/// Where the rows and the steps of a phase's product lie in frames of dy.
fn place_phase(
    frame: &Frame,
    phase: &[Phase; 3],
    samples: usize,
    channels: usize,
    rows: &mut [u32],
    steps: &mut [u32],
) {
    let strides = frame.strides();
    let [d, h, l] = [0, 1, 2].map(|a| (phase[a].len, strides[a]));
    let first = frame.place(phase.each_ref().map(|phase| phase.window));
    fill_table(rows, first, &[(samples, frame.elements()), d, h, l]);
    let [d, h, l] = [0, 1, 2].map(|a| (phase[a].taps, phase[a].window_step * strides[a]));
    fill_table(steps, 0, &[d, h, l, (channels, 1)]);
}

/// The weight of each phase's product: its taps from the last to the first, each with its matrix transposed.
fn pack_phases<T: Real>(shape: &Shape, groups: Groups, w: &[T], mut to: &mut [T]) {
    let (o, [_, h, l], Groups { count, n, channels, .. }) = (shape.outputs, shape.kernel(), groups);
    for phase in phases(shape) {
        let k = taps(&phase) * channels;
        let (own, rest) = to.split_at_mut(groups.weight_len::<T>(k));
        to = rest;
        for t in 0..taps(&phase) {
            let [a, b, c] = {
                let at = [t / (phase[1].taps * phase[2].taps), t / phase[2].taps % phase[1].taps, t % phase[2].taps];
                [0, 1, 2].map(|axis| phase[axis].tap - at[axis] * phase[axis].tap_step)
            };
            let tap = (a * h + b) * l + c;
            if groups.depthwise {
                own[t * o..][..o].copy_from_slice(&w[tap * o..][..o]);
                continue;
            }
            for g in 0..count {
                for column in (0..n).step_by(panel::<T>()) {
                    let columns = panel::<T>().min(n - column);
                    let from = &w[(tap * n + column) * o + g * channels..];
                    let at = g * packed_len::<T>(k, n) + column * k + t * channels * packed_width::<T>(columns);
                    pack_transposed(channels, columns, from, o, &mut own[at..]);
                }
            }
        }
    }
}

/// Writes a phase's elements where they belong, the sum of `repeat` numbers each, with the bias.
fn scatter<T: Real>(shape: &Shape, phase: &[Phase; 3], repeat: usize, sums: &[T], b: &[T], to: &mut [T]) {
    let (c, [_, h_len, l_len]) = (shape.inputs, shape.input());
    let [d_stride, h_stride, l_stride] = shape.lines.each_ref().map(|line| line.stride);
    let [d, h, l] = phase;
    let mut lines = sums.chunks_exact(l.len * c * repeat);
    for to in to.chunks_exact_mut(shape.sample()) {
        for at_d in (0..d.len).map(|t| d.first + t * d_stride) {
            for at_h in (0..h.len).map(|t| h.first + t * h_stride) {
                let to = &mut to[((at_d * h_len + at_h) * l_len + l.first) * c..];
                let line = lines.next().expect("a line of the phase");
                for (to, sums) in to.chunks_mut(l_stride * c).zip(line.chunks_exact(c * repeat)) {
                    if repeat == 1 {
                        to[..c].copy_from_slice(sums);
                    } else {
                        for (to, sums) in to.iter_mut().zip(sums.chunks_exact(repeat)) {
                            *to = sums.iter().fold(T::ZERO, |sum, &x| sum + x);
                        }
                    }
                    for (to, &b) in to.iter_mut().zip(b) {
                        *to += b;
                    }
                }
            }
        }
    }
}
