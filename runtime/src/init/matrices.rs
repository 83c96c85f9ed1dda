//! Initial values with a structure: identities, orthogonal and sparse matrices.

use super::{Init, InitError, fill_normal};
use crate::Real;
use crate::rng::Generator;

/// The identity matrix: 1 where row and column agree, 0 elsewhere.
///
/// # Errors
/// If the shape has not two axes.
pub fn eye_<T: Real>(values: &mut [T], shape: &[usize]) -> Result<(), InitError> {
    // No random number is drawn.
    Init::Eye.fill_tensor(values, shape, &mut Generator::seed_from(0))
}

/// Kernels that pass each channel on as it is: 1 at the kernel's centre from channel `i` to channel `i` of its group,
/// 0 elsewhere. PyTorch's default is one group.
///
/// # Errors
/// If the shape has not three to five axes, or its first is not a multiple of `groups`.
pub fn dirac_<T: Real>(values: &mut [T], shape: &[usize], groups: usize) -> Result<(), InitError> {
    Init::Dirac { groups }.fill_tensor(values, shape, &mut Generator::seed_from(0))
}

/// A random matrix with orthonormal rows (or columns, if there are fewer of them), times `gain`; all axes but the first
/// count as one. PyTorch's default gain is 1.
///
/// # Errors
/// If the shape has fewer than two axes.
///
/// # References
/// Saxe et al. 2013; uniform among such matrices, as the Q of a QR decomposition whose R has a positive diagonal
/// (Mezzadri 2007).
pub fn orthogonal_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    gain: f64,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::Orthogonal { gain }.fill_tensor(values, shape, generator)
}

/// N(0, std²), with ⌈sparsity · rows⌉ zeros in each column. PyTorch's default `std` is 0.01.
///
/// # Errors
/// If the shape has not two axes, or `sparsity` is not within 0 and 1.
///
/// # References
/// Martens 2010.
pub fn sparse_<T: Real>(
    values: &mut [T],
    shape: &[usize],
    sparsity: f64,
    std: f64,
    generator: &mut Generator,
) -> Result<(), InitError> {
    Init::Sparse { sparsity, std }.fill_tensor(values, shape, generator)
}

pub(super) fn fill_eye<T: Real>(values: &mut [T], shape: &[usize]) {
    values.fill(T::ZERO);
    for (i, row) in values.chunks_exact_mut(shape[1]).take(shape[1]).enumerate() {
        row[i] = T::ONE;
    }
}

pub(super) fn fill_dirac<T: Real>(values: &mut [T], shape: &[usize], groups: usize) {
    values.fill(T::ZERO);
    let kernel: usize = shape[2..].iter().product();
    let centre = shape[2..].iter().fold(0, |at, &size| at * size + size / 2);
    let per_group = shape[0] / groups;
    for group in 0..groups {
        for channel in 0..per_group.min(shape[1]) {
            values[((group * per_group + channel) * shape[1] + channel) * kernel + centre] = T::ONE;
        }
    }
}

pub(super) fn fill_orthogonal<T: Real>(values: &mut [T], shape: &[usize], gain: f64, generator: &mut Generator) {
    let rows = shape[0];
    let columns = values.len() / rows;
    let (count, len) = (rows.min(columns), rows.max(columns));
    let mut vectors = vec![0.0; count * len];
    fill_normal(&mut vectors, 0.0, 1.0, generator);
    orthonormalise(&mut vectors, len);
    for (i, vector) in vectors.chunks_exact(len).enumerate() {
        for (j, x) in vector.iter().enumerate() {
            let at = if rows < columns { i * columns + j } else { j * columns + i };
            values[at] = T::from_f64(gain * x);
        }
    }
}

/// Gram and Schmidt's way, each vector twice: then the rounding of the first pass is gone too (Giraud et al. 2005).
fn orthonormalise(vectors: &mut [f64], len: usize) {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    for i in 0..vectors.len() / len {
        let (done, rest) = vectors.split_at_mut(i * len);
        let vector = &mut rest[..len];
        for _ in 0..2 {
            for other in done.chunks_exact(len) {
                let share = dot(vector, other);
                vector.iter_mut().zip(other).for_each(|(x, y)| *x -= share * y);
            }
        }
        let norm = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
    }
}

pub(super) fn fill_sparse<T: Real>(
    values: &mut [T],
    shape: &[usize],
    sparsity: f64,
    std: f64,
    generator: &mut Generator,
) {
    let (rows, columns) = (shape[0], shape[1]);
    fill_normal(values, 0.0, std, generator);
    let zeros = (sparsity * rows as f64).ceil() as usize;
    for column in 0..columns {
        for row in &generator.permutation(rows)[..zeros] {
            values[row * columns + column] = T::ZERO;
        }
    }
}
