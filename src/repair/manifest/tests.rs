use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::testing::command;

/// When the bases of these tests were begun.
const BEGUN: u64 = 1_700_000_000;

const SOUND: &str = "file a.aof.2.base.rdb seq 2 type b\nfile a.aof.3.incr.aof seq 3 type i\n\
                     file a.aof.4.incr.aof seq 4 type i\n";

/// An RDB without keys, which was begun then.
fn rdb(begun: u64) -> Vec<u8> {
    [&b"REDIS0011\xfa\x05ctime\x0a"[..], begun.to_string().as_bytes(), &[0xff, 0, 0, 0, 0, 0, 0, 0, 0]].concat()
}

/// A directory of parts, by name and by the seconds after [`BEGUN`] at which each was last written.
fn parts(files: &[(&str, i64)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, after) in files {
        let bytes = if name.ends_with("rdb") { rdb(BEGUN) } else { command(&["SET", "k", name]) };
        write(&directory, name, &bytes, *after);
    }
    directory
}

fn write(directory: &TempDir, name: &str, bytes: &[u8], after: i64) {
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    let seconds = BEGUN.checked_add_signed(after).unwrap();
    File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

/// A directory with a manifest of this text, a base, and two incrs.
fn with_manifest(text: &[u8]) -> TempDir {
    let directory = parts(&[("a.aof.2.base.rdb", 1), ("a.aof.3.incr.aof", 5), ("a.aof.4.incr.aof", 9)]);
    write(&directory, "a.aof.manifest", text, 10);
    directory
}

#[track_caller]
fn text(directory: &TempDir) -> String {
    match rebuild(directory.path(), Absent::Doubt).unwrap() {
        Outcome::Rebuilt(rebuilt) => {
            assert_eq!(rebuilt.path, directory.path().join("a.aof.manifest"));
            assert_eq!(manifest::parse(&rebuilt.text).problems, []);
            String::from_utf8(rebuilt.text).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn doubt(directory: &TempDir) -> (String, String) {
    match rebuild(directory.path(), Absent::Doubt).unwrap() {
        Outcome::Doubtful(doubt) => {
            let name = doubt.file.file_name().unwrap().to_str().unwrap().to_owned();
            (name, doubt.reason)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn reason(directory: &TempDir, name: &str) -> (Option<Kind>, String) {
    let Outcome::Rebuilt(rebuilt) = rebuild(directory.path(), Absent::Doubt).unwrap() else { panic!("no manifest") };
    let judged = rebuilt.files.into_iter().find(|file| file.name == name).unwrap();
    (judged.kind, judged.reason)
}

#[test]
fn a_sound_manifest_stays() {
    for manifest in [SOUND.to_owned(), format!("# by hand\n{SOUND}")] {
        let directory = with_manifest(manifest.as_bytes());
        // The server had stopped before it named this one, or has not written to it.
        write(&directory, "a.aof.5.incr.aof", b"", 11);
        assert_eq!(rebuild(directory.path(), Absent::Doubt).unwrap(), Outcome::Sound);
        // A rewrite that was interrupted before it counted.
        write(&directory, "a.aof.3.base.rdb", &rdb(BEGUN + 10), 11);
        write(&directory, "a.aof.5.incr.aof", &command(&["SET", "k", "v"]), 11);
        assert_eq!(rebuild(directory.path(), Absent::Doubt).unwrap(), Outcome::Sound);
    }
}

#[test]
fn a_missing_manifest_comes_from_the_names() {
    let directory = with_manifest(b"");
    fs::remove_file(directory.path().join("a.aof.manifest")).unwrap();
    assert_eq!(text(&directory), SOUND);
    let Outcome::Rebuilt(rebuilt) = rebuild(directory.path(), Absent::Doubt).unwrap() else { panic!() };
    let plan = rebuilt.plan();
    assert_eq!((&rebuilt.before, plan.manifest.unwrap().before, plan.parts.len()), (&None, None, 3));
}

#[test]
fn a_manifest_cut_anywhere_or_overwritten_anywhere_is_made_whole() {
    for length in 0..SOUND.len() {
        let directory = with_manifest(&SOUND.as_bytes()[..length]);
        assert_eq!(text(&directory), SOUND, "{length}");
    }
    for start in 0..SOUND.len() {
        let mut bytes = SOUND.as_bytes().to_vec();
        let end = (start + 30).min(bytes.len());
        bytes[start..end].fill(0);
        assert_eq!(text(&with_manifest(&bytes)), SOUND, "{start}");
    }
}

#[test]
fn lines_in_another_order_and_doubled_lines_are_put_right() {
    let lines: Vec<&str> = SOUND.lines().collect();
    for order in [vec![0, 2, 1], vec![0, 1, 1, 2], vec![0, 0, 1, 2]] {
        let broken: Vec<&str> = order.into_iter().flat_map(|index| [lines[index], "\n"]).collect();
        let broken = broken.concat();
        assert_eq!(text(&with_manifest(broken.as_bytes())), SOUND, "{broken}");
    }
}

#[test]
fn what_the_manifest_calls_history_stays_out() {
    let manifest = "file a.aof.2.base.rdb seq 2 type b\nfile a.aof.3.incr.aof seq 3 type h\n\
                    file a.aof.4.incr.aof seq 4 type i";
    let directory = with_manifest(manifest.as_bytes());
    let expected = "file a.aof.2.base.rdb seq 2 type b\nfile a.aof.4.incr.aof seq 4 type i\n";
    assert_eq!(text(&directory), expected);
    assert_eq!(reason(&directory, "a.aof.3.incr.aof").0, None);
}

#[test]
fn a_rewrite_that_had_renamed_its_base_is_told_from_one_that_counts() {
    // The manifest still names the old base: all incrs follow it.
    let manifest = format!("{SOUND}garbage\n");
    let directory = with_manifest(manifest.as_bytes());
    write(&directory, "a.aof.3.base.rdb", &rdb(BEGUN + 7), 8);
    write(&directory, "temp-rewriteaof-bg-7.aof", b"REDIS", 8);
    assert_eq!(text(&directory), SOUND);
    assert_eq!(reason(&directory, "a.aof.3.base.rdb").0, None);
    assert!(reason(&directory, "temp-rewriteaof-bg-7.aof").1.contains("not finished"));

    // Without a manifest the newest base counts, and times tell what is in it.
    fs::remove_file(directory.path().join("a.aof.manifest")).unwrap();
    let newest = "file a.aof.3.base.rdb seq 3 type b\nfile a.aof.4.incr.aof seq 4 type i\n";
    assert_eq!(text(&directory), newest);
    assert!(reason(&directory, "a.aof.3.incr.aof").1.contains("before the base was begun"));
    assert_eq!(reason(&directory, "a.aof.2.base.rdb").0, None);

    // In the same second, or with times that a copy has lost, nothing tells it.
    for after in [7, 20] {
        let bytes = fs::read(directory.path().join("a.aof.3.incr.aof")).unwrap();
        write(&directory, "a.aof.3.incr.aof", &bytes, after);
        assert_eq!(doubt(&directory).0, "a.aof.3.incr.aof", "{after}");
    }
}

#[test]
fn times_that_contradict_the_numbers_are_a_doubt() {
    let later_is_older = parts(&[("a.aof.2.base.rdb", 1), ("a.aof.3.incr.aof", 5), ("a.aof.4.incr.aof", -5)]);
    assert_eq!(doubt(&later_is_older).0, "a.aof.4.incr.aof");
    let all_older = parts(&[("a.aof.2.base.rdb", 1), ("a.aof.3.incr.aof", -5)]);
    assert_eq!(doubt(&all_older).0, "a.aof.2.base.rdb");
}

#[test]
fn two_whole_bases_of_one_number_are_a_doubt_and_a_broken_one_is_none() {
    let directory = parts(&[("a.aof.2.base.rdb", 1), ("a.aof.2.base.aof", 1), ("a.aof.3.incr.aof", 5)]);
    assert!(doubt(&directory).1.contains("two whole bases"));
    write(&directory, "a.aof.2.base.aof", b"*3\r\n$3", 1);
    assert!(text(&directory).starts_with("file a.aof.2.base.rdb seq 2 type b\n"));
    write(&directory, "a.aof.2.base.rdb", b"", 1);
    assert!(doubt(&directory).1.contains("not whole"));
}

#[test]
fn a_gap_a_missing_base_and_no_incr_are_doubts() {
    let gap = parts(&[("a.aof.2.base.rdb", 1), ("a.aof.3.incr.aof", 5), ("a.aof.5.incr.aof", 9)]);
    assert_eq!(doubt(&gap).0, "a.aof.5.incr.aof");
    assert!(doubt(&parts(&[("a.aof.3.incr.aof", 5)])).1.contains("no base"));
    assert!(doubt(&parts(&[("a.aof.2.base.rdb", 5)])).1.contains("no incr"));
    assert!(doubt(&parts(&[("readme", 5)])).1.contains("no file"));
    assert!(doubt(&parts(&[("a.aof.2.base.rdb", 1), ("b.aof.2.incr.aof", 5)])).1.contains("more than one log"));
}

#[test]
fn an_absent_file_that_the_manifest_names_is_a_doubt() {
    for name in ["a.aof.2.base.rdb", "a.aof.3.incr.aof", "a.aof.4.incr.aof"] {
        let directory = with_manifest(SOUND.as_bytes());
        fs::remove_file(directory.path().join(name)).unwrap();
        assert_eq!(doubt(&directory).0, name);
    }
}

#[test]
fn a_name_that_contradicts_its_line_is_a_doubt() {
    let manifest = SOUND.replace("seq 4", "seq 9") + "garbage\n";
    assert!(doubt(&with_manifest(manifest.as_bytes())).1.contains("contradict"));
    let manifest = format!("{SOUND}file a.aof.3.incr.aof seq 3 type h\nfile");
    assert!(doubt(&with_manifest(manifest.as_bytes())).1.contains("two lines"));
}

#[test]
fn an_old_style_file_beside_the_directory_counts_as_servers_count_it() {
    let data = TempDir::new().unwrap();
    let directory = data.path().join("appendonlydir");
    fs::create_dir(&directory).unwrap();
    fs::write(data.path().join("a.aof"), command(&["SET", "k", "v"])).unwrap();
    let doubt = || match rebuild(&directory, Absent::Doubt).unwrap() {
        Outcome::Doubtful(doubt) => doubt,
        other => panic!("{other:?}"),
    };
    // Named, but not moved yet.
    fs::write(directory.join("a.aof.manifest"), "file a.aof seq 1 type b\n").unwrap();
    assert_eq!(rebuild(&directory, Absent::Doubt).unwrap(), Outcome::Sound);
    // Beside an incr servers do not look for it.
    fs::write(directory.join("a.aof.1.incr.aof"), command(&["SET", "k", "v"])).unwrap();
    fs::write(directory.join("a.aof.manifest"), "file a.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n")
        .unwrap();
    assert!(doubt().reason.contains("outside the directory") && doubt().advice.contains("move the file"));
    // Moved: it is the base.
    fs::rename(data.path().join("a.aof"), directory.join("a.aof")).unwrap();
    assert_eq!(rebuild(&directory, Absent::Doubt).unwrap(), Outcome::Sound);
    fs::write(directory.join("a.aof.1.incr.aof"), b"").unwrap();
    fs::write(directory.join("a.aof.manifest"), "file a.aof seq 1 type b\nfile a.aof.1.incr.aof seq").unwrap();
    let Outcome::Rebuilt(rebuilt) = rebuild(&directory, Absent::Doubt).unwrap() else { panic!() };
    assert_eq!(rebuilt.text, b"file a.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n");
    // Without a manifest a server takes the old file.
    fs::remove_file(directory.join("a.aof.manifest")).unwrap();
    fs::write(data.path().join("a.aof"), command(&["SET", "k", "v"])).unwrap();
    assert!(doubt().reason.contains("for the whole log"));
}

#[test]
fn a_number_that_occurs_twice_comes_from_the_names() {
    for (right, wrong) in [("seq 4", "seq 3"), ("seq 3", "seq 4"), ("seq 4", "seq 1")] {
        assert_eq!(text(&with_manifest(SOUND.replace(right, wrong).as_bytes())), SOUND, "{right}");
    }
}

#[test]
fn a_base_that_is_lost_is_left_out_if_that_is_wanted() {
    let directory = with_manifest(SOUND.as_bytes());
    fs::remove_file(directory.path().join("a.aof.2.base.rdb")).unwrap();
    let rebuilt = || rebuild(directory.path(), Absent::LeaveOut).unwrap();
    let Outcome::Rebuilt(without) = rebuilt() else { panic!() };
    assert_eq!(without.text, SOUND.split_inclusive('\n').skip(1).collect::<String>().as_bytes());
    let lost = without.files.iter().find(|file| file.name == "a.aof.2.base.rdb").unwrap();
    assert!(lost.kind.is_none() && lost.reason.contains("all data of the base is lost"));
    // Another base may be the one that the incrs follow.
    write(&directory, "a.aof.1.base.rdb", &rdb(BEGUN), 1);
    assert!(matches!(rebuilt(), Outcome::Doubtful(_)));
    for name in ["a.aof.1.base.rdb", "a.aof.3.incr.aof", "a.aof.4.incr.aof"] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    assert!(matches!(rebuilt(), Outcome::Doubtful(doubt) if doubt.reason.contains("no file")));
}

#[test]
fn what_redis_8_adds_to_a_line_stays() {
    let with_offset = SOUND.replace("seq 3 type i", "seq 3 type i startoffset 17");
    assert_eq!(text(&with_manifest(format!("{with_offset}garbage\n").as_bytes())), with_offset);
}

#[test]
fn what_an_interrupted_fix_left_does_not_count() {
    let directory = with_manifest(b"");
    write(&directory, "a.aof.2.base.fixed-1.rdb", &rdb(BEGUN), 11);
    write(&directory, "a.aof.4.incr.fixed-1.aof", &command(&["SET", "k", "v"]), 11);
    assert_eq!(text(&directory), SOUND);
    fs::remove_file(directory.path().join("a.aof.manifest")).unwrap();
    assert_eq!(text(&directory), SOUND);
    assert!(reason(&directory, "a.aof.4.incr.fixed-1.aof").1.contains("not finished"));
    // What the manifest names was finished, and then the one before it is left over.
    let fixed = SOUND.replace("4.incr.aof", "4.incr.fixed-1.aof");
    write(&directory, "a.aof.manifest", format!("{fixed}garbage\n").as_bytes(), 12);
    assert_eq!(text(&directory), fixed);
}

#[test]
fn a_base_that_the_manifest_lost_comes_back_unless_an_incr_is_older() {
    let without = SOUND.split_inclusive('\n').skip(1).collect::<String>();
    let directory = with_manifest(without.as_bytes());
    assert_eq!(text(&directory), SOUND);
    // A rewrite of a log that had no base made this one, and holds what is in the incr.
    write(&directory, "a.aof.3.incr.aof", &command(&["SET", "k", "v"]), -5);
    assert!(doubt(&directory).1.contains("begun after it was last written"));
}
