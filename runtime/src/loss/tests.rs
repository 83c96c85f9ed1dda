//! What must be true of every loss, and a row for each in which it is.

use super::*;

/// Options with each reduction in turn.
trait Reduce: Sized {
    fn reduce(&self, reduction: Reduction) -> Self;
}

macro_rules! reduce {
    ($($loss:ident)*) => { $(
        impl Reduce for $loss {
            fn reduce(&self, reduction: Reduction) -> Self {
                #[allow(clippy::needless_update, reason = "some losses have no other option")]
                $loss { reduction, ..self.clone() }
            }
        }
    )* };
}
reduce!(BCEWithLogitsLoss CrossEntropyLoss L1Loss MSELoss);

/// The central differences of a loss smooth at `outputs` agree with its gradient to about the square of their step.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-8;

fn forward<T: Real, Y: Copy + Sync, L: Loss<T, Y>>(
    loss: &L,
    shape: &[usize],
    outputs: &[T],
    targets: &[Y],
) -> (T, Vec<T>, Vec<T>) {
    let mut losses = vec![T::from_f64(7.0); outputs.len() / elements(shape)];
    let mut gradient = vec![T::from_f64(7.0); outputs.len()];
    let value = loss.forward_flat(shape, outputs, targets, &mut losses, &mut gradient).unwrap();
    (value, losses, gradient)
}

fn unreduced<T: Real, Y: Copy + Sync, L: Loss<T, Y>>(
    loss: &L,
    shape: &[usize],
    outputs: &[T],
    targets: &[Y],
    upstream: impl Fn(usize) -> f64,
) -> (Vec<T>, Vec<T>) {
    let len = outputs.len() / elements(shape) * loss.unreduced_len(shape);
    let upstream: Vec<T> = (0..len).map(|i| T::from_f64(upstream(i))).collect();
    let (mut losses, mut gradient) = (vec![T::from_f64(7.0); len], vec![T::from_f64(7.0); outputs.len()]);
    loss.unreduced(shape, outputs, targets, &upstream, &mut losses, &mut gradient).unwrap();
    (losses, gradient)
}

#[track_caller]
fn assert_close(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() <= TOLERANCE * want.abs().max(1.0), "{what}: {got}, expected {want}");
}

/// Checks everything at `outputs`, a batch where the loss is smooth.
#[track_caller]
fn check<Y: Copy + Sync, L: Loss<f64, Y> + Reduce>(loss: L, shape: &[usize], outputs: &[f64], targets: &[Y]) {
    check_empty(&loss, shape);
    check_batch(loss, shape, outputs, targets);
}

/// Checks what does not need an empty batch, for options made for this batch alone.
#[track_caller]
fn check_batch<Y: Copy + Sync, L: Loss<f64, Y> + Reduce>(loss: L, shape: &[usize], outputs: &[f64], targets: &[Y]) {
    for reduction in [Reduction::Mean, Reduction::Sum, Reduction::BatchMean] {
        check_gradient(&loss.reduce(reduction), shape, outputs, targets);
        check_shares(&loss.reduce(reduction), shape, outputs, targets);
    }
    check_reductions(&loss, shape, outputs, targets);
}

fn check_gradient<Y: Copy + Sync, L: Loss<f64, Y>>(loss: &L, shape: &[usize], outputs: &[f64], targets: &[Y]) {
    let (_, _, gradient) = forward(loss, shape, outputs, targets);
    let mut moved = outputs.to_vec();
    for i in 0..outputs.len() {
        moved[i] = outputs[i] + STEP;
        let above = forward(loss, shape, &moved, targets).0;
        moved[i] = outputs[i] - STEP;
        let below = forward(loss, shape, &moved, targets).0;
        moved[i] = outputs[i];
        assert_close(gradient[i], (above - below) / (2.0 * STEP), &format!("{loss:?}: gradient {i}"));
    }
    let weighted = |i: usize| 0.5 + 0.25 * (i % 5) as f64;
    let (_, gradient) = unreduced(loss, shape, outputs, targets, weighted);
    let total = |outputs: &[f64]| -> f64 {
        let (losses, _) = unreduced(loss, shape, outputs, targets, weighted);
        losses.iter().enumerate().map(|(i, l)| weighted(i) * l).sum()
    };
    for i in 0..outputs.len() {
        moved[i] = outputs[i] + STEP;
        let above = total(&moved);
        moved[i] = outputs[i] - STEP;
        let below = total(&moved);
        moved[i] = outputs[i];
        assert_close(gradient[i], (above - below) / (2.0 * STEP), &format!("{loss:?}: upstream gradient {i}"));
    }
}

