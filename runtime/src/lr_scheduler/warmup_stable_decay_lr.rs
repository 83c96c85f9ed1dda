//! WarmupStableDecayLR: up, a long level stretch, and down at the end (WSD, a trapezoid).

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, demand, implement_settings};
use super::{At, Curve, GroupWise, SchedulerError};

/// Raises the rate for `warmup_steps` steps, holds it, and lowers it in the last `decay_steps` steps.
///
/// lrₜ = base_lr · (min_lr_ratio + (1 − min_lr_ratio) · f), where f goes from 0 to 1 along `warmup_type`, is 1, and
/// goes from 1 to 0 along `decay_type`, and stays there. It is computed anew at every step, whatever other schedules
/// do.
///
/// `total_steps` is the length of the run, warm-up and decay included, and not less than the two; where it is not
/// given, it comes from the run ([`set_total_steps`](super::LrScheduler::set_total_steps)). `decay_steps` is 1 or more,
/// and required. `min_lr_ratio` is in [0, 1].
///
/// # Example
/// ```
/// use glulam::lr_scheduler::{Curve, WarmupStableDecayLR, preview};
/// let schedule = WarmupStableDecayLR {
///     warmup_steps: 2,
///     decay_steps: 2,
///     total_steps: 6,
///     decay_type: Curve::Linear,
///     ..WarmupStableDecayLR::DEFAULT
/// };
/// assert_eq!(preview(schedule, 1.0, 6)?, [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]);
/// # Ok::<(), glulam::lr_scheduler::SchedulerError>(())
/// ```
///
/// # References
/// Hu et al., "MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training Strategies", section 4.
/// Not in PyTorch; `get_wsd_schedule` of the library transformers, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WarmupStableDecayLR {
    /// The number of steps up.
    pub warmup_steps: usize,
    /// The number of steps down.
    pub decay_steps: usize,
    /// The number of steps altogether; 0 if it is not given.
    pub total_steps: usize,
    /// The form of the way up.
    pub warmup_type: Curve,
    /// The form of the way down.
    pub decay_type: Curve,
    /// The lowest rate, as a share of the highest.
    pub min_lr_ratio: f64,
}

impl WarmupStableDecayLR {
    /// Up along a line, down along a cosine wave to zero; `decay_steps` is required.
    pub const DEFAULT: Self = WarmupStableDecayLR {
        warmup_steps: 0,
        decay_steps: 0,
        total_steps: 0,
        warmup_type: Curve::Linear,
        decay_type: Curve::Cosine,
        min_lr_ratio: 0.0,
    };

    const fn fault(&self) -> Option<Fault> {
        let (ways, total) = (self.warmup_steps.saturating_add(self.decay_steps), self.total_steps);
        demand!(
            WarmupStableDecayLR,
            decay_steps = self.decay_steps,
            self.decay_steps > 0,
            "1 or more (it is required)"
        );
        let long = total == 0 || total >= ways;
        demand!(
            WarmupStableDecayLR,
            total_steps = total,
            long,
            "no less than `warmup_steps` and `decay_steps` together"
        );
        let low = self.min_lr_ratio;
        demand!(WarmupStableDecayLR, min_lr_ratio = low, low >= 0.0 && low <= 1.0, "from 0 to 1");
        None
    }
}

implement_settings!(WarmupStableDecayLR);

impl GroupWise for WarmupStableDecayLR {
    const CLASS: &'static str = "WarmupStableDecayLR";

    fn check_options(&self) -> Result<(), SchedulerError> {
        Fault::check(self.fault())?;
        if self.total_steps == 0 { Err(SchedulerError::unknown_total(Self::CLASS)) } else { Ok(()) }
    }
    fn rate(&self, at: At, _group: usize, base_lr: f64, _lr: f64) -> f64 {
        let (step, warm, total) = (at.step as f64, self.warmup_steps as f64, self.total_steps as f64);
        let factor = if step < warm {
            up(self.warmup_type, step / warm)
        } else {
            let decay = self.decay_steps as f64;
            down(self.decay_type, ((step - (total - decay)) / decay).clamp(0.0, 1.0))
        };
        base_lr * (factor * (1.0 - self.min_lr_ratio) + self.min_lr_ratio)
    }
    fn own_length(&self) -> Option<usize> {
        (self.total_steps > 0).then_some(self.total_steps)
    }
    fn set_own_length(&mut self, steps: usize) {
        if self.total_steps == 0 {
            self.total_steps = steps;
        }
    }
}

/// From 0 to 1, after a share of the way.
fn up(curve: Curve, share: f64) -> f64 {
    match curve {
        Curve::Linear => share,
        Curve::Cosine => 0.5 * (1.0 - (PI * share).cos()),
        Curve::OneMinusSqrt => 1.0 - (1.0 - share).sqrt(),
    }
}

/// From 1 to 0, after a share of the way.
fn down(curve: Curve, share: f64) -> f64 {
    match curve {
        Curve::Linear => 1.0 - share,
        Curve::Cosine => 0.5 * (1.0 + (PI * share).cos()),
        Curve::OneMinusSqrt => 1.0 - share.sqrt(),
    }
}
