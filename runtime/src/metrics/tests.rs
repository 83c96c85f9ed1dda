//! Values against published ones, what holds for every metric, and refusals.

use super::*;

/// The value after one update with these predicted classes, as scores that are 1 for the class and 0 for others.
fn classified<M: MetricOf<f64, i64>>(mut metric: M, classes: usize, predicted: &[usize], targets: &[i64]) -> M {
    let outputs: Vec<f64> =
        predicted.iter().flat_map(|&p| (0..classes).map(move |class| if class == p { 1.0 } else { 0.0 })).collect();
    metric.update(&[classes], &outputs, targets).expect("outputs and targets fit");
    metric
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
}

/// The example of scikit-learn's documentation of precision, recall and F1.
const TARGETS: [i64; 6] = [0, 1, 2, 0, 1, 2];
const PREDICTED: [usize; 6] = [0, 2, 1, 0, 0, 1];

#[test]
fn class_scores_are_averaged_as_in_scikit_learn() {
    let check = |average, precision, recall, f1| {
        near(classified(Precision { average, ..Precision::DEFAULT }, 3, &PREDICTED, &TARGETS).value(), precision);
        near(classified(Recall { average, ..Recall::DEFAULT }, 3, &PREDICTED, &TARGETS).value(), recall);
        near(classified(F1Score { average, ..F1Score::DEFAULT }, 3, &PREDICTED, &TARGETS).value(), f1);
    };
    check(Average::Macro, 2.0 / 9.0, 1.0 / 3.0, 4.0 / 15.0);
    check(Average::Micro, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0);
    check(Average::Weighted, 2.0 / 9.0, 1.0 / 3.0, 4.0 / 15.0);
}

#[test]
fn a_mean_over_classes_leaves_out_those_that_never_occur() {
    let recall = classified(Recall::DEFAULT, 5, &[0, 1, 1], &[0, 0, 1]);
    near(recall.value(), (0.5 + 1.0) / 2.0);
    let predicted_only = classified(Recall::DEFAULT, 5, &[0, 4, 1], &[0, 0, 1]);
    near(predicted_only.value(), (0.5 + 1.0 + 0.0) / 3.0);
    let weighted = F1Score { average: Average::Weighted, ..F1Score::DEFAULT };
    near(classified(weighted, 5, &[0, 1, 1], &[0, 0, 1]).value(), 2.0 / 3.0);
}

#[test]
fn a_confusion_matrix_counts_who_was_taken_for_whom() {
    let matrix = classified(ConfusionMatrix::DEFAULT, 3, &PREDICTED, &TARGETS);
    assert_eq!(matrix.counts, [2, 0, 0, 1, 0, 1, 0, 2, 0]);
    near(matrix.value(), 1.0 / 3.0);
    let report = matrix.report(0);
    assert_eq!((report.precision, report.recall, report.f1, report.support), (2.0 / 3.0, 1.0, 0.8, 2));
    let never_right = matrix.report(1);
    assert_eq!((never_right.precision, never_right.recall, never_right.f1), (0.0, 0.0, 0.0));
    assert_eq!([matrix.predictions(1), matrix.support(1), matrix.correct(), matrix.total()], [2, 2, 2, 6]);
}

#[test]
fn a_confusion_matrix_prints_as_a_table() {
    let matrix = ConfusionMatrix { class_names: &["T-shirt", "Trouser"], ..ConfusionMatrix::DEFAULT };
    assert_eq!(matrix.to_string(), "nothing seen yet");
    let matrix = classified(matrix, 3, &PREDICTED, &TARGETS);
    let expected = "\
actual    | 0 1 2 | precision recall     f1 support
----------+-------+--------------------------------
0 T-shirt | 2 0 0 |     0.667  1.000  0.800       2
1 Trouser | 1 0 1 |     0.000  0.000  0.000       2
2         | 0 2 0 |     0.000  0.000  0.000       2
accuracy 0.3333 (2 of 6)";
    assert_eq!(matrix.to_string(), expected);
    let names = ["T-shirt", "Trouser"].map(String::from);
    assert_eq!(matrix.table(&names).to_string(), expected);
}

