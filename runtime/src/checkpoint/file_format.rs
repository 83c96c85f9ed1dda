//! The file of a checkpoint: named sections behind a magic number, a version and a length, and a checksum at the end.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `GLULAMCP` |
//! | 4 | the version, 1 |
//! | 8 | the length n of the body |
//! | n | the number of sections (4); for each the length of its name (4), its name, its kind (1), its length (8), its bytes |
//! | 4 | the CRC-32 of everything before |
//!
//! All numbers are little-endian.

use super::CheckpointError;

const MAGIC: &[u8; 8] = super::foreign::CHECKPOINT;
/// The version that this crate writes, and the only one that it reads.
pub(super) const VERSION: u32 = 1;
/// Magic number, version and length.
const HEADER: usize = 20;
const CHECKSUM: usize = 4;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes as they are.
    Bytes,
    /// A value, as MessagePack.
    Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn encode(sections: &[Section]) -> Vec<u8> {
    let mut body = (sections.len() as u32).to_le_bytes().to_vec();
    for Section { name, kind, bytes } in sections {
        body.extend((name.len() as u32).to_le_bytes());
        body.extend(name.as_bytes());
        body.push(match kind {
            Kind::Bytes => 0,
            Kind::Value => 1,
        });
        body.extend((bytes.len() as u64).to_le_bytes());
        body.extend(bytes);
    }
    let mut file = Vec::with_capacity(HEADER + body.len() + CHECKSUM);
    file.extend(MAGIC);
    file.extend(VERSION.to_le_bytes());
    file.extend((body.len() as u64).to_le_bytes());
    file.extend(body);
    let checksum = crc32fast::hash(&file);
    file.extend(checksum.to_le_bytes());
    file
}

pub(super) fn decode(file: &[u8]) -> Result<Vec<Section>, CheckpointError> {
    let beginning = &file[..file.len().min(MAGIC.len())];
    if !MAGIC.starts_with(beginning) {
        if let Some(found) = super::foreign::instead_of_checkpoint(file) {
            return Err(CheckpointError::Foreign { found });
        }
        return Err(CheckpointError::Magic { found: beginning.escape_ascii().to_string() });
    }
    let truncated = |expected: u64| CheckpointError::Truncated { found: file.len() as u64, expected };
    let Some((header, rest)) = file.split_at_checked(HEADER) else {
        return Err(truncated((HEADER + 4 + CHECKSUM) as u64));
    };
    let mut header = Reader(&header[MAGIC.len()..]);
    let version = header.u32()?;
    if version != VERSION {
        return Err(CheckpointError::Version { found: version, expected: VERSION });
    }
    let length = header.u64()?;
    let expected = length.saturating_add((HEADER + CHECKSUM) as u64);
    if (file.len() as u64) < expected {
        return Err(truncated(expected));
    }
    if file.len() as u64 > expected {
        let problem = format!("{} bytes after its end", file.len() as u64 - expected);
        return Err(CheckpointError::Corrupt { problem });
    }
    let (body, checksum) = rest.split_at(rest.len() - CHECKSUM);
    let (found, expected) = (crc32fast::hash(&file[..HEADER + body.len()]), Reader(checksum).u32()?);
    if found != expected {
        return Err(CheckpointError::Corrupt {
            problem: format!("its checksum is {found:08x}, expected {expected:08x}"),
        });
    }
    let mut body = Reader(body);
    let count = body.u32()?;
    let sections = (0..count).map(|_| body.section()).collect::<Result<_, _>>()?;
    if body.0.is_empty() { Ok(sections) } else { Err(malformed()) }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: u64) -> Result<&'a [u8], CheckpointError> {
        let parts = usize::try_from(len).ok().and_then(|len| self.0.split_at_checked(len));
        let (taken, rest) = parts.ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        Ok(self.take(N as u64)?.try_into().expect("N bytes were taken"))
    }

    fn u32(&mut self) -> Result<u32, CheckpointError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, CheckpointError> {
        self.array().map(u64::from_le_bytes)
    }

    fn section(&mut self) -> Result<Section, CheckpointError> {
        let len = self.u32()?.into();
        let name = String::from_utf8(self.take(len)?.to_vec()).map_err(|_| malformed())?;
        let kind = match self.array()? {
            [0] => Kind::Bytes,
            [1] => Kind::Value,
            [_] => return Err(malformed()),
        };
        let len = self.u64()?;
        Ok(Section { name, kind, bytes: self.take(len)?.to_vec() })
    }
}

/// The checksum is right, so nobody but a faulty writer can have made it.
fn malformed() -> CheckpointError {
    CheckpointError::Corrupt { problem: "its sections do not fill it".to_owned() }
}
