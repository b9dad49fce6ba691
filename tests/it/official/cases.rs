//! Logs of every kind of oddity, by hand and at random.

use std::fmt;

use aofkit::resp::write_command;

use crate::harness::Random;

/// A command line and the files it is run among.
#[derive(Clone)]
pub struct Case {
    pub name: String,
    /// Relative paths; one that ends in a slash is a directory.
    pub files: Vec<(String, Vec<u8>)>,
    pub options: Vec<String>,
    pub target: String,
    /// What comes through standard input.
    pub answer: &'static str,
    /// One of many that differ at random: a few tools are enough.
    random: bool,
}

impl Case {
    fn new(name: impl Into<String>, target: &str, files: Vec<(String, Vec<u8>)>) -> Self {
        Self { name: name.into(), files, options: Vec::new(), target: target.to_owned(), answer: "", random: false }
    }

    fn log(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::new(name, "log.aof", vec![("log.aof".to_owned(), bytes)])
    }

    fn random(mut self) -> Self {
        self.random = true;
        self
    }

    fn options(mut self, options: &[&str]) -> Self {
        self.options = options.iter().map(|&option| option.to_owned()).collect();
        self
    }

    /// The same with `--fix` and consent.
    pub fn fixing(&self) -> Self {
        let mut case = self.clone().options(&["--fix"]);
        case.name.push_str(" --fix");
        case.answer = "y\n";
        case
    }

    pub fn target_bytes(&self) -> &[u8] {
        self.files.iter().find(|(name, _)| *name == self.target).map_or(&[], |(_, bytes)| bytes)
    }

    /// The last argument; none for a case that is about the others.
    pub fn operand(&self) -> Option<&str> {
        (!self.target.is_empty()).then_some(&self.target)
    }

    /// The tools to run it with: all, or the `count` whose turn it is.
    pub fn turns<'t, T>(&self, index: usize, tools: &'t [T], count: usize) -> impl Iterator<Item = &'t T> {
        let count = if self.random { count } else { tools.len() };
        tools.iter().cycle().skip(index % tools.len()).take(count)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.options, self.target)?;
        for (name, bytes) in &self.files {
            let shown = &bytes[..bytes.len().min(700)];
            write!(f, "\n{name}: {}", shown.escape_ascii())?;
        }
        Ok(())
    }
}

pub fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    write_command(&mut out, words);
    out
}

fn set() -> Vec<u8> {
    command(&[b"SET", b"key", b"value"])
}

/// A sound log with transactions, annotations and arguments of many sizes.
pub fn sound_log() -> Vec<u8> {
    [
        b"#TS:1700000000\r\n".to_vec(),
        command(&[b"SELECT", b"0"]),
        set(),
        command(&[b"multi"]),
        command(&[b"RPUSH", b"list", b"a\r\nb", b"\0\xff"]),
        b"#TS:1700000001\r\n".to_vec(),
        command(&[b"EXEC"]),
        command(&[b"SET", b"big", &[b'*'; 1500]]),
        command(&[b"MULTI"]),
        set(),
        command(&[b"exec"]),
        command(&[&b"DEL"[..]].repeat(12)),
        b"#TS:1700000005\r\n".to_vec(),
        set(),
    ]
    .concat()
}

fn after_sound(tail: &[u8]) -> Vec<u8> {
    [set().as_slice(), tail].concat()
}

fn long_line(prefix: &[u8], length: usize, end: &[u8]) -> Vec<u8> {
    let mut line = prefix.to_vec();
    line.resize(length - end.len(), b'0');
    line.extend_from_slice(end);
    line
}

