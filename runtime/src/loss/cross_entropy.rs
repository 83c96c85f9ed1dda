//! [`CrossEntropyLoss`]: softmax and negative log-likelihood in one, for class indices and for class probabilities.

use super::check::{Problem, assert_classes, assertions};
use super::kernel::{Batch, Positioned, Positions, Sink, check_len, concrete, flush, implement, sum_of};
use super::softmax::{Axes, Finish, Position, clear, each_position};
use super::*;
use crate::kernels::softmax::SoftmaxKernels;

/// Cross entropy of logits against a class: `L = mean_w(−w_y · ln p_y)`, with `p = softmax(x)`.
///
/// `x` are logits, `y` is the class, `w` is `weight` (1 if not given), and the mean is weighted: the sum divided by
/// `Σ w_y` over the targets that are not `ignore_index`. With ε = `label_smoothing` and C classes each loss is
/// `(1 − ε)(−w_y ln p_y) + ε/C · Σ_c (−w_c ln p_c)`. Targets of the network's scalar are class probabilities `q`, one for
/// each class: `−Σ_c w_c q_c ln p_c`, smoothed to `(1 − ε)q + ε/C`; their mean divides by the number of targets.
/// `∂L/∂x_c = (w_y/Σw)(p_c − [c = y])` without smoothing.
///
/// # Shapes
/// `x: [N, C]` and `y: [N]`, or `x: [N, C, d1, …]` and `y: [N, d1, …]` for a class at each place. Probabilities have the
/// shape of `x`. The classes are along axis `dim`, 1 unless said otherwise; `dim = -1` reads `x: [N, T, C]`, `y: [N, T]`.
///
/// # Errors
/// [`LossError`] for a class that does not exist, a wrong number of targets or weights, a smoothing outside of [0, 1],
/// an `ignore_index` that is not negative with probabilities, a mean over no samples.
///
/// # Example
/// ```
/// use glulam::loss::{CrossEntropyLoss, LossForward};
/// let criterion = CrossEntropyLoss::DEFAULT;
/// let (mut losses, mut gradient) = ([0.0; 1], [0.0; 2]);
/// let loss = criterion.forward_flat(&[2], &[0.0, 0.0], &[1_i64], &mut losses, &mut gradient).unwrap();
/// assert!((loss - 2f64.ln()).abs() < 1e-12);
/// assert_eq!(gradient, [0.5, -0.5]);
/// ```
///
/// # References
/// `torch.nn.CrossEntropyLoss`, and `torch.nn.LinearCrossEntropyLoss` after a `Linear`. `dim` is beyond PyTorch, where
/// sequences are transposed or flattened first. As there, the mean is NaN and the gradient zero if all targets are
/// ignored; so they are if the weights of all targets are 0, where PyTorch's gradient is NaN. Label smoothing: Szegedy et al. 2016, arXiv:1512.00567, section 7.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropyLoss {
    /// A factor for each class.
    pub weight: LossWeights,
    /// A target that counts for nothing, such as padding. Class indices only.
    pub ignore_index: i64,
    /// How the losses of all targets become one number.
    pub reduction: Reduction,
    /// The share of each target that is spread over all classes, in [0, 1].
    pub label_smoothing: f64,
    /// The axis of the classes, the batch being axis 0.
    pub dim: isize,
}

const NAME: &str = "CrossEntropyLoss";

impl CrossEntropyLoss {
    /// PyTorch's defaults: no weights, −100 ignored, the mean, no smoothing, classes along axis 1.
    pub const DEFAULT: Self = CrossEntropyLoss {
        weight: LossWeights::NONE,
        ignore_index: -100,
        reduction: Reduction::Mean,
        label_smoothing: 0.0,
        dim: 1,
    };

    assertions!(CrossEntropyLoss, Logits);

    /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
    ///
    /// # Panics
    /// If it cannot, with what to change.
    #[track_caller]
    pub const fn assert_fits(&self, output_shape: &[usize], output: crate::network::Output) {
        self.assert_trainable(output);
        assert_classes(NAME, output_shape, self.dim, &self.weight);
    }

    const fn problem(&self) -> Option<Problem> {
        let smoothing = self.label_smoothing;
        Problem::unless(smoothing >= 0.0 && smoothing <= 1.0, "label_smoothing", smoothing, "in [0, 1]")
    }

