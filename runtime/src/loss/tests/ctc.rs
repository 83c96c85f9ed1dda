//! Connectionist temporal classification, against the sum over all alignments.

use super::*;

const TIMES: usize = 4;
const SAMPLES: usize = 3;
const CLASSES: usize = 3;
const SHAPE: [usize; 3] = [TIMES, SAMPLES, CLASSES];
const INPUT_LENGTHS: [i64; SAMPLES] = [4, 3, 4];
const TARGET_LENGTHS: [i64; SAMPLES] = [2, 1, 2];
/// The last has a class twice, which needs a blank between.
const TARGETS: [i64; SAMPLES * 2] = [0, 2, 2, 9, 0, 0];
const LOSS: CTCLoss = CTCLoss { blank: 1, ..CTCLoss::DEFAULT };

/// ln of the softmax of logits of the shape.
fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let rows = logits.chunks(CLASSES);
    rows.flat_map(|row| {
        let log_sum = row.iter().map(|x| x.exp()).sum::<f64>().ln();
        row.iter().map(move |x| x - log_sum)
    })
    .collect()
}

/// −ln of the probability of all paths that become the target: each of the classes at each time, tried.
fn by_hand(log_probs: &[f64], sample: usize) -> f64 {
    let times = INPUT_LENGTHS[sample] as usize;
    let target = &TARGETS[2 * sample..][..TARGET_LENGTHS[sample] as usize];
    let mut probability = 0.0;
    for path in 0..CLASSES.pow(times as u32) {
        let classes: Vec<usize> = (0..times).map(|t| path / CLASSES.pow(t as u32) % CLASSES).collect();
        let mut read = classes.clone();
        read.dedup();
        read.retain(|&class| class != LOSS.blank);
        if read.iter().map(|&class| class as i64).eq(target.iter().copied()) {
            let place = |t: usize| (t * SAMPLES + sample) * CLASSES + classes[t];
            probability += (0..times).map(|t| log_probs[place(t)]).sum::<f64>().exp();
        }
    }
    -probability.ln()
}

fn run(loss: CTCLoss, log_probs: &[f64], targets: &[i64]) -> (f64, Vec<f64>) {
    let (mut gradient, mut workspace) = (vec![7.0; log_probs.len()], CTCWorkspace::default());
    let value = loss
        .forward_flat(SHAPE, log_probs, targets, &INPUT_LENGTHS, &TARGET_LENGTHS, &mut gradient, &mut workspace)
        .unwrap();
    (value, gradient)
}

#[test]
pub(super) fn every_alignment_counts() {
    let log_probs = log_softmax(&numbers(TIMES * SAMPLES * CLASSES));
    let single: Vec<f64> = (0..SAMPLES).map(|sample| by_hand(&log_probs, sample)).collect();
    let sum = single.iter().sum::<f64>();
    let mean = single.iter().zip(TARGET_LENGTHS).map(|(l, len)| l / len as f64).sum::<f64>() / SAMPLES as f64;
    for (reduction, want) in
        [(Reduction::Sum, sum), (Reduction::Mean, mean), (Reduction::BatchMean, sum / SAMPLES as f64)]
    {
        assert_close(run(CTCLoss { reduction, ..LOSS }, &log_probs, &TARGETS).0, want, &format!("{reduction:?}"));
    }
    let (mut losses, mut gradient) = ([7.0; SAMPLES], vec![7.0; log_probs.len()]);
    let lengths = (&INPUT_LENGTHS, &TARGET_LENGTHS);
    let mut workspace = CTCWorkspace::default();
    LOSS.unreduced(
        SHAPE,
        &log_probs,
        &TARGETS,
        lengths.0,
        lengths.1,
        &[1.0; SAMPLES],
        &mut losses,
        &mut gradient,
        &mut workspace,
    )
    .unwrap();
    for (got, want) in losses.into_iter().zip(single) {
        assert_close(got, want, "unreduced");
    }
    passed("CTCLoss", Check::Reductions);
}

#[test]
pub(super) fn gradient_is_that_of_logits() {
    let logits = numbers(TIMES * SAMPLES * CLASSES);
    for reduction in [Reduction::Mean, Reduction::Sum] {
        let loss = CTCLoss { reduction, ..LOSS };
        let (_, gradient) = run(loss, &log_softmax(&logits), &TARGETS);
        let mut moved = logits.clone();
        for i in 0..logits.len() {
            moved[i] = logits[i] + STEP;
            let above = run(loss, &log_softmax(&moved), &TARGETS).0;
            moved[i] = logits[i] - STEP;
            let below = run(loss, &log_softmax(&moved), &TARGETS).0;
            moved[i] = logits[i];
            assert_close(gradient[i], (above - below) / (2.0 * STEP), &format!("{reduction:?}: gradient {i}"));
        }
    }
    passed("CTCLoss", Check::Gradient);
}