/// One log for each oddity.
pub fn odd_logs() -> Vec<Case> {
    let multi = command(&[b"MULTI"]);
    let exec = command(&[b"EXEC"]);
    let annotation = |length: usize| long_line(b"#", length, b"\n");
    let mut cases: Vec<Case> = ODD_TAILS
        .iter()
        .map(|tail| Case::log(format!("odd tail {}", tail.escape_ascii()), after_sound(tail)))
        .chain(ODD_TAILS.iter().map(|tail| {
            let log = [set(), multi.clone(), tail.to_vec()].concat();
            Case::log(format!("odd tail in MULTI {}", tail.escape_ascii()), log)
        }))
        .collect();
    let logs: Vec<(&str, Vec<u8>)> = vec![
        ("sound", sound_log()),
        ("empty", Vec::new()),
        ("one byte", b"*".to_vec()),
        ("open MULTI", [set(), multi.clone(), set()].concat()),
        ("open MULTI, then an annotation", [set(), multi.clone(), set(), b"#x\r\n".to_vec()].concat()),
        ("open MULTI, then an annotation that is cut", [set(), multi.clone(), b"#x".to_vec()].concat()),
        ("MULTI twice", [set(), multi.clone(), set(), multi.clone(), exec.clone()].concat()),
        ("EXEC alone", [set(), exec.clone(), set()].concat()),
        ("EXEC first", [exec.clone(), set()].concat()),
        ("EXEC with a NUL", [multi.clone(), set(), command(&[b"exec\0more"]), set()].concat()),
        ("MULTI with a NUL", [command(&[b"MULTI\0", b"x"]), set()].concat()),
        ("MULTI with arguments", [command(&[b"MULTI", b"x", b"y"]), set(), exec.clone()].concat()),
        ("DISCARD", [multi.clone(), command(&[b"DISCARD"]), exec.clone()].concat()),
        ("an empty name", command(&[b""])),
        ("zeros behind", [sound_log(), vec![0; 64]].concat()),
        ("zeros behind in MULTI", [set(), multi.clone(), vec![0; 64]].concat()),
        ("newlines behind", [set(), b"\n\n".to_vec()].concat()),
        ("inline command", [set(), b"SET a b\r\n".to_vec()].concat()),
        ("an annotation of 1023 bytes", [annotation(1023), set()].concat()),
        ("an annotation of 1024 bytes", [annotation(1024), set()].concat()),
        ("a record within an annotation", [vec![b'#'; 1023], set(), b"\n".to_vec(), set()].concat()),
        ("an annotation within an annotation", [vec![b'#'; 3000], b"\n".to_vec(), set()].concat()),
        ("an annotation with NULs", [b"#\0\0TS\0\n".to_vec(), set()].concat()),
        ("only an annotation", b"#TS:1\r\n".to_vec()),
        ("a count line of 126 bytes", [long_line(b"*", 126, b"\r\n"), set()].concat()),
        ("a count line of 127 bytes", [long_line(b"*", 127, b"\r\n"), set()].concat()),
        ("a count line of 128 bytes", [long_line(b"*", 128, b"\r\n"), set()].concat()),
        ("a count line of 129 bytes", [long_line(b"*", 129, b"\r\n"), set()].concat()),
        (
            "a length line of 127 bytes",
            [b"*1\r\n".to_vec(), long_line(b"$", 127, b"\r\n"), b"\r\n".to_vec(), set()].concat(),
        ),
        ("a length line of 128 bytes", [b"*1\r\n".to_vec(), long_line(b"$", 128, b"\r\n"), b"\r\n".to_vec()].concat()),
        ("an endless line", [set(), vec![b'*'; 5000]].concat()),
        ("endless digits", [set(), b"*".to_vec(), vec![b'1'; 5000]].concat()),
        ("a manifest's line in a value", [set(), command(&[b"SET", b"k", b"\nfile x seq 1 type i\n"]), set()].concat()),
    ];
    cases.extend(logs.into_iter().map(|(name, bytes)| Case::log(name, bytes)));
    cases
}

