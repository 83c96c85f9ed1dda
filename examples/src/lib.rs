//! What the examples share: Fashion-MNIST, and pictures.

mod classifier;
mod grid;

use std::path::{Path, PathBuf};

pub use classifier::{Args, Classifier, classify};
pub use grid::write_grid;

/// The folder of Fashion-MNIST, found from any folder by `cargo run`.
pub fn fashion_mnist() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("examples"), PathBuf::from);
    package.join(Path::new("data").join("fashion-mnist"))
}
