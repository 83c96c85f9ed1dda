//! Instruction sets: which ones this processor has, and how one body of code is compiled for each of them.
//!
//! A kernel is one `#[inline(always)]` function, generic over a marker [`Simd`], written with arrays and slices so that
//! the compiler turns it into vector instructions. `multiversion!` compiles it once per instruction set and chooses
//! among the versions at run time, once per call. An [`Isa`] can only be obtained for a set that the processor has, so
//! it is the proof that the version for it may be called.
//!
//! `GLULAM_ISA=avx512|avx2|portable` forces one for a whole run.

pub(crate) mod math;
pub(crate) mod pages;
mod peak;
pub(crate) mod random;
pub(crate) mod reduce;
#[cfg(target_arch = "x86_64")]
mod transpose;
pub(crate) mod vector;

#[cfg(test)]
use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};

#[doc(hidden)]
pub use peak::multiply_add_chains;

/// An instruction set that kernels are compiled for; plain loops over `f64` for AVX2 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Level {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on AArch64.
    Portable = 1,
    /// AVX2 with fused multiply-add (Haswell, Zen).
    Avx2 = 2,
    /// AVX-512 F, BW, CD, DQ, VL (Skylake-X, Zen 4).
    Avx512 = 3,
}

impl Level {
    const ALL: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

    /// The name that `GLULAM_ISA` knows.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// Whether this processor (and this build) has it.
    fn available(self) -> bool {
        match self {
            Level::Portable => true,
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Level::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Level::Avx512 => {
                Level::Avx2.available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(all(target_arch = "x86_64", not(miri))))]
            _ => false,
        }
    }
}

/// Proof that the processor has an instruction set: there is no other way to make one than to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Level);

/// The level in use, as a number; 0 before the first question.
static CURRENT: AtomicU8 = AtomicU8::new(0);

#[cfg(test)]
thread_local! {
    static FORCED: Cell<Option<Isa>> = const { Cell::new(None) };
}

impl Isa {
    /// The instruction set if this processor has it.
    pub fn new(level: Level) -> Option<Isa> {
        level.available().then_some(Isa(level))
    }

    /// The instruction set that kernels use: the best there is, or the one that `GLULAM_ISA` names.
    ///
    /// # Panics
    /// If `GLULAM_ISA` names no instruction set, or one that this processor lacks.
    #[inline(always)]
    pub fn current() -> Isa {
        #[cfg(test)]
        if let Some(forced) = FORCED.get() {
            return forced;
        }
        // Relaxed: whoever sees 0 computes the same answer again. Only `choose` stores, and only levels it has found.
        match CURRENT.load(Ordering::Relaxed) {
            3 => Isa(Level::Avx512),
            2 => Isa(Level::Avx2),
            1 => Isa(Level::Portable),
            _ => choose(),
        }
    }

    /// Which one it is.
    #[inline(always)]
    pub const fn level(self) -> Level {
        self.0
    }

    /// All that this processor has, the portable one first.
    pub fn all() -> impl Iterator<Item = Isa> {
        Level::ALL.into_iter().filter_map(Isa::new)
    }

    /// Runs `body` with this instruction set on the calling thread (and on the pool's while they work for it).
    #[cfg(test)]
    pub(crate) fn force<R>(self, body: impl FnOnce() -> R) -> R {
        struct Restore(Option<Isa>);
        impl Drop for Restore {
            fn drop(&mut self) {
                FORCED.set(self.0);
            }
        }
        let _restore = Restore(FORCED.replace(Some(self)));
        body()
    }

    /// What [`force`](Self::force) has set on this thread.
    #[cfg(test)]
    pub(crate) fn forced() -> Option<Isa> {
        FORCED.get()
    }
}

#[cold]
fn choose() -> Isa {
    let isa = match std::env::var("GLULAM_ISA") {
        Ok(name) => named(&name).unwrap_or_else(|message| panic!("{message}")),
        Err(_) => Isa::all().last().expect("the portable level is always available"),
    };
    CURRENT.store(isa.level() as u8, Ordering::Relaxed);
    isa
}

