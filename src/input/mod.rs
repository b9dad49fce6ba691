//! The bytes of a file: copied, or mapped if the caller guarantees that the file does not change; see [`Access`].
//!
//! Little anonymous memory is used, whatever the size: bytes that are not mapped are kept in memory up to 8 MiB, and
//! beyond that in an unnamed temporary file, which is then mapped.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use flate2::bufread::GzDecoder;
use memmap2::{Advice, Mmap, MmapOptions};
use tempfile::{SpooledData, SpooledTempFile};

use crate::{Error, ErrorKind, Result};

/// The maximum number of bytes to spool in memory.
const SPOOL_IN_MEMORY: usize = 8 << 20;

/// The number of bytes to read at a time.
const CHUNK: usize = 64 << 10;

/// The path of standard input, in arguments and in reports.
pub const STDIN: &str = "-";

/// Whether a path is that of standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// The bytes of one file, as of when it was opened. A clone shares them.
#[derive(Debug, Clone)]
pub struct Input(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    bytes: Bytes,
    container: Container,
    identity: FileIdentity,
    defect: Option<Error>,
    /// The descriptor of a plain file.
    file: Option<File>,
}

/// How the bytes of plain files are accessed. The default is safe: they are copied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Access(Plain);

/// How plain files are accessed.
#[derive(Debug, Clone, Copy, Default)]
enum Plain {
    #[default]
    Copied,
    Mapped,
}

impl Access {
    /// Maps plain files instead of copying them: a log of any size takes no memory and no disk space, and only the
    /// parts that are used are read.
    ///
    /// # Safety
    /// As long as the [`Input`] lives, the bytes that the file had when it was opened must not change; appending to it
    /// is allowed. Servers and this crate comply. If they change, the bytes are undefined, and access beyond the new
    /// end of a truncated file raises `SIGBUS`, which ends the process.
    #[expect(unsafe_code, reason = "the caller vouches for the files")]
    pub const unsafe fn mapped() -> Self {
        Self(Plain::Mapped)
    }

    /// Opens a file as [`Input::open`] does.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open(self, path: &Path) -> Result<Input> {
        Input::open_from(path, self, Decompress::ByMagic)
    }

    /// Opens a file as [`Input::open_as_is`] does.
    ///
    /// # Errors
    /// As [`Input::open_as_is`].
    pub fn open_as_is(self, path: &Path) -> Result<Input> {
        Input::open_from(path, self, Decompress::Never)
    }

    /// Reads standard input from its current position: a redirected file like other files, a pipe to its end.
    ///
    /// # Errors
    /// As [`Input::open`]. The path in them, and in [`Input::path`], is `-`.
    pub fn stdin(self) -> Result<Input> {
        let path = Path::new(STDIN);
        let read_error = |source| Error::io(path, "read standard input", source);
        let mut file = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(read_error)?);
        let metadata = file.metadata().map_err(read_error)?;
        if !metadata.file_type().is_socket() {
            refuse_special(path, &metadata)?;
        }
        let position = if metadata.is_file() { file.stream_position().map_err(read_error)? } else { 0 };
        Input::from_file(path, file, &metadata, position, (self, Decompress::ByMagic))
    }
}

/// Where the bytes are.
#[derive(Debug)]
enum Bytes {
    Memory(Vec<u8>),
    /// In a temporary file.
    Spooled(Mmap),
    /// The map of the file, in which the log begins at `start`.
    Mapped {
        map: Mmap,
        start: usize,
    },
}

/// The compression of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// The file is the log.
    Plain,
    /// Gzip, of any number of members.
    Gzip,
    /// Zstandard, of any number of frames.
    Zstd,
}

impl Container {
    /// Detects the compression from the first bytes: both formats begin with a magic number with which no log begins.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            // A frame, or a skippable frame, which parallel compressors write first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// `plain`, `gzip` or `zstd`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The identity of a file when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// The file's device; with [`FileIdentity::inode`] it identifies the file.
    pub device: u64,
    /// The file's number on its device.
    pub inode: u64,
    /// Its length in bytes: of a compressed file the compressed length, of a pipe 0.
    pub length: u64,
    /// The modification time, if the system provides it.
    pub modified: Option<SystemTime>,
}

