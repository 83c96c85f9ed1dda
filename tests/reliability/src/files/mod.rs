//! Damaged files: bytes flipped, inserted and cut off, huge sizes, in IDX, gzip, safetensors and checkpoints.
//!
//! A fault is a panic, an abort, more than a second, more than 192 MiB of memory for a file of some KiB, a file with a
//! checksum that is accepted with other contents, a model or trainer that has changed although reading failed, and one that
//! cannot go on after reading. The file under way lies in `target/reliability/files`, so that it is there after an abort; so
//! does the smallest file of each kind of fault.

mod damage;
mod targets;
mod trainers;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::memory::most_of;
use crate::random::Random;
use crate::{fault, output};

/// More would not be asked for by any of these files, were it not damaged.
const MOST_MEMORY: usize = 192 << 20;

/// What the system gives at most; an abort tells who asks for more.
const LIMIT: u64 = 1 << 30;

const LONGEST: Duration = Duration::from_secs(1);

/// What was read, as text; or why nothing was.
type Outcome = Result<Vec<u8>, Refusal>;

enum Refusal {
    /// As it should be.
    Error(String),
    /// Refused, but not without harm.
    Harm(String),
}

/// A file, and what is done with it.
struct Target<'a> {
    name: &'static str,
    bytes: Vec<u8>,
    sum: Sum,
    read: Box<dyn Fn(&Path) -> Outcome + 'a>,
}

/// What a checksum says of a damaged file.
#[derive(Clone, Copy, PartialEq)]
enum Sum {
    /// The file has none.
    Absent,
    /// It is left as it was, so it must be found wrong unless what is read is the same.
    Left,
    /// It is computed again, so that the damage gets past it.
    Mended,
}

/// Tries `tries` damaged files, as many of each target.
pub fn run(tries: usize, seed: u64) {
    setrlimit(Resource::As, Rlimit { current: Some(LIMIT), maximum: Some(LIMIT) }).expect("less is always allowed");
    // A panic is a fault, and is reported as one.
    std::panic::set_hook(Box::new(|_| {}));
    let folder = output("files");
    let mut targets = targets::of_data(&folder);
    targets.extend(targets::of_models(&folder));
    targets.extend(trainers::targets(&folder));
    let mut random = Random::new(seed);
    let each = (tries / targets.len()).max(1);
    let mut worst = Worst::default();
    let mut problems = Problems { folder: folder.clone(), seen: BTreeMap::new() };
    for target in &targets {
        Tries::new(target, &folder, &mut problems, &mut worst).run(each, &mut random);
    }
    println!("the slowest {:?}, the largest {} MiB for {}", worst.time, worst.memory.0 >> 20, worst.memory.1);
    problems.report();
}

#[derive(Default)]
struct Worst {
    time: (Duration, &'static str),
    memory: (usize, &'static str),
}

/// For each problem how often there was one like it, and its smallest file.
struct Problems {
    folder: PathBuf,
    seen: BTreeMap<String, (usize, Vec<u8>)>,
}

impl Problems {
    fn add(&mut self, problem: &str, file: &[u8]) {
        let alike = problem.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).take(220).collect();
        let (times, smallest) = self.seen.entry(alike).or_insert((0, file.to_owned()));
        *times += 1;
        if file.len() < smallest.len() {
            *smallest = file.to_owned();
        }
    }

    fn report(&self) {
        for (number, (problem, (times, file))) in self.seen.iter().enumerate() {
            let path = self.folder.join(format!("fault.{number}"));
            std::fs::write(&path, file).expect("written");
            fault(format!("{times} times: {problem}; the smallest is {}", path.display()));
        }
    }
}

/// The damaged files of one target.
struct Tries<'a> {
    target: &'a Target<'a>,
    current: PathBuf,
    original: Vec<u8>,
    problems: &'a mut Problems,
    worst: &'a mut Worst,
    tried: usize,
    accepted: usize,
}

impl<'a> Tries<'a> {
    fn new(target: &'a Target<'a>, folder: &Path, problems: &'a mut Problems, worst: &'a mut Worst) -> Self {
        let current = folder.join("current");
        std::fs::write(&current, &target.bytes).expect("written");
        let original = match (target.read)(&current) {
            Ok(original) => original,
            Err(Refusal::Error(error) | Refusal::Harm(error)) => {
                panic!("{}: refused before any damage: {error}", target.name)
            }
        };
        Tries { target, current, original, problems, worst, tried: 0, accepted: 0 }
    }

    fn run(&mut self, each: usize, random: &mut Random) {
        let (begin, bytes) = (Instant::now(), &self.target.bytes);
        // One half of the tries goes evenly through the file, the other is random.
        let stride = (bytes.len() * 10).div_ceil((each / 2).max(1));
        for at in (0..bytes.len()).step_by(stride) {
            damage::everything_at(bytes, at, random).into_iter().for_each(|changed| self.one(changed));
        }
        while self.tried < each {
            self.one(damage::anything(bytes, random));
        }
        let (name, took) = (self.target.name, begin.elapsed());
        println!("{name:40} {:6} bytes {:7} tries {:7} accepted  {took:.1?}", bytes.len(), self.tried, self.accepted);
    }

    fn one(&mut self, mut changed: Vec<u8>) {
        let Target { name, bytes, sum, read } = self.target;
        if *sum == Sum::Mended {
            damage::mend(&mut changed);
        }
        std::fs::write(&self.current, &changed).expect("written");
        let begin = Instant::now();
        let (result, memory) = most_of(|| catch_unwind(AssertUnwindSafe(|| read(&self.current))));
        let took = begin.elapsed();
        self.worst.time = self.worst.time.max((took, name));
        self.worst.memory = self.worst.memory.max((memory, name));
        self.tried += 1;
        self.accepted += usize::from(matches!(result, Ok(Ok(_))));
        let problem = match result {
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
                format!("a panic: {}", text.unwrap_or_default())
            }
            Ok(Err(Refusal::Harm(harm))) => harm,
            Ok(_) if memory > MOST_MEMORY => format!("{} MiB of memory", memory >> 20),
            Ok(_) if took > LONGEST && self.is_slow_again() => format!("more than {LONGEST:?}"),
            Ok(Ok(contents)) if *sum == Sum::Left && changed != *bytes && contents != self.original => {
                "accepted with other contents".to_owned()
            }
            Ok(_) => return,
        };
        self.problems.add(&format!("{name}: {problem}"), &changed);
    }

    /// Whether it was not another program that took the time.
    fn is_slow_again(&self) -> bool {
        let begin = Instant::now();
        let _ = (self.target.read)(&self.current);
        begin.elapsed() > LONGEST
    }
}
