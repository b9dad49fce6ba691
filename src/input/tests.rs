use std::ffi::OsStr;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode};

use super::*;

const LOG: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Bytes that do not compress well, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Files are mapped: the tests change none of their bytes.
#[expect(unsafe_code, reason = "files of these tests")]
fn mapped() -> Access {
    // SAFETY: the files are in folders of these tests, which only append to them or read nothing afterwards.
    unsafe { Access::mapped() }
}

/// The bytes that [`Input::copy`] returns, in two steps.
fn copied(input: &Input) -> Vec<u8> {
    let mut buffer = vec![0; LOG.len() + 10];
    assert_eq!(input.copy(0, &mut buffer[..3]), 3);
    let rest = input.copy(3, &mut buffer[3..]);
    buffer.truncate(3 + rest);
    buffer
}

#[test]
fn a_plain_file_is_taken_as_it_is() {
    let folder = folder();
    let path = file(&folder, "log", LOG);
    for access in [Access::default(), mapped()] {
        let input = access.open(&path).unwrap();
        assert_eq!(input.bytes(), LOG);
        assert_eq!(input.container(), Container::Plain);
        assert_eq!(input.path(), path);
        assert!(input.defect().is_none() && input.file().is_some());
        assert_eq!(input.is_mapped(), matches!(access.0, Plain::Mapped));
        let metadata = fs::metadata(&path).unwrap();
        let identity = input.file_identity();
        assert_eq!(
            (identity.device, identity.inode, identity.length),
            (metadata.dev(), metadata.ino(), LOG.len() as u64)
        );
        assert_eq!(identity.modified, metadata.modified().ok());
        input.advise_sequential();
        assert_eq!(copied(&input), LOG);
        assert_eq!(input.copy(usize::MAX, &mut [0; 4]), 0);
    }
}

#[test]
fn an_empty_file_has_no_bytes() {
    let folder = folder();
    let input = Input::open(&file(&folder, "log", b"")).unwrap();
    assert_eq!(input.bytes(), b"");
    assert_eq!(input.changed().unwrap(), None);
    assert_eq!(input.copy(0, &mut [0; 4]), 0);
}

#[test]
fn a_file_that_hides_its_length_is_read() {
    let path = Path::new("/proc/self/status");
    if path.exists() {
        assert!(!Input::open(path).unwrap().bytes().is_empty());
    }
}

#[test]
fn gzip_is_decompressed_with_all_its_members() {
    let folder = folder();
    let mut bytes = gzip(LOG);
    bytes.extend(gzip(b""));
    bytes.extend(gzip(LOG));
    bytes.extend([0; 700]);
    let path = file(&folder, "log", &bytes);
    let input = Input::open(&path).unwrap();
    assert_eq!(input.bytes(), LOG.repeat(2));
    assert_eq!(input.container(), Container::Gzip);
    assert_eq!(input.file_identity().length, bytes.len() as u64);
    assert!(input.defect().is_none());
    assert_eq!(Input::open_as_is(&path).unwrap().bytes(), bytes);
}