impl FileIdentity {
    /// The identity in a file's metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// The device and the inode, which tell whether two files are the same.
    pub const fn file_id(&self) -> FileId {
        FileId { device: self.device, inode: self.inode }
    }
}

/// The identity of a file, independent of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

/// The change of a file's length since it was opened; both lengths in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was appended to; the earlier bytes are unchanged.
    Grew {
        /// The length when it was opened.
        from: u64,
        /// The length now.
        to: u64,
    },
    /// It was truncated; reading mapped bytes beyond the new end raises `SIGBUS`.
    Shrank {
        /// The length when it was opened.
        from: u64,
        /// The length now.
        to: u64,
    },
}

impl Input {
    /// Opens a file for reading, and waits for the writer if it is a FIFO.
    ///
    /// A compressed file is decompressed; see [`Input::defect`] for a truncated or corrupt one.
    ///
    /// # Errors
    /// [`ErrorKind::NotALog`] for a directory, a device and a socket, [`ErrorKind::Compression`] if nothing could be
    /// decompressed, and [`ErrorKind::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        Access::default().open(path)
    }

    /// Opens a file like [`Input::open`], but without decompression, as a server does.
    ///
    /// # Errors
    /// [`ErrorKind::NotALog`] for a directory, a device and a socket, and [`ErrorKind::Io`].
    pub fn open_as_is(path: &Path) -> Result<Self> {
        Access::default().open_as_is(path)
    }

    /// An input of bytes in memory, without decompression; for logs that are not in files, and for tests.
    ///
    /// `name` is used as the path in reports and errors. In [`Input::file_identity`] only the length is meaningful.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        let identity = FileIdentity { device: 0, inode: 0, length: bytes.len() as u64, modified: None };
        Self(Arc::new(Inner {
            path: name.into(),
            bytes: Bytes::Memory(bytes),
            container: Container::Plain,
            identity,
            defect: None,
            file: None,
        }))
    }

    fn open_from(path: &Path, access: Access, decompress: Decompress) -> Result<Self> {
        let open_error = |source| Error::io(path, "open", source);
        // Check before opening, because opening a device can have effects, such as rewinding a tape.
        refuse_special(path, &fs::metadata(path).map_err(open_error)?)?;
        let file = OpenOptions::new().read(true).open(path).map_err(open_error)?;
        let metadata = file.metadata().map_err(open_error)?;
        refuse_special(path, &metadata)?;
        Self::from_file(path, file, &metadata, 0, (access, decompress))
    }

    /// Takes the bytes of an open file from `start` on, its current position.
    fn from_file(
        path: &Path,
        file: File,
        metadata: &Metadata,
        start: u64,
        (access, decompress): (Access, Decompress),
    ) -> Result<Self> {
        let identity = FileIdentity::of(metadata);
        let map = match access.0 {
            Plain::Mapped if metadata.is_file() => map_from(&file, identity.length, start),
            Plain::Mapped | Plain::Copied => None,
        };
        let Some((map, start)) = map else {
            // Bytes that are appended during the copy are not part of it. Files in `/proc` have a length of 0 without
            // being empty.
            let limit = if metadata.is_file() && identity.length > 0 {
                identity.length.saturating_sub(start)
            } else {
                u64::MAX
            };
            let source = BufReader::with_capacity(CHUNK, (&file).take(limit));
            let mut inner = Self::spool(path, source, identity, decompress)?;
            if metadata.is_file() && inner.container == Container::Plain {
                inner.file = Some(file);
            }
            return Ok(Self(Arc::new(inner)));
        };
        let bytes = Bytes::Mapped { map, start };
        if decompress.container_of(bytes.as_slice()) != Container::Plain {
            return Self::spool(path, bytes.as_slice(), identity, decompress).map(|inner| Self(Arc::new(inner)));
        }
        let inner = Inner {
            path: path.to_owned(),
            bytes,
            container: Container::Plain,
            identity,
            defect: None,
            file: Some(file),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Reads `source` to its end, decompressed if it is compressed.
    fn spool(path: &Path, mut source: impl BufRead, identity: FileIdentity, decompress: Decompress) -> Result<Inner> {
        let mut head = Vec::with_capacity(4);
        source.by_ref().take(4).read_to_end(&mut head).map_err(|source| Error::io(path, "read", source))?;
        let container = decompress.container_of(&head);
        let source = head.as_slice().chain(source);
        let mut spool = Spool { file: SpooledTempFile::new(SPOOL_IN_MEMORY), length: 0 };
        let end = match container {
            Container::Plain => spool.fill(source),
            Container::Gzip => spool.gunzip(source),
            Container::Zstd => spool.unzstd(source),
        };
        let defect = match end {
            Ok(()) => None,
            Err(SpoolError::Write(source)) => return Err(Error::io(path, "write a temporary copy", source)),
            Err(SpoolError::Read(source)) if container == Container::Plain || source.raw_os_error().is_some() => {
                return Err(Error::io(path, "read", source));
            }
            Err(SpoolError::Read(source)) => {
                let kind = ErrorKind::Compression { format: container.name(), source };
                let error = Error::new(path, kind).at(spool.length);
                if spool.length == 0 {
                    return Err(error);
                }
                Some(error)
            }
        };
        let bytes = spool.into_bytes().map_err(|source| Error::io(path, "read the temporary copy", source))?;
        Ok(Inner { path: path.to_owned(), bytes, container, identity, defect, file: None })
    }

    /// The bytes of the log when the file was opened, decompressed.
    ///
    /// If the file is truncated while it is mapped, the bytes beyond its new end cannot be read: see
    /// [`Access::mapped`].
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes.as_slice()
    }

    /// The given path; `-` for standard input.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The open file; `None` for a pipe, a compressed file, and bytes in memory.
    pub fn file(&self) -> Option<&File> {
        self.0.file.as_ref()
    }

    /// The compression of the file.
    pub fn container(&self) -> Container {
        self.0.container
    }

    /// The identity of a file when it was opened.
    pub fn file_identity(&self) -> &FileIdentity {
        &self.0.identity
    }

    /// Why the compressed stream could not be read to its end: an [`ErrorKind::Compression`] whose offset is the length
    /// of [`Input::bytes`], the log up to there.
    pub fn defect(&self) -> Option<&Error> {
        self.0.defect.as_ref()
    }

    /// The change of a plain file's length since it was opened; always `None` for compressed files and pipes.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the length cannot be determined.
    pub fn changed(&self) -> Result<Option<Change>> {
        let Some(file) = &self.0.file else { return Ok(None) };
        let to = file.metadata().map_err(|source| Error::io(self.path(), "get the length", source))?.len();
        let from = self.0.identity.length;
        Ok(match to.cmp(&from) {
            std::cmp::Ordering::Less => Some(Change::Shrank { from, to }),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Change::Grew { from, to }),
        })
    }

    /// Advises the operating system that the bytes will be read once and in order. It may have no effect.
    pub fn advise_sequential(&self) {
        if let Bytes::Mapped { map, .. } = &self.0.bytes {
            // Without it, reading is only slower.
            let _ = map.advise(Advice::Sequential);
        }
    }

    /// Whether the log is a mapped file, so that [`Input::copy`] reads from the file instead of from [`Input::bytes`].
    pub fn is_mapped(&self) -> bool {
        matches!(self.0.bytes, Bytes::Mapped { .. })
    }

    /// Copies the log's bytes from `offset` on, and returns their number.
    ///
    /// A mapped file is read with system calls: for a single pass over a large file this is faster than the map, with
    /// several threads twice as fast. If reading fails, the copy ends there; access to the same place in
    /// [`Input::bytes`] then fails.
    pub fn copy(&self, offset: usize, buffer: &mut [u8]) -> usize {
        let (Bytes::Mapped { map, start }, Some(file)) = (&self.0.bytes, &self.0.file) else {
            let rest = self.bytes().get(offset..).unwrap_or_default();
            return rest.iter().zip(buffer).map(|(byte, place)| *place = *byte).count();
        };
        let length = buffer.len().min(map.len().saturating_sub(start.saturating_add(offset)));
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..length).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, (start + offset + filled) as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        filled
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Spooled(map) => map,
            Self::Mapped { map, start } => map.get(*start..).unwrap_or_default(),
        }
    }
}