/// Two shares of the rows give the same bits as all at once.
fn check_shares<Y: Copy + Sync, L: Loss<f64, Y>>(loss: &L, shape: &[usize], outputs: &[f64], targets: &[Y]) {
    let (_, losses, gradient) = forward(loss, shape, outputs, targets);
    let samples = losses.len();
    let bound = loss.bind(shape, samples, targets).unwrap();
    for cut in 0..=samples {
        let at = cut * elements(shape);
        let (mut some_losses, mut some_gradient) = (vec![7.0; samples], vec![7.0; outputs.len()]);
        bound.rows(0, &outputs[..at], &mut some_losses[..cut], &mut some_gradient[..at]);
        bound.rows(cut, &outputs[at..], &mut some_losses[cut..], &mut some_gradient[at..]);
        assert_eq!(some_losses, losses, "{loss:?} cut at {cut}");
        assert_eq!(some_gradient, gradient, "{loss:?} cut at {cut}");
    }
}

/// Sum and batch mean follow from the elements; the mean is the sum times the factor.
fn check_reductions<Y: Copy + Sync, L: Loss<f64, Y> + Reduce>(
    loss: &L,
    shape: &[usize],
    outputs: &[f64],
    targets: &[Y],
) {
    let samples = outputs.len() / elements(shape);
    let (losses, gradient) = unreduced(&loss.reduce(Reduction::None), shape, outputs, targets, |_| 1.0);
    let sum: f64 = losses.iter().sum();
    let factor = loss.reduce(Reduction::Mean).prepare(shape, samples, targets).unwrap();
    let batch_mean = 1.0 / samples as f64;
    for (reduction, factor) in [(Reduction::Sum, 1.0), (Reduction::Mean, factor), (Reduction::BatchMean, batch_mean)] {
        let (value, _, reduced) = forward(&loss.reduce(reduction), shape, outputs, targets);
        assert_close(value, sum * factor, &format!("{loss:?}: {reduction:?}"));
        for (&g, &all) in reduced.iter().zip(&gradient) {
            assert_close(g, all * factor, &format!("{loss:?}: gradient of {reduction:?}"));
        }
    }
    let name = L::NAME;
    assert_eq!(loss.reduce(Reduction::None).bind(shape, samples, targets).err(), Some(LossError::NotReduced(name)));
}

fn check_empty<Y: Copy + Sync, L: Loss<f64, Y> + Reduce>(loss: &L, shape: &[usize]) {
    let mean = loss.reduce(Reduction::Mean);
    assert_eq!(mean.bind(shape, 0, &[]).err(), Some(LossError::Empty(L::NAME)));
    assert_eq!(forward(&loss.reduce(Reduction::Sum), shape, &[], &[]).0, 0.0);
    assert_eq!(unreduced(&loss.reduce(Reduction::None), shape, &[], &[], |_| 1.0), (vec![], vec![]));
}

/// The loss and its gradient are finite however large the outputs are, in both scalar types.
#[track_caller]
fn check_extremes<Y: Copy + Sync, L>(loss: L, shape: &[usize], targets: &[Y])
where
    L: Loss<f64, Y> + Loss<f32, Y>,
{
    let samples = targets.len() / <L as Loss<f64, Y>>::target_len(&loss, shape);
    let signs = [1000.0, -1000.0, 80.0, -80.0, 0.0];
    for phase in 0..signs.len() {
        let outputs: Vec<f64> = (0..samples * elements(shape)).map(|i| signs[(i * 3 + phase) % 5]).collect();
        let (value, losses, gradient) = forward(&loss, shape, &outputs, targets);
        assert!(value.is_finite() && losses.iter().chain(&gradient).all(|x| x.is_finite()), "{loss:?}: {outputs:?}");
        let outputs: Vec<f32> = outputs.iter().map(|&x| x as f32).collect();
        let (value, losses, gradient) = forward(&loss, shape, &outputs, targets);
        assert!(value.is_finite() && losses.iter().chain(&gradient).all(|x| x.is_finite()), "{loss:?}: {outputs:?}");
    }
}

/// Numbers without pattern in (−2, 2), none of them near another or near zero.
fn numbers(len: usize) -> Vec<f64> {
    (0..len).map(|i| (i as f64 * 0.754877666 + 0.31).fract() * 4.0 - 2.0).collect()
}

/// Numbers without pattern in (0, 1).
fn shares(len: usize) -> Vec<f64> {
    (0..len).map(|i| (i as f64 * 0.569840291 + 0.17).fract() * 0.98 + 0.01).collect()
}

fn classes(len: usize, classes: i64) -> Vec<i64> {
    (0..len).map(|i| (i as i64 * 7 + 2) % classes).collect()
}

#[test]
fn squared_error() {
    check(MSELoss::DEFAULT, &[3, 7], &numbers(84), &shares(84));
    check(MSELoss::DEFAULT, &[], &numbers(5), &shares(5));
}

#[test]
fn absolute_error() {
    check(L1Loss::DEFAULT, &[3], &numbers(12), &shares(12));
}

