//! One sample of a network's input or output, as an array of arrays.

/// A scalar, or an array of arrays, of a fixed shape: one sample of a network's input or output.
pub trait Sample<T>: Copy + Send + Sync + 'static {
    /// The number of scalars.
    const LEN: usize;
    /// Sees a flat array as samples; a remainder too short for a sample is left out.
    fn from_flat(flat: &[T]) -> &[Self];
    /// The same, to be written to.
    fn from_flat_mut(flat: &mut [T]) -> &mut [Self];
    /// Sees samples as a flat array.
    fn to_flat(samples: &[Self]) -> &[T];
    /// The same, to be written to.
    fn to_flat_mut(samples: &mut [Self]) -> &mut [T];
}

macro_rules! scalar_sample {
    ($($t:ty)*) => { $(
        impl Sample<$t> for $t {
            const LEN: usize = 1;
            fn from_flat(flat: &[$t]) -> &[Self] { flat }
            fn from_flat_mut(flat: &mut [$t]) -> &mut [Self] { flat }
            fn to_flat(samples: &[Self]) -> &[$t] { samples }
            fn to_flat_mut(samples: &mut [Self]) -> &mut [$t] { samples }
        }
    )* };
}
scalar_sample!(f32 f64 u8 u32 i64);

impl<T, S: Sample<T>, const N: usize> Sample<T> for [S; N] {
    const LEN: usize = N * S::LEN;
    fn from_flat(flat: &[T]) -> &[Self] {
        S::from_flat(flat).as_chunks().0
    }
    fn from_flat_mut(flat: &mut [T]) -> &mut [Self] {
        S::from_flat_mut(flat).as_chunks_mut().0
    }
    fn to_flat(samples: &[Self]) -> &[T] {
        S::to_flat(samples.as_flattened())
    }
    fn to_flat_mut(samples: &mut [Self]) -> &mut [T] {
        S::to_flat_mut(samples.as_flattened_mut())
    }
}
