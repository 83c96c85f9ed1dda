//! Losses with a target for each sample or place.

use super::*;

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
        check_extremes(loss, &[5], &classes(8, 5), &classes(8, 5));
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
