//! A file system in which any operation may fail, or be the last.

use std::fs::File;
use std::io;
use std::path::Path;

use aofkit::storage::{FileSystem, Operations};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails; those after it work.
    Error,
    /// The operation fails after the first half of what it should write; those after it work.
    Full,
    /// The process is killed in the middle of the operation: neither it nor any after it happens.
    Kill,
    /// The same, after half of the bytes were written.
    KillHalfway,
    /// The process is killed right after the operation.
    KillBehind,
}

/// Every fault.
pub const FAULTS: [Fault; 5] = [Fault::Error, Fault::Full, Fault::Kill, Fault::KillHalfway, Fault::KillBehind];

/// What the file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// Everything that the real file system supports.
    Modern,
    /// No unnamed files, no exchange of names, no hard links: as on exFAT and some network file systems.
    Bare,
}

/// Both.
pub const DISKS: [Disk; 2] = [Disk::Modern, Disk::Bare];

/// The real file system with one fault at operation `at`, from 0.
pub struct Faulty {
    at: usize,
    fault: Fault,
    disk: Disk,
    gives_owners: bool,
    free: Option<u64>,
    hook: Box<dyn FnMut(&str) + Send>,
    /// The number of operations.
    pub count: usize,
    /// The operations.
    pub trace: Vec<String>,
}

impl Faulty {
    /// A fault at operation `at`.
    pub fn new(at: usize, fault: Fault) -> Self {
        Self {
            at,
            fault,
            disk: Disk::Modern,
            gives_owners: true,
            free: None,
            hook: Box::new(|_| {}),
            count: 0,
            trace: Vec::new(),
        }
    }

    /// No fault.
    pub fn sound() -> Self {
        Self::new(usize::MAX, Fault::Error)
    }

    /// The same on another file system.
    pub fn on(self, disk: Disk) -> Self {
        Self { disk, ..self }
    }

    /// The same, without changing owners and groups: as for users other than root, and on FAT.
    pub fn without_owners(self) -> Self {
        Self { gives_owners: false, ..self }
    }

    /// The same, on disks with so much free space.
    pub fn with_free_space(self, bytes: u64) -> Self {
        Self { free: Some(bytes), ..self }
    }

    /// The same, with a hook that is called with the name of each operation right before it.
    pub fn before_each(self, hook: impl FnMut(&str) + Send + 'static) -> Self {
        Self { hook: Box::new(hook), ..self }
    }

    fn only_modern<T>(&self, result: io::Result<T>) -> io::Result<T> {
        match self.disk {
            Disk::Modern => result,
            Disk::Bare => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn step<T>(&mut self, what: String, operation: impl Fn(&mut FileSystem) -> io::Result<T>) -> io::Result<T> {
        (self.hook)(&what);
        let index = self.count;
        self.count += 1;
        self.trace.push(what);
        let killed = !matches!(self.fault, Fault::Error | Fault::Full);
        if index < self.at {
            return operation(&mut FileSystem);
        }
        if index == self.at && self.fault == Fault::KillBehind {
            operation(&mut FileSystem)?;
        }
        if index == self.at || killed {
            return Err(io::Error::from_raw_os_error(28));
        }
        operation(&mut FileSystem)
    }
}

/// The last part of a path.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

impl Operations for Faulty {
    fn free_space(&mut self, directory: &Path) -> io::Result<u64> {
        self.free.map_or_else(|| FileSystem.free_space(directory), Ok)
    }
    fn open(&mut self, path: &Path) -> io::Result<File> {
        self.step(format!("open {}", name(path)), |real| real.open(path))
    }
    fn open_special(&mut self, path: &Path) -> io::Result<File> {
        self.step(format!("open special {}", name(path)), |real| real.open_special(path))
    }
    fn create(&mut self, path: &Path, mode: u32) -> io::Result<File> {
        self.step(format!("create {}", name(path)), |real| real.create(path, mode))
    }
    fn create_unnamed(&mut self, directory: &Path, mode: u32) -> io::Result<File> {
        self.only_modern(Ok(()))?;
        self.step("create unnamed".to_owned(), |real| real.create_unnamed(directory, mode))
    }
    fn name(&mut self, file: &File, path: &Path) -> io::Result<()> {
        self.step(format!("name {}", name(path)), |real| real.name(file, path))
    }
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.count == self.at && matches!(self.fault, Fault::Full | Fault::KillHalfway) {
            FileSystem.write(file, &bytes[..bytes.len() / 2], offset)?;
        }
        self.step("write".to_owned(), |real| real.write(file, bytes, offset))
    }
    fn set_owner(&mut self, file: &File, user: u32, group: u32) -> io::Result<()> {
        if !self.gives_owners {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.step("set owner".to_owned(), |real| real.set_owner(file, user, group))
    }
    fn set_mode(&mut self, file: &File, mode: u32) -> io::Result<()> {
        self.step("set mode".to_owned(), |real| real.set_mode(file, mode))
    }
    fn sync(&mut self, file: &File) -> io::Result<()> {
        self.step("sync".to_owned(), |real| real.sync(file))
    }
    fn sync_data(&mut self, file: &File) -> io::Result<()> {
        self.step("sync data".to_owned(), |real| real.sync_data(file))
    }
    fn sync_directory(&mut self, directory: &Path) -> io::Result<()> {
        self.step("sync directory".to_owned(), |real| real.sync_directory(directory))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(format!("rename to {}", name(to)), |real| real.rename(from, to))
    }
    fn rename_new(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(format!("rename to new {}", name(to)), |real| real.rename_new(from, to))
    }
    fn exchange(&mut self, one: &Path, other: &Path) -> io::Result<()> {
        self.only_modern(Ok(()))?;
        self.step(format!("exchange {}", name(other)), |real| real.exchange(one, other))
    }
    fn link(&mut self, path: &Path, second: &Path) -> io::Result<()> {
        self.only_modern(Ok(()))?;
        self.step(format!("link {}", name(second)), |real| real.link(path, second))
    }
    fn create_directory(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        self.step(format!("make {}", name(path)), |real| real.create_directory(path, mode))
    }
    fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        self.step(format!("remove directory {}", name(path)), |real| real.remove_directory(path))
    }
    fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        self.step("truncate".to_owned(), |real| real.truncate(file, length))
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.step(format!("remove {}", name(path)), |real| real.remove(path))
    }
}
