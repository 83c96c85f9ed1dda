//! Blocks of registers transposed in registers: each round pairs registers, or parts of them, twice as far apart.

#![allow(unused_unsafe, reason = "an intrinsic is safe or not depending on the features of the caller")]

use std::arch::x86_64::*;

use super::{Avx2, Avx512};

/// The rows of a 16×16 block become its columns: four rounds, each of which pairs registers twice as far apart.
#[inline(always)]
pub(super) fn transpose_16x16(_: Avx512, r: [__m512; 16]) -> [__m512; 16] {
    // SAFETY: the token proves the instruction set.
    unsafe {
        let mut t = r;
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        // Each register of u holds, in its four quarters, four rows of columns c, c + 4, c + 8, c + 12.
        let mut u = t;
        for q in 0..4 {
            let pair = |a: usize, b: usize| (_mm512_castps_pd(t[4 * q + a]), _mm512_castps_pd(t[4 * q + b]));
            let ((a, b), (c, d)) = (pair(0, 2), pair(1, 3));
            u[4 * q] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            u[4 * q + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
            u[4 * q + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
            u[4 * q + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
        }
        for c in 0..4 {
            let (a, b) =
                (_mm512_shuffle_f32x4::<0x88>(u[c], u[4 + c]), _mm512_shuffle_f32x4::<0x88>(u[8 + c], u[12 + c]));
            let (d, e) =
                (_mm512_shuffle_f32x4::<0xdd>(u[c], u[4 + c]), _mm512_shuffle_f32x4::<0xdd>(u[8 + c], u[12 + c]));
            t[c] = _mm512_shuffle_f32x4::<0x88>(a, b);
            t[8 + c] = _mm512_shuffle_f32x4::<0xdd>(a, b);
            t[4 + c] = _mm512_shuffle_f32x4::<0x88>(d, e);
            t[12 + c] = _mm512_shuffle_f32x4::<0xdd>(d, e);
        }
        t
    }
}

/// The rows of an 8×8 block become its columns.
#[inline(always)]
pub(super) fn transpose_8x8_f64(_: Avx512, r: [__m512d; 8]) -> [__m512d; 8] {
    // SAFETY: the token proves the instruction set.
    unsafe {
        let mut t = r;
        for i in 0..4 {
            t[2 * i] = _mm512_unpacklo_pd(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_pd(r[2 * i], r[2 * i + 1]);
        }
        let mut u = t;
        for c in 0..2 {
            let (a, b) =
                (_mm512_shuffle_f64x2::<0x88>(t[c], t[2 + c]), _mm512_shuffle_f64x2::<0x88>(t[4 + c], t[6 + c]));
            let (d, e) =
                (_mm512_shuffle_f64x2::<0xdd>(t[c], t[2 + c]), _mm512_shuffle_f64x2::<0xdd>(t[4 + c], t[6 + c]));
            u[c] = _mm512_shuffle_f64x2::<0x88>(a, b);
            u[4 + c] = _mm512_shuffle_f64x2::<0xdd>(a, b);
            u[2 + c] = _mm512_shuffle_f64x2::<0x88>(d, e);
            u[6 + c] = _mm512_shuffle_f64x2::<0xdd>(d, e);
        }
        u
    }
}

/// The rows of an 8×8 block become its columns.
#[inline(always)]
pub(super) fn transpose_8x8(_: Avx2, r: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: the token proves the instruction set.
    unsafe {
        let mut t = r;
        for i in 0..4 {
            t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        let mut u = t;
        for h in 0..2 {
            let q = 4 * h;
            u[q] = _mm256_shuffle_ps::<0x44>(t[q], t[q + 2]);
            u[q + 1] = _mm256_shuffle_ps::<0xee>(t[q], t[q + 2]);
            u[q + 2] = _mm256_shuffle_ps::<0x44>(t[q + 1], t[q + 3]);
            u[q + 3] = _mm256_shuffle_ps::<0xee>(t[q + 1], t[q + 3]);
        }
        for c in 0..4 {
            t[c] = _mm256_permute2f128_ps::<0x20>(u[c], u[4 + c]);
            t[4 + c] = _mm256_permute2f128_ps::<0x31>(u[c], u[4 + c]);
        }
        t
    }
}

/// The rows of a 4×4 block become its columns.
#[inline(always)]
pub(super) fn transpose_4x4_f64(_: Avx2, r: [__m256d; 4]) -> [__m256d; 4] {
    // SAFETY: the token proves the instruction set.
    unsafe {
        let (a, b) = (_mm256_unpacklo_pd(r[0], r[1]), _mm256_unpackhi_pd(r[0], r[1]));
        let (c, d) = (_mm256_unpacklo_pd(r[2], r[3]), _mm256_unpackhi_pd(r[2], r[3]));
        [
            _mm256_permute2f128_pd::<0x20>(a, c),
            _mm256_permute2f128_pd::<0x20>(b, d),
            _mm256_permute2f128_pd::<0x31>(a, c),
            _mm256_permute2f128_pd::<0x31>(b, d),
        ]
    }
}
