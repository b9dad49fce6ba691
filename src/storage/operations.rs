//! The system calls that change files, so that a test can make any of them fail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What repairs and rewrites ask of the file system: one method for each call that changes something or makes a change last.
pub trait Operations {
    /// Opens an existing file for reading and writing; never creates or truncates.
    ///
    /// # Errors
    /// Those of `open(2)`.
    fn open(&mut self, path: &Path) -> io::Result<File>;
    /// Creates a file that must not be there yet, readable by its owner alone.
    ///
    /// # Errors
    /// Those of `open(2)` with `O_EXCL`.
    fn create(&mut self, path: &Path) -> io::Result<File>;
    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// Those of `pwrite(2)`.
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Gives a file an owner and a group.
    ///
    /// # Errors
    /// Those of `fchown(2)`.
    fn set_owner(&mut self, file: &File, user: u32, group: u32) -> io::Result<()>;
    /// Gives a file its permission bits.
    ///
    /// # Errors
    /// Those of `fchmod(2)`.
    fn set_mode(&mut self, file: &File, mode: u32) -> io::Result<()>;
    /// Waits until a file's bytes and length are on disk.
    ///
    /// # Errors
    /// Those of `fsync(2)`.
    fn sync(&mut self, file: &File) -> io::Result<()>;
    /// Waits until the names in a directory are on disk.
    ///
    /// # Errors
    /// Those of `open(2)` and `fsync(2)`.
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()>;
    /// Cuts a file.
    ///
    /// # Errors
    /// Those of `ftruncate(2)`.
    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()>;
    /// Removes a name.
    ///
    /// # Errors
    /// Those of `unlink(2)`.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
    /// Gives a file another name, in place of what had it.
    ///
    /// # Errors
    /// Those of `rename(2)`.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name, which must be free.
    ///
    /// # Errors
    /// Those of `link(2)`.
    fn link(&mut self, path: &Path, second: &Path) -> io::Result<()>;
    /// Makes a directory that must not be there yet.
    ///
    /// # Errors
    /// Those of `mkdir(2)`.
    fn create_directory(&mut self, path: &Path) -> io::Result<()>;
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

#[expect(clippy::disallowed_methods, reason = "a repair is what changes a log")]
impl Operations for FileSystem {
    fn open(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    fn create(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
    }

    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn set_owner(&mut self, file: &File, user: u32, group: u32) -> io::Result<()> {
        std::os::unix::fs::fchown(file, Some(user), Some(group))
    }

    fn set_mode(&mut self, file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn link(&mut self, path: &Path, second: &Path) -> io::Result<()> {
        std::fs::hard_link(path, second)
    }

    fn create_directory(&mut self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }
}
