//! What records after a gap depend on that may have been in it: transactions and databases.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Cause, EXPLAINED, Gap, Run, Salvage};
use crate::aof::transaction::{Control, Misplaced};
use crate::aof::{Content, Reader};
use crate::check::scan::{Anomaly, Scan};
use crate::command;
use crate::repair::edit::Edit;
use crate::resp;

/// Records that are looked at for keys, where their number is known.
const LOOKED_AT: u64 = 100;
/// Keys that are named where they may be in another database.
const NAMED: usize = 10;
/// Records that are counted there: one thread reads them, and a million of each gap take longer than the scan.
const COUNTED: u64 = 10_000;

/// Records after a gap that may have been for another database than the one that they are taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The database that they are taken for.
    pub database: u32,
    /// How many databases the part is known to select.
    pub databases: usize,
    /// Where the next `SELECT` or gap is, or the end.
    pub until: u64,
    /// How many they are, as far as 10,000.
    pub records: u64,
    /// Whether there are more than were counted.
    pub at_least: bool,
    /// The first of their keys.
    pub keys: Vec<Vec<u8>>,
}

/// The `EXEC` of a run that is its first control command.
pub(super) fn first_lone_exec(bytes: &[u8], scan: &Scan) -> Option<Range<usize>> {
    let mut anomalies = scan.anomalies.iter();
    let (_, seen) = anomalies.find(|(anomaly, _)| **anomaly == Anomaly::Misplaced(Misplaced::LoneExec))?;
    let (start, at) = (usize::try_from(scan.start).ok()?, usize::try_from(seen.offset).ok()?);
    let mut reader = Reader::new(bytes.get(..at)?, start);
    // Those before it are few: a run with complete transactions and an EXEC without one is none that a gap began.
    if scan.transactions.complete() > 0 {
        while let Some(Ok(record)) = reader.next_record() {
            if let Content::Command([name, ..]) = record.content
                && Control::from_name(name).is_some()
            {
                return None;
            }
        }
    }
    Some(at..resp::parse(bytes, at, &mut resp::Head::default()).ok()?)
}

/// Takes out what belongs to a transaction of which a gap has taken a part: half of a transaction is worse than none.
pub(super) fn take_torn_transactions(bytes: &[u8], runs: &[Run], salvage: &mut Salvage) {
    let mut torn: Vec<Range<usize>> = Vec::new();
    // A transaction that was open where a run ended: where it begins, and that end.
    let mut open: Option<Range<usize>> = None;
    for (index, run) in runs.iter().enumerate() {
        if index > 0 {
            if let Some(exec) = &run.lone_exec {
                let start = open.take().map_or(run.start, |open| open.start);
                torn.push(start..exec.end);
            } else if run.has_control {
                torn.extend(open.take());
            }
        }
        if let Some(start) = run.open {
            open = Some(start..run.end);
        }
    }
    let mut torn: Vec<Torn> = torn.into_iter().map(|range| Torn { range, cause: None }).collect();
    if let Some(open) = open {
        // To the end, if nothing came after it.
        let is_last = runs.last().is_some_and(|run| run.end == open.end);
        let end = if is_last { bytes.len().max(open.end) } else { open.end };
        let is_unfinished = is_last && salvage.gaps.last().is_none_or(|gap| gap.edit.range.start < open.start as u64);
        let cause = is_unfinished.then_some(Cause::UnfinishedTransaction { offset: open.start as u64 });
        torn.push(Torn { range: open.start..end, cause });
    }
    take_out(salvage, torn, bytes);
}

/// A transaction that goes.
struct Torn {
    range: Range<usize>,
    cause: Option<Cause>,
}

/// What goes together.
#[derive(Default)]
struct Group {
    range: Range<u64>,
    gaps: Vec<Gap>,
    is_torn: bool,
    causes: Vec<Cause>,
}

