//! Datasets, samplers and the loader, with good data and bad.

mod datasets;
mod files;
mod loader;
mod samplers;

use super::*;

/// `len` samples: the input is `[i, -i]`, the target `i`.
fn counting(len: usize) -> TensorDataset<f32, i64> {
    let inputs = (0..len).flat_map(|i| [i as f32, -(i as f32)]).collect();
    TensorDataset::from_flat(inputs, &[2], (0..len as i64).collect(), &[]).unwrap()
}

type Contents<D> = Vec<(Vec<<D as Dataset>::Input>, Vec<<D as Dataset>::Target>)>;

/// All samples of a dataset, one after the other.
fn contents<D: Dataset>(dataset: &D) -> Contents<D> {
    let (input, target): (usize, usize) =
        (dataset.input_shape().iter().product(), dataset.target_shape().iter().product());
    let read = |index| {
        let mut sample = (vec![D::Input::default(); input], vec![D::Target::default(); target]);
        dataset.read(index, &mut sample.0, &mut sample.1).unwrap();
        sample
    };
    (0..dataset.len()).map(read).collect()
}

/// The targets of all samples.
fn targets<D: Dataset>(dataset: &D) -> Vec<D::Target> {
    contents(dataset).into_iter().flat_map(|(_, target)| target).collect()
}
