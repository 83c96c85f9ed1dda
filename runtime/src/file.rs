//! Files that are written whole or not at all, and read only if they are files.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const NO_FILE: &str = "it is not an ordinary file";

/// Opens a file to read it. For a pipe in its place a program would wait for ever, and a device has no end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, NO_FILE));
    }
    File::open(path)
}

/// All bytes of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes `bytes` to `path`. Whatever happens on the way, a reader finds the old file or the new one, never a part.
///
/// The bytes go to a file beside it, which is flushed to the disk and then renamed. Its name follows from that of `path`,
/// so what a killed program leaves is replaced by the next save.
///
/// # Errors
/// Those of [`check_writable`], and a disk that is full.
pub fn write_whole(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path.as_ref(), |file| file.write_all(bytes))
}

fn write_whole_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let place = Place::of(path)?;
    let mut file = place.open()?;
    let replace = |file: &mut File| {
        write(file)?;
        // Those of the file that is replaced.
        if let Ok(existing) = fs::metadata(&place.path) {
            file.set_permissions(existing.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&place.temporary, &place.path)
    };
    if let Err(error) = replace(&mut file) {
        // The error is worth more than what becomes of the leftover.
        let _ = fs::remove_file(&place.temporary);
        return Err(error);
    }
    sync_directory(&place.directory)
}

/// Whether a model, a checkpoint or other bytes could be saved to `path`, as far as can be known without changing what is
/// there: to be asked before a long training.
///
/// # Errors
/// What saving would report: a directory that does not exist or may not be written, a directory of that name.
pub fn check_writable(path: impl AsRef<Path>) -> io::Result<()> {
    let place = Place::of(path.as_ref())?;
    let _file = place.open()?;
    fs::remove_file(&place.temporary)
}

/// A file that is to be written, and the one that is written first.
struct Place {
    path: PathBuf,
    directory: PathBuf,
    temporary: PathBuf,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        // A link keeps pointing to its file, which may lie in another directory, and may not be there yet.
        let path = end_of_links(path)?;
        let refuse = |kind, text| Err(io::Error::new(kind, text));
        // A device would give way to a file.
        match fs::metadata(&path) {
            Ok(there) if there.is_dir() => return refuse(io::ErrorKind::IsADirectory, "it is a directory"),
            Ok(there) if !there.is_file() => return refuse(io::ErrorKind::InvalidInput, NO_FILE),
            _ => {}
        }
        let Some(name) = path.file_name() else { return refuse(io::ErrorKind::InvalidInput, "it has no name") };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(".tmp");
        let temporary = directory.join(temporary);
        Ok(Place { path, directory, temporary })
    }

    /// Opens the temporary file, empty, for this save alone: another one to the same path is waited for.
    fn open(&self) -> io::Result<File> {
        loop {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.temporary)?;
            // Some network file systems have no locks; two saves at once to one path are then the user's to avoid.
            let _ = file.lock();
            // Whoever held the lock may have renamed this very file: then it is no longer the temporary one.
            if !is_at(&file, &self.temporary) {
                continue;
            }
            file.set_len(0)?;
            return Ok(file);
        }
    }
}

/// What a path is a link to, if it is one, and that again; Linux follows as many.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            // A relative link begins in the directory that it lies in.
            Ok(target) => path.set_file_name(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link to a link, without an end"))
}

/// Whether the open `file` still has the name `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(id), fs::metadata(path).map(id)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// The new name must survive a loss of power too.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_or_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        for bytes in [&b"first"[..], b"2nd"] {
            write_whole(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(names(directory.path()), ["a"]);
        }
    }

    #[test]
    fn a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let fail = |file: &mut File| {
            file.write_all(b"half of i")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        assert_eq!(write_whole_with(&path, fail).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(names(directory.path()), [""; 0]);
        write_whole(&path, b"old").unwrap();
        assert_eq!(write_whole_with(&path, fail).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[test]
    fn a_directory_that_is_missing_or_in_the_way_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let missing = write_whole(directory.path().join("none/a"), b"x").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        fs::create_dir(directory.path().join("a")).unwrap();
        fs::write(directory.path().join("a/inside"), b"kept").unwrap();
        assert!(write_whole(directory.path().join("a"), b"x").is_err());
        assert_eq!(fs::read(directory.path().join("a/inside")).unwrap(), b"kept");
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay_as_they_are() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("a"), directory.path().join("link"));
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_stays_a_link() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("other")).unwrap();
        symlink("other/file", at("relative")).unwrap();
        symlink(at("relative"), at("absolute")).unwrap();
        check_writable(at("absolute")).unwrap();
        write_whole(at("absolute"), b"new").unwrap();
        assert!(at("absolute").is_symlink() && at("relative").is_symlink());
        assert_eq!(fs::read(at("other/file")).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_refused_and_stays() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        symlink("none/file", at("missing")).unwrap();
        symlink("itself", at("itself")).unwrap();
        for (name, kind) in [("missing", io::ErrorKind::NotFound), ("itself", io::ErrorKind::InvalidInput)] {
            assert_eq!(check_writable(at(name)).unwrap_err().kind(), kind);
            assert_eq!(write_whole(at(name), b"new").unwrap_err().kind(), kind);
            assert!(at(name).is_symlink());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (whole, plain) = (directory.path().join("a"), directory.path().join("b"));
        write_whole(&whole, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&whole), mode(&plain));
    }

    #[test]
    fn what_a_killed_program_left_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.ckpt");
        fs::write(directory.path().join(".run.ckpt.tmp"), b"a part of something longer").unwrap();
        write_whole(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(directory.path()), ["run.ckpt"]);
    }

    #[test]
    fn two_saves_at_once_follow_one_another() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let contents: Vec<Vec<u8>> = (0..4u8).map(|byte| vec![byte; 100_000]).collect();
        std::thread::scope(|scope| {
            for bytes in &contents {
                scope.spawn(|| (0..10).for_each(|_| write_whole(&path, bytes).unwrap()));
            }
        });
        assert!(contents.contains(&fs::read(&path).unwrap()));
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_folders_are_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero"), directory.path()] {
            let messages = [
                crate::data::idx::read::<u8>(path).unwrap_err().to_string(),
                crate::checkpoint::safetensors::load(path).unwrap_err().to_string(),
                crate::checkpoint::Checkpoint::load(path).unwrap_err().to_string(),
            ];
            for message in messages {
                assert!(message.contains(NO_FILE) && message.contains(path.to_str().unwrap()), "{message}");
            }
        }
    }

    #[test]
    fn what_can_be_written_is_known_before_and_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let (new, old) = (directory.path().join("new"), directory.path().join("old"));
        fs::write(&old, b"kept").unwrap();
        check_writable(&new).unwrap();
        check_writable(&old).unwrap();
        assert!(check_writable(directory.path().join("none").join("a")).is_err());
        assert!(check_writable(directory.path()).is_err());
        assert!(check_writable("").is_err() && check_writable("..").is_err());
        assert_eq!((names(directory.path()), fs::read(&old).unwrap()), (vec!["old".to_owned()], b"kept".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_stays_one() {
        let error = write_whole(Path::new("/dev/null"), b"x").unwrap_err();
        assert_eq!(error.to_string(), "it is not an ordinary file");
    }
}
