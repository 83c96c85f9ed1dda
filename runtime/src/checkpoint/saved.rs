//! serde of networks, as generated code uses it: a network is written as its [`ModelState`].

pub use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ModelState, StateDictError};
use crate::{Network, Real};

/// Writes all that `model` remembers: name, state dict, generator.
///
/// # Errors
/// Those of the format.
pub fn serialize<T: Real, N: Network<T>, S: Serializer>(model: &N, serializer: S) -> Result<S::Ok, S::Error> {
    ModelState::of(model).serialize(serializer)
}

/// Reads what [`serialize`] wrote, into `model`, which is returned.
///
/// # Errors
/// Those of the format, and a state dict with other names or shapes: all of them are named.
pub fn deserialize<'de, T: Real, N: Network<T>, D: Deserializer<'de>>(
    mut model: N,
    deserializer: D,
) -> Result<N, D::Error> {
    use serde::de::Error;
    let state = ModelState::deserialize(deserializer)?;
    let wrong = |error: StateDictError| D::Error::custom(format_args!("of the network {}: {error}", state.name));
    state.restore(&mut model).map_err(wrong)?;
    Ok(model)
}
