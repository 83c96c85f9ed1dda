//! A table of the epochs in a file.

use std::fs::OpenOptions;
use std::path::PathBuf;

use super::{Callback, Running};
use crate::train::{EpochRecord, TrainError};

/// Writes the numbers of each epoch as a line of a CSV file, with their names in the first line.
///
/// A run begins the file anew; one that was resumed writes the epochs before it again, so that the file is that of the
/// whole run.
///
/// # Example
/// ```
/// use glulam::train::CsvLog;
/// let log = CsvLog::new("run.csv");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CsvLog {
    /// The file.
    pub path: PathBuf,
}

impl CsvLog {
    /// Writes to this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        CsvLog { path: path.into() }
    }

    fn write(&self, epochs: &[EpochRecord], from_start: bool) -> Result<(), TrainError> {
        let failed = |source: csv::Error| TrainError::io(&self.path, source.into());
        let mut options = OpenOptions::new();
        let options = options.create(true).write(true).truncate(from_start).append(!from_start);
        let file = options.open(&self.path).map_err(|source| TrainError::io(&self.path, source))?;
        let mut writer = csv::Writer::from_writer(file);
        for (number, epoch) in epochs.iter().enumerate() {
            if from_start && number == 0 {
                let names = epoch.columns().map(|(name, _)| name);
                writer
                    .write_record(["epoch".to_owned(), "steps".to_owned()].into_iter().chain(names))
                    .map_err(failed)?;
            }
            let values = epoch.columns().map(|(_, value)| value.to_string());
            let fields = [epoch.epoch.to_string(), epoch.steps.to_string()].into_iter().chain(values);
            writer.write_record(fields).map_err(failed)?;
        }
        writer.flush().map_err(|source| TrainError::io(&self.path, source))
    }
}

impl Callback for CsvLog {
    fn on_begin(&mut self, run: &mut dyn Running) -> Result<(), TrainError> {
        self.write(&run.history().epochs, true)
    }

    fn on_epoch(&mut self, epoch: &EpochRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        // The names are known with the first epoch.
        let first = run.history().epochs.is_empty();
        self.write(std::slice::from_ref(epoch), first)
    }
}
