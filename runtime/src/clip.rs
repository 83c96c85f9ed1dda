//! Gradient clipping, as in `torch.nn.utils`: between backward and optimizer step, over all parameters together.
//!
//! Frozen parameters have no gradient in PyTorch. Here a gradient array may hold something for them all the same, so
//! the functions take [`Selected`] gradients: those of all parameters (a `&mut Gradients` will do), or of the trained ones.

use crate::network::ParamSpec;
use crate::{Gradients, Real};

/// The gradients to clip: of all parameters, or of those that are trained.
#[derive(Debug)]
pub struct Selected<'a, T> {
    flat: &'a mut [T],
    trained: Option<(&'a [ParamSpec], &'a [bool])>,
}

impl<'a, T: Real> From<&'a mut Gradients<T>> for Selected<'a, T> {
    fn from(gradients: &'a mut Gradients<T>) -> Self {
        Selected { flat: &mut gradients.0, trained: None }
    }
}

impl<'a, T: Real> Selected<'a, T> {
    /// The gradients in `flat` of the parameters of `table` that `trainable` (an optimizer's
    /// [`trainable`](crate::optim::OptimizerState::trainable)) says are trained.
    pub fn trained(flat: &'a mut [T], table: &'a [ParamSpec], trainable: &'a [bool]) -> Self {
        Selected { flat, trained: Some((table, trainable)) }
    }

    /// Calls `visit` on each stretch of elements, in order. With everything selected that is the whole array: the gaps
    /// in it hold zeros.
    fn for_each(&mut self, mut visit: impl FnMut(&mut [T])) {
        match self.trained {
            None => visit(self.flat),
            Some((table, trainable)) => {
                for (spec, _) in table.iter().zip(trainable).filter(|(_, trained)| **trained) {
                    visit(&mut self.flat[spec.offset..spec.offset + spec.len]);
                }
            }
        }
    }
}

/// What cannot be clipped.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ClipError {
    /// The norm is infinite or NaN, and `error_if_nonfinite` was set.
    #[error("the total norm of the gradients is {norm}, so they cannot be clipped")]
    NonFinite {
        /// The norm.
        norm: f64,
    },
    /// An argument has a value that is not allowed.
    #[error("{argument} = {found}, expected {expected}")]
    Argument {
        /// Its name.
        argument: &'static str,
        /// Its value.
        found: f64,
        /// What is allowed.
        expected: &'static str,
    },
}

/// The norm of all gradients together, as if they were one vector: (∑ |gᵢ|ᵖ)^(1/p), p being `norm_type`; for infinity
/// the largest |gᵢ|.
///
/// # Errors
/// `norm_type` is not above 0; with `error_if_nonfinite`, a norm that is infinite or NaN.
///
/// # Example
/// ```
/// use glulam::clip::get_total_norm;
/// use glulam::{Flat, Gradients};
/// let mut gradients = Gradients(Flat::<f32>::zeros(16));
/// gradients.0[..2].copy_from_slice(&[3.0, -4.0]);
/// assert_eq!(get_total_norm(&mut gradients, 1.0, true)?, 7.0);
/// assert_eq!(get_total_norm(&mut gradients, f64::INFINITY, true)?, 4.0);
/// # Ok::<(), glulam::clip::ClipError>(())
/// ```
///
/// # References
/// `torch.nn.utils.get_total_norm`. The sum is taken in `f64`: PyTorch's of `float32` is infinite where a square is
/// (gradients from 2e19 on), and 0 where all are (below 1e-23).
pub fn get_total_norm<'a, T: Real>(
    gradients: impl Into<Selected<'a, T>>,
    norm_type: f64,
    error_if_nonfinite: bool,
) -> Result<f64, ClipError> {
    total_norm(&mut gradients.into(), norm_type, error_if_nonfinite)
}

/// Scales all gradients by max_norm / (norm + 1e-6) if that is below 1, so that their norm is at most `max_norm`.
/// Returns the norm that they had.
///
/// `norm_type` is 2 in PyTorch unless said otherwise; see [`get_total_norm`].
///
/// # Errors
/// `max_norm` is negative or NaN, `norm_type` is not above 0; with `error_if_nonfinite`, a norm that is infinite or NaN.
/// Then no gradient has changed.
///
/// # Example
/// ```
/// use glulam::clip::clip_grad_norm_;
/// use glulam::{Flat, Gradients};
/// let mut gradients = Gradients(Flat::<f64>::zeros(16));
/// gradients.0[..2].copy_from_slice(&[3.0, -4.0]);
/// assert_eq!(clip_grad_norm_(&mut gradients, 1.0, 2.0, true)?, 5.0);
/// assert!((gradients.0[0] - 0.6).abs() < 1e-6);
/// # Ok::<(), glulam::clip::ClipError>(())
/// ```
///
/// # References
/// `torch.nn.utils.clip_grad_norm_`. As there, a norm that is infinite or NaN (and no `error_if_nonfinite`) spoils the
/// gradients.
pub fn clip_grad_norm_<'a, T: Real>(
    gradients: impl Into<Selected<'a, T>>,
    max_norm: f64,
    norm_type: f64,
    error_if_nonfinite: bool,
) -> Result<f64, ClipError> {
    let mut gradients = gradients.into();
    at_least_0("max_norm", max_norm)?;
    let norm = total_norm(&mut gradients, norm_type, error_if_nonfinite)?;
    scale_to(&mut gradients, max_norm, norm);
    Ok(norm)
}

