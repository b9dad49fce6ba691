//! What is known of a log and of its damage, against what salvage kept.

use std::collections::BTreeSet;
use std::ops::Range;

use aofkit::aof::{Content, Reader};
use aofkit::repair::salvage::{Cause, Options, Salvage, salvage};
use aofkit::repair::{Edited, write_edited};

use super::damage::Damaged;
use crate::harness::Random;

/// A sound log.
pub(super) struct Log {
    pub(super) bytes: Vec<u8>,
    records: Vec<Range<usize>>,
    starts: BTreeSet<usize>,
    /// By the indexes of their records, `MULTI` and `EXEC` included.
    transactions: Vec<Range<usize>>,
    /// The lines with a count or a length.
    pub(super) lengths: Vec<Range<usize>>,
}

impl Log {
    #[track_caller]
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let mut log =
            Self { bytes, records: Vec::new(), starts: BTreeSet::new(), transactions: Vec::new(), lengths: Vec::new() };
        let mut open = 0;
        let mut reader = Reader::new(&log.bytes, 0);
        while let Some(record) = reader.next_record() {
            let record = record.unwrap();
            let range = record.offset as usize..record.end() as usize;
            if let Content::Command(words) = record.content {
                match words[0] {
                    b"MULTI" => open = log.records.len(),
                    b"EXEC" => log.transactions.push(open..log.records.len() + 1),
                    _ => {}
                }
                let mut end = range.end;
                for word in words.iter().rev() {
                    let line = word.len().to_string().len() + 1;
                    end -= word.len() + 4 + line;
                    log.lengths.push(end..end + line);
                }
                log.lengths.push(range.start..range.start + 1 + words.len().to_string().len());
            }
            log.starts.insert(range.start);
            log.records.push(range);
        }
        log
    }

    /// What is wrong with what salvage made of the damaged log; the log as it is then.
    pub(super) fn compare(&self, damaged: &Damaged, salvage: &Salvage) -> Result<Vec<u8>, String> {
        let mut mended = Vec::new();
        write_edited(&damaged.bytes, &salvage.edits(), &mut mended).unwrap();
        let edited = Edited::new(&damaged.bytes, salvage.edits());
        let kept = records(&mended)?;
        // Where each record of the original is now; `None` if it was touched.
        let pieces: Vec<_> = damaged.kept().collect();
        let now: Vec<Option<usize>> = self.records.iter().map(|record| place(&pieces, record)).collect();
        let inside = |index: usize| self.transactions.iter().find(|transaction| transaction.contains(&index));
        let is_whole = |transaction: &Range<usize>| {
            let span = self.records[transaction.start].start..self.records[transaction.end - 1].end;
            place(&pieces, &span).is_some()
        };
        let moves_transactions = damaged.moves_transactions();
        let mut texts = kept.iter().map(|record| &mended[record.clone()]);
        for (index, record) in self.records.iter().enumerate() {
            let text = &self.bytes[record.clone()];
            let is_outside = now[index].is_some() && inside(index).is_none_or(is_whole);
            // Which transaction a moved EXEC ends, nobody knows.
            let is_excused = || {
                moves_transactions
                    && now[index].is_some_and(|at| {
                        salvage.gaps.iter().any(|gap| gap.whole_records > 0 && gap.edit.range.contains(&(at as u64)))
                    })
            };
            if is_outside && !is_excused() && !texts.any(|kept| kept == text) {
                return Err(format!(
                    "lost the record at byte {} (now {:?}): {}",
                    record.start,
                    now[index],
                    shown(text)
                ));
            }
        }
        for record in &kept {
            let at = edited.offset_in_file(record.start as u64);
            let is_inserted = salvage.gaps.iter().any(|gap| {
                let place = edited.place_of(gap.edit.range.start) as usize;
                (place..place + gap.edit.inserted.len()).contains(&record.start)
            });
            let original = damaged.original(at as usize);
            if !is_inserted && original.is_some_and(|original| !self.starts.contains(&original)) {
                return Err(format!("invented the record at byte {at}: {}", shown(&mended[record.clone()])));
            }
        }
        if !moves_transactions {
            self.compare_transactions(&now, salvage)?;
        }
        Ok(mended)
    }

    /// A transaction of which a part was taken out goes whole, as far as its `MULTI` and its `EXEC` are there.
    fn compare_transactions(&self, now: &[Option<usize>], salvage: &Salvage) -> Result<(), String> {
        let is_lossless = |causes: &[Cause]| matches!(causes, [Cause::WrongByte { .. } | Cause::Repeated { .. }]);
        let goes = |at: usize| {
            salvage.gaps.iter().any(|gap| !is_lossless(&gap.causes) && gap.edit.range.contains(&(at as u64)))
        };
        for transaction in &self.transactions {
            let (Some(multi), Some(exec)) = (now[transaction.start], now[transaction.end - 1]) else { continue };
            let untouched: Vec<usize> = now[transaction.clone()].iter().flatten().copied().collect();
            let gone = untouched.iter().filter(|at| goes(**at)).count();
            let loses = salvage.gaps.iter().any(|gap| {
                let range = &gap.edit.range;
                !is_lossless(&gap.causes) && range.start < exec as u64 && range.end > multi as u64
            });
            if loses && gone < untouched.len() {
                return Err(format!("kept a part of the transaction at byte {multi}, {gone} of {}", untouched.len()));
            }
        }
        Ok(())
    }
}

/// Where a stretch of the original is, if all of it is there and nothing is in it.
fn place(pieces: &[(Range<usize>, usize)], stretch: &Range<usize>) -> Option<usize> {
    let index = pieces.partition_point(|(range, _)| range.end < stretch.end);
    let (range, now) = pieces.get(index)?;
    (range.start <= stretch.start).then(|| now + stretch.start - range.start)
}

fn records(bytes: &[u8]) -> Result<Vec<Range<usize>>, String> {
    let mut reader = Reader::new(bytes, 0);
    let mut records = Vec::new();
    while let Some(record) = reader.next_record() {
        let record = record.map_err(|damage| format!("still damaged at byte {}: {}", damage.offset, damage.kind))?;
        records.push(record.offset as usize..record.end() as usize);
    }
    if reader.valid_up_to() != bytes.len() as u64 {
        return Err(format!("ends inside the transaction at byte {}", reader.valid_up_to()));
    }
    Ok(records)
}

fn shown(text: &[u8]) -> String {
    text[..text.len().min(120)].escape_ascii().to_string()
}

/// One log with random damage.
pub(super) struct Round {
    pub(super) damaged: Damaged,
    /// What salvage leaves of it, or what is wrong with that.
    pub(super) result: Result<Vec<u8>, String>,
}

impl Round {
    /// Damages one of the logs in so many places.
    pub(super) fn new(logs: &[Log], seed: u64, stretches: usize, options: Options<'_>) -> Self {
        let mut random = Random(seed);
        let (log, other) = (&logs[random.below(logs.len())], &logs[random.below(logs.len())]);
        let mut damaged = Damaged::new(&log.bytes);
        for _ in 0..stretches {
            damaged.damage(&other.bytes, &log.lengths, &mut random);
        }
        let result = log.compare(&damaged, &salvage(&damaged.bytes, 0, options));
        Self { damaged, result }
    }
}
