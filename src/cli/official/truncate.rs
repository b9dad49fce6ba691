//! The one place that cuts a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How many copies with one name are numbered.
const COPIES: u32 = 1000;

/// Cuts the file at `path` to `offset` bytes after the bytes behind it were written to a file beside it and forced to disk;
/// the path of that file. With `size`, the file is left alone if it has another one by now.
pub(super) fn truncate_keeping_copy(path: &Path, size: u64, offset: u64) -> io::Result<PathBuf> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let metadata = file.metadata()?;
    if metadata.len() != size {
        return Err(io::Error::other("the file has grown or shrunk since it was checked"));
    }
    let (copy_path, mut copy) = create_copy(path, offset, metadata.permissions().mode())?;
    file.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(&mut file, &mut copy)?;
    if copied != size - offset {
        return Err(io::Error::other("the file has grown or shrunk while it was copied"));
    }
    copy.sync_all()?;
    sync_directory(path)?;
    file.set_len(offset)?;
    file.sync_all()?;
    Ok(copy_path)
}

/// `NAME.removed-OFFSET`, or with a number behind it.
fn create_copy(path: &Path, offset: u64, mode: u32) -> io::Result<(PathBuf, File)> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".removed-{offset}"));
    for number in 0..COPIES {
        let mut name = name.clone();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        match OpenOptions::new().write(true).create_new(true).mode(mode & 0o777).open(&name) {
            Ok(file) => return Ok((name.into(), file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}