/// Whether to decompress a compressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decompress {
    ByMagic,
    Never,
}

impl Decompress {
    fn container_of(self, head: &[u8]) -> Container {
        match self {
            Self::ByMagic => Container::of(head),
            Self::Never => Container::Plain,
        }
    }
}

/// Refuses files that cannot hold a log or would never end.
fn refuse_special(path: &Path, metadata: &Metadata) -> Result<()> {
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        "a directory"
    } else if kind.is_char_device() {
        "a character device"
    } else if kind.is_block_device() {
        "a block device"
    } else if kind.is_socket() {
        "a socket"
    } else {
        return Ok(());
    };
    Err(Error::new(path, ErrorKind::NotALog(what)))
}

/// Maps a file of `length` bytes whose log begins at `start`, and returns the offset of the log in the map.
///
/// `None` if it has to be read instead: a file with a length of 0 (files in `/proc` are not empty) or on a file system
/// without maps.
fn map_from(file: &File, length: u64, start: u64) -> Option<(Mmap, usize)> {
    let start = usize::try_from(start).ok()?;
    let length = usize::try_from(length).ok()?;
    if length == 0 {
        return None;
    }
    map_whole(file, length).ok().map(|map| (map, start))
}

#[expect(unsafe_code, reason = "the one place where a file becomes memory")]
fn map_whole(file: &File, length: usize) -> io::Result<Mmap> {
    // SAFETY: The map is private and read-only. A temporary file has no name, and no other process has it open. For any
    // other file, the caller of `Access::mapped` guarantees that it does not change.
    unsafe { MmapOptions::new().len(length).map(file) }
}

