//! What the examples share: Fashion-MNIST, what they say and how they end, and pictures.

mod classifier;
mod grid;
mod program;

use std::path::{Path, PathBuf};

use glulam::data::{DataError, TensorDataset};

pub use classifier::{Args, Classifier, classify, report};
pub use grid::{Image, write_grid};
pub use program::{ENVIRONMENT, check_writable, ended, positive, write_whole};

/// The folder of Fashion-MNIST, found from any folder by `cargo run`.
pub fn fashion_mnist() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("examples"), PathBuf::from);
    package.join(Path::new("data").join("fashion-mnist"))
}

/// Images as their own targets.
///
/// # Errors
/// Images of another size than [`Image`]'s.
pub fn to_themselves(images: TensorDataset<f32, i64>) -> Result<TensorDataset<f32, f32>, DataError> {
    let (pixels, shape) = (images.inputs(), [1, 28, 28]);
    TensorDataset::from_flat(pixels.to_vec(), &shape, pixels.to_vec(), &shape)
}
