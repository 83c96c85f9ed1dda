//! What the settings of all optimizers have in common, written once: the check of their options, at compile time and
//! at run time from the same conditions, and the accessors that schedules use.

use std::fmt::Debug;

use super::OptimError;

/// Finite and at least 0.
pub(crate) const fn non_negative(x: f64) -> bool {
    x >= 0.0 && x.is_finite()
}

/// Neither infinite nor NaN.
pub(crate) const fn finite(x: f64) -> bool {
    x.is_finite()
}

/// Finite and above 0.
pub(crate) const fn positive(x: f64) -> bool {
    x > 0.0 && x.is_finite()
}

/// The error of an option, its optimizer's name before its own.
#[cold]
pub(super) fn not_allowed(
    (optimizer, option): (&'static str, &'static str),
    found: &dyn Debug,
    expected: &'static str,
) -> OptimError {
    OptimError::Option { optimizer, option, found: format!("{found:?}"), expected }
}

/// In [0, 1).
pub(crate) const fn below_one(x: f64) -> bool {
    x >= 0.0 && x < 1.0
}

/// Both in [0, 1).
pub(crate) const fn both_below_one(x: (f64, f64)) -> bool {
    below_one(x.0) && below_one(x.1)
}

/// The checks of an optimizer's options:
///
/// ```text
/// options!(SGD, |o| { lr: non_negative(o.lr), "a finite number of at least 0"; });
/// // Expands to `SGD::assert_valid` (const, panics), `SGD::check_options` (an error) and `Default`.
/// ```
macro_rules! options {
    ($name:ident, |$this:ident| { $($option:ident: $ok:expr, $expected:literal;)* }) => {
        impl $name {
            /// Whether every option is in its range, for settings known at compile time (`train!` calls it there).
            ///
            /// # Panics
            /// At the first option that is not; [`check`](crate::optim::Optimizer::check) returns an error instead.
            #[track_caller]
            pub const fn assert_valid(&self) {
                let $this = self;
                $(assert!($ok, concat!(stringify!($name), ": `", stringify!($option), "` must be ", $expected));)*
            }

            fn check_options(&self) -> Result<(), $crate::optim::OptimError> {
                let $this = self;
                $(let is_allowed = $ok;
                if !is_allowed {
                    let names = (stringify!($name), stringify!($option));
                    return Err($crate::optim::options::not_allowed(names, &$this.$option, $expected));
                })*
                Ok(())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::DEFAULT
            }
        }
    };
}

/// The methods of `Optimizer` that differ only in the fields they reach: `accessors!(betas, weight_decay)`,
/// `accessors!(momentum, -)`.
macro_rules! accessors {
    ($momentum:tt, $decay:tt) => {
        const DEFAULT: Self = Self::DEFAULT;

        fn check(&self) -> Result<(), $crate::optim::OptimError> {
            self.check_options()
        }
        fn lr(&self) -> f64 {
            self.lr
        }
        fn set_lr(&mut self, lr: f64) {
            self.lr = lr;
        }
        accessors!(@momentum $momentum);
        accessors!(@decay $decay);
    };
    (@momentum momentum) => {
        fn momentum(&self) -> Option<f64> {
            Some(self.momentum)
        }
        fn set_momentum(&mut self, momentum: f64) {
            self.momentum = momentum;
        }
    };
    (@momentum betas) => {
        fn momentum(&self) -> Option<f64> {
            Some(self.betas.0)
        }
        fn set_momentum(&mut self, momentum: f64) {
            self.betas.0 = momentum;
        }
    };
    (@momentum -) => {
        fn momentum(&self) -> Option<f64> {
            None
        }
        fn set_momentum(&mut self, _momentum: f64) {}
    };
    (@decay weight_decay) => {
        fn set_weight_decay(&mut self, weight_decay: f64) {
            self.weight_decay = weight_decay;
        }
    };
    (@decay -) => {
        fn set_weight_decay(&mut self, _weight_decay: f64) {}
    };
}
