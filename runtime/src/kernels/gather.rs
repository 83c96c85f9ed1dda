//! Elements from elsewhere: each element of the result is one element of a sample, or a number.
//!
//! What pads a sample, crops it, or repeats its elements is a table of sources for each axis. Forward copies along them in
//! stretches; the gradient adds along the same tables, in the order of the result's elements.
//!
//! A sample is `[planes, lines, places, inner]`. The innermost elements stay together: they are the channels where these lie
//! last. Where the channels lie first, each of them is a sample of its own.

use crate::Real;

/// The source of what comes from nowhere.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Where the elements of the result come from, along each of three axes.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The lengths of the sample's axes.
    pub(super) input: [usize; 3],
    /// The source of each element of the result's axes.
    pub(super) sources: [&'a [u32]; 3],
    pub(super) inner: usize,
}

/// The loops of this file, on flat slices.
pub trait GatherKernels: Sized {
    /// y = x at its source, `fill` where it has none.
    fn gather(from: &Sources<'_>, fill: Self, x: &[Self], y: &mut [Self]);
    /// dx = Σ dy of what came from there.
    fn scatter(from: &Sources<'_>, dy: &[Self], dx: &mut [Self]);
}

macro_rules! gather_kernels {
    ($($t:ident)*) => { $(
        impl GatherKernels for $t {
            fn gather(from: &Sources<'_>, fill: $t, x: &[$t], y: &mut [$t]) {
                gather(from, fill, x, y);
            }
            fn scatter(from: &Sources<'_>, dy: &[$t], dx: &mut [$t]) {
                scatter(from, dy, dx);
            }
        }
    )* };
}
gather_kernels!(f32 f64);

/// So many elements side by side, from `at` of the result on, and where the first of them comes from.
struct Stretch {
    at: usize,
    source: Option<usize>,
    len: usize,
}

impl Sources<'_> {
    /// Elements of a sample, and of its result.
    pub(super) fn lens(&self) -> (usize, usize) {
        let output: usize = self.sources.iter().map(|axis| axis.len()).product();
        (self.input.iter().product::<usize>() * self.inner, output * self.inner)
    }

    /// Where the lines of the result come from: the first element of each in the sample.
    fn lines(&self) -> impl Iterator<Item = Option<usize>> {
        let [_, lines, places] = self.input;
        let inner = self.inner;
        let known = |source: u32| (source != NOWHERE).then_some(source as usize);
        self.sources[0].iter().flat_map(move |&plane| {
            let line = move |&line: &u32| Some((known(plane)? * lines + known(line)?) * places * inner);
            self.sources[1].iter().map(line)
        })
    }

    /// The stretches of a line.
    #[inline(always)]
    fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let (places, inner) = (self.sources[2], self.inner);
        let mut at = 0;
        std::iter::from_fn(move || {
            let first = *places.get(at)?;
            let step = u32::from(first != NOWHERE);
            let mut end = at + 1;
            while end < places.len() && places[end] == places[end - 1].wrapping_add(step) {
                end += 1;
            }
            let source = (first != NOWHERE).then_some(first as usize * inner);
            let stretch = Stretch { at: at * inner, source, len: (end - at) * inner };
            at = end;
            Some(stretch)
        })
    }
}

fn gather<T: Real>(from: &Sources<'_>, fill: T, x: &[T], y: &mut [T]) {
    let (input, output) = from.lens();
    let line = from.sources[2].len() * from.inner;
    for (x, y) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)) {
        for (start, y) in from.lines().zip(y.chunks_exact_mut(line)) {
            let Some(start) = start else {
                y.fill(fill);
                continue;
            };
            let x = &x[start..][..from.input[2] * from.inner];
            for Stretch { at, source, len } in from.stretches() {
                match source {
                    // No call for one element.
                    Some(source) if len == 1 => y[at] = x[source],
                    Some(source) => y[at..at + len].copy_from_slice(&x[source..source + len]),
                    None => y[at..at + len].fill(fill),
                }
            }
        }
    }
}

fn scatter<T: Real>(from: &Sources<'_>, dy: &[T], dx: &mut [T]) {
    let (input, output) = from.lens();
    let line = from.sources[2].len() * from.inner;
    dx.fill(T::ZERO);
    for (dx, dy) in dx.chunks_exact_mut(input).zip(dy.chunks_exact(output)) {
        for (start, dy) in from.lines().zip(dy.chunks_exact(line)) {
            let Some(start) = start else { continue };
            let dx = &mut dx[start..][..from.input[2] * from.inner];
            for Stretch { at, source, len } in from.stretches() {
                let Some(source) = source else { continue };
                for (dx, &dy) in dx[source..source + len].iter_mut().zip(&dy[at..at + len]) {
                    *dx += dy;
                }
            }
        }
    }
}
