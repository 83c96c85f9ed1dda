//! Whatever tokens come in: an expansion, or messages that say where.
//!
//! Declarations of the README, the examples and the tests are mutated, printed, read back, so that every token has a place,
//! and expanded. Wrong are a panic, a message without a place in the input, an expansion that is not a list of Rust's items,
//! two expansions of one input that differ, and more than a second. `FUZZ_COUNT` and `FUZZ_SEED` choose other inputs than
//! those of every `cargo test`; the same two give the same inputs on any number of threads.

mod mutations;
mod seeds;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proc_macro2::{TokenStream, TokenTree};

use crate::expand;
use mutations::{Pool, Random, mutate};
use seeds::Seeds;

/// How many inputs come from one sequence of random numbers.
const PART: usize = 500;

/// What one expansion may take, on a machine that others use too.
const LIMIT: Duration = Duration::from_secs(5);

/// After this time an expansion is taken for one that never ends.
const HANG: Duration = Duration::from_secs(60);

/// rustc expands macros on a stack of this size.
const STACK: usize = 8 << 20;

const WORKER: &str = "fuzz worker";

type Expand = fn(TokenStream) -> TokenStream;

/// A macro and declarations for it.
struct Kind {
    name: &'static str,
    expand: Expand,
    sources: Vec<TokenStream>,
}

#[derive(Default)]
struct Tally {
    refused: usize,
    expanded: usize,
    slowest: (Duration, String),
    /// For each problem how often there was one like it, and its shortest input.
    problems: BTreeMap<String, (usize, String)>,
}

impl Tally {
    fn problem(&mut self, problem: &str, input: &str) {
        let alike = problem.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).take(160).collect();
        let (times, shortest) = self.problems.entry(alike).or_insert((0, input.to_owned()));
        *times += 1;
        if input.len() < shortest.len() {
            *shortest = input.to_owned();
        }
    }

    fn report(&self) -> String {
        let Tally { refused, expanded, slowest: (took, slowest), problems } = self;
        let mut report = format!("{refused} refused, {expanded} expanded, the slowest in {took:?}: {slowest}\n");
        for (problem, (times, input)) in problems {
            report += &format!("--- {times} times: {problem}\n    {input}\n");
        }
        report
    }
}

fn variable(name: &str) -> Option<usize> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: expected a number, found `{text}`")))
}

#[test]
fn mutated_declarations_expand_or_are_refused() {
    let count = variable("FUZZ_COUNT").unwrap_or(4000);
    let seed = variable("FUZZ_SEED").unwrap_or(1);
    keep_panics_of_workers_quiet();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    // What each worker is at, and since when.
    let current: Vec<Mutex<Option<(Instant, String)>>> = (0..threads).map(|_| Mutex::default()).collect();
    thread::scope(|scope| {
        let workers: Vec<_> = current
            .iter()
            .map(|current| {
                let work = || worker(seed, count, &next, &tally, current);
                let builder = thread::Builder::new().name(WORKER.to_owned()).stack_size(STACK);
                builder.spawn_scoped(scope, work).expect("a thread")
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::sleep(Duration::from_millis(50));
            current.iter().for_each(stop_if_it_hangs);
        }
    });
    let tally = tally.into_inner().expect("no worker panics");
    let report = tally.report();
    assert!(tally.problems.is_empty(), "{} kinds of problems: {report}", tally.problems.len());
    assert!(tally.refused > count / 2 && tally.expanded > count / 20, "too mild or too wild: {report}");
}

/// Panics are what is looked for: they are reported once, at the end, with their inputs.
fn keep_panics_of_workers_quiet() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().name() != Some(WORKER) {
            hook(info);
        }
    }));
}

/// A thread cannot be stopped, so the whole program is.
#[allow(clippy::print_stderr, reason = "nobody is left who would print it")]
fn stop_if_it_hangs(current: &Mutex<Option<(Instant, String)>>) {
    let current = current.lock().expect("no worker panics");
    if let Some((since, input)) = &*current
        && since.elapsed() > HANG
    {
        eprintln!("no expansion after {HANG:?}: {input}");
        std::process::abort();
    }
}

