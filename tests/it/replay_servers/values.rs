//! What fills the slots of a command.

use super::Argument;
use super::random::Random;

/// Keys are named after what they are meant to hold; there are so many of each.
const KEYS: usize = 3;
pub(crate) const TYPES: &[&str] = &["str", "num", "flt", "bit", "hll", "list", "set", "hash", "zset", "geo", "stream"];
/// Sorted sets in which all scores are the same, and must be for ranges of names to mean anything.
const LEX: &str = "lex";
/// Far enough that no test sees it pass, in seconds.
const FAR: i64 = 4_000_000_000;

/// What a program knows of its past, and what it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    /// How many repetitions the last `#{…}` had.
    pub(crate) last_count: usize,
    /// How many ids of streams were made up so far.
    ids: usize,
    /// What `DUMP` gave.
    pub(crate) payloads: Vec<Vec<u8>>,
    /// What `FUNCTION DUMP` gave.
    pub(crate) functions: Vec<Vec<u8>>,
}

fn long(random: &mut Random) -> Argument {
    let length = [60, 64, 65, 100, 300, 5000, 9000][random.below(7)];
    let unit = [&b"x"[..], b"abc", b"\x00\xff", b"0123456789"][random.below(4)];
    unit.iter().copied().cycle().take(length + random.below(3)).collect()
}

fn text(number: impl ToString) -> Argument {
    number.to_string().into_bytes()
}

impl Values {
    fn id(number: usize) -> Argument {
        format!("{}-{}", number / 3 + 1, number % 3 + 1).into_bytes()
    }

    /// Appends what a slot stands for.
    pub(crate) fn append(&mut self, slot: &str, random: &mut Random, out: &mut Vec<Argument>) {
        if let Some(key) = Self::key(slot, random) {
            out.push(key);
            return;
        }
        match slot {
            "weights" => {
                let count = self.last_count;
                out.extend((0..count).map(|_| Self::score(random)));
            }
            "few_thousand" => {
                let (start, count) = (random.below(20_000), [700, 2500, 5000][random.below(3)]);
                out.extend((start..start + count).map(|number| text(format_args!("element:{number}"))));
            }
            _ => {
                let value = self.stream(slot, random).or_else(|| Self::time(slot, random));
                out.push(value.unwrap_or_else(|| self.plain(slot, random)));
            }
        }
    }

    fn key(slot: &str, random: &mut Random) -> Option<Argument> {
        let known = TYPES.contains(&slot) || slot == LEX;
        let kind = match slot {
            "any" => *random.pick(TYPES),
            "any_str" => return Some(text(format_args!("str:{}", random.below(300)))),
            "missing" => "missing",
            _ if !known => return None,
            _ if random.percent(4) => *random.pick(TYPES),
            _ if random.percent(2) => "missing",
            _ => slot,
        };
        Some(text(format_args!("{kind}:{}", random.below(KEYS))))
    }

    fn time(slot: &str, random: &mut Random) -> Option<Argument> {
        let past = random.percent(8);
        let some = random.below(1_000_000) as i64;
        Some(match slot {
            "seconds" if past => text(-some),
            "seconds" => text(FAR / 4 + some),
            "millis" if past => text(-some),
            "millis" => text((FAR / 4 + some) * 1000 + 7),
            "at" if past => text(1_000_000 + some),
            "at" => text(FAR + some),
            "at_millis" | "ttl_at" if past => text(1_000_000_000 + some),
            "at_millis" => text(FAR * 1000 + some),
            "ttl" if random.percent(60) => text(0),
            "ttl" => text(FAR * 100 + some),
            "ttl_at" if random.percent(30) => text(0),
            "ttl_at" => text(FAR * 1000 + some),
            _ => return None,
        })
    }

    fn stream(&mut self, slot: &str, random: &mut Random) -> Option<Argument> {
        Some(match slot {
            "new_id" if random.percent(95) => {
                self.ids += 1 + random.below(3);
                Self::id(self.ids)
            }
            "new_partial_id" => {
                self.ids += 3;
                text(format_args!("{}-*", self.ids / 3 + 1))
            }
            "set_id" => Self::id(self.ids + random.below(4)),
            "new_id" | "old_id" => match random.below(10) {
                0 => text(random.below(self.ids / 3 + 2)),
                1 => text("0-0"),
                2..6 => Self::id(self.ids.saturating_sub(random.below(12))),
                _ => Self::id(random.below(self.ids + 2)),
            },
            "last_id" => text("$"),
            "new" => text(">"),
            "trim" => text(if random.percent(60) { random.below(12) } else { self.ids / 3 }),
            "group" => text(["g1", "g2"][random.below(2)]),
            "consumer" => text(["alice", "bob", "carol"][random.below(3)]),
            "idle" => text(if random.percent(85) { "0" } else { "100000000000000" }),
            _ => return None,
        })
    }

    fn score(random: &mut Random) -> Argument {
        match random.below(12) {
            0 => text("inf"),
            1 => text("-inf"),
            2 => text("0"),
            // Not -0: whether it becomes 0 depends on the size that a version takes for a small one.
            3 => text("1e-9"),
            4 => text("1e300"),
            5 => text("3.0e-7"),
            6 => text(random.below(1_000_000_007)),
            7 | 8 => text(format_args!("{}.{}", random.below(100), random.below(100_000))),
            9 => text(format_args!("-{}.5", random.below(20))),
            _ => text(random.below(20)),
        }
    }

