//! Trainers at the same time: each must end as it does alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use glulam::parallel::set_num_threads;
use rayon::prelude::*;

use super::{Net, WithNet, batch, trained};
use crate::fault;

fn compare(what: &str, bits: &[Vec<u32>], alone: &[Vec<u32>]) {
    if bits != alone {
        fault(format!("trainers {what} end with other bits than alone"));
    }
}

fn in_threads(count: u64, steps: usize) -> Vec<Vec<u32>> {
    let threads: Vec<_> = (0..count).map(|seed| thread::spawn(move || trained(seed, steps))).collect();
    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
}

pub fn at_once() {
    let alone: Vec<_> = (0..6).map(|seed| trained(seed, 120)).collect();
    for _ in 0..4 {
        compare("in threads of their own", &in_threads(6, 120), &alone);
        let inside: Vec<_> = (0..6u64).into_par_iter().map(|seed| trained(seed, 120)).collect();
        compare("inside rayon", &inside, &alone);
        let (a, b) = rayon::join(|| trained(0, 120), || trained(1, 120));
        compare("inside rayon's join", &[a, b], &alone[..2]);
    }
    let changing = thread::spawn(|| {
        for i in 0..3000 {
            set_num_threads(1 + i % 5);
            thread::sleep(Duration::from_micros(300));
        }
    });
    compare("while the number of threads changes", &in_threads(6, 120), &alone);
    changing.join().expect("no panic");
    set_num_threads(4);
}

pub fn dropped() {
    let (alone, busy) = (trained(3, 150), AtomicBool::new(true));
    let together = thread::scope(|scope| {
        scope.spawn(|| {
            for (x, y) in (0..).map(batch).take_while(|_| busy.load(Ordering::Relaxed)) {
                WithNet::new(Net::seeded(8)).step((&x, &y)).expect("a step");
            }
        });
        let together = trained(3, 150);
        busy.store(false, Ordering::Relaxed);
        together
    });
    compare("beside others that are dropped", &[together], std::slice::from_ref(&alone));
    let unwound = std::panic::catch_unwind(|| {
        let _last = StepWhenDropped(WithNet::new(Net::seeded(1)));
        panic!("on purpose, with a step on the way out");
    });
    assert!(unwound.is_err(), "it has panicked");
    compare("after a step during a panic", &[trained(3, 150)], &[alone]);
}

struct StepWhenDropped(WithNet);

impl Drop for StepWhenDropped {
    fn drop(&mut self) {
        let (x, y) = batch(2);
        self.0.step((&x, &y)).expect("a step");
    }
}
