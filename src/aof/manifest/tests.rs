use proptest::prelude::*;

use super::*;

const SERVERS: [Server; 4] = [Server::Redis70, Server::Redis80, Server::Valkey8, Server::Valkey9];

fn entry(line: &str) -> Entry {
    let manifest = parse(line.as_bytes());
    assert_eq!(manifest.problems, [], "{line:?}");
    manifest.entries.into_iter().next().unwrap()
}

fn name(line: &str) -> Vec<u8> {
    entry(line).name
}

/// The flaw because of which a server refuses the manifest.
fn flaw(bytes: impl AsRef<[u8]>) -> Option<Flaw> {
    parse(bytes.as_ref()).problems.first().map(|problem| problem.flaw)
}

#[test]
fn a_manifest_is_read_as_servers_write_it() {
    let bytes = b"file a.2.base.rdb seq 2 type b\nfile a.1.incr.aof seq 1 type h\n\
        file a.2.incr.aof seq 2 type i startoffset 1 endoffset 2\n";
    let manifest = parse(bytes);
    assert_eq!(manifest.problems, []);
    let [base, history, incr] = manifest.entries.as_slice() else { panic!("{manifest:?}") };
    assert_eq!((base.name.as_slice(), base.sequence, base.kind), (&b"a.2.base.rdb"[..], 2, Kind::Base));
    assert_eq!((history.kind, history.line, history.offset), (Kind::History, 2, 31));
    let extra = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    assert_eq!(incr.extra, [extra(b"startoffset", b"1"), extra(b"endoffset", b"2")]);
    assert_eq!(manifest.to_bytes(), bytes);
}

#[test]
fn pairs_come_in_any_order_and_case() {
    let found = entry("\t SEQ 12abc\tzone 9 tYpE incr FILE x \r\n");
    assert_eq!((found.name.as_slice(), found.sequence, found.kind), (&b"x"[..], 12, Kind::Incr));
    assert_eq!(found.extra, [(b"zone".to_vec(), b"9".to_vec())]);
    assert_eq!(name("file x seq 1 type b file y seq 2\n"), b"y");
}

#[test]
fn names_are_unquoted() {
    assert_eq!(name("file \"a b\" seq 1 type b\n"), b"a b");
    assert_eq!(name("file 'a b' seq 1 type b\n"), b"a b");
    assert_eq!(name("file 'it\\'s \"x' seq 1 type b\n"), b"it's \"x");
    assert_eq!(name("file \"\\x41\\xfFz\\n\\r\\t\\a\\b\\q\\\"\" seq 1 type b\n"), b"A\xffz\n\r\t\x07\x08q\"");
    assert_eq!(name("file \"\\xg1\" seq 1 type b\n"), b"xg1");
    assert_eq!(name("file a\"b c\" seq 1 type b\n"), b"ab c");
    assert_eq!(name("file \"ab\\x00cd\" seq 1 type b\n"), b"ab");
    assert_eq!(name("file \"\" seq 1 type b\n"), b"");
    assert_eq!(name("\"file\\x00 of mine\" x seq 1 type b\n"), b"x");
}

#[test]
fn sequence_numbers_are_read_as_c_reads_them() {
    for (text, number) in [
        ("007", 7),
        ("+5", 5),
        ("-3", -3),
        ("12abc", 12),
        ("0x10", 0),
        ("abc", 0),
        ("--1", 0),
        ("\" \\t 8\"", 8),
        ("9223372036854775807", i64::MAX),
        ("9223372036854775808", i64::MAX),
        ("99999999999999999999999", i64::MAX),
        ("-99999999999999999999999", i64::MIN),
    ] {
        let line = format!("file x seq {text} type h\n");
        if number == 0 {
            assert_eq!(flaw(&line), Some(Flaw::NoSequence), "{text}");
        } else {
            assert_eq!(entry(&line).sequence, number, "{text}");
        }
    }
}

