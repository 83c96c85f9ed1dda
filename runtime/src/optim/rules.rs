//! The loops of the built-in element-wise rules, compiled in this crate for each scalar type and instruction set, so
//! that they are optimised whatever the user's profile says and no user's crate compiles them again.
//!
//! A rule is a function of one element, which [`each`] applies to all. Products and sums are rounded one by one (no fused
//! multiply-add), so every instruction set gives the same bits.

use super::{
    ASGDRule, AdadeltaRule, AdagradRule, AdamRule, AdamWScheduleFreeRule, AdamaxRule, AdanRule, LionRule, NAdamRule,
    RAdamRule, RMSpropRule, RpropRule, SGDRule,
};
use crate::simd::{Simd, multiversion};
use crate::{ElementRule, Real};

/// `x`, or zero if it is subnormal: each operation on a subnormal number costs a hundred cycles or more, and moments of
/// a unit that is dead for a while decay into them.
#[inline(always)]
pub(crate) fn flush<T: Real>(x: T) -> T {
    if x.abs() < T::MIN_POSITIVE { T::ZERO } else { x }
}

/// A running mean of squares, v ← keep · v + fresh · x², without subnormal numbers where they do not matter.
///
/// The squares of small numbers are subnormal, and an optimizer whose eps is 0 divides by their roots: so the mean of
/// what has always been that small is computed as it is (as in PyTorch). But a mean that has been larger stops falling at
/// the smallest normal number, and a square that would be rounded to zero is not computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Squares<T> {
    keep: T,
    fresh: T,
    /// The square of what is below it, times `fresh`, is rounded to zero.
    lost: T,
    /// A mean from here on is not subnormal after one step either.
    floor: T,
}

impl<T: Real> Squares<T> {
    /// The mean with the weight `fresh` of new squares.
    pub(super) fn mean(keep: f64, fresh: f64) -> Self {
        let (smallest, rounding) = (T::MIN_POSITIVE.to_f64(), T::EPSILON.to_f64());
        Squares {
            keep: T::from_f64(keep),
            fresh: T::from_f64(fresh),
            // The root of half the smallest subnormal number over `fresh`, and a little less for what is rounded on the way.
            lost: T::from_f64(smallest.sqrt() * (rounding / 2.0 / fresh).sqrt() * (1.0 - 4.0 * rounding)),
            // A little more, likewise.
            floor: T::from_f64(smallest / keep.max(0.5) * (1.0 + 4.0 * rounding)),
        }
    }

    /// The mean `v` after the square of `x`.
    #[inline(always)]
    pub(super) fn after(&self, v: T, x: T) -> T {
        let x = self.counted(x);
        self.settled(v, self.keep * v + self.fresh * x * x)
    }

    /// `x`, or zero if that is its square too.
    #[inline(always)]
    pub(super) fn counted(&self, x: T) -> T {
        if x.abs() < self.lost { T::ZERO } else { x }
    }

    /// The mean that was `before` and would be `now`, but is not to become subnormal.
    #[inline(always)]
    pub(super) fn settled(&self, before: T, now: T) -> T {
        let least = if before >= self.floor { self.floor } else { T::ZERO };
        if now < least { least } else { now }
    }
}

/// 1 − βᵗ, which the running mean after step t, begun at zero, is divided by.
pub(super) fn bias_correction(beta: f64, step: u64) -> f64 {
    let step = step as f64;
    // βᵗ ≤ e^(−(1 − β)t), which below e⁻⁴⁰ leaves 1 as it is. A power takes as long as moving a hundred elements.
    if (1.0 - beta) * step > 40.0 { 1.0 } else { 1.0 - beta.powf(step) }
}

/// 1, −1, 0 or NaN.
#[inline(always)]
pub(super) fn sign<T: Real>(x: T) -> T {
    let not_above = if x < T::ZERO { -T::ONE } else { x };
    if x > T::ZERO { T::ONE } else { not_above }
}

/// How many elements are computed at once: one AVX-512 register of `f32`, and what offsets in the flat array are
/// multiples of.
const CHUNK: usize = 16;

