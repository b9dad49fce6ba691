//! Logs: a value, and commands that are repeated on it.

use aofkit::rdb::dump;
use aofkit::replay::{Options, replay};
use aofkit::resp::write_command;
use aofkit::server::Release;

use crate::cases::Shape;

/// The number of items per command that fills a value.
const BATCH: usize = 64;

/// The approximate maximum size of a log.
const LARGEST: usize = 100 << 20;

/// An expiry that is later than any comparison.
const FAR_FUTURE: u64 = 4_102_444_800_000;

/// The items that the repetitions use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// One after the other from the first.
    First,
    /// One after the other from the middle.
    Middle,
    /// One after the other from the last, backwards.
    Last,
    /// Scattered.
    Anywhere,
    /// Items that do not exist.
    Missing,
}

impl Position {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::First, Self::Middle, Self::Last, Self::Anywhere, Self::Missing];

    /// The positions that make a difference for a template.
    pub fn of(template: &str) -> &'static [Self] {
        let differs = ["{e}", "{i}", "{at}", "{bit}", "{score}", "{id}"].iter().any(|word| template.contains(word));
        if differs { &Self::ALL } else { &[Self::Anywhere] }
    }

    fn index(self, repetition: usize, items: usize) -> usize {
        let items = items.max(1);
        match self {
            Self::First => repetition % items,
            Self::Middle => (items / 2 + repetition) % items,
            Self::Last => items - 1 - repetition % items,
            Self::Anywhere => scattered(repetition) % items,
            Self::Missing => items + 1_000_000_000 + repetition,
        }
    }
}

fn scattered(number: usize) -> usize {
    let mixed = (number as u64 ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from((mixed ^ mixed >> 29) >> 16).unwrap_or_default()
}

/// A value: its shape and its size.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    /// Its type.
    pub shape: Shape,
    /// The number of its items.
    pub items: usize,
}

impl Value {
    /// The item at an index.
    fn item(self, index: usize) -> String {
        match self.shape {
            Shape::Numbers | Shape::Integers => index.to_string(),
            Shape::LongList => format!("{index:0>200}"),
            Shape::Keys | Shape::Strings | Shape::Sketches | Shape::Sets | Shape::SortedSets => format!("k:{index}"),
            _ => format!("item{index:06}"),
        }
    }

    fn score(self, index: usize) -> String {
        if self.shape == Shape::Tied { "0".to_owned() } else { index.to_string() }
    }

    /// The number of groups of a stream.
    fn groups(self) -> usize {
        (self.items / 100).max(1)
    }

    /// What a server's DUMP of the key `k` returns, for all that know the type; fields that expire are in none of
    /// those.
    fn payload(self) -> Vec<u8> {
        let mut log = Vec::new();
        self.write(&mut log);
        let replayed = replay(&[&log], Options::default());
        let entry = replayed.keyspace.get(0, b"k");
        entry
            .and_then(|entry| dump::write(entry.value(), Release::Redis70).ok())
            .map(|(payload, _)| payload)
            .unwrap_or_default()
    }

    /// The names of all keys, for commands on many keys.
    fn all(self) -> Vec<String> {
        let count = match self.shape {
            Shape::Keys => self.items,
            Shape::Sketches => 100,
            _ => 1000,
        };
        (0..count).map(|index| format!("k:{index}")).collect()
    }

