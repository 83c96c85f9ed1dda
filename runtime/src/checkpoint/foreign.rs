//! Files that are taken for another kind: what they are, by their first bytes, and how to make of them what was expected.

use std::path::Path;

/// The first bytes of a checkpoint.
pub(super) const CHECKPOINT: &[u8; 8] = b"GLULAMCP";

/// A kind of file that is neither weights nor a checkpoint of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Checkpoint,
    TorchSave,
    TorchScript,
    Pickle,
    KerasArchive,
    Hdf5,
    Npz,
    Npy,
    Onnx,
    Gguf,
    TfLite,
    Index,
    LfsPointer,
    Html,
    Gzip,
    Zip,
}

/// What the file at `path` is, and what to do with it, for an error of the reader of safetensors; `None` if it is not
/// known.
pub(super) fn instead_of_weights(bytes: &[u8], path: &Path) -> Option<(&'static str, String)> {
    kind(bytes).map(|kind| (kind.name(), kind.advice(path)))
}

/// The same for an error of the reader of checkpoints.
pub(super) fn instead_of_checkpoint(bytes: &[u8]) -> Option<&'static str> {
    // The length of a header, which is an object of JSON.
    if let [length @ .., b'{'] = &bytes[..bytes.len().min(9)]
        && <[u8; 8]>::try_from(length).is_ok_and(|length| u64::from_le_bytes(length) < bytes.len() as u64)
    {
        return Some("a safetensors file: `model.load(path)` reads the weights in it");
    }
    kind(bytes).map(Kind::name)
}

fn kind(bytes: &[u8]) -> Option<Kind> {
    let holds = |text: &[u8]| mentions(bytes, text);
    match bytes {
        _ if bytes.starts_with(CHECKPOINT) => Some(Kind::Checkpoint),
        // A part of a safetensors file, whose header may be as long as another format's first bytes say.
        [_, _, _, _, _, _, _, _, b'{', ..] => None,
        [b'P', b'K', 3, 4, ..] => Some(match () {
            () if holds(b"code/__torch__") => Kind::TorchScript,
            () if holds(b"data.pkl") => Kind::TorchSave,
            () if holds(b"model.weights.h5") => Kind::KerasArchive,
            () if holds(b".npy") => Kind::Npz,
            () => Kind::Zip,
        }),
        // The long integer that `torch.save` wrote first before it made archives.
        [0x80, 2..=5, 0x8A, 0x0A, b'l', 0xFC, 0x9C, b'F', ..] => Some(Kind::TorchSave),
        [0x80, 2..=5, ..] => Some(Kind::Pickle),
        [0x89, b'H', b'D', b'F', ..] => Some(Kind::Hdf5),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(Kind::Npy),
        [b'G', b'G', b'U', b'F', ..] => Some(Kind::Gguf),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(Kind::TfLite),
        [0x1F, 0x8B, ..] => Some(Kind::Gzip),
        // Field 1, the version of the format, and then another field of the message.
        [8, 1..=32, 0x12 | 0x1A | 0x22 | 0x28 | 0x32 | 0x3A | 0x42, rest @ ..]
            if rest.iter().take(5).any(|&byte| byte != 0) =>
        {
            Some(Kind::Onnx)
        }
        _ if bytes.starts_with(b"version https://git-lfs") => Some(Kind::LfsPointer),
        _ => text(bytes),
    }
}

fn text(bytes: &[u8]) -> Option<Kind> {
    let text = bytes.trim_ascii_start();
    let begins = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    match text {
        [b'{', ..] if mentions(bytes, b"\"weight_map\"") => Some(Kind::Index),
        _ if begins(b"<!doctype html") || begins(b"<html") => Some(Kind::Html),
        _ => None,
    }
}