#[test]
fn classes_may_be_along_any_axis() {
    // Two samples with three classes and two places each; classes 2, 0 and 1, 1 have the highest scores.
    let channels_first = [0.0, 9.0, 1.0, 2.0, 5.0, 3.0, 0.0, 0.0, 7.0, 1.0, 2.0, 0.5];
    let channels_last = [0.0, 1.0, 5.0, 9.0, 2.0, 3.0, 0.0, 7.0, 2.0, 0.0, 1.0, 0.5];
    let targets = [2, 0, 1, 2];
    let mut first = Accuracy::DEFAULT;
    first.update(&[3, 2], &channels_first, &targets).expect("they fit");
    assert_eq!((first.correct, first.total), (3, 4));
    let mut last = Accuracy { dim: -1, ..Accuracy::DEFAULT };
    last.update(&[2, 3], &channels_last, &targets).expect("they fit");
    assert_eq!((last.correct, last.total), (3, 4));
}

#[test]
fn the_first_of_equal_scores_counts_as_highest_and_nan_as_higher_still() {
    let check = |scores: [f64; 3], class: i64| {
        let mut accuracy = Accuracy::DEFAULT;
        accuracy.update(&[3], &scores, &[class]).expect("they fit");
        assert_eq!(accuracy.value(), 1.0, "{scores:?}");
        for k in 1..=3 {
            let mut order = [0, 1, 2].map(|target| {
                let mut top = TopK { k, ..TopK::DEFAULT };
                top.update(&[3], &scores, &[target]).expect("they fit");
                top.correct
            });
            assert_eq!(order[class as usize], 1);
            order.sort();
            assert_eq!(order.iter().sum::<u64>(), k as u64, "just {k} classes are among the {k} highest of {scores:?}");
        }
    };
    check([1.0, 1.0, 1.0], 0);
    check([0.0, 2.0, 2.0], 1);
    check([0.0, f64::NAN, 2.0], 1);
    check([f64::INFINITY, f64::NAN, f64::NAN], 1);
    check([f64::NEG_INFINITY, f64::NEG_INFINITY, -1.0], 2);
}

#[test]
fn binary_metrics_count_yes_and_no() {
    let (logits, targets) = ([2.0, -1.0, 0.5, -3.0, 1.0], [1.0, 1.0, 0.0, 0.0, 1.0]);
    fn value<M: MetricOf<f64, f64>>(mut metric: M, outputs: &[f64], targets: &[f64]) -> f64 {
        metric.update(&[1], outputs, targets).expect("they fit");
        metric.value()
    }
    near(value(BinaryAccuracy::DEFAULT, &logits, &targets), 3.0 / 5.0);
    near(value(BinaryPrecision::DEFAULT, &logits, &targets), 2.0 / 3.0);
    near(value(BinaryRecall::DEFAULT, &logits, &targets), 2.0 / 3.0);
    near(value(BinaryF1Score::DEFAULT, &logits, &targets), 2.0 / 3.0);

    // A threshold of 0.7 lies at the logit 0.847, and both ways of giving outputs agree.
    let probabilities = logits.map(|x: f64| 1.0 / (1.0 + (-x).exp()));
    for threshold in [0.0, 0.2, 0.5, 0.7, 0.9, 1.0] {
        let of_logits = BinaryAccuracy { threshold, ..BinaryAccuracy::DEFAULT };
        let of_probabilities = BinaryAccuracy { logits: false, ..of_logits.clone() };
        near(value(of_logits, &logits, &targets), value(of_probabilities, &probabilities, &targets));
    }
    near(value(BinaryAccuracy { threshold: 0.7, ..BinaryAccuracy::DEFAULT }, &logits, &targets), 4.0 / 5.0);
    near(value(BinaryPrecision { threshold: 1.0, ..BinaryPrecision::DEFAULT }, &logits, &targets), 0.0);
}

#[test]
fn regression_metrics_agree_with_their_definitions() {
    // The examples of scikit-learn's documentation.
    let (outputs, targets) = ([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]);
    fn value<M: MetricOf<f64, f64>>(mut metric: M, shape: &[usize], outputs: &[f64], targets: &[f64]) -> f64 {
        metric.update(shape, outputs, targets).expect("they fit");
        metric.value()
    }
    near(value(MeanSquaredError::DEFAULT, &[1], &outputs, &targets), 0.375);
    near(value(MeanAbsoluteError::DEFAULT, &[1], &outputs, &targets), 0.5);
    near(value(R2Score::DEFAULT, &[1], &outputs, &targets), 1.0 - 1.5 / 29.1875);
    // Each column has an R² of its own.
    let (outputs, targets) = ([0.0, 2.0, -1.0, 2.0, 8.0, -5.0], [0.5, 1.0, -1.0, 1.0, 7.0, -6.0]);
    near(value(R2Score::DEFAULT, &[2], &outputs, &targets), 0.9368005266622779);
    // Targets that do not vary.
    assert_eq!(value(R2Score::DEFAULT, &[1], &[2.0, 2.0], &[2.0, 2.0]), 1.0);
    assert_eq!(value(R2Score::DEFAULT, &[1], &[2.0, 3.0], &[2.0, 2.0]), 0.0);
    // A mean far from zero costs no digits.
    let far = |x: [f64; 4]| x.map(|x| x + 1e8);
    let r2 = value(R2Score::DEFAULT, &[1], &far([2.5, 0.0, 2.0, 8.0]), &far([3.0, -0.5, 2.0, 7.0]));
    assert!((r2 - (1.0 - 1.5 / 29.1875)).abs() < 1e-7, "{r2}");
}

