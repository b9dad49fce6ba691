//! Random damage of a log, and which bytes are those of the original afterwards.

use std::ops::Range;

use memchr::memmem;

use crate::harness::Random;

/// A stretch of a damaged log.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Bytes of the original, where they were.
    Kept(Range<usize>),
    /// Other bytes, or bytes of the original that were moved or copied here.
    Foreign(Vec<u8>),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Kept(range) => range.len(),
            Self::Foreign(bytes) => bytes.len(),
        }
    }

    fn split(self, at: usize) -> [Self; 2] {
        match self {
            Self::Kept(Range { start, end }) => [Self::Kept(start..start + at), Self::Kept(start + at..end)],
            Self::Foreign(bytes) => [Self::Foreign(bytes[..at].to_vec()), Self::Foreign(bytes[at..].to_vec())],
        }
    }
}

/// A log after damage.
#[derive(Debug, Clone)]
pub(super) struct Damaged {
    pub(super) pieces: Vec<Piece>,
    pub(super) bytes: Vec<u8>,
    /// What was done, for messages.
    pub(super) done: Vec<String>,
}

/// The longest stretch.
const LONGEST: u32 = 16;

/// The kinds of damage.
const KINDS: [&str; 13] = [
    "noise",
    "zeros",
    "text",
    "a block of another log",
    "a block of the same log",
    "cut out",
    "repeated",
    "zero pages",
    "a flipped bit",
    "a flipped bit in a length",
    "inserted",
    "swapped",
    "a block of ones",
];

impl Damaged {
    pub(super) fn new(log: &[u8]) -> Self {
        Self { pieces: vec![Piece::Kept(0..log.len())], bytes: log.to_vec(), done: Vec::new() }
    }

    /// The offset in the original of a byte, if it is where it was.
    pub(super) fn original(&self, at: usize) -> Option<usize> {
        let mut start = 0;
        for piece in &self.pieces {
            let end = start + piece.len();
            if at < end {
                return match piece {
                    Piece::Kept(range) => Some(range.start + at - start),
                    Piece::Foreign(_) => None,
                };
            }
            start = end;
        }
        None
    }

    /// The stretches of the original that are where they were, and where that is now.
    pub(super) fn kept(&self) -> impl Iterator<Item = (Range<usize>, usize)> {
        let mut at = 0;
        self.pieces.iter().filter_map(move |piece| {
            at += piece.len();
            match piece {
                Piece::Kept(range) => Some((range.clone(), at - range.len())),
                Piece::Foreign(_) => None,
            }
        })
    }

    /// Whether foreign bytes open or end transactions: which records belong to them, nobody knows.
    pub(super) fn moves_transactions(&self) -> bool {
        let has =
            |bytes: &[u8]| ["MULTI\r\n", "EXEC\r\n"].iter().any(|word| memmem::find(bytes, word.as_bytes()).is_some());
        self.pieces.iter().any(|piece| matches!(piece, Piece::Foreign(bytes) if has(bytes)))
    }

    /// Damages one more stretch; `other` is another log, and `lengths` are the lines of the original with a length.
    pub(super) fn damage(&mut self, other: &[u8], lengths: &[Range<usize>], random: &mut Random) {
        let total = self.bytes.len();
        // As many of each size.
        let most = (1_usize << random.below(LONGEST + 1)).min(total / 4);
        let length = 1 + random.below(most);
        let start = random.below(total - length);
        let stretch = start..start + length;
        let kind = random.below(KINDS.len());
        let stretch = match KINDS[kind] {
            "zero pages" => {
                let size = random.pick(&[512, 4096]);
                let first = start / size * size;
                first..(first + size * (1 + random.below(4_usize))).min(total)
            }
            "a flipped bit" => start..start + 1,
            "a flipped bit in a length" => {
                let line = random.pick(lengths.iter().map(|line| line.start).collect::<Vec<_>>().as_slice());
                let line = lengths.iter().find(|range| range.start == line).unwrap().clone();
                let at = line.start + random.below(line.len());
                // Where that line is now, if it is there.
                let now = self.kept().find(|(range, _)| range.contains(&at)).map(|(range, now)| now + at - range.start);
                now.map_or(start..start + 1, |at| at..at + 1)
            }
            _ => stretch,
        };
        let bytes = &self.bytes[stretch.clone()];
        let block = |from: &[u8], random: &mut Random| {
            let at = random.below(from.len() - stretch.len().min(from.len() - 1));
            from[at..(at + stretch.len()).min(from.len())].to_vec()
        };
        let size = stretch.len();
        self.done.push(format!("{} {stretch:?} of {total}", KINDS[kind]));
        match KINDS[kind] {
            "noise" => self.replace(stretch, noise(size, random)),
            "zeros" | "zero pages" => self.replace(stretch, vec![0; size]),
            "a block of ones" => self.replace(stretch, vec![0xff; size]),
            "text" => self.replace(stretch, text(size, random)),
            "a block of another log" => {
                let block = block(other, random);
                self.replace(start..start + block.len(), block);
            }
            "a block of the same log" => {
                let block = block(&self.bytes.clone(), random);
                self.replace(stretch, block);
            }
            "cut out" => self.replace(stretch, Vec::new()),
            "repeated" => self.replace(stretch.end..stretch.end, bytes.to_vec()),
            "inserted" => {
                let inserted = match random.below(4) {
                    0 => noise(size, random),
                    1 => vec![0; size],
                    2 => text(size, random),
                    _ => block(other, random),
                };
                self.replace(start..start, inserted);
            }
            "swapped" => {
                let second = random.below(total - size);
                let (first, second) = (start.min(second), start.max(second));
                if second - first >= size {
                    let [one, two] = [first..first + size, second..second + size];
                    let [of_one, of_two] = [&one, &two].map(|range| self.bytes[range.clone()].to_vec());
                    self.replace(two, of_one);
                    self.replace(one, of_two);
                }
            }
            _ => {
                let flipped = bytes[0] ^ (1 << random.below(8));
                self.replace(stretch, vec![flipped]);
            }
        }
    }

    fn replace(&mut self, range: Range<usize>, with: Vec<u8>) {
        let mut pieces = Vec::new();
        let mut at = 0;
        let mut with = Some(with);
        for piece in std::mem::take(&mut self.pieces) {
            let (start, end) = (at, at + piece.len());
            at = end;
            let [before, rest] = piece.split(range.start.clamp(start, end) - start);
            let [_, after] =
                rest.split(range.end.clamp(start, end).max(range.start.clamp(start, end)) - start - before.len());
            if before.len() > 0 {
                pieces.push(before);
            }
            if range.start <= end
                && let Some(with) = with.take()
            {
                self.bytes.splice(range.clone(), with.iter().copied());
                pieces.push(Piece::Foreign(with));
            }
            if after.len() > 0 {
                pieces.push(after);
            }
        }
        self.pieces = pieces;
    }
}

fn noise(length: usize, random: &mut Random) -> Vec<u8> {
    (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect()
}

fn text(length: usize, random: &mut Random) -> Vec<u8> {
    const LINE: &[u8] = b"Nov 28 12:00:01 host kernel: EXT4-fs error (device sda1): ext4_lookup:1602: inode #2\n";
    let from = random.below(LINE.len());
    LINE.iter().cycle().skip(from).take(length).copied().collect()
}
