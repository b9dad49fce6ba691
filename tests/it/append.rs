//! A log that is being written: what servers load from it, and what happens on a disk that is full, slow or broken.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::rc::Rc;
use std::time::Duration;

use aofkit::aof::log::Log;
use aofkit::append::{Appender, Clock, Event, Fsync, Growth, Replaced, Settings};
use aofkit::check;
use aofkit::rewrite::Base;
use aofkit::server::Release;
use tempfile::TempDir;

use crate::harness::disk::OnDisk;
use crate::harness::files::folder;
use crate::harness::load::{Ended, load_here};
use crate::harness::program::aofkit;
use crate::harness::random::Random;
use crate::harness::servers::server_of;
use crate::harness::{RealServer, Reply};

#[allow(dead_code, reason = "all but `main` is called")]
#[path = "../../examples/store.rs"]
mod store;

/// A clock that goes on when it is told to.
#[derive(Debug, Clone, Default)]
struct Hand(Rc<RefCell<Duration>>);

impl Hand {
    fn go_on(&self, milliseconds: u64) {
        *self.0.borrow_mut() += Duration::from_millis(milliseconds);
    }
}

impl Clock for Hand {
    fn unix_milliseconds(&self) -> i64 {
        1_700_000_000_000 + i64::try_from(self.0.borrow().as_millis()).unwrap()
    }
    fn elapsed(&self) -> Duration {
        *self.0.borrow()
    }
}

/// A log on a disk that can fail, with a clock that stands still.
struct Bench {
    directory: TempDir,
    disk: OnDisk,
    hand: Hand,
    log: Appender<OnDisk, Hand>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let (directory, disk, hand) = (folder(), OnDisk::default(), Hand::default());
        let log = Appender::open_with(disk.clone(), hand.clone(), &directory.path().join("log"), settings).unwrap();
        Self { directory, disk, hand, log }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn set(&mut self, key: &str) {
        self.log.append(0, &[b"SET", key.as_bytes(), b"value"]);
    }

    fn events(&mut self) -> Vec<String> {
        let name = |event: Event| format!("{event:?}").split(['(', ' ']).next().unwrap().to_owned();
        self.log.take_events().into_iter().map(name).collect()
    }

    /// How many records the log has, and whether it is sound.
    fn records(&self) -> (u64, bool) {
        records(&self.path())
    }

    /// Waits until the thread that syncs has nothing to do.
    fn settle(&mut self) {
        while self.log.counters().pending_syncs > 0 {
            std::thread::yield_now();
        }
    }
}

fn records(path: &Path) -> (u64, bool) {
    let report = check::check(&Log::open(path).unwrap(), check::Settings::default()).unwrap();
    let records = report.parts.iter().filter_map(|part| part.scan.as_ref()).map(|scan| scan.records).sum();
    (records, report.is_sound())
}

fn with(fsync: Fsync) -> Settings {
    Settings { fsync, timestamps: false, ..Settings::default() }
}

/// A record for SELECT and so many others.
const SELECT: u64 = 1;

#[test]
fn a_write_that_fails_is_cut_back_and_tried_again_each_second() {
    let mut bench = Bench::new(with(Fsync::EverySecond));
    bench.set("a");
    bench.log.flush().unwrap();
    bench.disk.change(|disk| disk.room = Some(10));
    for attempt in 0..40 {
        bench.set(&format!("key:{attempt}"));
        bench.settle();
        bench.log.flush().unwrap();
        assert_eq!(bench.records(), (SELECT + 1, true), "{attempt}");
        assert!(bench.log.is_failing() && !bench.log.counters().last_write_is_ok);
        let writes = bench.disk.disk().writes;
        bench.hand.go_on(500);
        bench.log.tick().unwrap();
        assert_eq!(bench.disk.disk().writes, writes, "it is too early to try again");
        bench.hand.go_on(500);
        bench.disk.change(|disk| disk.room = Some(10));
    }
    // Over 40 seconds that is reported twice.
    assert_eq!(bench.events(), ["WriteFailed", "WriteFailed"]);
    bench.disk.change(|disk| disk.room = None);
    bench.settle();
    bench.log.flush().unwrap();
    assert_eq!((bench.records(), bench.events()), ((SELECT + 41, true), vec!["WriteSolved".to_owned()]));
    assert!(bench.log.counters().last_write_is_ok);
}

#[test]
fn what_cannot_be_cut_off_again_is_accounted_for() {
    for room in 0..60 {
        let mut bench = Bench::new(with(Fsync::EverySecond));
        bench.disk.change(|disk| (disk.room, disk.keeps_length) = (Some(room), true));
        bench.set("a");
        bench.log.flush().unwrap();
        bench.set("b");
        for room in [Some(7), None] {
            bench.hand.go_on(1000);
            bench.disk.change(|disk| disk.room = room);
            bench.settle();
            bench.log.flush().unwrap();
        }
        assert_eq!(bench.records(), (SELECT + 2, true), "{room}");
    }
}