#[test]
fn binary_cross_entropy_of_logits() {
    check(BCEWithLogitsLoss::DEFAULT, &[2, 3], &numbers(24), &shares(24));
    for len in [1, 3, 6, 24] {
        let weighted = BCEWithLogitsLoss {
            weight: shares(len).into(),
            pos_weight: shares(3)[..].into(),
            ..BCEWithLogitsLoss::DEFAULT
        };
        check_batch(weighted, &[2, 3], &numbers(24), &shares(24));
    }
    let weighted = BCEWithLogitsLoss { pos_weight: [2.5].into(), ..BCEWithLogitsLoss::DEFAULT };
    let (value, _, gradient) = forward::<f32, f32, _>(&weighted, &[2], &[1000.0, -1000.0], &[0.0, 1.0]);
    assert_eq!(value, (1000.0 + 2500.0) / 2.0);
    assert_eq!(gradient, [0.5, -1.25]);
}

#[test]
fn cross_entropy_of_classes() {
    let smoothed = CrossEntropyLoss { label_smoothing: 0.2, ..CrossEntropyLoss::DEFAULT };
    let weighted = CrossEntropyLoss { weight: shares(5).into(), ..CrossEntropyLoss::DEFAULT };
    let both = CrossEntropyLoss { weight: shares(5).into(), ignore_index: 3, ..smoothed.clone() };
    for loss in [CrossEntropyLoss::DEFAULT, smoothed, weighted, both] {
        check(loss.clone(), &[5], &numbers(40), &classes(8, 5));
        check(loss.clone(), &[5, 2, 3], &numbers(120), &classes(24, 5));
        check(CrossEntropyLoss { dim: -1, ..loss.clone() }, &[2, 5], &numbers(40), &classes(8, 5));
        check(CrossEntropyLoss { dim: 2, ..loss.clone() }, &[2, 5, 3], &numbers(90), &classes(18, 5));
        check_extremes(loss, &[5], &classes(8, 5));
    }
}

#[test]
fn cross_entropy_of_probabilities() {
    let smoothed = CrossEntropyLoss { label_smoothing: 0.2, ..CrossEntropyLoss::DEFAULT };
    let both = CrossEntropyLoss { weight: shares(5).into(), ..smoothed.clone() };
    for loss in [CrossEntropyLoss::DEFAULT, smoothed, both] {
        check(loss.clone(), &[5], &numbers(40), &shares(40));
        check(loss.clone(), &[5, 2, 3], &numbers(120), &shares(120));
        check(CrossEntropyLoss { dim: -1, ..loss }, &[2, 5], &numbers(40), &shares(40));
    }
}

/// Many classes and many positions take several blocks, and rows that do not fill their vectors.
#[test]
fn cross_entropy_of_many_classes_and_positions() {
    check(CrossEntropyLoss::DEFAULT, &[1501], &numbers(2 * 1501), &classes(2, 1501));
    check(CrossEntropyLoss::DEFAULT, &[3], &numbers(3 * 150), &classes(150, 3));
    check(CrossEntropyLoss::DEFAULT, &[3, 70], &numbers(3 * 140), &classes(140, 3));
}

#[test]
fn class_axis_last_equals_flattened_positions() {
    let (outputs, targets) = (numbers(60), classes(12, 5));
    let flat = forward(&CrossEntropyLoss::DEFAULT, &[5], &outputs, &targets);
    let sequences = CrossEntropyLoss { dim: -1, ..CrossEntropyLoss::DEFAULT };
    let (value, _, gradient) = forward(&sequences, &[3, 5], &outputs, &targets);
    assert_close(value, flat.0, "value");
    assert_eq!(gradient, flat.2);
}

#[test]
fn nothing_but_ignored_targets_has_no_mean_and_no_gradient() {
    let (value, losses, gradient) = forward(&CrossEntropyLoss::DEFAULT, &[2], &numbers(4), &[-100_i64, -100]);
    assert!(value.is_nan() && losses.iter().all(|l| l.is_nan()));
    assert_eq!(gradient, [0.0; 4]);
}

#[test]
fn nan_and_infinite_logits_show_in_the_loss() {
    for bad in [f64::NAN, f64::INFINITY] {
        for at in 0..3 {
            let mut outputs = numbers(3);
            outputs[at] = bad;
            assert!(!forward(&CrossEntropyLoss::DEFAULT, &[3], &outputs, &[1_i64]).0.is_finite());
        }
    }
}

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
        "CrossEntropyLoss: label_smoothing must be in [0, 1]"
    );
    assert_eq!(
        panic_text(|| MSELoss { reduction: Reduction::None }.assert_fits(&[10], Output::Unbounded)),
        "MSELoss: a training step needs one number, but the reduction is `None`; use `Mean` or `Sum`"
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
