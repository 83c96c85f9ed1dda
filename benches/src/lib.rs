//! What the benchmark programs share: workloads, their data, and the timing of steps.

use std::hint::black_box;
use std::time::Instant;

use clap::Parser;
use glulam::simd::multiply_add_chains;
use serde::Serialize;

/// The size of a workload's batches and samples.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name, the same in every framework's program.
    pub name: &'static str,
    /// Samples of one step.
    pub batch: usize,
    /// Scalars of one input.
    pub inputs: usize,
    /// Classes of the targets.
    pub classes: usize,
}

/// Batches in the data set in memory.
const BATCHES: usize = 16;
/// Steps before timing; the loss of the last is reported as `loss_10`.
const WARMUP: usize = 10;
/// Timed blocks, each of at least `BLOCK_SECONDS`.
const BLOCKS: usize = 7;
const BLOCK_SECONDS: f64 = 0.15;

/// The options of a program.
#[derive(Clone, Debug, Parser)]
pub struct Args {
    /// Threads of a step; the process is pinned to as many processors.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,
    /// Run this workload alone.
    #[arg(long, value_name = "WORKLOAD")]
    pub only: Option<String>,
    /// List the workloads.
    #[arg(long)]
    pub list: bool,
    /// With one thread: measure the machine as well, and say how near each training comes to what it can do.
    #[arg(long)]
    pub limit: bool,
    /// Take only so many steps and time nothing, for a tool that counts instructions
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// The name that the lines carry.
    #[arg(long, default_value = "glulam")]
    pub peer: String,
}

/// One line of the output.
#[derive(Debug, Serialize)]
struct Line<'a> {
    peer: &'a str,
    workload: &'a str,
    threads: u16,
    us_per_step_median: f64,
    us_per_step_min: f64,
    steps: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_10: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_loss: Option<f64>,
    /// The arithmetic at the measured peak, and the update's bytes at the measured bandwidth, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    us_limit: Option<f64>,
    /// Its share of the time that a step took.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<f64>,
}

/// What one step cannot do without.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Floating-point operations of its products.
    pub flops: usize,
    /// Bytes of parameters and optimizer state that are read and written.
    pub bytes: usize,
}

impl Cost {
    /// Its time on one core of this machine, in microseconds, if nothing overlaps.
    fn limit(self) -> f64 {
        self.flops as f64 / peak_flops_per_us() + copy_us(self.bytes / 2)
    }
}

/// Floating-point operations per microsecond of one core that does nothing but multiply-adds in registers.
pub fn peak_flops_per_us() -> f64 {
    let mut operations = 0;
    let (links, a, b) = black_box((10_000, 0.999, 1.0));
    let us = median_us(|| operations = multiply_add_chains(links, a, b));
    operations as f64 / us
}

/// How long it takes to copy `bytes`: to read and to write as many.
pub fn copy_us(bytes: usize) -> f64 {
    let from = vec![1u64; bytes / 8];
    let mut to = vec![0u64; bytes / 8];
    median_us(|| {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    })
}

/// Pins this process to its first processors, and gives Glulam as many threads. Call before anything starts one.
///
/// # Errors
/// If the system refuses.
pub fn pin(threads: u16) -> std::io::Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None)?;
    let mut chosen = CpuSet::new();
    let processors = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    processors.take(threads.into()).for_each(|cpu| chosen.set(cpu));
    sched_setaffinity(None, &chosen)?;
    glulam::parallel::set_num_threads(threads.into());
    Ok(())
}

impl Args {
    /// [`pin`]s this process to as many processors as asked for.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn pin(&self) -> std::io::Result<()> {
        pin(self.threads)
    }

    /// Whether a workload is to run.
    pub fn wants(&self, workload: &Workload) -> bool {
        self.only.as_ref().is_none_or(|only| only == workload.name)
    }
}

/// `n` numbers in [0, 1) from SplitMix64, by which every framework sees the same data.
fn uniform(seed: u64, n: usize) -> impl Iterator<Item = f32> {
    (1..=n as u64).map(move |i| {
        let mut z = (seed << 32).wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1u64 << 24) as f32
    })
}