/// What may stand behind a sound record.
const ODD_TAILS: &[&[u8]] = &[
    b"*0\r\n",
    b"*-1\r\n",
    b"*\r\n",
    b"*",
    b"*1",
    b"*1\r",
    b"*1\r\n",
    b"*1\r\n$",
    b"*1\r\n$4",
    b"*1\r\n$4\r",
    b"*1\r\n$4\r\n",
    b"*1\r\n$4\r\nPI",
    b"*1\r\n$4\r\nPING",
    b"*1\r\n$4\r\nPING\r",
    b"*1\r\n$4\r\nPINGx",
    b"*1\r\n$4\r\nPINGxy",
    b"*1\r\n$4\r\nPING\n\r",
    b"*1\r\n$4\r\nPING\r\r",
    b"*1\r\n$4\r\nPING\x80\xff",
    b"*1\r\n$4\r\nPING\0\0",
    b"*1\n$4\nPING\n",
    b"*1\r\n$4\nPING\r\n",
    b"*1 \r\n$4\r\nPING\r\n",
    b"*1x\r\n$4\r\nPING\r\n",
    b"* 1\r\n$ 4\r\nPING\r\n",
    b"*\t1\r\n$\x0b4\r\nPING\r\n",
    b"*\r1\r\n$\r4\r\nPING\r\n",
    b"*\n1\r\n$4\r\nPING\r\n",
    b"*+1\r\n$+4\r\nPING\r\n",
    b"*+-1\r\n",
    b"*- 1\r\n",
    b"*+\r\n",
    b"*0x1\r\n",
    b"*1\0\r\n$4\r\nPING\r\n",
    b"*1\0",
    b"*\0",
    b"*1\r\0\n",
    b"*1\xff\x01\n",
    b"*1\xff",
    b"*1\r\n*4\r\nPING\r\n",
    b"*1\r\n\0",
    b"*1\r\n\x804\r\n",
    b"*1\r\n#TS:1\r\n$4\r\nPING\r\n",
    b"*1\r\n$\r\n\r\n",
    b"*1\r\n$x\r\n\r\n",
    b"*1\r\n$-0\r\n\r\n",
    b"*2\r\n$3\r\nGET\r\n",
    b"*2\r\n$3\r\nGET\r\n*1\r\n$4\r\nPING\r\n",
    b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$-1\r\n",
    b"*1\r\n$-1\r\nabc\r\n",
    b"*1\r\n$-2\r\nabc\r\n",
    b"*1\r\n$-9223372036854775808\r\nabc\r\n",
    b"*1\r\n$-99999999999999999999\r\nabc\r\n",
    b"*1\r\n$9223372036854775803\r\nabc\r\n",
    b"*1\r\n$9223372036854775804\r\nabc\r\n",
    b"*1\r\n$9223372036854775805\r\nabc\r\n",
    b"*1\r\n$9223372036854775806\r\nabc\r\n",
    b"*1\r\n$9223372036854775807\r\nabc\r\n",
    b"*1\r\n$99999999999999999999\r\nabc\r\n",
    b"*1\r\n$1000000\r\nabc\r\n",
    b"*2147483648\r\n$4\r\nPING\r\n",
    b"*4294967298\r\n$4\r\nPING\r\n$4\r\nPING\r\n",
    b"*99999999999999999999\r\n$4\r\nPING\r\n",
    b"*-99999999999999999999\r\n",
    b"*1\r\n$4\r\nEXEC\r\n",
    b"*1\r\n$5\r\nmulti\r\n",
    b"*2\r\n$5\r\nMULTI\r\n$1\r\nx",
    b"*2\r\n$4\r\nEXEC\r\n$1\r\nx",
    b"*2\r\n$4\r\nEXEC\r\n",
    b"#",
    b"#\r\n",
    b"#TS:x\r\n",
    b"\r\n",
    b"\n",
    b" *1\r\n$4\r\nPING\r\n",
    b"+OK\r\n",
    b"\0",
    b"file x seq 1 type b\n",
    b"PING\r\n",
];

/// `count` damages of the sound log, and every way to cut it.
pub fn damaged_logs(random: &mut Random, count: usize) -> Vec<Case> {
    let sound = sound_log();
    let mut cases: Vec<Case> = (0..count)
        .map(|index| {
            let mut log = sound.clone();
            for _ in 0..=random.below(3) {
                damage(&mut log, random);
            }
            Case::log(format!("damage {index}"), log).random()
        })
        .collect();
    let step = sound.len() / 60;
    cases.extend((0..60).map(|index| {
        let cut = index * step + random.below(step);
        Case::log(format!("cut at {cut}"), sound[..cut].to_vec()).random()
    }));
    cases
}

