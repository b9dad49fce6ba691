use super::*;
use crate::aof::{Content, Reader};
use crate::progress::Progress;
use crate::resp::write_command;
use proptest::prelude::*;

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    write_command(out, words);
}

fn scan_with(bytes: &[u8], threads: usize, share: usize) -> Scan {
    let (threads, window) = (NonZeroUsize::new(threads).unwrap(), NonZeroUsize::new(share).unwrap());
    scan(bytes, 0, Server::Redis80, Options { threads, window, ..Options::default() })
}

/// The same where every window is copied before it is read, by a file that gives `most` bytes at a time.
fn scan_copies(bytes: &[u8], threads: usize, share: usize, most: usize) -> Scan {
    let (threads, window) = (NonZeroUsize::new(threads).unwrap(), NonZeroUsize::new(share).unwrap());
    let copy = |offset: usize, buffer: &mut [u8]| {
        let length = buffer.len().min(most).min(bytes.len() - offset);
        buffer[..length].copy_from_slice(&bytes[offset..offset + length]);
        length
    };
    scan(bytes, 0, Server::Redis80, Options { threads, window, copy: Some(&copy), ..Options::default() })
}

/// What copies of windows hold twice is little: only the end of their last record.
#[test]
fn hardly_a_byte_is_copied_twice() {
    let mut bytes = Vec::new();
    for index in 0..20_000 {
        command(&mut bytes, &[b"SET", format!("key:{index}").as_bytes(), &[b'v'; 100]]);
    }
    let copied = std::sync::atomic::AtomicUsize::new(0);
    let copy = |offset: usize, buffer: &mut [u8]| {
        copied.fetch_add(buffer.len(), std::sync::atomic::Ordering::Relaxed);
        buffer.copy_from_slice(&bytes[offset..offset + buffer.len()]);
        buffer.len()
    };
    let found = scan(&bytes, 0, Server::Redis80, Options { copy: Some(&copy), ..Options::default() });
    assert_eq!(found.records, 20_000);
    let copied = copied.into_inner();
    assert!(copied < bytes.len() + bytes.len() / 50, "{copied} of {}", bytes.len());
}

/// A log of commands that windows are likely to trip over: values that look like records, transactions, annotations.
fn log() -> impl Strategy<Value = Vec<u8>> {
    let record = prop_oneof![
        4 => any::<u8>().prop_map(|key| vec![b"SET".to_vec(), vec![b'k', key], b"v".to_vec()]),
        2 => Just(vec![b"INCR".to_vec(), b"c".to_vec()]),
        1 => Just(vec![b"MULTI".to_vec()]),
        1 => Just(vec![b"EXEC".to_vec()]),
        1 => Just(vec![b"DISCARD".to_vec()]),
        1 => (0..20_u8).prop_map(|db| vec![b"SELECT".to_vec(), db.to_string().into_bytes()]),
        1 => Just(vec![b"SET".to_vec(), b"log".to_vec(), b"\r\n*1\r\n$4\r\nEXEC\r\n*1\r\n$5\r\nMULTI\r\n".to_vec()]),
        1 => Just(vec![b"SET".to_vec(), b"log".to_vec(), b"*2\r\n$4\r\nINCR\r\n$1\r\nx\r\n".repeat(9)]),
        1 => Just(vec![b"NOSUCH".to_vec(), b"a".to_vec()]),
        1 => Just(vec![b"XGROUP".to_vec(), b"NOSUCH".to_vec()]),
        1 => Just(vec![b"SET".to_vec(), b"short".to_vec()]),
        1 => Just(vec![b"FLUSHALL".to_vec()]),
        1 => Just(vec![b"flushdb".to_vec(), b"ASYNC".to_vec()]),
        1 => (0..2_000_000_000_u32).prop_map(|time| vec![format!("#TS:{time}\r\n").into_bytes()]),
    ];
    prop::collection::vec(record, 0..60).prop_map(|records| {
        let mut out = Vec::new();
        for record in records {
            match record.as_slice() {
                [annotation] if annotation.starts_with(b"#") => out.extend_from_slice(annotation),
                words => command(&mut out, &words.iter().map(Vec::as_slice).collect::<Vec<_>>()),
            }
        }
        out
    })
}