impl Workload {
    /// Inputs, uniform in [0, 1), and random class ids, of all batches.
    pub fn dataset(&self) -> (Vec<f32>, Vec<i64>) {
        let rows = self.batch * BATCHES;
        let targets = uniform(2, rows).map(|u| (u * self.classes as f32) as i64);
        (uniform(1, rows * self.inputs).collect(), targets.collect())
    }

    /// Times `step`, which costs at least `cost` (if that is known), is given the first row of its batch and returns its
    /// loss, if it trains; prints the line.
    #[allow(clippy::print_stdout, reason = "the lines are what the program is for")]
    pub fn bench(&self, args: &Args, cost: Option<Cost>, mut step: impl FnMut(usize) -> Option<f32>) {
        let mut count = 0;
        let mut run = |steps: usize| {
            let start = Instant::now();
            let mut loss = None;
            for _ in 0..steps {
                loss = step(count % BATCHES * self.batch);
                count += 1;
            }
            (start.elapsed().as_secs_f64(), loss, count)
        };
        if let Some(steps) = args.steps {
            run(steps);
            return;
        }
        let (_, loss_10, _) = run(WARMUP);
        let mut per_block = 1;
        loop {
            let time = run(per_block).0.min(run(per_block).0); // Two, as one may be disturbed.
            if time >= BLOCK_SECONDS {
                break;
            }
            let wanted = (per_block as f64 * BLOCK_SECONDS * 1.1 / time) as usize + 1;
            per_block = wanted.clamp(per_block + 1, per_block * 10);
        }
        let blocks: Vec<_> = (0..BLOCKS).map(|_| run(per_block)).collect();
        let mut us: Vec<f64> = blocks.iter().map(|block| block.0 / per_block as f64 * 1e6).collect();
        us.sort_by(f64::total_cmp);
        let (_, final_loss, steps) = blocks[BLOCKS - 1];
        let rounded = |x: f64, digits: i32| (x * 10f64.powi(digits)).round() / 10f64.powi(digits);
        let median = us[BLOCKS / 2];
        let us_limit = cost.filter(|_| args.limit && args.threads == 1).map(Cost::limit);
        let line = Line {
            peer: &args.peer,
            workload: self.name,
            threads: args.threads,
            us_per_step_median: rounded(median, 2),
            us_per_step_min: rounded(us[0], 2),
            steps,
            loss_10: loss_10.map(|l| rounded(l.into(), 4)),
            final_loss: final_loss.map(|l| rounded(l.into(), 4)),
            us_limit: us_limit.map(|us| rounded(us, 2)),
            limit: us_limit.map(|us| rounded(us / median, 2)),
        };
        println!("{}", serde_json::to_string(&line).expect("a line of numbers and names is JSON"));
    }
}

/// The median over blocks of the time of one `step`, in microseconds: after a warm-up, seven blocks of at least 50 ms.
pub fn median_us(mut step: impl FnMut()) -> f64 {
    const LEAST_SECONDS: f64 = 0.05;
    let mut block = |steps: usize| {
        let start = Instant::now();
        (0..steps).for_each(|_| step());
        start.elapsed().as_secs_f64()
    };
    let mut steps = 1;
    block(3);
    while block(steps) < LEAST_SECONDS {
        steps *= 2;
    }
    let mut us: Vec<f64> = (0..BLOCKS).map(|_| block(steps) / steps as f64 * 1e6).collect();
    us.sort_by(f64::total_cmp);
    us[BLOCKS / 2]
}

/// The least time of one `call`, in microseconds, over a quarter of a second: other programs only ever add to it.
pub fn least_us(mut call: impl FnMut()) -> f64 {
    const SECONDS: f64 = 0.25;
    let mut timed = |calls: u32| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed().as_secs_f64() / f64::from(calls)
    };
    let once = timed(1).min(timed(1));
    // A look at the clock takes some 25 ns: as many calls between two looks as take 5 µs.
    let calls = (5e-6 / once).ceil().max(1.0) as u32;
    let (start, mut least, mut looks) = (Instant::now(), once, 0);
    while start.elapsed().as_secs_f64() < SECONDS || looks < 3 {
        least = least.min(timed(calls));
        looks += 1;
    }
    least * 1e6
}
