//! What losses of several inputs have in common: their inputs, each with the place of its gradient, and their loops.

use super::kernel::{Each, Sink};
use super::*;

/// One of several inputs of a loss, and the place of its gradient.
///
/// The [`Outputs`] of a network's forward pass are one; so are two slices, with [`Input::new`].
#[derive(Debug)]
pub struct Input<'a, T> {
    samples: usize,
    values: &'a [T],
    gradient: &'a mut [T],
}

impl<'a, T> Input<'a, T> {
    /// `samples` samples, one after the other, and the place of their gradient.
    ///
    /// # Panics
    /// If `values` and `gradient` differ in length, or are no whole number of samples.
    pub fn new(samples: usize, values: &'a [T], gradient: &'a mut [T]) -> Self {
        assert_eq!(values.len(), gradient.len(), "a gradient for each value");
        let whole = if samples == 0 { values.is_empty() } else { values.len().is_multiple_of(samples) };
        assert!(whole, "{} values are no whole number for each of {samples} samples", values.len());
        Input { samples, values, gradient }
    }
}

impl<'a, T: Real, O: Sample<T>> From<Outputs<'a, T, O>> for Input<'a, T> {
    fn from(outputs: Outputs<'a, T, O>) -> Self {
        let Outputs { values, gradient, .. } = outputs;
        Input { samples: values.len(), values: O::to_flat(values), gradient: O::to_flat_mut(gradient) }
    }
}

impl<'a, T> Input<'a, T> {
    pub(super) fn samples(&self) -> usize {
        self.samples
    }
    pub(super) fn values(&self) -> &'a [T] {
        self.values
    }
    pub(super) fn into_parts(self) -> (&'a [T], &'a mut [T]) {
        (self.values, self.gradient)
    }
}

