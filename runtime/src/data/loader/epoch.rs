//! One pass over the data, and its batches.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::super::{Batch, DataError, Dataset};
use super::DataLoader;
use super::queue::{End, queue};
use super::reader::Reader;

/// The batches of an epoch. Made by `for batch in &loader`.
pub struct Epoch<'a, D: Dataset> {
    loader: &'a DataLoader<D>,
    source: Source<D>,
    left: usize,
    run: u64,
    failed: bool,
}

enum Source<D: Dataset> {
    /// Read when it is asked for.
    Here(Reader<Arc<D>>),
    /// Read ahead.
    Thread(End<Batch<D::Input, D::Target>>, JoinHandle<()>),
    Failed(DataError),
    Ended,
}

impl<'a, D: Dataset + 'static> Epoch<'a, D> {
    pub(super) fn new(loader: &'a DataLoader<D>, reader: Reader<Arc<D>>, run: u64) -> Self {
        let left = reader.batches();
        // A single batch gains nothing from a thread.
        let source =
            if loader.prefetch == 0 || left < 2 { Source::Here(reader) } else { ahead(reader, loader.prefetch) };
        Epoch { loader, source, left, run, failed: false }
    }

    /// An epoch that cannot be read at all.
    pub(super) fn failed(loader: &'a DataLoader<D>, error: DataError, run: u64) -> Self {
        Epoch { loader, source: Source::Failed(error), left: 1, run, failed: false }
    }
}

/// Starts the thread that reads up to `batches` batches ahead.
fn ahead<D: Dataset + 'static>(reader: Reader<Arc<D>>, batches: usize) -> Source<D> {
    let (writer, batches) = queue(batches);
    let read = move || {
        for batch in reader {
            // Nobody waits any more: the epoch was left early.
            if !writer.push(batch) {
                break;
            }
        }
    };
    match thread::Builder::new().name("glulam-loader".to_owned()).spawn(read) {
        Ok(thread) => Source::Thread(batches, thread),
        Err(error) => Source::Failed(DataError::Thread(Arc::new(error))),
    }
}

impl<D: Dataset> Epoch<'_, D> {
    fn next_batch(&mut self) -> Option<Batch<D::Input, D::Target>> {
        match &mut self.source {
            Source::Here(reader) => reader.next(),
            Source::Thread(batches, _) => batches.pop(),
            Source::Failed(error) => {
                let mut batch = Batch::of(&self.loader.pool);
                batch.fail(error.clone());
                Some(batch)
            }
            Source::Ended => None,
        }
    }

    /// Stops the thread and waits for it. Returns what it panicked with, if it did.
    fn stop(&mut self) -> thread::Result<()> {
        match std::mem::replace(&mut self.source, Source::Ended) {
            Source::Thread(batches, thread) => {
                // The thread sees that nobody waits for it.
                drop(batches);
                thread.join()
            }
            _ => Ok(()),
        }
    }
}

impl<D: Dataset> Iterator for Epoch<'_, D> {
    type Item = Batch<D::Input, D::Target>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch();
        self.failed |= batch.as_ref().is_some_and(|batch| batch.check().is_err());
        if (batch.is_none() || self.failed)
            && let Err(panic) = self.stop()
        {
            // The dataset has panicked, on another thread.
            resume_unwind(panic);
        }
        self.left = if self.failed { 0 } else { self.left.saturating_sub(1) };
        let mut progress = self.loader.progress();
        if progress.run == self.run {
            match &batch {
                Some(batch) => progress.state.position += batch.len,
                // An epoch ends once, and not at an error.
                None if progress.begun && !self.failed => {
                    progress.state.epoch += 1;
                    progress.state.position = 0;
                    progress.begun = false;
                }
                None => {}
            }
        }
        drop(progress);
        batch
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<D: Dataset> ExactSizeIterator for Epoch<'_, D> {}

impl<D: Dataset> Drop for Epoch<'_, D> {
    fn drop(&mut self) {
        // A panic while reading what nobody has asked for yet is nobody's concern.
        let _ = self.stop();
    }
}

impl<D: Dataset> fmt::Debug for Epoch<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epoch").field("loader", self.loader).field("left", &self.left).finish_non_exhaustive()
    }
}
