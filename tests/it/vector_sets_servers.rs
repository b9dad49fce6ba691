//! Random commands on vector sets: what a replay and a rewrite make of their log is what real servers make of it.

use aofkit::Server;
use aofkit::replay::{self, Replayed};
use aofkit::resp;
use aofkit::rewrite::{self, Base};
use aofkit::server::Release;

use crate::harness::{Random, RealServer, seeds};

/// Writes the commands of a log.
struct Program {
    numbers: Random,
    /// The options of the sets, by key, after their names.
    shapes: Vec<Vec<String>>,
    /// How many components a vector has, and how many are left of them.
    dimensions: Vec<(usize, Option<usize>)>,
}

impl Program {
    fn new(seed: u64) -> Self {
        let mut numbers = Random(seed);
        let (mut shapes, mut dimensions) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let dimension = numbers.pick(&[1, 2, 3, 4, 7, 64, 65, 130]);
            let reduced = numbers.one_in(3).then(|| 1 + numbers.below(dimension));
            dimensions.push((dimension, reduced));
            let mut shape = vec![numbers.pick(&["Q8", "NOQUANT", "BIN", "q8"]).to_owned()];
            if numbers.one_in(3) {
                shape.extend(["M".to_owned(), numbers.pick(&["4", "16", "40"]).to_owned()]);
            }
            shapes.push(shape);
        }
        Self { numbers, shapes, dimensions }
    }

    fn float(&mut self) -> f32 {
        let number = f32::from(i16::try_from(self.numbers.below(2001_u64)).unwrap() - 1000);
        number / self.numbers.pick(&[1.0, 3.0, 1000.0, 7e6, -0.3])
    }

    fn add(&mut self, key: usize) -> Vec<Vec<u8>> {
        let words = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
        let (mut dimension, reduced) = self.dimensions[key];
        if self.numbers.one_in(30) {
            dimension += 1;
        }
        let mut command = words(&["VADD", &format!("v{key}")]);
        if let Some(reduced) = reduced.filter(|_| !self.numbers.one_in(40)) {
            command.extend(words(&["REDUCE", &reduced.to_string()]));
        }
        let floats: Vec<f32> = (0..dimension).map(|_| self.float()).collect();
        if self.numbers.one_in(2) {
            command.extend([b"FP32".to_vec(), floats.iter().flat_map(|float| float.to_le_bytes()).collect()]);
        } else {
            command.extend(words(&["VALUES", &dimension.to_string()]));
            command.extend(floats.iter().map(|float| f64::from(*float).to_string().into_bytes()));
        }
        command.push(format!("e{}", self.numbers.below(12)).into_bytes());
        if !self.numbers.one_in(40) {
            command.extend(self.shapes[key].iter().map(|word| word.clone().into_bytes()));
        }
        if self.numbers.one_in(3) {
            command.extend(words(&["SETATTR", self.numbers.pick(&["{\"a\":1}", "", "no json"])]));
        }
        if self.numbers.one_in(6) {
            command.extend(words(&["EF", self.numbers.pick(&["1", "300", "0"])]));
        }
        command
    }

    fn next(&mut self) -> Vec<Vec<u8>> {
        let key = self.numbers.below(3);
        let (name, other) = (format!("v{key}"), format!("v{}", self.numbers.below(4)));
        let element = format!("e{}", self.numbers.below(14));
        let line = match self.numbers.below(20) {
            0..=3 => format!("VREM {name} {element}"),
            4 | 5 => format!("VSETATTR {name} {element} {{\"b\":{}}}", self.numbers.below(9)),
            6 => return vec![b"VSETATTR".to_vec(), name.into_bytes(), element.into_bytes(), Vec::new()],
            7 if self.numbers.one_in(8) => format!("DEL {name}"),
            8 if self.numbers.one_in(4) => format!("RENAME {name} {other}"),
            9 if self.numbers.one_in(4) => format!("COPY {name} {other} REPLACE"),
            10 if self.numbers.one_in(2) => format!("PEXPIREAT {name} 4000000000000"),
            11 if self.numbers.one_in(8) => format!("SET {name} x"),
            12 if self.numbers.one_in(8) => format!("MOVE {name} 3"),
            13 => format!("APPEND {name} x"),
            _ => return self.add(key),
        };
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    fn log(&mut self, steps: usize) -> Vec<u8> {
        let mut log = Vec::new();
        for _ in 0..steps {
            let command = self.next();
            resp::write_command(&mut log, &command.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        log
    }
}

fn digest(replayed: &Replayed<'_>) -> String {
    let total = aofkit::digest::digest(&replayed.keyspace, Server::Redis86, 0, &|_, _| true);
    assert_eq!(total.exceptions, []);
    total.digest.to_string()
}

fn rewritten(replayed: &Replayed<'_>, base: Base) -> Vec<u8> {
    let mut out = Vec::new();
    let options = rewrite::Options { target: Some(Release::Redis80), ..Default::default() };
    let written = rewrite::write(&replayed.keyspace, base, options, &mut out).unwrap();
    assert!(written.lost.is_nothing(), "{:?}", written.lost);
    out
}

/// Checks a log, and both forms that it is rewritten to.
fn check(real: &mut RealServer, parts: &[(char, &[u8])], what: &str) {
    let bytes: Vec<&[u8]> = parts.iter().map(|(_, bytes)| *bytes).collect();
    let replayed = replay::replay(&bytes, replay::Options::default());
    let expected = real.load(parts);
    assert_eq!(digest(&replayed), expected, "{what}");
    assert!(replayed.summary.unknown.is_empty(), "{what}: {:?}", replayed.summary.unknown);
    for base in [Base::Resp, Base::Rdb] {
        let new = rewritten(&replayed, base);
        assert_eq!(real.load(&[('b', &new)]), expected, "{what} as {base:?}");
        let again = replay::replay(&[&new], replay::Options::default());
        assert_eq!(digest(&again), expected, "{what} as {base:?}, replayed");
    }
}

fn compare(name: &str) {
    let mut real = RealServer::logging_release(name);
    for seed in seeds(8) {
        let mut program = Program::new(seed);
        let log = program.log(120);
        check(&mut real, &[('i', &log)], &format!("{name}, seed {seed}"));
        // The same sets as values in an RDB, and changed from there.
        real.load(&[('i', &log)]);
        let (base, incr) = (real.save(), program.log(40));
        check(&mut real, &[('b', &base)], &format!("{name}, seed {seed}, RDB"));
        check(&mut real, &[('b', &base), ('i', &incr)], &format!("{name}, seed {seed}, changed"));
    }
}

#[server_test]
fn vector_sets_are_as_on_redis_8_0() {
    compare("redis-8.0.6");
}

#[server_test]
fn vector_sets_are_as_on_redis_8_2() {
    compare("redis-8.2");
}

#[server_test]
fn vector_sets_are_as_on_redis_8_6() {
    compare("redis-8.6");
}