#[test]
fn perplexity_is_the_exponential_of_the_cross_entropy() {
    let mut perplexity = Perplexity { ignore_index: 1, ..Perplexity::DEFAULT };
    let logits = [1000.0, 1000.0, 998.0, 0.0, 0.0, 0.0];
    perplexity.update(&[2, 3], &logits, &[2, 1]).expect("they fit");
    near(perplexity.value(), 2.0 * 2f64.exp() + 1.0);
}

/// One check for every metric, with outputs and targets for it.
trait Check {
    fn check<T: Real, Y: Copy, M: MetricOf<T, Y>>(&self, metric: M, shape: &[usize], outputs: &[T], targets: &[Y]);
}

fn every_metric(check: &impl Check) {
    let scores: Vec<f32> = (0..60).map(|i| ((i * 37) % 23) as f32).collect();
    let classes: Vec<i64> = (0..20).map(|i| if i % 7 == 6 { -100 } else { (i * 5) % 3 }).collect();
    check.check(Accuracy::DEFAULT, &[3], &scores, &classes);
    check.check(TopK { k: 2, ..TopK::DEFAULT }, &[3], &scores, &classes);
    check.check(ConfusionMatrix::DEFAULT, &[3], &scores, &classes);
    check.check(Precision::DEFAULT, &[3], &scores, &classes);
    check.check(Recall { average: Average::Weighted, ..Recall::DEFAULT }, &[3], &scores, &classes);
    check.check(F1Score { average: Average::Micro, ..F1Score::DEFAULT }, &[3], &scores, &classes);
    check.check(Perplexity::DEFAULT, &[3], &scores, &classes);
    let values: Vec<f32> = (0..60).map(|i| ((i * 29) % 19) as f32 - 9.0).collect();
    let answers: Vec<f32> = (0..60).map(|i| (i % 2) as f32).collect();
    check.check(BinaryAccuracy::DEFAULT, &[3], &values, &answers);
    check.check(BinaryPrecision::DEFAULT, &[3], &values, &answers);
    check.check(BinaryRecall::DEFAULT, &[3], &values, &answers);
    check.check(BinaryF1Score::DEFAULT, &[3], &values, &answers);
    check.check(MeanSquaredError::DEFAULT, &[3], &values, &scores);
    check.check(MeanAbsoluteError::DEFAULT, &[3], &values, &scores);
    check.check(R2Score::DEFAULT, &[3], &values, &scores);
}

#[test]
fn batches_count_as_one() {
    struct Batches;
    impl Check for Batches {
        fn check<T: Real, Y: Copy, M: MetricOf<T, Y>>(&self, metric: M, shape: &[usize], outputs: &[T], targets: &[Y]) {
            let mut whole = metric.clone();
            whole.update(shape, outputs, targets).expect("they fit");
            let mut parts = metric.clone();
            let samples = outputs.len() / 3;
            let each = targets.len() / samples;
            for (from, to) in [(0, 5), (5, 5), (5, 12), (12, samples)] {
                let (outputs, targets) = (&outputs[from * 3..to * 3], &targets[from * each..to * each]);
                parts.update(shape, outputs, targets).expect("they fit");
            }
            let (whole, parts, name) = (whole.value(), parts.value(), metric.name());
            assert!((whole - parts).abs() <= 1e-14 * whole.abs(), "{name}: {whole} at once, {parts} in batches");
        }
    }
    every_metric(&Batches);
}

#[test]
fn nothing_seen_is_nan_and_a_reset_forgets() {
    struct Forgets;
    impl Check for Forgets {
        fn check<T: Real, Y: Copy, M: MetricOf<T, Y>>(&self, metric: M, shape: &[usize], outputs: &[T], targets: &[Y]) {
            let mut used = metric.clone();
            assert!(used.value().is_nan(), "{}", metric.name());
            used.update(shape, outputs, targets).expect("they fit");
            let value = used.value();
            assert!(value.is_finite(), "{}", metric.name());
            used.reset();
            assert!(used.value().is_nan(), "{}", metric.name());
            used.update(shape, outputs, targets).expect("they fit");
            assert_eq!(used.value(), value, "{}", metric.name());
        }
    }
    every_metric(&Forgets);
}