    /// The axes, if the options are valid and fit them.
    fn check(&self, shape: &[usize]) -> Result<Axes, LossError> {
        if let Some(problem) = self.problem() {
            return Err(problem.error(NAME));
        }
        let axes = Axes::of(NAME, shape, self.dim)?;
        self.weight.check_classes(NAME, "weight", axes.classes)?;
        Ok(axes)
    }
}

impl Positioned for CrossEntropyLoss {
    fn losses_len(&self, shape: &[usize]) -> usize {
        Axes::of_checked(shape, self.dim).positions()
    }
}

/// Class indices.
impl Batch<i64> for CrossEntropyLoss {
    fn target_len(&self, shape: &[usize]) -> usize {
        Axes::of_checked(shape, self.dim).positions()
    }
    fn count(&self, shape: &[usize], samples: usize, targets: &[i64]) -> Result<f64, LossError> {
        let axes = self.check(shape)?;
        check_len(shape, samples, samples * axes.positions(), targets.len())?;
        weight_of_targets(targets, axes.classes, self.ignore_index, &self.weight)
    }
}

/// Class probabilities.
impl<T: Real> Batch<T> for CrossEntropyLoss {
    fn target_len(&self, shape: &[usize]) -> usize {
        elements(shape)
    }
    fn count(&self, shape: &[usize], samples: usize, targets: &[T]) -> Result<f64, LossError> {
        let axes = self.check(shape)?;
        let problem = Problem::unless(
            self.ignore_index < 0,
            "ignore_index",
            self.ignore_index as f64,
            "a negative one with class probabilities, of which none can be ignored",
        );
        if let Some(problem) = problem {
            return Err(problem.error(NAME));
        }
        check_len(shape, samples, samples * elements(shape), targets.len())?;
        Ok((samples * axes.positions()) as f64)
    }
}

concrete!(CrossEntropyLoss, [f32 i64, f64 i64]);
concrete!(CrossEntropyLoss, [f32 f32, f64 f64]);
implement!(CrossEntropyLoss, targets i64, expects Logits);
implement!(CrossEntropyLoss, targets T, expects Logits);

/// Whether all targets are classes, or at least `least`.
///
/// # Errors
/// If one is not.
pub(super) fn check_class_targets(targets: &[i64], least: i64, classes: usize) -> Result<(), LossError> {
    let valid = least..classes as i64;
    match targets.iter().position(|t| !valid.contains(t)) {
        None => Ok(()),
        Some(index) => {
            let expected = format!("{least}..{classes}");
            Err(LossError::ClassOutOfRange { index, found: targets[index], expected })
        }
    }
}

/// The sum of the weights of all targets that count.
///
/// # Errors
/// If a target is neither a class nor `ignore_index`.
pub(super) fn weight_of_targets(
    targets: &[i64],
    classes: usize,
    ignore_index: i64,
    weight: &LossWeights,
) -> Result<f64, LossError> {
    let weight = weight.as_slice();
    let mut sum = 0.0;
    for (index, &target) in targets.iter().enumerate() {
        if target == ignore_index {
            continue;
        }
        if target < 0 || target >= classes as i64 {
            let expected = format!("0..{classes} (or ignore_index {ignore_index})");
            return Err(LossError::ClassOutOfRange { index, found: target, expected });
        }
        sum += weight.map_or(1.0, |w| w[target as usize]);
    }
    Ok(sum)
}

impl<T: Math + SoftmaxKernels> Positions<T, i64> for CrossEntropyLoss {
    fn each(&self, rows: Rows<'_, T, i64>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
        let axes = Axes::of_checked(rows.shape, self.dim);
        let terms = Terms::of(self, axes.classes);
        let mut finish = Indices { loss: self, terms, targets: rows.targets, sink };
        each_position(axes, rows.outputs, gradient, &mut finish);
    }
}

impl<T: Math + SoftmaxKernels> Positions<T, T> for CrossEntropyLoss {
    fn each(&self, rows: Rows<'_, T, T>, sink: &mut dyn Sink<T>, gradient: &mut [T]) {
        let axes = Axes::of_checked(rows.shape, self.dim);
        let terms = Terms::of(self, axes.classes);
        let mut finish = Probabilities { loss: self, terms, targets: rows.targets, sink };
        each_position(axes, rows.outputs, gradient, &mut finish);
    }
}

/// What label smoothing makes of a target: the share that stays with it, the share of each class, the sum of weights.
#[derive(Clone, Copy)]
struct Terms<T> {
    classes: usize,
    smooth: bool,
    target: T,
    class: T,
    weight_sum: T,
}

