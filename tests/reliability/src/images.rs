//! A data set like Fashion-MNIST, small and easy to tell apart: for programs that are run hundreds of times, or slowly.

use std::fs;
use std::path::Path;

use crate::random::Random;

const CLASSES: usize = 10;
const PIXELS: usize = 28 * 28;

/// Writes the four files into `folder`: `count` images to train on and 50 to test.
pub fn write(folder: &Path, count: usize) {
    fs::create_dir_all(folder).expect("a folder");
    let mut random = Random::new(1);
    for (part, count) in [("train", count), ("t10k", 50)] {
        let mut images = [0x0803, count as u32, 28, 28].map(u32::to_be_bytes).concat();
        let mut labels = [0x0801, count as u32].map(u32::to_be_bytes).concat();
        for class in (0..count).map(|i| i % CLASSES) {
            labels.push(class as u8);
            // Each class has bright rows of its own.
            images.extend((0..PIXELS).map(|pixel| {
                let bright = if pixel / 78 == class { 128 } else { 0 };
                bright + random.below(128) as u8
            }));
        }
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).expect("written");
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).expect("written");
    }
}
