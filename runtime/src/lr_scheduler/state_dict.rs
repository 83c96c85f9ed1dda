//! State dicts: a schedule's options and its progress side by side in one JSON object, as in PyTorch.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Where the settings stand if they are not a struct with named fields.
const UNNAMED: &str = "settings";

fn object(value: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value).expect("numbers, lists and names are JSON") {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        other => Map::from_iter([(UNNAMED.to_string(), other)]),
    }
}

/// The options, and the progress over them.
pub(crate) fn merge(settings: &impl Serialize, progress: &impl Serialize) -> Value {
    let mut dict = object(settings);
    dict.extend(object(progress));
    Value::Object(dict)
}

/// The settings and the progress of a state dict; options that it lacks are those of `settings`.
pub(crate) fn load<S, P>(settings: &S, dict: &Value) -> Result<(S, P), String>
where
    S: Serialize + DeserializeOwned,
    P: DeserializeOwned,
{
    let Value::Object(saved) = dict else {
        return Err("it is not an object".to_string());
    };
    let progress = P::deserialize(dict).map_err(|error| error.to_string())?;
    let options = match serde_json::to_value(settings).expect("numbers, lists and names are JSON") {
        Value::Object(mut options) => {
            for (name, value) in &mut options {
                if let Some(saved) = saved.get(name) {
                    *value = saved.clone();
                }
            }
            Value::Object(options)
        }
        Value::Null => Value::Null,
        unnamed => saved.get(UNNAMED).cloned().unwrap_or(unnamed),
    };
    Ok((S::deserialize(options).map_err(|error| error.to_string())?, progress))
}