#[test]
fn each_rule_is_enforced() {
    let long = format!("file x seq 1 type b pad {}\n", "x".repeat(LINE_LIMIT));
    for (bytes, expected) in [
        ("", Flaw::Empty),
        ("file x seq 1 type b", Flaw::NoNewline),
        ("file x\0 seq 1 type b\n", Flaw::NulByte),
        (&long, Flaw::LineTooLong),
        ("file x seq 1 type b\n\n", Flaw::BlankLine),
        (" \t\r\n", Flaw::BlankLine),
        ("file \"x seq 1 type b\n", Flaw::UnbalancedQuotes),
        ("file \"x\"y seq 1 type b\n", Flaw::UnbalancedQuotes),
        ("file 'x seq 1 type b\n", Flaw::UnbalancedQuotes),
        ("file x seq 1 type\n", Flaw::FieldCount(5)),
        ("file x seq 1 type b more\n", Flaw::FieldCount(7)),
        ("file x seq 1\n", Flaw::FieldCount(4)),
        ("name x seq 1 type b\n", Flaw::NoName),
        ("file x seq 0 type b\n", Flaw::NoSequence),
        ("file x sequence 1 type b\n", Flaw::NoSequence),
        ("file x seq 1 kind b\n", Flaw::NoType),
        ("file x seq 1 type ''\n", Flaw::NoType),
        ("file a/x seq 1 type b\n", Flaw::NameIsPath),
        ("file a\\x seq 1 type b\n", Flaw::NameIsPath),
        ("file ../x seq 0 type z\n", Flaw::NameIsPath),
        ("file x seq 1 type B\n", Flaw::UnknownType(b'B')),
        ("file x seq 1 type b\nfile y seq 2 type b\n", Flaw::SecondBase),
        ("file x seq -1 type i\n", Flaw::SequenceNotIncreasing { previous: 0 }),
        ("file x seq 2 type i\nfile y seq 2 type i\n", Flaw::SequenceNotIncreasing { previous: 2 }),
    ] {
        assert_eq!(flaw(bytes), Some(expected), "{bytes:?}");
        assert!(!expected.to_string().is_empty());
    }
}

#[test]
fn what_servers_tolerate_is_no_problem() {
    for bytes in [
        "# only a comment",
        "# one\nfile x seq 1 type b\n# without a newline",
        "file x seq 1 type i\nfile x seq 2 type b\n",
        "file x seq 1 type b\nfile x seq 1 type i\nfile x seq 1 type h\nfile y seq 1 type h\n",
        "file x seq 1 type b\r\nfile y seq 1 type i\r\n",
        "#\0\nfile x seq 1 type b\n",
    ] {
        assert_eq!(flaw(bytes), None, "{bytes:?}");
    }
}

#[test]
fn a_line_may_have_1024_bytes_with_its_newline() {
    let line = |length: usize| {
        let start = "file x seq 1 type b pad ";
        format!("{start}{}\n", "p".repeat(length - start.len() - 1))
    };
    assert_eq!(flaw(line(LINE_LIMIT)), None);
    assert_eq!(flaw(line(LINE_LIMIT + 1)), Some(Flaw::LineTooLong));
}

#[test]
fn the_rest_of_a_long_comment_counts_as_a_line() {
    let comment = format!("#{}", "-".repeat(LINE_LIMIT - 1));
    assert_eq!(flaw(format!("{comment}file x seq 1 type b\n")), None);
    assert_eq!(flaw(format!("{comment}# more\nfile x seq 1 type b\n")), None);
    assert_eq!(flaw(format!("{comment}\nfile x seq 1 type b\n")), Some(Flaw::BlankLine));
    let manifest = parse(format!("{comment}oops\nfile x seq 1 type b\n").as_bytes());
    assert_eq!(manifest.problems[0].flaw, Flaw::FieldCount(1));
    assert_eq!((manifest.problems[0].line, manifest.problems[0].offset), (2, 1024));
    assert_eq!(manifest.entries[0].line, 3);
}

#[test]
fn reading_goes_on_after_a_problem() {
    let bytes = b"# top\nfile a seq 1 type b\n\nfile b/c seq 1 type i\nfile d seq 2 type i\nfile e seq 1 type i";
    let manifest = parse(bytes);
    let flaws: Vec<Flaw> = manifest.problems.iter().map(|problem| problem.flaw).collect();
    assert_eq!(flaws, [Flaw::BlankLine, Flaw::NameIsPath, Flaw::NoNewline]);
    assert_eq!(manifest.entries.len(), 2);
    assert_eq!(manifest.problems[1].line, 4);
    assert_eq!(manifest.problems[1].offset, 27);
    assert_eq!(manifest.problems[1].text.as_deref(), Some(&b"file b/c seq 1 type i"[..]));
    assert_eq!(manifest.problems[2].text, None);
    assert_eq!(manifest.comments, [Comment { text: b"# top".to_vec(), line: 1, offset: 0 }]);
    for server in SERVERS {
        assert_eq!(problem_for(bytes, server).as_ref(), manifest.problems.first());
    }
    assert_eq!(problem_for(bytes, Server::Redis62), None);
}

