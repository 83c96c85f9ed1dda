//! What a run shows while it goes on: a bar on a terminal, and a line for each epoch.

use std::io::{self, IsTerminal, Write};
#[cfg(feature = "progress")]
use std::time::Duration;
use std::time::Instant;

use super::EpochRecord;
use super::callbacks::StepRecord;

/// What `fit` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// A bar if the standard error is a terminal, and a line for each epoch on the standard output.
    #[default]
    Auto,
    /// A line for each epoch.
    Lines,
    /// Nothing.
    Silent,
}

/// How often the bar is drawn.
#[cfg(feature = "progress")]
const INTERVAL: Duration = Duration::from_millis(100);

/// The display of one run.
pub(crate) struct Display {
    progress: Progress,
    epochs: Option<usize>,
    #[cfg(feature = "progress")]
    bar: Option<indicatif::ProgressBar>,
    drawn: Instant,
}

impl Display {
    /// A display for a run of so many `epochs`, if that is known.
    pub(crate) fn new(progress: Progress, epochs: Option<usize>) -> Self {
        Display {
            progress,
            epochs,
            #[cfg(feature = "progress")]
            bar: None,
            drawn: Instant::now(),
        }
    }

    /// Begins epoch `epoch`, of which `done` of `batches` batches have been trained.
    pub(crate) fn begin(&mut self, epoch: usize, batches: usize, done: usize) {
        self.drawn = Instant::now();
        if self.progress == Progress::Auto && io::stderr().is_terminal() {
            self.show(epoch, batches, done);
        }
    }

    #[cfg(feature = "progress")]
    fn show(&mut self, epoch: usize, batches: usize, done: usize) {
        let style = indicatif::ProgressStyle::with_template("{prefix} [{bar:24}] {pos}/{len}  {msg}  {eta} left");
        let style = style.expect("the template is valid").progress_chars("=> ");
        let bar = indicatif::ProgressBar::new(batches as u64).with_style(style).with_prefix(self.name(epoch));
        bar.set_position(done as u64);
        self.bar = Some(bar);
    }

    #[cfg(not(feature = "progress"))]
    fn show(&mut self, _epoch: usize, _batches: usize, _done: usize) {}

    /// After the batch number `done` of the epoch. `loss` is the mean over the epoch so far.
    pub(crate) fn step(&mut self, _step: &StepRecord, _done: usize, _loss: f64) {
        #[cfg(feature = "progress")]
        if let Some(bar) = &self.bar
            && self.drawn.elapsed() >= INTERVAL
        {
            self.drawn = Instant::now();
            bar.set_position(_done as u64);
            bar.set_message(format!("loss {_loss:.4}  lr {:.3e}", _step.lr));
        }
    }

    /// After an epoch and its validation.
    pub(crate) fn end(&mut self, epoch: &EpochRecord) {
        #[cfg(feature = "progress")]
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.progress == Progress::Silent {
            return;
        }
        let mut line = format!("{}  train loss {:.4}", self.name(epoch.epoch), epoch.train_loss);
        for (name, value) in &epoch.train_metrics {
            line.push_str(&format!("  {name} {value:.4}"));
        }
        if let Some(loss) = epoch.val_loss {
            line.push_str(&format!("  val loss {loss:.4}"));
        }
        for (name, value) in &epoch.val_metrics {
            line.push_str(&format!("  val {name} {value:.4}"));
        }
        if epoch.batches_without_targets > 0 {
            line.push_str(&format!("  {} batches without a target that counts", epoch.batches_without_targets));
        }
        let rate = epoch.samples_per_second;
        // Whoever has closed the standard output wants no lines; the run goes on all the same.
        let _ = writeln!(io::stdout(), "{line}  lr {:.3e}  {rate:.0} samples/s  {:.2} s", epoch.lr, epoch.seconds);
    }

    /// A run was resumed that callback `by` has ended after epoch `epoch`.
    pub(crate) fn is_over(&self, by: &str, epoch: usize) {
        if self.progress != Progress::Silent {
            let text =
                format!("the run is over: {by} has ended it after epoch {epoch}; `.go_on()` on its `Fit` trains on");
            let _ = writeln!(io::stdout(), "{text}");
        }
    }

    /// `epoch  3/10`.
    fn name(&self, epoch: usize) -> String {
        match self.epochs {
            Some(epochs) => {
                let width = epochs.to_string().len();
                format!("epoch {epoch:width$}/{epochs}")
            }
            None => format!("epoch {epoch}"),
        }
    }
}
