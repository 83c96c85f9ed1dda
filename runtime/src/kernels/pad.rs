//! Elements around a sample, or fewer of them: zeros, a number, the sample mirrored, its edge, or the sample again.
//!
//! Which of them is a table of sources for each axis; the loops over the tables are those of `gather.rs`.
//!
//! # References
//! `torch.nn.ZeroPad1d` to `ZeroPad3d`, `ConstantPad`, `ReflectionPad`, `ReplicationPad` and `CircularPad`.

use super::conv::Padding;
use super::gather::{NOWHERE, Sources};
use crate::Real;
use crate::parallel::with_scratch;

/// What is put around the `D` axes of a sample, or taken away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pads<const D: usize> {
    /// The lengths of the input's axes.
    pub input: [usize; D],
    /// The elements that are put before the first one of each axis, and behind the last.
    pub padding: [[usize; 2]; D],
    /// The elements that are taken away there.
    pub crop: [[usize; 2]; D],
    /// What is put there.
    pub mode: Padding,
    /// The number in the place of zero.
    pub value: f64,
}

/// Option by option: `Pads::new([28, 28], [[2, 2], [0, 1]]).reflect()`.
impl<const D: usize> Pads<D> {
    /// So many zeros before and behind axes of these lengths.
    pub const fn new(input: [usize; D], padding: [[usize; 2]; D]) -> Self {
        Pads { input, padding, crop: [[0; 2]; D], mode: Padding::Zeros, value: 0.0 }
    }

    /// So many elements are taken away before and behind.
    pub const fn crop(self, crop: [[usize; 2]; D]) -> Self {
        Pads { crop, ..self }
    }

    /// This number in the place of zero.
    pub const fn value(self, value: f64) -> Self {
        Pads { value, ..self }
    }

    /// The sample mirrored: [`Padding::Reflect`].
    pub const fn reflect(self) -> Self {
        Pads { mode: Padding::Reflect, ..self }
    }

    /// The nearest element: [`Padding::Replicate`].
    pub const fn replicate(self) -> Self {
        Pads { mode: Padding::Replicate, ..self }
    }

    /// What is left of the sample again: [`Padding::Circular`].
    pub const fn circular(self) -> Self {
        Pads { mode: Padding::Circular, ..self }
    }

