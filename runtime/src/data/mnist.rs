//! MNIST and Fashion-MNIST, from the files that they are published as.

use std::path::{Path, PathBuf};

use super::{DataError, TensorDataset, idx};

/// Fashion-MNIST: 60,000 and 10,000 grey images of clothes in 10 classes (Xiao, Rasul, Vollgraf 2017).
///
/// # Example
/// ```no_run
/// use glulam::data::{DataLoader, FashionMnist};
///
/// let train = FashionMnist::train("examples/data/fashion-mnist")?;
/// let loader = DataLoader::builder(train).batch_size(64).shuffle(true).build()?;
/// # Ok::<(), glulam::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FashionMnist;

impl FashionMnist {
    /// What the classes 0 to 9 are.
    pub const CLASSES: [&'static str; 10] =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// The training set, read from `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (or with `.gz`) in
    /// `directory`. Inputs are pixels from 0 (white) to 1 of shape `[28, 28]`, targets class indices.
    ///
    /// # Errors
    /// Files that cannot be read, are damaged, or hold something else.
    pub fn train(directory: impl AsRef<Path>) -> Result<TensorDataset<f32, i64>, DataError> {
        read(directory.as_ref(), "train")
    }

    /// The test set, from `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`. See [`train`](Self::train).
    ///
    /// # Errors
    /// Those of [`train`](Self::train).
    pub fn test(directory: impl AsRef<Path>) -> Result<TensorDataset<f32, i64>, DataError> {
        read(directory.as_ref(), "t10k")
    }
}

/// MNIST: 60,000 and 10,000 grey images of handwritten digits (LeCun, Cortes, Burges 1998).
#[derive(Clone, Copy, Debug)]
pub struct Mnist;

impl Mnist {
    /// What the classes 0 to 9 are.
    pub const CLASSES: [&'static str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    /// The training set. Files and result are those of [`FashionMnist::train`].
    ///
    /// # Errors
    /// Those of [`FashionMnist::train`].
    pub fn train(directory: impl AsRef<Path>) -> Result<TensorDataset<f32, i64>, DataError> {
        read(directory.as_ref(), "train")
    }

    /// The test set. Files and result are those of [`FashionMnist::test`].
    ///
    /// # Errors
    /// Those of [`FashionMnist::train`].
    pub fn test(directory: impl AsRef<Path>) -> Result<TensorDataset<f32, i64>, DataError> {
        read(directory.as_ref(), "t10k")
    }
}

const SIDE: usize = 28;
const CLASSES: usize = 10;

fn read(directory: &Path, part: &str) -> Result<TensorDataset<f32, i64>, DataError> {
    let (images, labels) = (find(directory, part, "images", 3), find(directory, part, "labels", 1));
    let format = |path: &Path, what, found: String, expected: String| {
        Err(DataError::Format { path: path.display().to_string(), what, found, expected })
    };
    let (label_shape, classes) = idx::read_flat::<u8>(&labels)?;
    if label_shape.len() != 1 {
        return format(&labels, "shape of the labels", format!("{label_shape:?}"), "[number of labels]".to_owned());
    }
    let (image_shape, pixels) = idx::read_flat::<u8>(&images)?;
    if image_shape.len() != 3 || image_shape[1..] != [SIDE, SIDE] {
        let expected = format!("[number of images, {SIDE}, {SIDE}]");
        return format(&images, "shape of the images", format!("{image_shape:?}"), expected);
    }
    if image_shape[0] != label_shape[0] {
        return format(&labels, "number of labels", label_shape[0].to_string(), image_shape[0].to_string());
    }
    if let Some(index) = classes.iter().position(|&class| usize::from(class) >= CLASSES) {
        let (path, found) = (labels.display().to_string(), i64::from(classes[index]));
        return Err(DataError::Label { path, index, found, classes: CLASSES });
    }
    // As torchvision's `ToTensor` does: a byte of 255 is 1.
    let inputs = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let targets = classes.iter().map(|&class| i64::from(class)).collect();
    TensorDataset::from_flat(inputs, &[SIDE, SIDE], targets, &[])
}

/// The file under one of the names that are in use; the first of them if there is none.
fn find(directory: &Path, part: &str, what: &str, axes: usize) -> PathBuf {
    let names = ["-", "."].map(|dot| format!("{part}-{what}{dot}idx{axes}-ubyte"));
    let paths = names.iter().flat_map(|name| [directory.join(name), directory.join(format!("{name}.gz"))]);
    let mut paths: Vec<PathBuf> = paths.collect();
    let found = paths.iter().position(|path| path.exists()).unwrap_or(0);
    paths.swap_remove(found)
}