/// The second half of [`clip_grad_norm_`], for a norm that is known: scales by max_norm / (total_norm + 1e-6) if that is
/// below 1.
///
/// # Errors
/// `max_norm` is negative or NaN.
///
/// # References
/// `torch.nn.utils.clip_grads_with_norm_`.
pub fn clip_grads_with_norm_<'a, T: Real>(
    gradients: impl Into<Selected<'a, T>>,
    max_norm: f64,
    total_norm: f64,
) -> Result<(), ClipError> {
    at_least_0("max_norm", max_norm)?;
    scale_to(&mut gradients.into(), max_norm, total_norm);
    Ok(())
}

/// Limits each element of the gradients to [−clip_value, clip_value].
///
/// # Errors
/// `clip_value` is negative or NaN.
///
/// # Example
/// ```
/// use glulam::clip::clip_grad_value_;
/// use glulam::{Flat, Gradients};
/// let mut gradients = Gradients(Flat::<f32>::zeros(16));
/// gradients.0[..2].copy_from_slice(&[3.0, -4.0]);
/// clip_grad_value_(&mut gradients, 3.5)?;
/// assert_eq!(gradients.0[..2], [3.0, -3.5]);
/// # Ok::<(), glulam::clip::ClipError>(())
/// ```
///
/// # References
/// `torch.nn.utils.clip_grad_value_`.
pub fn clip_grad_value_<'a, T: Real>(gradients: impl Into<Selected<'a, T>>, clip_value: f64) -> Result<(), ClipError> {
    at_least_0("clip_value", clip_value)?;
    gradients.into().for_each(|part| T::clamp_all(part, T::from_f64(clip_value)));
    Ok(())
}

fn at_least_0(argument: &'static str, found: f64) -> Result<(), ClipError> {
    if found >= 0.0 { Ok(()) } else { Err(ClipError::Argument { argument, found, expected: "a number of at least 0" }) }
}

fn total_norm<T: Real>(
    gradients: &mut Selected<'_, T>,
    norm_type: f64,
    error_if_nonfinite: bool,
) -> Result<f64, ClipError> {
    let mut total = 0.0;
    if norm_type == f64::INFINITY {
        gradients.for_each(|part| total = T::largest_magnitude(part).to_f64().max_nan(total));
    } else if norm_type == 2.0 {
        gradients.for_each(|part| total += T::sum_of_squares(part));
        total = total.sqrt();
    } else if norm_type == 1.0 {
        gradients.for_each(|part| total += T::sum_of_magnitudes(part));
    } else if norm_type > 0.0 {
        gradients.for_each(|part| total += part.iter().map(|g| g.to_f64().abs().powf(norm_type)).sum::<f64>());
        total = total.powf(1.0 / norm_type);
    } else {
        let expected = "a number above 0, or infinity";
        return Err(ClipError::Argument { argument: "norm_type", found: norm_type, expected });
    }
    if error_if_nonfinite && !total.is_finite() { Err(ClipError::NonFinite { norm: total }) } else { Ok(total) }
}

