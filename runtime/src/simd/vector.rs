//! Vector registers: the few operations that the matrix kernels are written in, for each instruction set and scalar.
//!
//! A method's receiver is the token of its instruction set, which only [`multiversion!`](super::multiversion) makes, so
//! the methods are safe to call. Element-wise code needs none of this: the compiler vectorises plain loops. It does not
//! keep a tile of accumulators in registers reliably (a loop over `[[f32; 16]; 24]` ran at 6 instead of 240 GFLOP/s).

use super::{Portable, Simd};

/// Registers of scalars `T`.
pub(crate) trait Lanes<T: Copy>: Simd {
    /// A register.
    type V: Copy;
    /// The number of scalars in it.
    const LANES: usize;

    /// All lanes x.
    fn splat(self, x: T) -> Self::V;
    /// The first elements of `x`.
    ///
    /// # Panics
    /// If there are fewer than `LANES`.
    fn load(self, x: &[T]) -> Self::V;
    /// The elements of `x` from `at` on.
    ///
    /// # Safety
    /// There must be at least `at + LANES`.
    #[inline(always)]
    unsafe fn load_at(self, x: &[T], at: usize) -> Self::V {
        // SAFETY: the caller's promise.
        self.load(unsafe { x.get_unchecked(at..at + Self::LANES) })
    }
    /// All elements of `x`, at most `LANES`, and zeros after them.
    fn load_part(self, x: &[T]) -> Self::V;
    /// `len` elements of `x` from `at` on, at most `LANES`, and zeros after them.
    ///
    /// # Safety
    /// There must be at least `at + len`.
    #[inline(always)]
    unsafe fn load_part_at(self, x: &[T], at: usize, len: usize) -> Self::V {
        // SAFETY: the caller's promise.
        self.load_part(unsafe { x.get_unchecked(at..at + len) })
    }
    /// Writes the lanes to the first elements of `y`.
    ///
    /// # Panics
    /// If there are fewer than `LANES`.
    fn store(self, v: Self::V, y: &mut [T]);
    /// Writes the lanes to the elements of `y` from `at` on.
    ///
    /// # Safety
    /// There must be at least `at + LANES`.
    #[inline(always)]
    unsafe fn store_at(self, v: Self::V, y: &mut [T], at: usize) {
        // SAFETY: the caller's promise.
        self.store(v, unsafe { y.get_unchecked_mut(at..at + Self::LANES) })
    }
    /// Writes the first lanes to all elements of `y`, at most `LANES`.
    fn store_part(self, v: Self::V, y: &mut [T]);
    /// Writes the first `len` lanes, at most `LANES`, to the elements of `y` from `at` on.
    ///
    /// # Safety
    /// There must be at least `at + len`.
    #[inline(always)]
    unsafe fn store_part_at(self, v: Self::V, y: &mut [T], at: usize, len: usize) {
        // Stores with a mask are slow on some processors.
        if len == Self::LANES {
            // SAFETY: the caller's promise.
            unsafe { self.store_at(v, y, at) }
        } else {
            // SAFETY: the caller's promise.
            self.store_part(v, unsafe { y.get_unchecked_mut(at..at + len) })
        }
    }
    /// a · b + c, with one rounding where `Simd::FMA`.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// a + b.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// dst[c][r] = src[r][c] for at most `LANES` rows and columns; rows lie `src_row` and `dst_row` elements apart.
    #[inline(always)]
    fn transpose_block(self, rows: usize, cols: usize, src: &[T], src_row: usize, dst: &mut [T], dst_row: usize) {
        for r in 0..rows {
            for c in 0..cols {
                dst[c * dst_row + r] = src[r * src_row + c];
            }
        }
    }
}

/// Registers as arrays: what the compiler makes of them. For architectures without a file of their own.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
macro_rules! arrays {
    ($($t:ty, $lanes:literal;)*) => { $(
        impl Lanes<$t> for Portable {
            type V = [$t; $lanes];
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(self, x: $t) -> Self::V {
                [x; $lanes]
            }
            #[inline(always)]
            fn load(self, x: &[$t]) -> Self::V {
                *x.first_chunk().expect("a full register")
            }
            #[inline(always)]
            fn load_part(self, x: &[$t]) -> Self::V {
                let mut v = [0.0; $lanes];
                v[..x.len()].copy_from_slice(x);
                v
            }
            #[inline(always)]
            fn store(self, v: Self::V, y: &mut [$t]) {
                y[..$lanes].copy_from_slice(&v);
            }
            #[inline(always)]
            fn store_part(self, v: Self::V, y: &mut [$t]) {
                y.copy_from_slice(&v[..y.len()]);
            }
            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                std::array::from_fn(|l| super::mul_add::<Portable, $t>(a[l], b[l], c[l]))
            }
            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|l| a[l] + b[l])
            }
        }
    )* };
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
arrays! {
    f32, 4;
    f64, 2;
}