#[test]
fn with_always_a_failure_ends_the_log() {
    for (break_it, is_write) in [
        (Box::new(|disk: &OnDisk| disk.change(|disk| disk.room = Some(3))) as Box<dyn Fn(&OnDisk)>, true),
        (Box::new(|disk: &OnDisk| disk.change(|disk| disk.loses_syncs = true)), false),
    ] {
        let mut bench = Bench::new(with(Fsync::Always));
        bench.set("a");
        bench.log.flush().unwrap();
        assert_eq!(bench.log.durable(), bench.log.written());
        let durable = bench.log.durable();
        break_it(&bench.disk);
        bench.set("b");
        bench.log.flush().unwrap_err();
        bench.disk.change(|disk| (disk.room, disk.loses_syncs) = (None, false));
        bench.hand.go_on(5000);
        bench.log.flush().unwrap_err();
        assert_eq!((bench.log.durable(), bench.records()), (durable, (SELECT + if is_write { 1 } else { 2 }, true)));
    }
}

#[test]
fn a_write_waits_two_seconds_at_most_for_a_sync() {
    let mut bench = Bench::new(with(Fsync::EverySecond));
    bench.disk.change(|disk| disk.holds_syncs = true);
    bench.hand.go_on(1000);
    bench.set("a");
    bench.log.flush().unwrap();
    assert_eq!((bench.records().0, bench.log.counters().pending_syncs), (SELECT + 1, 1));
    bench.set("b");
    for _ in 0..4 {
        bench.log.flush().unwrap();
        bench.hand.go_on(499);
        assert_eq!(bench.records().0, SELECT + 1);
    }
    bench.hand.go_on(4);
    bench.log.flush().unwrap();
    assert_eq!((bench.records().0, bench.log.counters().delayed_syncs), (SELECT + 2, 1));
    assert_eq!((bench.events(), bench.log.durable()), (vec!["SyncDelayed".to_owned()], 0));
    bench.disk.change(|disk| disk.holds_syncs = false);
    bench.settle();
    bench.hand.go_on(1000);
    // Nothing is written, and the idle log is synced all the same.
    bench.log.tick().unwrap();
    bench.settle();
    bench.log.tick().unwrap();
    assert_eq!((bench.log.durable(), bench.disk.disk().syncs), (bench.log.written(), 2));
    bench.hand.go_on(1000);
    bench.log.tick().unwrap();
    assert_eq!(bench.disk.disk().syncs, 2, "there is nothing to sync");
}

#[test]
fn what_a_failed_sync_may_have_lost_is_never_durable() {
    let mut bench = Bench::new(with(Fsync::EverySecond));
    bench.disk.change(|disk| disk.loses_syncs = true);
    bench.hand.go_on(1000);
    bench.set("a");
    bench.log.flush().unwrap();
    bench.settle();
    bench.disk.change(|disk| disk.loses_syncs = false);
    for _ in 0..3 {
        bench.hand.go_on(1000);
        bench.set("b");
        bench.log.tick().unwrap();
        bench.settle();
    }
    bench.log.tick().unwrap();
    assert_eq!((bench.log.durable(), bench.events()), (0, vec!["SyncFailed".to_owned()]));
    assert!(!bench.log.counters().last_write_is_ok);
    bench.log.close().unwrap_err();
}

#[test]
fn without_fsync_nothing_is_synced_before_the_end() {
    let mut bench = Bench::new(with(Fsync::No));
    for _ in 0..5 {
        bench.set("a");
        bench.hand.go_on(1000);
        bench.log.tick().unwrap();
    }
    assert_eq!(bench.disk.disk().syncs, 0);
    let disk = bench.disk.clone();
    bench.log.close().unwrap();
    assert_eq!(disk.disk().syncs, 1);
}

/// Ends the rewrite that is under way.
fn end_rewrite(log: &mut Appender<OnDisk, Hand>) {
    while log.counters().rewrite_in_progress {
        log.tick().unwrap();
        std::thread::yield_now();
    }
}

