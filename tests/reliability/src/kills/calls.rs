//! Kills at the entry of each system call with which a file is written.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::job::{Job, Unbroken};
use crate::fault;

const CALLS: [&str; 8] = ["openat", "flock", "ftruncate", "write", "fchmod", "fsync", "rename", "unlink"];

/// No file is safe without these.
const NEEDED: [&str; 4] = ["openat", "write", "fsync", "rename"];

pub fn at_calls(program: &Path) {
    let (whole, _) = Unbroken::new(program);
    let mut kills = BTreeMap::from(CALLS.map(|call| (call, 0)));
    for call in CALLS {
        // Calls of the check before the training, of early and of late saves; the run ends where there are not so many.
        for (number, nth) in [1, 2, 3, 40].into_iter().enumerate() {
            for ending in ["ckpt", "safetensors"] {
                let folder = tempfile::tempdir().expect("a folder");
                let job = Job { program, folder: folder.path(), name: "net" };
                let threads = 1 + number % 2;
                let after = format!("{threads} threads, killed at {call} {nth} of .{ending}");
                if is_killed(&job, threads, call, nth, &folder.path().join(format!("net.{ending}"))) {
                    *kills.entry(call).or_default() += 1;
                    whole.look(&job, &after);
                }
                whole.end(&job, 3 - threads, &after);
            }
        }
    }
    println!("kills at system calls: {kills:?}");
    for call in NEEDED {
        if kills[call] == 0 {
            fault(format!("no save calls {call}"));
        }
    }
}

/// Runs the job under strace, which kills it at the `nth` call on this file, its temporary file or the folder.
fn is_killed(job: &Job, threads: usize, call: &str, nth: usize, file: &Path) -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    for path in [file, &job.temporary(file), job.folder] {
        strace.arg("-P").arg(path);
    }
    strace.args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:signal=KILL:when={nth}")]);
    strace.arg(job.program);
    job.arguments(&mut strace, threads);
    let status = strace.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("strace is installed");
    // strace dies of what its program has died of.
    status.signal() == Some(9) || status.code() == Some(128 + 9)
}