/// The bytes so far of something that cannot be mapped.
struct Spool {
    file: SpooledTempFile,
    length: u64,
}

/// The side that failed.
enum SpoolError {
    Read(io::Error),
    Write(io::Error),
}

impl Spool {
    /// Reads all of `source`.
    fn fill(&mut self, mut source: impl Read) -> std::result::Result<(), SpoolError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match source.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SpoolError::Read(error)),
            };
            self.file.write_all(chunk.get(..count).unwrap_or(&chunk)).map_err(SpoolError::Write)?;
            self.length += count as u64;
        }
    }

    fn gunzip(&mut self, mut source: impl BufRead) -> std::result::Result<(), SpoolError> {
        loop {
            self.fill(GzDecoder::new(&mut source))?;
            // A member is followed by another, by nothing, or by zeros that fill up a block.
            loop {
                let ahead = source.fill_buf().map_err(SpoolError::Read)?;
                if ahead.is_empty() {
                    return Ok(());
                }
                let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
                if zeros == 0 {
                    break;
                }
                source.consume(zeros);
            }
        }
    }

    fn unzstd(&mut self, source: impl BufRead) -> std::result::Result<(), SpoolError> {
        self.fill(zstd::stream::read::Decoder::with_buffer(source).map_err(SpoolError::Read)?)
    }

    fn into_bytes(self) -> io::Result<Bytes> {
        let length = self.length;
        match self.file.into_inner() {
            SpooledData::InMemory(cursor) => Ok(Bytes::Memory(cursor.into_inner())),
            SpooledData::OnDisk(file) => {
                let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
                Ok(Bytes::Spooled(map_whole(&file, length)?))
            }
        }
    }
}

#[cfg(test)]
mod tests;
