//! A folder for one test, with images if they are wanted, and an example that runs in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// An example, built as `cargo test` builds it: nothing is compiled again if it has been.
fn program(example: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = std::env::current_exe().expect("this program has a path");
        let profile = test.ancestors().nth(2).expect("target/debug/deps/this");
        let target = profile.parent().expect("target/debug");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--examples", "--target-dir"]).arg(target);
        match profile.file_name().and_then(|name| name.to_str()) {
            Some("release") => build.arg("--release"),
            _ => build.args(["--profile", "test"]),
        };
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
        assert!(built.success(), "the examples do not compile");
        profile.join("examples")
    });
    folder.join(format!("{example}{}", std::env::consts::EXE_SUFFIX))
}

/// Writes images of clothes that are easy to tell apart: so many to train on, and to test.
fn write_images(data: &Path, [train, test]: [u32; 2]) {
    std::fs::create_dir(data).expect("a new folder");
    let mut state = 1u32;
    for (part, count) in [("train", train), ("t10k", test)] {
        let mut images = [0x0000_0803, count, 28, 28].map(u32::to_be_bytes).concat();
        let mut labels = [0x0000_0801, count].map(u32::to_be_bytes).concat();
        for i in 0..count {
            let class = i % 10;
            labels.push(class as u8);
            images.extend((0..28 * 28).map(|pixel| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let bright = if pixel / 78 == class { 128 } else { 0 };
                bright + (state >> 25) as u8
            }));
        }
        std::fs::write(data.join(format!("{part}-images-idx3-ubyte")), images).expect("written");
        std::fs::write(data.join(format!("{part}-labels-idx1-ubyte")), labels).expect("written");
    }
}

pub(crate) struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    /// What the program is always told.
    told: &'static [&'static str],
}

impl Place {
    /// For an example that takes no data.
    pub(crate) fn empty(example: &str) -> Self {
        Place { folder: tempfile::tempdir().expect("a folder"), program: program(example), told: &[] }
    }

    /// For one that takes Fashion-MNIST: in the place of which it has so many images to train on, and to test.
    pub(crate) fn with_images(example: &str, counts: [u32; 2]) -> Self {
        let place = Place { told: &["--data", "data"], ..Place::empty(example) };
        write_images(&place.path("data"), counts);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("written")
    }

    /// The program with these arguments, in words.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.folder.path()).args(self.told).args(arguments.split_whitespace());
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// What it prints where it succeeds.
    pub(crate) fn succeeds(&self, arguments: &str) -> String {
        let Output { status, stdout, stderr } = self.run(arguments);
        assert!(status.success(), "{arguments}: {}", text(stderr));
        text(stdout)
    }

    /// It succeeds where nobody takes what it prints.
    pub(crate) fn succeeds_unheard(&self, arguments: &str) {
        let mut command = self.command(arguments);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        drop(process.stdout.take());
        let Output { status, stderr, .. } = process.wait_with_output().expect("it ends");
        assert!(status.success(), "{arguments}: {}", text(stderr));
    }

    /// What it complains about where it fails, before any training.
    pub(crate) fn fails(&self, arguments: &str) -> String {
        let Output { status, stdout, stderr } = self.run(arguments);
        let (printed, error) = (text(stdout), text(stderr));
        assert!(!status.success() && !printed.contains("train loss"), "{arguments}: {printed}");
        assert!(error.starts_with("error: ") && !error.contains("panicked"), "{error}");
        error
    }

    /// It complains where its folder of images is not there, and leaves nothing behind.
    pub(crate) fn fails_without_images(&self) {
        let before = self.names();
        std::fs::rename(self.path("data"), self.path("elsewhere")).expect("it was there");
        let error = self.fails("--epochs 1");
        assert!(error.contains("data/train-labels-idx1-ubyte"), "{error}");
        std::fs::rename(self.path("elsewhere"), self.path("data")).expect("it was there");
        assert_eq!(self.names(), before);
    }

    /// It has a help with all of these, of which one line is `about`.
    pub(crate) fn has_help(&self, about: &str, parts: &[&str]) -> String {
        let help = self.succeeds("--help");
        assert_eq!(help.lines().next(), Some(about), "{help}");
        for part in parts {
            assert!(help.contains(part), "{part}: {help}");
        }
        help
    }

    /// What lies in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("readable");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}
