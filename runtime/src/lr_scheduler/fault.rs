//! Options out of their range, found by code that can run in the compiler.
//!
//! `train!` checks literal settings in a constant (`assert_valid`), everything else is checked when the schedule is
//! attached (`check`): the same `const fn` finds the fault for both.

use super::SchedulerError;

/// An option that is out of its range.
pub(crate) struct Fault {
    /// The schedule.
    pub(crate) scheduler: &'static str,
    /// The option's name.
    pub(crate) option: &'static str,
    /// Its value; NaN, or 0 of a required count, if it was not given.
    pub(crate) found: f64,
    /// What is allowed.
    pub(crate) expected: &'static str,
    /// All of it but the value, since constants cannot format numbers.
    pub(crate) text: &'static str,
}

impl Fault {
    /// The panic of `assert_valid`, which the compiler shows as an error.
    #[track_caller]
    pub(crate) const fn raise(fault: Option<Fault>) {
        if let Some(fault) = fault {
            panic!("{}", fault.text);
        }
    }

    /// The error of `check`.
    pub(crate) fn check(fault: Option<Fault>) -> Result<(), SchedulerError> {
        match fault {
            None => Ok(()),
            Some(Fault { scheduler, option, found, expected, .. }) => {
                let found = if found.is_nan() { "nothing (NaN)".to_string() } else { found.to_string() };
                Err(SchedulerError::Option { scheduler, option, found, expected: expected.to_string() })
            }
        }
    }
}

/// `demand!(StepLR, step_size = self.step_size, self.step_size > 0, "1 or more")`: returns the fault unless the
/// condition holds.
macro_rules! demand {
    ($scheduler:ident, $option:ident = $found:expr, $holds:expr, $expected:literal) => {
        if !$holds {
            return Some($crate::lr_scheduler::fault::Fault {
                scheduler: stringify!($scheduler),
                option: stringify!($option),
                found: $found as f64,
                expected: $expected,
                text: concat!(stringify!($scheduler), ": `", stringify!($option), "` must be ", $expected),
            });
        }
    };
}
pub(crate) use demand;

/// What all settings have: `assert_valid` for constants, and `Default`.
macro_rules! implement_settings {
    ($settings:ident) => {
        impl $settings {
            /// Stops if an option is out of its range: in a constant, with an error of the compiler.
            ///
            /// # Panics
            /// With the option's name and what is allowed.
            #[track_caller]
            pub const fn assert_valid(&self) {
                $crate::lr_scheduler::fault::Fault::raise(self.fault());
            }
        }

        impl Default for $settings {
            fn default() -> Self {
                Self::DEFAULT
            }
        }
    };
}
pub(crate) use implement_settings;
