//! The tensor options of losses (`weight`, `pos_weight`): numbers that a `const` can hold, and a `Vec` too.

use std::borrow::Cow;

use super::{LossError, Math};

/// Weights of classes or of elements; `LossWeights::NONE`, the default, weighs all alike.
///
/// A tensor is given flat, in row-major order. Class weights have one number for each class. Weights of elements are
/// repeated over the batch as PyTorch broadcasts them: as many numbers as the last axis has, the last two axes
/// multiplied, …, one sample, or the whole batch; or a single one.
///
/// # Example
/// ```
/// use glulam::loss::{CrossEntropyLoss, LossWeights};
/// const RARE_COUNTS_MORE: &CrossEntropyLoss =
///     &CrossEntropyLoss { weight: LossWeights::new(&[1.0, 1.0, 4.0]), ..CrossEntropyLoss::DEFAULT };
/// let measured = vec![0.2, 0.7, 0.1];
/// let same_type = CrossEntropyLoss { weight: measured.into(), ..CrossEntropyLoss::DEFAULT };
/// assert_ne!(RARE_COUNTS_MORE, &same_type);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossWeights(Option<Cow<'static, [f64]>>);

impl LossWeights {
    /// All alike.
    pub const NONE: Self = LossWeights(None);

    /// Constant weights.
    pub const fn new(weights: &'static [f64]) -> Self {
        LossWeights(Some(Cow::Borrowed(weights)))
    }

    /// The numbers, if there are any.
    pub const fn as_slice(&self) -> Option<&[f64]> {
        match &self.0 {
            None => None,
            Some(Cow::Borrowed(weights)) => Some(weights),
            Some(Cow::Owned(weights)) => Some(weights.as_slice()),
        }
    }

    /// Whether there is one for each of `classes`.
    pub(super) fn check_classes(
        &self,
        loss: &'static str,
        option: &'static str,
        classes: usize,
    ) -> Result<(), LossError> {
        match self.as_slice() {
            Some(w) if w.len() != classes => Err(LossError::Option {
                loss,
                option,
                found: format!("{} weights", w.len()),
                expected: format!("{classes}, one for each class"),
            }),
            _ => Ok(()),
        }
    }

    /// Whether they can be repeated over `samples` outputs of `shape`.
    pub(super) fn check_elements(
        &self,
        loss: &'static str,
        option: &'static str,
        shape: &[usize],
        samples: usize,
    ) -> Result<(), LossError> {
        match self.as_slice() {
            Some(w) if !repeats_over(w.len(), shape) && w.len() != samples * super::elements(shape) => {
                Err(LossError::Option {
                    loss,
                    option,
                    found: format!("{} weights", w.len()),
                    expected: format!("as many as the last axes of {shape:?} or the whole batch have elements"),
                })
            }
            _ => Ok(()),
        }
    }

    /// Fills `weights` with those of the elements from place `first` of the batch on; with 1 if there are none.
    #[inline(always)]
    pub(super) fn fill_from<T: Math>(&self, first: usize, weights: &mut [T]) {
        let Some(all) = self.as_slice() else { return weights.fill(T::ONE) };
        let mut at = first % all.len();
        for weight in weights {
            *weight = T::from_f64(all[at]);
            at = if at + 1 < all.len() { at + 1 } else { 0 };
        }
    }

    /// The weight of the element at this place in the batch; 1 if there are none.
    #[inline(always)]
    pub(super) fn at<T: Math>(&self, element: usize) -> T {
        match self.as_slice() {
            Some([w]) => T::from_f64(*w),
            Some(w) => T::from_f64(w[element % w.len()]),
            None => T::ONE,
        }
    }

    /// The weight of a class; 1 if there are none.
    #[inline(always)]
    pub(super) fn of<T: Math>(&self, class: usize) -> T {
        match self.as_slice() {
            Some(w) => T::from_f64(w[class]),
            None => T::ONE,
        }
    }
}

/// Whether `len` elements are the last axes of `shape`, or a single one.
pub(super) const fn repeats_over(len: usize, shape: &[usize]) -> bool {
    let (mut product, mut axis) = (1, shape.len());
    loop {
        if product == len {
            return true;
        }
        if axis == 0 {
            return false;
        }
        axis -= 1;
        product *= shape[axis];
    }
}

impl From<Vec<f64>> for LossWeights {
    fn from(weights: Vec<f64>) -> Self {
        LossWeights(Some(Cow::Owned(weights)))
    }
}

impl<const N: usize> From<[f64; N]> for LossWeights {
    fn from(weights: [f64; N]) -> Self {
        weights.to_vec().into()
    }
}

impl From<&[f64]> for LossWeights {
    fn from(weights: &[f64]) -> Self {
        weights.to_vec().into()
    }
}
