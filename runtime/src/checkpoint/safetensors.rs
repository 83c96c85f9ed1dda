//! Safetensors files: what PyTorch reads with `safetensors.torch.load_file` and writes with `save_file`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use ::safetensors::tensor::{Dtype as FileDtype, SafeTensors, View, serialize};

use super::exact::{from_bytes, to_bytes};
use super::foreign::instead_of_weights;
use super::{Dtype, StateDict, StateDictError, Tensor, Values};
use crate::file::write_whole;

/// Writes `dict` to `path`, whole or not at all: an existing file stays as it is if anything fails.
///
/// In PyTorch, `model.load_state_dict(safetensors.torch.load_file(path))` takes it as it is.
///
/// # Errors
/// What the file system reports.
pub fn save(dict: &StateDict, path: impl AsRef<Path>) -> Result<(), StateDictError> {
    let path = path.as_ref();
    write_whole(path, &encode(dict)).map_err(|source| StateDictError::io(path, source))
}

/// Reads a safetensors file, in the order of its data. Half precision (`F16`, `BF16`) is widened to `F32`, integers and
/// booleans to `I64`; no value changes.
///
/// # Errors
/// A file that cannot be read, that is not a whole safetensors file, or that holds another type of numbers. What is often
/// taken for one (files of `torch.save`, Keras, NumPy, ONNX, a checkpoint) is told by name, with the line that converts it.
pub fn load(path: impl AsRef<Path>) -> Result<StateDict, StateDictError> {
    let path = path.as_ref();
    let bytes = crate::file::read(path).map_err(|source| StateDictError::io(path, source))?;
    decode(&bytes).map_err(|error| error.at(path, &bytes))
}

impl View for &Tensor {
    fn dtype(&self) -> FileDtype {
        match Tensor::dtype(self) {
            Dtype::F32 => FileDtype::F32,
            Dtype::F64 => FileDtype::F64,
            Dtype::I64 => FileDtype::I64,
        }
    }
    fn shape(&self) -> &[usize] {
        Tensor::shape(self)
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match self.values() {
            Values::F32(v) => to_bytes(v),
            Values::F64(v) => to_bytes(v),
            Values::I64(v) => to_bytes(v),
        })
    }
    fn data_len(&self) -> usize {
        self.values().len() * View::dtype(self).bitsize() / 8
    }
}

/// The bytes of a safetensors file. The same for the same dict, whatever its order.
pub(super) fn encode(dict: &StateDict) -> Vec<u8> {
    // What `safetensors.torch.save_file` writes too; some readers insist on it.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    // The names of a dict are unique, and lengths fit shapes: only a header of 100 MB could be refused.
    serialize(dict.iter(), Some(metadata)).expect("a state dict is a valid safetensors file")
}

/// What is wrong with the bytes of a safetensors file, whose name is not known here.
#[derive(Debug)]
pub(super) enum DecodeError {
    Format(::safetensors::SafeTensorError),
    Dtype { name: String, found: FileDtype },
}

impl DecodeError {
    pub(super) fn at(self, path: &Path, bytes: &[u8]) -> StateDictError {
        let foreign = instead_of_weights(bytes, path);
        let path = path.display().to_string();
        match self {
            DecodeError::Format(_) if let Some((found, advice)) = foreign => {
                StateDictError::Foreign { path, found, advice }
            }
            DecodeError::Format(source) => StateDictError::Format { path, problem: source.to_string() },
            DecodeError::Dtype { name, found } => StateDictError::Dtype { path, name, found: format!("{found:?}") },
        }
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<StateDict, DecodeError> {
    let file = SafeTensors::deserialize(bytes).map_err(DecodeError::Format)?;
    let mut tensors: Vec<_> = file.iter().collect();
    tensors.sort_by_key(|(name, view)| (view.data().as_ptr(), *name));
    let mut dict = StateDict::new();
    for (name, view) in tensors {
        let data = view.data();
        let values = match view.dtype() {
            FileDtype::F32 => Values::F32(from_bytes(data)),
            FileDtype::F64 => Values::F64(from_bytes(data)),
            FileDtype::F16 => Values::F32(words(data, half_to_f32)),
            FileDtype::BF16 => Values::F32(words(data, |bits| f32::from_bits(u32::from(bits) << 16))),
            FileDtype::I64 => Values::I64(from_bytes(data)),
            FileDtype::U64 => match from_u64(data) {
                Some(values) => Values::I64(values),
                None => return Err(DecodeError::Dtype { name: name.to_owned(), found: FileDtype::U64 }),
            },
            FileDtype::I32 => Values::I64(data.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b).into()).collect()),
            FileDtype::U32 => Values::I64(data.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b).into()).collect()),
            FileDtype::I16 => Values::I64(words(data, |bits| i64::from(bits.cast_signed()))),
            FileDtype::U16 => Values::I64(words(data, i64::from)),
            FileDtype::I8 => Values::I64(data.iter().map(|&b| b.cast_signed().into()).collect()),
            FileDtype::U8 | FileDtype::BOOL => Values::I64(data.iter().map(|&b| b.into()).collect()),
            found => return Err(DecodeError::Dtype { name: name.to_owned(), found }),
        };
        let tensor = Tensor::new(view.shape().to_vec(), values).expect("the reader has compared shape and bytes");
        dict.insert(name, tensor);
    }
    Ok(dict)
}

/// `None` if a value is too large.
fn from_u64(bytes: &[u8]) -> Option<Vec<i64>> {
    bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word).try_into().ok()).collect()
}

fn words<N>(bytes: &[u8], convert: impl Fn(u16) -> N) -> Vec<N> {
    bytes.as_chunks().0.iter().map(|&word| convert(u16::from_le_bytes(word))).collect()
}

/// IEEE half precision: a sign, five bits of exponent (bias 15), ten of mantissa.
fn half_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, mantissa) = (u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    match exponent {
        // Subnormal: a multiple of 2⁻²⁴, exact in f32.
        0 => f32::from_bits(sign | (mantissa as f32 * 2f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 255 << 23 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_widened_exactly() {
        for (bits, expected) in [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0400, 2f32.powi(-14)),
            (0x0001, 2f32.powi(-24)),
            (0x83FF, -1023.0 * 2f32.powi(-24)),
            (0x7C00, f32::INFINITY),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(half_to_f32(bits), expected, "{bits:#06x}");
        }
        assert!(half_to_f32(0x7E00).is_nan());
        assert!(half_to_f32(0x8000).is_sign_negative());
    }
}