fn damage(log: &mut Vec<u8>, random: &mut Random) {
    // The long value is of no interest.
    let mut at = random.below(log.len());
    if (400..1700).contains(&at) {
        at = random.below(300);
    }
    match random.below(6) {
        0 => log[at] ^= 1 << random.below(8),
        1 => {
            log.drain(at..(at + 1 + random.below(4)).min(log.len()));
        }
        2 => log.insert(at, random.pick(b"*$#\r\n\0 019-\xff")),
        3 => log[at] = random.pick(b"*$#\r\n\0 019-+\xff"),
        4 => log.truncate(at.max(1)),
        _ => {
            let from = random.below(log.len());
            let copy = log[from..(from + 40).min(log.len())].to_vec();
            log.splice(at..at, copy);
        }
    }
}

/// Logs with timestamps, and a timestamp to cut them to.
pub fn timestamped_logs(random: &mut Random, count: usize) -> Vec<Case> {
    let annotations: &[&[u8]] = &[
        b"#TS:100\r\n",
        b"#TS:200\r\n",
        b"#TS:300\r\n",
        b"#TS: 400\r\n",
        b"#TS:-5\r\n",
        b"#TS:\r\n",
        b"#other\r\n",
        b"#TS:500\n",
        b"#TS:6x\r\n",
        b"#TS:99999999999999999999\r\n",
        b"#TS: \r\n",
        b"#TS\0:700\r\n",
        b"#TS:700\0\r\n",
        b"#TS:250\rx\n",
    ];
    (0..count)
        .map(|index| {
            let mut log = if random.below(6) == 0 { Vec::new() } else { set() };
            for _ in 0..=random.below(5) {
                let which = if random.below(3) > 0 { random.below(3) } else { random.below(annotations.len()) };
                log.extend_from_slice(annotations[which]);
                log.extend_from_slice(&set());
            }
            if random.below(5) == 0 {
                damage(&mut log, random);
            }
            let timestamp = random.pick(&["50", "100", "150", "250", "350", "1000", "-10"]);
            Case::log(format!("timestamps {index}"), log).options(&["--truncate-to-timestamp", timestamp])
        })
        .collect()
}

/// A small RDB without a checksum, and what follows.
fn rdb(version: &str, body: &[u8], tail: &[u8]) -> Vec<u8> {
    [version.as_bytes(), body, b"\xff\0\0\0\0\0\0\0\0", tail].concat()
}

const RDB_BODY: &[u8] = b"\xfa\x09redis-ver\x058.0.6\xfa\x08aof-base\xc0\x01\xfe\x00\xfb\x02\x01\x00\x01k\x01v\
      \xfc\x01\x02\x03\x04\x05\x01\x00\x00\x02\x03set\x02\x01a\x01b\xfe\x03\xfd\xff\xff\xff\x7f\x00\x02ab\xc1\x10\x10";

