//! Shares cover everything once, threads take part, panics come through.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use allocation_counter::measure;

use super::*;
use crate::memory::Words;

/// The number of threads and the minimum of work belong to the whole process: one test at a time.
static SETTINGS: Mutex<()> = Mutex::new(());

pub(crate) struct Settings(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

/// Shares all work out among so many threads, until what it returns is dropped.
pub(crate) fn with_threads(threads: usize) -> Settings {
    let guard = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner);
    set_num_threads(threads);
    set_min_work(0);
    Settings(guard)
}

impl Drop for Settings {
    fn drop(&mut self) {
        set_num_threads(1);
        set_min_work(MIN_WORK);
    }
}

/// Waits until `threads` have come here; not for ever, because another test may have the pool.
fn meet(come: &AtomicUsize, threads: usize) {
    let begin = Instant::now();
    come.fetch_add(1, Ordering::Relaxed);
    while come.load(Ordering::Relaxed) < threads && begin.elapsed() < Duration::from_millis(200) {
        thread::yield_now();
    }
}

/// Whether as many threads as shares can be seen to work at once.
fn all_work_at_once(threads: usize) -> bool {
    (0..50).any(|_| {
        let (come, names) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
        for_each(&vec![0; threads][..], 0, |_: &[i32]| {
            meet(&come, threads);
            names.lock().expect("no panic").insert(format!("{:?}", thread::current().id()));
        });
        names.into_inner().expect("no panic").len() == threads
    })
}

#[test]
fn as_many_threads_work_as_were_asked_for() {
    let _settings = with_threads(3);
    let before = shares_taken_by_helpers();
    assert!(all_work_at_once(3));
    assert!(shares_taken_by_helpers() >= before + 2);
}

#[test]
fn every_row_is_done_once_for_any_number_of_rows_and_threads() {
    for threads in [1, 2, 3, 5, 8] {
        let _settings = with_threads(threads);
        for rows in [0, 1, 2, 7, 24, 64, 100, 257] {
            let mut count = vec![0; rows];
            for_each(&mut count[..], 0, |share: &mut [i32]| share.iter_mut().for_each(|n| *n += 1));
            assert!(count.iter().all(|&n| n == 1), "{rows} rows, {threads} threads");
        }
    }
}

#[test]
fn work_that_is_too_little_stays_on_the_caller() {
    let _settings = with_threads(4);
    set_min_work(1000);
    let (me, calls) = (thread::current().id(), AtomicUsize::new(0));
    for_each(&[0; 64][..], 1999, |share: &[i32]| {
        assert_eq!((thread::current().id(), share.len()), (me, 64));
        calls.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(calls.into_inner(), 1);
}

#[test]
fn a_panic_on_any_thread_reaches_the_caller_and_the_pool_goes_on() {
    let _settings = with_threads(2);
    for bad in [0, 1] {
        let come = AtomicUsize::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            for_each(&[0, 1][..], 0, |share: &[i32]| {
                meet(&come, 2);
                assert!(share != [bad], "share {bad}");
            });
        }));
        let message = caught.expect_err("a share panicked");
        assert_eq!(message.downcast_ref::<String>().map(String::as_str), Some(format!("share {bad}").as_str()));
        assert!(all_work_at_once(2));
    }
}

/// What a user may throw.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("when dropped");
    }
}

#[test]
fn several_panics_that_panic_when_dropped_reach_the_caller_as_one_and_the_pool_goes_on() {
    let _settings = with_threads(3);
    for everybody in [false, true] {
        let panic = || {
            let (caller, come) = (thread::current().id(), AtomicUsize::new(0));
            let share = |_: &[i32]| {
                meet(&come, 3);
                if everybody || thread::current().id() != caller {
                    std::panic::panic_any(Bomb);
                }
            };
            catch_unwind(AssertUnwindSafe(|| for_each(&[0, 1, 2][..], 0, share))).err()
        };
        // The other threads may be late, and nothing left for them.
        std::mem::forget((0..50).find_map(|_| panic()).expect("two or three shares panicked"));
        assert!(all_work_at_once(3));
    }
}

