//! The system calls that change files, so that a test can make any of them fail.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The operations of repairs and rewrites on the file system: one method for each call that changes or syncs something,
/// and one that says whether there is room.
pub trait Operations {
    /// How many bytes can still be written to the file system of a directory.
    ///
    /// # Errors
    /// Those of `statvfs(3)`.
    fn free_space(&mut self, directory: &Path) -> io::Result<u64>;
    /// Opens an existing file for reading and writing; never creates or truncates.
    ///
    /// # Errors
    /// Those of `open(2)`.
    fn open(&mut self, path: &Path) -> io::Result<File>;
    /// Opens an existing file of any kind for writing; never creates or truncates, and waits for the reader of a FIFO.
    ///
    /// # Errors
    /// Those of `open(2)`.
    fn open_special(&mut self, path: &Path) -> io::Result<File>;
    /// Creates a file that must not exist, for reading and writing. The umask clears bits of the mode.
    ///
    /// # Errors
    /// Those of `open(2)` with `O_EXCL`.
    fn create(&mut self, path: &Path, mode: u32) -> io::Result<File>;
    /// Creates a file without a name, which is removed when it is closed unless it gets one.
    ///
    /// # Errors
    /// Those of `open(2)` with `O_TMPFILE`.
    fn create_unnamed(&mut self, directory: &Path, mode: u32) -> io::Result<File>;
    /// Gives an unnamed file a name, which must be free.
    ///
    /// # Errors
    /// Those of `linkat(2)`.
    fn name(&mut self, file: &File, path: &Path) -> io::Result<()>;
    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// Those of `pwrite(2)`.
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Sets the owner and the group of a file.
    ///
    /// # Errors
    /// Those of `fchown(2)`.
    fn set_owner(&mut self, file: &File, user: u32, group: u32) -> io::Result<()>;
    /// Sets the permission bits of a file.
    ///
    /// # Errors
    /// Those of `fchmod(2)`.
    fn set_mode(&mut self, file: &File, mode: u32) -> io::Result<()>;
    /// Waits until a file's bytes and length are on disk.
    ///
    /// # Errors
    /// Those of `fsync(2)`.
    fn sync(&mut self, file: &File) -> io::Result<()>;
    /// Waits until a file's bytes, and of what else is known of it so much as is needed to read them, are on disk.
    ///
    /// # Errors
    /// Those of `fdatasync(2)`.
    fn sync_data(&mut self, file: &File) -> io::Result<()>;
    /// Waits until the names in a directory are on disk.
    ///
    /// # Errors
    /// Those of `open(2)` and `fsync(2)`.
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()>;
    /// Truncates a file.
    ///
    /// # Errors
    /// Those of `ftruncate(2)`.
    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()>;
    /// Removes a name.
    ///
    /// # Errors
    /// Those of `unlink(2)`.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing one that has the new name.
    ///
    /// # Errors
    /// Those of `rename(2)`.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file; the new name must be free.
    ///
    /// # Errors
    /// Those of `renameat2(2)` with `RENAME_NOREPLACE`, or of `link(2)` and `unlink(2)` if the file system does not
    /// support that.
    fn rename_new(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Exchanges the names of two files in one step.
    ///
    /// # Errors
    /// Those of `renameat2(2)` with `RENAME_EXCHANGE`.
    fn exchange(&mut self, one: &Path, other: &Path) -> io::Result<()>;
    /// Gives a file a second name, which must be free.
    ///
    /// # Errors
    /// Those of `link(2)`.
    fn link(&mut self, path: &Path, second: &Path) -> io::Result<()>;
    /// Creates a directory that must not exist. The umask clears bits of the mode.
    ///
    /// # Errors
    /// Those of `mkdir(2)`.
    fn create_directory(&mut self, path: &Path, mode: u32) -> io::Result<()>;
    /// Removes an empty directory.
    ///
    /// # Errors
    /// Those of `rmdir(2)`.
    fn remove_directory(&mut self, path: &Path) -> io::Result<()>;
}

/// Whether the error means that the operation is not supported.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    // A kernel without O_TMPFILE tries to open the directory for writing; a file system that cannot exchange names
    // reports the flag as invalid.
    use io::ErrorKind::{InvalidInput, IsADirectory, Unsupported};
    matches!(error.kind(), Unsupported | InvalidInput | IsADirectory)
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

#[expect(clippy::disallowed_methods, reason = "a repair is what changes a log")]
impl Operations for FileSystem {
    fn free_space(&mut self, directory: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(directory)?;
        // What is set aside is for root.
        let blocks = if rustix::process::geteuid().is_root() { found.f_bfree } else { found.f_bavail };
        Ok(blocks.saturating_mul(found.f_frsize))
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    fn open_special(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).open(path)
    }

    fn create(&mut self, path: &Path, mode: u32) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path)
    }

    fn create_unnamed(&mut self, directory: &Path, mode: u32) -> io::Result<File> {
        system::create_unnamed(directory, mode)
    }

    fn name(&mut self, file: &File, path: &Path) -> io::Result<()> {
        system::name(file, path)
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

    fn sync_data(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
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

    fn rename_new(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        match system::rename_new(from, to) {
            Err(error) if is_unsupported(&error) => {
                std::fs::hard_link(from, to)?;
                std::fs::remove_file(from)
            }
            result => result,
        }
    }

    fn exchange(&mut self, one: &Path, other: &Path) -> io::Result<()> {
        system::exchange(one, other)
    }

    fn link(&mut self, path: &Path, second: &Path) -> io::Result<()> {
        std::fs::hard_link(path, second)
    }

    fn create_directory(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        DirBuilder::new().mode(mode).create(path)
    }

    fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, open, renameat_with};

    pub(super) fn create_unnamed(directory: &Path, mode: u32) -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        Ok(File::from(open(directory, flags, Mode::from_raw_mode(mode))?))
    }

    pub(super) fn name(file: &File, path: &Path) -> io::Result<()> {
        // Before Linux 6.10, only root may link by descriptor (AT_EMPTY_PATH).
        let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(linkat(CWD, descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }

    pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
    }

    pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
        Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    const UNSUPPORTED: io::ErrorKind = io::ErrorKind::Unsupported;

    pub(super) fn create_unnamed(_: &Path, _: u32) -> io::Result<File> {
        Err(UNSUPPORTED.into())
    }

    pub(super) fn name(_: &File, _: &Path) -> io::Result<()> {
        Err(UNSUPPORTED.into())
    }

    pub(super) fn rename_new(_: &Path, _: &Path) -> io::Result<()> {
        Err(UNSUPPORTED.into())
    }

    pub(super) fn exchange(_: &Path, _: &Path) -> io::Result<()> {
        Err(UNSUPPORTED.into())
    }
}
