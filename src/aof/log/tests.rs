use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

const RESP: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const MANIFEST: &[u8] =
    b"file b.rdb seq 1 type b\nfile h.aof seq 1 type h\nfile i1.aof seq 1 type i\nfile i2.aof seq 2 type i\n";

/// A folder with these files in it; a name that ends in `/` is a directory.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    folder
}

fn open(folder: &TempDir, name: &str) -> Log {
    Log::open(&folder.path().join(name)).unwrap()
}

fn refusal(folder: &TempDir, name: &str) -> Error {
    Log::open(&folder.path().join(name)).unwrap_err()
}

fn names(paths: &[PathBuf], folder: &TempDir) -> Vec<String> {
    paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_file_that_is_no_manifest_is_one_part_whatever_its_name() {
    let folder =
        folder(&[("resp.manifest", RESP), ("base.rdb", b"REDIS0011"), ("empty", b""), ("resp.gz", &gzip(RESP))]);
    for (name, bytes) in
        [("resp.manifest", RESP), ("base.rdb", &b"REDIS0011"[..]), ("empty", &b""[..]), ("resp.gz", RESP)]
    {
        let log = open(&folder, name);
        assert!(matches!(log.layout, Layout::Single), "{name}");
        let [part] = log.parts.as_slice() else { panic!("{name}") };
        assert_eq!(part.role, Role::Single);
        assert_eq!(part.open().unwrap().bytes(), bytes, "{name}");
        assert!(part.missing().is_none());
    }
}

#[test]
fn a_single_file_is_opened_once() {
    let folder = folder(&[("log", RESP)]);
    let log = open(&folder, "log");
    fs::remove_file(folder.path().join("log")).unwrap();
    assert_eq!(log.parts[0].open().unwrap().bytes(), RESP);
}

#[test]
fn a_manifest_of_any_name_gives_its_parts_in_order() {
    let folder = folder(&[
        ("list.aof", MANIFEST),
        ("b.rdb", b"REDIS0011"),
        ("i1.aof", &gzip(RESP)),
        ("h.aof", RESP),
        ("stray.aof", RESP),
        ("temp-x.aof", b""),
    ]);
    let log = open(&folder, "list.aof");
    let multi_part = log.as_multi_part().unwrap();
    assert_eq!(multi_part.directory, folder.path());
    assert_eq!(multi_part.manifest.problems, []);
    let listed: Vec<_> = log.parts.iter().map(|part| (part.name.to_str().unwrap(), part.role, part.sequence)).collect();
    let incr = |name, number| (name, Role::Incr, Some(number));
    assert_eq!(listed, [("b.rdb", Role::Base, Some(1)), incr("i1.aof", 1), incr("i2.aof", 2)]);
    assert_eq!(log.history[0].role, Role::History);
    assert_eq!(log.parts[0].open().unwrap().bytes(), b"REDIS0011");
    assert_eq!(log.parts[1].open().unwrap().bytes(), gzip(RESP), "no server decompresses a part");
    assert_eq!(log.parts[2].missing().unwrap().kind(), io::ErrorKind::NotFound);
    assert!(matches!(log.parts[2].open().unwrap_err().kind(), ErrorKind::Io { source, .. }
        if source.kind() == io::ErrorKind::NotFound));
    assert_eq!(names(&multi_part.unlisted().unwrap(), &folder), ["stray.aof", "temp-x.aof"]);
}

#[test]
fn a_part_that_is_no_regular_file_counts_as_missing() {
    let folder = folder(&[("m", b"file d seq 1 type b\nfile \"\" seq 1 type i\n"), ("d/", b"")]);
    let log = open(&folder, "m");
    assert_eq!(log.parts[0].missing().unwrap().kind(), io::ErrorKind::IsADirectory);
    assert!(log.parts[1].missing().is_some());
}

#[test]
fn names_of_parts_need_not_be_utf8() {
    let folder = folder(&[("m", b"file \"\\xff\\xfe\" seq 1 type i\n")]);
    fs::write(folder.path().join(OsStr::from_bytes(b"\xff\xfe")), RESP).unwrap();
    let log = open(&folder, "m");
    assert_eq!(log.parts[0].name.as_bytes(), b"\xff\xfe");
    assert_eq!(log.parts[0].open().unwrap().bytes(), RESP);
}

#[test]
fn a_manifest_without_a_directory_in_its_path_is_in_the_current_one() {
    let folder = folder(&[("m", MANIFEST)]);
    let input = Input::open(&folder.path().join("m")).unwrap();
    let log = Log::multi_part(Path::new("m"), PathBuf::from("m"), (input, Access::default()));
    assert_eq!(log.as_multi_part().unwrap().directory, Path::new("."));
}

#[test]
fn a_directory_leads_to_its_manifest() {
    let folder = folder(&[
        ("appendonlydir/x.manifest", MANIFEST),
        ("appendonlydir/temp-x.manifest", MANIFEST),
        ("appendonlydir/x.manifest.bak", MANIFEST),
        ("appendonlydir/b.rdb", b"REDIS0011"),
        ("other/config", b"port 0\n"),
        ("dump.rdb", b"REDIS0011"),
    ]);
    let expected = folder.path().join("appendonlydir/x.manifest");
    for name in ["appendonlydir", "appendonlydir/", ""] {
        assert_eq!(open(&folder, name).as_multi_part().unwrap().manifest_path, expected, "{name:?}");
    }
}

#[test]
fn a_manifest_in_a_directory_needs_no_name() {
    let folder = folder(&[("list", MANIFEST), ("resp.manifest", RESP)]);
    assert_eq!(open(&folder, "").as_multi_part().unwrap().manifest_path, folder.path().join("list"));
}

#[test]
fn an_empty_or_damaged_manifest_is_known_by_its_name() {
    for bytes in [&b""[..], b"\0\0\0\0", b"nonsense\n", b"# comment\n"] {
        let folder = folder(&[("x.manifest", bytes), ("i1.aof", RESP)]);
        for name in ["", "x.manifest"] {
            let log = open(&folder, name);
            assert!(log.parts.is_empty());
            assert_eq!(log.as_multi_part().unwrap().manifest, manifest::parse(bytes), "{name:?}");
        }
    }
}

#[test]
fn a_directory_without_a_manifest_offers_the_logs_in_it() {
    let bare = folder(&[("readme", b"hello"), ("below/log", RESP)]);
    assert!(matches!(refusal(&bare, "").kind(), ErrorKind::NoManifest));

    let snapshot = folder(&[("dump.rdb", b"REDIS0011")]);
    let error = refusal(&snapshot, "");
    let ErrorKind::LogsWithoutManifest(logs) = error.kind() else { panic!("{error}") };
    assert_eq!(names(logs, &snapshot), ["dump.rdb"]);

    let several = folder(&[("appendonly.aof", RESP), ("copy.aof.gz", &gzip(RESP)), ("dump.rdb", b"REDIS0011")]);
    let error = refusal(&several, "");
    let ErrorKind::LogsWithoutManifest(logs) = error.kind() else { panic!("{error}") };
    assert_eq!(names(logs, &several), ["appendonly.aof", "copy.aof.gz", "dump.rdb"]);
    assert!(error.to_string().contains("copy.aof.gz"), "{error}");
}

#[test]
fn a_directory_without_a_manifest_leads_to_its_one_append_only_file() {
    let old = folder(&[
        ("appendonly.aof", RESP),
        ("dump.rdb", b"REDIS0011"),
        ("temp-1.rdb", b"REDIS"),
        ("readme", b"hi"),
        ("empty/", b""),
    ]);
    let log = open(&old, "");
    assert!(matches!(log.layout, Layout::Single));
    assert_eq!(log.parts[0].path, old.path().join("appendonly.aof"));

    // A server that reads manifests ignores an old file beside its directory.
    let upgraded = folder(&[("appendonly.aof", RESP), ("appendonlydir/x.manifest", MANIFEST)]);
    let manifest = upgraded.path().join("appendonlydir/x.manifest");
    assert_eq!(open(&upgraded, "").as_multi_part().unwrap().manifest_path, manifest);
}

#[test]
fn a_log_that_a_server_rewrites_meanwhile_is_read_again() {
    let after = b"file a.2.rdb seq 2 type b\nfile a.2.aof seq 2 type i\n";
    let folder = folder(&[
        ("a.manifest", b"file a.1.rdb seq 1 type b\nfile a.1.aof seq 1 type i\n"),
        ("a.1.rdb", b"REDIS0011"),
        ("a.1.aof", RESP),
    ]);
    let opened = open(&folder, "");
    let held = open(&folder, "").held().unwrap();
    for (name, bytes) in [("a.2.rdb", &b"REDIS0011"[..]), ("a.2.aof", b""), ("temp-a.manifest", after)] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    fs::rename(folder.path().join("temp-a.manifest"), folder.path().join("a.manifest")).unwrap();
    for name in ["a.1.rdb", "a.1.aof"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }

    // What was opened before stays readable, and what was not is found under its new name.
    assert_eq!(held.parts[1].open().unwrap().bytes(), RESP);
    assert!(held.parts.iter().all(|part| part.missing().is_none()));
    assert!(opened.parts.iter().all(|part| part.missing().is_some()));
    let opened = opened.held().unwrap();
    assert_eq!(opened.parts.iter().map(Part::file_name).collect::<Vec<_>>(), [b"a.2.rdb", b"a.2.aof"]);
    assert!(opened.parts.iter().all(|part| part.missing().is_none()));

    // A part that is missing though the manifest names it stays missing.
    fs::remove_file(folder.path().join("a.2.aof")).unwrap();
    let incomplete = open(&folder, "").held().unwrap();
    assert!(incomplete.parts[0].missing().is_none() && incomplete.parts[1].missing().is_some());
}

#[test]
fn more_than_one_manifest_is_refused() {
    let side_by_side = folder(&[("a.manifest", MANIFEST), ("b.manifest", MANIFEST)]);
    let below = folder(&[("one/a.manifest", MANIFEST), ("two/a.manifest", MANIFEST)]);
    for (folder, expected) in
        [(side_by_side, ["a.manifest", "b.manifest"]), (below, ["one/a.manifest", "two/a.manifest"])]
    {
        let error = refusal(&folder, "");
        let ErrorKind::ManyManifests(found) = error.kind() else { panic!("{error}") };
        assert_eq!(names(found, &folder), expected);
    }
}

#[test]
fn a_compressed_manifest_is_refused() {
    let folder = folder(&[("m.gz", &gzip(MANIFEST))]);
    assert!(matches!(refusal(&folder, "m.gz").kind(), ErrorKind::Refused(_)));
}

#[test]
fn a_tree_is_walked_for_logs() {
    let folder = folder(&[
        ("a/appendonlydir/x.manifest", MANIFEST),
        ("a/appendonlydir/b.rdb", b"REDIS0011"),
        ("a/appendonlydir/i1.aof", RESP),
        ("a/appendonlydir/stray", RESP),
        ("a/dump.rdb", b"VALKEY080"),
        ("b/log", RESP),
        ("b/annotated", b"#TS:1700000000\r\n*1\r\n$4\r\nPING\r\n"),
        ("b/log.gz", &gzip(RESP)),
        ("b/log.zst", &zstd::encode_all(RESP, 1).unwrap()),
        ("b/other.gz", &gzip(b"hello")),
        ("b/manifest.gz", &gzip(MANIFEST)),
        ("b/empty.aof", b""),
        ("b/damaged.aof", b"\0\0\0"),
        ("b/temp-rewriteaof-1.aof", RESP),
        ("b/readme.md", b"* a list\n"),
        ("b/notes.md", b"# Notes\n\nfile names\n"),
        ("b/log.aofkit-kept-2/log", RESP),
        ("b/.log.aofkit-draft-1", RESP),
        ("b/log.aofkit-kept-by-me", RESP),
        ("c/", b""),
    ]);
    symlink(folder.path(), folder.path().join("c/loop")).unwrap();
    symlink("nowhere", folder.path().join("c/broken")).unwrap();
    symlink("../b/log", folder.path().join("c/linked")).unwrap();
    assert_eq!(
        names(&walk_tree(folder.path()).unwrap().logs, &folder),
        [
            "a/appendonlydir/stray",
            "a/appendonlydir/x.manifest",
            "a/dump.rdb",
            "b/annotated",
            "b/damaged.aof",
            "b/empty.aof",
            "b/log",
            "b/log.aofkit-kept-by-me",
            "b/log.gz",
            "b/log.zst",
            "c/linked",
        ]
    );
    assert!(walk_tree(&folder.path().join("nowhere")).is_err());
}

/// The paths of the logs that a path means, and whether each could be opened.
fn discovered(folder: &TempDir, name: &str) -> Vec<(String, bool)> {
    let path = |path: &Path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
    let item = |log: Result<Log>| match log {
        Ok(log) => (path(&log.path), true),
        Err(error) => (path(error.file()), false),
    };
    discover(Access::default(), &folder.path().join(name)).map(item).collect()
}

#[test]
fn a_path_means_one_log_or_all_logs_of_a_tree() {
    let folder = folder(&[
        ("data/appendonlydir/x.manifest", MANIFEST),
        ("data/appendonlydir/stray.aof", RESP),
        ("data/dump.rdb", b"REDIS0011"),
        ("tree/appendonlydir/x.manifest", MANIFEST),
        ("tree/b/log", RESP),
        ("tree/a.gz", b"\x1f\x8b\x08"),
        ("none/readme", b"hello"),
        ("snapshot/dump.rdb", b"REDIS0011"),
    ]);
    let sound = |name: &str| vec![(name.to_owned(), true)];
    assert_eq!(discovered(&folder, "data/appendonlydir"), sound("data/appendonlydir"));
    // What lies beside its parts counts only where logs are looked for.
    assert_eq!(discovered(&folder, "data").len(), 3);
    fs::remove_file(folder.path().join("data/appendonlydir/stray.aof")).unwrap();
    assert_eq!(discovered(&folder, "data"), sound("data"));
    assert_eq!(discovered(&folder, "tree/b/log"), sound("tree/b/log"));
    assert_eq!(discovered(&folder, "snapshot"), sound("snapshot/dump.rdb"));
    assert_eq!(discovered(&folder, "none"), [("none".to_owned(), false)]);
    assert_eq!(discovered(&folder, "nowhere"), [("nowhere".to_owned(), false)]);
    // One that cannot be opened does not hide the others.
    let tree = [("tree/appendonlydir/x.manifest".to_owned(), true), ("tree/b/log".to_owned(), true)];
    assert_eq!(discovered(&folder, "tree"), tree);
    fs::rename(folder.path().join("tree/a.gz"), folder.path().join("tree/a.aof")).unwrap();
    assert_eq!(discovered(&folder, "tree"), [vec![("tree/a.aof".to_owned(), false)], tree.to_vec()].concat());
}

#[test]
fn a_log_of_a_tree_is_opened_when_its_turn_comes() {
    let folder = folder(&[("a.aof", RESP), ("b.aof", RESP)]);
    let mut logs = discover(Access::default(), folder.path());
    assert!(logs.next().unwrap().is_ok());
    fs::remove_file(folder.path().join("b.aof")).unwrap();
    assert!(is_not_found(&logs.next().unwrap().unwrap_err()));
    assert!(logs.next().is_none());
}

#[test]
fn a_directory_is_listed_once() {
    // As the one log, and as one of several.
    for path in ["dir", ""] {
        let folder = folder(&[("dir/x.manifest", MANIFEST), ("dir/stray", RESP)]);
        let mut logs = discover(Access::default(), &folder.path().join(path)).map(Result::unwrap);
        let log = logs.find(|log| log.as_multi_part().is_some()).unwrap();
        // What is known of the directory is from before it was written to.
        fs::write(folder.path().join("dir/later"), RESP).unwrap();
        let found = log.as_multi_part().unwrap().unlisted().unwrap();
        assert_eq!(names(&found, &folder), ["dir/stray"], "{path:?}");
    }
}