#[test]
fn zstd_is_decompressed_with_all_its_frames() {
    let folder = folder();
    let mut bytes = vec![0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    bytes.extend(zstd(LOG));
    bytes.extend(zstd(LOG));
    let input = Input::open(&file(&folder, "log", &bytes)).unwrap();
    assert_eq!(input.bytes(), LOG.repeat(2));
    assert_eq!(input.container(), Container::Zstd);
    assert!(input.defect().is_none());
}

#[test]
fn a_compressed_file_beyond_the_limit_is_spooled_to_disk() {
    let folder = folder();
    let bytes = noise(SPOOL_IN_MEMORY + 12345);
    for (name, compressed) in [("gz", gzip(&bytes)), ("zst", zstd(&bytes))] {
        let input = Input::open(&file(&folder, name, &compressed)).unwrap();
        assert!(input.bytes() == bytes, "{name}");
        assert!(matches!(input.0.bytes, Bytes::Spooled(_)), "{name}");
    }
}

#[test]
fn a_cut_stream_keeps_what_came_before_the_cut() {
    let folder = folder();
    let bytes = noise(300_000);
    for (compressed, format) in [(gzip(&bytes), "gzip"), (zstd(&bytes), "zstd")] {
        let cut = &compressed[..compressed.len() / 2];
        let input = Input::open(&file(&folder, "log", cut)).unwrap();
        assert!(bytes.starts_with(input.bytes()), "{format}");
        assert!(input.bytes().len() > 100_000, "{format}: {}", input.bytes().len());
        let defect = input.defect().unwrap();
        assert_eq!(defect.offset(), Some(input.bytes().len() as u64));
        assert!(matches!(defect.kind(), ErrorKind::Compression { format: found, .. } if *found == format));
        assert!(defect.to_string().contains(format), "{defect}");
    }
}

#[test]
fn every_cut_of_a_small_stream_is_noticed() {
    let folder = folder();
    for compressed in [gzip(LOG), zstd(LOG)] {
        for length in 4..compressed.len() {
            match Input::open(&file(&folder, "log", &compressed[..length])) {
                Ok(input) => assert!(input.defect().is_some() && LOG.starts_with(input.bytes()), "{length}"),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Compression { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn a_wrong_checksum_keeps_the_bytes_and_is_told() {
    let folder = folder();
    let mut bytes = gzip(LOG);
    let checksum = bytes.len() - 8;
    bytes[checksum] ^= 1;
    let input = Input::open(&file(&folder, "log", &bytes)).unwrap();
    assert_eq!(input.bytes(), LOG);
    assert!(input.defect().is_some());
}

#[test]
fn garbage_behind_a_stream_is_told() {
    let folder = folder();
    for mut bytes in [gzip(LOG), zstd(LOG)] {
        bytes.extend(b"garbage behind");
        let input = Input::open(&file(&folder, "log", &bytes)).unwrap();
        assert_eq!(input.bytes(), LOG);
        assert!(input.defect().is_some());
    }
}

#[test]
fn a_stream_of_which_nothing_can_be_had_is_an_error() {
    let folder = folder();
    let path = file(&folder, "log.gz", b"\x1f\x8b\x08 and no more of it");
    let error = Input::open(&path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Compression { format: "gzip", .. }));
    assert_eq!(error.file(), path);
}

#[test]
fn what_holds_no_log_is_refused_by_name() {
    let folder = folder();
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    for (path, what) in [
        (folder.path(), "a directory"),
        (Path::new("/dev/null"), "a character device"),
        (Path::new("/dev/zero"), "a character device"),
        (&socket, "a socket"),
    ] {
        let error = Input::open(path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotALog(found) if *found == what), "{error}");
    }
}

#[test]
fn an_error_names_the_path() {
    let error = Input::open(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/at/all: cannot open: No such file or directory");
}

#[test]
fn a_fifo_is_read_to_its_end_and_decompressed() {
    for (bytes, container) in [(LOG.to_vec(), Container::Plain), (gzip(LOG), Container::Gzip)] {
        let folder = folder();
        let path = folder.path().join("fifo");
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let writer = std::thread::spawn({
            let path = path.clone();
            move || fs::write(path, bytes).unwrap()
        });
        let input = Input::open(&path).unwrap();
        writer.join().unwrap();
        assert_eq!(input.bytes(), LOG);
        assert_eq!(input.container(), container);
        assert_eq!(input.changed().unwrap(), None);
    }
}

#[test]
fn a_path_of_a_descriptor_leads_to_its_pipe_or_file() {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(LOG).unwrap();
    drop(writer);
    let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    assert_eq!(Input::open(&path).unwrap().bytes(), LOG);

    let folder = folder();
    let open = File::open(file(&folder, "log", LOG)).unwrap();
    let path = PathBuf::from(format!("/dev/fd/{}", open.as_raw_fd()));
    assert_eq!(Input::open(&path).unwrap().bytes(), LOG);
}

#[test]
fn a_redirected_file_counts_from_where_it_stands() {
    let folder = folder();
    let mut long = b"read before".to_vec();
    for rest in [LOG.to_vec(), gzip(LOG)] {
        long.truncate(11);
        long.extend(&rest);
        let mut open = File::open(file(&folder, "log", &long)).unwrap();
        let metadata = open.metadata().unwrap();
        for access in [Access::default(), mapped()] {
            open.seek(io::SeekFrom::Start(11)).unwrap();
            let again = open.try_clone().unwrap();
            let input = Input::from_file(Path::new("-"), again, &metadata, 11, (access, Decompress::ByMagic)).unwrap();
            assert_eq!(input.bytes(), LOG);
            assert_eq!(copied(&input), LOG);
        }
    }
    let mut open = File::open(file(&folder, "log", LOG)).unwrap();
    open.seek(io::SeekFrom::Start(1000)).unwrap();
    let metadata = open.metadata().unwrap();
    for access in [Access::default(), mapped()] {
        let open = open.try_clone().unwrap();
        let input = Input::from_file(Path::new("-"), open, &metadata, 1000, (access, Decompress::ByMagic)).unwrap();
        assert_eq!(input.bytes(), b"", "a position after the end");
    }
}

#[test]
fn growing_and_shrinking_are_noticed() {
    let folder = folder();
    let path = file(&folder, "log", LOG);
    let from = LOG.len() as u64;
    let input = mapped().open(&path).unwrap();
    assert_eq!(input.changed().unwrap(), None);
    let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
    writer.write_all(b"*1").unwrap();
    assert_eq!(input.changed().unwrap(), Some(Change::Grew { from, to: from + 2 }));
    assert_eq!(input.bytes(), LOG);
    writer.set_len(3).unwrap();
    assert_eq!(input.changed().unwrap(), Some(Change::Shrank { from, to: 3 }));
}

#[test]
fn a_name_that_is_not_utf8_opens() {
    let folder = folder();
    let path = folder.path().join(OsStr::from_bytes(b"l\xffg"));
    fs::write(&path, LOG).unwrap();
    assert_eq!(Input::open(&path).unwrap().bytes(), LOG);
}

proptest! {
    #[test]
    fn no_stream_makes_it_panic(magic in 0_usize..3, rest in proptest::collection::vec(any::<u8>(), 0..200)) {
        let heads: [&[u8]; 3] = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"];
        let bytes = [heads[magic], &rest].concat();
        let folder = folder();
        if let Ok(input) = Input::open(&file(&folder, "log", &bytes)) {
            prop_assert_eq!(input.defect().map_or(input.bytes().len() as u64, |defect| defect.offset().unwrap()),
                input.bytes().len() as u64);
        }
    }
}
