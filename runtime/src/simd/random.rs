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
