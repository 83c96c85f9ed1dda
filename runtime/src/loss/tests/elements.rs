//! Losses with a target for each output.

use super::*;

#[test]
pub(super) fn squared_error() {
    check(MSELoss::DEFAULT, &[3, 7], &numbers(84), &shares(84));
    check(MSELoss::DEFAULT, &[], &numbers(5), &shares(5));
    check_extremes(MSELoss::DEFAULT, &[3], &[0.5; 12], &[0.5; 12]);
}

#[test]
pub(super) fn absolute_error() {
    check(L1Loss::DEFAULT, &[3], &numbers(12), &shares(12));
    check_extremes(L1Loss::DEFAULT, &[3], &[0.5; 12], &[0.5; 12]);
}

#[test]
pub(super) fn binary_cross_entropy_of_logits() {
    check(BCEWithLogitsLoss::DEFAULT, &[2, 3], &numbers(24), &shares(24));
    check_extremes(BCEWithLogitsLoss::DEFAULT, &[2, 3], &[0.5; 24], &[0.5; 24]);
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
pub(super) fn squared_or_absolute_error() {
    for beta in [1.0, 0.3, 0.0] {
        check(SmoothL1Loss { beta, ..SmoothL1Loss::DEFAULT }, &[3], &numbers(24), &shares(24));
        check_extremes(SmoothL1Loss { beta, ..SmoothL1Loss::DEFAULT }, &[3], &[0.5; 12], &[0.5; 12]);
    }
    for delta in [1.0, 0.3] {
        check(HuberLoss { delta, ..HuberLoss::DEFAULT }, &[3], &numbers(24), &shares(24));
        check_extremes(HuberLoss { delta, ..HuberLoss::DEFAULT }, &[3], &[0.5; 12], &[0.5; 12]);
    }
}

#[test]
pub(super) fn logarithm_of_hyperbolic_cosine() {
    check(LogCoshLoss::DEFAULT, &[3], &numbers(24), &shares(24));
    check_extremes(LogCoshLoss::DEFAULT, &[3], &[0.0; 12], &[0.0; 12]);
    for d in [1e-6, 1e-3, 0.5, 0.999, 1.001] {
        let (value, _, _) = forward(&LogCoshLoss::DEFAULT, &[], &[d], &[0.0]);
        // The series of ln cosh, and its defining formula where that has its digits.
        let want = if d < 0.01 { d * d / 2.0 * (1.0 - d * d / 6.0) } else { f64::cosh(d).ln() };
        assert!((value - want).abs() <= 1e-12 * want, "{d}: {value}, expected {want}");
    }
}

#[test]
pub(super) fn binary_cross_entropy_of_probabilities() {
    // Away from 0 and 1, where the loss is too steep for central differences.
    let outputs: Vec<f64> = shares(12).into_iter().map(|x| 0.2 + 0.6 * x).collect();
    check(BCELoss::DEFAULT, &[3], &outputs, &shares(12));
    check_batch(BCELoss { weight: shares(12).into(), ..BCELoss::DEFAULT }, &[3], &outputs, &[0.0; 12]);
    check_outputs(BCELoss::DEFAULT, &[3], [0.0, 1.0, 0.0, 0.0, 1.0], &[0.5; 12], &[0.5; 12]);
}

#[test]
fn probabilities_of_zero_and_one_cost_at_most_a_hundred() {
    let (value, _, gradient) = forward(&BCELoss::DEFAULT, &[2], &[0.0, 1.0], &[1.0, 0.0]);
    assert_eq!(value, 100.0);
    let slope = 0.5 / f64::from(1e-12_f32);
    assert_eq!(gradient, [-slope, slope]);
    let (value, _, gradient) = forward(&BCELoss::DEFAULT, &[2], &[0.0, 1.0], &[0.0, 1.0]);
    assert_eq!((value, gradient), (0.0, vec![0.0, 0.0]));
}

/// A loss of numbers that are none of its own has an error that says which.
fn check_refused<L: Loss<f32, f32> + Loss<f64, f64>>(loss: L, outputs: &[f64], targets: &[f64], index: usize) {
    let (mut losses, mut gradient) = (vec![0.0; outputs.len()], vec![0.0; outputs.len()]);
    let found = loss.forward_flat(&[1], outputs, targets, &mut losses, &mut gradient);
    let same = |found: f64| found == outputs[index] || (found - outputs[index]).abs() < 1e-6;
    let refused =
        |error: &LossError| matches!(error, LossError::Output { index: i, found, .. } if *i == index && same(*found));
    assert!(found.as_ref().is_err_and(refused), "{found:?}");
    let upstream = vec![1.0; outputs.len()];
    let found = loss.unreduced(&[1], outputs, targets, &upstream, &mut losses, &mut gradient);
    assert!(found.as_ref().is_err_and(refused), "{found:?}");
    let single = |numbers: &[f64]| numbers.iter().map(|&x| x as f32).collect::<Vec<_>>();
    let (mut losses, mut gradient) = (single(&losses), single(&gradient));
    let found = loss.forward_flat(&[1], &single(outputs), &single(targets), &mut losses, &mut gradient);
    assert!(found.as_ref().is_err_and(refused), "{found:?}");
}

#[test]
fn outputs_that_a_loss_is_not_defined_for_are_named() {
    for (bad, target) in [(1.5, 1.0), (1.000001, 0.0), (-1e-30, 0.0), (-0.25, 1.0), (f64::INFINITY, 0.5)] {
        check_refused(BCELoss::DEFAULT, &[0.5, 1.0, bad, 2.0], &[1.0, 1.0, target, 0.0], 2);
        let zero = BCELoss { weight: [0.0].into(), reduction: Reduction::Sum };
        check_refused(zero, &[0.5, bad], &[1.0, target], 1);
    }
    let counts = PoissonNLLLoss { log_input: false, ..PoissonNLLLoss::DEFAULT };
    check_refused(counts, &[1.0, -0.5], &[1.0, 0.0], 1);
}

#[test]
pub(super) fn divergence() {
    check(KLDivLoss::DEFAULT, &[4], &numbers(12), &shares(12));
    check(KLDivLoss { log_target: true, ..KLDivLoss::DEFAULT }, &[4], &numbers(12), &numbers(12));
    check_extremes(KLDivLoss::DEFAULT, &[4], &[0.5; 12], &[0.5; 12]);
    let (value, _, gradient) = forward(&KLDivLoss::DEFAULT, &[2], &[-1.0, -2.0], &[0.0, 1.0]);
    assert_eq!((value, gradient), (1.0, vec![0.0, -0.5]));
}

#[test]
pub(super) fn counts() {
    for full in [false, true] {
        let counts: Vec<f64> = (0..12).map(|i| (i % 5) as f64).collect();
        check(PoissonNLLLoss { full, ..PoissonNLLLoss::DEFAULT }, &[4], &numbers(12), &counts);
        let rates = PoissonNLLLoss { full, log_input: false, eps: 1e-3, ..PoissonNLLLoss::DEFAULT };
        check(rates, &[4], &shares(12), &counts);
        check_outputs(
            rates,
            &[4],
            [1000.0, 0.0, 80.0, 1.0, 0.0],
            &counts,
            &counts.iter().map(|&y| y as f32).collect::<Vec<_>>(),
        );
    }
    // A rate of e¹⁰⁰⁰ is infinite, and so is its loss, as in PyTorch.
    let (value, _, gradient) = forward(&PoissonNLLLoss::DEFAULT, &[2], &[1000.0, -1000.0], &[3.0, 0.0]);
    assert_eq!((value, gradient), (f64::INFINITY, vec![f64::INFINITY, 0.0]));
}

#[test]
pub(super) fn hinge_of_distances() {
    check(HingeEmbeddingLoss { margin: 0.7, ..HingeEmbeddingLoss::DEFAULT }, &[4], &numbers(12), &signs(12));
    check_extremes(HingeEmbeddingLoss::DEFAULT, &[4], &[1.0, -1.0, -1.0, 1.0], &[1.0, -1.0, -1.0, 1.0]);
}

#[test]
pub(super) fn soft_margin() {
    check(SoftMarginLoss::DEFAULT, &[4], &numbers(12), &signs(12));
    check_extremes(SoftMarginLoss::DEFAULT, &[4], &[1.0, -1.0, -1.0, 1.0], &[1.0, -1.0, -1.0, 1.0]);
}

#[test]
pub(super) fn binary_focal() {
    for (alpha, gamma) in [(0.25, 2.0), (-1.0, 0.0), (0.6, 0.5), (0.6, 3.5)] {
        let loss = BinaryFocalLoss { alpha, gamma, ..BinaryFocalLoss::DEFAULT };
        check(loss, &[4], &numbers(12), &shares(12));
        check(loss, &[4], &numbers(12), &[1.0; 12]);
        check_extremes(loss, &[4], &[0.0, 1.0, 0.0, 1.0], &[0.0, 1.0, 0.0, 1.0]);
    }
    let plain = BinaryFocalLoss { alpha: -1.0, gamma: 0.0, ..BinaryFocalLoss::DEFAULT };
    let (value, _, gradient) = forward(&plain, &[4], &numbers(12), &shares(12));
    let (want, _, want_gradient) = forward(&BCEWithLogitsLoss::DEFAULT, &[4], &numbers(12), &shares(12));
    assert_close(value, want, "focal loss without focus");
    for (g, want) in gradient.into_iter().zip(want_gradient) {
        assert_close(g, want, "its gradient");
    }
}

/// As `torch.autograd` chooses among the slopes on either side.
#[test]
fn slopes_at_kinks_are_those_of_pytorch() {
    #[track_caller]
    fn check_slope(loss: impl Loss<f64, f64>, output: f64, target: f64, slope: f64) {
        assert_eq!(forward(&loss, &[], &[output], &[target]).2, [slope]);
    }
    check_slope(L1Loss::DEFAULT, 2.0, 2.0, 0.0);
    check_slope(SmoothL1Loss { beta: 0.0, ..SmoothL1Loss::DEFAULT }, 2.0, 2.0, 0.0);
    check_slope(SmoothL1Loss::DEFAULT, 3.0, 2.0, 1.0);
    check_slope(HuberLoss::DEFAULT, 1.0, 2.0, -1.0);
    check_slope(HingeEmbeddingLoss::DEFAULT, 1.0, -1.0, 0.0);
}

fn signs(len: usize) -> Vec<f64> {
    (0..len).map(|i| if i % 3 == 0 { 1.0 } else { -1.0 }).collect()
}