impl Group {
    /// Whether what begins at `start` overlaps it, or is beside it and may go with it.
    fn is_met_by(&self, start: u64, goes_with: bool) -> bool {
        // A byte that is put right beside a transaction belongs to a record that stays.
        let only_loses = self.gaps.last().is_none_or(|gap| gap.edit.inserted.is_empty());
        start < self.range.end || start == self.range.end && goes_with && only_loses
    }

    fn into_gaps(self, bytes: &[u8]) -> Vec<Gap> {
        if !self.is_torn {
            return self.gaps;
        }
        let Self { range, gaps, causes, .. } = self;
        let mut all = Gap::new(Edit::removing(range.clone()), Vec::new());
        // The whole records in it: those outside its gaps.
        let mut position = range.start;
        for Gap { edit, causes, whole_records, .. } in gaps {
            all.whole_records += records_in(bytes, position..edit.range.start.max(position)) + whole_records;
            position = position.max(edit.range.end);
            all.causes.extend(causes);
        }
        all.whole_records += records_in(bytes, position..range.end.max(position));
        all.causes.extend(causes);
        vec![all]
    }
}

/// Takes out transactions, each together with the gaps in it or beside it.
fn take_out(salvage: &mut Salvage, mut torn: Vec<Torn>, bytes: &[u8]) {
    torn.sort_by_key(|torn| torn.range.start);
    let mut torn = torn.into_iter().peekable();
    let mut gaps = std::mem::take(&mut salvage.gaps).into_iter().peekable();
    let mut group = Group::default();
    let mut finish = |group: Group| {
        let gaps = group.into_gaps(bytes);
        salvage.records = salvage.records.saturating_sub(gaps.iter().map(|gap| gap.whole_records).sum());
        salvage.gaps.extend(gaps);
    };
    loop {
        let next_gap = gaps.peek().map(|gap| gap.edit.range.start);
        let is_gap = next_gap.is_some_and(|gap| torn.peek().is_none_or(|torn| gap < torn.range.start as u64));
        let (gap, torn) = if is_gap { (gaps.next(), None) } else { (None, torn.next()) };
        let (range, goes_with) = match (&gap, &torn) {
            (Some(gap), _) => (gap.edit.range.clone(), group.is_torn && gap.edit.inserted.is_empty()),
            (None, Some(torn)) => (torn.range.start as u64..torn.range.end as u64, true),
            (None, None) => break,
        };
        if !group.is_met_by(range.start, goes_with) {
            finish(std::mem::take(&mut group));
            group.range = range.clone();
        }
        group.range.end = group.range.end.max(range.end);
        group.is_torn |= torn.is_some();
        group.gaps.extend(gap);
        group.causes.extend(torn.and_then(|torn| torn.cause));
    }
    finish(group);
}

fn records_in(bytes: &[u8], range: Range<u64>) -> u64 {
    let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else { return 0 };
    let mut reader = Reader::new(bytes.get(..end).unwrap_or_default(), start);
    while let Some(Ok(_)) = reader.next_record() {}
    reader.records()
}

/// What is known of the databases of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Databases<'d> {
    /// Where databases are selected, and which.
    pub(super) selects: &'d [(usize, u32)],
    /// The same of records that are whole only after an edit.
    pub(super) mended: &'d BTreeMap<usize, u32>,
    /// The database of records after a gap that may have been for any.
    pub(super) assumed: Option<u32>,
}