    /// Calls `body` with the tables for samples whose channels are so many at each place.
    fn with_sources<R>(&self, channels: usize, body: impl FnOnce(&Sources<'_>) -> R) -> R {
        let (mut input, mut lens) = ([1; 3], [1; 3]);
        let first = 3usize.checked_sub(D).expect("at most three axes");
        for axis in 0..D {
            let ([before, behind], [left, right]) = (self.padding[axis], self.crop[axis]);
            input[first + axis] = self.input[axis];
            lens[first + axis] = (self.input[axis] + before + behind)
                .checked_sub(left + right)
                .expect("no more is taken away than there is");
        }
        with_scratch(lens.iter().sum(), |table: &mut [u32]| {
            table.fill(0);
            let (planes, rest) = table.split_at_mut(lens[0]);
            let (lines, places) = rest.split_at_mut(lens[1]);
            let tables = [planes, lines, places];
            for axis in 0..D {
                fill(tables[first + axis], self.input[axis], self.padding[axis][0], self.crop[axis], self.mode);
            }
            body(&Sources { input, sources: tables.map(|table| &*table), inner: channels })
        })
    }
}

/// The sources along an axis of `len` elements.
fn fill(table: &mut [u32], len: usize, before: usize, [left, right]: [usize; 2], mode: Padding) {
    for (o, source) in table.iter_mut().enumerate() {
        let at = (o + left) as isize - before as isize;
        let found = match mode {
            // What is left goes round.
            Padding::Circular => {
                mode.source(at - left as isize, len.saturating_sub(left + right)).map(|source| source + left)
            }
            _ => mode.source(at, len),
        };
        *source = found.map_or(NOWHERE, |source| {
            assert!(source < len, "a source beyond the sample");
            u32::try_from(source).expect("a sample's places in 32 bits")
        });
    }
}

/// y = x with what is around it.
///
/// # Shapes
/// `x`: [N, …, input…, channels], `y`: [N, …, output…, channels], where each axis of the output is longer by `padding` and
/// shorter by `crop`.
///
/// # Panics
/// If shapes do not fit, the batches differ in length, or more is mirrored or repeated than there is.
///
/// # Example
/// ```
/// use glulam::kernels::{Pads, pad_forward};
/// let mut y = [[0.0; 6]];
/// pad_forward(Pads::new([4], [[0, 3]]).crop([[1, 0]]).reflect(), 1, &[[1.0f32, 2.0, 3.0, 4.0]], &mut y);
/// assert_eq!(y, [[2.0, 3.0, 4.0, 3.0, 2.0, 1.0]]);
/// ```
#[inline]
pub fn pad_forward<T: Real, const D: usize, const X: usize, const Y: usize>(
    pads: Pads<D>,
    channels: usize,
    x: &[[T; X]],
    y: &mut [[T; Y]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    pads.with_sources(channels, |from| {
        check(from, X, Y);
        T::gather(from, T::from_f64(pads.value), x.as_flattened(), y.as_flattened_mut());
    });
}

/// dx = Σ dy of what came from there. Shapes and panics: see [`pad_forward`].
#[inline]
pub fn pad_backward<T: Real, const D: usize, const X: usize, const Y: usize>(
    pads: Pads<D>,
    channels: usize,
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    assert_eq!(dx.len(), dy.len(), "batches of different lengths");
    pads.with_sources(channels, |from| {
        check(from, X, Y);
        T::scatter(from, dy.as_flattened(), dx.as_flattened_mut());
    });
}

/// Samples of `x` and `y` elements are as many of the tables'.
fn check(from: &Sources<'_>, x: usize, y: usize) {
    let (input, output) = from.lens();
    let fits = input > 0 && x.is_multiple_of(input) && y == x / input * output;
    assert!(fits, "samples of {x} and {y} elements, in pieces of {input} and {output}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::numbers;

    /// Along one axis: the elements of `0 1 2 …`, or -1, that stand in the result.
    #[track_caller]
    fn check<const X: usize, const Y: usize>(pads: Pads<1>, expected: [f64; Y]) {
        let x: [f64; X] = std::array::from_fn(|i| i as f64);
        let mut y = [[0.0; Y]];
        pad_forward(pads, 1, &[x], &mut y);
        assert_eq!(y, [expected], "{pads:?}");
    }

    #[test]
    fn each_mode_has_its_sources() {
        check::<4, 7>(Pads::new([4], [[2, 1]]).value(-1.0), [-1.0, -1.0, 0.0, 1.0, 2.0, 3.0, -1.0]);
        check::<4, 8>(Pads::new([4], [[1, 3]]).reflect(), [1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]);
        check::<3, 6>(Pads::new([3], [[2, 1]]).replicate(), [0.0, 0.0, 0.0, 1.0, 2.0, 2.0]);
        check::<3, 8>(Pads::new([3], [[3, 2]]).circular(), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0]);
    }

    #[test]
    fn what_is_taken_away_may_come_back_in_a_mirror_but_not_around() {
        check::<5, 3>(Pads::new([5], [[0, 0]]).crop([[1, 1]]), [1.0, 2.0, 3.0]);
        check::<5, 4>(Pads::new([5], [[0, 1]]).crop([[2, 0]]).value(-1.0), [2.0, 3.0, 4.0, -1.0]);
        check::<5, 5>(Pads::new([5], [[0, 3]]).crop([[3, 0]]).reflect(), [3.0, 4.0, 3.0, 2.0, 1.0]);
        check::<5, 4>(Pads::new([5], [[0, 3]]).crop([[4, 0]]).replicate(), [4.0, 4.0, 4.0, 4.0]);
        check::<5, 6>(Pads::new([5], [[2, 0]]).crop([[0, 1]]).circular(), [2.0, 3.0, 0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn channels_last_and_first_are_the_same_pads_and_the_gradient_is_the_transpose() {
        const C: usize = 3;
        const X: usize = 3 * 4 * C;
        const Y: usize = 6 * 5 * C;
        let modes = [Pads::reflect, Pads::replicate, Pads::circular, |pads| pads];
        for mode in modes {
            let pads = mode(Pads::new([3, 4], [[2, 1], [0, 2]]).crop([[0, 0], [1, 0]]));
            let x: [[f64; X]; 2] = std::array::from_fn(|n| numbers(X, n as u64).try_into().expect("its length"));
            let (mut last, mut y, mut again) = ([[0.0; X]; 2], [[0.0; Y]; 2], [[0.0; Y]; 2]);
            crate::kernels::channels_last(C, &x, &mut last);
            pad_forward(pads, C, &last, &mut y);
            crate::kernels::channels_first(C, &y, &mut again);
            pad_forward(pads, 1, &x, &mut y);
            assert_eq!(y, again, "{pads:?}");
            let dy: [[f64; Y]; 2] = std::array::from_fn(|n| numbers(Y, 7 + n as u64).try_into().expect("its length"));
            let mut dx = [[0.0; X]; 2];
            pad_backward(pads, 1, &dy, &mut dx);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let (forward, backward) =
                (dot(y.as_flattened(), dy.as_flattened()), dot(x.as_flattened(), dx.as_flattened()));
            assert!((forward - backward).abs() < 1e-9, "{pads:?}: {forward} and {backward}");
        }
    }
}