    fn bound(random: &mut Random) -> Argument {
        let open = if random.percent(30) { "(" } else { "" };
        let number = match random.below(8) {
            0 => "-inf".to_owned(),
            1 => "+inf".to_owned(),
            2 => "0.5".to_owned(),
            _ => (random.below(40) as i64 - 15).to_string(),
        };
        text(format_args!("{open}{number}"))
    }

    fn element(random: &mut Random) -> Argument {
        match random.below(10) {
            0..=5 => text(format_args!("e{}", random.below(12))),
            6 => text(random.below(12)),
            7 => text(format_args!("element:{}", random.below(3000))),
            8 if random.percent(20) => long(random),
            8 => text(["", "\r\n", "\u{e9}\0", "-5", "007", "12345678901234567890"][random.below(6)]),
            _ => text(format_args!("{}", char::from(b'a' + random.below(6) as u8))),
        }
    }

    fn integer(random: &mut Random) -> Argument {
        match random.below(14) {
            0 => text(i64::MAX),
            1 => text(i64::MIN),
            2 => text(i64::MAX - random.below(3) as i64),
            3 => text(random.below(1 << 31)),
            4 => text(random.below(70_000)),
            5 => text(-(random.below(40_000) as i64)),
            _ => text(random.below(40) as i64 - 20),
        }
    }

    fn float(random: &mut Random) -> Argument {
        text(match random.below(14) {
            0 => "3.0e3".to_owned(),
            1 => "-1.5e-5".to_owned(),
            2 => "0.1".to_owned(),
            3 => "-0.2".to_owned(),
            4 => "1e17".to_owned(),
            5 => "123456789.123456789".to_owned(),
            6 => format!("{}.{}", random.below(1000), random.below(1_000_000)),
            7 => "1.7976931348623157e308".to_owned(),
            8 => "0".to_owned(),
            9 => "5e-324".to_owned(),
            _ => (random.below(21) as i64 - 10).to_string(),
        })
    }

    fn value(random: &mut Random) -> Argument {
        match random.below(20) {
            0 => long(random),
            1..5 => Self::integer(random),
            5 => Self::float(random),
            6 => Argument::new(),
            7 => text("a\0b\r\n\u{ff}"),
            8..12 => text(["one", "two", "three"][random.below(3)]),
            _ => text(format_args!("value:{}", random.below(1000))),
        }
    }

    fn plain(&mut self, slot: &str, random: &mut Random) -> Argument {
        match slot {
            "value" => Self::value(random),
            "long" => long(random),
            "element" => Self::element(random),
            "field" => match random.below(10) {
                0..8 => text(format_args!("f{}", random.below(10))),
                8 => text(random.below(600)),
                _ => Self::element(random),
            },
            "integer" => Self::integer(random),
            "small" => text(random.below(30)),
            "float" => Self::float(random),
            "positive" => text(1 + random.below(6)),
            "count" => text(random.below(9)),
            "offset" => text(random.below(5)),
            "index" => text(random.below(14) as i64 - 6),
            "score" => Self::score(random),
            "min" | "max" => Self::bound(random),
            "lex_min" | "lex_max" => {
                text(["-", "+", "[a", "(a", "[e1", "(e3", "[e5", "[f", "(\u{ff}", "["][random.below(10)])
            }
            "byte_offset" => text([0, 0, 1, 5, 20, 4000][random.below(6)]),
            "bit_offset" => {
                let limit = [8, 100, 9000][random.below(3)];
                text(random.below(limit))
            }
            "field_offset" => match random.below(3) {
                0 => text(format_args!("#{}", random.below(20))),
                _ => text(random.below(300)),
            },
            "bit_type" => {
                text(["u1", "u2", "i5", "u8", "i8", "u16", "u31", "i32", "u63", "i64", "i63"][random.below(11)])
            }
            "zero_or_one" => text(random.below(2)),
            "db" => text([0, 0, 0, 1, 2, 3][random.below(6)]),
            "timeout" => text(["0.01", "1"][random.below(2)]),
            "by" => text(["nosort", "num:*", "hash:0->f*", "*", "hash:*->f1", "constant"][random.below(6)]),
            "get" => text(["#", "num:*", "str:*", "hash:0->f*", "hash:*->f1", "flt:*"][random.below(6)]),
            "longitude" => {
                text(["13.361389", "15.087269", "-122.4", "0", "179.9", "-180", "2.349014"][random.below(7)])
            }
            "latitude" => text(["38.115556", "37.502669", "37.8", "0", "-85", "48.864716"][random.below(6)]),
            "radius" => text(["200", "1000.5", "20000", "0.5", "1"][random.below(5)]),
            "unit" => text(["m", "km", "mi", "ft"][random.below(4)]),
            "library_name" => text(["lib1", "lib2", "lib3"][random.below(3)]),
            "library" => {
                let name = ["lib1", "lib2", "lib3"][random.below(3)];
                let answer = random.below(3);
                text(format_args!(
                    "#!lua name={name}\nredis.register_function('{name}_f', function(keys, args) return {answer} end)"
                ))
            }
            "script" => text(
                [
                    "return redis.call('set', KEYS[1], ARGV[1])",
                    "redis.call('del', KEYS[1]) redis.call('rpush', KEYS[1], ARGV[1], 'x') \
                     return redis.call('sadd', 'set:1', ARGV[1])",
                    "redis.call('select', 2) return redis.call('hset', 'hash:1', 'f1', ARGV[1])",
                ][random.below(3)],
            ),
            "payload" => random.pick(&self.payloads).clone(),
            "functions" => random.pick(&self.functions).clone(),
            other => panic!("no slot {other}"),
        }
    }
}
