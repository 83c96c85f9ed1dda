//! Arrays of numbers in serde: bytes in binary formats, numbers in formats for people, the same bits after reading.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that can be written as bytes and as text.
pub(super) trait Number: Copy {
    /// Its size in bytes.
    const SIZE: usize;
    fn put(self, bytes: &mut Vec<u8>);
    /// Reads `SIZE` bytes.
    fn get(bytes: &[u8]) -> Self;
    fn to_text(self) -> Text;
    /// `None` if it is not such a number.
    fn from_text(text: &Text) -> Option<Self>;
}

/// What stands for a number in a format for people.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    Integer(i64),
    Float(f64),
    Name(String),
}

macro_rules! number {
    ($t:ty, $to_text:expr, $from_text:expr) => {
        impl Number for $t {
            const SIZE: usize = size_of::<$t>();
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn get(bytes: &[u8]) -> Self {
                <$t>::from_le_bytes(bytes.try_into().expect("a chunk of SIZE bytes"))
            }
            fn to_text(self) -> Text {
                ($to_text)(self)
            }
            fn from_text(text: &Text) -> Option<Self> {
                ($from_text)(text)
            }
        }
    };
}
number!(i64, Text::Integer, |text: &Text| match text {
    Text::Integer(x) => Some(*x),
    _ => None,
});
number!(f64, float_to_text, float_from_text);
// By way of f64, whose shortest decimals are read back exactly; those of f32 would be rounded twice.
number!(f32, |x: f32| float_to_text(f64::from(x)), |text: &Text| float_from_text(text).map(|x| x as f32));

fn float_to_text(x: f64) -> Text {
    if x.is_finite() { Text::Float(x) } else { Text::Name(x.to_string()) }
}

fn float_from_text(text: &Text) -> Option<f64> {
    match text {
        Text::Integer(x) => Some(*x as f64),
        Text::Float(x) => Some(*x),
        Text::Name(name) => match name.as_str() {
            "NaN" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
    }
}

/// The bytes of `values`, little-endian.
pub(super) fn to_bytes<N: Number>(values: &[N]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * N::SIZE);
    values.iter().for_each(|value| value.put(&mut bytes));
    bytes
}

/// The values of little-endian `bytes`, a multiple of the number's size.
pub(super) fn from_bytes<N: Number>(bytes: &[u8]) -> Vec<N> {
    bytes.chunks_exact(N::SIZE).map(N::get).collect()
}

pub(super) fn serialize<N: Number, S: Serializer>(values: &[N], serializer: S) -> Result<S::Ok, S::Error> {
    if !serializer.is_human_readable() {
        return serializer.serialize_bytes(&to_bytes(values));
    }
    let mut sequence = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        sequence.serialize_element(&value.to_text())?;
    }
    sequence.end()
}

pub(super) fn deserialize<'de, N: Number, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<N>, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_seq(Numbers(PhantomData))
    } else {
        deserializer.deserialize_bytes(Numbers(PhantomData))
    }
}

struct Numbers<N>(PhantomData<N>);

impl<'de, N: Number> Visitor<'de> for Numbers<N> {
    type Value = Vec<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "numbers of {} bytes", N::SIZE)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<N>, E> {
        if bytes.len().is_multiple_of(N::SIZE) {
            Ok(from_bytes(bytes))
        } else {
            Err(E::invalid_length(bytes.len(), &self))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<N>, A::Error> {
        let mut values = Vec::new();
        while let Some(text) = sequence.next_element::<Text>()? {
            let unexpected = || A::Error::invalid_value(Unexpected::Other("another kind of number"), &self);
            values.push(N::from_text(&text).ok_or_else(unexpected)?);
        }
        Ok(values)
    }
}