#[test]
fn a_log_that_grows_is_rewritten_while_it_is_written() {
    for (base, replaced) in [(Base::Rdb, Replaced::Removed), (Base::Resp, Replaced::Kept)] {
        let growth = Growth { percentage: 100, min_size: 4000 };
        let mut bench = Bench::new(Settings { growth, base, replaced, ..with(Fsync::EverySecond) });
        let mut rewrites = 0;
        for round in 0..2000 {
            bench.log.append(round % 3, &[b"INCR", format!("counter:{}", round % 5).as_bytes()]);
            bench.hand.go_on(10);
            bench.log.tick().unwrap();
            bench.settle();
            if round % 50 == 0 {
                end_rewrite(&mut bench.log);
            }
            rewrites += bench.events().iter().filter(|event| *event == "RewriteFinished").count();
        }
        end_rewrite(&mut bench.log);
        assert!(rewrites > 1, "{base:?}: {rewrites}");
        let counters = bench.log.counters();
        assert!(counters.last_rewrite_is_ok && counters.rewrites as usize >= rewrites);
        let lines = counters.to_string();
        assert!(lines.contains("aof_last_bgrewrite_status:ok\r\n") && lines.contains("aof_enabled:1\r\n"), "{lines}");
        let path = bench.path();
        let on_disk: u64 =
            Log::open(&path).unwrap().parts.iter().map(|part| fs::metadata(&part.path).unwrap().len()).sum();
        assert_eq!(counters.current_size, on_disk);
        bench.log.close().unwrap();
        assert!(records(&path).1);
        // Each of the counters has the sum of what was added.
        let text = aofkit("rewrite").args(["-o", "-"]).arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert_eq!(text.matches("\r\n$3\r\n134\r\n").count() + text.matches("\r\n$3\r\n133\r\n").count(), 15, "{text}");
        let names = fs::read_dir(&path).unwrap().count();
        assert!(if replaced == Replaced::Kept { names > 5 } else { names <= 4 }, "{base:?}: {names}");
    }
}

#[test]
fn a_rewrite_that_fails_at_any_step_leaves_a_log_that_goes_on() {
    for names_left in 0.. {
        let mut bench = Bench::new(with(Fsync::EverySecond));
        for number in 0..100 {
            bench.set(&format!("key:{number}"));
        }
        bench.log.flush().unwrap();
        bench.disk.change(|disk| disk.names_left = Some(names_left));
        let begun = bench.log.rewrite();
        bench.set("during");
        bench.log.flush().unwrap();
        end_rewrite(&mut bench.log);
        let is_done = bench.disk.disk().names_left.unwrap() > 0;
        bench.disk.change(|disk| disk.names_left = None);
        bench.set("after");
        bench.log.flush().unwrap();
        let events = bench.events();
        assert_eq!(begun.is_ok(), events.contains(&"RewriteStarted".to_owned()), "{names_left}: {events:?}");
        let path = bench.path();
        bench.log.close().unwrap();
        let output = aofkit("digest").arg(&path).output().unwrap();
        assert!(output.status.success(), "{names_left}");
        let output = aofkit("rewrite").args(["-o", "-"]).arg(&path).output().unwrap();
        let sets = String::from_utf8_lossy(&output.stdout).matches("SET\r\n").count();
        assert_eq!(sets, 102, "{names_left}: {events:?}");
        if is_done {
            assert!(names_left > 4 && events.contains(&"RewriteFinished".to_owned()), "{names_left}: {events:?}");
            break;
        }
    }
}

#[test]
fn a_log_that_was_torn_is_mended_when_it_is_opened_and_one_that_is_damaged_is_refused() {
    let mut bench = Bench::new(with(Fsync::EverySecond));
    bench.set("a");
    bench.log.flush().unwrap();
    let path = bench.path();
    bench.log.close().unwrap();
    let incr = path.join("appendonly.aof.1.incr.aof");
    let whole = fs::read(&incr).unwrap();
    fs::write(&incr, [&whole[..], b"*3\r\n$3\r\nSET\r\n$1"].concat()).unwrap();
    let mut log = Appender::open(&path, with(Fsync::EverySecond)).unwrap();
    log.append(0, &[b"SET", b"b", b"1"]);
    log.close().unwrap();
    assert_eq!(records(&path), (2 * SELECT + 2, true));
    let kept = path.join("appendonly.aof.1.incr.aof.aofkit-kept-1");
    assert!(kept.is_dir(), "what was cut off is kept");
    fs::write(&incr, [b"garbage\r\n", &fs::read(&incr).unwrap()[..]].concat()).unwrap();
    let error = Appender::open(&path, with(Fsync::EverySecond)).unwrap_err().to_string();
    assert!(error.contains("expected a record") && error.contains("aofkit fix"), "{error}");
}