#[test]
fn a_job_in_a_drop_while_unwinding_is_a_job_like_any_other() {
    struct Last<'a>(&'a mut bool);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            let (me, come) = (thread::current().id(), AtomicUsize::new(0));
            let caught = catch_unwind(AssertUnwindSafe(|| {
                for_each(&[0, 1][..], 0, |_: &[i32]| {
                    meet(&come, 2);
                    assert_eq!(thread::current().id(), me, "another thread helped");
                });
            }));
            *self.0 = caught.is_err();
        }
    }
    let _settings = with_threads(2);
    // The other thread may be late; its panic is passed on as soon as it comes.
    let passed_on = (0..50).any(|_| {
        let mut passed_on = false;
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _last = Last(&mut passed_on);
            panic!("something else");
        }));
        assert!(unwound.is_err());
        passed_on
    });
    assert!(passed_on && all_work_at_once(2));
}

#[test]
fn a_job_within_a_job_runs_on_its_own_thread() {
    let _settings = with_threads(2);
    let inner = |_: &[i32]| {
        let me: ThreadId = thread::current().id();
        for_each(&[0; 10][..], 0, |_: &[i32]| assert_eq!(thread::current().id(), me));
    };
    for_each(&[0, 1][..], 0, inner);
}

#[test]
fn threads_that_fell_asleep_wake_up() {
    let _settings = with_threads(2);
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(20));
        assert!(all_work_at_once(2));
    }
}

/// Uses scratch memory `depth` times within itself, `len` elements of it, each time with its own numbers; then runs
/// `innermost`.
fn nest(depth: u32, len: usize, innermost: &dyn Fn()) {
    fn fill<T: Words + Copy + PartialEq>(depth: u32, len: usize, innermost: &dyn Fn(), value: T) {
        with_scratch(len, |all: &mut [T]| {
            assert!(all.len() == len && all.as_ptr().addr().is_multiple_of(64));
            let (left, right) = (&mut all[..1000], len - 1000..len);
            left.fill(value);
            all[right].fill(value);
            nest(depth - 1, len, innermost);
            let kept = all[..1000].iter().chain(&all[len - 1000..]).all(|x| *x == value);
            assert!(kept, "a use within this one had the same memory");
        });
    }
    match depth {
        0 => innermost(),
        1 | 4 | 7 => fill(depth, len, innermost, f64::from(depth)),
        2 | 5 => fill(depth, len, innermost, depth as f32),
        _ => fill(depth, len, innermost, depth),
    }
}

#[test]
fn a_use_of_scratch_memory_within_another_allocates_nothing_the_second_time() {
    let innermost = || panic!("in the middle of it");
    nest(3, 5000, &|| ());
    nest(4, 3000, &|| ());
    assert!(catch_unwind(AssertUnwindSafe(|| nest(4, 5000, &innermost))).is_err());
    for len in [5000, 3000, 1000] {
        assert_eq!(measure(|| nest(4, len, &|| ())).count_total, 0, "{len} elements, after a panic");
    }
    // Deeper than there are pieces.
    nest(8, 2000, &|| ());
    assert_eq!(measure(|| nest(4, 5000, &|| ())).count_total, 0);
}

#[test]
fn what_one_thread_needs_all_get() {
    let _settings = with_threads(3);
    assert!(all_work_at_once(3));
    // More than any other test.
    nest(3, 1 << 22, &|| ());
    for _ in 0..20 {
        let come = AtomicUsize::new(0);
        for_each(&[0, 1, 2][..], 0, |_: &[i32]| {
            meet(&come, 3);
            assert_eq!(measure(|| nest(3, 1 << 22, &|| ())).count_total, 0);
        });
    }
}