fn scale_to<T: Real>(gradients: &mut Selected<'_, T>, max_norm: f64, norm: f64) {
    let factor = max_norm / (norm + 1e-6);
    // By NaN too, as in PyTorch: so it shows at once.
    if factor < 1.0 || factor.is_nan() {
        gradients.for_each(|part| T::scale(part, T::from_f64(factor)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flat;
    use crate::network::Kind;

    const fn param(name: &'static str, offset: usize) -> ParamSpec {
        ParamSpec::new(name, &[3], offset, Kind::Weight)
    }
    static TABLE: [ParamSpec; 2] = [param("a", 0), param("b", 16)];

    fn gradients<T: Real>(values: [f64; 6]) -> Gradients<T> {
        let mut flat = Flat::zeros(32);
        for (i, x) in values.into_iter().enumerate() {
            flat[i / 3 * 16 + i % 3] = T::from_f64(x);
        }
        Gradients(flat)
    }

    const VALUES: [f64; 6] = [1.0, -2.0, 2.0, 0.0, 4.0, -12.0];

    fn check_norm(norm_type: f64, expected: f64) {
        let norm = get_total_norm(&mut gradients::<f32>(VALUES), norm_type, true).unwrap();
        assert!((norm - expected).abs() < 1e-12, "norm {norm_type}: {norm}, expected {expected}");
    }

    #[test]
    fn norms_are_those_of_one_vector() {
        check_norm(2.0, 13.0);
        check_norm(1.0, 21.0);
        check_norm(f64::INFINITY, 12.0);
        check_norm(3.0, (1.0f64 + 8.0 + 8.0 + 64.0 + 1728.0).powf(1.0 / 3.0));
    }

    #[test]
    fn gradients_longer_than_the_limit_are_scaled() {
        let mut g = gradients::<f64>(VALUES);
        assert_eq!(clip_grad_norm_(&mut g, 6.5, 2.0, false), Ok(13.0));
        let factor = 6.5 / (13.0 + 1e-6);
        assert_eq!(g, gradients(VALUES.map(|x| x * factor)));
    }

    #[test]
    fn shorter_gradients_stay_as_they_are() {
        let mut g = gradients::<f64>(VALUES);
        assert_eq!(clip_grad_norm_(&mut g, 13.1, 2.0, false), Ok(13.0));
        assert_eq!(g, gradients(VALUES));
    }

    #[test]
    fn frozen_parameters_neither_count_nor_change() {
        let mut g = gradients::<f64>(VALUES);
        let norm = clip_grad_norm_(Selected::trained(&mut g.0, &TABLE, &[true, false]), 1.0, 2.0, false);
        assert_eq!(norm, Ok(3.0));
        let factor = 1.0 / (3.0 + 1e-6);
        assert_eq!(g, gradients([factor, -2.0 * factor, 2.0 * factor, 0.0, 4.0, -12.0]));
    }

    #[test]
    fn values_are_limited_on_both_sides() {
        let mut g = gradients::<f32>([0.5, -0.5, 1.0, -1.0, 3.0, f64::NEG_INFINITY]);
        clip_grad_value_(&mut g, 1.0).unwrap();
        assert_eq!(g, gradients([0.5, -0.5, 1.0, -1.0, 1.0, -1.0]));
        let mut g = gradients::<f32>([f64::NAN, 0.0, 0.0, 0.0, 0.0, 0.0]);
        clip_grad_value_(&mut g, 1.0).unwrap();
        assert!(g.0[0].is_nan());
    }

    #[test]
    fn norms_that_are_not_finite_are_errors_where_asked_for() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut values = VALUES;
            values[4] = bad;
            for norm_type in [1.0, 2.0, 2.5, f64::INFINITY] {
                let mut g = gradients::<f32>(values);
                let error = clip_grad_norm_(&mut g, 1.0, norm_type, true).unwrap_err();
                assert!(matches!(error, ClipError::NonFinite { norm } if !norm.is_finite()), "{norm_type}: {error}");
                assert_eq!(g.0[0], 1.0);
                assert!(!clip_grad_norm_(&mut g, 1.0, norm_type, false).unwrap().is_finite());
            }
        }
    }

    #[test]
    fn impossible_arguments_are_refused() {
        let mut g = gradients::<f32>(VALUES);
        for bad in [-1.0, f64::NAN] {
            assert!(matches!(
                clip_grad_norm_(&mut g, bad, 2.0, true),
                Err(ClipError::Argument { argument: "max_norm", .. })
            ));
            assert!(matches!(clip_grad_value_(&mut g, bad), Err(ClipError::Argument { argument: "clip_value", .. })));
            assert!(matches!(
                get_total_norm(&mut g, bad, true),
                Err(ClipError::Argument { argument: "norm_type", .. })
            ));
        }
        assert_eq!(g, gradients(VALUES));
    }

    #[test]
    fn a_norm_has_the_same_bits_on_every_instruction_set() {
        let mut g = Gradients(Flat::<f32>::zeros(1003));
        for (i, g) in g.0.iter_mut().enumerate() {
            *g = (i as f32 * 0.7).sin();
        }
        for norm_type in [1.0, 2.0, f64::INFINITY] {
            let norm = get_total_norm(&mut g, norm_type, true);
            for isa in crate::simd::Isa::all() {
                assert_eq!(isa.force(|| get_total_norm(&mut g, norm_type, true)), norm, "{isa:?}");
            }
        }
    }
}
