//! IDX files and MNIST: whole, damaged, and of the wrong kind.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// An IDX file of bytes.
fn idx(code: u8, shape: &[u32], elements: &[u8]) -> Vec<u8> {
    let sizes = shape.iter().flat_map(|size| size.to_be_bytes());
    [0, 0, code, shape.len() as u8].into_iter().chain(sizes).chain(elements.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read<E: idx::Element>(bytes: &[u8]) -> Result<(Vec<usize>, Vec<E>), DataError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, bytes).unwrap();
    let array = idx::read::<E>(&path)?;
    Ok((array.shape().to_vec(), array.into_raw_vec_and_offset().0))
}

#[test]
fn plain_and_compressed_files_are_the_same() {
    let bytes = idx(8, &[2, 3], &[1, 2, 3, 4, 5, 6]);
    let expected = (vec![2, 3], vec![1u8, 2, 3, 4, 5, 6]);
    assert_eq!(read(&bytes).unwrap(), expected);
    assert_eq!(read(&gzip(&bytes)).unwrap(), expected);
}

#[test]
fn every_element_type_is_read() {
    assert_eq!(read::<i8>(&idx(9, &[1], &[0xFE])).unwrap().1, [-2]);
    assert_eq!(read::<i16>(&idx(0x0B, &[2], &[1, 2, 0xFF, 0xFE])).unwrap().1, [258, -2]);
    assert_eq!(read::<i32>(&idx(0x0C, &[1], &[0, 0, 1, 2])).unwrap().1, [258]);
    assert_eq!(read::<f32>(&idx(0x0D, &[1], &1.5f32.to_be_bytes())).unwrap().1, [1.5]);
    assert_eq!(read::<f64>(&idx(0x0E, &[1], &(-1.5f64).to_be_bytes())).unwrap().1, [-1.5]);
}

#[test]
fn truncated_files_are_refused_wherever_they_end() {
    let bytes = idx(8, &[2, 300], &[7; 600]);
    for len in (0..bytes.len()).step_by(13).chain([bytes.len() - 1]) {
        let error = read::<u8>(&bytes[..len]).unwrap_err();
        assert!(matches!(error, DataError::Truncated { found, .. } if found == len as u64), "{len}: {error}");
    }
    let compressed = gzip(&bytes);
    // Of the first two bytes alone nobody sees that they are gzip's.
    for len in 3..compressed.len() {
        let error = read::<u8>(&compressed[..len]).unwrap_err();
        assert!(matches!(error, DataError::Truncated { .. } | DataError::Corrupt { .. }), "{len}: {error}");
    }
}