/// Files with an RDB preamble.
pub fn preambles(random: &mut Random, count: usize) -> Vec<Case> {
    let bodies: &[(&str, &[u8])] = &[
        ("sound", RDB_BODY),
        ("empty", b""),
        ("a function", b"\xf5\x06#!lua \x00\x01k\x01v"),
        ("a NUL in an AUX field", b"\xfa\x03a\0c\x03d\xff\x01"),
        ("an unknown type", b"\xfe\x00\x44\x01k\x01v"),
        ("an unknown type behind a key", b"\x00\x01k\x01v\x44\x01k\x01v"),
        ("an unknown opcode", b"\xf0\x01k"),
        ("functions of a release candidate", b"\xf6\x03abc"),
        ("an unknown length", b"\x00\x01k\x83abc"),
        ("an unknown string", b"\x00\x01k\xc7abc"),
        ("a member twice", b"\x02\x03key\x02\x01a\x01a"),
        ("a broken listpack", b"\x12\x01k\x01\x02\x03abc"),
        ("an empty set", b"\x02\x01k\x00"),
        ("a broken intset", b"\x0b\x01k\x03abc"),
        ("scripts", b"\xfa\x03lua\x03abc\xfa\x03lua\x03def"),
        ("idle and frequency", b"\xf8\x10\xf9\x05\x00\x01k\x01v"),
        ("a type of Redis 7.4", b"\x19\x01k\x01v"),
        (
            "a type of Redis 7.4 behind what is said about its key",
            b"\xfc\x01\x02\x03\x04\x05\x01\x00\x00\xf9\x05\x19\x01k\x01v",
        ),
        ("a member twice in a listpack", b"\x14\x01k\x0d\x0d\x00\x00\x00\x02\x00\x81a\x02\x81a\x02\xff"),
        ("a function that is cut", b"\xf5\x40\xff#!lua"),
        ("databases only", b"\xfe\x00\xfe\x40\xff\xfe\x80\x00\x00\x01\x00"),
    ];
    let mut cases = Vec::new();
    for (name, body) in bodies {
        cases.push(Case::log(format!("preamble: {name}"), rdb("REDIS0011", body, &set())));
    }
    for version in
        ["REDIS0001", "REDIS0005", "REDIS0010", "REDIS0012", "REDIS0000", "REDIS0099", "REDIS001x", "REDISabcd"]
    {
        let mut case = Case::log(format!("preamble: {version}"), rdb(version, RDB_BODY, b"*1\r\n$-"));
        if version == "REDIS0001" {
            // Without a checksum the zeros behind it are read as RESP.
            case.name.push_str(" and zeros");
        }
        cases.push(case);
    }
    cases.push(Case::log(
        "preamble: a wrong checksum",
        [b"REDIS0011".as_slice(), RDB_BODY, b"\xff12345678", &set()].concat(),
    ));
    cases.push(Case::log("preamble: nothing behind", rdb("REDIS0011", RDB_BODY, b"")));
    cases.push(Case::log("preamble: garbage behind", rdb("REDIS0011", RDB_BODY, b"garbage")));
    cases.push(Case::log("preamble: an open MULTI behind", rdb("REDIS0011", RDB_BODY, &command(&[b"MULTI"]))));
    for length in [5, 7, 8, 9, 10] {
        cases.push(Case::log(format!("preamble: {length} bytes"), b"REDIS0011\xfa"[..length].to_vec()));
    }
    let sound = rdb("REDIS0011", RDB_BODY, &[set(), set()].concat());
    cases.extend((0..count).map(|index| {
        let cut = random.below(sound.len());
        Case::log(format!("preamble: cut {index} at {cut}"), sound[..cut].to_vec())
    }));
    cases
}

