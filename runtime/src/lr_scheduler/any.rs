//! A schedule of a kind that only the run knows: from a configuration file, or in a list.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::*;

macro_rules! any {
    ($($kind:ident $(<$list:ty>)? $(#[$attribute:meta])?),+ $(,)?) => {
        /// One of the schedules, chosen at run time.
        ///
        /// In JSON its `name` stands beside its options, which have PyTorch's names; an option that does not exist is
        /// an error. LambdaLR and MultiplicativeLR, whose functions no file can hold, are not read or written.
        ///
        /// # Example
        /// ```
        /// use glulam::lr_scheduler::{AnyScheduler, preview};
        /// let text = r#"{ "name": "StepLR", "step_size": 2, "gamma": 0.5 }"#;
        /// let schedule: AnyScheduler = serde_json::from_str(text)?;
        /// assert_eq!(preview(schedule, 1.0, 4)?, [1.0, 1.0, 0.5, 0.5, 0.25]);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        #[allow(missing_docs, reason = "each variant is the schedule of that name")]
        pub enum AnyScheduler {
            $($(#[$attribute])? $kind($kind $(<$list>)?)),+
        }

        /// The state of an [`AnyScheduler`].
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "each variant is the state of the schedule of that name")]
        pub enum AnyState {
            $($kind(<$kind $(<$list>)? as LrScheduler>::State)),+
        }

        $(impl From<$kind $(<$list>)?> for AnyScheduler {
            fn from(scheduler: $kind $(<$list>)?) -> Self {
                AnyScheduler::$kind(scheduler)
            }
        })+

        impl LrScheduler for AnyScheduler {
            const NAME: &'static str = "AnyScheduler";
            type State = AnyState;

            fn name(&self) -> &'static str {
                match self {
                    $(AnyScheduler::$kind(scheduler) => scheduler.name()),+
                }
            }
            fn needs_metric(&self) -> bool {
                match self {
                    $(AnyScheduler::$kind(scheduler) => scheduler.needs_metric()),+
                }
            }
            fn mode(&self) -> Option<PlateauMode> {
                match self {
                    $(AnyScheduler::$kind(scheduler) => scheduler.mode()),+
                }
            }
            fn check(&self) -> Result<(), SchedulerError> {
                match self {
                    $(AnyScheduler::$kind(scheduler) => scheduler.check()),+
                }
            }
            fn attach(self, groups: &mut dyn Groups) -> Result<AnyState, SchedulerError> {
                Ok(match self {
                    $(AnyScheduler::$kind(scheduler) => AnyState::$kind(scheduler.attach(groups)?)),+
                })
            }
            fn length(&self) -> Option<usize> {
                match self {
                    $(AnyScheduler::$kind(scheduler) => scheduler.length()),+
                }
            }
            fn set_total_steps(&mut self, steps: usize) {
                match self {
                    $(AnyScheduler::$kind(scheduler) => scheduler.set_total_steps(steps)),+
                }
            }
        }

        impl AnyState {
            fn state(&self) -> &dyn SchedulerState {
                match self {
                    $(AnyState::$kind(state) => state),+
                }
            }
            fn state_mut(&mut self) -> &mut dyn SchedulerState {
                match self {
                    $(AnyState::$kind(state) => state),+
                }
            }
        }
    };
}

any! {
    LambdaLR #[serde(skip)],
    MultiplicativeLR #[serde(skip)],
    StepLR,
    MultiStepLR,
    ConstantLR,
    LinearLR,
    ExponentialLR,
    PolynomialLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    OneCycleLR,
    CyclicLR,
    SequentialLR<Vec<AnyScheduler>>,
    ChainedScheduler<Vec<AnyScheduler>>,
    ReduceLROnPlateau,
    SWALR,
    WarmupCosineLR,
    WarmupPolynomialLR,
    WarmupStableDecayLR,
    InverseSqrtLR,
    NoamLR,
}

impl SchedulerState for AnyState {
    fn step_groups(&mut self, groups: &mut dyn Groups) {
        self.state_mut().step_groups(groups);
    }
    fn step_groups_on(&mut self, groups: &mut dyn Groups, metric: f64) {
        self.state_mut().step_groups_on(groups, metric);
    }
    fn begin(&mut self, groups: &mut dyn Groups) {
        self.state_mut().begin(groups);
    }
    fn undo(&mut self) {
        self.state_mut().undo();
    }
    fn restart(&mut self, groups: &mut dyn Groups) {
        self.state_mut().restart(groups);
    }
    fn last_epoch(&self) -> i64 {
        self.state().last_epoch()
    }
    fn last_lr(&self) -> &[f64] {
        self.state().last_lr()
    }
    fn state_dict(&self) -> Value {
        self.state().state_dict()
    }
    fn load_state_dict(&mut self, state: &Value) -> Result<(), SchedulerError> {
        self.state_mut().load_state_dict(state)
    }
}
