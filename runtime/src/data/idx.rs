//! IDX files, the format of MNIST and its relatives, plain or compressed with gzip.
//!
//! Two zero bytes, the code of the element type, the number of axes, the size of each axis (32 bits, big-endian), and
//! the elements, row-major and big-endian.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ndarray::ArrayD;

use super::DataError;
use crate::file;

mod sealed {
    pub trait Sealed {}
}

/// An element type of IDX files.
pub trait Element: sealed::Sealed + Copy + 'static {
    /// Its code in a file.
    const CODE: u8;
    /// Its name.
    const NAME: &'static str;
    /// Its size in bytes.
    #[doc(hidden)]
    const SIZE: usize;
    #[doc(hidden)]
    fn from_bytes(bytes: Vec<u8>) -> Vec<Self>;
}

macro_rules! element {
    ($($t:ident $code:literal,)*) => { $(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const CODE: u8 = $code;
            const NAME: &'static str = stringify!($t);
            const SIZE: usize = size_of::<$t>();
            fn from_bytes(bytes: Vec<u8>) -> Vec<Self> {
                bytes.as_chunks().0.iter().map(|&bytes| $t::from_be_bytes(bytes)).collect()
            }
        }
    )* };
}
element! { i8 0x09, i16 0x0B, i32 0x0C, f32 0x0D, f64 0x0E, }

impl sealed::Sealed for u8 {}
impl Element for u8 {
    const CODE: u8 = 0x08;
    const NAME: &'static str = "u8";
    const SIZE: usize = 1;
    fn from_bytes(bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
}

/// Reads a whole IDX file; that it is compressed is seen from its first bytes.
///
/// # Errors
/// A file that cannot be read; one that is truncated, has something after its end or a wrong checksum; another magic
/// number; another element type.
///
/// # Example
/// ```
/// use glulam::data::idx;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("labels");
/// std::fs::write(&path, [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])?;
/// assert_eq!(idx::read::<u8>(&path)?.into_raw_vec_and_offset().0, [7, 8, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read<E: Element>(path: impl AsRef<Path>) -> Result<ArrayD<E>, DataError> {
    let path = path.as_ref();
    let (shape, elements) = read_flat(path)?;
    Ok(ArrayD::from_shape_vec(shape, elements).expect("the elements have been counted"))
}

/// The sizes of the axes, and the elements.
pub(super) fn read_flat<E: Element>(path: &Path) -> Result<(Vec<usize>, Vec<E>), DataError> {
    let file = file::open(path).map_err(|error| DataError::io(path, error))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let start = file.fill_buf().map_err(|error| DataError::io(path, error))?;
    let zipped = start.starts_with(&[0x1F, 0x8B]);
    let source: &mut dyn Read = if zipped { &mut MultiGzDecoder::new(file) } else { &mut file };
    let (shape, bytes) = decode(path, source, (E::CODE, E::NAME, E::SIZE))?;
    Ok((shape, E::from_bytes(bytes)))
}

/// The sizes of the axes, and the bytes of the elements, whose type has this code, name and size.
fn decode(
    path: &Path,
    source: &mut dyn Read,
    (element, name, size): (u8, &str, usize),
) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let format = |what, found: String, expected: String| {
        Err(DataError::Format { path: path.display().to_string(), what, found, expected })
    };
    let magic = take(path, source, 0, 4)?;
    let (code, axes) = (magic[2], usize::from(magic[3]));
    if magic[..2] != [0, 0] || !KNOWN.contains(&code) || axes == 0 {
        return format("magic number", format!("{magic:02x?}"), "[00, 00, element type, number of axes]".to_owned());
    }
    if code != element {
        return format("element type", format!("{code:#04x}"), format!("{element:#04x} ({name})"));
    }
    let sizes = take(path, source, 4, 4 * axes)?;
    let shape: Vec<usize> = sizes.as_chunks().0.iter().map(|&size| u32::from_be_bytes(size) as usize).collect();
    let bytes = shape.iter().try_fold(size, |bytes, &size| bytes.checked_mul(size));
    let Some(bytes) = bytes.filter(|&bytes| bytes < isize::MAX as usize) else {
        return format("sizes", format!("{shape:?}"), "what fits into memory".to_owned());
    };
    let elements = take(path, source, 4 + 4 * axes, bytes)?;
    // Reading on to the end has gzip compare its checksum, too.
    match source.read(&mut [0]) {
        Ok(0) => Ok((shape, elements)),
        Ok(_) => Err(corrupt(path, &format!("there is more than the {bytes} bytes of shape {shape:?}"))),
        Err(error) => Err(reading(path, error)),
    }
}
const KNOWN: [u8; 6] = [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E];

/// The next `count` bytes of a file of which `before` have been read.
fn take(path: &Path, source: &mut dyn Read, before: usize, count: usize) -> Result<Vec<u8>, DataError> {
    // A size in a file is believed only as far as there are bytes: no more than this is set aside for it.
    const TRUSTED: usize = 1 << 26;
    let mut bytes = Vec::with_capacity(count.min(TRUSTED));
    let result = source.take(count as u64).read_to_end(&mut bytes);
    let truncated = match &result {
        Ok(_) => bytes.len() < count,
        Err(error) => error.kind() == ErrorKind::UnexpectedEof,
    };
    if truncated {
        let (found, expected) = ((before + bytes.len()) as u64, (before + count) as u64);
        return Err(DataError::Truncated { path: path.display().to_string(), found, expected });
    }
    result.map_err(|error| reading(path, error))?;
    Ok(bytes)
}

/// The decompressor reports its troubles as those of a file.
fn reading(path: &Path, error: io::Error) -> DataError {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            corrupt(path, &error.to_string())
        }
        _ => DataError::io(path, error),
    }
}

fn corrupt(path: &Path, problem: &str) -> DataError {
    DataError::Corrupt { path: path.display().to_string(), problem: problem.to_owned() }
}
