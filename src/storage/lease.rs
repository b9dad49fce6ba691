//! File leases: the kernel tells whether any process on the host, in any container, has a file open, and later that one
//! is about to open it.

use std::fs::File;
use std::io;
use std::thread;
use std::time::Duration;

/// The number of attempts to take a lease. A process that is being started holds copies of all descriptors of its
/// parent until it executes its program, which does not matter.
const ATTEMPTS: u32 = 20;

/// The pause between attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// The processes that a lease excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exclusion {
    /// Processes that open the file for writing (`F_RDLCK`). The descriptor must be read-only.
    Writers,
    /// Processes that open the file at all (`F_WRLCK`). This process must have no other descriptor of the file.
    Everybody,
}

/// Why there is no lease.
#[derive(Debug)]
pub(super) enum NoLease {
    /// Another process has the file open.
    Open,
    /// The system does not support leases on this file, or does not allow them to this process.
    Unknown(io::Error),
}

/// A lease that this process holds on a file.
///
/// While it is held, a process that opens the file waits until the lease is dropped, or for
/// `/proc/sys/fs/lease-break-time` seconds.
#[derive(Debug)]
pub(super) struct Lease {
    file: File,
    exclusion: Exclusion,
}

impl Lease {
    /// Takes a lease.
    pub(super) fn take(file: File, exclusion: Exclusion) -> Result<Self, NoLease> {
        for attempt in 1.. {
            match system::take(&file, exclusion) {
                Ok(()) => return Ok(Self { file, exclusion }),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(NoLease::Unknown(error)),
                Err(_) if attempt == ATTEMPTS => break,
                Err(_) => thread::sleep(PAUSE),
            }
        }
        Err(NoLease::Open)
    }

    /// Its descriptor.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether no process has opened the file in the meantime, or waits for it.
    pub(super) fn holds(&self) -> bool {
        system::holds(&self.file, self.exclusion)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The descriptor may have copies, which hold the lease as well.
        system::give_back(&self.file);
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    use libc::c_int;

    use super::Exclusion;

    /// `F_SETSIG` of Linux's `asm-generic/fcntl.h`, which the `libc` crate lacks.
    const F_SETSIG: c_int = 10;

    const fn kind(exclusion: Exclusion) -> c_int {
        match exclusion {
            Exclusion::Writers => libc::F_RDLCK,
            Exclusion::Everybody => libc::F_WRLCK,
        }
    }

    #[expect(unsafe_code, reason = "no crate here has a safe form of this call")]
    fn control(file: &File, command: c_int, argument: c_int) -> io::Result<c_int> {
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the three commands that this module uses
        // take an integer (F_GETLEASE ignores it), so that no memory is read or written.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
    }

    pub(super) fn take(file: &File, exclusion: Exclusion) -> io::Result<()> {
        // By default, a broken lease sends SIGIO, which ends the process; SIGURG does nothing.
        control(file, F_SETSIG, libc::SIGURG)?;
        match control(file, libc::F_SETLEASE, kind(exclusion)) {
            // Root in a container may lack CAP_LEASE, but may act as the file's owner, who needs no capability.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                as_owner(file, exclusion).map_err(|_| error)
            }
            result => result.map(|_| ()),
        }
    }

    #[expect(unsafe_code, reason = "no crate here has a safe form of this call")]
    fn as_owner(file: &File, exclusion: Exclusion) -> io::Result<()> {
        let owner = file.metadata()?.uid();
        // SAFETY: the call takes an integer, affects this thread alone and cannot fail harmfully: without the right to
        // change, the user stays. What it was before is set again below.
        let before = unsafe { libc::setfsuid(owner) };
        let result = control(file, libc::F_SETLEASE, kind(exclusion));
        // SAFETY: as above; the value is the one that the system gave.
        unsafe { libc::setfsuid(before.cast_unsigned()) };
        result.map(|_| ())
    }

    pub(super) fn holds(file: &File, exclusion: Exclusion) -> bool {
        // While the lease is being broken, the kernel already returns its future type.
        control(file, libc::F_GETLEASE, 0).is_ok_and(|found| found == kind(exclusion))
    }

    pub(super) fn give_back(file: &File) {
        // Without a lease there is nothing to release.
        let _ = control(file, libc::F_SETLEASE, libc::F_UNLCK);
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io;

    use super::Exclusion;

    pub(super) fn take(_: &File, _: Exclusion) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn holds(_: &File, _: Exclusion) -> bool {
        false
    }

    pub(super) fn give_back(_: &File) {}
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_lease_is_refused_while_the_file_is_open_and_broken_when_somebody_opens_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.aof");
        fs::write(&path, b"x").unwrap();
        let writer = fs::OpenOptions::new().append(true).open(&path).unwrap();
        for exclusion in [Exclusion::Writers, Exclusion::Everybody] {
            assert!(matches!(Lease::take(File::open(&path).unwrap(), exclusion), Err(NoLease::Open)), "{exclusion:?}");
        }
        drop(writer);
        let reader = File::open(&path).unwrap();
        assert!(matches!(Lease::take(File::open(&path).unwrap(), Exclusion::Everybody), Err(NoLease::Open)));
        drop(Lease::take(File::open(&path).unwrap(), Exclusion::Writers).unwrap());
        drop(reader);

        let lease = Lease::take(File::open(&path).unwrap(), Exclusion::Everybody).unwrap();
        assert!(lease.holds());
        thread::scope(|scope| {
            let opener = scope.spawn(|| fs::OpenOptions::new().append(true).open(&path).unwrap());
            while lease.holds() {
                thread::yield_now();
            }
            drop(lease);
            opener.join().unwrap();
        });
    }
}