proptest! {
    #![proptest_config(crate::testing::cases(400))]

    #[test]
    fn windows_on_threads_find_what_one_pass_finds(
        mut log in log(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in any::<prop::sample::Index>(),
        cutting in any::<bool>(),
        share in 1..300_usize,
        most in 0..300_usize,
    ) {
        for (place, byte) in damage {
            if !log.is_empty() {
                let place = place.index(log.len());
                log[place] = byte;
            }
        }
        if cutting && !log.is_empty() {
            log.truncate(cut.index(log.len()));
        }
        let whole = scan_with(&log, 1, usize::MAX);
        prop_assert_eq!(&scan_with(&log, 1, share), &whole);
        prop_assert_eq!(&scan_with(&log, 3, share), &whole);
        prop_assert_eq!(&scan_copies(&log, 1, share, usize::MAX), &whole);
        prop_assert_eq!(&scan_copies(&log, 2, share, usize::MAX), &whole);
        prop_assert_eq!(&scan_copies(&log, 1, share, most), &whole, "a file that gives less than there is");
    }

    #[test]
    fn a_scan_sees_what_a_reader_reads(log in log(), cut in any::<prop::sample::Index>()) {
        let log = &log[..if log.is_empty() { 0 } else { cut.index(log.len()) }];
        let scan = scan_with(log, 2, 64);
        let mut reader = Reader::new(log, 0);
        let (mut arguments, mut annotations, mut damage) = (0, 0, None);
        while let Some(next) = reader.next_record() {
            match next {
                Ok(record) => match record.content {
                    Content::Command(words) => arguments += words.len() as u64,
                    Content::Annotation(_) => annotations += 1,
                },
                Err(found) => {
                    damage = Some(found);
                    break;
                }
            }
        }
        prop_assert_eq!((scan.records, scan.arguments, scan.annotations), (reader.records(), arguments, annotations));
        prop_assert_eq!((scan.valid_up_to(), scan.damage), (reader.valid_up_to(), damage));
        prop_assert_eq!(scan.transactions, *reader.transactions());
    }
}

#[test]
fn anomalies_name_their_first_record() {
    let mut log = Vec::new();
    command(&mut log, &[b"SET", b"k", b"v"]);
    let offset = log.len() as u64;
    for _ in 0..3 {
        command(&mut log, &[b"JSON.SET", b"k", b"$", b"1"]);
    }
    command(&mut log, &[b"EXEC"]);
    let scan = scan_with(&log, 1, usize::MAX);
    let seen: Vec<_> = scan.anomalies.iter().map(|(anomaly, seen)| (anomaly.clone(), seen)).collect();
    assert_eq!(seen[1], (Anomaly::UnknownCommand(b"JSON.SET".to_vec()), Seen { count: 3, offset, record: 2 }));
    assert_eq!(seen[0].1.record, 5);
}

#[test]
fn databases_are_those_that_were_used_or_selected() {
    let mut log = Vec::new();
    command(&mut log, &[b"SELECT", b"3"]);
    command(&mut log, &[b"SET", b"k", b"v"]);
    command(&mut log, &[b"SELECT", b"99"]);
    let scan = scan_with(&log, 1, usize::MAX);
    assert_eq!(scan.databases, BTreeSet::from([3]));
    assert_eq!(scan.anomalies.iter().next().unwrap().0, &Anomaly::NoSuchDatabase(b"99".to_vec()));
}

#[test]
fn the_last_flushes_are_remembered_with_their_databases() {
    let mut log = Vec::new();
    for words in [&[b"FLUSHDB".as_slice()][..], &[b"SELECT", b"3"], &[b"flushdb", b"SYNC"], &[b"FLUSHALL"]] {
        command(&mut log, words);
    }
    let found = |log: &[u8], share| scan_with(log, 1, share).flushes;
    let expected = [(0, 1, Some(0)), (40, 3, Some(3)), (67, 4, None)];
    for share in [1, 20, 50, usize::MAX] {
        let seen: Vec<_> = found(&log, share).iter().map(|it| (it.offset, it.record, it.database)).collect();
        assert_eq!(seen, expected, "windows of {share}");
    }
    let mut transaction = log.clone();
    let words = ["MULTI", "FLUSHALL", "EXEC", "FLUSHALL", "multi", "multi", "FLUSHDB", "exec", "FLUSHDB"];
    for word in words {
        command(&mut transaction, &[word.as_bytes()]);
    }
    let start = log.len() as u64;
    let expected = [None, None, None, Some(start), None, Some(start + 15 + 18 + 14 + 18), None];
    for share in (1..200).step_by(7) {
        let seen: Vec<_> = found(&transaction, share).iter().map(|it| it.transaction).collect();
        assert_eq!(seen, expected, "windows of {share}");
    }
    for _ in 0..FLUSHES {
        command(&mut log, &[b"FLUSHALL"]);
    }
    for share in [1, 300, usize::MAX] {
        let flushes = found(&log, share);
        let ends = flushes.first().zip(flushes.last()).map(|(first, last)| (first.record, last.record));
        assert_eq!((flushes.len(), ends), (FLUSHES, Some((5, 104))), "windows of {share}");
    }
}

#[test]
fn progress_adds_up_to_the_whole() {
    let mut log = Vec::new();
    for _ in 0..1000 {
        command(&mut log, &[b"SET", b"k", b"v"]);
    }
    let progress = Progress::default();
    let options = Options { threads: NonZeroUsize::new(2).unwrap(), progress: &progress, ..Options::default() };
    scan(&log, 0, Server::Redis80, Options { window: NonZeroUsize::new(512).unwrap(), ..options });
    assert_eq!(progress.done(), log.len() as u64);
}

#[test]
fn which_anomalies_are_told_apart_does_not_depend_on_windows() {
    let mut log = Vec::new();
    // The first name of all comes again after more kinds than are kept, once in each order.
    let names = (0..300).chain((0..300).rev()).chain([0]);
    for name in names {
        command(&mut log, &[format!("unknown{name:03}").as_bytes()]);
    }
    let alone = scan_with(&log, 1, log.len());
    let others = alone.anomalies.iter().last().unwrap();
    assert_eq!((others.0, others.1.count), (&Anomaly::Others, 2 * (300 - 256)));
    for share in [50, 700, log.len() / 2, log.len() - 100] {
        assert_eq!(scan_with(&log, 3, share), alone, "windows of {share}");
    }
}
