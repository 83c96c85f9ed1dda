//! What generated code names, beside public traits. No one else should: it may change in any release.
//!
//! Generated code calls this module `glulam`, and what the user wrote stands beside it: so it holds all that the crate's
//! own root holds.

// Whatever the user's crate calls so.
pub use core::option::Option::{None, Some};
pub use glulam_macros as macros;

pub use crate::{__items as items, __network_or_errors as network_or_errors};

pub use crate::checkpoint::saved;
// What a user's path `glulam::…` would find.
pub use crate::*;

pub use crate::kernels::*;
pub use crate::loss::total;
pub use crate::network::{
    BufferSpec, Context, Kind, LayerSpec, Mode, Output, Outputs, PIECES, ParamSpec, RowLoss, Sample, UpdateBy, Weights,
    rows_of_piece,
};
pub use crate::parallel::{Split, for_each};
pub use crate::rng::draw_seed;

pub use crate::update::for_each_update;

use crate::init::Init;
use crate::kernels::rows_of_a_cut;
use crate::loss::Text;
pub use crate::memory::Memory;
use crate::memory::words_of;
use crate::parallel::{with_batch_scratch, with_scratch};
use crate::rng::Generator;

/// The bytes of `count` scalars.
pub const fn bytes<E>(count: usize) -> usize {
    count * size_of::<E>()
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

impl<const I: usize, const O: usize> Span<I, O> {
    /// The first parameter of the table.
    pub const FIRST: Self = Span::new(0, 0);

    /// The next parameter of the table. It begins on a cache line (of f32), where vector loads like it.
    pub const fn next<const NEXT_I: usize, const NEXT_O: usize>(self) -> Span<NEXT_I, NEXT_O> {
        Span::new(self.index + 1, (self.offset + I * O).next_multiple_of(16))
    }
}

/// A row of the parameter table: a parameter that is seen as rows, between which it may be cut.
pub const fn matrix_spec<const I: usize, const O: usize>(
    span: Span<I, O>,
    name: &'static str,
    shape: &'static [usize],
    cost: usize,
    kind: Kind,
) -> ParamSpec {
    ParamSpec { row: O * rows_of_a_cut(I), cost, ..ParamSpec::new(name, shape, span.offset, kind) }
}

/// The same of a vector, which may be cut anywhere.
pub const fn vector_spec<const O: usize>(
    span: Span<1, O>,
    name: &'static str,
    shape: &'static [usize],
    cost: usize,
    kind: Kind,
) -> ParamSpec {
    ParamSpec { cost, ..ParamSpec::new(name, shape, span.offset, kind) }
}

/// The number of parameters, without the gaps between them.
pub const fn total_parameters(params: &[ParamSpec]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < params.len() {
        sum += params[i].len;
        i += 1;
    }
    sum
}

/// What a new network remembers: each parameter drawn as `inits` say, in the order of the table.
pub fn initial<N: Network<f32>>(seed: u64, inits: &[(&str, Init)]) -> Weights<f32> {
    initial_of(N::PARAMS, N::BUFFERS, seed, inits)
}

/// The same, all zero.
pub fn zeros<T: Real, N: Network<T>>(seed: u64) -> Weights<T> {
    zeros_of(N::PARAMS, N::BUFFERS, seed)
}

fn zeros_of<T: Real>(params: &[ParamSpec], buffers: &[BufferSpec], seed: u64) -> Weights<T> {
    let end = params.last().map_or(0, |last| last.offset + last.len);
    let (counters, arrays): (Vec<&BufferSpec>, Vec<&BufferSpec>) = buffers.iter().partition(|buffer| buffer.counter);
    Weights::zeros(end, arrays.iter().map(|b| b.len).sum(), counters.len(), seed)
}

fn initial_of(params: &[ParamSpec], buffers: &[BufferSpec], seed: u64, inits: &[(&str, Init)]) -> Weights<f32> {
    let mut generator = Generator::seed_from(seed);
    let mut weights = zeros_of(params, buffers, seed);
    for (param, (_, init)) in params.iter().zip(inits) {
        init.fill(param, &mut weights.parameters, &mut generator);
    }
    for BufferSpec { offset, len, init, .. } in buffers.iter().filter(|buffer| !buffer.counter) {
        weights.buffers[*offset..offset + len].fill(*init as f32);
    }
    weights
}

/// The number of the first parameter that is trained, and where the gradient of the inputs goes, for which all before it
/// is needed too.
pub fn wanted<'d, T: Real, S: Sample<T>, const N: usize>(
    update: &Update<'_, T>,
    params: &[ParamSpec],
    inputs: &[S],
    d_inputs: Option<&'d mut [S]>,
) -> (usize, Option<&'d mut [[T; N]]>) {
    match d_inputs {
        None => (update.first_wanted(params.len()), None),
        Some(d_inputs) => {
            let (found, expected) = (d_inputs.len(), inputs.len());
            assert!(found == expected, "{found} input gradients for {expected} inputs");
            (0, Some(flat_mut(d_inputs)))
        }
    }
}