fn named(name: &str) -> Result<Isa, String> {
    let available = || Isa::all().map(|isa| isa.level().name()).collect::<Vec<_>>().join(", ");
    let Some(level) = Level::ALL.into_iter().find(|level| level.name() == name) else {
        return Err(format!("GLULAM_ISA = {name:?} is no instruction set; this processor has: {}", available()));
    };
    Isa::new(level).ok_or_else(|| format!("GLULAM_ISA = {name:?}: this processor has only: {}", available()))
}

/// An instruction set as a type: what the body of a kernel may ask at compile time. A value of it is proof, as an
/// [`Isa`] is.
pub trait Simd: Copy {
    /// Multiply and add are one instruction with one rounding.
    const FMA: bool;
    /// The width of a vector register in bytes.
    const BYTES: usize;
    /// How many vector registers there are.
    const REGISTERS: usize;

    /// The proof.
    ///
    /// # Safety
    /// The processor must have the instruction set.
    unsafe fn assume() -> Self;
}

/// Marker of [`Level::Avx512`].
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());
/// Marker of [`Level::Avx2`].
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());
/// Marker of [`Level::Portable`].
#[derive(Clone, Copy, Debug)]
pub struct Portable(());

impl Simd for Avx512 {
    const FMA: bool = true;
    const BYTES: usize = 64;
    const REGISTERS: usize = 32;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Avx512(())
    }
}
impl Simd for Avx2 {
    const FMA: bool = true;
    const BYTES: usize = 32;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn assume() -> Self {
        Avx2(())
    }
}
impl Simd for Portable {
    // `mul_add` without the instruction is a slow library call. AArch64 always has it.
    const FMA: bool = cfg!(target_arch = "aarch64");
    const BYTES: usize = 16;
    const REGISTERS: usize = if cfg!(target_arch = "aarch64") { 32 } else { 16 };

    #[inline(always)]
    unsafe fn assume() -> Self {
        Portable(())
    }
}

/// a · b + c, fused where the instruction set `S` can.
#[inline(always)]
pub fn mul_add<S: Simd, T: MulAdd>(a: T, b: T, c: T) -> T {
    if S::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Scalars with a fused multiply-add.
pub trait MulAdd: Copy + std::ops::Mul<Output = Self> + std::ops::Add<Output = Self> {
    /// a · b + c with one rounding.
    fn mul_add(self, b: Self, c: Self) -> Self;
}
impl MulAdd for f32 {
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        f32::mul_add(self, b, c)
    }
}
impl MulAdd for f64 {
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        f64::mul_add(self, b, c)
    }
}