    /// Appends the commands that make the keys.
    pub fn write(self, out: &mut Vec<u8>) {
        write(out, &["SELECT", "0"]);
        match self.shape {
            Shape::Nothing => {}
            Shape::Keys => {
                self.key(out, "s", 0..3, Shape::List);
                (0..self.items).for_each(|index| write(out, &["SET", &self.item(index), "value"]));
            }
            Shape::Strings => {
                let text = "t".repeat(self.items / 100);
                self.all().iter().for_each(|key| write(out, &["SET", key, &text]));
            }
            Shape::Sketches => self.all().iter().enumerate().for_each(|(number, key)| {
                self.key(out, key, number * 1000..number * 1000 + self.items / 20, Shape::Sketch);
            }),
            Shape::Sets | Shape::SortedSets => self.all().iter().enumerate().for_each(|(number, key)| {
                let shape = if self.shape == Shape::Sets { Shape::Set } else { Shape::SortedSet };
                let items = (self.items / 1000).max(1);
                self.key(out, key, number * items / 2..number * items / 2 + items, shape);
            }),
            Shape::Groups => {
                self.key(out, "k", 0..100, Shape::Stream);
                for group in 0..self.groups() {
                    let name = format!("g{group}");
                    write(out, &["XGROUP", "CREATE", "k", &name, "0"]);
                    write(out, &["XREADGROUP", "GROUP", &name, "c", "COUNT", "100", "STREAMS", "k", ">"]);
                }
            }
            _ => {
                self.key(out, "k", 0..self.items, self.shape);
                self.key(out, "k2", self.items / 2..self.items + self.items / 2, self.shape);
                self.key(out, "s", 0..3, self.shape);
            }
        }
    }

    /// Appends the commands that fill one key.
    fn key(self, out: &mut Vec<u8>, key: &str, items: std::ops::Range<usize>, shape: Shape) {
        let all: Vec<usize> = items.collect();
        let value = Self { shape, ..self };
        if shape == Shape::Text {
            write(out, &["SET", key, &"01234567".repeat(all.len())]);
            return;
        }
        for batch in all.chunks(BATCH) {
            value.batch(out, key, batch);
        }
        if matches!(shape, Shape::Pending | Shape::Deleted) {
            write(out, &["XGROUP", "CREATE", key, "g", "0"]);
            for batch in all.chunks(BATCH) {
                let consumer = match shape {
                    Shape::Deleted => "c1".to_owned(),
                    _ => format!("c{}", batch.first().map_or(0, |index| index / BATCH % 10)),
                };
                let count = batch.len().to_string();
                write(out, &["XREADGROUP", "GROUP", "g", &consumer, "COUNT", &count, "STREAMS", key, ">"]);
            }
        }
        if shape == Shape::Deleted {
            all.iter().step_by(2).for_each(|index| write(out, &["XDEL", key, &id(*index)]));
        }
    }

    fn batch(self, out: &mut Vec<u8>, key: &str, batch: &[usize]) {
        let name = match self.shape {
            Shape::List | Shape::LongList | Shape::Numbers => "RPUSH",
            Shape::Set | Shape::Integers => "SADD",
            Shape::Hash | Shape::ExpiringHash => "HSET",
            Shape::SortedSet | Shape::Tied => "ZADD",
            Shape::Geo => "GEOADD",
            Shape::Sketch => "PFADD",
            Shape::Stream | Shape::Pending | Shape::Deleted => {
                for index in batch {
                    write(out, &["XADD", key, &id(*index), "field", "value"]);
                }
                return;
            }
            _ => {
                for index in batch {
                    let number = scattered(*index) % 1000;
                    let words = [number.to_string(), (index % 100).to_string()];
                    write(out, &["VADD", key, "VALUES", "4", "1", &words[0], &words[1], "2", &self.item(*index)]);
                }
                return;
            }
        };
        let mut words = vec![name.to_owned(), key.to_owned()];
        for index in batch {
            match self.shape {
                Shape::SortedSet | Shape::Tied => words.push(self.score(*index)),
                Shape::Geo => {
                    words.push(format!("{}", scattered(*index) % 360 - 180.min(scattered(*index) % 360)));
                    words.push(format!("{}.{}", scattered(index + 7) % 80, scattered(index + 9) % 1000));
                }
                _ => {}
            }
            words.push(self.item(*index));
            if matches!(self.shape, Shape::Hash | Shape::ExpiringHash) {
                words.push(format!("value{index}"));
            }
        }
        write(out, &words);
        if self.shape == Shape::ExpiringHash {
            let mut words = vec!["HPEXPIREAT".to_owned(), key.to_owned(), FAR_FUTURE.to_string(), "FIELDS".to_owned()];
            words.push(batch.len().to_string());
            words.extend(batch.iter().map(|index| self.item(*index)));
            write(out, &words);
        }
    }
}

