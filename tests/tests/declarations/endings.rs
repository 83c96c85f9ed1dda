//! What a network is said to end in: a loss is refused only where it is certain that it does not fit.

use glulam::loss::BCELoss;
use glulam::network::Output;
use glulam::prelude::*;

use crate::Scale;

network! {
    Logits < Linear(3, 2) >
    Positive < Linear(3, 2) -> ReLU >
    Normal < Linear(3, 2) -> BatchNorm1d(2) -> Flatten >
    Certain < Linear(3, 2) -> Sigmoid -> Unflatten(1, [2, 1]) -> Flatten >
    Distribution < Linear(3, 2) -> Softmax >
    Logarithms < Linear(3, 2) -> LogSoftmax -> Identity >
    Own < Linear(3, 2) -> Scale::<2> => [2] >
    Hard < Linear(3, 2) -> Hardsigmoid >
    Interval < Linear(3, 2) -> Hardtanh(0, 1) >
    Dropped < Linear(3, 2) -> Sigmoid -> Dropout(0.1) >
    Beside < [Linear(3, 1) -> Sigmoid, Linear(3, 1) -> Sigmoid] => Concat(1) >
    Sum < Residual(Linear(3, 3)) >
    Views: [3] < Identity >
}

macro_rules! check {
    ($($network:ident $output:ident)*) => { $(
        assert_eq!(<$network as Network<f32>>::OUTPUT, Output::$output, stringify!($network));
    )* };
}

#[test]
fn what_is_certain_is_said_of_the_end() {
    check! { Logits Unbounded Positive Unbounded Normal Unbounded Certain Sigmoid Distribution Probabilities }
    check! { Logarithms LogProbabilities }
}

#[test]
fn nothing_is_said_of_what_might_be_anything() {
    check! { Own Unknown Hard Unknown Interval Unknown Dropped Unknown Beside Unknown Sum Unknown Views Unknown }
}

// Each an error of the compiler, if it were refused.
train! { OwnTrainer for Own { loss: BCELoss, optimizer: SGD(lr = 0.1) } }
train! { HardTrainer for Hard { loss: BCELoss, optimizer: SGD(lr = 0.1) } }
train! { IntervalTrainer for Interval { loss: BCELoss, optimizer: SGD(lr = 0.1) } }
train! { DroppedTrainer for Dropped { loss: BCELoss, optimizer: SGD(lr = 0.1) } }
train! { BesideTrainer for Beside { loss: BCELoss, optimizer: SGD(lr = 0.1) } }

#[test]
fn probabilities_may_come_from_any_layer() {
    let batch = (&[[0.1f32, 0.2, 0.3]][..], &[1.0f32, 0.0][..]);
    assert!(HardTrainer::new(Hard::seeded(1)).step(batch).is_ok());
    assert!(IntervalTrainer::new(Interval::seeded(1)).step(batch).is_ok());
    assert!(BesideTrainer::new(Beside::seeded(1)).step(batch).is_ok());
    let _ = (OwnTrainer::<f32>::new, DroppedTrainer::<f32>::new, BCELoss::DEFAULT);
}
