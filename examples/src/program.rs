//! A program for the terminal: what it takes, says and leaves behind.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use glulam::checkpoint;

/// What a help ends with.
pub const ENVIRONMENT: &str = "Environment:
  GLULAM_NUM_THREADS  Threads of a step [default: one for each processor]
  GLULAM_ISA          avx512, avx2 or portable: the instruction set [default: the best that the processor has]

The results do not depend on the number of threads.";

/// Prints a line. Whoever has closed the standard output wants none, and the run goes on all the same.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(
            &mut ::std::io::stdout(),
            format_args!("{}\n", format_args!($($text)*)),
        );
    }};
}

/// How a program ends that has come to this, having said what went wrong.
#[allow(clippy::print_stderr, reason = "a program for the terminal")]
pub fn ended(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A finite number above 0, from the command line.
///
/// # Errors
/// Anything else.
pub fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_string())?;
    if number > 0.0 && number.is_finite() { Ok(number) } else { Err("expected a number above 0".to_string()) }
}

/// Finds out before a training what [`write_whole`] or the saving of a model would report after it.
///
/// # Errors
/// A place where no file can be written.
pub fn check_writable(path: &Path) -> Result<(), String> {
    checkpoint::check_writable(path).map_err(|error| format!("cannot save {}: {error}", path.display()))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// A file that cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), String> {
    checkpoint::write_whole(path, bytes).map_err(|error| format!("cannot save {}: {error}", path.display()))
}
