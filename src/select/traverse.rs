//! The way through the parts of a log, record by record.

use std::ops::ControlFlow;
use std::path::Path;

use super::finding;
use super::selection::Selection;
use super::state::{Step, StreamState, Walk};
use crate::aof::log::Part;
use crate::aof::transaction::Membership;
use crate::aof::{Content, Damage, DamageKind, resync};
use crate::check::{Finding, Severity, damage};
use crate::input::Input;
use crate::progress::Progress;
use crate::rdb;
use crate::repair::Edited;

/// What is done with the records of a log, which come in order; `Break` ends the way.
pub trait Visitor {
    /// Why it gives up.
    type Error: From<crate::Error>;

    /// The part with this index begins.
    ///
    /// # Errors
    /// Any of the visitor's own, here and below: it ends the way.
    fn part(&mut self, _index: usize, _input: &Input) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A record that is wanted.
    ///
    /// # Errors
    /// Any.
    fn record(&mut self, step: &Step<'_, '_>) -> Result<ControlFlow<()>, Self::Error>;

    /// A record that is not wanted.
    ///
    /// # Errors
    /// Any.
    fn pass(&mut self, _step: &Step<'_, '_>) -> Result<ControlFlow<()>, Self::Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// An item of an RDB that is wanted: its offset, its length and what it is.
    ///
    /// # Errors
    /// Any.
    fn item(&mut self, _offset: u64, _length: u64, _item: &rdb::Item<'_>) -> Result<ControlFlow<()>, Self::Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// Whether it needs to know how a transaction ends when the transaction begins.
    fn asks_for_outcome(&self) -> bool {
        false
    }

    /// How the transaction ends that the last record opened.
    fn outcome(&mut self, _outcome: TransactionOutcome) {}

    /// Whether it needs more records than the selection has, such as the rest of a transaction.
    fn is_incomplete(&self) -> bool {
        false
    }

    /// Between two records, outside any transaction: from here the way can be taken up again.
    fn between(&mut self, _part: usize, _walk: &Walk<'_>) {}

    /// What happened to the files of a log that is followed.
    ///
    /// # Errors
    /// Any.
    fn news(&mut self, _news: &News<'_>) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// What happened to the files of a log.
#[derive(Debug)]
pub enum News<'n> {
    /// Another file has the name of the part.
    Replaced(&'n Part),
    /// The part is shorter than it was, and is read from its start.
    Truncated(&'n Part),
    /// The name of the part leads nowhere.
    Gone(&'n Part),
    /// The part ends inside a record at this offset, and the log goes on in another.
    EndsInsideRecord {
        /// The part.
        part: &'n Part,
        /// The part in which the log goes on.
        next: &'n Part,
        /// Where the record begins.
        offset: u64,
    },
    /// What was written between the incr files with these sequence numbers was rewritten before it could be read.
    Missed {
        /// The last that was read.
        after: i64,
        /// The next that there is.
        before: i64,
    },
    /// The log goes on in this part, which has so many bytes by now.
    Begins(&'n Part, u64),
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionOutcome {
    /// An `EXEC` closes it.
    Completes,
    /// The part ends first.
    Unfinished,
}

/// Whether the items of an RDB are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RdbItems {
    /// Those that the selection takes.
    Shown,
    /// None.
    Skipped,
}

/// A way through the parts of a log.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use aofkit::aof::log::Log;
/// use aofkit::input::Input;
/// use aofkit::progress::Progress;
/// use aofkit::select::{Checkpoint, Growth, RdbItems, Selection, Step, Traversal, Visitor};
///
/// struct Offsets(Vec<u64>);
///
/// impl Visitor for Offsets {
///     type Error = aofkit::Error;
///
///     fn record(&mut self, step: &Step<'_, '_>) -> aofkit::Result<ControlFlow<()>> {
///         self.0.push(step.record.offset);
///         Ok(ControlFlow::Continue(()))
///     }
/// }
///
/// # fn main() -> aofkit::Result<()> {
/// let bytes = b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPI";
/// let log = Log::from_input(Input::from_bytes("a.aof", bytes.to_vec()))?;
/// let traversal = Traversal {
///     log: &log.path,
///     selection: &Selection { keys: vec![b"a".to_vec()], ..Selection::default() },
///     rdb: RdbItems::Shown,
///     parts: &log.parts.iter().collect::<Vec<_>>(),
///     edited: &[],
///     growth: Growth::None,
///     progress: Progress::UNWATCHED,
/// };
/// let mut offsets = Offsets(Vec::new());
/// let end = traversal.run(Checkpoint::start(), &mut offsets)?;
/// assert_eq!((offsets.0, end.findings[0].offset), (vec![14], Some(44)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Traversal<'s> {
    /// The path of the log, for advice.
    pub log: &'s Path,
    /// Which records and items are wanted.
    pub selection: &'s Selection,
    /// Whether those of an RDB are.
    pub rdb: RdbItems,
    /// What is read, in order.
    pub parts: &'s [&'s Part],
    /// What is read in place of the bytes of parts with damage, by their indexes; empty if nothing is.
    pub edited: &'s [Option<Edited>],
    /// Whether the last part may be being written to.
    pub growth: Growth,
    /// How many bytes were read.
    pub progress: &'s Progress,
}

/// After so many bytes they are counted.
const STRIDE: u64 = 4 << 20;

/// Whether the last part may be being written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// What is there is all.
    None,
    /// An incomplete record at the end will be completed.
    Expected,
}

/// Where the way can be taken up: at the beginning of a part, or after some of its records.
#[derive(Debug, Clone, Copy)]
pub struct Checkpoint {
    /// The index of the part.
    pub part: usize,
    /// The records of it that were read; `None` at its beginning.
    pub passed: Option<Passed>,
    /// The state up to there; for a part's beginning, up to the end of the part before.
    pub state: StreamState,
}

/// The records of a part that were read.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    /// Where they end.
    pub offset: u64,
    /// How many there are.
    pub records: u64,
}

impl Checkpoint {
    /// The beginning of the log.
    pub fn start() -> Self {
        Self { part: 0, passed: None, state: StreamState::default() }
    }

    /// The place that a walk has reached.
    pub fn after(part: usize, walk: &Walk<'_>) -> Self {
        let passed = Passed { offset: walk.position(), records: walk.records() };
        Self { part, passed: Some(passed), state: *walk.state() }
    }
}

/// How a traversal ended.
#[derive(Debug)]
pub struct End {
    /// What is wrong with the log.
    pub findings: Vec<Finding>,
    /// Where the log can go on, if it was walked to its end.
    pub position: Option<Checkpoint>,
}

/// How a part ended.
enum PartEnd {
    Whole(Checkpoint),
    Stopped,
}

impl Traversal<'_> {
    /// Goes from a checkpoint to the log's end, or to its first damage, or as far as the visitor wants. Damage before
    /// the first offset that is wanted does not end the way.
    ///
    /// # Errors
    /// Those of opening a part, and the visitor's.
    pub fn run<V: Visitor>(&self, from: Checkpoint, visitor: &mut V) -> Result<End, V::Error> {
        let mut findings = Vec::new();
        let mut at = from;
        for index in from.part..self.parts.len() {
            let Some(part) = self.parts.get(index) else { break };
            let start = Checkpoint { part: index, passed: at.passed.filter(|_| index == from.part), ..at };
            match self.part(part, start, &mut findings, visitor)? {
                PartEnd::Whole(end) => at = end,
                PartEnd::Stopped => return Ok(End { findings, position: None }),
            }
        }
        Ok(End { findings, position: Some(at) })
    }

    fn part<V: Visitor>(
        &self,
        part: &Part,
        start: Checkpoint,
        findings: &mut Vec<Finding>,
        visitor: &mut V,
    ) -> Result<PartEnd, V::Error> {
        let input = part.open()?;
        input.advise_sequential();
        visitor.part(start.part, &input)?;
        let edited = self.edited.get(start.part).and_then(Option::as_ref);
        let bytes = edited.map_or(input.bytes(), Edited::bytes);
        let mut walk = match start.passed {
            Some(Passed { offset, records }) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
                Walk::piece(rest, offset, records, start.state)
            }
            None => {
                let Some(rdb_end) = self.rdb(part, bytes, findings, visitor)? else { return Ok(PartEnd::Stopped) };
                Walk::part(bytes, rdb_end, start.state)
            }
        };
        let is_last = start.part + 1 == self.parts.len();
        let growth = if is_last { self.growth } else { Growth::None };
        let growing = growth == Growth::Expected;
        let before = findings.len();
        let end = loop {
            let end = self.records(start.part, &mut walk, growth, visitor)?;
            let RecordsEnd::Damaged(damage) = &end else { break end };
            let Some(next) = self.wanted_after(damage, bytes).filter(|_| !growing && edited.is_none()) else {
                break end;
            };
            // More of it before what is wanted says nothing new.
            if findings.len() == before {
                findings.push(finding::of_damage(self.log, part, damage, bytes, input.container()));
            }
            walk.skip_to(next);
        };
        if let Ok(Some(change)) = input.changed()
            && !growing
        {
            let change = damage::of_change(&part.path, change);
            findings.extend((change.severity == Severity::Error).then_some(change));
        }
        let state = match end {
            RecordsEnd::Whole(state) => state,
            RecordsEnd::Stopped => return Ok(PartEnd::Stopped),
            RecordsEnd::Damaged(damage) => {
                findings.push(finding::of_damage(self.log, part, &damage, bytes, input.container()));
                return Ok(PartEnd::Stopped);
            }
        };
        if let Some(defect) = input.defect() {
            findings.push(damage::of_defect(&part.path, defect));
            return Ok(PartEnd::Stopped);
        }
        if let Some(opening) = state.state.opening().filter(|_| !growing) {
            findings.push(finding::of_opening(self.log, part, bytes, opening));
        }
        Ok(PartEnd::Whole(Checkpoint { part: start.part, ..state }))
    }

    /// Where the records go on after damage, if it is before all that is wanted.
    fn wanted_after(&self, damage: &Damage, bytes: &[u8]) -> Option<usize> {
        self.selection.from.filter(|from| damage.record_offset < *from)?;
        resync::next_record(bytes, usize::try_from(damage.record_offset).ok()?)
    }

    /// The RDB that the part begins with, if it does; the index after it, or nothing if the way ends there.
    fn rdb<V: Visitor>(
        &self,
        part: &Part,
        bytes: &[u8],
        findings: &mut Vec<Finding>,
        visitor: &mut V,
    ) -> Result<Option<usize>, V::Error> {
        if !rdb::is_rdb(bytes) {
            return Ok(Some(0));
        }
        let mut walker = rdb::Walker::new(bytes, 0);
        while let Some(item) = walker.next() {
            let item = match item {
                Ok(item) => item,
                Err(damage) => {
                    findings.push(damage::of_rdb(&part.path, bytes, &damage));
                    return Ok(None);
                }
            };
            let offset = walker.item_offset();
            if let (Some(flaw), true) = (item.flaws().first(), findings.is_empty()) {
                findings.push(damage::of_rdb_value(&part.path, bytes, Severity::Error, &flaw.damage));
            }
            let wanted = self.rdb == RdbItems::Shown
                && match &item {
                    rdb::Item::Entry(entry) => self.selection.takes_entry(offset, entry.database, &entry.key),
                    rdb::Item::Aux { .. } | rdb::Item::Function { .. } | rdb::Item::ModuleAux { .. } => {
                        self.selection.takes_loose(offset)
                    }
                    _ => false,
                };
            if wanted && visitor.item(offset, walker.position() - offset, &item)?.is_break() {
                return Ok(None);
            }
        }
        Ok(usize::try_from(walker.position()).ok())
    }

    fn records<V: Visitor>(
        &self,
        part: usize,
        walk: &mut Walk<'_>,
        growth: Growth,
        visitor: &mut V,
    ) -> Result<RecordsEnd, V::Error> {
        let edited = self.edited.get(part).and_then(Option::as_ref);
        let growing = growth == Growth::Expected;
        let asks_for_outcome = visitor.asks_for_outcome() && !growing;
        let mut counted = walk.position();
        loop {
            if walk.position() - counted >= STRIDE {
                self.progress.advance(walk.position() - counted);
                counted = walk.position();
            }
            let before = growing.then(|| Checkpoint::after(part, walk));
            let mut step = match walk.next_step() {
                None => return Ok(RecordsEnd::Whole(Checkpoint::after(part, walk))),
                Some(Err(damage)) => {
                    return Ok(match before {
                        Some(before) if is_incomplete(&damage) => RecordsEnd::Whole(before),
                        _ => RecordsEnd::Damaged(edited.map_or(damage, |edited| Damage {
                            offset: edited.offset_in_file(damage.offset),
                            record_offset: edited.offset_in_file(damage.record_offset),
                            ..damage
                        })),
                    });
                }
                Some(Ok(step)) => step,
            };
            if let Some(before) = before.filter(|_| is_cut_annotation(&step)) {
                return Ok(RecordsEnd::Whole(before));
            }
            if let Some(edited) = edited {
                step.record.offset = edited.offset_in_file(step.record.offset);
            }
            let past = self.selection.is_past(step.record.offset);
            let (membership, opened) = (step.place.membership, step.place.membership == Membership::Opens);
            let wanted = !past && self.selection.takes(&step.record, &step.place);
            let flow = if wanted { visitor.record(&step)? } else { visitor.pass(&step)? };
            if flow.is_break() {
                return Ok(RecordsEnd::Stopped);
            }
            // Where the end of the selection is reached, a transaction may still have to be completed.
            if past && matches!(membership, Membership::Outside | Membership::Closes) {
                return Ok(RecordsEnd::Stopped);
            }
            if opened && asks_for_outcome {
                visitor.outcome(if walk.transaction_completes() {
                    TransactionOutcome::Completes
                } else {
                    TransactionOutcome::Unfinished
                });
            }
            if !walk.state().is_in_transaction() {
                visitor.between(part, walk);
            }
        }
    }
}

enum RecordsEnd {
    Whole(Checkpoint),
    Damaged(Damage),
    Stopped,
}

/// Whether more bytes could complete the record.
pub(super) fn is_incomplete(damage: &Damage) -> bool {
    matches!(damage.kind, DamageKind::Truncated { .. })
}

/// Whether the record is an annotation whose end is still to be written.
pub(super) fn is_cut_annotation(step: &Step<'_, '_>) -> bool {
    matches!(step.record.content, Content::Annotation(_)) && !step.raw.ends_with(b"\n")
}
