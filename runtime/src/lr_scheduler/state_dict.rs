//! State dicts: a schedule's options and its progress side by side in one JSON object, as in PyTorch. What is generic
//! here is compiled for each schedule, so it is only the step between a type and JSON.

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Error, Map, Value};

use super::SchedulerError;

/// Where the settings stand if they are not a struct with named fields.
const UNNAMED: &str = "settings";

fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("numbers, lists and names are JSON")
}

/// The options, and the progress over them.
pub(crate) fn merge(settings: &impl Serialize, progress: &impl Serialize) -> Value {
    merge_json(to_json(settings), to_json(progress))
}

fn merge_json(settings: Value, progress: Value) -> Value {
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

/// The progress of a state dict.
pub(crate) fn read<'de, P: Deserialize<'de>>(scheduler: &'static str, dict: &'de Value) -> Result<P, SchedulerError> {
    P::deserialize(Named(dict)).map_err(|error| SchedulerError::State { scheduler, what: error.to_string() })
}

/// The settings of a state dict; options that it lacks are those of `settings`.
pub(crate) fn read_options<S: Serialize + DeserializeOwned>(
    scheduler: &'static str,
    settings: &S,
    dict: &Value,
) -> Result<S, SchedulerError> {
    read(scheduler, &saved_over(to_json(settings), dict))
}

/// The options with those values that are saved.
fn saved_over(options: Value, dict: &Value) -> Value {
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
            Value::Object(fields) => fields.deserialize_any(visitor),
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
