use super::*;
use crate::aof::Reader;
use crate::resp::write_command;
use proptest::collection::vec;
use proptest::prelude::*;

fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    write_command(&mut out, words);
    out
}

fn verdict(log: &[u8]) -> Verdict {
    check_resp(log, Resume::default(), Server::Redis80)
}

fn line(log: &[u8]) -> String {
    let line = verdict(log).complaint.map(|complaint| complaint.line(b"log")).unwrap_or_default();
    String::from_utf8(line).unwrap()
}

#[test]
fn a_sound_log_is_valid_and_its_lines_are_counted() {
    let log = [command(&[b"SET", b"k", b"v"]), b"#TS:1\r\n".to_vec(), command(&[b"PING"])].concat();
    let verdict = verdict(&log);
    assert!(verdict.valid());
    assert_eq!((verdict.ok_up_to_line, verdict.complaint), (1 + 7 + 3, None));
}

#[test]
fn the_odd_records_that_checkers_take_are_taken() {
    for log in ["*0\r\n", "*-1\r\n", "*\r\n", "*1\r\n$\r\n\r\n", "*\r1\r\n$\x0b4\r\nPING\r\n", "#no newline", "# \0\n"]
    {
        assert!(verdict(log.as_bytes()).valid(), "{log:?}");
    }
}

#[test]
fn transactions_are_told_by_the_name_up_to_a_nul() {
    let multi = command(&[b"MULTI"]);
    assert_eq!(line(&[multi.clone(), multi.clone()].concat()), "0x              17: Unexpected MULTI in AOF log");
    assert_eq!(line(&command(&[b"Exec\0ute", b"x"])), "0x               8: Unexpected EXEC in AOF log");
    assert_eq!(line(&multi), "0x               8: Reached EOF before reading EXEC for MULTI");
    let open = [command(&[b"PING"]), multi, b"#TS:1\r\n".to_vec()].concat();
    assert_eq!(line(&open), "0x              1d: Reached EOF before reading EXEC for MULTI");
    assert_eq!(verdict(&open).ok_up_to, 14);
}

#[test]
fn a_cut_right_before_a_line_is_not_valid_and_has_no_complaint() {
    let verdict = verdict(b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n");
    assert_eq!((verdict.valid(), verdict.complaint, verdict.ok_up_to), (false, None, 14));
}

#[test]
fn bytes_from_0x80_are_printed_as_signed() {
    assert_eq!(line(b"*1\xff\x01\n"), "0x               0: Expected \\r\\n, got: ffffffff01");
    assert_eq!(line(b"*1\r\n\0"), "0x               4: Expected prefix '$', got: '");
}

#[test]
fn lengths_that_kill_the_real_tool_are_short_reads() {
    let verdict = verdict(b"*1\r\n$9223372036854775804\r\nx");
    assert_eq!(verdict.crash, Some(Crash { offset: 4, length: 9_223_372_036_854_775_804 }));
    assert!(!verdict.valid());
    let wanted = 9_223_372_036_854_775_806;
    assert_eq!(verdict.complaint.unwrap().kind, ComplaintKind::ShortRead { wanted, got: 1 });
    assert_eq!(
        check_resp(b"*1\r\n$-9223372036854775808\r\nx", Resume::default(), Server::Redis62).crash.unwrap().offset,
        4
    );
}

#[test]
fn a_timestamp_is_cut_before_the_transaction_that_is_open_there() {
    let log = [command(&[b"PING"]), command(&[b"MULTI"]), b"#TS:5\r\n".to_vec(), command(&[b"EXEC"])].concat();
    let cut = |timestamp| cut_to_timestamp(&log, Resume::default(), Server::Redis80, timestamp);
    assert_eq!(cut(4), Cut::Later { offset: 29, valid_up_to: 14 });
    assert!(matches!(cut(5), Cut::Nothing(verdict) if verdict.valid()));
    assert!(matches!(cut(0), Cut::Nothing(_)));
    let invalid = [b"#TS:5\n".to_vec(), log.clone()].concat();
    let cut = cut_to_timestamp(&invalid, Resume::default(), Server::Redis80, 9);
    assert_eq!(cut, Cut::Invalid { offset: 0 });
}

#[test]
fn an_argument_that_is_no_timestamp_is_invalid() {
    assert_eq!(timestamp_argument(b" +12"), Some(12));
    assert_eq!(timestamp_argument(b""), Some(0));
    for text in [&b"12x"[..], b" ", b"99999999999999999999", b"0x10"] {
        assert_eq!(timestamp_argument(text), None);
    }
}

#[test]
fn a_valkey_9_base_is_resp_to_every_checker() {
    for server in Server::ALL {
        assert_eq!(file_kind(b"VALKEY080\xfa", server), FileKind::Resp);
        assert_eq!(file_kind(b"REDIS001", server), FileKind::Rdb);
        assert_eq!(file_kind(b"REDIS00", server), FileKind::Resp);
    }
}

/// A piece of a log: mostly sound, sometimes not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(command(&[b"SET", b"key", b"value"])),
        2 => Just(command(&[b"MULTI"])),
        2 => Just(command(&[b"EXEC"])),
        1 => Just(b"#TS:1700000000\r\n".to_vec()),
        1 => Just(b"*0\r\n".to_vec()),
        1 => vec(prop_oneof![Just(b'*'), Just(b'$'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..20),
    ]
}

/// Where a scan of the sound records could hand over, and what it would know.
fn resumptions(log: &[u8]) -> Vec<Resume> {
    let mut reader = Reader::new(log, 0);
    let mut lines = 1;
    let mut resumptions = vec![Resume::default()];
    while let Some(Ok(record)) = reader.next_record() {
        if record.misplaced.is_some() {
            break;
        }
        if let crate::aof::Content::Command(arguments) = record.content {
            lines += 1 + 2 * arguments.len() as u64;
        }
        resumptions.push(Resume {
            position: usize::try_from(reader.position()).unwrap(),
            valid_up_to: usize::try_from(reader.valid_up_to()).unwrap(),
            lines,
            open_multi: reader.transactions().open().is_some(),
        });
    }
    resumptions
}

proptest! {
    #[test]
    fn wherever_it_resumes_the_verdict_is_the_same(pieces in vec(piece(), 0..12), cut in 0_usize..40) {
        let mut log = pieces.concat();
        log.truncate(log.len().saturating_sub(cut));
        for server in Server::ALL {
            let whole = check_resp(&log, Resume::default(), server);
            for resume in resumptions(&log) {
                // 6.2 knows no annotations, so none are sound to it.
                if server == Server::Redis62 && log[..resume.position].contains(&b'#') {
                    break;
                }
                prop_assert_eq!(&check_resp(&log, resume, server), &whole, "{} {:?}", server, resume);
            }
        }
    }

    #[test]
    fn no_bytes_hurt(bytes in vec(any::<u8>(), 0..200), head in "[*$#0-9\r\n]{0,20}") {
        let bytes = [head.as_bytes(), &bytes].concat();
        for server in Server::ALL {
            let verdict = check_resp(&bytes, Resume::default(), server);
            prop_assert!(verdict.ok_up_to <= verdict.size);
            check_preamble(&bytes, server, b"log", 0, &mut |_| {});
        }
    }
}
