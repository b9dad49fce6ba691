//! Logs that real servers write under the workloads of applications.

use crate::harness::{Random, RealServer};

/// What an application does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    /// Many short records in several databases, with transactions.
    Short,
    /// Values of up to 64 KiB.
    Large,
    /// Values that hold commands and logs.
    LogsInValues,
    /// Values of one size under keys of one size, as redis-benchmark writes them.
    Uniform,
    /// Every type of value, scripts and expiry.
    Types,
    /// What job queues, session stores and caches write.
    Application,
}

pub(super) const WORKLOADS: [Workload; 6] = [
    Workload::Short,
    Workload::Large,
    Workload::LogsInValues,
    Workload::Uniform,
    Workload::Types,
    Workload::Application,
];

type Words = Vec<Vec<u8>>;

fn words(words: &[&dyn AsRef<[u8]>]) -> Words {
    words.iter().map(|word| word.as_ref().to_vec()).collect()
}

/// A command from text; a word `{}` is a number.
fn said(line: &str, random: &mut Random) -> Words {
    line.split(' ').map(|word| word.replace("{}", &random.below(40_u32).to_string()).into_bytes()).collect()
}

/// Has a server write its log under a workload.
pub(super) fn record(real: &mut RealServer, workload: Workload, random: &mut Random) -> Vec<u8> {
    let commands = match workload {
        Workload::Large => 60,
        Workload::LogsInValues | Workload::Uniform => 500,
        _ => 1200,
    };
    let mut sent = Vec::new();
    while sent.len() < commands {
        if random.one_in(90) {
            sent.push(said(&format!("SELECT {}", random.below(4_u32)), random));
        } else if random.one_in(12) {
            sent.push(words(&[b"MULTI"]));
            (0..=random.below(6)).for_each(|_| sent.push(command(workload, random)));
            sent.push(words(&[b"EXEC"]));
        } else {
            sent.push(command(workload, random));
        }
    }
    sent.chunks(20).for_each(|chunk| drop(real.call_all(chunk)));
    std::fs::read(real.log()).unwrap()
}

fn command(workload: Workload, random: &mut Random) -> Words {
    let key = format!("key:{}", random.below(300_u32));
    match workload {
        Workload::Short => said(
            random.pick(&["SET k:{} {}", "INCR n:{}", "LPUSH l:{} {}", "SADD s:{} {}", "DEL k:{}", "HSET h:{} f{} {}"]),
            random,
        ),
        Workload::Large => {
            let length = 1_usize << random.below(17_u32);
            let value = match random.below(3) {
                0 => (0..length).map(|_| random.below(256_u32) as u8).collect(),
                1 => vec![b'x'; length],
                _ => b"\r\n$3\r\n*1\r\n".iter().cycle().take(length).copied().collect::<Vec<u8>>(),
            };
            words(&[b"SET", &key, &value])
        }
        Workload::LogsInValues if random.one_in(3) => words(&[b"SET", &key, &log_in_a_value(random)]),
        Workload::LogsInValues => words(&[b"SET", &key, b"plain"]),
        Workload::Uniform => {
            let key = format!("key:{:012}", random.below(1000_u32));
            words(&[b"SET", &key, &vec![b'a' + random.below(26_u32) as u8; 100]])
        }
        Workload::Types => types(random),
        Workload::Application => application(random),
    }
}

/// Commands as an application that keeps protocol messages or copies of logs may store them.
fn log_in_a_value(random: &mut Random) -> Vec<u8> {
    let mut log = Vec::new();
    for number in 0..=random.below(12_u32) {
        let inner = match random.below(6) {
            0 => words(&[b"MULTI"]),
            1 => words(&[b"EXEC"]),
            2 => words(&[b"SELECT", &random.below(16_u32).to_string()]),
            _ => words(&[b"SET", &format!("inner:{number}"), b"never"]),
        };
        aofkit::resp::write_command(&mut log, &inner.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    match random.below(4) {
        0 => log.truncate(1 + random.below(log.len())),
        1 => drop(log.drain(..random.below(log.len()))),
        2 => log.extend_from_slice(b"text after it"),
        _ => {}
    }
    log
}

fn types(random: &mut Random) -> Words {
    const LINES: [&str; 24] = [
        "SET s:{} value-{} PX 9000000000",
        "EXPIRE s:{} 100000000",
        "PERSIST s:{}",
        "APPEND s:{} more",
        "SETRANGE s:{} 40 x",
        "LPUSH l:{} a b c",
        "RPOP l:{}",
        "LTRIM l:{} 0 20",
        "SADD set:{} a{} b{} 7",
        "SPOP set:{}",
        "SREM set:{} a{}",
        "ZADD z:{} {} m{} 1.5 x",
        "ZINCRBY z:{} 2.5 m{}",
        "ZPOPMIN z:{}",
        "HSET h:{} f{} v g{} w",
        "HINCRBYFLOAT h:{} n 1.25",
        "HDEL h:{} f{}",
        "XADD x:{} * field {}",
        "XTRIM x:{} MAXLEN 10",
        "PFADD p:{} {} {}",
        "SETBIT b:{} {} 1",
        "GEOADD g:{} 13.361389 38.115556 place{}",
        "COPY s:{} s:{}",
        "RENAME s:{} s:{}",
    ];
    match random.below(30) {
        0 => words(&[
            b"EVAL",
            b"redis.call('SET', KEYS[1], ARGV[1]); redis.call('INCR', 'scripts'); return 1",
            b"1",
            &format!("s:{}", random.below(40_u32)),
            b"by a script",
        ]),
        1 => words(&[b"SET", &format!("s:{}", random.below(40_u32)), &(0..=255_u8).collect::<Vec<_>>()]),
        _ => said(random.pick(&LINES), random),
    }
}

fn application(random: &mut Random) -> Words {
    let job = random.below(100_000_u32);
    let json = format!(
        "{{\"class\":\"MailWorker\",\"args\":[{job},\"user@example.org\"],\"retry\":true,\"queue\":\"default\",\
         \"jid\":\"{job:024x}\",\"created_at\":1700000000.{job}}}"
    );
    match random.below(8) {
        0 => words(&[b"LPUSH", b"queue:default", &json]),
        1 => said("SADD queues default mailers low", random),
        2 => words(&[b"ZADD", b"schedule", &format!("1700{job:06}.25"), &json]),
        3 => words(&[b"SETEX", &format!("session:{job:032x}"), b"100000000", &format!("\u{80}\x04\u{95}{json}")]),
        4 => words(&[
            b"HSET",
            &format!("bull:mail:{job}"),
            b"data",
            &json,
            b"opts",
            b"{\"attempts\":3}",
            b"timestamp",
            b"1700000000",
        ]),
        5 => said("RPOP queue:default", random),
        6 => words(&[
            b"SET",
            &format!("cache:views/{job}"),
            &"<p>A paragraph of a page.</p>\r\n".repeat(1 + random.below(40)),
        ]),
        _ => words(&[b"INCRBY", &format!("stat:processed:{}", job % 7), b"1"]),
    }
}
