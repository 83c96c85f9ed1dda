//! A layer and a loss of the user's that panic when they are told to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use glulam::Real;
use glulam::layer::CustomLayer;
use glulam::loss::{Loss, LossError, Reduction, Rows};

/// Where a step may panic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Forward = 1,
    InputGradient,
    ParameterGradient,
    Loss,
}

impl Place {
    pub const ALL: [Place; 4] = [Place::Forward, Place::InputGradient, Place::ParameterGradient, Place::Loss];
}

/// The next panic's place, 0 for none, and how many calls there come to it.
static PLACE: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Whether every call of the loss panics, with a payload whose drop panics too.
static BOMBS: AtomicBool = AtomicBool::new(false);

const WANTED: &str = "on purpose";

/// One panic in the `calls`th call at `place`.
pub fn panic_at(place: Place, calls: usize) {
    CALLS.store(calls, SeqCst);
    PLACE.store(place as usize, SeqCst);
}

pub fn panic_no_more() {
    PLACE.store(0, SeqCst);
    BOMBS.store(false, SeqCst);
}

pub fn throw_bombs() {
    BOMBS.store(true, SeqCst);
}

/// Wanted panics are not printed.
pub fn hide_wanted_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let wanted = info.payload_as_str().is_some_and(|text| text.contains(WANTED)) || info.payload().is::<Bomb>();
        if !wanted {
            hook(info);
        }
    }));
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{WANTED}, when dropped");
    }
}

fn maybe_panic(place: Place) {
    if place == Place::Loss && BOMBS.load(SeqCst) {
        std::panic::panic_any(Bomb);
    }
    if PLACE.load(SeqCst) == place as usize && CALLS.fetch_sub(1, SeqCst) == 1 {
        PLACE.store(0, SeqCst);
        panic!("{WANTED}: {place:?}");
    }
}

/// y = x + p x
#[derive(Clone, Copy, Debug)]
pub struct Scale<const N: usize>;

impl<const N: usize> CustomLayer for Scale<N> {
    const PARAMETERS: usize = N;

    fn forward<T: Real>(&self, p: &[T], x: &[T], y: &mut [T]) {
        maybe_panic(Place::Forward);
        for i in 0..N {
            y[i] = x[i] + p[i] * x[i];
        }
    }

    fn backward_input<T: Real>(&self, p: &[T], _x: &[T], dy: &[T], dx: &mut [T]) {
        maybe_panic(Place::InputGradient);
        for i in 0..N {
            dx[i] = dy[i] + p[i] * dy[i];
        }
    }

    fn backward_parameters<T: Real>(&self, _p: &[T], x: &[T], dy: &[T], dp: &mut [T]) {
        maybe_panic(Place::ParameterGradient);
        for i in 0..N {
            dp[i] += dy[i] * x[i];
        }
    }
}

/// The mean squared error to a quarter of the class's number.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragile {}

impl Fragile {
    pub const DEFAULT: Self = Fragile {};
}

impl<T: Real> Loss<T, i64> for Fragile {
    const NAME: &'static str = "Fragile";

    fn reduction(&self) -> Reduction {
        Reduction::Mean
    }

    fn target_len(&self, _shape: &[usize]) -> usize {
        1
    }

    fn prepare(&self, _shape: &[usize], samples: usize, _targets: &[i64]) -> Result<T, LossError> {
        Ok(T::from_f64(1.0 / samples as f64))
    }

    fn rows(&self, rows: Rows<'_, T, i64>, factor: T, losses: &mut [T], gradient: &mut [T]) {
        maybe_panic(Place::Loss);
        let width = gradient.len() / losses.len();
        losses.fill(T::from_f64(0.0));
        for (k, gradient) in gradient.iter_mut().enumerate() {
            let row = k / width;
            let difference = rows.outputs[k] - T::from_f64(rows.targets[row] as f64 / 4.0);
            losses[row] += difference * difference * factor;
            *gradient = T::from_f64(2.0) * difference * factor;
        }
    }

    fn unreduced_len(&self, _shape: &[usize]) -> usize {
        1
    }

    fn unreduced_rows(&self, _: Rows<'_, T, i64>, _: &[T], _: &mut [T], _: &mut [T]) {
        unreachable!("trainers reduce")
    }
}
