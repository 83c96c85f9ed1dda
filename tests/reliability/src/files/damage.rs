//! Ways to damage a file.

use crate::random::Random;

/// What numbers, texts and MessagePack begin with, and their limits.
const MARKS: [u8; 14] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'-', b'9', b'[', 0xc0, 0xdc, 0xdd, 0xdf, 0xc6];

const HUGE: [u64; 8] = [u64::MAX, i64::MAX as u64, 1 << 62, 1 << 40, u32::MAX as u64, 1 << 31, 0, 1];

/// Each bit of the byte flipped, the file cut there, a byte put in.
pub fn everything_at(bytes: &[u8], at: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let flipped = (0..8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << bit;
        changed
    });
    let mut all: Vec<_> = flipped.collect();
    all.push(bytes[..at].to_vec());
    let mut longer = bytes.to_vec();
    longer.insert(at, random.next() as u8);
    all.push(longer);
    all
}

/// One to three changes of any kind.
pub fn anything(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut file = bytes.to_vec();
    for _ in 0..1 + random.below(3) * random.below(2) {
        if file.is_empty() {
            break;
        }
        let anywhere = random.below(file.len());
        // Headers, where sizes are, more often than the rest.
        let at = if random.once_in(3) { anywhere.min(random.below(64)) } else { anywhere };
        change(&mut file, at, random);
    }
    file
}

fn change(file: &mut Vec<u8>, at: usize, random: &mut Random) {
    match random.below(9) {
        0 => file[at] ^= 1 << random.below(8),
        1 => file[at] = random.next() as u8,
        2 => file[at] = random.one(&MARKS),
        3 => file.truncate(at),
        4 => {
            let new: Vec<u8> = (0..=random.below(8)).map(|_| random.next() as u8).collect();
            file.splice(at..at, new);
        }
        5 => {
            let end = (at + 1 + random.below(8)).min(file.len());
            file.drain(at..end);
        }
        6 => huge_number(&mut file[at..], random),
        7 => {
            let from = random.below(file.len());
            let end = (from + 1 + random.below(40)).min(file.len());
            let copy = file[from..end].to_vec();
            file.splice(at..at, copy);
        }
        _ => digit_of_text(file, at, random),
    }
}

/// In any of the widths, in both orders of bytes.
fn huge_number(place: &mut [u8], random: &mut Random) {
    let (huge, width) = (random.one(&HUGE), random.one(&[2, 4, 8]));
    let bytes = if random.once_in(2) { huge.to_le_bytes() } else { huge.to_be_bytes() };
    let from = if random.once_in(2) { 0 } else { 8 - width };
    place.iter_mut().zip(&bytes[from..from + width]).for_each(|(old, new)| *old = *new);
}

/// The next digit of a header's text becomes another, or many.
fn digit_of_text(file: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(digit) = file[at..].iter().position(u8::is_ascii_digit) else { return };
    file[at + digit] = b'0' + random.below(10) as u8;
    if random.once_in(3) {
        file.splice(at + digit..at + digit, *b"99999999999");
    }
}

/// Makes a damaged checkpoint one that says of itself that it is whole: mark, version, length and checksum.
pub fn mend(file: &mut [u8]) {
    if file.len() < 24 {
        return;
    }
    let (end, body) = (file.len() - 4, (file.len() - 24) as u64);
    file[..8].copy_from_slice(b"GLULAMCP");
    file[8..12].copy_from_slice(&1u32.to_le_bytes());
    file[12..20].copy_from_slice(&body.to_le_bytes());
    let sum = crc32fast::hash(&file[..end]).to_le_bytes();
    file[end..].copy_from_slice(&sum);
}
