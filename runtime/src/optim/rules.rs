//! The loops of the built-in element-wise rules, compiled in this crate, once for each scalar type, so that they are
//! optimised whatever the user's profile says and no user's crate compiles them again.
//!
//! A rule's loop is its `body`: plain code over slices of one length, which does not know how it is reached. Products
//! and sums are rounded one by one (no fused multiply-add), so every instruction set gives the same bits.

use super::{AdagradRule, AdamRule, RMSpropRule, SGDRule};
use crate::{ElementRule, Real};

/// `x`, or zero if it is subnormal: each operation on a subnormal number costs a hundred cycles or more, and moments of
/// a unit that is dead for a while decay into them.
#[inline(always)]
pub(crate) fn flush<T: Real>(x: T) -> T {
    if x.abs() < T::MIN_POSITIVE { T::ZERO } else { x }
}

/// Unpacks the slots: those that the rule does not keep are empty.
fn unpack<'a, T>(slots: &'a mut [&mut [T]]) -> [&'a mut [T]; 4] {
    let mut unpacked: [&mut [T]; 4] = Default::default();
    for (place, slot) in unpacked.iter_mut().zip(slots) {
        *place = slot;
    }
    unpacked
}

/// `Rule as name;` for each built-in rule: the trait that reaches its loop, the loop for `f32` and `f64`, and
/// [`ElementRule`]. The slices are arguments of their own because only then the compiler knows that they do not overlap.
macro_rules! compiled {
    ($($rule:ident as $name:ident;)*) => {
        /// The loops of the built-in rules for one scalar type.
        pub trait RuleKernels: Sized {
            $(#[doc(hidden)]
            fn $name(rule: &$rule<Self>, p: &mut [Self], g: &[Self], slots: [&mut [Self]; 4]);)*
        }
        compiled!(@scalar f32 $($rule as $name;)*);
        compiled!(@scalar f64 $($rule as $name;)*);

        $(impl<T: Real> ElementRule<T> for $rule<T> {
            fn apply(&self, parameters: &mut [T], gradient: &[T], slots: &mut [&mut [T]]) {
                T::$name(self, parameters, gradient, unpack(slots));
            }
        })*
    };
    (@scalar $t:ident $($rule:ident as $name:ident;)*) => {
        impl RuleKernels for $t {
            $(fn $name(rule: &$rule<$t>, p: &mut [$t], g: &[$t], [a, b, c, d]: [&mut [$t]; 4]) {
                #[inline(never)]
                fn kernel(
                    rule: &$rule<$t>,
                    p: &mut [$t],
                    g: &[$t],
                    a: &mut [$t],
                    b: &mut [$t],
                    c: &mut [$t],
                    d: &mut [$t],
                ) {
                    rule.body(p, g, [a, b, c, d]);
                }
                kernel(rule, p, g, a, b, c, d);
            })*
        }
    };
}

compiled! {
    SGDRule as sgd;
    AdamRule as adam;
    RMSpropRule as rmsprop;
    AdagradRule as adagrad;
}
