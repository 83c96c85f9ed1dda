//! Metrics of yes-or-no outputs.

use serde::{Deserialize, Serialize};

use super::{Metric, MetricError, MetricOf, check_lengths, implement_checks, share};
use crate::Real;

/// How often which prediction met which target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryCounts {
    /// Yes, and right.
    pub true_positive: u64,
    /// Yes, and wrong.
    pub false_positive: u64,
    /// No, and wrong.
    pub false_negative: u64,
    /// No, and right.
    pub true_negative: u64,
}

impl BinaryCounts {
    const NONE: Self = BinaryCounts { true_positive: 0, false_positive: 0, false_negative: 0, true_negative: 0 };

    /// How many targets there were.
    pub fn total(&self) -> u64 {
        self.true_positive + self.false_positive + self.false_negative + self.true_negative
    }

    fn count(&mut self, predicted: bool, actual: bool) {
        *match (predicted, actual) {
            (true, true) => &mut self.true_positive,
            (true, false) => &mut self.false_positive,
            (false, true) => &mut self.false_negative,
            (false, false) => &mut self.true_negative,
        } += 1;
    }
}

/// A target that is yes or no.
pub trait Answer: Copy {
    /// Whether it is yes: above a half.
    fn is_yes(self) -> bool;
}

impl Answer for i64 {
    fn is_yes(self) -> bool {
        self > 0
    }
}
impl Answer for f32 {
    fn is_yes(self) -> bool {
        self > 0.5
    }
}
impl Answer for f64 {
    fn is_yes(self) -> bool {
        self > 0.5
    }
}

macro_rules! binary {
    ($(#[$meta:meta])* $metric:ident, $name:literal, $score:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $metric {
            /// The probability above which an output means yes, in [0, 1].
            pub threshold: f64,
            /// Whether outputs are logits, as `BCEWithLogitsLoss` takes them, or probabilities, as `BCELoss`.
            pub logits: bool,
            /// What it has counted.
            pub counts: BinaryCounts,
        }

        impl $metric {
            /// Logits, and a threshold of a half; nothing seen.
            pub const DEFAULT: Self = $metric { threshold: 0.5, logits: true, counts: BinaryCounts::NONE };

            const fn problem(&self) -> Result<(), &'static str> {
                let valid = self.threshold >= 0.0 && self.threshold <= 1.0;
                if valid { Ok(()) } else { Err(concat!(stringify!($metric), ": `threshold` must be from 0 to 1")) }
            }
            /// Any shape will do.
            const fn misfit(&self, _output_shape: &[usize]) -> Result<(), &'static str> {
                Ok(())
            }
        }

        implement_checks!($metric);

        impl Metric for $metric {
            fn name(&self) -> String {
                $name.to_string()
            }
            fn value(&self) -> f64 {
                let score: fn(&BinaryCounts) -> f64 = $score;
                if self.counts.total() == 0 { f64::NAN } else { score(&self.counts) }
            }
            fn reset(&mut self) {
                self.counts = BinaryCounts::NONE;
            }
        }

        impl<T: Real, Y: Answer> MetricOf<T, Y> for $metric {
            fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[Y]) -> Result<(), MetricError> {
                let metric = stringify!($metric);
                check_lengths(metric, shape, outputs.len(), targets.len(), shape.iter().product())?;
                if self.problem().is_err() {
                    let (found, expected) = (self.threshold.to_string(), "from 0 to 1".to_string());
                    return Err(MetricError::Option { metric, option: "threshold", found, expected });
                }
                let bound = match self.logits {
                    true => (self.threshold / (1.0 - self.threshold)).ln(),
                    false => self.threshold,
                };
                for (&output, &target) in outputs.iter().zip(targets) {
                    self.counts.count(output.to_f64() > bound, target.is_yes());
                }
                Ok(())
            }
        }
    };
}

binary! {
    /// The share of outputs that mean the same as their targets.
    ///
    /// An output x means yes if σ(x) > `threshold`, with `logits`, and else if x > `threshold`. A target means yes if
    /// it is above a half. NaN means no.
    ///
    /// # Shapes
    /// `x` and `y` of the same shape, whatever it is: each element is a question of its own.
    ///
    /// # Example
    /// ```
    /// use glulam::metrics::{BinaryAccuracy, Metric, MetricOf};
    /// let mut accuracy = BinaryAccuracy::DEFAULT;
    /// accuracy.update(&[1], &[2.0_f32, -1.0, 0.5], &[1.0_f32, 0.0, 0.0])?;
    /// assert_eq!(accuracy.value(), 2.0 / 3.0);
    /// # Ok::<(), glulam::metrics::MetricError>(())
    /// ```
    ///
    /// # References
    /// `BinaryAccuracy` of torchmetrics, which guesses from their range whether outputs are logits.
    BinaryAccuracy, "binary_accuracy", |counts| share(counts.true_positive + counts.true_negative, counts.total())
}

binary! {
    /// The share of outputs meaning yes that are right; 0 if there are none.
    ///
    /// Options, shapes and meanings are those of [`BinaryAccuracy`].
    ///
    /// # References
    /// `BinaryPrecision` of torchmetrics.
    BinaryPrecision, "binary_precision", |counts| share(
        counts.true_positive, counts.true_positive + counts.false_positive
    )
}

binary! {
    /// The share of targets meaning yes that are found; 0 if there are none.
    ///
    /// Options, shapes and meanings are those of [`BinaryAccuracy`].
    ///
    /// # References
    /// `BinaryRecall` of torchmetrics.
    BinaryRecall, "binary_recall", |counts| share(
        counts.true_positive, counts.true_positive + counts.false_negative
    )
}

binary! {
    /// The harmonic mean of [`BinaryPrecision`] and [`BinaryRecall`]; 0 if nothing is both meant and found.
    ///
    /// Options, shapes and meanings are those of [`BinaryAccuracy`].
    ///
    /// # References
    /// `BinaryF1Score` of torchmetrics.
    BinaryF1Score, "binary_f1", |counts| share(
        2 * counts.true_positive, 2 * counts.true_positive + counts.false_positive + counts.false_negative
    )
}
