//! A confusion matrix as a table to be read.

use std::fmt;

use super::ConfusionMatrix;

/// A confusion matrix with names of its classes; `{}` prints it.
///
/// One row for each true class: how often it was taken for which (columns are numbered), and its precision, recall, F1
/// and number of targets.
#[derive(Clone, Debug)]
pub struct ConfusionTable<'a> {
    matrix: &'a ConfusionMatrix,
    names: Vec<&'a str>,
}

impl<'a> ConfusionTable<'a> {
    pub(super) fn new(matrix: &'a ConfusionMatrix, names: Vec<&'a str>) -> Self {
        ConfusionTable { matrix, names }
    }

    fn label(&self, class: usize) -> String {
        match self.names.get(class) {
            Some(name) => format!("{class} {name}"),
            None => class.to_string(),
        }
    }
}

impl fmt::Display for ConfusionTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matrix = self.matrix;
        if matrix.classes == 0 {
            return f.write_str("nothing seen yet");
        }
        let labels: Vec<String> = (0..matrix.classes).map(|class| self.label(class)).collect();
        let first = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max("actual".len());
        let largest = matrix.counts.iter().max().copied().unwrap_or(0);
        let width = largest.to_string().len().max((matrix.classes - 1).to_string().len()) + 1;

        write!(f, "{:first$} |", "actual")?;
        for class in 0..matrix.classes {
            write!(f, "{class:>width$}")?;
        }
        writeln!(f, " | precision recall     f1 support")?;
        writeln!(f, "{:-<first$}-+{:-<columns$}-+{:-<32}", "", "", "", columns = width * matrix.classes)?;
        for (actual, label) in labels.iter().enumerate() {
            write!(f, "{label:first$} |")?;
            for predicted in 0..matrix.classes {
                write!(f, "{:>width$}", matrix.count(actual, predicted))?;
            }
            let report = matrix.report(actual);
            write!(f, " | {:>9.3} {:>6.3} {:>6.3}", report.precision, report.recall, report.f1)?;
            writeln!(f, " {:>7}", report.support)?;
        }
        let (right, total) = (matrix.correct(), matrix.total());
        write!(f, "accuracy {:.4} ({right} of {total})", right as f64 / total as f64)
    }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ConfusionTable::new(self, self.class_names.to_vec()).fmt(f)
    }
}
