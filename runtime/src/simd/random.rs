//! Random numbers that belong to a place: a function of (seed, draw, layer, row, element) and of nothing else, so the
//! same whichever thread asks, in whichever order, and again in the backward pass.
//!
//! The first four make a [`Stream`], 64 well-mixed bits; its 32-bit numbers are a hash of the element's place, two rounds
//! of multiply and shift with half of the key before each. Within one stream the numbers are a permutation of
//! 0..2³²: none comes twice.
//!
//! # References
//! The mixing of 64 bits is SplitMix64's finaliser (Steele, Lea and Flood, Fast Splittable Pseudorandom Number
//! Generators, 2014); the multipliers of the 32-bit hash are those found by C. Wellons' search (hash-prospector).

use crate::network::Context;

/// The random numbers of one row of one layer in one forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    first: u32,
    second: u32,
}

/// 2⁶⁴ divided by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A permutation of the 64-bit numbers in which every bit depends on all.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the streams of one layer's rows have in common in one forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    key: u64,
    first_row: usize,
}

impl Streams {
    /// The streams of `layer` in the forward pass that `cx` describes.
    pub(crate) fn new(cx: &Context, layer: u64) -> Self {
        let mut key = 0;
        for part in [cx.seed, cx.draw, layer] {
            key = mix(key ^ part).wrapping_add(GOLDEN);
        }
        Streams { key, first_row: cx.first_row }
    }

    /// The stream of the row at place `row` of those at hand.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> Stream {
        let row = (self.first_row + row) as u64;
        let key = mix(self.key.wrapping_add(row.wrapping_mul(GOLDEN)));
        Stream { first: key as u32, second: (key >> 32) as u32 }
    }
}

impl Stream {
    /// The number of place `element`, uniform in 0..2³².
    #[inline(always)]
    pub(crate) fn bits(self, element: u32) -> u32 {
        let mut h = element ^ self.first;
        h = (h ^ (h >> 16)).wrapping_mul(0x7feb_352d);
        h = (h ^ (h >> 15)).wrapping_add(self.second).wrapping_mul(0x846c_a68b);
        h ^ (h >> 16)
    }

    /// The same as a number in [0, 1), of 24 bits, which every scalar type holds exactly.
    #[inline(always)]
    pub(crate) fn uniform<T: crate::simd::math::Math>(self, element: u32) -> T {
        T::from_bits24(self.bits(element) >> 8) * T::from_f64(1.0 / 16_777_216.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Mode;

    fn streams(seed: u64) -> Streams {
        Streams::new(&Context { mode: Mode::Train, seed, draw: 0, first_row: 0, rows: 0 }, 0)
    }

    #[test]
    fn every_bit_is_as_often_set_as_not_and_independent_of_the_others() {
        let numbers: Vec<u32> = (0..64)
            .flat_map(|row| {
                let stream = streams(1).row(row);
                (0..1024).map(move |e| stream.bits(e))
            })
            .collect();
        let n = numbers.len() as f64;
        // Five standard errors.
        let bound = 5.0 * n.sqrt() / 2.0;
        for a in 0..32 {
            let set = numbers.iter().filter(|x| *x >> a & 1 == 1).count() as f64;
            assert!((set - n / 2.0).abs() < bound, "bit {a} is set in {set} of {n}");
            for b in 0..a {
                let equal = numbers.iter().filter(|x| (*x >> a ^ *x >> b) & 1 == 0).count() as f64;
                assert!((equal - n / 2.0).abs() < bound, "bits {a} and {b} are equal in {equal} of {n}");
            }
        }
    }

    #[test]
    fn one_bit_of_place_or_seed_changes_half_of_the_bits() {
        let changed = |a: u32, b: u32| (a ^ b).count_ones() as f64;
        let mean = |changes: &mut dyn Iterator<Item = f64>| {
            let changes: Vec<f64> = changes.collect();
            changes.iter().sum::<f64>() / changes.len() as f64
        };
        let stream = streams(1).row(0);
        for bit in 0..16 {
            let element = mean(&mut (0..2000).map(|e| changed(stream.bits(e), stream.bits(e ^ 1 << bit))));
            let row =
                mean(&mut (0..2000).map(|r| changed(streams(1).row(r).bits(0), streams(1).row(r ^ 1 << bit).bits(0))));
            let seed =
                mean(&mut (0..2000).map(|s| changed(streams(s).row(0).bits(0), streams(s ^ 1 << bit).row(0).bits(0))));
            for (what, mean) in [("element", element), ("row", row), ("seed", seed)] {
                assert!((mean - 16.0).abs() < 0.5, "bit {bit} of the {what} changes {mean} of 32 bits");
            }
        }
    }

    #[test]
    fn uniform_numbers_fill_their_range_evenly() {
        let mut buckets = [0u32; 64];
        for row in 0..64 {
            let stream = streams(2).row(row);
            for e in 0..1024 {
                let u: f32 = stream.uniform(e);
                assert!((0.0..1.0).contains(&u));
                buckets[(u * 64.0) as usize] += 1;
            }
        }
        // χ² of 63 degrees of freedom: 63 ± 11; beyond 120 it has a probability of 1e-5.
        let chi: f64 = buckets.iter().map(|&b| (f64::from(b) - 1024.0).powi(2) / 1024.0).sum();
        assert!(chi < 120.0, "χ² = {chi}");
    }
}
