//! The way through the parts of a log, record by record.

use std::ops::ControlFlow;
use std::path::Path;

use super::settings::Rdb;
use crate::aof::log::Part;
use crate::aof::transaction::Membership;
use crate::aof::{Content, Damage, DamageKind};
use crate::check::{Finding, Severity, damage};
use crate::input::Input;
use crate::progress::Progress;
use crate::rdb;
use crate::report::inspect::TransactionOutcome;
use crate::report::inspect::finding;
use crate::select::{Selection, Step, StreamState, Walk};

/// Meets what a log holds, in order; `Break` ends the way.
pub trait Visitor {
    /// The part with this index begins.
    fn part(&mut self, index: usize, input: &Input) -> anyhow::Result<()>;

    /// A record that is wanted.
    fn record(&mut self, step: &Step<'_, '_>) -> anyhow::Result<ControlFlow<()>>;

    /// A record that is not.
    fn pass(&mut self, _step: &Step<'_, '_>) -> anyhow::Result<ControlFlow<()>> {
        Ok(ControlFlow::Continue(()))
    }

    /// An item of an RDB that is wanted.
    fn item(&mut self, offset: u64, length: u64, item: &rdb::Item<'_>) -> anyhow::Result<ControlFlow<()>>;

    /// Whether it wants to be told how a transaction ends when it begins.
    fn asks_for_fate(&self) -> bool {
        false
    }

    /// How the transaction ends that the last record opened.
    fn outcome(&mut self, _outcome: TransactionOutcome) {}

    /// Between two records, outside any transaction: from here the way can be taken up again.
    fn between(&mut self, _part: usize, _walk: &Walk<'_>) {}
}

/// What is walked through, and what is wanted of it.
pub struct Traversal<'s> {
    /// The path of the log.
    pub log: &'s Path,
    pub selection: &'s Selection,
    pub rdb: Rdb,
    pub parts: &'s [&'s Part],
    pub growth: Growth,
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

/// Where the way can be taken up: at the beginning of a part, or behind some of its records.
#[derive(Debug, Clone, Copy)]
pub struct Checkpoint {
    pub part: usize,
    pub behind: Option<Behind>,
    /// The state up to there; for a part's beginning, up to the end of the part before.
    pub state: StreamState,
}

/// The records of a part that were walked over.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    pub offset: u64,
    pub records: u64,
}

impl Checkpoint {
    /// The beginning of the log.
    pub fn start() -> Self {
        Self { part: 0, behind: None, state: StreamState::default() }
    }

    /// The place that a walk has reached.
    pub fn behind(part: usize, walk: &Walk<'_>) -> Self {
        let behind = Behind { offset: walk.position(), records: walk.records() };
        Self { part, behind: Some(behind), state: *walk.state() }
    }
}

/// How a traversal ended.
pub struct End {
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
    /// Goes from a checkpoint to the log's end, or to its first damage, or as far as the visitor wants.
    pub fn run(&self, from: Checkpoint, visitor: &mut impl Visitor) -> anyhow::Result<End> {
        let mut findings = Vec::new();
        let mut at = from;
        for index in from.part..self.parts.len() {
            let Some(part) = self.parts.get(index) else { break };
            let start = Checkpoint { part: index, behind: at.behind.filter(|_| index == from.part), ..at };
            match self.part(part, start, &mut findings, visitor)? {
                PartEnd::Whole(end) => at = end,
                PartEnd::Stopped => return Ok(End { findings, position: None }),
            }
        }
        Ok(End { findings, position: Some(at) })
    }

    fn part(
        &self,
        part: &Part,
        start: Checkpoint,
        findings: &mut Vec<Finding>,
        visitor: &mut impl Visitor,
    ) -> anyhow::Result<PartEnd> {
        let input = part.open()?;
        input.advise_sequential();
        visitor.part(start.part, &input)?;
        let bytes = input.bytes();
        let mut walk = match start.behind {
            Some(Behind { offset, records }) => {
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
        let end = self.records(start.part, &mut walk, growth, visitor)?;
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

    /// The RDB that the part begins with, if it does; the index behind it, or nothing if the way ends there.
    fn rdb(
        &self,
        part: &Part,
        bytes: &[u8],
        findings: &mut Vec<Finding>,
        visitor: &mut impl Visitor,
    ) -> anyhow::Result<Option<usize>> {
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
            let wanted = self.rdb == Rdb::Shown
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

    fn records(
        &self,
        part: usize,
        walk: &mut Walk<'_>,
        growth: Growth,
        visitor: &mut impl Visitor,
    ) -> anyhow::Result<RecordsEnd> {
        let growing = growth == Growth::Expected;
        let asks_for_fate = visitor.asks_for_fate() && !growing;
        let mut told = walk.position();
        loop {
            if walk.position() - told >= STRIDE {
                self.progress.advance(walk.position() - told);
                told = walk.position();
            }
            let before = growing.then(|| Checkpoint::behind(part, walk));
            let step = match walk.next_step() {
                None => return Ok(RecordsEnd::Whole(Checkpoint::behind(part, walk))),
                Some(Err(damage)) => {
                    return Ok(match before {
                        Some(before) if is_incomplete(&damage) => RecordsEnd::Whole(before),
                        _ => RecordsEnd::Damaged(damage),
                    });
                }
                Some(Ok(step)) => step,
            };
            if let Some(before) = before.filter(|_| is_cut_annotation(&step)) {
                return Ok(RecordsEnd::Whole(before));
            }
            let past = self.selection.is_past(step.record.offset);
            let (membership, opened) = (step.place.membership, step.place.membership == Membership::Opens);
            let wanted = !past && self.selection.takes(&step.record, &step.place);
            let flow = if wanted { visitor.record(&step)? } else { visitor.pass(&step)? };
            if flow.is_break() {
                return Ok(RecordsEnd::Stopped);
            }
            // Where the place behind --to is reached, a transaction may still have to be completed.
            if past && matches!(membership, Membership::Outside | Membership::Closes) {
                return Ok(RecordsEnd::Stopped);
            }
            if opened && asks_for_fate {
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
pub fn is_incomplete(damage: &Damage) -> bool {
    matches!(damage.kind, DamageKind::Truncated { .. })
}

/// Whether the record is an annotation whose end is still to be written.
pub fn is_cut_annotation(step: &Step<'_, '_>) -> bool {
    matches!(step.record.content, Content::Annotation(_)) && !step.raw.ends_with(b"\n")
}
