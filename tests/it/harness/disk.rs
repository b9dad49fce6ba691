//! A disk that fails, is full or slow when a test wants it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use aofkit::storage::{FileSystem, Operations};

/// What the disk does, and what was asked of it.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Writes stop after so many bytes in all.
    pub(crate) room: Option<usize>,
    /// Files cannot be truncated.
    pub(crate) keeps_length: bool,
    /// Syncs of data fail.
    pub(crate) loses_syncs: bool,
    /// Syncs of data wait.
    pub(crate) holds_syncs: bool,
    /// Operations that create or rename files fail, from this one on (counted down).
    pub(crate) names_left: Option<usize>,
    /// How many writes and syncs of data there were.
    pub(crate) writes: usize,
    pub(crate) syncs: usize,
}

/// The real file system on such a disk. Copies share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct OnDisk(Arc<(Mutex<Disk>, Condvar)>);

impl OnDisk {
    /// The disk, to look at it or to change it.
    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.0.lock().unwrap()
    }

    /// Changes the disk, and lets waiting syncs look again.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Disk)) {
        change(&mut self.disk());
        self.0.1.notify_all();
    }

    /// A file is to be created or to get a name.
    fn give_name(&self) -> io::Result<()> {
        match &mut self.disk().names_left {
            Some(0) => Err(io::Error::from_raw_os_error(28)),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Operations for OnDisk {
    fn free_space(&mut self, directory: &Path) -> io::Result<u64> {
        FileSystem.free_space(directory)
    }
    fn open(&mut self, path: &Path) -> io::Result<File> {
        FileSystem.open(path)
    }
    fn open_special(&mut self, path: &Path) -> io::Result<File> {
        FileSystem.open_special(path)
    }
    fn create(&mut self, path: &Path, mode: u32) -> io::Result<File> {
        self.give_name()?;
        FileSystem.create(path, mode)
    }
    fn create_unnamed(&mut self, directory: &Path, mode: u32) -> io::Result<File> {
        self.give_name()?;
        FileSystem.create_unnamed(directory, mode)
    }
    fn name(&mut self, file: &File, path: &Path) -> io::Result<()> {
        self.give_name()?;
        FileSystem.name(file, path)
    }
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.disk();
        disk.writes += 1;
        let Some(room) = &mut disk.room else { return FileSystem.write(file, bytes, offset) };
        let count = bytes.len().min(*room);
        *room -= count;
        FileSystem.write(file, &bytes[..count], offset)?;
        if count == bytes.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(28)) }
    }
    fn set_owner(&mut self, file: &File, user: u32, group: u32) -> io::Result<()> {
        FileSystem.set_owner(file, user, group)
    }
    fn set_mode(&mut self, file: &File, mode: u32) -> io::Result<()> {
        FileSystem.set_mode(file, mode)
    }
    fn sync(&mut self, file: &File) -> io::Result<()> {
        FileSystem.sync(file)
    }
    fn sync_data(&mut self, file: &File) -> io::Result<()> {
        let mut disk = self.disk();
        disk.syncs += 1;
        let disk = self.0.1.wait_while(disk, |disk| disk.holds_syncs).unwrap();
        if disk.loses_syncs { Err(io::Error::from_raw_os_error(5)) } else { FileSystem.sync_data(file) }
    }
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        FileSystem.sync_directory(directory)
    }
    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        if self.disk().keeps_length { Err(io::Error::from_raw_os_error(5)) } else { FileSystem.truncate(file, length) }
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        FileSystem.remove(path)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.give_name()?;
        FileSystem.rename(from, to)
    }
    fn rename_new(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.give_name()?;
        FileSystem.rename_new(from, to)
    }
    fn exchange(&mut self, one: &Path, other: &Path) -> io::Result<()> {
        self.give_name()?;
        FileSystem.exchange(one, other)
    }
    fn link(&mut self, path: &Path, second: &Path) -> io::Result<()> {
        FileSystem.link(path, second)
    }
    fn create_directory(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        FileSystem.create_directory(path, mode)
    }
    fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        FileSystem.remove_directory(path)
    }
}