#[test]
fn valkey_takes_quotes_apart_in_its_own_way() {
    let names = |line: &[u8]| SERVERS.map(|server| parse_as(line, server).entries.pop().map(|entry| entry.name));
    let some = |name: &[u8]| Some(name.to_vec());
    let bytes = b"file a\xffb seq 1 type b\n";
    assert_eq!(names(bytes), [some(b"a\xffb"), some(b"a\xffb"), some(b"ab"), some(b"ab")]);
    assert_eq!(names(b"file \"a\\xffb\" seq 1 type b\n"), [0; 4].map(|_| some(b"a\xffb")));
    assert_eq!(names(b"file \"a\"'b'c seq 1 type b\n"), [None, None, None, some(b"abc")]);
}

#[test]
fn a_line_without_an_end_is_one_problem() {
    let manifest = parse(&[b"file ".as_slice(), &[b'x'; 10_000], b"\nfile y seq 1 type i\n"].concat());
    assert_eq!(manifest.problems.len(), 1);
    assert_eq!(manifest.entries.len(), 1);
    assert!(parse(&b"\n".repeat(1 << 20)).problems.len() <= PROBLEM_LIMIT);
}

#[test]
fn names_are_quoted_where_servers_quote_them() {
    let written = |name: &[u8]| {
        let manifest = Manifest { entries: vec![Entry::new(name, 7, Kind::Incr)], ..Manifest::default() };
        String::from_utf8(manifest.to_bytes()).unwrap()
    };
    assert_eq!(written(b"a.1.incr.aof"), "file a.1.incr.aof seq 7 type i\n");
    assert_eq!(written(b"a b"), "file \"a b\" seq 7 type i\n");
    assert_eq!(written(b"\"\\\n\r\t\x07\x08\x0b\xe9"), "file \"\\\"\\\\\\n\\r\\t\\a\\b\\x0b\\xe9\" seq 7 type i\n");
    assert_eq!(written(b"it's"), "file \"it's\" seq 7 type i\n");
}

