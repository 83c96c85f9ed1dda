//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to `path`. Whatever happens on the way, a reader finds the old file or the new one, never a part.
///
/// The bytes go to a new file in the same directory, which is flushed to the disk and then renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, |file| file.write_all(bytes))
}

fn write_whole_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // A link keeps pointing to its file, which may lie in another directory.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".glulam-");
    let permissions = permissions_of(&path);
    if let Some(permissions) = &permissions {
        builder.permissions(permissions.clone());
    }
    // Dropped on an error, it removes itself.
    let mut temporary = builder.tempfile_in(directory)?;
    write(temporary.as_file_mut())?;
    temporary.as_file().sync_all()?;
    temporary.persist(&path).map_err(|error| error.error)?;
    sync_directory(directory)
}

/// Those of the file that is replaced; of a new one, what the umask leaves (temporary files are private by default).
#[cfg(unix)]
fn permissions_of(path: &Path) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    let existing = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.permissions());
    Some(existing.unwrap_or_else(|| fs::Permissions::from_mode(0o666)))
}

#[cfg(not(unix))]
fn permissions_of(_path: &Path) -> Option<fs::Permissions> {
    None
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
        let missing = write_whole(&directory.path().join("none/a"), b"x").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        fs::create_dir(directory.path().join("a")).unwrap();
        fs::write(directory.path().join("a/inside"), b"kept").unwrap();
        assert!(write_whole(&directory.path().join("a"), b"x").is_err());
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
    fn a_new_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (whole, plain) = (directory.path().join("a"), directory.path().join("b"));
        write_whole(&whole, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&whole), mode(&plain));
    }
}
