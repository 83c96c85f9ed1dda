//! Kills at random moments, and while a temporary file is there.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::job::{Job, Unbroken};
use crate::fault;
use crate::random::Random;

#[derive(Default)]
struct Tally {
    anywhere: AtomicUsize,
    in_a_save: AtomicUsize,
    runs: AtomicUsize,
}

impl Tally {
    fn kills(&self) -> usize {
        self.anywhere.load(Relaxed) + self.in_a_save.load(Relaxed)
    }
}

/// Two runs at once, on different files of one folder, until `kills` are spent.
pub fn at_random(program: &Path, kills: usize, seed: u64) {
    let (whole, length) = Unbroken::new(program);
    let (tally, folder) = (Tally::default(), tempfile::tempdir().expect("a folder"));
    thread::scope(|scope| {
        for worker in 0..2 {
            let (whole, tally, folder) = (&whole, &tally, folder.path());
            scope.spawn(move || {
                let mut random = Random::new(2 * seed + worker);
                for run in 0.. {
                    if tally.kills() >= kills {
                        break;
                    }
                    let name = format!("{worker}-{run}");
                    one_run(&Job { program, folder, name: &name }, whole, length, &mut random, tally);
                }
            });
        }
    });
    let (anywhere, in_a_save) = (tally.anywhere.into_inner(), tally.in_a_save.into_inner());
    let runs = tally.runs.into_inner();
    println!("{anywhere} kills at random moments, {in_a_save} while a temporary file was there, {runs} runs ended");
    if anywhere == 0 || in_a_save == 0 {
        fault("the kills have come too late: nothing was tested");
    }
}

/// Kills a run up to ten times, or until it has ended before the kill.
fn one_run(job: &Job, whole: &Unbroken, length: Duration, random: &mut Random, tally: &Tally) {
    let mut after = format!("run {}", job.name);
    for _ in 0..3 + random.below(8) {
        let mut command = job.command(1 + random.below(2));
        command.arg("--resume").stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let in_a_save = random.below(5) < 2;
        wait(job, &mut child, length, in_a_save, random);
        child.kill().expect("it is ours");
        let status = child.wait().expect("it is ours");
        match status.code() {
            None if in_a_save => tally.in_a_save.fetch_add(1, Relaxed),
            None => tally.anywhere.fetch_add(1, Relaxed),
            Some(0) => break,
            Some(code) => return fault(format!("{after}: it ends with status {code}")),
        };
        after += if in_a_save { ", killed in a save" } else { ", killed" };
        whole.look(job, &after);
    }
    whole.end(job, 1 + random.below(2), &after);
    tally.runs.fetch_add(1, Relaxed);
}

/// Until the kill is due, or the run has ended.
fn wait(job: &Job, child: &mut Child, length: Duration, in_a_save: bool, random: &mut Random) {
    let share = random.below(1000) as f64 / 1000.0;
    if !in_a_save {
        return thread::sleep(length.mul_f64(share));
    }
    thread::sleep(length.mul_f64(share * 0.6));
    let temporary = [job.model(), job.checkpoint()].map(|file| job.temporary(&file));
    let begin = Instant::now();
    // Spinning, for the file is there for a millisecond.
    while !temporary.iter().any(|file| file.exists()) {
        if begin.elapsed() > length || child.try_wait().expect("it is ours").is_some() {
            return;
        }
    }
    thread::sleep(Duration::from_micros(random.one(&[0, 0, 200, 1000])));
}
