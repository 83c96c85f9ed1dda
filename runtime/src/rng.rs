//! Random numbers: a generator that is seeded, saved and restored exactly, and the default one of the process.
//!
//! ChaCha with eight rounds, keyed by the seed: the numbers depend on (seed, stream, position) alone, not on the
//! machine, so that a saved generator goes on where it was. They are not PyTorch's (Mersenne Twister) numbers.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// A source of random numbers (PyTorch's `torch.Generator`).
///
/// Serialised as its seed, stream and position: it goes on with exactly the next number.
///
/// # Example
/// ```
/// use glulam::rng::Generator;
///
/// let mut generator = Generator::seed_from(42);
/// generator.uniform(0.0, 1.0);
/// let mut copy = generator.clone();
/// assert_eq!(generator.uniform(-1.0, 1.0), copy.uniform(-1.0, 1.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Place", into = "Place")]
pub struct Generator {
    seed: u64,
    words: ChaCha8Rng,
}

/// What is saved of a generator.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename = "Generator", deny_unknown_fields)]
struct Place {
    seed: u64,
    stream: u64,
    position: u64,
}

impl From<Generator> for Place {
    fn from(generator: Generator) -> Place {
        // A u64 of 32-bit words lasts for decades.
        let position = generator.words.get_word_pos() as u64;
        Place { seed: generator.seed, stream: generator.words.get_stream(), position }
    }
}

impl From<Place> for Generator {
    fn from(place: Place) -> Generator {
        let mut generator = Generator::seed_from(place.seed);
        generator.words.set_stream(place.stream);
        generator.words.set_word_pos(u128::from(place.position));
        generator
    }
}

impl Generator {
    /// A generator for `seed`. Neighbouring seeds give unrelated numbers.
    pub fn seed_from(seed: u64) -> Self {
        // SplitMix64 (Steele, Lea, Flood 2014) spreads the seed over the key.
        let mut state = seed;
        let mut key = [0; 32];
        for word in key.as_chunks_mut::<8>().0 {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *word = (z ^ (z >> 31)).to_le_bytes();
        }
        Generator { seed, words: ChaCha8Rng::from_seed(key) }
    }

    /// Starts again from `seed` (PyTorch's `generator.manual_seed`).
    pub fn manual_seed(&mut self, seed: u64) -> &mut Self {
        *self = Generator::seed_from(seed);
        self
    }

    /// The seed that it was made from.
    pub fn initial_seed(&self) -> u64 {
        self.seed
    }

    /// The generator number `stream` of the same seed, at its beginning. Streams have no number in common: one for
    /// each epoch or layer gives each its own numbers, whatever the others have drawn. The stream of a new generator
    /// is 0.
    pub fn stream(&self, stream: u64) -> Generator {
        Place { seed: self.seed, stream, position: 0 }.into()
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.words.next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.words.next_u64()
    }

    /// A number of [0, 1): a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * 2f64.powi(-53)
    }

    /// A number of [low, high), each as likely.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Two independent numbers of the standard normal distribution.
    ///
    /// # References
    /// Box and Muller 1958: √(-2 ln u) cos 2πv and √(-2 ln u) sin 2πv.
    pub fn normal_pair(&mut self) -> (f64, f64) {
        // 1 - u is in (0, 1]: its logarithm is finite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.unit()).sin_cos();
        (radius * cos, radius * sin)
    }

    /// A number of the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        self.normal_pair().0
    }

    /// A number of 0, 1, …, `bound - 1`, each as likely (PyTorch's `randint`).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "no number is below 0");
        // Lemire 2019: the upper half of a product, with the few values rejected that would favour small results.
        let bound = bound as u64;
        let reject = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= reject {
                return (product >> 64) as usize;
            }
        }
    }

    /// Puts `items` into a random order, each order as likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// 0, 1, …, `n - 1` in a random order (PyTorch's `randperm`).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

fn default_generator() -> MutexGuard<'static, Generator> {
    static DEFAULT: OnceLock<Mutex<Generator>> = OnceLock::new();
    // A new process draws new numbers, as in PyTorch; the keys of the hasher come from the system's entropy.
    let fresh = || Mutex::new(Generator::seed_from(RandomState::new().build_hasher().finish()));
    // A panic elsewhere leaves a generator between two draws: as good as any.
    DEFAULT.get_or_init(fresh).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seeds the default generator of the process (PyTorch's `torch.manual_seed`), from which come the seeds of networks,
/// loaders and samplers that were given none.
///
/// # Example
/// ```standalone_crate
/// use glulam::rng;
///
/// rng::manual_seed(11);
/// let first = rng::draw_seed();
/// rng::manual_seed(11);
/// assert_eq!(rng::draw_seed(), first);
/// assert_eq!(rng::initial_seed(), 11);
/// ```
pub fn manual_seed(seed: u64) {
    default_generator().manual_seed(seed);
}

/// The seed of the default generator (PyTorch's `torch.initial_seed`). Without [`manual_seed`] it is another one in each
/// process.
pub fn initial_seed() -> u64 {
    default_generator().initial_seed()
}

/// A seed drawn from the default generator.
pub fn draw_seed() -> u64 {
    default_generator().next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence_and_its_neighbour_another() {
        let draw = |seed| Generator::seed_from(seed).next_u64();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        // Saved runs rely on them.
        let mut generator = Generator::seed_from(0);
        assert_eq!([generator.next_u64(), generator.next_u64()], [13804888775535289832, 4211859015901796865]);
    }

    #[test]
    fn a_saved_generator_goes_on_with_the_next_number() {
        for draws in 0..70 {
            let mut generator = Generator::seed_from(3).stream(5);
            for draw in 0..draws {
                // Words and pairs of words, so that a pair crosses the end of a block.
                if draw % 3 == 0 {
                    generator.next_u32().into()
                } else {
                    generator.next_u64()
                };
            }
            let saved = serde_json::to_string(&generator).unwrap();
            let mut restored: Generator = serde_json::from_str(&saved).unwrap();
            assert_eq!(restored, generator);
            assert_eq!(restored.next_u64(), generator.next_u64(), "after {draws} draws");
            assert_eq!(restored.initial_seed(), 3);
        }
    }

    #[test]
    fn streams_of_one_seed_differ_and_do_not_depend_on_what_was_drawn() {
        let mut generator = Generator::seed_from(1);
        let fresh = generator.stream(4).next_u64();
        generator.next_u64();
        assert_eq!(generator.stream(4).next_u64(), fresh);
        assert_ne!(generator.stream(5).next_u64(), fresh);
        assert_eq!(generator.stream(0), Generator::seed_from(1));
    }

    #[test]
    fn bounded_numbers_are_all_reached_about_equally() {
        let mut generator = Generator::seed_from(2);
        let mut counts = [0; 7];
        for _ in 0..70_000 {
            counts[generator.below(7)] += 1;
        }
        // Five standard deviations of a binomial with 70,000 draws and p = 1/7.
        assert!(counts.iter().all(|&c: &i32| (c - 10_000).abs() < 470), "{counts:?}");
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_reaches_every_order() {
        let mut generator = Generator::seed_from(2);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let order = generator.permutation(3);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            seen.insert(order);
        }
        assert_eq!(seen.len(), 6);
        assert!(generator.permutation(0).is_empty());
    }
}
