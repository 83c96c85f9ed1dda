//! What the processor can do at most: the roof that benchmarks are measured against.

use super::multiversion;
use super::vector::Lanes;

/// Chains that are computed at once: enough for two units with a latency of four or five cycles, and few enough for 16
/// registers.
const CHAINS: usize = 12;

#[inline(always)]
fn chains_body<S: Lanes<f32>>(s: S, links: u64, a: f32, b: f32) -> u64 {
    let (a, b) = (s.splat(a), s.splat(b));
    let mut sums = [b; CHAINS];
    for _ in 0..links {
        for sum in &mut sums {
            *sum = s.mul_add(a, *sum, b);
        }
    }
    let mut seen = [0.0; 16];
    for sum in sums {
        s.store(sum, &mut seen);
        std::hint::black_box(&seen);
    }
    2 * links * (CHAINS * S::LANES) as u64
}

multiversion! {
    /// Multiplies and adds `f32` in registers as fast as the instruction set in use can, `links` times in each of some
    /// chains. Returns how many floating-point operations that were.
    pub fn multiply_add_chains(links: u64, a: f32, b: f32) -> u64 = chains_body::<S> with simd;
}