/// Moves all elements: `element` takes a rule, a parameter, its gradient and its state, and returns the new parameter and
/// state. It has to be the name of an `#[inline(always)]` function: what is not inlined is compiled without the
/// instruction set's features.
///
/// A chunk is loaded, computed and stored as a whole, so that the compiler need not prove that the arrays do not overlap,
/// and a tile of one chunk costs no set-up. What is left over is padded to a chunk.
#[inline(always)]
pub(super) fn each<R, T: Real, const N: usize>(
    rule: &R,
    p: &mut [T],
    g: &[T],
    slots: [&mut [T]; N],
    element: impl Fn(&R, T, T, [T; N]) -> (T, [T; N]) + Copy,
) {
    let len = p.len();
    let (p_chunks, p_rest) = p.as_chunks_mut::<CHUNK>();
    let (g_chunks, g_rest) = g[..len].as_chunks::<CHUNK>();
    let slots = slots.map(|slot| slot[..len].as_chunks_mut::<CHUNK>());
    let (full, left) = (p_chunks.len(), p_rest.len());
    let (mut p_padded, mut g_padded, mut padded) = ([T::ZERO; CHUNK], [T::ZERO; CHUNK], [[T::ZERO; CHUNK]; N]);
    if left > 0 {
        p_padded[..left].copy_from_slice(p_rest);
        g_padded[..left].copy_from_slice(g_rest);
        for slot in 0..N {
            padded[slot][..left].copy_from_slice(slots[slot].1);
        }
    }
    for i in 0..full + (left > 0) as usize {
        let (p, g) = if i < full { (&mut p_chunks[i], &g_chunks[i]) } else { (&mut p_padded, &g_padded) };
        let mut state = [[T::ZERO; CHUNK]; N];
        for slot in 0..N {
            state[slot] = if i < full { slots[slot].0[i] } else { padded[slot] };
        }
        chunk(rule, p, g, &mut state, element);
        for slot in 0..N {
            *(if i < full { &mut slots[slot].0[i] } else { &mut padded[slot] }) = state[slot];
        }
        // Without a barrier between the chunks the compiler may vectorise across them, with a gather for each lane:
        // plain SGD took four times as long.
        std::hint::black_box(());
    }
    p_rest.copy_from_slice(&p_padded[..left]);
    for slot in 0..N {
        slots[slot].1.copy_from_slice(&padded[slot][..left]);
    }
}

#[inline(always)]
fn chunk<R, T: Real, const N: usize>(
    rule: &R,
    p: &mut [T; CHUNK],
    g: &[T; CHUNK],
    state: &mut [[T; CHUNK]; N],
    element: impl Fn(&R, T, T, [T; N]) -> (T, [T; N]),
) {
    for lane in 0..CHUNK {
        let mut before = [T::ZERO; N];
        for slot in 0..N {
            before[slot] = state[slot][lane];
        }
        let (moved, after) = element(rule, p[lane], g[lane], before);
        p[lane] = moved;
        for slot in 0..N {
            state[slot][lane] = after[slot];
        }
    }
}

/// The first `N` arrays of state, which the optimizer that made the rule keeps.
#[inline(always)]
pub(super) fn first<'a, T, const N: usize>(slots: &'a mut [&mut [T]]) -> [&'a mut [T]; N] {
    let slots = slots.first_chunk_mut::<N>().expect("an update has all arrays that its rule was made for");
    slots.each_mut().map(|slot| &mut **slot)
}

/// The `body` of a rule whose `element` is compiled twice: for steps with and without `flag`.
macro_rules! body_by {
    ($flag:ident) => {
        #[inline(always)]
        pub(super) fn body(&self, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
            if self.$flag {
                each(self, p, g, first(slots), Self::element::<true>);
            } else {
                each(self, p, g, first(slots), Self::element::<false>);
            }
        }
    };
}
pub(super) use body_by;