fn id(index: usize) -> String {
    format!("{}-0", index + 1)
}

fn write(out: &mut Vec<u8>, words: &[impl AsRef<[u8]>]) {
    let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
    write_command(out, &words);
}

/// Appends a template's commands `times` times, or fewer if the log gets too large, and returns the number of
/// repetitions.
pub fn repeat(out: &mut Vec<u8>, value: Value, template: &str, position: Position, times: usize) -> usize {
    let sections: Vec<&str> = template.split('|').collect();
    let (before, repeated, after) = match sections[..] {
        [before, repeated, after] => (before, repeated, after),
        _ => ("", template, ""),
    };
    let words =
        Words { all: value.all(), payload: if template.contains("{payload}") { value.payload() } else { Vec::new() } };
    let commands = |out: &mut Vec<u8>, text: &str, repetition| {
        for line in text.split(';').map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<Vec<u8>> =
                line.split(' ').flat_map(|word| expand(word, value, &words, position, repetition)).collect();
            write(out, &words);
        }
    };
    commands(out, before, 0);
    let mut done = 0;
    while done < times && out.len() < LARGEST {
        commands(out, repeated, done);
        done += 1;
    }
    commands(out, after, 0);
    done
}

/// The words that are the same in every repetition.
struct Words {
    all: Vec<String>,
    payload: Vec<u8>,
}

/// The arguments that a word of a template stands for.
fn expand(word: &str, value: Value, words: &Words, position: Position, repetition: usize) -> Vec<Vec<u8>> {
    let items = if value.shape == Shape::Groups { value.groups() } else { value.items };
    let index = position.index(repetition, items);
    match word {
        "{payload}" => return vec![words.payload.clone()],
        "{fields}" => return (0..200).map(|field| format!("f{field}").into_bytes()).collect(),
        "{all}" => return words.all.iter().map(|key| key.clone().into_bytes()).collect(),
        "{pairs}" => {
            let number = |pair: usize| format!("n{}", repetition * 100 + pair);
            return (0..100).flat_map(|pair| [number(pair).into_bytes(), b"value".to_vec()]).collect();
        }
        "{big}" => return vec![format!("{repetition:0>2000}").into_bytes()],
        "{longer}" => return vec![vec![b'x'; 100 + repetition]],
        "{library}" => return vec![library((value.items / 100).max(1)).into_bytes()],
        word if !word.contains('{') => return vec![word.as_bytes().to_vec()],
        _ => {}
    }
    // An index beyond the end of a string is not an error.
    let byte = if position == Position::Missing { value.items * 8 + repetition } else { index * 8 };
    let names: [(&str, &dyn Fn() -> String); 11] = [
        ("{e}", &|| value.item(index)),
        ("{i}", &|| index.to_string()),
        ("{at}", &|| byte.to_string()),
        ("{bit}", &|| (byte * 8).to_string()),
        ("{score}", &|| value.score(index)),
        ("{id}", &|| id(index)),
        ("{new}", &|| value.item(value.items * 2 + repetition)),
        ("{newid}", &|| id(value.items * 2 + 1 + repetition)),
        ("{j}", &|| repetition.to_string()),
        ("{n}", &|| value.items.to_string()),
        ("{half}", &|| (value.items / 2).to_string()),
    ];
    let mut text = word.to_owned();
    for (name, replacement) in names {
        if text.contains(name) {
            text = text.replace(name, &replacement());
        }
    }
    if word.starts_with("#!lua") {
        text = text.replace('_', " ").replace('-', "_");
    }
    vec![text.into_bytes()]
}

fn library(functions: usize) -> String {
    let function = |number| format!("redis.register_function('f{number}', function(keys, args) return {number} end)");
    let lines: Vec<String> = (0..functions).map(function).collect();
    format!("#!lua name=big\n{}\n", lines.join("\n"))
}
