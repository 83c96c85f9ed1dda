//! Arrays in memory, and datasets made of other datasets.

use ndarray::{Array0, Array1, Array2, array, s};

use super::*;
use crate::rng::Generator;

#[track_caller]
fn check_shape_error<D>(result: Result<D, DataError>, expected: &str) {
    let error = result.err().expect("an error");
    assert!(matches!(error, DataError::Shape { .. }), "{error:?}");
    assert_eq!(error.to_string(), expected);
}

#[track_caller]
fn check_option_error<D>(result: Result<D, DataError>, expected: &str) {
    let error = result.err().expect("an error");
    assert!(matches!(error, DataError::Option { .. }), "{error:?}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn arrays_of_any_layout_are_the_same_samples() {
    let inputs = array![[0.0f32, 1.0, 2.0], [3.0, 4.0, 5.0]];
    let labels = array![7i64, 8];
    let expected = TensorDataset::new(inputs.clone(), labels.clone()).unwrap();
    assert_eq!(expected.inputs(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let mut fortran = inputs.clone().reversed_axes().as_standard_layout().into_owned();
    fortran = fortran.reversed_axes();
    assert!(!fortran.is_standard_layout());
    assert_eq!(TensorDataset::new(fortran, labels.view()).unwrap(), expected);
    let larger = array![[9.0f32, 9.0, 9.0], [0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [9.0, 9.0, 9.0]];
    assert_eq!(TensorDataset::new(larger.slice(s![1..3, ..]), labels.clone()).unwrap(), expected);
    // An owned array whose elements do not begin where its memory does.
    assert_eq!(TensorDataset::new(larger.slice_move(s![1..3, ..]), labels).unwrap(), expected);
}

#[test]
fn an_owned_array_is_taken_over_without_a_copy() {
    let inputs = Array2::<f32>::zeros((100, 7));
    let memory = inputs.as_ptr();
    assert_eq!(TensorDataset::new(inputs, Array1::<i64>::zeros(100)).unwrap().inputs().as_ptr(), memory);
}

#[test]
fn targets_may_be_arrays_too() {
    let dataset = TensorDataset::new(array![0u32, 1], array![[0.5f64, 1.5], [2.5, 3.5]]).unwrap();
    assert_eq!((dataset.input_shape(), dataset.target_shape()), (&[][..], &[2][..]));
    assert_eq!(contents(&dataset), [(vec![0], vec![0.5, 1.5]), (vec![1], vec![2.5, 3.5])]);
}

#[test]
fn arrays_that_do_not_belong_together_are_refused() {
    let inputs = || Array2::<f32>::zeros((3, 2));
    check_shape_error(TensorDataset::new(inputs(), array![0i64, 1]), "number of targets: found 2, expected 3");
    check_shape_error(
        TensorDataset::new(Array0::<f32>::zeros(()), array![0i64]),
        "axes of inputs: found 0, expected at least one, which counts the samples",
    );
    check_shape_error(
        TensorDataset::new(Array2::<f32>::zeros((3, 0)), array![0i64, 1, 2]),
        "shape of a sample: found [0], expected one with elements",
    );
    check_shape_error(
        TensorDataset::from_flat(vec![0.0f32; 5], &[2], vec![0i64; 2], &[]),
        "elements of inputs: found 5, expected a multiple of 2",
    );
    check_shape_error(Batch::new(vec![0.0f32; 4], &[2], vec![0i64; 3], &[]), "number of targets: found 3, expected 2");
}

#[test]
fn a_reshaped_dataset_has_the_same_elements() {
    let dataset = counting(3).reshape(&[1, 2, 1]).unwrap();
    assert_eq!(dataset.input_shape(), [1, 2, 1]);
    assert_eq!(dataset.samples::<[[[f32; 1]; 2]; 1]>().unwrap()[1], [[[1.0], [-1.0]]]);
    check_shape_error(dataset.reshape(&[3]), "elements of an input: found 3, shape [3], expected 2");
    check_shape_error(counting(1).samples::<[f32; 4]>(), "elements of an input: found 2, shape [2], expected 4");
}

#[test]
fn a_batch_is_seen_as_the_types_that_fit() {
    let batch = Batch::new(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 1], vec![5i64, 6], &[]).unwrap();
    assert_eq!(batch.inputs::<[f32; 2]>().unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(batch.inputs::<[[f32; 1]; 2]>().unwrap(), [[[1.0], [2.0]], [[3.0], [4.0]]]);
    assert_eq!(batch.targets::<[i64; 1]>().unwrap(), [[5], [6]]);
    check_shape_error(batch.inputs::<[f32; 4]>(), "elements of an input: found 2, shape [2, 1], expected 4");
    check_shape_error(batch.targets::<[i64; 2]>(), "elements of a target: found 1, shape [], expected 2");
    assert_eq!((batch.len(), batch.is_empty()), (2, false));
}

#[test]
fn a_mapped_dataset_changes_samples_when_they_are_read() {
    let mapped = counting(3).map(|input, target| {
        input[1] = 0.5;
        target[0] += 10;
    });
    assert_eq!(contents(&mapped)[2], (vec![2.0, 0.5], vec![12]));
    assert_eq!((mapped.len(), mapped.input_shape(), mapped.target_shape()), (3, &[2][..], &[][..]));
}

/// Once lazily, through the trait, and once at once.
#[track_caller]
fn check_normalized(dataset: TensorDataset<f32, i64>, mean: &[f64], std: &[f64], expected: &[f32]) {
    let lazy = Dataset::normalize(dataset.clone(), mean, std).unwrap();
    let at_once = dataset.normalize(mean, std).unwrap();
    assert_eq!(at_once.inputs(), expected);
    assert_eq!(contents(&lazy), contents(&at_once));
}

#[test]
fn inputs_are_normalized_alike_or_by_channel() {
    check_normalized(counting(3), &[0.5], &[2.0], &[-0.25, -0.25, 0.25, -0.75, 0.75, -1.25]);
    check_normalized(counting(2), &[0.5, 0.0], &[2.0, 4.0], &[-0.25, 0.0, 0.25, -0.25]);
    let planes = TensorDataset::from_flat(vec![1.0f32, 2.0, 3.0, 4.0], &[2, 2], vec![0i64], &[]).unwrap();
    check_normalized(planes, &[1.0, 2.0], &[1.0, 2.0], &[0.0, 1.0, 0.5, 1.0]);
}

#[test]
fn means_and_deviations_that_make_no_sense_are_refused() {
    let normalize = |mean: &[f64], std: &[f64]| counting(2).normalize(mean, std);
    let expected = "number of means: found 3, expected 1 or 2, for inputs [2]";
    check_shape_error(normalize(&[0.0; 3], &[1.0; 3]), expected);
    check_shape_error(Dataset::normalize(counting(2), &[0.0; 3], &[1.0; 3]), expected);
    check_shape_error(normalize(&[], &[]), "number of means: found 0, expected 1 or 2, for inputs [2]");
    check_shape_error(normalize(&[0.0], &[1.0; 2]), "number of deviations: found 2, expected 1");
    check_option_error(normalize(&[0.0], &[0.0]), "std = 0, expected a finite number above 0");
    check_option_error(normalize(&[0.0], &[f64::NAN]), "std = NaN, expected a finite number above 0");
    check_option_error(normalize(&[f64::INFINITY], &[1.0]), "mean = inf, expected a finite number");
    // Zero in single precision.
    assert!(normalize(&[0.0], &[1e-60]).is_err());
    assert!(counting(2).cast::<f64>().normalize(&[0.0], &[1e-60]).is_ok());
}

#[test]
fn a_cast_dataset_has_the_same_numbers() {
    assert_eq!(counting(2).cast::<f64>().inputs(), [0.0, -0.0, 1.0, -1.0]);
}

#[test]
fn a_subset_has_its_own_order() {
    let subset = counting(5).subset(vec![4, 0, 4]).unwrap();
    assert_eq!(targets(&subset), [4, 0, 4]);
    assert_eq!(subset.indices(), [4, 0, 4]);
    let error = counting(5).subset(vec![0, 5]).unwrap_err();
    assert!(matches!(error, DataError::Index { index: 5, len: 5 }), "{error:?}");
}

#[test]
fn a_split_gives_every_sample_to_one_part() {
    let [a, b, c] = random_split(counting(10), [5, 2, 3], &mut Generator::seed_from(1)).unwrap();
    assert_eq!((a.len(), b.len(), c.len()), (5, 2, 3));
    let mut all = [targets(&a), targets(&b), targets(&c)].concat();
    let order = Generator::seed_from(1).permutation(10);
    assert_eq!(all.iter().map(|&x| x as usize).collect::<Vec<_>>(), order);
    all.sort_unstable();
    assert_eq!(all, (0..10).collect::<Vec<_>>());
}

#[test]
fn fractions_are_rounded_as_in_pytorch() {
    let sizes = |len, fractions: &[f64]| -> Vec<usize> {
        random_split(counting(len), fractions, &mut Generator::seed_from(1)).unwrap().iter().map(Dataset::len).collect()
    };
    assert_eq!(sizes(10, &[0.3, 0.3, 0.4]), [3, 3, 4]);
    assert_eq!(sizes(11, &[0.3, 0.3, 0.4]), [4, 3, 4]);
    assert_eq!(sizes(1, &[0.1, 0.9]), [1, 0]);
    assert_eq!(sizes(7, &[0.1; 10]), [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
}

#[test]
fn lengths_that_are_not_the_whole_are_refused() {
    let split = |lengths: &[usize]| random_split(counting(10), lengths, &mut Generator::seed_from(1));
    check_option_error(split(&[5, 6]), "lengths = [5, 6], expected 10 together");
    check_option_error(split(&[usize::MAX, 11]), "lengths = [18446744073709551615, 11], expected 10 together");
    let split = |fractions: &[f64]| random_split(counting(10), fractions, &mut Generator::seed_from(1));
    for wrong in [&[0.5, 0.4][..], &[1.5, -0.5], &[f64::NAN, 1.0], &[]] {
        let expected = format!("fractions = {wrong:?}, expected numbers of 0 to 1, 1 together");
        check_option_error(split(wrong), &expected);
    }
}

#[test]
fn concatenated_datasets_follow_each_other() {
    let parts = vec![counting(2), counting(0), counting(3)];
    let all = ConcatDataset::new(parts).unwrap();
    assert_eq!(targets(&all), [0, 1, 0, 1, 2]);
    let error = all.read(5, &mut [0.0; 2], &mut [0]).unwrap_err();
    assert!(matches!(error, DataError::Index { index: 5, len: 5 }));
    type Boxed = Box<dyn Dataset<Input = f32, Target = i64>>;
    let mixed: Vec<Boxed> = vec![Box::new(counting(1)), Box::new(counting(2).map(|_, target| target[0] = 9))];
    assert_eq!(targets(&ConcatDataset::new(mixed).unwrap()), [0, 9, 9]);
}

#[test]
fn datasets_of_different_samples_are_not_concatenated() {
    let images = counting(2).reshape(&[1, 2]).unwrap();
    check_shape_error(ConcatDataset::new(vec![counting(1), images]), "shape of inputs: found [1, 2], expected [2]");
    assert!(matches!(ConcatDataset::<TensorDataset<f32, i64>>::new(vec![]), Err(DataError::Empty)));
}
