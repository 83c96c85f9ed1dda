//! Precision, recall and F1 over several classes.

use serde::{Deserialize, Serialize};

use super::classes::{Axes, each_position, misfit};
use super::{Metric, MetricError, MetricOf, implement_checks, share};
use crate::Real;

/// How the scores of single classes become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Average {
    /// Their mean, over the classes that were predicted or meant at least once.
    #[default]
    Macro,
    /// The score of all targets together: with one class for each target, the accuracy.
    Micro,
    /// Their mean, weighted by the number of targets of each class.
    Weighted,
}

impl std::str::FromStr for Average {
    type Err = MetricError;
    fn from_str(name: &str) -> Result<Self, MetricError> {
        match name {
            "macro" => Ok(Average::Macro),
            "micro" => Ok(Average::Micro),
            "weighted" => Ok(Average::Weighted),
            _ => Err(MetricError::Option {
                metric: "Average",
                option: "average",
                found: format!("{name:?}"),
                expected: "\"macro\", \"micro\" or \"weighted\"".to_string(),
            }),
        }
    }
}

/// What was counted of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// How many targets it has.
    pub actual: u64,
    /// How often it was predicted.
    pub predicted: u64,
    /// How often both.
    pub right: u64,
}

/// The average of a score over classes.
fn average(average: Average, counts: &[ClassCount], score: impl Fn(&ClassCount) -> f64) -> f64 {
    let weigh = |weight: &dyn Fn(&ClassCount) -> u64| {
        let total: u64 = counts.iter().map(weight).sum();
        counts.iter().map(|count| score(count) * weight(count) as f64).sum::<f64>() / total as f64
    };
    match average {
        Average::Macro => weigh(&|count| u64::from(count.actual + count.predicted > 0)),
        Average::Weighted => weigh(&|count| count.actual),
        Average::Micro => {
            let sum = |a: ClassCount, b: &ClassCount| ClassCount {
                actual: a.actual + b.actual,
                predicted: a.predicted + b.predicted,
                right: a.right + b.right,
            };
            let all = counts.iter().fold(ClassCount::default(), sum);
            if all.actual == 0 { f64::NAN } else { score(&all) }
        }
    }
}

macro_rules! class_score {
    ($(#[$meta:meta])* $metric:ident, $name:literal, $score:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $metric {
            /// How the scores of single classes become one number.
            pub average: Average,
            /// A target that counts for nothing, such as padding.
            pub ignore_index: i64,
            /// The axis of the classes, the batch being axis 0.
            pub dim: isize,
            /// What it has counted of each class.
            pub counts: Vec<ClassCount>,
        }

        impl $metric {
            /// The mean over classes, −100 ignored, classes along axis 1; nothing seen.
            pub const DEFAULT: Self =
                $metric { average: Average::Macro, ignore_index: -100, dim: 1, counts: Vec::new() };

            const fn problem(&self) -> Result<(), &'static str> {
                Ok(())
            }
            const fn misfit(&self, output_shape: &[usize]) -> Result<(), &'static str> {
                misfit(output_shape, self.dim)
            }
        }

        implement_checks!($metric);

        impl Metric for $metric {
            fn name(&self) -> String {
                $name.to_string()
            }
            fn value(&self) -> f64 {
                average(self.average, &self.counts, $score)
            }
            fn reset(&mut self) {
                self.counts.fill(ClassCount::default());
            }
        }

        impl<T: Real> MetricOf<T, i64> for $metric {
            fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[i64]) -> Result<(), MetricError> {
                let metric = stringify!($metric);
                let classes = Axes::of(metric, shape, self.dim)?.classes;
                if self.counts.len() != classes {
                    if self.counts.iter().any(|count| count.actual > 0) {
                        let (found, expected) = (classes, self.counts.len());
                        return Err(MetricError::Changed { metric, what: "classes", found, expected });
                    }
                    self.counts = vec![ClassCount::default(); classes];
                }
                let counts = &mut self.counts;
                each_position(metric, (shape, self.dim), outputs, targets, self.ignore_index, |scores, class| {
                    let predicted = scores.argmax();
                    counts[class].actual += 1;
                    counts[predicted].predicted += 1;
                    counts[class].right += u64::from(class == predicted);
                })
            }
        }
    };
}

class_score! {
    /// How many of the predictions of a class are right, averaged over the classes.
    ///
    /// precision = right / predicted, and 0 of a class that was never predicted.
    ///
    /// # Shapes
    /// As of [`Accuracy`](super::Accuracy).
    ///
    /// # Example
    /// ```
    /// use glulam::metrics::{Metric, MetricOf, Precision};
    /// let mut precision = Precision::DEFAULT;
    /// precision.update(&[2], &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4], &[0, 1, 1])?; // predicted: 0, 1, 0
    /// assert_eq!(precision.value(), (0.5 + 1.0) / 2.0);
    /// # Ok::<(), glulam::metrics::MetricError>(())
    /// ```
    ///
    /// # References
    /// `MulticlassPrecision` of torchmetrics.
    Precision, "precision", |count| share(count.right, count.predicted)
}

class_score! {
    /// How many of the targets of a class are predicted, averaged over the classes.
    ///
    /// recall = right / actual, and 0 of a class without targets. Its mean over the classes is the balanced accuracy.
    ///
    /// # Shapes
    /// As of [`Accuracy`](super::Accuracy).
    ///
    /// # Example
    /// ```
    /// use glulam::metrics::{Metric, MetricOf, Recall};
    /// let mut recall = Recall::DEFAULT;
    /// recall.update(&[2], &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4], &[0, 1, 1])?; // predicted: 0, 1, 0
    /// assert_eq!(recall.value(), (1.0 + 0.5) / 2.0);
    /// # Ok::<(), glulam::metrics::MetricError>(())
    /// ```
    ///
    /// # References
    /// `MulticlassRecall` of torchmetrics.
    Recall, "recall", |count| share(count.right, count.actual)
}

class_score! {
    /// The harmonic mean of precision and recall of a class, averaged over the classes.
    ///
    /// F1 = 2 · right / (actual + predicted), and 0 of a class that is never right.
    ///
    /// # Shapes
    /// As of [`Accuracy`](super::Accuracy).
    ///
    /// # Example
    /// ```
    /// use glulam::metrics::{Average, F1Score, Metric, MetricOf};
    /// let mut f1 = F1Score { average: Average::Weighted, ..F1Score::DEFAULT };
    /// f1.update(&[2], &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4], &[0, 1, 1])?; // predicted: 0, 1, 0
    /// assert!((f1.value() - 2.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), glulam::metrics::MetricError>(())
    /// ```
    ///
    /// # References
    /// `MulticlassF1Score` of torchmetrics.
    F1Score, "f1", |count| share(2 * count.right, count.actual + count.predicted)
}
