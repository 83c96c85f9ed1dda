//! Memory that holds scalars of any kind: words of 64 bits, lent as what is asked for.

use crate::flat::ALIGN;

/// Words of a cache line.
const LINE: usize = ALIGN / size_of::<f64>();

/// The words that `bytes` and the beginnings of `arrays`, each on a cache line, take.
pub(crate) const fn words_of(bytes: usize, arrays: usize) -> usize {
    bytes.div_ceil(size_of::<f64>()) + arrays * LINE
}

/// Some memory, from whose front arrays are taken.
#[derive(Debug)]
pub struct Memory<'a>(&'a mut [f64]);

impl<'a> Memory<'a> {
    /// All of these words.
    pub(crate) fn new(words: &'a mut [f64]) -> Self {
        Memory(words)
    }

    /// The next `rows` rows of `N` scalars.
    pub fn take<E: Words, const N: usize>(&mut self, rows: usize) -> &'a mut [[E; N]] {
        self.next(rows * N).as_chunks_mut().0
    }

    /// The next `N` scalars.
    pub fn take_array<E: Words, const N: usize>(&mut self) -> &'a mut [E; N] {
        self.next(N).try_into().expect("as many as were asked for")
    }

    /// The next `len` scalars; what comes after them begins on the next cache line.
    fn next<E: Words>(&mut self, len: usize) -> &'a mut [E] {
        let words = words_of(len * size_of::<E>(), 0).next_multiple_of(LINE);
        let (taken, left) = std::mem::take(&mut self.0).split_at_mut(words);
        self.0 = left;
        &mut E::from_words_mut(taken)[..len]
    }
}

/// Scalars that words have room for.
pub trait Words: Sized {
    /// The same memory as scalars.
    fn from_words(words: &[f64]) -> &[Self];
    /// The same, to be written to.
    fn from_words_mut(words: &mut [f64]) -> &mut [Self];
}

impl Words for f64 {
    fn from_words(words: &[f64]) -> &[f64] {
        words
    }

    fn from_words_mut(words: &mut [f64]) -> &mut [f64] {
        words
    }
}

macro_rules! parts_of_a_word {
    ($($t:ident)*) => { $(
        impl Words for $t {
            fn from_words(words: &[f64]) -> &[$t] {
                let len = size_of_val(words) / size_of::<$t>();
                // SAFETY: so many of them fill the memory of the words, with a weaker alignment, and every bit pattern is one of
                // them.
                unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), len) }
            }

            fn from_words_mut(words: &mut [f64]) -> &mut [$t] {
                let len = size_of_val(words) / size_of::<$t>();
                // SAFETY: the same; and after whatever is written as such it is still f64s.
                unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), len) }
            }
        }
    )* };
}
parts_of_a_word!(f32 u32 u8);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flat;

    #[test]
    fn arrays_of_any_scalar_lie_beside_each_other_on_lines() {
        let (rows, bytes) = (3, 3 * (5 * 4 + 7 + 2 * 8) + 9 * 4);
        let mut words = Flat::<f64>::zeros(words_of(bytes, 4));
        let mut memory = Memory::new(&mut words);
        let numbers = memory.take::<f32, 5>(rows);
        let places = memory.take::<u8, 7>(rows);
        let sums = memory.take::<f64, 2>(rows);
        let ids = memory.take_array::<u32, 9>();
        numbers.as_flattened_mut().fill(1.5);
        places.as_flattened_mut().fill(255);
        sums.as_flattened_mut().fill(-2.0);
        ids.fill(u32::MAX);
        let starts = [numbers.as_ptr().addr(), places.as_ptr().addr(), sums.as_ptr().addr(), ids.as_ptr().addr()];
        assert!(starts.iter().all(|start| start.is_multiple_of(ALIGN)), "{starts:?}");
        assert!(numbers.as_flattened() == [1.5; 15] && places.as_flattened() == [255; 21]);
        assert!(sums.as_flattened() == [-2.0; 6] && *ids == [u32::MAX; 9]);
    }

    #[test]
    fn reading_sees_what_was_written() {
        let mut words = [0.0; 2];
        f32::from_words_mut(&mut words).copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(f32::from_words(&words), [1.0, 2.0, 3.0, 4.0]);
    }
}