/// The numbers of several inputs that have been checked.
#[derive(Debug)]
pub struct Joint<'a, T, const K: usize> {
    pub(super) samples: usize,
    pub(super) values: [&'a [T]; K],
    pub(super) gradients: [&'a mut [T]; K],
    pub(super) targets: &'a [T],
}

impl<'a, T, const K: usize> Joint<'a, T, K> {
    pub(super) fn new(inputs: [Input<'a, T>; K], targets: &'a [T]) -> Self {
        let samples = inputs[0].samples;
        let mut values = [&[][..]; K];
        let gradients = inputs.map(|input| input.into_parts());
        for (values, (input, _)) in values.iter_mut().zip(&gradients) {
            *values = input;
        }
        Joint { samples, values, gradients: gradients.map(|(_, gradient)| gradient), targets }
    }
}

/// How the losses flow back.
#[derive(Debug)]
pub enum Flow<'a, T> {
    /// Summed, times a factor.
    Factor(T),
    /// Kept apart, each with its upstream gradient.
    Each {
        /// The gradient flowing into each loss.
        upstream: &'a [T],
        /// The place of each loss.
        losses: &'a mut [T],
    },
}

/// The loops of loss `L` of `K` inputs, for one scalar type.
pub trait JointKernel<L, const K: usize>: Sized {
    /// The loss, or 0 if the losses are kept apart; gradients are overwritten.
    fn run(loss: &L, joint: Joint<'_, Self, K>, flow: Flow<'_, Self>) -> Self;
}

/// A loss of several inputs: its loops, written once for all scalar types.
pub(super) trait JointBody<T, const K: usize> {
    /// Goes through the losses of `joint` in order; gradients are overwritten.
    fn each(&self, joint: Joint<'_, T, K>, sink: &mut dyn Sink<T>);
}

/// [`JointKernel::run`] from a [`JointBody`].
pub(super) fn run<T: Math, L: JointBody<T, K>, const K: usize>(
    loss: &L,
    joint: Joint<'_, T, K>,
    flow: Flow<'_, T>,
) -> T {
    match flow {
        Flow::Factor(factor) => {
            let mut total = Total { factor, sum: 0.0 };
            loss.each(joint, &mut total);
            total.value()
        }
        Flow::Each { upstream, losses } => {
            loss.each(joint, &mut Each { upstream, losses });
            T::ZERO
        }
    }
}

/// All losses are summed, times a factor; in f64, as [`total`] does.
pub(super) struct Total<T> {
    pub(super) factor: T,
    pub(super) sum: f64,
}

impl<T: Math> Total<T> {
    pub(super) fn value(&self) -> T {
        T::from_f64(self.sum)
    }
}

impl<T: Math> Sink<T> for Total<T> {
    fn scale(&self, _position: usize) -> T {
        self.factor
    }
    fn put(&mut self, _position: usize, loss: T) {
        self.sum += (self.factor * loss).to_f64();
    }
}

/// Implements [`JointKernel`] from a [`JointBody`], for both scalar types.
macro_rules! joint {
    ($loss:ident, $inputs:literal, [$($t:ident)*]) => { $(
        impl $crate::loss::joint::JointKernel<$loss, $inputs> for $t {
            fn run(
                loss: &$loss,
                joint: $crate::loss::joint::Joint<'_, Self, $inputs>,
                flow: $crate::loss::joint::Flow<'_, Self>,
            ) -> Self {
                $crate::loss::joint::run(loss, joint, flow)
            }
        }
    )* };
}
pub(super) use joint;

/// One number from `count` losses, and the gradients.
pub(super) fn forward<T: Real + JointKernel<L, K>, L, const K: usize>(
    name: &'static str,
    loss: &L,
    reduction: Reduction,
    count: usize,
    joint: Joint<'_, T, K>,
) -> Result<T, LossError> {
    let factor = factor(name, reduction, count, joint.samples)?;
    Ok(T::run(loss, joint, Flow::Factor(factor)))
}

/// The factor of a reduction of `count` losses to one number.
pub(super) fn factor<T: Real>(
    name: &'static str,
    reduction: Reduction,
    count: usize,
    samples: usize,
) -> Result<T, LossError> {
    match reduction {
        Reduction::None => Err(LossError::NotReduced(name)),
        Reduction::Mean | Reduction::BatchMean if count == 0 => Err(LossError::Empty(name)),
        _ => Ok(kernel::factor(reduction, count as f64, samples)),
    }
}

/// `count` losses, and the gradients.
pub(super) fn unreduced<T: Real + JointKernel<L, K>, L, const K: usize>(
    name: &'static str,
    loss: &L,
    count: usize,
    joint: Joint<'_, T, K>,
    upstream: &[T],
    losses: &mut [T],
) {
    check_room(name, count, upstream, losses);
    T::run(loss, joint, Flow::Each { upstream, losses });
}

/// Whether there is room for `count` losses, and an upstream gradient for each.
///
/// # Panics
/// If not: these lengths are the program's own.
pub(super) fn check_room<T>(name: &'static str, count: usize, upstream: &[T], losses: &[T]) {
    assert_eq!(upstream.len(), count, "{name}: one upstream gradient for each loss");
    assert_eq!(losses.len(), count, "{name}: room for each loss");
}

/// Whether `other` has as many samples and values as `first`.
pub(super) fn check_like<T>(
    loss: &'static str,
    first: &Input<'_, T>,
    input: &'static str,
    other: &Input<'_, T>,
) -> Result<(), LossError> {
    if (other.samples, other.values.len()) == (first.samples, first.values.len()) {
        return Ok(());
    }
    let text = |input: &Input<'_, T>| format!("{} elements in {} samples", input.values.len(), input.samples);
    Err(LossError::Input { loss, input, found: text(other), expected: format!("{}, as the first input", text(first)) })
}

/// Whether there are `expected` targets.
pub(super) fn check_targets<T>(loss: &'static str, targets: &[T], expected: usize) -> Result<(), LossError> {
    if targets.len() == expected {
        return Ok(());
    }
    let (found, expected) = (format!("{} elements", targets.len()), format!("{expected} elements"));
    Err(LossError::Input { loss, input: "target", found, expected })
}

/// The constant assertions of a loss of several inputs.
macro_rules! assertions {
    ($name:expr) => {
        /// Stops the compilation (or panics) if an option is out of its range.
        ///
        /// # Panics
        /// If it is, with what is allowed.
        pub const fn assert_valid(&self) {
            if let Some(problem) = self.problem() {
                problem.panic($name)
            }
        }

        /// Stops the compilation (or panics): `train!` calls a loss with one output and one target.
        ///
        /// # Panics
        /// Always, with what to do instead.
        pub const fn assert_fits(&self, _output_shape: &[usize], _output: crate::network::Output) {
            $crate::loss::joint::refuse_training($name)
        }
    };
}
pub(super) use assertions;

/// What the losses of two inputs and a target for each loss have in common, given `check(&self, &Input, &[T])` for what
/// is particular to each.
macro_rules! pair {
    ($name:expr) => {
        $crate::loss::joint::assertions!($name);

        /// The loss of a batch; the gradient of each input goes to its place. No allocation.
        ///
        /// # Errors
        /// [`LossError`] for an option out of its range, inputs or targets of different lengths, a target that is not
        /// allowed, a reduction of `None`, a mean over nothing.
        pub fn forward<'a, T: Real>(
            &self,
            input1: impl Into<Input<'a, T>>,
            input2: impl Into<Input<'a, T>>,
            targets: &[T],
        ) -> Result<T, LossError> {
            let joint = self.join(input1.into(), input2.into(), targets)?;
            $crate::loss::joint::forward($name, self, self.reduction, targets.len(), joint)
        }

        /// Each loss, and the gradients for `upstream`, the gradient flowing into each.
        ///
        /// # Errors
        /// Those of [`forward`](Self::forward) but for the reduction.
        ///
        /// # Panics
        /// If `upstream` or `losses` have a wrong length.
        pub fn unreduced<'a, T: Real>(
            &self,
            input1: impl Into<Input<'a, T>>,
            input2: impl Into<Input<'a, T>>,
            targets: &[T],
            upstream: &[T],
            losses: &mut [T],
        ) -> Result<(), LossError> {
            let joint = self.join(input1.into(), input2.into(), targets)?;
            $crate::loss::joint::unreduced($name, self, targets.len(), joint, upstream, losses);
            Ok(())
        }

        fn join<'a, T: Real>(
            &self,
            input1: Input<'a, T>,
            input2: Input<'a, T>,
            targets: &'a [T],
        ) -> Result<Joint<'a, T, 2>, LossError> {
            if let Some(problem) = self.problem() {
                return Err(problem.error($name));
            }
            $crate::loss::joint::check_like($name, &input1, "input2", &input2)?;
            self.check(&input1, targets)?;
            Ok(Joint::new([input1, input2], targets))
        }
    };
}
pub(super) use pair;

/// Says why `train!` cannot take a loss.
pub(super) const fn refuse_training(loss: &str) -> ! {
    let text = check::Text::new().text(loss).text(" takes more than one output and one target, which `train!` cannot ");
    text.text("give it; call its `forward` in a hand-written loop").panic()
}
