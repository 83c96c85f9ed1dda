//! ConfusionMatrix: which class was taken for which.

use serde::{Deserialize, Serialize};

use super::classes::{Axes, each_position, misfit};
use super::{ConfusionTable, Metric, MetricError, MetricOf, implement_checks, share};
use crate::Real;

/// How often a target of each class was predicted as each class; the predicted class is that with the highest score.
///
/// Its value is the accuracy. [`report`](Self::report) has precision, recall and F1 of each class, and `{}` prints the
/// whole as a table.
///
/// # Shapes
/// As of [`Accuracy`](super::Accuracy).
///
/// # Example
/// ```
/// use glulam::metrics::{ConfusionMatrix, MetricOf};
/// let mut matrix = ConfusionMatrix { class_names: &["cat", "dog"], ..ConfusionMatrix::DEFAULT };
/// matrix.update(&[2], &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4], &[0, 1, 1])?;
/// assert_eq!([matrix.count(0, 0), matrix.count(0, 1)], [1, 0]); // cats
/// assert_eq!([matrix.count(1, 0), matrix.count(1, 1)], [1, 1]); // dogs, of which one was taken for a cat
/// assert_eq!((matrix.report(0).precision, matrix.report(1).recall), (0.5, 0.5));
/// println!("{matrix}");
/// # Ok::<(), glulam::metrics::MetricError>(())
/// ```
///
/// # References
/// `MulticlassConfusionMatrix` of torchmetrics: rows are true classes, columns predicted ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// The names of the classes, for the table; their numbers stand in where there is none.
    #[serde(skip)]
    pub class_names: &'static [&'static str],
    /// A target that counts for nothing, such as padding.
    pub ignore_index: i64,
    /// The axis of the classes, the batch being axis 0.
    pub dim: isize,
    /// The number of classes; 0 before the first update.
    pub classes: usize,
    /// The counts, row by row, a row for each true class.
    pub counts: Vec<u64>,
}

/// How well one class is predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassReport {
    /// The share of the predictions of this class that are right; 0 if there are none.
    pub precision: f64,
    /// The share of the targets of this class that are predicted; 0 if there are none.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// The number of targets of this class.
    pub support: u64,
}

impl ConfusionMatrix {
    /// No names, −100 ignored, classes along axis 1; nothing seen.
    pub const DEFAULT: Self =
        ConfusionMatrix { class_names: &[], ignore_index: -100, dim: 1, classes: 0, counts: Vec::new() };

    const fn problem(&self) -> Result<(), &'static str> {
        Ok(())
    }
    const fn misfit(&self, output_shape: &[usize]) -> Result<(), &'static str> {
        misfit(output_shape, self.dim)
    }

    /// How many targets of class `actual` were predicted as `predicted`.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        assert!(predicted < self.classes, "class {predicted} of {}", self.classes);
        self.counts[actual * self.classes + predicted]
    }

    /// The number of targets of a class.
    pub fn support(&self, class: usize) -> u64 {
        (0..self.classes).map(|predicted| self.count(class, predicted)).sum()
    }

    /// How often a class was predicted.
    pub fn predictions(&self, class: usize) -> u64 {
        (0..self.classes).map(|actual| self.count(actual, class)).sum()
    }

    /// The number of all targets.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The number of targets that were predicted right.
    pub fn correct(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    /// Precision, recall and F1 of a class.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn report(&self, class: usize) -> ClassReport {
        let (right, support, predictions) = (self.count(class, class), self.support(class), self.predictions(class));
        ClassReport {
            precision: share(right, predictions),
            recall: share(right, support),
            f1: share(2 * right, support + predictions),
            support,
        }
    }

    /// The table that `{}` prints, with names that only the run knows.
    pub fn table<'a>(&'a self, class_names: &'a [String]) -> ConfusionTable<'a> {
        ConfusionTable::new(self, class_names.iter().map(String::as_str).collect())
    }
}

implement_checks!(ConfusionMatrix);

impl Metric for ConfusionMatrix {
    fn name(&self) -> String {
        "confusion_matrix".to_string()
    }
    /// The accuracy.
    fn value(&self) -> f64 {
        self.correct() as f64 / self.total() as f64
    }
    fn reset(&mut self) {
        self.counts.fill(0);
    }
}

impl<T: Real> MetricOf<T, i64> for ConfusionMatrix {
    fn update(&mut self, shape: &[usize], outputs: &[T], targets: &[i64]) -> Result<(), MetricError> {
        let classes = Axes::of("ConfusionMatrix", shape, self.dim)?.classes;
        if self.classes != classes {
            if self.total() > 0 {
                let (metric, found, expected) = ("ConfusionMatrix", classes, self.classes);
                return Err(MetricError::Changed { metric, what: "classes", found, expected });
            }
            self.classes = classes;
            self.counts = vec![0; classes * classes];
        }
        let counts = &mut self.counts;
        each_position("ConfusionMatrix", (shape, self.dim), outputs, targets, self.ignore_index, |scores, class| {
            counts[class * classes + scores.argmax()] += 1;
        })
    }
}
