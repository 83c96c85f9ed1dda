//! A pool of threads that wait for work spinning, for a little while, and then asleep.
//!
//! One job at a time: a function that any number of threads may run at once, each taking shares of the work until none
//! is left. The caller runs it too, and does everything alone if no other thread comes in time (its processor may be
//! busy with something else), so nobody ever waits for a thread that has not begun.
//!
//! Why not a library: a training step of a small network takes 50 to 100 µs and meets twice. `rayon::join` of two empty
//! tasks took 10 µs (median) on the machine described in BENCHMARKS.md, this pool takes less than 1 µs while its threads
//! spin. A second thread that asks for the pool while it is busy, or a job within a job, is told so and goes on alone.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::scratch::{self, Scratch};

/// How long a thread without work spins before it sleeps. Waking takes the system 5 to 50 µs and costs the waker a call
/// of 1 or 2 µs; between two steps of a small network there are some microseconds.
const SPIN: Duration = Duration::from_micros(60);

/// What the threads run. The lifetime is a lie, which [`Pool::run`] makes good.
type Job = &'static (dyn Fn() + Sync);

pub(super) struct Pool {
    /// The number of the current or last job. Changes tell spinning threads that there is one.
    number: AtomicU64,
    board: Mutex<Board>,
    /// How many threads are running the job, the caller not counted.
    running: AtomicUsize,
    /// The last panic of a thread in the current job.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Whether somebody uses the pool.
    busy: AtomicBool,
    /// How often a thread other than the caller took part in a job.
    helped: AtomicU64,
    /// How many threads have begun to serve.
    born: AtomicUsize,
}

struct Board {
    job: Option<Job>,
    /// How many more threads may take it.
    wanted: usize,
    /// The threads of the pool.
    threads: Vec<Helper>,
}

struct Helper {
    thread: Thread,
    asleep: bool,
    /// More scratch memory for it, from its next job on.
    scratch: Option<Scratch>,
}

pub(super) static POOL: Pool = Pool {
    number: AtomicU64::new(0),
    board: Mutex::new(Board { job: None, wanted: 0, threads: Vec::new() }),
    running: AtomicUsize::new(0),
    panic: Mutex::new(None),
    busy: AtomicBool::new(false),
    helped: AtomicU64::new(0),
    born: AtomicUsize::new(0),
};

