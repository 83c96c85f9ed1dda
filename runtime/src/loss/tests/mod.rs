//! What must be true of every loss, and a row for each in which it is: its gradient is that of central differences, its
//! reductions follow from its elements, an empty batch has no mean, and outputs of ±1000 leave it finite.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::*;
use crate::conformance;
use crate::simd::Isa;

mod classes;
mod ctc;
mod elements;
mod joint;
mod refusals;

thread_local! {
    /// Which loss has passed which check, in this test.
    static PASSED: RefCell<BTreeSet<(&'static str, Check)>> = const { RefCell::new(BTreeSet::new()) };
}

/// What is checked of every loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Check {
    Gradient,
    Reductions,
    Empty,
    Extremes,
}

fn passed(loss: &'static str, check: Check) {
    PASSED.with_borrow_mut(|passed| passed.insert((loss, check)));
}

/// A new loss is a new row, here and in one of the files.
#[test]
fn every_loss_passes_every_check() {
    let rows: [fn(); 28] = [
        classes::cross_entropy_of_classes,
        classes::cross_entropy_of_probabilities,
        classes::negative_log_likelihood,
        classes::categorical_focal,
        classes::multi_class_hinge,
        classes::several_classes_hinge,
        classes::several_classes_soft_margin,
        classes::overlap_of_masks,
        ctc::every_alignment_counts,
        ctc::gradient_is_that_of_logits,
        ctc::no_samples_have_no_mean,
        ctc::extreme_logits_have_a_finite_loss,
        elements::squared_error,
        elements::absolute_error,
        elements::binary_cross_entropy_of_logits,
        elements::squared_or_absolute_error,
        elements::logarithm_of_hyperbolic_cosine,
        elements::binary_cross_entropy_of_probabilities,
        elements::divergence,
        elements::counts,
        elements::hinge_of_distances,
        elements::soft_margin,
        elements::binary_focal,
        joint::margin_ranking,
        joint::cosine_embedding,
        joint::gaussian_likelihood,
        joint::triplets,
        joint::triplets_with_a_distance_function,
    ];
    rows.iter().for_each(|row| row());
    let mut missing = Vec::new();
    for loss in conformance::members("loss").into_iter().filter(|name| name.ends_with("Loss")) {
        for check in [Check::Gradient, Check::Reductions, Check::Empty, Check::Extremes] {
            if !PASSED.with_borrow(|passed| passed.iter().any(|done| *done == (loss.as_str(), check))) {
                missing.push(format!("{loss}: {check:?}"));
            }
        }
    }
    assert_eq!(missing, [""; 0], "checks without a row");
}

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
reduce!(BCELoss BCEWithLogitsLoss BinaryFocalLoss CategoricalFocalLoss CrossEntropyLoss DiceLoss HingeEmbeddingLoss
    HuberLoss KLDivLoss L1Loss LogCoshLoss MSELoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss
    PoissonNLLLoss SmoothL1Loss SoftMarginLoss TverskyLoss);

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
    for isa in Isa::all() {
        isa.force(|| {
            for reduction in [Reduction::Mean, Reduction::Sum, Reduction::BatchMean] {
                check_gradient(&loss.reduce(reduction), shape, outputs, targets);
                check_shares(&loss.reduce(reduction), shape, outputs, targets);
            }
            check_reductions(&loss, shape, outputs, targets);
        });
    }
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
    passed(L::NAME, Check::Gradient);
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
    passed(name, Check::Reductions);
}

fn check_empty<Y: Copy + Sync, L: Loss<f64, Y> + Reduce>(loss: &L, shape: &[usize]) {
    let mean = loss.reduce(Reduction::Mean);
    assert_eq!(mean.bind(shape, 0, &[]).err(), Some(LossError::Empty(L::NAME)));
    assert_eq!(forward(&loss.reduce(Reduction::Sum), shape, &[], &[]).0, 0.0);
    assert_eq!(unreduced(&loss.reduce(Reduction::None), shape, &[], &[], |_| 1.0), (vec![], vec![]));
    passed(L::NAME, Check::Empty);
}

/// The loss and its gradient are finite however large the outputs are, in both scalar types.
#[track_caller]
fn check_extremes<Y: Copy + Sync, Z: Copy + Sync, L>(loss: L, shape: &[usize], targets: &[Y], targets_f32: &[Z])
where
    L: Loss<f64, Y> + Loss<f32, Z>,
{
    check_outputs(loss, shape, [1000.0, -1000.0, 80.0, -80.0, 0.0], targets, targets_f32);
}

/// The same for losses whose outputs are limited.
#[track_caller]
fn check_outputs<Y: Copy + Sync, Z: Copy + Sync, L>(
    loss: L,
    shape: &[usize],
    extremes: [f64; 5],
    targets: &[Y],
    targets_f32: &[Z],
) where
    L: Loss<f64, Y> + Loss<f32, Z>,
{
    let samples = targets.len() / <L as Loss<f64, Y>>::target_len(&loss, shape);
    for phase in 0..extremes.len() {
        let outputs: Vec<f64> = (0..samples * elements(shape)).map(|i| extremes[(i * 3 + phase) % 5]).collect();
        let (value, losses, gradient) = forward(&loss, shape, &outputs, targets);
        assert!(value.is_finite() && losses.iter().chain(&gradient).all(|x| x.is_finite()), "{loss:?}: {outputs:?}");
        let outputs: Vec<f32> = outputs.iter().map(|&x| x as f32).collect();
        let (value, losses, gradient) = forward(&loss, shape, &outputs, targets_f32);
        assert!(value.is_finite() && losses.iter().chain(&gradient).all(|x| x.is_finite()), "{loss:?}: {outputs:?}");
    }
    passed(<L as Loss<f64, Y>>::NAME, Check::Extremes);
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