/// `Portable` by the intrinsics that every processor of the architecture has; a part of a register goes over memory.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! baseline {
    ($($t:ty, $v:ty, $lanes:literal: $splat:ident $load:ident $store:ident $add:ident |$a:ident, $b:ident, $c:ident| $mul_add:expr;)*) => { $(
        impl Lanes<$t> for Portable {
            type V = $v;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(self, x: $t) -> $v {
                // SAFETY: every processor of this architecture has the instruction.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            fn load(self, x: &[$t]) -> $v {
                let x: &[$t; $lanes] = x.first_chunk().expect("a full register");
                // SAFETY: every processor of this architecture has the instruction; it reads just `x`.
                unsafe { $load(x.as_ptr()) }
            }
            #[inline(always)]
            fn load_part(self, x: &[$t]) -> $v {
                if x.len() == $lanes {
                    return self.load(x);
                }
                let mut v = [0.0; $lanes];
                for (v, x) in v.iter_mut().zip(x) {
                    *v = *x;
                }
                self.load(&v)
            }
            #[inline(always)]
            fn store(self, v: $v, y: &mut [$t]) {
                let y: &mut [$t; $lanes] = y.first_chunk_mut().expect("a full register");
                // SAFETY: every processor of this architecture has the instruction; it writes just `y`.
                unsafe { $store(y.as_mut_ptr(), v) }
            }
            #[inline(always)]
            fn store_part(self, v: $v, y: &mut [$t]) {
                let mut all = [0.0; $lanes];
                self.store(v, &mut all);
                y.copy_from_slice(&all[..y.len()]);
            }
            #[inline(always)]
            fn mul_add(self, $a: $v, $b: $v, $c: $v) -> $v {
                // SAFETY: every processor of this architecture has the instruction.
                unsafe { $mul_add }
            }
            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // SAFETY: every processor of this architecture has the instruction.
                unsafe { $add(a, b) }
            }
        }
    )* };
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::aarch64::*;

    use super::{Lanes, Portable};

    baseline! {
        f32, float32x4_t, 4: vdupq_n_f32 vld1q_f32 vst1q_f32 vaddq_f32 |a, b, c| vfmaq_f32(c, a, b);
        f64, float64x2_t, 2: vdupq_n_f64 vld1q_f64 vst1q_f64 vaddq_f64 |a, b, c| vfmaq_f64(c, a, b);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #![allow(unused_unsafe, reason = "an intrinsic is safe or not depending on the features of the caller")]
    use std::arch::x86_64::*;

    use super::{Lanes, Portable};
    use crate::simd::transpose::{transpose_4x4_f64, transpose_8x8, transpose_8x8_f64, transpose_16x16};
    use crate::simd::{Avx2, Avx512};

    baseline! {
        f32, __m128, 4: _mm_set1_ps _mm_loadu_ps _mm_storeu_ps _mm_add_ps |a, b, c| _mm_add_ps(_mm_mul_ps(a, b), c);
        f64, __m128d, 2: _mm_set1_pd _mm_loadu_pd _mm_storeu_pd _mm_add_pd |a, b, c| _mm_add_pd(_mm_mul_pd(a, b), c);
    }

    macro_rules! wide {
        ($(
            $isa:ty, $t:ty, $v:ty, $lanes:literal: $splat:ident $load:ident $store:ident $add:ident $fma:ident;
            mask $mask:expr; $mask_load:ident $mask_store:ident;
            transpose $transpose:ident;
        )*) => { $(
            impl Lanes<$t> for $isa {
                type V = $v;
                const LANES: usize = $lanes;

                #[inline(always)]
                fn splat(self, x: $t) -> $v {
                    // SAFETY: the token `self` proves the instruction set.
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                fn load(self, x: &[$t]) -> $v {
                    let x: &[$t; $lanes] = x.first_chunk().expect("a full register");
                    // SAFETY: the token `self` proves the instruction set; the load reads just `x`.
                    unsafe { $load(x.as_ptr()) }
                }
                #[inline(always)]
                fn load_part(self, x: &[$t]) -> $v {
                    assert!(x.len() <= $lanes);
                    // SAFETY: the token `self` proves the instruction set; the mask selects the `x.len()` first lanes,
                    // and the load reads no others.
                    unsafe { $mask_load($mask(x.len()), x.as_ptr()) }
                }
                #[inline(always)]
                fn store(self, v: $v, y: &mut [$t]) {
                    let y: &mut [$t; $lanes] = y.first_chunk_mut().expect("a full register");
                    // SAFETY: the token `self` proves the instruction set; the store writes just `y`.
                    unsafe { $store(y.as_mut_ptr(), v) }
                }
                #[inline(always)]
                fn store_part(self, v: $v, y: &mut [$t]) {
                    assert!(y.len() <= $lanes);
                    // SAFETY: the token `self` proves the instruction set; the mask selects the `y.len()` first lanes,
                    // and the store writes no others.
                    unsafe { $mask_store(y.as_mut_ptr(), $mask(y.len()), v) }
                }
                #[inline(always)]
                fn mul_add(self, a: $v, b: $v, c: $v) -> $v {
                    // SAFETY: the token `self` proves the instruction set.
                    unsafe { $fma(a, b, c) }
                }
                #[inline(always)]
                fn add(self, a: $v, b: $v) -> $v {
                    // SAFETY: the token `self` proves the instruction set.
                    unsafe { $add(a, b) }
                }
                #[inline(always)]
                fn transpose_block(
                    self, rows: usize, cols: usize, src: &[$t], src_row: usize, dst: &mut [$t], dst_row: usize,
                ) {
                    if rows == $lanes && cols == $lanes {
                        let (src_rows, dst_rows) = (($lanes - 1) * src_row, ($lanes - 1) * dst_row);
                        assert!(src_rows + $lanes <= src.len() && dst_rows + $lanes <= dst.len());
                        let mut block: [$v; $lanes] = [Lanes::<$t>::splat(self, 0.0); $lanes];
                        for r in 0..$lanes {
                            // SAFETY: r * src_row <= src_rows, so the assertion leaves a full register from there on.
                            block[r] = unsafe { self.load_at(src, r * src_row) };
                        }
                        let block = $transpose(self, block);
                        for c in 0..$lanes {
                            // SAFETY: c * dst_row <= dst_rows, so the assertion leaves a full register from there on.
                            unsafe { self.store_at(block[c], dst, c * dst_row) };
                        }
                        return;
                    }
                    assert!(rows <= $lanes && cols <= $lanes);
                    let mut block: [$v; $lanes] = [Lanes::<$t>::splat(self, 0.0); $lanes];
                    for r in 0..rows {
                        block[r] = self.load_part(&src[r * src_row..][..cols]);
                    }
                    let block = $transpose(self, block);
                    for c in 0..cols {
                        self.store_part(block[c], &mut dst[c * dst_row..][..rows]);
                    }
                }
            }
        )* };
    }

    wide! {
        Avx512, f32, __m512, 16: _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_fmadd_ps;
        mask mask16; _mm512_maskz_loadu_ps _mm512_mask_storeu_ps;
        transpose transpose_16x16;

        Avx512, f64, __m512d, 8: _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_fmadd_pd;
        mask mask8; _mm512_maskz_loadu_pd _mm512_mask_storeu_pd;
        transpose transpose_8x8_f64;

        Avx2, f32, __m256, 8: _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_fmadd_ps;
        mask mask_f32x8; load_f32x8 _mm256_maskstore_ps;
        transpose transpose_8x8;

        Avx2, f64, __m256d, 4: _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_fmadd_pd;
        mask mask_f64x4; load_f64x4 _mm256_maskstore_pd;
        transpose transpose_4x4_f64;
    }

    /// The first `lanes` of 16.
    #[inline(always)]
    fn mask16(lanes: usize) -> __mmask16 {
        ((1u32 << lanes) - 1) as __mmask16
    }

    /// The first `lanes` of 8.
    #[inline(always)]
    fn mask8(lanes: usize) -> __mmask8 {
        ((1u32 << lanes) - 1) as __mmask8
    }

    /// The first `lanes` of 8, as sign bits.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn mask_f32x8(lanes: usize) -> __m256i {
        _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
    }

    /// The first `lanes` of 4, as sign bits.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn mask_f64x4(lanes: usize) -> __m256i {
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(lanes as i64), _mm256_setr_epi64x(0, 1, 2, 3))
    }

    /// `_mm256_maskload_ps` with the arguments in the order of its AVX-512 namesake.
    ///
    /// # Safety
    /// The lanes that `mask` selects must be readable from `p` on.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load_f32x8(mask: __m256i, p: *const f32) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { _mm256_maskload_ps(p, mask) }
    }

    /// `_mm256_maskload_pd` with the arguments in the order of its AVX-512 namesake.
    ///
    /// # Safety
    /// The lanes that `mask` selects must be readable from `p` on.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load_f64x4(mask: __m256i, p: *const f64) -> __m256d {
        // SAFETY: the caller's promise.
        unsafe { _mm256_maskload_pd(p, mask) }
    }
}