#[test]
fn outputs_and_targets_that_do_not_fit_are_refused_and_not_counted() {
    struct Refuses;
    impl Check for Refuses {
        fn check<T: Real, Y: Copy, M: MetricOf<T, Y>>(&self, metric: M, shape: &[usize], outputs: &[T], targets: &[Y]) {
            let mut used = metric.clone();
            used.update(shape, outputs, targets).expect("they fit");
            let before = used.clone();
            let error = used.update(shape, &outputs[1..], targets).expect_err("not whole samples");
            assert!(matches!(error, MetricError::OutputLength { expected: 3, .. }), "{error}");
            let error = used.update(shape, outputs, &targets[1..]).expect_err("a target is missing");
            assert!(matches!(error, MetricError::TargetLength { samples: 20, .. }), "{error}");
            assert_eq!(used, before);
        }
    }
    every_metric(&Refuses);
}

#[test]
fn what_is_wrong_is_said_with_both_numbers() {
    fn refusal<M: MetricOf<f64, i64>>(mut metric: M, shape: &[usize], outputs: &[f64], targets: &[i64]) -> String {
        metric.update(shape, outputs, targets).expect_err("it does not fit").to_string()
    }
    assert_eq!(
        refusal(Accuracy::DEFAULT, &[2], &[0.0; 4], &[0, 2]),
        "Accuracy: target 1 is class 2, expected 0..2 (or ignore_index -100)"
    );
    assert_eq!(
        refusal(Accuracy { dim: 2, ..Accuracy::DEFAULT }, &[2], &[0.0; 4], &[0, 1]),
        "Accuracy: dim = 2, expected an axis of outputs of shape [2] (the batch is axis 0)"
    );
    assert_eq!(
        refusal(TopK::DEFAULT, &[2], &[0.0; 4], &[0, 1]),
        "TopK: k = 5, expected 1 or more, and no more than there are classes, 2"
    );
    assert_eq!(
        refusal(Accuracy::DEFAULT, &[2, 3], &[0.0; 6], &[0, 1]),
        "Accuracy: 2 target elements for 1 outputs of shape [2, 3], expected 3"
    );
    let seen = classified(ConfusionMatrix::DEFAULT, 3, &PREDICTED, &TARGETS);
    assert_eq!(
        refusal(seen, &[2], &[0.0; 4], &[0, 1]),
        "ConfusionMatrix: outputs have 2 classes, but those before had 3; reset it first"
    );
    let threshold = BinaryRecall { threshold: 1.5, ..BinaryRecall::DEFAULT };
    assert_eq!(refusal(threshold, &[1], &[0.0; 2], &[0, 1]), "BinaryRecall: threshold = 1.5, expected from 0 to 1");
}

#[test]
fn options_are_checked_in_constants() {
    const _: () = Accuracy::DEFAULT.assert_fits(&[10]);
    const _: () = TopK { k: 3, ..TopK::DEFAULT }.assert_fits(&[3]);
    const _: () = Perplexity::DEFAULT.assert_fits(&[64, 65]);
    let text = |panic: Box<dyn std::any::Any + Send>| panic.downcast_ref::<String>().cloned().expect("a text");
    let panic = std::panic::catch_unwind(|| TopK::DEFAULT.assert_fits(&[3])).expect_err("five of three");
    assert_eq!(text(panic), "TopK: `k` is more than the network's output has classes");
    let panic = std::panic::catch_unwind(|| Accuracy::DEFAULT.assert_fits(&[])).expect_err("no axis");
    assert_eq!(text(panic), "the metric's `dim` is no axis of the network's output (the batch is axis 0)");
}

#[test]
fn what_was_seen_survives_being_saved() {
    let mut mean = Mean::DEFAULT;
    mean.add(f64::NAN, 3.0);
    let saved = serde_json::to_string(&mean).expect("JSON");
    let loaded: Mean = serde_json::from_str(&saved).expect("what was written can be read");
    assert!(loaded.value().is_nan());
    let matrix = classified(ConfusionMatrix::DEFAULT, 3, &PREDICTED, &TARGETS);
    let saved = serde_json::to_string(&matrix).expect("JSON");
    assert_eq!(serde_json::from_str::<ConfusionMatrix>(&saved).expect("what was written can be read"), matrix);
}
