//! State dicts: a schedule's options and its progress side by side in one JSON object, as in PyTorch. What is generic
//! here is compiled for each schedule, so it is only the step between a type and JSON.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Error, Map, Value, map};

use super::SchedulerError;

/// Where the settings stand if they are not a struct with named fields.
const UNNAMED: &str = "settings";

/// Options, or progress, as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("numbers, lists and names are JSON")
}

/// The options, and the progress over them.
pub(crate) fn merge(settings: Value, progress: Value) -> Value {
    let mut dict = match settings {
        Value::Object(options) => options,
        Value::Null => Map::new(),
        unnamed => {
            let mut dict = Map::new();
            dict.insert(UNNAMED.to_string(), unnamed);
            dict
        }
    };
    if let Value::Object(progress) = progress {
        dict.extend(progress);
    }
    Value::Object(dict)
}

/// What a state dict holds.
pub(crate) fn read<'de, P: Deserialize<'de>>(scheduler: &'static str, dict: &'de Value) -> Result<P, SchedulerError> {
    P::deserialize(Named(dict)).map_err(|error| misfit(scheduler, error))
}

fn misfit(scheduler: &'static str, error: Error) -> SchedulerError {
    SchedulerError::State { scheduler, what: error.to_string() }
}

/// The options with those values that are saved.
pub(crate) fn saved_over(options: Value, dict: &Value) -> Value {
    match options {
        Value::Object(mut options) => {
            for (name, value) in &mut options {
                if let Some(saved) = dict.get(name) {
                    *value = saved.clone();
                }
            }
            Value::Object(options)
        }
        Value::Null => Value::Null,
        unnamed => dict.get(UNNAMED).cloned().unwrap_or(unnamed),
    }
}

/// Whether a saved list has a rate for each of the optimizer's groups.
pub(crate) fn check_rates(
    scheduler: &'static str,
    list: &str,
    saved: &[f64],
    groups: usize,
) -> Result<(), SchedulerError> {
    if saved.len() == groups {
        return Ok(());
    }
    let what = format!("{list} has {} rates, the optimizer has {groups} groups", saved.len());
    Err(SchedulerError::State { scheduler, what })
}

/// JSON in which a struct with named fields is an object. Of a plain `Value` it might be a list too, and the code that
/// reads it from one would be compiled for each schedule. A reference, since to move the values out is more code yet.
struct Named<'de>(&'de Value);

impl<'de> Deserializer<'de> for Named<'de> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(fields) => visitor.visit_map(Fields { rest: fields.iter(), value: &Value::Null }),
            _ => Err(Error::custom("it is not an object")),
        }
    }
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_newtype_struct(name, visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_option(visitor)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The fields of an object. What is `inline(never)` would otherwise be compiled again for each field of each schedule.
struct Fields<'de> {
    rest: map::Iter<'de>,
    /// That of the field whose name was read last.
    value: &'de Value,
}

impl<'de> Fields<'de> {
    #[inline(never)]
    fn next(&mut self) -> Option<&'de str> {
        let (name, value) = self.rest.next()?;
        self.value = value;
        Some(name)
    }
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next().map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }
    #[inline(never)]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.value)
    }
}
