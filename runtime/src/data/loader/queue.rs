//! Batches on their way from the thread that reads ahead. Unlike a channel of the standard library it never allocates
//! after it has been made, not even where a thread has to wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// One end of a queue between two threads. When one end is dropped, the other one notices.
pub(crate) struct End<B>(Arc<Queue<B>>);

struct Queue<B> {
    state: Mutex<State<B>>,
    /// Only one thread can wait: the one for a batch, while there is none, or the other for a place, while there is
    /// none.
    changed: Condvar,
    capacity: usize,
}

struct State<B> {
    ready: VecDeque<B>,
    closed: bool,
}

/// Both ends of a queue of at most `capacity` batches.
pub(crate) fn queue<B>(capacity: usize) -> (End<B>, End<B>) {
    let state = Mutex::new(State { ready: VecDeque::with_capacity(capacity), closed: false });
    let queue = Arc::new(Queue { state, changed: Condvar::new(), capacity });
    (End(Arc::clone(&queue)), End(queue))
}

impl<B> End<B> {
    /// Waits until there is a place, and fills it. False: the other end is gone.
    pub(crate) fn push(&self, batch: B) -> bool {
        let mut state = self.wait_while(|state| state.ready.len() == self.0.capacity && !state.closed);
        if state.closed {
            return false;
        }
        state.ready.push_back(batch);
        // Whoever waits for a batch has found none.
        let first = state.ready.len() == 1;
        drop(state);
        if first {
            self.0.changed.notify_one();
        }
        true
    }

    /// Waits for a batch. `None`: there are no more, and the other end is gone.
    pub(crate) fn pop(&self) -> Option<B> {
        let mut state = self.wait_while(|state| state.ready.is_empty() && !state.closed);
        let batch = state.ready.pop_front();
        // Whoever waits for a place sleeps until half of them are free: waking a thread takes the one that does it as long
        // as a small step, so it had better be for several batches. After unlocking, or the other would wait again.
        let half = batch.is_some() && state.ready.len() == self.0.capacity / 2;
        drop(state);
        if half {
            self.0.changed.notify_one();
        }
        batch
    }

    fn wait_while(&self, condition: impl Fn(&State<B>) -> bool) -> MutexGuard<'_, State<B>> {
        // Nothing panics while it is locked.
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.changed.wait_while(state, |state| condition(state)).unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Drop for End<B> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_comes_out_in_order_and_then_the_end() {
        for capacity in [1, 2, 7] {
            let (writer, reader) = queue(capacity);
            let thread = std::thread::spawn(move || (0..1000).all(|i| writer.push(i)));
            let read: Vec<i32> = std::iter::from_fn(|| reader.pop()).collect();
            assert_eq!(read, (0..1000).collect::<Vec<_>>());
            assert!(thread.join().unwrap());
        }
    }

    #[test]
    fn nothing_can_be_pushed_when_nobody_reads_any_more() {
        let (writer, reader) = queue(1);
        assert!(writer.push(1));
        let thread = std::thread::spawn(move || writer.push(2));
        drop(reader);
        assert!(!thread.join().unwrap());
    }
}
