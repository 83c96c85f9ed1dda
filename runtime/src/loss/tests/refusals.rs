//! What is refused, and what the refusal says.

use super::*;

#[track_caller]
fn check_refused<Y: Copy>(loss: impl Loss<f64, Y>, shape: &[usize], samples: usize, targets: &[Y], expected: &str) {
    assert_eq!(loss.prepare(shape, samples, targets).unwrap_err().to_string(), expected);
}

#[test]
fn wrong_targets_and_options_are_refused() {
    check_refused(
        CrossEntropyLoss::DEFAULT,
        &[10],
        2,
        &[3, 10],
        "target 1 of the batch is class 10, expected 0..10 (or ignore_index -100)",
    );
    check_refused(
        CrossEntropyLoss::DEFAULT,
        &[10],
        3,
        &[3, 1],
        "2 target elements for 3 outputs of shape [10], expected 3",
    );
    check_refused(
        CrossEntropyLoss { label_smoothing: 1.5, ..CrossEntropyLoss::DEFAULT },
        &[10],
        1,
        &[3_i64],
        "CrossEntropyLoss: label_smoothing = 1.5, expected in [0, 1]",
    );
    check_refused(
        CrossEntropyLoss { weight: [1.0, 2.0].into(), ..CrossEntropyLoss::DEFAULT },
        &[3],
        1,
        &[0_i64],
        "CrossEntropyLoss: weight = 2 weights, expected 3, one for each class",
    );
    check_refused(
        CrossEntropyLoss { dim: 3, ..CrossEntropyLoss::DEFAULT },
        &[3, 2],
        1,
        &[0_i64],
        "CrossEntropyLoss: outputs of shape [3, 2], expected classes along axis 3 (the batch is axis 0)",
    );
    check_refused(
        CrossEntropyLoss { ignore_index: 1, ..CrossEntropyLoss::DEFAULT },
        &[2],
        1,
        &[0.5, 0.5],
        "CrossEntropyLoss: ignore_index = 1, expected a negative one with class probabilities, of which none can be \
         ignored",
    );
    check_refused(
        BCEWithLogitsLoss { weight: [1.0; 4].into(), ..BCEWithLogitsLoss::DEFAULT },
        &[2, 3],
        3,
        &[0.5; 18],
        "BCEWithLogitsLoss: weight = 4 weights, expected as many as the last axes of [2, 3] or the whole batch have \
         elements",
    );
}

/// The text of the panic that a constant evaluation would show.
fn panic_text(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(f).expect_err("should be refused");
    payload.downcast_ref::<String>().expect("a formatted message").clone()
}

#[test]
fn a_loss_that_does_not_fit_the_network_says_what_to_change() {
    use crate::network::Output;
    const DEFAULT: CrossEntropyLoss = CrossEntropyLoss::DEFAULT;
    assert_eq!(
        panic_text(|| DEFAULT.assert_fits(&[10], Output::Probabilities)),
        "CrossEntropyLoss expects logits, but the network ends in Softmax; remove it"
    );
    assert_eq!(
        panic_text(|| BCEWithLogitsLoss::DEFAULT.assert_fits(&[10], Output::Sigmoid)),
        "BCEWithLogitsLoss expects logits, but the network ends in Sigmoid; remove it"
    );
    const WEIGHTED: CrossEntropyLoss = CrossEntropyLoss { weight: LossWeights::new(&[1.0; 12]), ..DEFAULT };
    assert_eq!(
        panic_text(|| WEIGHTED.assert_fits(&[10], Output::Unbounded)),
        "CrossEntropyLoss has weights for 12 classes, the network's output has 10"
    );
    assert_eq!(
        panic_text(|| DEFAULT.assert_fits(&[], Output::Unbounded)),
        "CrossEntropyLoss expects classes along axis 1 (the batch is axis 0), but the shape of the network's output \
         is []"
    );
    assert_eq!(
        panic_text(|| CrossEntropyLoss { label_smoothing: -0.1, ..DEFAULT }.assert_valid()),
        "CrossEntropyLoss: `label_smoothing` must be in [0, 1]"
    );
    assert_eq!(
        panic_text(|| MSELoss { reduction: Reduction::None }.assert_fits(&[10], Output::Unbounded)),
        "MSELoss: a training step needs one number, but the reduction is `None`; use `Mean` or `Sum`"
    );
    assert_eq!(
        panic_text(|| NLLLoss::DEFAULT.assert_fits(&[10], Output::Unbounded)),
        "NLLLoss expects log-probabilities, but the network ends in numbers of any size; end it with LogSoftmax"
    );
    assert_eq!(
        panic_text(|| MultiMarginLoss::DEFAULT.assert_fits(&[10, 3], Output::Unbounded)),
        "MultiMarginLoss expects one axis, the classes, but the shape of the network's output is [10, 3]"
    );
    assert_eq!(
        panic_text(|| TripletMarginLoss::DEFAULT.assert_fits(&[10], Output::Unbounded)),
        "TripletMarginLoss takes more than one output and one target, which `train!` cannot give it; call its \
         `forward` in a hand-written loop"
    );
}

/// As `train!` emits them.
const _: () = {
    const WEIGHTED: &CrossEntropyLoss =
        &CrossEntropyLoss { weight: LossWeights::new(&[1.0, 2.0]), ..CrossEntropyLoss::DEFAULT };
    WEIGHTED.assert_fits(&[2], crate::network::Output::Unbounded);
    MSELoss::DEFAULT.assert_fits(&[2], crate::network::Output::Sigmoid);
    BCEWithLogitsLoss::DEFAULT.assert_fits(&[], crate::network::Output::Unbounded);
};