impl<T: Math> Terms<T> {
    fn of(loss: &CrossEntropyLoss, classes: usize) -> Self {
        let weight_sum = loss.weight.as_slice().map_or(classes as f64, |w| w.iter().sum());
        Terms {
            classes,
            smooth: loss.label_smoothing > 0.0,
            target: T::from_f64(1.0 - loss.label_smoothing),
            class: T::from_f64(loss.label_smoothing / classes as f64),
            weight_sum: T::from_f64(weight_sum),
        }
    }
}

/// Finishes positions whose targets are class indices.
struct Indices<'a, T> {
    loss: &'a CrossEntropyLoss,
    terms: Terms<T>,
    targets: &'a [i64],
    sink: &'a mut dyn Sink<T>,
}

impl<T: Math> Finish<T> for Indices<'_, T> {
    #[inline(always)]
    fn finish(&mut self, at: Position<'_, T>) {
        let Position { index, stride, x, dx, softmax: s, .. } = at;
        let Terms { classes, target: share, class: class_share, .. } = self.terms;
        let (scale, target) = (self.sink.scale(index), self.targets[index]);
        if target == self.loss.ignore_index {
            clear(classes, stride, dx);
            return self.sink.put(index, T::ZERO);
        }
        let target = target as usize;
        let weight = self.loss.weight.of::<T>(target);
        let nll = weight * (s.log_sum - (x[target * stride] - s.shift));
        if !self.terms.smooth {
            // ∂L/∂x_c = w_y (p_c − [c = y])
            let by = scale * weight * s.inverse;
            for c in 0..classes {
                dx[c * stride] = flush(dx[c * stride] * by);
            }
            dx[target * stride] = dx[target * stride] - scale * weight;
            return self.sink.put(index, nll);
        }
        // ∂L/∂x_c = ((1 − ε) w_y + ε/C Σ w) p_c − ε/C w_c − (1 − ε) w_y [c = y]
        let by = scale * (share * weight + class_share * self.terms.weight_sum) * s.inverse;
        let class = scale * class_share;
        let x = &x[..=(classes - 1) * stride];
        let dx = &mut dx[..=(classes - 1) * stride];
        let sum = match self.loss.weight.as_slice() {
            None => sum_of(classes, |c| {
                dx[c * stride] = dx[c * stride] * by - class;
                s.log_sum - (x[c * stride] - s.shift)
            }),
            Some(weights) => sum_of(classes, |c| {
                let w = T::from_f64(weights[c]);
                dx[c * stride] = dx[c * stride] * by - class * w;
                w * (s.log_sum - (x[c * stride] - s.shift))
            }),
        };
        dx[target * stride] = dx[target * stride] - scale * share * weight;
        self.sink.put(index, share * nll + class_share * sum);
    }
}

/// Finishes positions whose targets are class probabilities.
struct Probabilities<'a, T> {
    loss: &'a CrossEntropyLoss,
    terms: Terms<T>,
    targets: &'a [T],
    sink: &'a mut dyn Sink<T>,
}

impl<T: Math> Finish<T> for Probabilities<'_, T> {
    #[inline(always)]
    fn finish(&mut self, at: Position<'_, T>) {
        let Position { index, start, stride, x, dx, softmax: s } = at;
        let Terms { classes, target: share, class: class_share, .. } = self.terms;
        let last = (classes - 1) * stride;
        let (x, dx, q) = (&x[..=last], &mut dx[..=last], &self.targets[start..=start + last]);
        let scale = self.sink.scale(index);
        // L = Σ m_c (−ln p_c) and ∂L/∂x_c = p_c Σ m − m_c, with m_c = w_c ((1 − ε) q_c + ε/C)
        let value = match self.loss.weight.as_slice() {
            None => {
                let mass = sum_of(classes, |c| share * q[c * stride] + class_share);
                let by = scale * mass * s.inverse;
                sum_of(classes, |c| {
                    let m = share * q[c * stride] + class_share;
                    dx[c * stride] = flush(dx[c * stride] * by - scale * m);
                    m * (s.log_sum - (x[c * stride] - s.shift))
                })
            }
            Some(weights) => {
                let mass = sum_of(classes, |c| T::from_f64(weights[c]) * (share * q[c * stride] + class_share));
                let by = scale * mass * s.inverse;
                sum_of(classes, |c| {
                    let m = T::from_f64(weights[c]) * (share * q[c * stride] + class_share);
                    dx[c * stride] = flush(dx[c * stride] * by - scale * m);
                    m * (s.log_sum - (x[c * stride] - s.shift))
                })
            }
        };
        self.sink.put(index, value);
    }
}
