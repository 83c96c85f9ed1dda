//! Where the elements of a resampled axis come from, and with which weights.

use super::Interpolation;
use crate::Real;

/// One axis.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) scale: f64,
    pub(super) mode: Interpolation,
    pub(super) align_corners: bool,
    /// The only axis: of a sequence.
    pub(super) alone: bool,
}

impl Line {
    pub(super) fn is_nearest(&self) -> bool {
        matches!(self.mode, Interpolation::Nearest | Interpolation::NearestExact)
    }

    /// How many elements a mean is made of; 0 where the axis stays as it is.
    pub(super) fn taps(&self) -> usize {
        match self.mode {
            Interpolation::Cubic if self.output == 1 && self.input == 1 => 0,
            Interpolation::Cubic => 4,
            // Whatever the scale says.
            _ if self.input == self.output => 0,
            _ => 2,
        }
    }

    /// The distance between two elements of the output, in the input.
    fn step<T: Real>(&self) -> T {
        let number = |n: usize| T::from_f64(n as f64);
        match *self {
            Line { align_corners: true, output: 1, .. } => T::ZERO,
            Line { align_corners: true, input, output, .. } => number(input - 1) / number(output - 1),
            Line { scale, .. } if scale > 0.0 => T::from_f64(1.0 / scale),
            Line { input, output, .. } => number(input) / number(output),
        }
    }

    /// Where element `o` of the output lies in the input. A mean of four may reach before the first one.
    fn place<T: Real>(&self, step: T, o: usize) -> T {
        let (o, half) = (T::from_f64(o as f64), T::from_f64(0.5));
        if self.align_corners {
            return step * o;
        }
        let place = step * (o + half) - half;
        if place < T::ZERO && self.mode != Interpolation::Cubic { T::ZERO } else { place }
    }

    /// The nearest element of each of the output.
    pub(super) fn nearest<T: Real>(&self, sources: &mut [u32]) {
        let exact = self.mode == Interpolation::NearestExact;
        let step: T = self.step();
        // That of images and volumes, of any type.
        let single: f32 = self.step();
        for (o, source) in sources.iter_mut().enumerate() {
            let place = match (self.alone, exact) {
                (true, true) => self.place(step, o).to_f64() + 0.5,
                (true, false) => (step * T::from_f64(o as f64)).to_f64(),
                (false, true) => (o as f64 + 0.5) * f64::from(single),
                // Whatever the scale says.
                (false, false) if self.output == self.input => o as f64,
                (false, false) if self.output == 2 * self.input => (o / 2) as f64,
                (false, false) => f64::from(single * o as f32),
            };
            *source = (floor(place) as usize).min(self.input - 1) as u32;
        }
    }

    /// The elements that a mean is made of, for each of the output, and their weights.
    pub(super) fn weigh<T: Real>(&self, sources: &mut [u32], weights: &mut [T]) {
        let (step, last) = (self.step::<T>(), self.input as isize - 1);
        let taps = self.taps();
        let tables = sources.chunks_exact_mut(taps).zip(weights.chunks_exact_mut(taps));
        for (o, (sources, weights)) in tables.enumerate() {
            let place = self.place(step, o);
            let first = (floor(place.to_f64()) as isize).min(last);
            let beyond = (place - T::from_f64(first as f64)).max_nan(T::ZERO).min_nan(T::ONE);
            let before = if taps == 4 { 1 } else { 0 };
            for (tap, source) in sources.iter_mut().enumerate() {
                *source = (first + tap as isize - before).clamp(0, last) as u32;
            }
            if taps == 4 {
                weights.copy_from_slice(&cubic(beyond));
            } else {
                weights.copy_from_slice(&[T::ONE - beyond, beyond]);
            }
        }
    }
}

/// ⌊x⌋ after rounding to f32, as PyTorch takes it of f64 too.
fn floor(x: f64) -> f32 {
    (x as f32).floor()
}

/// The weights of the elements at -1, 0, 1 and 2 for a place between 0 and 1.
pub(super) fn cubic<T: Real>(place: T) -> [T; 4] {
    let number = T::from_f64;
    let a = number(-0.75);
    let near = |x: T| ((a + number(2.0)) * x - (a + number(3.0))) * x * x + T::ONE;
    let far = |x: T| ((a * x - number(5.0) * a) * x + number(8.0) * a) * x - number(4.0) * a;
    let other = T::ONE - place;
    [far(place + T::ONE), near(place), near(other), far(other + T::ONE)]
}