/// A manifest's name in messages, its text, and the parts beside it.
type Parts = (&'static str, &'static str, Vec<(&'static str, Vec<u8>)>);

const TWO: &str = "file base seq 1 type b\nfile incr seq 1 type i\n";
const THREE: &str = "file base seq 1 type b\nfile incr seq 1 type i\nfile last seq 2 type i\n";

/// RDB preambles with a key or a value of a length that no machine has the memory for.
pub fn lengths_beyond_memory() -> Vec<Case> {
    let lengths = [1_u64 << 47, u64::MAX >> 4, u64::MAX >> 1].map(u64::to_be_bytes);
    let preamble = |head: &[u8], length: &[u8]| [b"REDIS0011\xfe\x00", head, b"\x81", length, b"abc"].concat();
    let case = |length: &[u8; 8]| {
        let name = format!("length {}", u64::from_be_bytes(*length));
        [b"\x00\x01k".as_slice(), b"\x00"].map(|head| Case::log(&name, preamble(head, length)))
    };
    lengths.iter().flat_map(case).collect()
}

/// Sets of parts, sound and damaged, with manifests that are in order.
fn sets_of_parts() -> Vec<Parts> {
    let base = ("d/base", set());
    let incr = ("d/incr", [set(), set()].concat());
    let cut = ("d/incr", sound_log()[..200].to_vec());
    let last = ("d/last", [set(), b"*1\r\n$4\r\nPI".to_vec()].concat());
    let preamble = ("d/base", rdb("REDIS0011", RDB_BODY, b""));
    let two_multi = [command(&[b"MULTI"]), command(&[b"MULTI"])].concat();
    vec![
        ("sound", TWO, vec![base.clone(), incr.clone()]),
        ("an RDB base", TWO, vec![preamble.clone(), incr.clone()]),
        ("an RDB base alone", "file base seq 1 type b\n", vec![preamble.clone()]),
        ("an RDB base that is cut", TWO, vec![("d/base", b"REDIS0011\xfa\x03ab".to_vec()), incr.clone()]),
        ("an RDB incr", TWO, vec![base.clone(), ("d/incr", preamble.1.clone())]),
        ("no base", "file incr seq 1 type i\nfile last seq 2 type i\n", vec![incr.clone(), last.clone()]),
        ("a cut end", THREE, vec![base.clone(), incr.clone(), last.clone()]),
        ("a cut middle", THREE, vec![base.clone(), cut, last]),
        ("a cut base", TWO, vec![("d/base", b"*1\r\n".to_vec()), incr.clone()]),
        ("MULTI in the middle", TWO, vec![("d/base", two_multi.clone()), incr.clone()]),
        ("MULTI at the end", TWO, vec![base.clone(), ("d/incr", two_multi)]),
        ("empty parts", TWO, vec![("d/base", Vec::new()), ("d/incr", Vec::new())]),
        ("a missing base", TWO, vec![incr.clone()]),
        ("a missing incr", TWO, vec![base.clone()]),
        ("a directory for a base", TWO, vec![("d/base/", Vec::new()), incr]),
        ("a directory for an incr", TWO, vec![base, ("d/incr/", Vec::new())]),
    ]
}

/// Manifests over three sound parts.
const MANIFESTS: &[(&str, &str)] = &[
    ("history only", "file base seq 1 type h\n"),
    ("comments", "#a\n#b\nfile base seq 1 type b\n#c\n"),
    ("comments only", "#a\n#b\n"),
    ("a comment that is cut", "file base seq 1 type b\n#c"),
    ("pairs in another order", "file base type b seq 1\nfile incr type i seq 1 startoffset 10\n"),
    ("quotes", "file \"ba\\x73e\" seq 1 type b\nfile 'incr' seq 1 type i\n"),
    ("CRLF", "file base seq 1 type b\r\nfile incr seq 1 type i\r\n"),
    ("upper case", "file base SEQ 1 Type b\n"),
    ("an incr before the base", "file incr seq 1 type i\nfile base seq 1 type b\n"),
    ("the same file twice", "file incr seq 1 type i\nfile incr seq 2 type i\n"),
    ("a type in full", "file base seq 1 type base\nfile incr seq 1 type incr\n"),
    ("a number and more", "file base seq 1x type b\n"),
    ("a negative number", "file base seq -1 type b\n"),
    ("no newline", "file base seq 1 type b"),
    ("a blank line", "file base seq 1 type b\n\n"),
    ("a blank line and more", "file base seq 1 type b\n \t\r\nfile incr seq 1 type i\n"),
    ("sequence 0", "file base seq 0 type b\n"),
    ("a sequence that is no number", "file base seq x type b\n"),
    ("sequences that fall", "file incr seq 2 type i\nfile last seq 1 type i\n"),
    ("two bases", "file base seq 1 type b\nfile incr seq 2 type b\n"),
    ("an unknown type", "file base seq 1 type x\n"),
    ("a path", "file ../d/base seq 1 type b\n"),
    ("a backslash", "file a\\b seq 1 type b\n"),
    ("an empty name", "file '' seq 1 type b\n"),
    ("too few fields", "file base seq 1\n"),
    ("an odd field", "file base seq 1 type b x\n"),
    ("open quotes", "file \"base seq 1 type b\n"),
    ("a NUL", "file base\0 seq 1 type b\n"),
    ("only a word", "file\n"),
    ("a word cut", "file"),
    ("a word that goes on", "files are no manifest\n"),
    ("garbage behind", "file base seq 1 type b\ngarbage\n"),
    ("bytes and percent signs", "file %s%n\u{1} seq 1 type z\n"),
];

/// Multi-part logs, sound and not.
pub fn multi_part(random: &mut Random, count: usize) -> Vec<Case> {
    let mut cases: Vec<Case> = sets_of_parts()
        .iter()
        .map(|(name, manifest, files)| set_of_parts(&format!("parts: {name}"), manifest, files))
        .collect();
    let sound = [("d/base", set()), ("d/incr", set()), ("d/last", set())];
    cases.extend(MANIFESTS.iter().map(|(name, text)| set_of_parts(&format!("manifest: {name}"), text, &sound)));
    let long_name = "x".repeat(1100);
    cases.push(set_of_parts("manifest: a line too long", &format!("file {long_name} seq 1 type b\n"), &[]));
    let long_line = format!("file {} seq 1 type z\n", &long_name[..995]);
    cases.push(set_of_parts("manifest: a long line that is wrong", &long_line, &[]));
    for index in 0..count {
        let last = [set(), b"#TS:200\r\n".to_vec(), command(&[b"MULTI"]), set(), command(&[b"EXEC"])].concat();
        let mut files = [
            ("d/base", if random.below(2) == 0 { set() } else { rdb("REDIS0011", RDB_BODY, b"") }),
            ("d/incr", [set(), b"#TS:100\r\n".to_vec(), set()].concat()),
            ("d/last", last),
        ];
        if random.below(4) > 0 {
            // Not in the base: what a broken RDB is called is tried elsewhere.
            let which = 1 + random.below(2);
            damage(&mut files[which].1, random);
        }
        let mut case = set_of_parts(&format!("parts: random {index}"), THREE, &files);
        if random.below(3) == 0 {
            case = case.options(&["--truncate-to-timestamp", random.pick(&["50", "100", "150", "200"])]);
        }
        cases.push(case);
    }
    cases
}

fn set_of_parts(name: &str, manifest: &str, parts: &[(&str, Vec<u8>)]) -> Case {
    let mut files = vec![("d/log.manifest".to_owned(), manifest.as_bytes().to_vec())];
    files.extend(parts.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())));
    Case::new(name, "d/log.manifest", files)
}