/// Takes parts of the run until none is left.
fn worker(
    seed: usize,
    count: usize,
    next: &AtomicUsize,
    tally: &Mutex<Tally>,
    current: &Mutex<Option<(Instant, String)>>,
) {
    let seeds = Seeds::of_workspace();
    let tokens = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect();
    let kinds = [
        Kind { name: "network", expand: expand::networks, sources: tokens(&seeds.networks) },
        Kind { name: "train", expand: expand::trainer, sources: tokens(&seeds.trainers) },
    ];
    let pool = Pool::new(&kinds.each_ref().map(|kind| kind.sources.clone()).concat());
    loop {
        let part = next.fetch_add(1, Ordering::Relaxed);
        if part * PART >= count {
            return;
        }
        let mut random = Random::new(seed as u64, part as u64);
        for n in part * PART..count.min((part + 1) * PART) {
            let (kind, text, input) = random_input(&kinds, &pool, &mut random);
            let shown = format!("{}! {{ {text} }}", kind.name);
            *current.lock().expect("nobody panics with it") = Some((Instant::now(), shown.clone()));
            check(kind.expand, &shown, input, n % 8 == 0, tally);
        }
        *current.lock().expect("nobody panics with it") = None;
    }
}

fn random_input<'a>(kinds: &'a [Kind; 2], pool: &Pool, random: &mut Random) -> (&'a Kind, String, TokenStream) {
    loop {
        let kind = &kinds[usize::from(random.below(5) < 2)];
        let sources = &kind.sources;
        let rate = [1, 2, 4, 8, 16, 40, 100][random.below(7)];
        let mut text = mutate(sources[random.below(sources.len())].clone(), pool, rate, random).to_string();
        if random.below(50) == 0 {
            text += &sources[random.below(sources.len())].to_string();
        }
        // Places are kept for ever otherwise; nobody asks for those of earlier inputs.
        proc_macro2::extra::invalidate_current_thread_spans();
        if let Ok(input) = text.parse() {
            return (kind, text, input);
        }
    }
}

/// Expands one input and enters what is wrong.
fn check(expand: Expand, shown: &str, input: TokenStream, twice: bool, tally: &Mutex<Tally>) {
    let begin = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| expand(input.clone())));
    let took = begin.elapsed();
    let judged = match result {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(format!("a panic: {}", text.unwrap_or_default()))
        }
        Ok(_) if took > LIMIT && always_slow(expand, &input) => Err(format!("more than {LIMIT:?}")),
        Ok(output) => judge(output, !input.is_empty(), || twice.then(|| expand(input).to_string())),
    };
    let mut tally = tally.lock().expect("nobody panics with it");
    if took > tally.slowest.0 {
        tally.slowest = (took, shown.to_owned());
    }
    match judged {
        Ok(0) => tally.expanded += 1,
        Ok(_) => tally.refused += 1,
        Err(problem) => tally.problem(&problem, shown),
    }
}

/// Whether it was not another program that took the time.
fn always_slow(expand: Expand, input: &TokenStream) -> bool {
    (0..2).all(|_| {
        let begin = Instant::now();
        expand(input.clone());
        begin.elapsed() > LIMIT
    })
}

/// How many mistakes an expansion reports, or what is wrong with it.
fn judge(output: TokenStream, has_input: bool, again: impl FnOnce() -> Option<String>) -> Result<usize, String> {
    let mistakes = mistakes(output.clone(), has_input)?;
    if again().is_some_and(|again| again != output.to_string()) {
        return Err("two expansions differ".to_owned());
    }
    match syn::parse2::<syn::File>(output) {
        Ok(_) => Ok(mistakes),
        Err(error) if mistakes > 0 => Err(format!("not Rust, beside the mistakes that are reported: {error}")),
        Err(error) => Err(format!("not Rust, and no mistake is reported: {error}")),
    }
}

/// The calls of `compile_error!`, each at a place of the input.
fn mistakes(output: TokenStream, has_input: bool) -> Result<usize, String> {
    let tokens: Vec<TokenTree> = output.into_iter().collect();
    let mut count = 0;
    for (i, token) in tokens.iter().enumerate() {
        if let TokenTree::Ident(name) = token
            && *name == "compile_error"
            && let Some(TokenTree::Group(group)) = tokens.get(i + 2)
        {
            count += 1;
            let message = group.stream().to_string();
            if has_input && (name.span().source_text().is_none() || group.span().source_text().is_none()) {
                return Err(format!("a message without a place: {message}"));
            }
            if message.len() < 12 {
                return Err(format!("a message that says nothing: {message}"));
            }
        }
    }
    Ok(count)
}
