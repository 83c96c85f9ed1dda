//! What generated code names, beside public traits. No one else should: it may change in any release.

use std::cell::RefCell;

pub use glulam_macros::network_or_errors;

pub use crate::checkpoint::saved;
pub use crate::flat::{ALIGN, Flat};
pub use crate::kernels::*;
pub use crate::loss::total;
pub use crate::network::{
    BufferSpec, Context, Kind, LayerSpec, Layout, Mode, Output, Outputs, ParamSpec, RowLoss, Sample, UpdateBy, Weights,
};

// Without its name: a network may be called `Network`.
pub use crate::network::Network as _;

pub use crate::init::{FanMode, Init, Nonlinearity};
pub use crate::parallel::{Split, for_each, for_each_update};
pub use crate::rng::{Generator, draw_seed};
pub use crate::{Gradients, Real, Update, Workspace};

/// Takes `rows` rows of `N` scalars from the front of `rest`, and goes on to the next cache line.
pub fn take<'a, T: Real, const N: usize>(rest: &mut &'a mut [T], rows: usize) -> &'a mut [[T; N]] {
    let line = ALIGN / size_of::<T>();
    let (taken, left) = std::mem::take(rest).split_at_mut((rows * N).next_multiple_of(line));
    *rest = left;
    taken[..rows * N].as_chunks_mut().0
}

/// The same, to be read.
pub fn take_read<'a, T: Real, const N: usize>(rest: &mut &'a [T], rows: usize) -> &'a [[T; N]] {
    let line = ALIGN / size_of::<T>();
    let (taken, left) = rest.split_at((rows * N).next_multiple_of(line));
    *rest = left;
    taken[..rows * N].as_chunks().0
}

/// Takes the next `N` scalars from the front of `rest`.
pub fn take_array<'a, T, const N: usize>(rest: &mut &'a mut [T]) -> &'a mut [T; N] {
    let (taken, left) = std::mem::take(rest).split_first_chunk_mut().expect("the tables give the array its length");
    *rest = left;
    taken
}

/// The same, to be read.
pub fn take_array_read<'a, T, const N: usize>(rest: &mut &'a [T]) -> &'a [T; N] {
    let (taken, left) = rest.split_first_chunk().expect("the tables give the array its length");
    *rest = left;
    taken
}

/// A parameter of the flat array as a matrix.
pub fn matrix<T, const I: usize, const O: usize>(parameters: &[T], span: Span<I, O>) -> &[[T; O]; I] {
    let rows = parameters[span.offset..span.offset + I * O].as_chunks().0;
    rows.try_into().expect("a span has the length of its parameter")
}

/// A parameter of the flat array as a vector.
pub fn vector<T, const O: usize>(parameters: &[T], span: Span<1, O>) -> &[T; O] {
    parameters[span.offset..span.offset + O].try_into().expect("a span has the length of its parameter")
}

/// Takes a parameter as a matrix from what is left of the flat array, `rest`, which begins at element `at`.
pub fn take_matrix<'a, T, const I: usize, const O: usize>(
    rest: &mut &'a mut [T],
    at: &mut usize,
    span: Span<I, O>,
) -> &'a mut [[T; O]; I] {
    let rows = take_span(rest, at, span.offset, I * O).as_chunks_mut().0;
    rows.try_into().expect("a span has the length of its parameter")
}

/// The same, as a vector.
pub fn take_vector<'a, T, const O: usize>(rest: &mut &'a mut [T], at: &mut usize, span: Span<1, O>) -> &'a mut [T; O] {
    take_span(rest, at, span.offset, O).try_into().expect("a span has the length of its parameter")
}

fn take_span<'a, T>(rest: &mut &'a mut [T], at: &mut usize, offset: usize, len: usize) -> &'a mut [T] {
    let (_, from) = std::mem::take(rest).split_at_mut(offset - *at);
    let (taken, left) = from.split_at_mut(len);
    *rest = left;
    *at = offset + len;
    taken
}

/// Samples of any rank as rows of scalars.
pub fn flat<T, S: Sample<T>, const N: usize>(samples: &[S]) -> &[[T; N]] {
    S::to_flat(samples).as_chunks().0
}

/// The same, to be written to.
pub fn flat_mut<T, S: Sample<T>, const N: usize>(samples: &mut [S]) -> &mut [[T; N]] {
    S::to_flat_mut(samples).as_chunks_mut().0
}

/// Rows of scalars as samples of any rank.
pub fn samples<T, S: Sample<T>, const N: usize>(rows: &[[T; N]]) -> &[S] {
    S::from_flat(rows.as_flattened())
}

/// The same, to be written to.
pub fn samples_mut<T, S: Sample<T>, const N: usize>(rows: &mut [[T; N]]) -> &mut [S] {
    S::from_flat_mut(rows.as_flattened_mut())
}

/// The two parts of rows that may not be there.
pub fn split_option<S>(rows: Option<&mut [S]>, at: usize) -> (Option<&mut [S]>, Option<&mut [S]>) {
    match rows {
        Some(rows) => {
            let (left, right) = rows.split_at_mut(at);
            (Some(left), Some(right))
        }
        None => (None, None),
    }
}

/// The operations of all layers.
pub const fn total_flops(layers: &[LayerSpec]) -> u64 {
    let (mut sum, mut i) = (0, 0);
    while i < layers.len() {
        sum += layers[i].flops;
        i += 1;
    }
    sum
}

/// `Mlp { parameters: 50890, input: [784], output: [10] }`
pub fn debug<T: Real, N: crate::Network<T>>(f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct(N::NAME)
        .field("parameters", &N::PARAMETERS)
        .field("input", &N::INPUT_SHAPE)
        .field("output", &N::OUTPUT_SHAPE)
        .finish()
}

/// Rounds a place in the flat array up to a cache line of f32.
pub const fn align(offset: usize) -> usize {
    offset.next_multiple_of(16)
}

/// Rows of a prediction that are worked on at a time: their values stay in cache.
pub const PREDICT_ROWS: usize = 64;

/// Lends `len` scalars of this thread's scratch memory, which grows to the largest that was asked for.
pub fn with_scratch<T: Real, R>(len: usize, body: impl FnOnce(&mut [T]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Option<Box<dyn std::any::Any>>> = const { RefCell::new(None) };
    }
    // Taken out while it is lent, so that a prediction inside a prediction gets memory of its own.
    let mut scratch = SCRATCH.take().and_then(|any| any.downcast::<Flat<T>>().ok());
    if scratch.as_ref().is_none_or(|s| s.len() < len) {
        scratch = Some(Box::new(Flat::zeros(len)));
    }
    let mut scratch = scratch.expect("made above");
    let result = body(&mut scratch[..len]);
    SCRATCH.set(Some(scratch));
    result
}
