//! Several schedules on one optimizer: what SequentialLR and ChainedScheduler are made of.
//!
//! A tuple holds schedules of types known at compile time, as `A(…) -> B(…)` and `A(…) + B(…)` in `train!` do; a vector
//! holds a number of them that only the run knows. Neither needs an allocation in a step.

use std::fmt::Debug;

use super::{Groups, LrScheduler, SchedulerError, SchedulerState};

/// The settings of several schedules: a tuple of up to eight, or a vector.
pub trait Schedulers: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// Their states.
    type States: States + Clone + 'static;

    /// How many there are.
    fn count(&self) -> usize;
    /// The name of one of them.
    fn name(&self, index: usize) -> &'static str;
    /// Whether one of them watches a metric.
    fn needs_metric(&self, index: usize) -> bool;
    /// The number of steps that one of them takes, if it knows.
    fn length(&self, index: usize) -> Option<usize>;
    /// Tells one of them the number of steps that it has.
    fn set_total_steps(&mut self, index: usize, steps: usize);
    /// Checks the options of all.
    ///
    /// # Errors
    /// The first option that is out of its range.
    fn check(&self) -> Result<(), SchedulerError>;
    /// Attaches all of them to the same groups, in their order.
    ///
    /// # Errors
    /// Those of [`LrScheduler::attach`].
    fn attach(self, groups: &mut dyn Groups) -> Result<Self::States, SchedulerError>;
}

/// The states of several schedules.
pub trait States: Debug + Send {
    /// How many there are.
    fn count(&self) -> usize;
    /// One of them.
    fn state(&self, index: usize) -> &dyn SchedulerState;
    /// One of them, to be moved.
    fn state_mut(&mut self, index: usize) -> &mut dyn SchedulerState;
}

impl<S: LrScheduler> Schedulers for Vec<S> {
    type States = Vec<S::State>;

    fn count(&self) -> usize {
        self.len()
    }
    fn name(&self, index: usize) -> &'static str {
        self[index].name()
    }
    fn needs_metric(&self, index: usize) -> bool {
        self[index].needs_metric()
    }
    fn length(&self, index: usize) -> Option<usize> {
        self[index].length()
    }
    fn set_total_steps(&mut self, index: usize, steps: usize) {
        self[index].set_total_steps(steps);
    }
    fn check(&self) -> Result<(), SchedulerError> {
        self.iter().try_for_each(S::check)
    }
    fn attach(self, groups: &mut dyn Groups) -> Result<Self::States, SchedulerError> {
        self.into_iter().map(|scheduler| scheduler.attach(groups)).collect()
    }
}

impl<S: SchedulerState> States for Vec<S> {
    fn count(&self) -> usize {
        self.len()
    }
    fn state(&self, index: usize) -> &dyn SchedulerState {
        &self[index]
    }
    fn state_mut(&mut self, index: usize) -> &mut dyn SchedulerState {
        &mut self[index]
    }
}

macro_rules! tuple {
    ($count:literal: $($scheduler:ident $index:tt),+) => {
        impl<$($scheduler: LrScheduler),+> Schedulers for ($($scheduler,)+) {
            type States = ($($scheduler::State,)+);

            fn count(&self) -> usize {
                $count
            }
            fn name(&self, index: usize) -> &'static str {
                [$(self.$index.name()),+][index]
            }
            fn needs_metric(&self, index: usize) -> bool {
                [$(self.$index.needs_metric()),+][index]
            }
            fn length(&self, index: usize) -> Option<usize> {
                [$(self.$index.length()),+][index]
            }
            fn set_total_steps(&mut self, index: usize, steps: usize) {
                match index {
                    $($index => self.$index.set_total_steps(steps),)+
                    _ => panic!("schedule {index} of {}", $count),
                }
            }
            fn check(&self) -> Result<(), SchedulerError> {
                $(self.$index.check()?;)+
                Ok(())
            }
            fn attach(self, groups: &mut dyn Groups) -> Result<Self::States, SchedulerError> {
                Ok(($(self.$index.attach(groups)?,)+))
            }
        }

        impl<$($scheduler: SchedulerState),+> States for ($($scheduler,)+) {
            fn count(&self) -> usize {
                $count
            }
            fn state(&self, index: usize) -> &dyn SchedulerState {
                let all: [&dyn SchedulerState; $count] = [$(&self.$index),+];
                all[index]
            }
            fn state_mut(&mut self, index: usize) -> &mut dyn SchedulerState {
                match index {
                    $($index => &mut self.$index,)+
                    _ => panic!("schedule {index} of {}", $count),
                }
            }
        }
    };
}
tuple!(1: A 0);
tuple!(2: A 0, B 1);
tuple!(3: A 0, B 1, C 2);
tuple!(4: A 0, B 1, C 2, D 3);
tuple!(5: A 0, B 1, C 2, D 3, E 4);
tuple!(6: A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
