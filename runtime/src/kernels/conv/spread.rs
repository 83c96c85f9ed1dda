//! The gradient of the input by way of what each window makes of each of its elements: for few channels.

use super::shape::{Shape, fill_rows, fill_table};
use crate::Real;
use crate::kernels::gemm::block::Start;
use crate::kernels::gemm::left::Left;
use crate::kernels::gemm::pack::{aligned, cut};
use crate::kernels::gemm::{Epilogue, Right, by_rows, pack_all_transposed, packed_len, rows_in_cache};
use crate::parallel::with_scratch;
use crate::simd::multiversion;
use crate::simd::vector::Lanes;

/// Scalars for which sums are spread over windows.
pub trait SpreadKernels: Sized {
    /// Adds each row of `sums` to a window of `to`, run by run: those that begin at `runs` from the window's place on.
    fn add_windows(sums: &[Self], windows: &[u32], runs: &[u32], run: usize, to: &mut [Self]);
}

/// dx = b + Σ over windows of dy·wᵀ, some windows at a time, while what they add is in the first-level cache.
pub(super) fn spread<T: Real>(shape: &Shape, dy: &[T], w: &[T], b: &[T], dx: &mut [T], then: Epilogue<'_, T>) {
    let (c, o, k, frame) = (shape.inputs, shape.outputs, shape.rows(), shape.frame());
    let (positions, sample, [_, _, line]) = (shape.positions(), shape.sample(), shape.lines);
    let height = rows_in_cache(k * size_of::<T>()).min(positions);
    // The elements of a line lie side by side, unless the kernel is dilated.
    let run = if line.dilation == 1 { line.kernel * c } else { c };
    let lens = [packed_len::<T>(o, k), height * k, frame.scratch(1)];
    with_scratch(positions + k / run, |tables: &mut [u32]| {
        let (windows, runs) = tables.split_at_mut(positions);
        fill_table(windows, 0, &shape.window_axes(&frame));
        fill_table(runs, 0, &shape.tap_axes(&frame)[..if run == c { 3 } else { 2 }]);
        with_scratch(lens.map(aligned).iter().sum(), |mut scratch| {
            let [packed, sums, gradient] = lens.map(|len| cut(&mut scratch, len));
            pack_all_transposed((k, o), w, o, packed);
            for (i, (dy, dx)) in dy.chunks_exact(positions * o).zip(dx.chunks_exact_mut(sample)).enumerate() {
                let to = if frame.is_sample() {
                    fill_rows(b, dx);
                    &mut *dx
                } else {
                    gradient.fill(T::ZERO);
                    &mut *gradient
                };
                for (dy, windows) in dy.chunks(height * o).zip(windows.chunks(height)) {
                    let (left, sums) = (Left::Rows { data: dy, stride: o }, &mut sums[..windows.len() * k]);
                    let right = Right::Packed { data: packed, k: o };
                    by_rows((windows.len(), k, o), left, right, Start::Zero, (sums, k), &|_, _| ());
                    T::add_windows(sums, windows, runs, run, to);
                }
                if !frame.is_sample() {
                    frame.fold(gradient, b, dx);
                }
                then(i * sample, dx);
            }
        });
    });
}

#[inline(always)]
fn add_windows_body<S: Lanes<T>, T: Real>(s: S, sums: &[T], windows: &[u32], runs: &[u32], run: usize, to: &mut [T]) {
    for (sums, &window) in sums.chunks_exact(run * runs.len()).zip(windows) {
        for (sums, &from) in sums.chunks_exact(run).zip(runs) {
            let to = &mut to[(window + from) as usize..][..run];
            let (mut wide, mut to) = (sums.chunks_exact(S::LANES), to.chunks_exact_mut(S::LANES));
            for (sums, to) in (&mut wide).zip(&mut to) {
                s.store(s.add(s.load(sums), s.load(to)), to);
            }
            for (to, &sum) in to.into_remainder().iter_mut().zip(wide.remainder()) {
                *to += sum;
            }
        }
    }
}

macro_rules! spread_kernels {
    ($($t:ident $name:ident;)*) => { $(
        multiversion! {
            fn $name(sums: &[$t], windows: &[u32], runs: &[u32], run: usize, to: &mut [$t])
                = add_windows_body::<S, $t> with simd;
        }
        impl SpreadKernels for $t {
            fn add_windows(sums: &[$t], windows: &[u32], runs: &[u32], run: usize, to: &mut [$t]) {
                $name(sums, windows, runs, run, to);
            }
        }
    )* };
}
spread_kernels! {
    f32 add_windows_f32;
    f64 add_windows_f64;
}