#[test]
fn a_bit_flipped_anywhere_in_a_compressed_file_never_gives_other_elements() {
    let elements: Vec<u8> = (0..600u32).map(|i| (i * i % 251) as u8).collect();
    let bytes = idx(8, &[600], &elements);
    let compressed = gzip(&bytes);
    let mut refused = 0;
    for at in 0..compressed.len() {
        let mut damaged = compressed.clone();
        damaged[at] ^= 0x10;
        match read::<u8>(&damaged) {
            // The header holds a time and a name of the system, the last byte before the checksum bits of no meaning.
            Ok((_, read)) => assert_eq!(read, elements, "byte {at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused >= compressed.len() - 10, "{refused} of {} bytes", compressed.len());
}

#[track_caller]
fn check_format(bytes: &[u8], expected: &str) {
    for bytes in [bytes.to_vec(), gzip(bytes)] {
        let error = read::<u8>(&bytes).unwrap_err();
        assert!(matches!(error, DataError::Format { .. } | DataError::Corrupt { .. }), "{error:?}");
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}

#[test]
fn files_of_another_kind_are_refused() {
    check_format(
        b"This is a text.",
        "file: magic number: found [54, 68, 69, 73], expected [00, 00, element type, number of axes]",
    );
    check_format(&idx(7, &[1], &[0]), "found [00, 00, 07, 01], expected [00, 00, element type, number of axes]");
    check_format(&idx(8, &[], &[]), "found [00, 00, 08, 00], expected [00, 00, element type, number of axes]");
    check_format(&idx(0x0D, &[1], &[0; 4]), "file: element type: found 0x0d, expected 0x08 (u8)");
    check_format(&idx(8, &[2], &[1, 2, 3]), "the file is corrupt: there is more than the 2 bytes of shape [2]");
    check_format(
        &idx(8, &[u32::MAX; 3], &[0; 100]),
        "file: sizes: found [4294967295, 4294967295, 4294967295], expected what fits into memory",
    );
}

#[test]
fn sizes_that_a_file_cannot_hold_do_not_fill_the_memory() {
    // 2⁶² bytes.
    let error = read::<u8>(&idx(8, &[1 << 31, 1 << 31], &[0; 100])).unwrap_err();
    assert!(matches!(error, DataError::Truncated { found: 112, .. }), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = FashionMnist::train("/nowhere/at/all").unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/at/all/train-labels-idx1-ubyte: "), "{error}");
    assert!(matches!(error, DataError::Io { .. }));
}

/// A set of `labels.len()` images, the pixels of image i being i.
fn write_mnist(directory: &Path, names: [&str; 2], labels: &[u8], side: u32) {
    let pixels: Vec<u8> = (0..labels.len()).flat_map(|i| vec![i as u8; (side * side) as usize]).collect();
    let images = idx(8, &[labels.len() as u32, side, side], &pixels);
    for (name, bytes) in names.iter().zip([images, idx(8, &[labels.len() as u32], labels)]) {
        let bytes = if name.ends_with(".gz") { gzip(&bytes) } else { bytes };
        fs::write(directory.join(name), bytes).unwrap();
    }
}

const PLAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];

#[test]
fn mnist_is_found_under_each_of_its_names() {
    for names in [
        PLAIN,
        ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"],
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte"],
        ["train-images.idx3-ubyte.gz", "train-labels-idx1-ubyte"],
    ] {
        let directory = tempfile::tempdir().unwrap();
        write_mnist(directory.path(), names, &[3, 9, 0], 28);
        for dataset in [Mnist::train(directory.path()), FashionMnist::train(directory.path())] {
            let dataset = dataset.unwrap();
            assert_eq!(dataset.targets(), [3, 9, 0]);
            assert_eq!(dataset.input_shape(), [28, 28]);
            let images = dataset.samples::<[f32; 784]>().unwrap();
            assert_eq!(images, [[0.0; 784], [1.0 / 255.0; 784], [2.0 / 255.0; 784]]);
        }
        assert!(matches!(Mnist::test(directory.path()), Err(DataError::Io { .. })));
    }
}

#[track_caller]
fn check_mnist(change: impl FnOnce(&Path), expected: &str) -> DataError {
    let directory = tempfile::tempdir().unwrap();
    write_mnist(directory.path(), PLAIN, &[3, 9, 0], 28);
    change(directory.path());
    let error = Mnist::train(directory.path()).unwrap_err();
    assert!(error.to_string().ends_with(expected), "{error}");
    error
}

#[test]
fn sets_that_are_not_mnist_are_refused() {
    let label = check_mnist(
        |directory| write_mnist(directory, PLAIN, &[3, 10, 0], 28),
        "train-labels-idx1-ubyte: label 1 is 10, expected 0..10",
    );
    assert!(matches!(label, DataError::Label { index: 1, found: 10, classes: 10, .. }));
    check_mnist(
        |directory| write_mnist(directory, PLAIN, &[3, 9], 27),
        "train-images-idx3-ubyte: shape of the images: found [2, 27, 27], expected [number of images, 28, 28]",
    );
    check_mnist(
        |directory| fs::write(directory.join(PLAIN[1]), idx(8, &[2], &[1, 2])).unwrap(),
        "train-labels-idx1-ubyte: number of labels: found 2, expected 3",
    );
    check_mnist(
        |directory| fs::write(directory.join(PLAIN[1]), idx(8, &[3, 1], &[1, 2, 3])).unwrap(),
        "train-labels-idx1-ubyte: shape of the labels: found [3, 1], expected [number of labels]",
    );
    let empty = check_mnist(
        |directory| fs::write(directory.join(PLAIN[0]), b"").unwrap(),
        "train-images-idx3-ubyte: the file is truncated: found 0 bytes, expected 4",
    );
    assert!(matches!(empty, DataError::Truncated { found: 0, expected: 4, .. }));
}

#[test]
fn a_set_without_images_is_empty_and_no_loader_takes_it() {
    let directory = tempfile::tempdir().unwrap();
    write_mnist(directory.path(), PLAIN, &[], 28);
    let dataset = Mnist::train(directory.path()).unwrap();
    assert!(matches!(DataLoader::builder(dataset).build(), Err(DataError::Empty)));
}
