//! Shares of a batch for several threads.

/// Something with rows that can be shared out: a slice of samples, the values of a workspace.
pub trait Split: Sized + Send {
    /// The number of rows.
    fn rows(&self) -> usize;
    /// The first `rows` rows, and the rest.
    fn split_at(self, rows: usize) -> (Self, Self);
}

impl<S: Sync> Split for &[S] {
    fn rows(&self) -> usize {
        self.len()
    }
    fn split_at(self, rows: usize) -> (Self, Self) {
        <[S]>::split_at(self, rows)
    }
}

impl<S: Send> Split for &mut [S] {
    fn rows(&self) -> usize {
        self.len()
    }
    fn split_at(self, rows: usize) -> (Self, Self) {
        self.split_at_mut(rows)
    }
}