/// Puts a `SELECT` where a gap took one, and says which records may have been for another database.
///
/// A gap of any length may have: bytes that were cut out have left none.
pub(super) fn restore_databases(
    bytes: &[u8],
    start: usize,
    runs: &[Run],
    Databases { selects, mended, assumed }: Databases<'_>,
    salvage: &mut Salvage,
) {
    if salvage.gaps.is_empty() {
        return;
    }
    let known = selects.iter().map(|(_, database)| *database);
    let databases: BTreeSet<u32> = known.chain(mended.values().copied()).collect();
    let mut selects = selects.iter().copied().peekable();
    let starts: Vec<u64> = salvage.gaps.iter().skip(1).map(|gap| gap.edit.range.start).collect();
    let mut next_gaps = starts.into_iter();
    // What is selected in the part as it will be, and as it was, as far as that is known.
    // Where records come before the first gap, and no SELECT before them, they are of database 0.
    let is_begun = salvage.gaps.first().is_some_and(|gap| gap.edit.range.start > start as u64);
    let (mut kept, mut known) = (0, is_begun.then_some(0));
    let mut position = start as u64;
    for (index, Gap { edit, causes, doubt: in_doubt, .. }) in salvage.gaps.iter_mut().enumerate() {
        let next_gap = next_gaps.next().unwrap_or(bytes.len() as u64);
        while let Some((_, database)) = selects.next_if(|(at, _)| (*at as u64) < edit.range.start) {
            (kept, known) = (database, Some(database));
        }
        let before = position..edit.range.end;
        if let Some((_, database)) = mended.iter().rfind(|(at, _)| before.contains(&(**at as u64))) {
            (kept, known) = (*database, Some(*database));
        }
        position = edit.range.end;
        let is_repeated = matches!(causes.as_slice(), [Cause::Repeated { .. }]);
        while let Some((_, database)) = selects.next_if(|(at, _)| (*at as u64) < edit.range.end) {
            // The same databases were selected before.
            if !is_repeated {
                known = Some(database);
            }
        }
        let until = selects.peek().map_or(bytes.len() as u64, |(at, _)| *at as u64);
        let is_lossless = is_repeated || !edit.inserted.is_empty();
        if is_lossless || until <= edit.range.end {
            continue;
        }
        let only = databases.first().copied().filter(|_| databases.len() == 1);
        let database = assumed.or(known).or(only).unwrap_or(kept);
        if database != kept {
            resp::write_command(&mut edit.inserted, &[b"SELECT", itoa::Buffer::new().format(database).as_bytes()]);
            (kept, known) = (database, Some(database));
        }
        if assumed.is_none() {
            let records = edit.range.end..until.min(next_gap);
            let named = if index < EXPLAINED { NAMED } else { 0 };
            *in_doubt =
                doubt(bytes, records, runs, named).map(|doubt| Doubt { database, databases: databases.len(), ..doubt });
        }
    }
}

/// The records from a gap to the next `SELECT` or gap, of which so many keys are named.
fn doubt(bytes: &[u8], records: Range<u64>, runs: &[Run], named: usize) -> Option<Doubt> {
    let stretch = usize::try_from(records.start).ok()?..usize::try_from(records.end).ok()?;
    let run = runs.binary_search_by_key(&stretch.start, |run| run.start).ok().and_then(|index| runs.get(index));
    let counted = run.filter(|run| run.end == stretch.end).map(|run| run.records);
    let mut reader = Reader::new(bytes.get(..stretch.end)?, stretch.start);
    let mut doubt =
        Doubt { database: 0, databases: 0, until: records.end, records: 0, at_least: false, keys: Vec::new() };
    while let Some(Ok(record)) = reader.next_record() {
        let Content::Command(arguments) = record.content else { continue };
        doubt.records += 1;
        let row = command::resolve(arguments).row();
        let key = row.and_then(|row| row.keys(arguments).next()).and_then(|index| arguments.get(index));
        if let Some(key) = key.filter(|key| doubt.keys.len() < named && !doubt.keys.iter().any(|known| known == *key)) {
            doubt.keys.push(key.to_vec());
        }
        let most = if counted.is_some() { LOOKED_AT } else { COUNTED };
        if doubt.records == most || counted.is_some() && doubt.keys.len() == named {
            doubt.at_least = counted.is_none();
            break;
        }
    }
    doubt.records = counted.unwrap_or(doubt.records);
    (doubt.records > 0).then_some(doubt)
}