/// `Rule as name;` for each built-in rule: the trait that reaches its loop, the loop for `f32` and `f64`, and
/// [`ElementRule`].
macro_rules! compiled {
    ($($rule:ident as $name:ident;)*) => {
        /// The loops of the built-in rules for one scalar type.
        pub trait RuleKernels: Sized {
            $(#[doc(hidden)]
            fn $name(rule: &$rule<Self>, p: &mut [Self], g: &[Self], slots: &mut [&mut [Self]]);)*
        }
        compiled!(@scalar f32 $($rule as $name;)*);
        compiled!(@scalar f64 $($rule as $name;)*);

        $(impl<T: Real> ElementRule<T> for $rule<T> {
            fn apply(&self, parameters: &mut [T], gradient: &[T], slots: &mut [&mut [T]]) {
                T::$name(self, parameters, gradient, slots);
            }
        })*
    };
    (@scalar $t:ident $($rule:ident as $name:ident;)*) => {
        impl RuleKernels for $t {
            $(fn $name(rule: &$rule<$t>, p: &mut [$t], g: &[$t], slots: &mut [&mut [$t]]) {
                #[inline(always)]
                #[allow(clippy::extra_unused_type_parameters, reason = "the rule is the same on all of them")]
                fn body<S: Simd, T: Real>(rule: &$rule<T>, p: &mut [T], g: &[T], slots: &mut [&mut [T]]) {
                    rule.body(p, g, slots);
                }
                multiversion! {
                    fn kernel(rule: &$rule<$t>, p: &mut [$t], g: &[$t], slots: &mut [&mut [$t]]) = body::<S, $t>;
                }
                kernel(rule, p, g, slots);
            })*
        }
    };
}

compiled! {
    SGDRule as sgd;
    AdamRule as adam;
    RMSpropRule as rmsprop;
    AdagradRule as adagrad;
    AdadeltaRule as adadelta;
    AdamaxRule as adamax;
    NAdamRule as nadam;
    RAdamRule as radam;
    ASGDRule as asgd;
    RpropRule as rprop;
    LionRule as lion;
    AdanRule as adan;
    AdamWScheduleFreeRule as adamw_schedule_free;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever came before, and beside which share of new squares.
    #[test]
    fn a_mean_of_squares_that_was_normal_never_becomes_subnormal() {
        for beta in [0.999, 0.99, 0.9, 0.5] {
            let squares = Squares::<f32>::mean(beta, 1.0 - beta);
            let mut v = squares.after(0.0, 1e-15);
            for step in 0..40_000 {
                let before = v;
                v = squares.after(v, [0.0, 1e-30, 1e-21][step % 3]);
                assert!(v >= f32::MIN_POSITIVE, "{v:e} at step {step} of {beta}");
                // Nor does a number on the way to it.
                assert!(beta as f32 * before >= f32::MIN_POSITIVE, "{before:e} at step {step} of {beta}");
            }
            assert!(v < 1e-37, "{v:e} of {beta}");
        }
    }

    #[test]
    fn a_mean_of_squares_that_are_subnormal_is_computed_as_it_is() {
        let squares = Squares::<f32>::mean(0.999, 1.0 - 0.999);
        let (mut v, mut expected) = (0.0, 0.0);
        for _ in 0..1000 {
            (v, expected) = (squares.after(v, 1e-18), 0.999 * expected + 0.001 * 1e-36);
        }
        assert!((f64::from(v) / expected - 1.0).abs() < 1e-3, "{v:e}, expected {expected:e}");
    }

    #[test]
    fn a_square_is_left_out_only_where_it_is_zero() {
        fn check<T: Real>(fresh: f64) {
            let squares = Squares::<T>::mean(1.0 - fresh, fresh);
            let lost = squares.lost;
            assert_eq!(T::from_f64(fresh) * lost * lost, T::ZERO);
            let above = lost * T::from_f64(1.01);
            assert!(squares.after(T::ZERO, above) > T::ZERO, "{fresh}");
        }
        for fresh in [1.0, 0.1, 0.01, 1.0 - 0.999] {
            check::<f32>(fresh);
            check::<f64>(fresh);
        }
    }

    #[test]
    fn a_bias_correction_leaves_out_no_power_that_counts() {
        for beta in [0.0f64, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            let limit: f64 = 40.0 / (1.0 - beta);
            for step in [1.0, 2.0, limit * 0.9, limit - 1.0, limit, limit + 1.0, limit * 1.1, limit * 9.0] {
                let step = step.round().max(1.0) as u64;
                assert_eq!(bias_correction(beta, step), 1.0 - beta.powf(step as f64), "{beta}^{step}");
            }
        }
    }
}
