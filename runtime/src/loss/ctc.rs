//! [`CTCLoss`]: sequences whose alignment is not known.

mod loops;

pub(super) use loops::CtcKernels;

use super::check::Problem;
use super::joint::{self, Flow};
use super::*;

/// Connectionist temporal classification: the negative logarithm of the probability of all alignments of a target
/// sequence with an output sequence, `L = −ln Σ_π Π_t p_t(π_t)`, over the paths π that become the target when repeated
/// classes are merged and blanks dropped.
///
/// The outputs are log-probabilities of C classes at each of T times (a network that ends in `LogSoftmax` over the
/// classes), the target of each sample is a sequence of at most S classes other than `blank`. The mean divides each
/// sample's loss by its target's length (or 1) before it is taken over the batch.
///
/// The gradient is the one that belongs to logits, `p_t(c) − P(π_t = c | target)`, as in PyTorch; through a `LogSoftmax`
/// it comes out the same.
///
/// # Shapes
/// Outputs of a network `[N, T, C]`, or flat `[T, N, C]` as in PyTorch. Targets `[N, S]`, padded with anything, or one
/// after the other without gaps. `input_lengths` (at most T) and `target_lengths: [N]`.
///
/// # Example
/// ```
/// use glulam::loss::{CTCLoss, CTCWorkspace};
/// let half = 0.5f64.ln();
/// let (mut workspace, mut gradient) = (CTCWorkspace::default(), [0.0; 4]);
/// // Two times, one sample, two classes; class 1 may come first, last or twice: three alignments of ¼ each.
/// let loss = CTCLoss::DEFAULT
///     .forward_flat([2, 1, 2], &[half; 4], &[1], &[2], &[1], &mut gradient, &mut workspace)
///     .unwrap();
/// assert!((loss + 0.75f64.ln()).abs() < 1e-12);
/// ```
///
/// # References
/// `torch.nn.CTCLoss`; Graves et al. 2006, "Connectionist Temporal Classification", equations 6 to 16. Targets with
/// blanks, which PyTorch accepts, are refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CTCLoss {
    /// The class that stands for no output.
    pub blank: usize,
    /// How the losses of all samples become one number.
    pub reduction: Reduction,
    /// Infinite losses (of targets too long for their outputs) and their gradients become zero.
    pub zero_infinity: bool,
}

/// The memory of a [`CTCLoss`]: it grows to the longest sequences it has seen, and is used again.
#[derive(Clone, Debug, Default)]
pub struct CTCWorkspace<T> {
    /// For each time, ln of the probability of all beginnings that end in each state.
    alpha: Vec<T>,
    /// The same of all ends that begin in each state, for two times.
    beta: Vec<T>,
}

const NAME: &str = "CTCLoss";

impl CTCLoss {
    /// PyTorch's defaults: blank is class 0, the mean, infinities stay.
    pub const DEFAULT: Self = CTCLoss { blank: 0, reduction: Reduction::Mean, zero_infinity: false };

    joint::assertions!(NAME);

    /// The loss of a network's outputs, `[N, T, C]`; the gradient goes to its place. No allocation once the workspace
    /// has grown.
    ///
    /// # Errors
    /// [`LossError`] for outputs of another number of axes, a blank that is no class, lengths that do not fit, targets
    /// that are no classes or are blank, a reduction of `None`, a mean over nothing.
    pub fn forward<T: Real, O: Sample<T>>(
        &self,
        outputs: Outputs<'_, T, O>,
        targets: &[i64],
        input_lengths: &[i64],
        target_lengths: &[i64],
        workspace: &mut CTCWorkspace<T>,
    ) -> Result<T, LossError> {
        let Outputs { values, gradient, shape, .. } = outputs;
        let &[times, classes] = shape else {
            let expected = "[times, classes]".to_string();
            return Err(LossError::Shape { loss: NAME, shape: shape.to_vec(), expected });
        };
        let layout = Layout { times, samples: values.len(), classes, time_step: classes, sample_step: times * classes };
        let batch = self.check(layout, targets, input_lengths, target_lengths)?;
        self.reduce(batch, O::to_flat(values), O::to_flat_mut(gradient), workspace)
    }

    /// The same for flat arrays of shape `[T, N, C]`.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward).
    ///
    /// # Panics
    /// If `log_probs` or `gradient` have another length than the shape says.
    pub fn forward_flat<T: Real>(
        &self,
        shape: [usize; 3],
        log_probs: &[T],
        targets: &[i64],
        input_lengths: &[i64],
        target_lengths: &[i64],
        gradient: &mut [T],
        workspace: &mut CTCWorkspace<T>,
    ) -> Result<T, LossError> {
        let batch = self.check(Layout::of(shape, log_probs, gradient), targets, input_lengths, target_lengths)?;
        self.reduce(batch, log_probs, gradient, workspace)
    }