/// Whether `text` stands near the beginning or the end: an archive has the names of its files at both.
fn mentions(bytes: &[u8], text: &[u8]) -> bool {
    const NEAR: usize = 1 << 16;
    let (begin, end) = (&bytes[..bytes.len().min(NEAR)], &bytes[bytes.len().saturating_sub(NEAR)..]);
    [begin, end].iter().any(|part| part.windows(text.len()).any(|window| window == text))
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Checkpoint => "a checkpoint of a trainer",
            Kind::TorchSave => "a file of `torch.save`",
            Kind::TorchScript => "a TorchScript program",
            Kind::Pickle => "a pickle of Python",
            Kind::KerasArchive => "a .keras file",
            Kind::Hdf5 => "an HDF5 file (Keras's .h5)",
            Kind::Npz => "an .npz file of NumPy",
            Kind::Npy => "an .npy file of NumPy",
            Kind::Onnx => "an ONNX model",
            Kind::Gguf => "a GGUF file",
            Kind::TfLite => "a TensorFlow Lite model",
            Kind::Index => "the index of several safetensors files",
            Kind::LfsPointer => "a pointer of Git LFS",
            Kind::Html => "a web page",
            Kind::Gzip => "compressed by gzip",
            Kind::Zip => "a zip archive",
        }
    }

    /// What makes a safetensors file of the file at `path`.
    fn advice(self, path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let goal = path.with_extension("safetensors");
        let goal = goal.file_name().unwrap_or_default().to_string_lossy();
        let python = |line: String| format!("convert it in Python: `{line}`");
        match self {
            Kind::Checkpoint => {
                "`trainer.resume(path)` goes on from it, and `Checkpoint::load(path)?.load_model(\"model\", \
                                 &mut model)` takes its network alone"
                    .to_owned()
            }
            Kind::TorchSave => {
                python(format!("safetensors.torch.save_file(torch.load(\"{name}\", weights_only=True), \"{goal}\")"))
                    + ", with the entry that holds the weights if there are others (`[\"state_dict\"]`)"
            }
            Kind::TorchScript => {
                python(format!("safetensors.torch.save_file(torch.jit.load(\"{name}\").state_dict(), \"{goal}\")"))
            }
            Kind::Npz => python(format!("safetensors.numpy.save_file(dict(numpy.load(\"{name}\")), \"{goal}\")")),
            Kind::Npy => {
                python(format!("safetensors.numpy.save_file({{\"0.weight\": numpy.load(\"{name}\")}}, \"{goal}\")"))
                    + " with the tensor's name"
            }
            Kind::KerasArchive | Kind::Hdf5 => {
                python(format!(
                    "safetensors.numpy.save_file({{\"0.weight\": numpy.ascontiguousarray(kernel.T), \"0.bias\": bias}}, \
                 \"{goal}\")"
                )) + " with this network's names and the arrays of `model.get_weights()`; Keras stores a kernel transposed"
            }
            Kind::Onnx => python(format!(
                "safetensors.numpy.save_file({{t.name: onnx.numpy_helper.to_array(t) for t in \
                 onnx.load(\"{name}\").graph.initializer}}, \"{goal}\")"
            )),
            Kind::Index => {
                "load each of the files that its `weight_map` names, and put their tensors in one state dict".to_owned()
            }
            Kind::LfsPointer => "`git lfs pull` brings the file itself".to_owned(),
            Kind::Html => "download the file itself".to_owned(),
            Kind::Gzip => format!("decompress it first: `gunzip {name}`"),
            Kind::Pickle | Kind::Gguf | Kind::TfLite | Kind::Zip => {
                "write its tensors with `safetensors.torch.save_file(tensors, path)` in Python".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_header_is_no_pickle() {
        let mut part = vec![0x80, 2, 0, 0, 0, 0, 0, 0];
        part.extend(br#"{"0.weight":{"dtype":"F32""#);
        assert!(kind(&part).is_none());
        assert!(matches!(kind(&[0x80, 2, b'}', b'q', 0, b'.']), Some(Kind::Pickle)));
    }
}