/// A panic never happens while a lock is held, so what a poisoned one guards is as good as ever.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Runs `job` on the calling thread and on up to `helpers` others at once, and returns when all have. If the pool is
    /// busy, on the calling thread alone.
    ///
    /// A panic of any of them is passed on.
    pub(super) fn run(&'static self, helpers: usize, job: &(dyn Fn() + Sync)) {
        if self.busy.swap(true, Ordering::Acquire) {
            return job();
        }
        // SAFETY: only the lifetime changes. A thread gets at the job through the board alone, and counts itself in
        // `running` before it lets go of the board's lock. `Closing`, which is dropped on every way out of this function,
        // takes the job off the board under the lock and then waits until `running` is zero, so no thread has the job
        // when the borrow ends.
        let job_for_all = unsafe { std::mem::transmute::<&(dyn Fn() + Sync), Job>(job) };
        let mut closing = Closing { pool: self, finished: false };
        self.publish(helpers, job_for_all);
        job();
        closing.finished = true;
        drop(closing);
        scratch::catch_up();
        let panic = lock(&self.panic).take();
        self.busy.store(false, Ordering::Release);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn publish(&'static self, helpers: usize, job: Job) {
        let mut board = lock(&self.board);
        let before = board.threads.len();
        while board.threads.len() < helpers {
            let index = board.threads.len();
            // Where no thread can be had, those that there are do the work.
            let Ok(handle) = thread::Builder::new().name(format!("glulam-{index}")).spawn(move || self.serve(index))
            else {
                break;
            };
            board.threads.push(Helper { thread: handle.thread().clone(), asleep: false, scratch: None });
        }
        if board.threads.len() > before {
            // What a new thread allocates for itself belongs to this step, not to a later one.
            let threads = board.threads.len();
            drop(board);
            while self.born.load(Ordering::Acquire) < threads {
                thread::yield_now();
            }
            board = lock(&self.board);
        }
        board.job = Some(job);
        board.wanted = helpers;
        // Relaxed: the board's lock orders everything else.
        self.number.fetch_add(1, Ordering::Relaxed);
        for helper in board.threads.iter_mut().take(helpers).filter(|helper| helper.asleep) {
            helper.asleep = false;
            helper.thread.unpark();
        }
    }

    /// Gives every thread of the pool as much scratch memory as any thread has needed.
    pub(super) fn equip(&self) {
        lock(&self.board).threads.iter_mut().for_each(|helper| helper.scratch = Some(scratch::make()));
    }

    /// What thread `index` of the pool does, for ever.
    fn serve(&'static self, index: usize) {
        scratch::catch_up();
        self.born.fetch_add(1, Ordering::Release);
        let mut seen = 0;
        loop {
            self.wait_for_work(index, seen);
            let job = {
                let mut board = lock(&self.board);
                // Several jobs may have come and gone in the meantime; this one is the current.
                seen = self.number.load(Ordering::Relaxed);
                if board.wanted == 0 || board.job.is_none() {
                    continue;
                }
                board.wanted -= 1;
                if let Some(scratch) = board.threads[index].scratch.take() {
                    scratch::equip(scratch);
                }
                self.running.fetch_add(1, Ordering::Relaxed);
                board.job
            };
            if let Some(job) = job {
                self.helped.fetch_add(1, Ordering::Relaxed);
                if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
                    let earlier = lock(&self.panic).replace(panic);
                    discard(earlier);
                }
            }
            self.running.fetch_sub(1, Ordering::Release);
        }
    }

    /// Returns when a job newer than `seen` has been published.
    fn wait_for_work(&self, index: usize, seen: u64) {
        let begin = Instant::now();
        loop {
            // Reading the clock takes longer than a look at the number.
            for _ in 0..64 {
                if self.number.load(Ordering::Relaxed) != seen {
                    return;
                }
                std::hint::spin_loop();
            }
            if begin.elapsed() < SPIN {
                continue;
            }
            let mut board = lock(&self.board);
            // Under the lock no job can be published: either it is there already, or its publisher will find us asleep.
            if self.number.load(Ordering::Relaxed) != seen {
                return;
            }
            board.threads[index].asleep = true;
            drop(board);
            thread::park();
        }
    }

    /// How often a thread other than the caller has taken part in a job.
    pub(super) fn helped(&self) -> u64 {
        self.helped.load(Ordering::Relaxed)
    }
}

/// Drops what a panic has thrown and nobody will catch. Its own drop may panic: that must neither end a thread that others
/// wait for nor come on top of another panic.
fn discard(panic: Option<Box<dyn Any + Send>>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // It may be one more of the kind.
        std::mem::forget(another);
    }
}

/// Ends the current job: nobody begins it any more, and whoever has begun it is waited for.
struct Closing {
    pool: &'static Pool,
    /// The caller's own share has not panicked. The thread may be unwinding all the same: a step in a `Drop`.
    finished: bool,
}

impl Drop for Closing {
    fn drop(&mut self) {
        lock(&self.pool.board).job = None;
        let mut looks = 0u32;
        // Acquire: what the threads wrote is seen by what comes after.
        while self.pool.running.load(Ordering::Acquire) > 0 {
            looks += 1;
            // A thread that is not done after some 50 µs has perhaps lost its processor: it may want this one.
            if looks.is_multiple_of(1024) { thread::yield_now() } else { std::hint::spin_loop() }
        }
        if !self.finished {
            // The caller's panic is on its way, and is the one that counts.
            let other = lock(&self.pool.panic).take();
            self.pool.busy.store(false, Ordering::Release);
            discard(other);
        }
    }
}
