//! The loader: its batches, their order, its memory, and going on after an interruption.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Read when asked for, and read ahead.
const PREFETCH: [usize; 3] = [0, 1, 3];

fn builder(len: usize, batch_size: usize, prefetch: usize) -> DataLoaderBuilder<TensorDataset<f32, i64>> {
    DataLoader::builder(counting(len)).batch_size(batch_size).prefetch(prefetch).seed(5)
}

/// The targets of the batches of one epoch, and that the inputs belong to them.
fn epoch<D: Dataset<Input = f32, Target = i64> + 'static>(loader: &DataLoader<D>) -> Vec<Vec<i64>> {
    let batches = loader.iter();
    let announced = batches.len();
    let read = |batch: Batch<f32, i64>| {
        let (inputs, targets) = batch.pair::<[f32; 2], i64>().unwrap();
        for (input, &target) in inputs.iter().zip(targets) {
            assert_eq!(input, &[target as f32, -target as f32]);
        }
        assert_eq!((inputs.len(), targets.len()), (batch.len(), batch.len()));
        targets.to_vec()
    };
    let read: Vec<_> = batches.map(read).collect();
    assert_eq!(read.len(), announced);
    read
}

#[test]
fn batches_come_in_order_and_the_last_one_is_smaller() {
    for prefetch in PREFETCH {
        let loader = builder(7, 3, prefetch).build().unwrap();
        assert_eq!(epoch(&loader), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!(epoch(&loader), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!(loader.len(), 3);
    }
}

#[test]
fn drop_last_leaves_the_smaller_batch_out() {
    for prefetch in PREFETCH {
        let loader = builder(7, 3, prefetch).drop_last(true).build().unwrap();
        assert_eq!(epoch(&loader), [[0, 1, 2], [3, 4, 5]]);
        assert_eq!((loader.len(), loader.state().epoch), (2, 1));
        assert_eq!(builder(6, 3, prefetch).drop_last(true).build().unwrap().len(), 2);
    }
}

#[test]
fn the_defaults_are_pytorchs() {
    let loader = DataLoader::builder(counting(3)).build().unwrap();
    assert_eq!(epoch(&loader), [[0], [1], [2]]);
}

#[test]
fn each_epoch_is_shuffled_anew_and_the_seed_decides_how() {
    let run = |prefetch, seed| {
        let loader = builder(20, 6, prefetch).shuffle(true).seed(seed).build().unwrap();
        [epoch(&loader), epoch(&loader)]
    };
    let [first, second] = run(0, 5);
    assert_ne!(first, second);
    for epoch in [&first, &second] {
        let mut all = epoch.concat();
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
    }
    for prefetch in PREFETCH {
        assert_eq!(run(prefetch, 5), [first.clone(), second.clone()]);
    }
    assert_ne!(run(0, 6)[0], first);
}

#[test]
fn a_generator_gives_the_seed() {
    let build = |generator: &mut crate::rng::Generator| builder(20, 20, 0).shuffle(true).generator(generator).build();
    let mut generator = crate::rng::Generator::seed_from(1);
    let (first, second) = (build(&mut generator).unwrap(), build(&mut generator).unwrap());
    assert_ne!(epoch(&first), epoch(&second));
    assert_eq!(build(&mut crate::rng::Generator::seed_from(1)).unwrap().state(), {
        first.restore(&crate::data::LoaderState { epoch: 0, ..first.state() }).unwrap();
        first.state()
    });
}

#[test]
fn a_sampler_decides_which_samples_come() {
    let loader = builder(9, 2, 0).sampler(SubsetRandomSampler::new(vec![8, 1, 4])).build().unwrap();
    let mut all = epoch(&loader).concat();
    all.sort_unstable();
    assert_eq!(all, [1, 4, 8]);
}

#[test]
fn an_epoch_that_is_left_early_is_followed_by_the_next() {
    for prefetch in PREFETCH {
        let loader = builder(20, 3, prefetch).shuffle(true).build().unwrap();
        let [_, second, third] = [epoch(&loader), epoch(&loader), epoch(&loader)];
        let loader = builder(20, 3, prefetch).shuffle(true).build().unwrap();
        assert_eq!(loader.iter().next().unwrap().len(), 3);
        assert_eq!(loader.state().position, 3);
        assert_eq!(epoch(&loader), second);
        assert_eq!(epoch(&loader), third);
    }
}

/// Interrupts a run after `batches` batches, and has another loader go on from the saved state.
#[track_caller]
fn check_resumed(batches: usize, prefetch: usize) {
    let build = || builder(10, 3, prefetch).shuffle(true).build().unwrap();
    let whole: Vec<_> = { [build()].iter().flat_map(|loader| [epoch(loader), epoch(loader), epoch(loader)]).collect() };
    let loader = build();
    let mut seen = Vec::new();
    let mut saved = String::new();
    while seen.len() < batches {
        for batch in &loader {
            seen.push(batch.targets.clone());
            if seen.len() == batches {
                saved = serde_json::to_string(&loader.state()).unwrap();
                break;
            }
        }
    }
    // The seed is part of the state.
    let resumed = builder(10, 3, prefetch).shuffle(true).seed(99).build().unwrap();
    resumed.restore(&serde_json::from_str(&saved).unwrap()).unwrap();
    while seen.len() < whole.concat().len() {
        seen.extend(epoch(&resumed));
    }
    assert_eq!(seen, whole.concat(), "after {batches} batches");
    assert_eq!(resumed.state().epoch, 3);
}

#[test]
fn an_interrupted_run_goes_on_with_the_next_batch() {
    for prefetch in PREFETCH {
        for batches in 1..=9 {
            check_resumed(batches, prefetch);
        }
    }
}

#[test]
fn the_state_after_the_last_batch_is_the_end_of_that_epoch() {
    let loader = builder(4, 2, 0).build().unwrap();
    let mut batches = loader.iter();
    batches.nth(1).unwrap();
    let state = loader.state();
    assert_eq!((state.epoch, state.position), (0, 4));
    assert!(batches.next().is_none());
    assert!(batches.next().is_none());
    assert_eq!((loader.state().epoch, loader.state().position), (1, 0));
    // What is left of that epoch is nothing; then comes the next.
    loader.restore(&state).unwrap();
    assert_eq!(epoch(&loader).len(), 0);
    assert_eq!(loader.state().epoch, 1);
    assert_eq!(epoch(&loader).len(), 2);
}

#[test]
fn a_state_goes_on_in_batches_of_another_size() {
    let state = LoaderState { position: 4, ..builder(10, 2, 0).build().unwrap().state() };
    let loader = builder(10, 4, 0).drop_last(true).build().unwrap();
    loader.restore(&state).unwrap();
    assert_eq!(epoch(&loader), [[4, 5, 6, 7]]);
}

#[test]
fn the_state_of_another_dataset_is_refused() {
    let loader = builder(10, 3, 0).build().unwrap();
    let before = loader.state();
    let error = loader.restore(&builder(11, 3, 0).build().unwrap().state()).unwrap_err();
    assert_eq!(error.to_string(), "loader state: number of samples: found 11, expected 10");
    let error = loader.restore(&LoaderState { position: 11, ..before.clone() }).unwrap_err();
    assert!(matches!(error, DataError::State { what: "position", found: 11, expected: 10 }));
    assert_eq!(loader.state(), before);
}

#[test]
fn an_older_iteration_does_not_move_the_state() {
    let loader = builder(6, 2, 0).build().unwrap();
    let mut outer = loader.iter();
    outer.next();
    assert_eq!(epoch(&loader).len(), 3);
    let state = loader.state();
    assert_eq!(outer.by_ref().count(), 2);
    assert_eq!(loader.state(), state);
}

#[test]
fn the_memory_of_batches_is_used_again() {
    for prefetch in PREFETCH {
        let loader = builder(100, 8, prefetch).shuffle(true).build().unwrap();
        let mut places = BTreeSet::new();
        for _ in 0..5 {
            for batch in &loader {
                places.insert((batch.inputs.as_ptr(), batch.targets.as_ptr()));
            }
        }
        // Those that wait, one that is filled and one that is used; or one that is both.
        let expected = if prefetch == 0 { 1 } else { prefetch + 2 };
        assert!(places.len() <= expected, "{} batches for {prefetch} read ahead", places.len());
    }
}

#[test]
fn batches_may_all_be_kept() {
    for prefetch in PREFETCH {
        let loader = builder(100, 8, prefetch).build().unwrap();
        let kept: Vec<_> = loader.iter().collect();
        let copies = kept.clone();
        let kept_too: Vec<_> = loader.iter().collect();
        assert_eq!(kept.len(), 13);
        assert!(kept == kept_too && kept == copies);
        assert_eq!(kept[12].targets, [96, 97, 98, 99]);
    }
}

/// Fails at one of its samples, or panics, and counts how often it is read.
#[derive(Debug, Default)]
struct Fragile {
    reads: Arc<AtomicUsize>,
    fails_at: Option<usize>,
    panics_at: Option<usize>,
}

impl Dataset for Fragile {
    type Input = f32;
    type Target = i64;
    fn len(&self) -> usize {
        1000
    }
    fn input_shape(&self) -> &[usize] {
        &[2]
    }
    fn target_shape(&self) -> &[usize] {
        &[]
    }
    fn read(&self, index: usize, input: &mut [f32], target: &mut [i64]) -> Result<(), DataError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        assert_ne!(Some(index), self.panics_at, "sample {index} panics");
        if Some(index) == self.fails_at {
            return Err(DataError::other(format!("sample {index} fails")));
        }
        (input[0], input[1], target[0]) = (index as f32, -(index as f32), index as i64);
        Ok(())
    }
}

#[test]
fn a_sample_that_cannot_be_read_ends_the_epoch_with_its_error() {
    for prefetch in PREFETCH {
        let dataset = Fragile { fails_at: Some(25), ..Fragile::default() };
        let loader = DataLoader::builder(dataset).batch_size(10).prefetch(prefetch).build().unwrap();
        let mut batches = loader.iter();
        assert_eq!(batches.by_ref().take(2).map(|batch| batch.check().unwrap()).count(), 2);
        let failed = batches.next().unwrap();
        assert_eq!(failed.check().unwrap_err().to_string(), "sample 25 fails");
        assert_eq!(failed.inputs::<[f32; 2]>().unwrap_err().to_string(), "sample 25 fails");
        assert_eq!(failed.pair::<[f32; 2], i64>().unwrap_err().to_string(), "sample 25 fails");
        assert!(failed.is_empty() && failed.inputs.is_empty() && failed != failed);
        assert!(batches.next().is_none());
        // The place is before the batch that failed.
        assert_eq!((loader.state().epoch, loader.state().position), (0, 20));
    }
}

#[test]
fn a_panic_while_reading_ahead_is_a_panic_here() {
    for prefetch in PREFETCH {
        let dataset = Fragile { panics_at: Some(25), ..Fragile::default() };
        let loader = DataLoader::builder(dataset).batch_size(10).prefetch(prefetch).build().unwrap();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| loader.iter().count())).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("sample 25 panics"), "{message}");
    }
}

