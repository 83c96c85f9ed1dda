//! Samples that are changed at random whenever they are read, in the same way each time the same epoch is.

use std::fmt;

use super::{DataError, Dataset};
use crate::rng::Generator;

/// A dataset whose samples are changed at random. Made by [`Dataset::augment`].
#[derive(Clone)]
pub struct Augmented<D, F> {
    dataset: D,
    seed: u64,
    change: F,
}

impl<D, F> Augmented<D, F> {
    pub(super) fn new(dataset: D, seed: u64, change: F) -> Self {
        Augmented { dataset, seed, change }
    }

    /// The numbers of one sample in one epoch.
    fn generator(&self, epoch: u64, index: usize) -> Generator {
        // Seeds as far apart as 64 bits allow.
        let seed = self.seed.wrapping_add(epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Generator::seed_from(seed).stream(index as u64)
    }
}

impl<D: fmt::Debug, F> fmt::Debug for Augmented<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Augmented").field("dataset", &self.dataset).field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl<D: Dataset, F> Dataset for Augmented<D, F>
where
    F: Fn(&mut Generator, &mut [D::Input], &mut [D::Target]) + Send + Sync,
{
    type Input = D::Input;
    type Target = D::Target;

    fn len(&self) -> usize {
        self.dataset.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.dataset.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.dataset.target_shape()
    }
    fn read(&self, index: usize, input: &mut [D::Input], target: &mut [D::Target]) -> Result<(), DataError> {
        self.read_in(0, index, input, target)
    }
    fn read_in(
        &self,
        epoch: u64,
        index: usize,
        input: &mut [D::Input],
        target: &mut [D::Target],
    ) -> Result<(), DataError> {
        self.dataset.read_in(epoch, index, input, target)?;
        (self.change)(&mut self.generator(epoch, index), input, target);
        Ok(())
    }
}

/// Mirrors an image from left to right, with probability `p` (torchvision's `RandomHorizontalFlip`).
///
/// # Example
/// ```
/// use glulam::data::RandomHorizontalFlip;
/// use glulam::rng::Generator;
///
/// let mut image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// RandomHorizontalFlip { p: 1.0 }.apply(&mut Generator::seed_from(1), &mut image, &[1, 2, 3]);
/// assert_eq!(image, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomHorizontalFlip {
    /// The probability, from 0 to 1.
    pub p: f64,
}

impl RandomHorizontalFlip {
    /// An even chance.
    pub const DEFAULT: Self = RandomHorizontalFlip { p: 0.5 };

    /// Draws for one image of shape `[…, H, W]`, and changes it.
    ///
    /// # Panics
    /// If the image is not as large as its shape, or has no width.
    pub fn apply<X>(&self, generator: &mut Generator, image: &mut [X], shape: &[usize]) {
        let (_, _, width) = planes(image.len(), shape);
        if generator.unit() < self.p {
            image.chunks_exact_mut(width).for_each(<[X]>::reverse);
        }
    }
}

impl Default for RandomHorizontalFlip {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Moves an image by up to `padding` pixels in each direction, all moves being as likely; what comes in is
/// `X::default()`, zero (torchvision's `RandomCrop(size, padding)` at the image's own size).
///
/// # Example
/// ```
/// use glulam::data::RandomCrop;
/// use glulam::rng::Generator;
///
/// let mut image = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
/// RandomCrop { padding: 1 }.apply(&mut Generator::seed_from(1), &mut image, &[1, 3, 3]);
/// assert_eq!(image.iter().sum::<f64>(), 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomCrop {
    /// The most pixels of a move.
    pub padding: usize,
}

impl RandomCrop {
    /// Draws for one image of shape `[…, H, W]`, and changes it.
    ///
    /// # Panics
    /// If the image is not as large as its shape, or has no width.
    pub fn apply<X: Copy + Default>(&self, generator: &mut Generator, image: &mut [X], shape: &[usize]) {
        let (_, height, width) = planes(image.len(), shape);
        let mut draw = || generator.below(2 * self.padding + 1) as isize - self.padding as isize;
        let (down, right) = (draw(), draw());
        for plane in image.chunks_exact_mut(height * width) {
            shift(plane, height, width, down, right);
        }
    }
}

/// Moves a plane in place: a row is read before it is written, whichever the direction.
fn shift<X: Copy + Default>(plane: &mut [X], height: usize, width: usize, down: isize, right: isize) {
    let inside = |at: isize, len: usize| usize::try_from(at).ok().filter(|&at| at < len);
    let (to, from) = (right.max(0) as usize, (-right).max(0) as usize);
    let kept = width.saturating_sub(right.unsigned_abs());
    for i in 0..height {
        let y = if down > 0 { height - 1 - i } else { i };
        let source = inside(y as isize - down, height).filter(|_| kept > 0);
        let row = y * width..(y + 1) * width;
        match source {
            Some(source) => {
                plane
                    .copy_within(source * width + from..source * width + from + kept, y * width + to.min(width - kept));
                let row = &mut plane[row];
                row[..to.min(width)].fill(X::default());
                row[to.min(width - kept) + kept..].fill(X::default());
            }
            None => plane[row].fill(X::default()),
        }
    }
}

/// The planes of an image, and their height and width.
fn planes(len: usize, shape: &[usize]) -> (usize, usize, usize) {
    let (height, width) = match shape {
        [.., height, width] => (*height, *width),
        _ => panic!("an image has a height and a width, found shape {shape:?}"),
    };
    assert!(len == shape.iter().product::<usize>() && width > 0 && height > 0, "{len} pixels in shape {shape:?}");
    (len / (height * width), height, width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataLoader, TensorDataset};

    #[test]
    fn a_plane_moves_in_every_direction() {
        for (down, right) in (-4..=4).flat_map(|down| (-4..=4).map(move |right| (down, right))) {
            let before: Vec<i32> = (1..=12).collect();
            let mut after = before.clone();
            shift(&mut after, 3, 4, down, right);
            for y in 0..3isize {
                for x in 0..4isize {
                    let (from_y, from_x) = (y - down, x - right);
                    let inside = (0..3).contains(&from_y) && (0..4).contains(&from_x);
                    let want = if inside { before[(from_y * 4 + from_x) as usize] } else { 0 };
                    assert_eq!(after[(y * 4 + x) as usize], want, "{down} {right} at {y} {x}");
                }
            }
        }
    }

    #[test]
    fn an_epoch_has_its_own_numbers_and_always_the_same() {
        let images: Vec<[f32; 16]> = (0..20).map(|i| std::array::from_fn(|p| (i * 16 + p) as f32)).collect();
        let data = TensorDataset::from_flat(images.concat(), &[1, 4, 4], vec![0i64; 20], &[]).unwrap();
        let augmented = || {
            data.clone().augment(7, |generator, image, _| {
                RandomCrop { padding: 1 }.apply(generator, image, &[1, 4, 4]);
                RandomHorizontalFlip::DEFAULT.apply(generator, image, &[1, 4, 4]);
            })
        };
        let epochs = |data| {
            let loader = DataLoader::builder(data).batch_size(20).build().unwrap();
            let read = || {
                let batch = loader.iter().next().unwrap();
                batch.inputs.clone()
            };
            [read(), read()]
        };
        let (first, again) = (epochs(augmented()), epochs(augmented()));
        assert_eq!(first, again);
        assert_ne!(first[0], first[1]);
        assert_ne!(first[0], images.concat());
    }
}
