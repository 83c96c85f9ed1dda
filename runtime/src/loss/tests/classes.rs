//! Losses with a target for each sample or place.

use super::*;

#[test]
pub(super) fn cross_entropy_of_classes() {
    let smoothed = CrossEntropyLoss { label_smoothing: 0.2, ..CrossEntropyLoss::DEFAULT };
    let weighted = CrossEntropyLoss { weight: shares(5).into(), ..CrossEntropyLoss::DEFAULT };
    let both = CrossEntropyLoss { weight: shares(5).into(), ignore_index: 3, ..smoothed.clone() };
    for loss in [CrossEntropyLoss::DEFAULT, smoothed, weighted, both] {
        check(loss.clone(), &[5], &numbers(40), &classes(8, 5));
        check(loss.clone(), &[5, 2, 3], &numbers(120), &classes(24, 5));
        check(CrossEntropyLoss { dim: -1, ..loss.clone() }, &[2, 5], &numbers(40), &classes(8, 5));
        check(CrossEntropyLoss { dim: 2, ..loss.clone() }, &[2, 5, 3], &numbers(90), &classes(18, 5));
        check_extremes(loss, &[5], &classes(8, 5), &classes(8, 5));
    }
}

#[test]
pub(super) fn cross_entropy_of_probabilities() {
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

/// Two samples of two classes, of which no target counts: a mean of NaN, and a gradient of zero.
fn check_nothing<L: Loss<f64, i64>>(loss: L, targets: &[i64; 2]) {
    assert_eq!(loss.bind(&[2], 2, targets).expect("the targets fit").weight(), 0.0, "{loss:?}");
    let (value, losses, gradient) = forward(&loss, &[2], &numbers(4), targets);
    assert!(value.is_nan() && losses.iter().all(|l| l.is_nan()), "{loss:?}");
    assert_eq!(gradient, [0.0; 4], "{loss:?}");
}

#[test]
fn where_no_target_counts_there_is_no_mean_and_no_gradient() {
    let weight = || LossWeights::from([1.0, 0.0]);
    for targets in [[-100, -100], [1, 1], [1, -100]] {
        check_nothing(CrossEntropyLoss { weight: weight(), ..CrossEntropyLoss::DEFAULT }, &targets);
        let smoothed = CrossEntropyLoss { weight: weight(), label_smoothing: 0.1, ..CrossEntropyLoss::DEFAULT };
        check_nothing(smoothed, &targets);
        check_nothing(NLLLoss { weight: weight(), ..NLLLoss::DEFAULT }, &targets);
    }
    check_nothing(CategoricalFocalLoss::DEFAULT, &[-100, -100]);
    // A sum of nothing is 0, as in PyTorch.
    let summed = CrossEntropyLoss { reduction: Reduction::Sum, ..CrossEntropyLoss::DEFAULT };
    let (value, _, gradient) = forward(&summed, &[2], &numbers(4), &[-100_i64, -100]);
    assert_eq!((value, gradient), (0.0, vec![0.0; 4]));
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

#[test]
pub(super) fn negative_log_likelihood() {
    let weighted = NLLLoss { weight: shares(5).into(), ignore_index: 3, ..NLLLoss::DEFAULT };
    for loss in [NLLLoss::DEFAULT, weighted] {
        check(loss.clone(), &[5], &numbers(40), &classes(8, 5));
        check(loss.clone(), &[5, 2, 3], &numbers(120), &classes(24, 5));
        check(NLLLoss { dim: 2, ..loss.clone() }, &[2, 5, 3], &numbers(90), &classes(18, 5));
        check_extremes(loss, &[5], &classes(8, 5), &classes(8, 5));
    }
    let (value, _, gradient) = forward(&NLLLoss::DEFAULT, &[2], &numbers(4), &[-100_i64, -100]);
    assert!(value.is_nan());
    assert_eq!(gradient, [0.0; 4]);
}

#[test]
pub(super) fn categorical_focal() {
    for gamma in [0.0, 0.5, 2.0, 3.5] {
        let weighted =
            CategoricalFocalLoss { weight: shares(5).into(), ignore_index: 3, gamma, ..CategoricalFocalLoss::DEFAULT };
        for loss in [CategoricalFocalLoss { gamma, ..CategoricalFocalLoss::DEFAULT }, weighted] {
            check(loss.clone(), &[5], &numbers(40), &classes(8, 5));
            check(loss.clone(), &[5, 2, 3], &numbers(120), &classes(24, 5));
            check_extremes(loss, &[5], &classes(8, 5), &classes(8, 5));
        }
    }
}

#[test]
fn focal_loss_without_focus_is_cross_entropy() {
    let plain = CategoricalFocalLoss { gamma: 0.0, ..CategoricalFocalLoss::DEFAULT };
    let (value, _, gradient) = forward(&plain, &[5], &numbers(40), &classes(8, 5));
    let (want, _, want_gradient) = forward(&CrossEntropyLoss::DEFAULT, &[5], &numbers(40), &classes(8, 5));
    assert_close(value, want, "focal loss without focus");
    for (g, want) in gradient.into_iter().zip(want_gradient) {
        assert_close(g, want, "its gradient");
    }
}

#[test]
pub(super) fn multi_class_hinge() {
    for (p, margin) in [(1, 1.0), (2, 0.7)] {
        let loss = MultiMarginLoss { p, margin, ..MultiMarginLoss::DEFAULT };
        check(loss.clone(), &[5], &numbers(40), &classes(8, 5));
        check(MultiMarginLoss { weight: shares(5).into(), ..loss.clone() }, &[5], &numbers(40), &classes(8, 5));
        check_extremes(loss, &[5], &classes(8, 5), &classes(8, 5));
    }
    // At the kink, as in PyTorch.
    assert_eq!(forward(&MultiMarginLoss::DEFAULT, &[2], &[1.0, 0.0], &[0_i64]).2, [0.0, 0.0]);
}

#[test]
pub(super) fn several_classes_hinge() {
    let targets = [3, 0, -1, 4, 1, -1, -1, 2, 2, 1, 4, 0, 1, 2, 3];
    check(MultiLabelMarginLoss::DEFAULT, &[5], &numbers(15), &targets);
    check_extremes(MultiLabelMarginLoss::DEFAULT, &[5], &targets, &targets);
    // ¼ (1 − (0.1 − 0.2) + 1 − (0.1 − 0.4) + 1 − (0.8 − 0.2) + 1 − (0.8 − 0.4)), as in PyTorch's manual.
    let (value, _, _) = forward(&MultiLabelMarginLoss::DEFAULT, &[4], &[0.1, 0.2, 0.4, 0.8], &[3_i64, 0, -1, 1]);
    assert_close(value, 0.85, "the example in PyTorch's manual");
}

#[test]
pub(super) fn several_classes_soft_margin() {
    check(MultiLabelSoftMarginLoss::DEFAULT, &[2, 5], &numbers(20), &shares(20));
    for len in [1, 5, 20] {
        let weighted = MultiLabelSoftMarginLoss { weight: shares(len).into(), ..MultiLabelSoftMarginLoss::DEFAULT };
        check_batch(weighted, &[2, 5], &numbers(20), &shares(20));
    }
    let targets = [1.0, 0.0, 0.0, 1.0, 1.0];
    check_extremes(MultiLabelSoftMarginLoss::DEFAULT, &[5], &targets, &targets.map(|y| y as f32));
}

#[test]
pub(super) fn overlap_of_masks() {
    for per_channel in [false, true] {
        let dice = DiceLoss { per_channel, ..DiceLoss::DEFAULT };
        check(dice, &[3, 4], &shares(24), &numbers(24).iter().map(|x| f64::from(*x > 0.0)).collect::<Vec<_>>());
        let tversky = TverskyLoss { alpha: 0.3, beta: 0.9, smooth: 0.1, per_channel, ..TverskyLoss::DEFAULT };
        check(tversky, &[3, 4], &shares(24), &shares(24));
        // Probabilities of nothing and of everything, on masks of nothing and of everything.
        let (ends, masks) = ([0.0, 1.0, 0.0, 0.0, 1.0], [[0.0; 12], [1.0; 12]].concat());
        let masks_f32: Vec<f32> = masks.iter().map(|&y| y as f32).collect();
        check_outputs(dice, &[3, 4], ends, &masks, &masks_f32);
        check_outputs(tversky, &[3, 4], ends, &masks, &masks_f32);
        let same = TverskyLoss { smooth: 0.5, per_channel, ..TverskyLoss::DEFAULT };
        let targets = shares(24);
        assert_eq!(forward(&dice, &[3, 4], &shares(24), &targets), forward(&same, &[3, 4], &shares(24), &targets));
    }
    assert_eq!(forward(&DiceLoss::DEFAULT, &[3], &[0.0; 3], &[0.0; 3]).0, 0.0);
    // The formula of the documentation: 1 − (2·0.5 + 1)/(1.5 + 1 + 1).
    assert_close(forward(&DiceLoss::DEFAULT, &[2], &[0.5, 1.0], &[1.0, 0.0]).0, 1.0 - 2.0 / 3.5, "Dice by hand");
}

/// They would make every kernel after the loss slow.
#[test]
fn gradients_of_what_is_learnt_are_zero_rather_than_subnormal() {
    let outputs: Vec<f32> = (0..64).map(|i| if i % 8 == 0 { 0.0 } else { -80.0 - i as f32 / 8.0 }).collect();
    let targets: Vec<f32> = (0..64).map(|i| if i % 8 == 0 { 1.0 } else { 0.0 }).collect();
    let gradients = [
        forward(&CrossEntropyLoss::DEFAULT, &[8], &outputs, &[0_i64; 8]).2,
        forward(&CrossEntropyLoss::DEFAULT, &[8], &outputs, &targets).2,
        forward(&CategoricalFocalLoss::DEFAULT, &[8], &outputs, &[0_i64; 8]).2,
        forward(&BCEWithLogitsLoss::DEFAULT, &[8], &outputs, &targets).2,
        forward(&MultiLabelSoftMarginLoss::DEFAULT, &[8], &outputs, &targets).2,
    ];
    for d in gradients.iter().flatten() {
        assert!(*d == 0.0 || d.abs() >= f32::MIN_POSITIVE / f32::EPSILON, "{d:e}");
    }
}
