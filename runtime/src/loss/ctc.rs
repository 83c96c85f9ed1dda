//! [`CTCLoss`]: sequences whose alignment is not known.

use super::check::Problem;
use super::joint::{self, Flow, Total};
use super::kernel::{Each, Sink};
use super::*;
use crate::simd::Portable;

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
        let total: i64 = target_lengths.iter().sum();
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

/// The loops of [`CTCLoss`], for one scalar type.
pub trait CtcKernels: Sized {
    /// The loss, or 0 if the losses are kept apart; `by_length` divides each by its target's length.
    fn ctc(
        loss: &CTCLoss,
        batch: Batch<'_>,
        log_probs: &[Self],
        gradient: &mut [Self],
        workspace: &mut CTCWorkspace<Self>,
        by_length: bool,
        flow: Flow<'_, Self>,
    ) -> Self;
}

macro_rules! ctc_kernels {
    ($($t:ident)*) => { $(
        impl CtcKernels for $t {
            fn ctc(
                loss: &CTCLoss,
                batch: Batch<'_>,
                log_probs: &[$t],
                gradient: &mut [$t],
                workspace: &mut CTCWorkspace<$t>,
                by_length: bool,
                flow: Flow<'_, $t>,
            ) -> $t {
                match flow {
                    Flow::Factor(factor) => {
                        let mut total = Total { factor, sum: 0.0 };
                        each(loss, batch, log_probs, gradient, workspace, by_length, &mut total);
                        total.value()
                    }
                    Flow::Each { upstream, losses } => {
                        each(loss, batch, log_probs, gradient, workspace, by_length, &mut Each { upstream, losses });
                        0.0
                    }
                }
            }
        }
    )* };
}
ctc_kernels!(f32 f64);

fn each<T: Math>(
    loss: &CTCLoss,
    batch: Batch<'_>,
    log_probs: &[T],
    gradient: &mut [T],
    workspace: &mut CTCWorkspace<T>,
    by_length: bool,
    sink: &mut impl Sink<T>,
) {
    gradient.fill(T::ZERO);
    let mut start = 0;
    for sample in 0..batch.layout.samples {
        let target = batch.target(sample, &mut start);
        let times = batch.input_lengths[sample] as usize;
        let sequence = Sequence { blank: loss.blank, target, times, layout: batch.layout, sample };
        grow(workspace, times, sequence.states());
        let nll = sequence.forward(log_probs, &mut workspace.alpha);
        let share = if by_length { T::ONE / T::from_f64(target.len().max(1) as f64) } else { T::ONE };
        if loss.zero_infinity && nll == T::INFINITY {
            sink.put(sample, T::ZERO);
            continue;
        }
        sink.put(sample, share * nll);
        sequence.backward(log_probs, nll, share * sink.scale(sample), workspace, gradient);
    }
}

/// Makes room for a sequence.
fn grow<T: Math>(workspace: &mut CTCWorkspace<T>, times: usize, states: usize) {
    let (alpha, beta) = (times.max(1) * states, 2 * states);
    if workspace.alpha.len() < alpha {
        workspace.alpha.resize(alpha, T::ZERO);
    }
    if workspace.beta.len() < beta {
        workspace.beta.resize(beta, T::ZERO);
    }
}

/// One target, with a blank before, between and after its classes: the states.
struct Sequence<'a> {
    blank: usize,
    target: &'a [i64],
    times: usize,
    layout: Layout,
    sample: usize,
}

impl Sequence<'_> {
    fn states(&self) -> usize {
        2 * self.target.len() + 1
    }

    /// The class of a state.
    fn class(&self, state: usize) -> usize {
        if state.is_multiple_of(2) { self.blank } else { self.target[state / 2] as usize }
    }

    /// Whether state `s` may follow `s − 2`: two different classes, without a blank between them.
    fn skips(&self, s: usize) -> bool {
        s >= 2 && !s.is_multiple_of(2) && self.target[s / 2] != self.target[s / 2 - 1]
    }

    /// The log-probabilities of all classes at one time.
    fn at(&self, time: usize) -> std::ops::Range<usize> {
        let start = time * self.layout.time_step + self.sample * self.layout.sample_step;
        start..start + self.layout.classes
    }

    /// Fills `alpha` and returns the negative log-likelihood.
    fn forward<T: Math>(&self, log_probs: &[T], alpha: &mut [T]) -> T {
        let (states, never) = (self.states(), -T::INFINITY);
        if self.times == 0 {
            return if states == 1 { T::ZERO } else { T::INFINITY };
        }
        let p = &log_probs[self.at(0)];
        for (s, alpha) in alpha[..states].iter_mut().enumerate() {
            *alpha = if s < 2 { p[self.class(s)] } else { never };
        }
        for t in 1..self.times {
            let p = &log_probs[self.at(t)];
            let (before, now) = alpha[(t - 1) * states..].split_at_mut(states);
            for s in 0..states {
                let step = if s >= 1 { before[s - 1] } else { never };
                let skip = if self.skips(s) { before[s - 2] } else { never };
                now[s] = log_sum_exp([before[s], step, skip]) + p[self.class(s)];
            }
        }
        let last = &alpha[(self.times - 1) * states..][..states];
        let end = if states >= 2 { last[states - 2] } else { never };
        -log_sum_exp([last[states - 1], end, never])
    }

    /// Writes the gradient times `scale`, from the end to the beginning.
    fn backward<T: Math>(
        &self,
        log_probs: &[T],
        nll: T,
        scale: T,
        workspace: &mut CTCWorkspace<T>,
        gradient: &mut [T],
    ) {
        let (states, never) = (self.states(), -T::INFINITY);
        let (mut after, mut now) = workspace.beta[..2 * states].split_at_mut(states);
        for t in (0..self.times).rev() {
            let (p, dp) = (&log_probs[self.at(t)], &mut gradient[self.at(t)]);
            for s in 0..states {
                let onward = if t + 1 == self.times {
                    // A path ends in the last class or in the blank after it.
                    if s + 2 >= states { T::ZERO } else { never }
                } else {
                    let step = if s + 1 < states { after[s + 1] } else { never };
                    let skip = if s + 2 < states && self.skips(s + 2) { after[s + 2] } else { never };
                    log_sum_exp([after[s], step, skip])
                };
                now[s] = onward + p[self.class(s)];
            }
            // First, at each class, ln of the probability of all paths through it, p counted twice.
            dp.fill(never);
            for (s, &alpha) in workspace.alpha[t * states..][..states].iter().enumerate() {
                let class = self.class(s);
                dp[class] = log_sum_exp([dp[class], alpha + now[s], never]);
            }
            for (dp, &p) in dp.iter_mut().zip(p) {
                *dp = scale * (p.exp::<Portable>() - (*dp + nll - p).exp::<Portable>());
            }
            (after, now) = (now, after);
        }
    }
}

/// ln Σ eˣ; −∞ if all are.
fn log_sum_exp<T: Math>(x: [T; 3]) -> T {
    let mut most = x[0];
    for x in x {
        most = if most > x { most } else { x };
    }
    if most == -T::INFINITY {
        return most;
    }
    let [a, b, c] = x.map(|x| (x - most).exp::<Portable>());
    most + (a + b + c).ln::<Portable>()
}