/// Compiles an `#[inline(always)]` body, generic over a marker [`Simd`] called `S`, for every instruction set, and makes
/// a function that chooses among the versions.
///
/// ```text
/// #[inline(always)]
/// fn scale_body<S: Simd, T: Real>(a: T, x: &mut [T]) { for x in x { *x = a * *x; } }
///
/// multiversion! {
///     /// x *= a.
///     fn scale_f32(a: f32, x: &mut [f32]) = scale_body::<S, f32>;
///     fn scale_f64(a: f64, x: &mut [f64]) = scale_body::<S, f64>;
/// }
/// ```
///
/// Everything that the body calls in its loops must be `#[inline(always)]` too: a function that is not inlined is
/// compiled without the instruction set's features. Arguments of the body are single tokens (`f32`, `6`, `NAME`). With
/// `… = body::<S, f32> with simd;` the body's first argument is a value of `S`, the proof that `simd::vector` asks for.
///
/// A plain loop over `f64` (`… = body::<S, f64>;`) has no version for AVX-512, which would be one of six that there are
/// to compile: there it runs with AVX2. Few train in `f64`, and what takes its time there, products, is written `with simd`.
macro_rules! multiversion {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident::<S $(, $param:tt)*> $(with $simd:ident)?;
    )*) => { $(
        $(#[$meta])*
        #[inline]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            let level = $crate::simd::Isa::current().level();
            #[cfg(target_arch = "x86_64")]
            $crate::simd::if_wide! { [$($param)*] $($simd)?;
                if level == $crate::simd::Level::Avx512 {
                    #[target_feature(
                        enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt"
                    )]
                    fn avx512($($arg: $ty),*) $(-> $ret)? {
                        $(
                            // SAFETY: this function is only called where the `Isa` proves these features.
                            let $simd = unsafe { <$crate::simd::Avx512 as $crate::simd::Simd>::assume() };
                        )?
                        $body::<$crate::simd::Avx512 $(, $param)*>($($simd,)? $($arg),*)
                    }
                    // SAFETY: an `Isa` of this level exists only where `Level::available` found all these features.
                    return unsafe { avx512($($arg),*) };
                }
            }
            match level {
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512 | $crate::simd::Level::Avx2 => {
                    #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
                    fn avx2($($arg: $ty),*) $(-> $ret)? {
                        $(
                            // SAFETY: this function is only called where the `Isa` proves these features.
                            let $simd = unsafe { <$crate::simd::Avx2 as $crate::simd::Simd>::assume() };
                        )?
                        $body::<$crate::simd::Avx2 $(, $param)*>($($simd,)? $($arg),*)
                    }
                    // SAFETY: an `Isa` of these levels exists only where `Level::available` found all these features.
                    unsafe { avx2($($arg),*) }
                }
                _ => {
                    // A function of its own, so that it is compiled once, and not wherever this one is inlined.
                    fn portable($($arg: $ty),*) $(-> $ret)? {
                        $(
                            // SAFETY: every processor that this build runs on has the portable instruction set.
                            let $simd = unsafe { <$crate::simd::Portable as $crate::simd::Simd>::assume() };
                        )?
                        $body::<$crate::simd::Portable $(, $param)*>($($simd,)? $($arg),*)
                    }
                    portable($($arg),*)
                }
            }
        }
    )* };
}
pub(crate) use multiversion;

/// The code, unless [`multiversion!`] has no version for AVX-512 of a body with these parameters.
macro_rules! if_wide {
    ([f64 $($param:tt)*]; $($code:tt)*) => {};
    ([$($param:tt)*] $($simd:ident)?; $($code:tt)*) => { $($code)* };
}
pub(crate) use if_wide;

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(always)]
    fn width_body<S: Simd, T: MulAdd>(a: T, b: T, c: T) -> (usize, T) {
        (S::BYTES, mul_add::<S, T>(a, b, c))
    }

    multiversion! {
        fn width(a: f32, b: f32, c: f32) -> (usize, f32) = width_body::<S, f32>;
    }

    #[test]
    fn forcing_an_instruction_set_runs_its_version() {
        for isa in Isa::all() {
            let (bytes, _) = isa.force(|| width(1.0, 2.0, 3.0));
            let expected = match isa.level() {
                Level::Portable => Portable::BYTES,
                Level::Avx2 => Avx2::BYTES,
                Level::Avx512 => Avx512::BYTES,
            };
            assert_eq!(bytes, expected, "{isa:?}");
        }
        assert_eq!(Isa::forced(), None);
    }

    #[test]
    fn fused_versions_round_once() {
        let (a, c) = (1.0 + f32::EPSILON, -1.0);
        for isa in Isa::all().filter(|isa| isa.level() != Level::Portable) {
            let (_, fused) = isa.force(|| width(a, a, c));
            assert_eq!(fused, a.mul_add(a, c), "{isa:?}");
        }
    }

    #[test]
    fn a_wrong_name_lists_what_there_is() {
        let message = named("sse9").expect_err("no such level");
        assert!(message.contains("sse9") && message.contains("portable"), "{message}");
        assert_eq!(named("portable"), Ok(Isa(Level::Portable)));
    }
}
