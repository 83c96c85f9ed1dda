//! Schedules and metrics allocate nothing in a training step: an allocator counts.

use allocation_counter::measure;
use glulam::Real;
use glulam::lr_scheduler::*;
use glulam::metrics::*;

/// Steps a schedule through 100 steps.
fn schedule(settings: impl Into<AnyScheduler>) {
    let settings = settings.into();
    let name = settings.name();
    let mut rates = Rates::new(&[0.1, 0.2], Some(0.9));
    let mut state = settings.attach(&mut rates).expect("valid settings");
    let counted = measure(|| (0..100).for_each(|step| state.step_groups_on(&mut rates, 1.0 / f64::from(step))));
    assert_eq!(counted.count_total, 0, "{name}");
}

#[test]
fn an_allocation_is_counted() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![0_u8; 9]))).count_total, 1);
}

#[test]
fn schedules_allocate_nothing_in_a_step() {
    let warm_up = LinearLR { start_factor: 0.1, ..LinearLR::DEFAULT };
    let cosine = CosineAnnealingLR { T_max: 30, ..CosineAnnealingLR::DEFAULT };
    let fall = ExponentialLR { gamma: 0.9 };
    schedule(LambdaLR { lr_lambda: |t| 1.0 / (1.0 + t as f64), ..LambdaLR::DEFAULT });
    schedule(MultiplicativeLR::of(|_| 0.9));
    schedule(StepLR { step_size: 3, ..StepLR::DEFAULT });
    schedule(MultiStepLR { milestones: vec![3, 10].into(), ..MultiStepLR::DEFAULT });
    schedule(ConstantLR::DEFAULT);
    schedule(PolynomialLR::DEFAULT);
    schedule(CosineAnnealingWarmRestarts { T_0: 7, T_mult: 2, ..CosineAnnealingWarmRestarts::DEFAULT });
    schedule(OneCycleLR { max_lrs: vec![0.1, 0.2].into(), total_steps: 90, ..OneCycleLR::DEFAULT });
    schedule(CyclicLR { base_lr: 0.1, max_lr: 0.2, step_size_up: 7, ..CyclicLR::DEFAULT });
    schedule(ReduceLROnPlateau { patience: 2, ..ReduceLROnPlateau::DEFAULT });
    schedule(SWALR { swa_lr: 0.05, ..SWALR::DEFAULT });
    schedule(WarmupCosineLR { warmup_steps: 5, total_steps: 90, ..WarmupCosineLR::DEFAULT });
    schedule(WarmupPolynomialLR { warmup_steps: 5, total_steps: 90, ..WarmupPolynomialLR::DEFAULT });
    schedule(WarmupStableDecayLR { decay_steps: 5, total_steps: 90, ..WarmupStableDecayLR::DEFAULT });
    schedule(InverseSqrtLR::DEFAULT);
    schedule(NoamLR { d_model: 64, ..NoamLR::DEFAULT });
    let chain = ChainedScheduler { schedulers: vec![warm_up.clone().into(), fall.clone().into()] };
    let schedulers: Vec<AnyScheduler> = vec![warm_up.into(), chain.into(), cosine.into(), fall.into()];
    schedule(SequentialLR { schedulers, milestones: vec![5, 20, 60].into() });
}

/// Updates a metric, reads it and resets it, after a first batch.
fn metric<T: Real, Y>(mut metric: impl MetricOf<T, Y>, outputs: &[T], targets: &[Y]) {
    metric.update(&[3], outputs, targets).expect("they fit");
    let counted = measure(|| {
        for _ in 0..3 {
            metric.update(&[3], outputs, targets).expect("they fit");
            assert!(metric.value().is_finite());
            metric.reset();
        }
    });
    assert_eq!(counted.count_total, 0, "{}", metric.name());
}

#[test]
fn metrics_allocate_nothing_after_the_first_batch() {
    let outputs = [0.5, 2.0, -1.0, 0.0, 1.0, 3.0];
    let (classes, values) = ([1_i64, 0], [0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    metric(Accuracy::DEFAULT, &outputs, &classes);
    metric(TopK { k: 2, ..TopK::DEFAULT }, &outputs, &classes);
    metric(ConfusionMatrix::DEFAULT, &outputs, &classes);
    metric(Precision::DEFAULT, &outputs, &classes);
    metric(Recall { average: Average::Micro, ..Recall::DEFAULT }, &outputs, &classes);
    metric(F1Score { average: Average::Weighted, ..F1Score::DEFAULT }, &outputs, &classes);
    metric(Perplexity::DEFAULT, &outputs, &classes);
    metric(BinaryAccuracy::DEFAULT, &outputs, &values);
    metric(BinaryF1Score::DEFAULT, &outputs, &values);
    metric(BinaryPrecision::DEFAULT, &outputs, &values);
    metric(BinaryRecall::DEFAULT, &outputs, &values);
    metric(MeanSquaredError::DEFAULT, &outputs, &values);
    metric(MeanAbsoluteError::DEFAULT, &outputs, &values);
    metric(R2Score::DEFAULT, &outputs, &values);
}
