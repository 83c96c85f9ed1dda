//! A named array of a state dict: a shape and its values, in PyTorch's order.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::StateDictError;
use super::exact;
use crate::Real;

/// The type of a tensor's values, under the names that safetensors gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `i64`: counters.
    I64,
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The values of a tensor, row-major.
///
/// Serialised bit by bit in binary formats. In formats for people, numbers are numbers that read back exactly, and
/// what is none is a string: `"NaN"`, `"inf"`, `"-inf"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// Numbers of single precision.
    #[serde(with = "exact")]
    F32(Vec<f32>),
    /// Numbers of double precision.
    #[serde(with = "exact")]
    F64(Vec<f64>),
    /// Integers.
    #[serde(with = "exact")]
    I64(Vec<i64>),
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Values::F32(values)
    }
}
impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Values::F64(values)
    }
}
impl From<Vec<i64>> for Values {
    fn from(values: Vec<i64>) -> Self {
        Values::I64(values)
    }
}

impl Values {
    /// Takes the values as they are.
    pub fn from_reals<T: Real>(values: Vec<T>) -> Values {
        // Real is sealed: exactly one of the two casts succeeds, and no bit changes.
        let values: Box<dyn Any> = Box::new(values);
        match values.downcast::<Vec<f32>>() {
            Ok(single) => Values::F32(*single),
            Err(other) => Values::F64(*other.downcast().expect("Real is f32 or f64")),
        }
    }

    /// Their number.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::I64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A shape and as many values as it has places.
///
/// # Example
/// ```
/// use glulam::checkpoint::Tensor;
///
/// let weight = Tensor::new(vec![2, 3], vec![0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0])?;
/// assert_eq!(weight.shape(), [2, 3]);
/// assert_eq!(weight.to_reals::<f64>()[5], 5.0);
/// # Ok::<(), glulam::checkpoint::StateDictError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

#[derive(Deserialize)]
#[serde(rename = "Tensor")]
struct Unchecked {
    shape: Vec<usize>,
    values: Values,
}

impl TryFrom<Unchecked> for Tensor {
    type Error = StateDictError;
    fn try_from(tensor: Unchecked) -> Result<Self, StateDictError> {
        Tensor::new(tensor.shape, tensor.values)
    }
}

impl Tensor {
    /// A tensor of `shape`; `[]` is that of a single number.
    ///
    /// # Errors
    /// If `values` are more or fewer than the shape has places.
    pub fn new(shape: Vec<usize>, values: impl Into<Values>) -> Result<Self, StateDictError> {
        let values = values.into();
        let places = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        if places == Some(values.len()) {
            Ok(Tensor { shape, values })
        } else {
            Err(StateDictError::Length { found: values.len(), shape })
        }
    }

    /// The shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The type of the values.
    pub fn dtype(&self) -> Dtype {
        match self.values {
            Values::F32(_) => Dtype::F32,
            Values::F64(_) => Dtype::F64,
            Values::I64(_) => Dtype::I64,
        }
    }

    /// The values as numbers of type `T`, rounded where they do not fit (as PyTorch's `copy_` does). Values that are of
    /// this type already keep every bit.
    pub fn to_reals<T: Real>(&self) -> Vec<T> {
        match &self.values {
            Values::F32(v) => same_or(v, |&x| T::from_f64(f64::from(x))),
            Values::F64(v) => same_or(v, |&x| T::from_f64(x)),
            Values::I64(v) => v.iter().map(|&x| T::from_f64(x as f64)).collect(),
        }
    }

    /// The values as counts; `None` if one of them is negative or not a whole number.
    pub fn to_counts(&self) -> Option<Vec<u64>> {
        let count = |x: f64| (x >= 0.0 && x <= u64::MAX as f64 && x.fract() == 0.0).then_some(x as u64);
        match &self.values {
            Values::F32(v) => v.iter().map(|&x| count(f64::from(x))).collect(),
            Values::F64(v) => v.iter().map(|&x| count(x)).collect(),
            Values::I64(v) => v.iter().map(|&x| x.try_into().ok()).collect(),
        }
    }
}

/// A copy if `T` is `S`, and each value converted if not.
fn same_or<S: Real, T: Real>(values: &[S], convert: impl Fn(&S) -> T) -> Vec<T> {
    let mut converted: Vec<T> = Vec::with_capacity(values.len());
    match (&mut converted as &mut dyn Any).downcast_mut::<Vec<S>>() {
        Some(same) => same.extend_from_slice(values),
        None => converted.extend(values.iter().map(convert)),
    }
    converted
}