    /// The loss of each sample, and the gradient for `upstream`, the gradient flowing into each.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward) but for the reduction.
    ///
    /// # Panics
    /// If `log_probs` or `gradient` have another length than the shape says, `upstream` or `losses` another than N.
    pub fn unreduced<T: Real>(
        &self,
        shape: [usize; 3],
        log_probs: &[T],
        targets: &[i64],
        input_lengths: &[i64],
        target_lengths: &[i64],
        upstream: &[T],
        losses: &mut [T],
        gradient: &mut [T],
        workspace: &mut CTCWorkspace<T>,
    ) -> Result<(), LossError> {
        let batch = self.check(Layout::of(shape, log_probs, gradient), targets, input_lengths, target_lengths)?;
        joint::check_room(NAME, batch.layout.samples, upstream, losses);
        T::ctc(self, batch, log_probs, gradient, workspace, false, Flow::Each { upstream, losses });
        Ok(())
    }

    fn reduce<T: Real>(
        &self,
        batch: Batch<'_>,
        log_probs: &[T],
        gradient: &mut [T],
        workspace: &mut CTCWorkspace<T>,
    ) -> Result<T, LossError> {
        let samples = batch.layout.samples;
        let factor = joint::factor(NAME, self.reduction, samples, samples)?;
        let by_length = self.reduction == Reduction::Mean;
        Ok(T::ctc(self, batch, log_probs, gradient, workspace, by_length, Flow::Factor(factor)))
    }

    fn check<'a>(
        &self,
        layout: Layout,
        targets: &'a [i64],
        input_lengths: &'a [i64],
        target_lengths: &'a [i64],
    ) -> Result<Batch<'a>, LossError> {
        let Layout { times, samples, classes, .. } = layout;
        if self.blank >= classes {
            let (found, expected) = (self.blank.to_string(), format!("one of the {classes} classes"));
            return Err(LossError::Option { loss: NAME, option: "blank", found, expected });
        }
        check_lengths("input_lengths", input_lengths, samples, times)?;
        let total: i64 = target_lengths.iter().copied().fold(0, i64::saturating_add);
        let step = if targets.len() as i64 == total { None } else { targets.len().checked_div(samples) };
        check_lengths("target_lengths", target_lengths, samples, step.unwrap_or(targets.len()))?;
        if step.is_some_and(|step| step * samples != targets.len()) || (samples == 0 && !targets.is_empty()) {
            let found = format!("{} elements", targets.len());
            let expected = format!("{total} (one target after the other), or as many for each of {samples} samples");
            return Err(LossError::Input { loss: NAME, input: "targets", found, expected });
        }
        let batch = Batch { layout, targets, step, input_lengths, target_lengths };
        let mut start = 0;
        for sample in 0..samples {
            let target = batch.target(sample, &mut start);
            let valid = |&t: &i64| t >= 0 && t < classes as i64 && t != self.blank as i64;
            if let Some(at) = target.iter().position(|t| !valid(t)) {
                let expected = format!("0..{classes} but for the blank {}", self.blank);
                return Err(LossError::ClassOutOfRange { index: sample, found: target[at], expected });
            }
        }
        Ok(batch)
    }

    const fn problem(&self) -> Option<Problem> {
        None
    }
}

fn check_lengths(input: &'static str, lengths: &[i64], samples: usize, most: usize) -> Result<(), LossError> {
    if lengths.len() != samples {
        let (found, expected) = (format!("{} elements", lengths.len()), format!("{samples}, one for each sample"));
        return Err(LossError::Input { loss: NAME, input, found, expected });
    }
    match lengths.iter().position(|&length| length < 0 || length > most as i64) {
        None => Ok(()),
        Some(at) => {
            let (found, expected) = (format!("{} at {at}", lengths[at]), format!("0 to {most}"));
            Err(LossError::Input { loss: NAME, input, found, expected })
        }
    }
}

/// How the log-probabilities lie: time t of sample n begins at `t·time_step + n·sample_step`.
#[derive(Clone, Copy, Debug)]
struct Layout {
    times: usize,
    samples: usize,
    classes: usize,
    time_step: usize,
    sample_step: usize,
}

impl Layout {
    fn of<T>([times, samples, classes]: [usize; 3], log_probs: &[T], gradient: &[T]) -> Self {
        assert_eq!(log_probs.len(), times * samples * classes, "{NAME}: log-probabilities of the shape");
        assert_eq!(gradient.len(), log_probs.len(), "{NAME}: room for each gradient");
        Layout { times, samples, classes, time_step: samples * classes, sample_step: classes }
    }
}

/// Targets that have been checked.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    layout: Layout,
    targets: &'a [i64],
    /// From one target to the next; `None` if they have no gaps.
    step: Option<usize>,
    input_lengths: &'a [i64],
    target_lengths: &'a [i64],
}

impl<'a> Batch<'a> {
    /// The target of `sample`, to be asked for in order; `start` is the place of the next.
    fn target(&self, sample: usize, start: &mut usize) -> &'a [i64] {
        let length = self.target_lengths[sample] as usize;
        let from = self.step.map_or(*start, |step| sample * step);
        *start += length;
        &self.targets[from..from + length]
    }
}
