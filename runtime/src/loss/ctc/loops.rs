//! The forward and the backward recursion of CTC over the states of a target.

use super::super::joint::{Flow, Total};
use super::super::kernel::{Each, Sink};
use super::{Batch, CTCLoss, CTCWorkspace, Layout};
use crate::simd::Portable;
use crate::simd::math::Math;

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