#[test]
fn no_more_is_read_ahead_than_was_asked_for() {
    let dataset = Fragile::default();
    let reads = Arc::clone(&dataset.reads);
    let loader = DataLoader::builder(dataset).batch_size(10).prefetch(2).build().unwrap();
    drop(loader.iter().nth(3));
    // Four were handed out, two wait, one more may have been read for the next place.
    assert!(reads.load(Ordering::Relaxed) <= 70, "{reads:?}");
}

#[derive(Debug)]
struct Wrong(Vec<usize>);

impl Sampler for Wrong {
    fn len(&self) -> usize {
        3
    }
    fn sample(&self, _generator: &mut crate::rng::Generator, indices: &mut Vec<usize>) {
        indices.extend(&self.0);
    }
}

#[test]
fn a_sampler_that_is_wrong_ends_the_epoch_with_an_error() {
    for prefetch in PREFETCH {
        for (indices, expected) in [
            (vec![0, 1, 4], "index 4 of a dataset of 4 samples"),
            (vec![0, 1], "number of samples that the sampler gives: found 2, expected 3"),
        ] {
            let loader = builder(4, 3, prefetch).sampler(Wrong(indices)).build().unwrap();
            let mut batches = loader.iter();
            assert_eq!(batches.next().unwrap().check().unwrap_err().to_string(), expected);
            assert!(batches.next().is_none());
        }
    }
}