/// Command lines, most of them wrong.
pub fn command_lines() -> Vec<Case> {
    let broken = || after_sound(b"*1\r\n$4\r\nPI");
    let mut cases = vec![
        Case::new("no arguments", "", vec![]),
        Case::new("only --fix", "", vec![]).options(&["--fix"]),
        Case::log("an unknown option", set()).options(&["--fixx"]),
        Case::log("--version and a file", set()).options(&["--version"]),
        Case::log("two options", set()).options(&["--fix", "--fix"]),
        Case::log("too many", set()).options(&["--truncate-to-timestamp", "1", "x"]),
        Case::new("a missing file", "none", vec![]),
        Case::new("a missing file --fix", "none", vec![]).options(&["--fix"]),
        Case::new("a missing directory", "a/b/c", vec![]),
        Case::new("a file for a directory", "a/b", vec![("a".to_owned(), set())]),
        Case::new("a directory", "a", vec![("a/".to_owned(), vec![])]),
        Case::new("a directory --fix", "a/", vec![("a/".to_owned(), vec![])]).options(&["--fix"]),
        Case::new("a device", "/dev/null", vec![]),
        Case::new("a long name", &"x".repeat(300), vec![]),
        Case::new("a dot in front", "./log.aof", vec![("log.aof".to_owned(), set())]),
    ];
    for timestamp in ["x", "", " ", "1x", "0", "-1", "99999999999999999999", " 5", "0x5"] {
        let log = [set(), b"#TS:10\r\n".to_vec(), set()].concat();
        cases.push(Case::log(format!("timestamp '{timestamp}'"), log).options(&["--truncate-to-timestamp", timestamp]));
    }
    for answer in ["", "n\n", "\n", "Y\n", "yes\n", " y\n", "no\n"] {
        let mut case = Case::log(format!("answer {answer:?}"), broken()).options(&["--fix"]);
        case.answer = answer;
        cases.push(case);
    }
    cases
}
