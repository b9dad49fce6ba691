//! Commands with all their options in one line each.
//!
//! `[a b|c]` is one of the alternatives or nothing, `(a|b)` one of them, `{a b}` a few repetitions, `<a b>` sometimes
//! very many; `#{…}` and `#<…>` are preceded by their number. `$name` is filled in by [`super::values`]. A `@gate` at
//! the start of a line or of an alternative says where it is understood.

use super::random::Random;
use super::values::Values;
use super::{Argument, Command, Setting};

#[derive(Debug)]
pub(crate) enum Node {
    Word(&'static str),
    Slot(&'static str),
    Choice { alternatives: Vec<Sequence>, optional: bool },
    Repeat { items: Vec<Node>, counted: bool, many: bool },
}

#[derive(Debug)]
pub(crate) struct Sequence {
    gates: Vec<&'static str>,
    nodes: Vec<Node>,
}

impl Sequence {
    pub(crate) fn parse(line: &'static str) -> Self {
        let words: Vec<&'static str> = split(line);
        let mut position = 0;
        let sequence = parse_sequence(&words, &mut position);
        assert_eq!(position, words.len(), "unbalanced: {line}");
        sequence
    }

    pub(crate) fn is_open(&self, setting: Setting) -> bool {
        self.gates.iter().all(|gate| setting.opens(gate))
    }

    /// Whether its outcome depends on more than the data, so that not even its arguments may be tampered with.
    pub(crate) fn is_delicate(&self) -> bool {
        self.gates.contains(&"delicate")
    }

    pub(crate) fn expand(&self, random: &mut Random, values: &mut Values, setting: Setting) -> Command {
        let mut out = Vec::new();
        self.append(random, values, setting, &mut out);
        out
    }

    fn append(&self, random: &mut Random, values: &mut Values, setting: Setting, out: &mut Vec<Argument>) {
        for node in &self.nodes {
            node.append(random, values, setting, out);
        }
    }
}

impl Node {
    fn append(&self, random: &mut Random, values: &mut Values, setting: Setting, out: &mut Vec<Argument>) {
        match self {
            Self::Word(word) => {
                let word = if random.percent(3) { word.to_ascii_uppercase() } else { (*word).to_owned() };
                out.push(word.into_bytes());
            }
            Self::Slot(name) => values.append(name, random, out),
            Self::Choice { alternatives, optional } => {
                if *optional && random.percent(55) {
                    return;
                }
                let open: Vec<_> = alternatives.iter().filter(|sequence| sequence.is_open(setting)).collect();
                if !open.is_empty() {
                    random.pick(&open).append(random, values, setting, out);
                }
            }
            Self::Repeat { items, counted, many } => {
                let count = match (many, random.below(100)) {
                    (false, _) => 1 + random.below(3),
                    (true, 0..80) => 1 + random.below(4),
                    (true, 80..97) => 5 + random.below(30),
                    (true, _) => 120 + random.below(450),
                };
                values.last_count = count;
                if *counted {
                    out.push(count.to_string().into_bytes());
                }
                for _ in 0..count {
                    for item in items {
                        item.append(random, values, setting, out);
                    }
                }
            }
        }
    }
}

/// Words and brackets.
fn split(line: &'static str) -> Vec<&'static str> {
    let mut words = Vec::new();
    let mut start = 0;
    let is_bracket = |byte: u8| b"[]|(){}<>#".contains(&byte);
    for (index, byte) in line.bytes().enumerate() {
        if byte == b' ' || is_bracket(byte) {
            if start < index {
                words.push(&line[start..index]);
            }
            if byte != b' ' {
                words.push(&line[index..=index]);
            }
            start = index + 1;
        }
    }
    if start < line.len() {
        words.push(&line[start..]);
    }
    words
}

fn parse_sequence(words: &[&'static str], position: &mut usize) -> Sequence {
    let mut sequence = Sequence { gates: Vec::new(), nodes: Vec::new() };
    let mut counted = false;
    while let Some(&word) = words.get(*position) {
        match word {
            "|" | "]" | ")" | "}" | ">" => break,
            "[" | "(" => {
                let mut alternatives = Vec::new();
                loop {
                    *position += 1;
                    alternatives.push(parse_sequence(words, position));
                    if words[*position] != "|" {
                        break;
                    }
                }
                sequence.nodes.push(Node::Choice { alternatives, optional: word == "[" });
            }
            "{" | "<" => {
                *position += 1;
                let items = parse_sequence(words, position).nodes;
                sequence.nodes.push(Node::Repeat { items, counted, many: word == "<" });
                counted = false;
            }
            "#" => counted = true,
            _ => match (word.strip_prefix('@'), word.strip_prefix('$')) {
                (Some(gate), _) => sequence.gates.push(gate),
                (_, Some(slot)) => sequence.nodes.push(Node::Slot(slot)),
                _ => sequence.nodes.push(Node::Word(word)),
            },
        }
        *position += 1;
    }
    sequence
}