#[test]
pub(super) fn no_samples_have_no_mean() {
    let run = |reduction| {
        let loss = CTCLoss { reduction, ..LOSS };
        loss.forward_flat::<f64>([4, 0, 3], &[], &[], &[], &[], &mut [], &mut CTCWorkspace::default())
    };
    assert_eq!(run(Reduction::Mean), Err(LossError::Empty("CTCLoss")));
    assert_eq!(run(Reduction::Sum), Ok(0.0));
    passed("CTCLoss", Check::Empty);
}

#[test]
pub(super) fn extreme_logits_have_a_finite_loss() {
    let signs = [1000.0, -1000.0, 80.0, -80.0, 0.0];
    for phase in 0..5 {
        let logits: Vec<f64> = (0..TIMES * SAMPLES * CLASSES).map(|i| signs[(i * 3 + phase) % 5]).collect();
        // ln of the softmax, which is finite however small the probability is.
        let rows = logits.chunks(CLASSES).flat_map(|row| {
            let top = row.iter().fold(f64::MIN, |top, &x| top.max(x));
            let log_sum = top + row.iter().map(|x| (x - top).exp()).sum::<f64>().ln();
            row.iter().map(move |x| x - log_sum)
        });
        let (value, gradient) = run(LOSS, &rows.collect::<Vec<_>>(), &TARGETS);
        assert!(value.is_finite() && gradient.iter().all(|d| d.is_finite()), "{value} {gradient:?}");
    }
    passed("CTCLoss", Check::Extremes);
}

#[test]
fn targets_without_gaps_are_the_same() {
    let log_probs = log_softmax(&numbers(TIMES * SAMPLES * CLASSES));
    assert_eq!(run(LOSS, &log_probs, &[0, 2, 2, 0, 0]), run(LOSS, &log_probs, &TARGETS));
}

#[test]
fn batch_first_outputs_of_a_network_are_the_same() {
    let log_probs = log_softmax(&numbers(TIMES * SAMPLES * CLASSES));
    let (want, want_gradient) = run(LOSS, &log_probs, &TARGETS);
    let mut values = [[[0.0; CLASSES]; TIMES]; SAMPLES];
    for (place, &x) in log_probs.iter().enumerate() {
        values[place / CLASSES % SAMPLES][place / CLASSES / SAMPLES][place % CLASSES] = x;
    }
    let mut gradient = [[[7.0; CLASSES]; TIMES]; SAMPLES];
    let outputs =
        Outputs { values: &values, gradient: &mut gradient, losses: &mut [0.0; SAMPLES], shape: &[TIMES, CLASSES] };
    let got = LOSS.forward(outputs, &TARGETS, &INPUT_LENGTHS, &TARGET_LENGTHS, &mut CTCWorkspace::default());
    assert_eq!(got, Ok(want));
    for (place, &want) in want_gradient.iter().enumerate() {
        assert_eq!(gradient[place / CLASSES % SAMPLES][place / CLASSES / SAMPLES][place % CLASSES], want);
    }
}

#[test]
fn a_target_too_long_is_infinite_or_nothing() {
    let log_probs = log_softmax(&numbers(4));
    let (mut gradient, mut workspace) = ([7.0; 4], CTCWorkspace::default());
    let mut run = |zero_infinity, gradient: &mut [f64]| {
        let loss = CTCLoss { zero_infinity, ..CTCLoss::DEFAULT };
        loss.forward_flat([2, 1, 2], &log_probs, &[1, 1], &[2], &[2], gradient, &mut workspace)
    };
    assert_eq!(run(false, &mut gradient), Ok(f64::INFINITY));
    assert_eq!(run(true, &mut gradient), Ok(0.0));
    assert_eq!(gradient, [0.0; 4]);
}

#[test]
fn lengths_and_targets_that_do_not_fit_are_refused() {
    #[track_caller]
    fn check(blank: usize, targets: &[i64], input_length: i64, target_length: i64, expected: &str) {
        let (mut gradient, mut workspace) = ([0.0; 6], CTCWorkspace::default());
        let loss = CTCLoss { blank, ..CTCLoss::DEFAULT };
        let lengths = ([input_length], [target_length]);
        let result =
            loss.forward_flat([2, 1, 3], &[-1.0; 6], targets, &lengths.0, &lengths.1, &mut gradient, &mut workspace);
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    check(3, &[1], 2, 1, "CTCLoss: blank = 3, expected one of the 3 classes");
    check(0, &[1], 3, 1, "CTCLoss: input_lengths has 3 at 0, expected 0 to 2");
    check(0, &[1], 2, 2, "CTCLoss: target_lengths has 2 at 0, expected 0 to 1");
    check(0, &[0], 2, 1, "target 0 of the batch is class 0, expected 0..3 but for the blank 0");
}
