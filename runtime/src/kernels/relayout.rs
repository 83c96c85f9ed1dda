//! Samples between PyTorch's order of axes, `[C, …]`, and channels last, `[…, C]`.

use crate::Real;

/// y[p, c] = x[c, p] in each sample.
///
/// # Panics
/// If the batches differ in length, or a sample is not a whole number of `channels`.
///
/// # Example
/// ```
/// use glulam::kernels::channels_last;
/// let mut y = [[0.0; 6]];
/// channels_last(2, &[[1.0f32, 2.0, 3.0, 10.0, 20.0, 30.0]], &mut y);
/// assert_eq!(y, [[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]]);
/// ```
#[inline]
pub fn channels_last<T: Real, const X: usize>(channels: usize, x: &[[T; X]], y: &mut [[T; X]]) {
    transpose(channels, positions(X, channels), x, y);
}

/// y[c, p] = x[p, c] in each sample: undoes [`channels_last`], and is its gradient.
///
/// # Panics
/// As [`channels_last`].
#[inline]
pub fn channels_first<T: Real, const X: usize>(channels: usize, x: &[[T; X]], y: &mut [[T; X]]) {
    transpose(positions(X, channels), channels, x, y);
}

#[inline]
fn positions(sample: usize, channels: usize) -> usize {
    assert!(channels > 0 && sample.is_multiple_of(channels), "a sample of {sample} in {channels} channels");
    sample / channels
}

fn transpose<T: Real, const X: usize>(rows: usize, columns: usize, x: &[[T; X]], y: &mut [[T; X]]) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    for (x, y) in x.iter().zip(y) {
        T::transpose(rows, columns, x, columns, y, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        const X: usize = 5 * 19;
        let x: [[f64; X]; 2] = std::array::from_fn(|n| std::array::from_fn(|i| (n * X + i) as f64));
        let (mut y, mut z) = ([[0.0; X]; 2], [[0.0; X]; 2]);
        channels_last(5, &x, &mut y);
        for n in 0..2 {
            for c in 0..5 {
                for p in 0..19 {
                    assert_eq!(y[n][p * 5 + c], x[n][c * 19 + p]);
                }
            }
        }
        channels_first(5, &y, &mut z);
        assert_eq!(z, x);
    }
}