#[track_caller]
fn check_refused(builder: DataLoaderBuilder<TensorDataset<f32, i64>>, expected: &str) {
    assert_eq!(builder.build().unwrap_err().to_string(), expected);
}

#[test]
fn loaders_without_a_batch_are_refused() {
    check_refused(builder(0, 1, 0), "the dataset has no samples");
    check_refused(builder(3, 0, 0), "batch_size = 0, expected at least 1");
    check_refused(
        builder(3, 4, 0).drop_last(true),
        "batch_size = 4, expected at most 3, the samples of an epoch, with drop_last",
    );
    check_refused(
        builder(3, 1, 0).sampler(SubsetRandomSampler::new(vec![])),
        "number of samples of the sampler = 0, expected at least 1",
    );
    check_refused(
        builder(3, 1, 0).shuffle(true).sampler(SequentialSampler::new(3)),
        "shuffle = true, expected false, because there is a sampler",
    );
}

#[test]
fn small_batches_are_not_read_ahead_unless_told_to() {
    let loader = DataLoader::builder(counting(100)).batch_size(10).build().unwrap();
    assert_eq!(loader.prefetch(), 0);
    let images = TensorDataset::from_flat(vec![0.0f32; 784 * 64], &[784], vec![0i64; 64], &[]).unwrap();
    let loader = DataLoader::builder(images).batch_size(64).build().unwrap();
    let expected = if std::thread::available_parallelism().unwrap().get() > 1 { 8 } else { 0 };
    assert_eq!(loader.prefetch(), expected);
}
