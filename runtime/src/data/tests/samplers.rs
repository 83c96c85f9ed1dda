//! Samplers: what an epoch consists of.

use super::*;
use crate::rng::Generator;

fn indices(sampler: &dyn Sampler, seed: u64) -> Vec<usize> {
    // What is there already stays.
    let mut indices = vec![77];
    sampler.sample(&mut Generator::seed_from(seed), &mut indices);
    assert_eq!(indices.remove(0), 77);
    assert_eq!(indices.len(), sampler.len());
    indices
}

fn sorted(mut indices: Vec<usize>) -> Vec<usize> {
    indices.sort_unstable();
    indices
}

#[test]
fn a_sequential_sampler_counts() {
    assert_eq!(indices(&SequentialSampler::new(4), 0), [0, 1, 2, 3]);
}

#[test]
fn a_random_sampler_gives_every_sample_once_in_a_new_order() {
    let sampler = RandomSampler::new(50);
    assert_eq!(sorted(indices(&sampler, 1)), (0..50).collect::<Vec<_>>());
    assert_eq!(indices(&sampler, 1), indices(&sampler, 1));
    assert_ne!(indices(&sampler, 1), indices(&sampler, 2));
}

#[test]
fn more_samples_than_there_are_come_round_by_round() {
    let drawn = indices(&RandomSampler::with(4, false, 10).unwrap(), 1);
    assert_eq!(sorted(drawn[..4].to_vec()), [0, 1, 2, 3]);
    assert_eq!(sorted(drawn[4..8].to_vec()), [0, 1, 2, 3]);
    assert_ne!(drawn[8], drawn[9]);
    assert_eq!(indices(&RandomSampler::with(4, false, 2).unwrap(), 1).len(), 2);
}

#[test]
fn samples_drawn_with_replacement_repeat() {
    let drawn = indices(&RandomSampler::with(4, true, 1000).unwrap(), 1);
    for index in 0..4 {
        // Five standard deviations of a binomial with 1000 draws and p = 1/4.
        assert!(drawn.iter().filter(|&&i| i == index).count().abs_diff(250) < 70);
    }
}

#[test]
fn a_subset_sampler_gives_its_samples_once() {
    let sampler = SubsetRandomSampler::new(vec![9, 3, 5]);
    assert_eq!(sorted(indices(&sampler, 1)), [3, 5, 9]);
}

#[test]
fn weights_decide_how_often_a_sample_comes() {
    let drawn = indices(&WeightedRandomSampler::new(vec![0.0, 3.0, 0.0, 1.0, 0.0], 4000, true).unwrap(), 1);
    let count = |index| drawn.iter().filter(|&&i| i == index).count();
    assert_eq!(count(1) + count(3), 4000);
    // Five standard deviations of a binomial with 4000 draws and p = 1/4.
    assert!(count(3).abs_diff(1000) < 140, "{}", count(3));
}

#[test]
fn weighted_draws_without_replacement_are_all_different() {
    let sampler = WeightedRandomSampler::new(vec![1.0, 0.0, 1e-3, 5.0], 3, false).unwrap();
    let mut first = [0; 4];
    for seed in 0..1000 {
        let drawn = indices(&sampler, seed);
        assert_eq!(sorted(drawn.clone()), [0, 2, 3]);
        first[drawn[0]] += 1;
    }
    // The first draw is one with the weights: 5 of 6.001; five standard deviations.
    assert!((first[3] - 833i32).abs() < 60, "{first:?}");
}

#[track_caller]
fn check_refused<S>(result: Result<S, DataError>, expected: &str) {
    let error = result.err().expect("an error");
    assert!(matches!(error, DataError::Option { .. } | DataError::Empty));
    assert_eq!(error.to_string(), expected);
}

#[test]
fn samplers_that_cannot_draw_are_refused() {
    check_refused(RandomSampler::with(0, true, 3), "the dataset has no samples");
    check_refused(RandomSampler::with(3, true, 0), "num_samples = 0, expected at least 1");
    let weighted = |weights: &[f64], n, replacement| WeightedRandomSampler::new(weights.to_vec(), n, replacement);
    check_refused(weighted(&[1.0, -1.0], 1, true), "weights = -1, expected finite numbers of 0 or more");
    check_refused(weighted(&[1.0, f64::NAN], 1, true), "weights = NaN, expected finite numbers of 0 or more");
    check_refused(weighted(&[0.0], 1, true), "sum of weights = 0, expected a finite number above 0");
    check_refused(weighted(&[], 1, true), "sum of weights = 0, expected a finite number above 0");
    check_refused(weighted(&[f64::MAX, f64::MAX], 1, true), "sum of weights = inf, expected a finite number above 0");
    check_refused(weighted(&[1.0], 0, true), "num_samples = 0, expected at least 1");
    check_refused(
        weighted(&[1.0, 0.0], 2, false),
        "num_samples = 2, expected at most 1, the number of positive weights, without replacement",
    );
}