#[test]
fn a_manifest_is_known_by_its_content() {
    for bytes in [
        &b"file x seq 1 type b\n"[..],
        b" \tfile x seq 1 type b\n",
        b"seq 1 file x type b\n",
        b"SEQ 1 FILE x TYPE b\n",
        b"startoffset 1 type i file x seq 1\n",
        b"# comment\n#TS:1\nfile x seq 1 type b",
        b"\n\r\nfile x seq 1 type b\n",
        b"garbage\nfile x seq 1 type b\n",
        b"\xef\xbb\xbffile x seq 1 type b\n",
        b"file",
        b"file x se",
        b"file x ",
        b"file x seq 1 ty",
        b"File \"x seq 1 type b\n",
        b"fyle x seq 1 type b\nfile y seq 1 type i\n",
        b"file x seq 1 typo b\n",
        b"file x seq 0 type incr\n",
    ] {
        assert!(is_manifest(bytes), "{}", bytes.escape_ascii());
    }
    for bytes in [
        &b""[..],
        b"#",
        b"# comment\n",
        b"#TS:1\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$20\r\nfile x seq 1 type b\n\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$19\r\nfile x seq 1 type b\r\n",
        b"\0*3\r\n$3\r\nSET\r\n$1\r\na\r\n$19\r\nfile x seq 1 type b\r\n",
        b"REDIS0011\nfile x seq 1 type b\n",
        b"VALKEY080\nfile x seq 1 type b\n",
        b"hello\nworld\n",
        b"filename x",
        b"# Notes\n\nThe manifest of a log has such lines:\n\nfile x seq 1 type b\n\nfile names are given as `file`.\n",
        b"file formats and their magic\n",
        b"file names are given as file seq type\n",
        b"File \"x\" isn't there\n",
        b"file names of a type",
    ] {
        assert!(!is_manifest(bytes), "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_the_limit_of_recognition_cuts_says_nothing() {
    let entries = b"file x seq 1 type i\n".repeat(RECOGNITION_LIMIT / 20);
    assert!(is_manifest(&[&entries, &b"prose and no entry\n".repeat(1000)[..]].concat()));
    let comments = b"# comments only, as far as anybody reads\n".repeat(RECOGNITION_LIMIT);
    assert!(!is_manifest(&[&comments, &entries[..]].concat()));
    let at_the_end = [&vec![b'#'; RECOGNITION_LIMIT - 30][..], b"\nfile x seq 1 type b\nprose and"].concat();
    assert!(is_manifest(&at_the_end));
}

#[test]
fn official_checkers_look_at_the_beginning_of_lines() {
    let in_a_value = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\nfile\r\n";
    let upper = b"FILE x seq 1 type b\n";
    let space = b" file x seq 1 type b\n";
    let plain = b"# comment\nfile x seq 1 type b\n";
    for server in Server::ALL {
        let knows = server != Server::Redis62;
        assert_eq!(official_is_manifest(in_a_value, server), server == Server::Redis70);
        assert!(!official_is_manifest(upper, server));
        assert!(!official_is_manifest(space, server));
        assert_eq!(official_is_manifest(plain, server), knows);
        assert_eq!(official_is_manifest(b"filesystem", server), knows);
    }
    let long = [&[b'#'; 1024][..], b"file"].concat();
    assert!(official_is_manifest(&long, Server::Redis80));
}

/// The entries, which a rewrite of the manifest must keep.
fn content(manifest: &Manifest) -> Vec<Entry> {
    let unplaced = |entry: &Entry| Entry { line: 0, offset: 0, ..entry.clone() };
    let mut entries: Vec<Entry> = manifest.entries.iter().map(unplaced).collect();
    entries.sort_by_key(|entry| [Kind::Base, Kind::History, Kind::Incr].iter().position(|kind| *kind == entry.kind));
    entries
}

fn bytes_without(forbidden: &'static [u8], lengths: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>().prop_filter("forbidden", |byte| !forbidden.contains(byte)), lengths)
}

prop_compose! {
    fn any_entry()(
        name in bytes_without(b"\0/\\", 0..40),
        sequence in any::<i64>().prop_filter("zero", |number| *number != 0),
        kind in prop_oneof![Just(Kind::Base), Just(Kind::Incr), Just(Kind::History)],
        extra in proptest::collection::vec(
            (
                bytes_without(b"\0", 0..12).prop_filter("known", |key| Key::of(key).is_none()),
                bytes_without(b"\0", 0..20),
            ),
            0..3,
        ),
    ) -> Entry {
        Entry { extra, ..Entry::new(name, sequence, kind) }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(entries in proptest::collection::vec(any_entry(), 1..6)) {
        let manifest = Manifest { entries, ..Manifest::default() };
        let bytes = manifest.to_bytes();
        let again = parse(&bytes);
        prop_assert_eq!(content(&again), content(&manifest));
        prop_assert_eq!(again.to_bytes(), bytes.clone());
        prop_assert!(is_manifest(&bytes));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let manifest = parse(&bytes);
        for problem in &manifest.problems {
            prop_assert!(problem.offset <= bytes.len() as u64);
        }
        is_manifest(&bytes);
        for server in Server::ALL {
            official_is_manifest(&bytes, server);
            problem_for(&bytes, server);
        }
    }

    #[test]
    fn nearly_a_manifest_is_read_without_panic(
        text in "([fF]ile|seq|type|[bih]|[0-9]{1,3}|[\"'\\\\x# \t\r\n]|a b|\\PC){0,60}") {
        let manifest = parse(text.as_bytes());
        let again = parse(&manifest.to_bytes());
        if !manifest.entries.is_empty() {
            prop_assert_eq!(content(&again), content(&manifest));
        }
    }

    #[test]
    fn a_log_is_never_taken_for_a_manifest(
        head in 0_usize..4,
        rest in proptest::collection::vec(prop_oneof![
            Just(b"file x seq 1 type b\n".to_vec()),
            Just(b"\r\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..30),
        ], 0..20),
    ) {
        let heads: [&[u8]; 4] = [b"*3\r\n", b"#TS:1700000000\r\n*1\r\n", b"REDIS0011", b"VALKEY080"];
        prop_assert!(!is_manifest(&[heads[head], &rest.concat()].concat()));
    }
}