/// Commands of many kinds, none of which depends on chance or on time.
fn program(random: &mut Random) -> Vec<Vec<u8>> {
    let key = format!("key:{}", random.below(12));
    let value = random.below(1000).to_string();
    let other = format!("key:{}", random.below(12));
    let line = match random.below(14) {
        0 => format!("SET {key} {value}"),
        1 => format!("SET {key} {value} EX 1000"),
        2 => format!("SETEX {key} 500 {value}"),
        3 => format!("EXPIRE {key} 300"),
        4 => format!("DEL {key}"),
        5 => format!("RPUSH list:{key} {value} x"),
        6 => format!("HSET hash:{key} {value} 1"),
        7 => format!("ZADD zset:{key} {value} m"),
        8 => format!("SADD set:{key} {value}"),
        9 => format!("RENAME list:{key} list:{other}"),
        10 => format!("APPEND text:{key} {value}"),
        11 => format!("GET {key}"),
        12 => format!("XADD stream:{key} {}-1 f v", 1 + random.below(1_000_000)),
        _ => format!("SETRANGE text:{key} 3 {value}"),
    };
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// The digest of a server's data without its expiries, which depend on when a command came.
fn digest(server: &mut RealServer) -> String {
    server.call(&["DEBUG", "DIGEST"]).text()
}

#[server_test]
fn servers_load_what_was_appended_and_rewritten() {
    for release in ["redis-7.0", "redis-8.0.6", "redis-8.6", "valkey-8.1", "valkey-9.1"] {
        let directory = folder();
        let path = directory.path().join("appendonlydir");
        let growth = Growth { percentage: 100, min_size: 20_000 };
        let target = Release::ALL.into_iter().find(|candidate| candidate.server() == server_of(release)).unwrap();
        let mut log = Appender::open(&path, Settings { growth, release: target, ..Settings::default() }).unwrap();
        let mut server = RealServer::start_with(release, &["--enable-debug-command", "yes"]);
        let mut random = Random(7);
        for round in 0..4000_u32 {
            let database = round / 100 % 3;
            if round % 100 == 0 {
                server.call(&["SELECT", &database.to_string()]);
            }
            let command = program(&mut random);
            let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            // What a server refuses, nobody appends.
            if !matches!(server.call(&words), Reply::Error(_)) {
                log.append(database, &words);
            }
            log.tick().unwrap();
            while round % 1000 == 999 && log.counters().rewrite_in_progress {
                log.tick().unwrap();
            }
        }
        assert!(log.counters().rewrites > 1, "{release}");
        log.close().unwrap();
        // Both have set the expiries, though at slightly different times.
        let loaded = load_here(release, directory.path(), &[vec!["DEBUG", "DIGEST"], vec!["DBSIZE"]]);
        assert_eq!(loaded.ended, Ended::Starts, "{release}: {}", String::from_utf8_lossy(&loaded.log));
        assert_eq!(loaded.answers.unwrap()[0], format!("+{}", digest(&mut server)), "{release}");
    }
}

/// Runs the example server in a process of its own, which is this program again.
struct Store {
    process: Child,
    replies: BufReader<TcpStream>,
}

const STORE: &str = "AOFKIT_TEST_STORE";

impl Store {
    fn start(directory: &Path, test: &str) -> Self {
        let address = directory.join("address");
        let _ = fs::remove_file(&address);
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(STORE, directory)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let stream = loop {
            let text = fs::read_to_string(&address).unwrap_or_default();
            match text.strip_suffix('\n').map(TcpStream::connect) {
                Some(Ok(stream)) => break stream,
                _ => std::thread::yield_now(),
            }
            assert!(process.try_wait().unwrap().is_none(), "the store has ended");
        };
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { process, replies: BufReader::new(stream) }
    }

    fn ask(&mut self, line: &str) -> String {
        self.replies.get_ref().write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut reply = String::new();
        self.replies.read_line(&mut reply).unwrap();
        reply.trim_end().to_owned()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_server_of_seventy_lines_survives_being_killed() {
    if let Some(directory) = std::env::var_os(STORE) {
        let directory = PathBuf::from(directory);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        fs::write(directory.join("address.new"), format!("{}\n", listener.local_addr().unwrap())).unwrap();
        fs::rename(directory.join("address.new"), directory.join("address")).unwrap();
        store::run(&directory.join("log"), &listener).unwrap();
        return;
    }
    let directory = folder();
    let mut random = Random(11);
    let mut count = 0;
    for round in 0..12 {
        let mut store = Store::start(directory.path(), "append::a_server_of_seventy_lines_survives_being_killed");
        assert_eq!(store.ask("GET count"), if round == 0 { "none".to_owned() } else { count.to_string() });
        for _ in 0..random.below(200) {
            count += 1;
            assert_eq!(store.ask("INCR count"), count.to_string());
        }
        // A command whose answer is not waited for may be there or not.
        store.replies.get_ref().write_all(format!("SET other {round}\n").as_bytes()).unwrap();
    }
    assert!(count > 500);
}