/// The same of a network whose inputs have no gradient.
pub fn wanted_of_parameters<T: Real, S>(
    update: &Update<'_, T>,
    params: &[ParamSpec],
    d_inputs: Option<&mut [S]>,
) -> usize {
    assert!(d_inputs.is_none(), "the inputs of this network have no gradient");
    update.first_wanted(params.len())
}

/// The array that comes first in the workspace, as the last forward has left it.
pub fn first_samples<T: Real, S: Sample<T>>(workspace: &Workspace<T>) -> &[S] {
    S::from_flat(&workspace.values()[..workspace.rows() * S::LEN])
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

/// Stops the compilation if parameters of `shape` cannot be initialised so, with the reason. `subject`: which option says
/// it.
#[track_caller]
pub const fn assert_suits(init: &Init, shape: &[usize], subject: &str) {
    if let Some(problem) = init.problem(shape) {
        Text::new().text(subject).text(" does not suit the shape ").shape(shape).text(": ").text(problem).panic()
    }
}

/// Stops the compilation unless `condition` holds. (`assert!` calls whatever `panic!` a user's crate of an old edition has.)
#[track_caller]
pub const fn assert_that(condition: bool, message: &str) {
    if !condition {
        panic!("{}", message)
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

/// Rows of a prediction that are worked on at a time: their values stay in cache.
const PREDICT_ROWS: usize = 64;

/// The context of a prediction.
///
/// # Panics
/// If there are not as many outputs as inputs.
pub fn prediction(inputs: usize, outputs: usize) -> Context {
    assert!(inputs == outputs, "{inputs} inputs, room for {outputs} outputs");
    Context { mode: Mode::Eval, seed: 0, draw: 0, first_row: 0, rows: inputs }
}

/// The memory that a prediction needs beside its outputs, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Scratch {
    /// For each row.
    pub per_row: usize,
    /// The number of arrays that those are, each of which begins on a cache line.
    pub arrays: usize,
    /// For any number of rows.
    pub fixed: usize,
}

impl Scratch {
    fn words(self, rows: usize) -> usize {
        words_of(self.fixed + self.per_row * rows, self.arrays)
    }
}

/// Calls `body` for a few rows of `x` and `y` at a time, with scratch memory.
pub fn predict<X: Sync, Y: Send>(
    x: &[X],
    y: &mut [Y],
    work: u64,
    memory: Scratch,
    body: impl Fn(&[X], &mut [Y], Memory<'_>) + Sync,
) {
    for_each((x, y), work, |(x, y): (&[X], &mut [Y])| {
        if x.is_empty() {
            return;
        }
        let rows = x.len().min(PREDICT_ROWS);
        with_scratch(memory.words(rows), |words| {
            for (x, y) in x.chunks(rows).zip(y.chunks_mut(rows)) {
                body(x, y, Memory::new(words));
            }
        });
    });
}

/// The same for all rows at once: a layer computes statistics of the evaluated batch itself.
pub fn predict_whole<X: Sync, Y: Send>(
    x: &[X],
    y: &mut [Y],
    _work: u64,
    memory: Scratch,
    body: impl Fn(&[X], &mut [Y], Memory<'_>) + Sync,
) {
    if !x.is_empty() {
        with_batch_scratch(memory.words(x.len()), |words| body(x, y, Memory::new(words)));
    }
}
