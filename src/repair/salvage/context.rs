//! What records after a gap depend on that may have been in it: transactions and databases.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use memchr::memmem;

use super::{Cause, Gap, Run, Salvage};
use crate::aof::transaction::{Control, Misplaced};
use crate::aof::{Content, Reader, database_number};
use crate::check::scan::{Anomaly, Scan};
use crate::command;
use crate::repair::edit::Edit;
use crate::resp;

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
    /// Where the next `SELECT` is, or the end.
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
    if let Some(open) = open {
        // To the end, if nothing came after it.
        let is_last = runs.last().is_some_and(|run| run.end == open.end);
        let end = if is_last { bytes.len().max(open.end) } else { open.end };
        if is_last && salvage.gaps.last().is_none_or(|gap| gap.edit.range.start < open.start as u64) {
            let cause = Cause::UnfinishedTransaction { offset: open.start as u64 };
            add(salvage, open.start..end, bytes, Some(cause));
        } else {
            add(salvage, open.start..end, bytes, None);
        }
    }
    for range in torn {
        add(salvage, range, bytes, None);
    }
}

/// Takes out a stretch, together with the gaps in it or beside it.
fn add(salvage: &mut Salvage, range: Range<usize>, bytes: &[u8], cause: Option<Cause>) {
    let (start, end) = (range.start as u64, range.end as u64);
    let touches = |gap: &Gap| gap.edit.range.start <= end && gap.edit.range.end >= start;
    let (within, mut others): (Vec<Gap>, Vec<Gap>) = std::mem::take(&mut salvage.gaps).into_iter().partition(touches);
    let mut merged = Gap { edit: Edit::removing(start..end), causes: Vec::new(), whole_records: 0, doubt: None };
    // The whole records in it: those of the stretch outside its gaps.
    let mut position = start;
    for Gap { edit, causes, whole_records, .. } in within {
        merged.whole_records += records_in(bytes, position..edit.range.start.max(position)) + whole_records;
        position = position.max(edit.range.end);
        let range = &mut merged.edit.range;
        *range = range.start.min(edit.range.start)..range.end.max(edit.range.end);
        merged.causes.extend(causes);
    }
    merged.whole_records += records_in(bytes, position..end.max(position));
    merged.causes.extend(cause);
    salvage.records = salvage.records.saturating_sub(merged.whole_records);
    others.push(merged);
    others.sort_by_key(|gap| gap.edit.range.start);
    salvage.gaps = others;
}

fn records_in(bytes: &[u8], range: Range<u64>) -> u64 {
    let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else { return 0 };
    let mut reader = Reader::new(bytes.get(..end).unwrap_or_default(), start);
    while let Some(Ok(_)) = reader.next_record() {}
    reader.records()
}

/// The length of the shortest `SELECT`.
const SHORTEST_SELECT: u64 = 23;

/// What a `SELECT` looks like in a log: servers write it themselves, always in this form.
const SELECT: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$";

/// The database that the `SELECT` at a place selects.
fn selected(bytes: &[u8], at: usize) -> Option<u32> {
    let mut arguments: Vec<&[u8]> = Vec::new();
    resp::parse(bytes, at, &mut arguments).ok()?;
    database_number(arguments.get(1)?)
}

/// Every `SELECT` of a part from a place on.
fn selects(bytes: &[u8], start: usize) -> impl Iterator<Item = (usize, u32)> {
    let places = memmem::find_iter(bytes.get(start..).unwrap_or_default(), SELECT).map(move |at| start + at);
    places.filter_map(|at| Some((at, selected(bytes, at)?)))
}

/// Puts a `SELECT` where a gap took one, and says which records may have been for another database.
///
/// `mended` are those that are whole only after an edit.
pub(super) fn restore_databases(
    bytes: &[u8],
    start: usize,
    mended: &BTreeMap<usize, u32>,
    assumed: Option<u32>,
    salvage: &mut Salvage,
) {
    if salvage.gaps.is_empty() {
        return;
    }
    let databases: BTreeSet<u32> = selects(bytes, start).map(|(_, database)| database).collect();
    let databases: BTreeSet<u32> = databases.into_iter().chain(mended.values().copied()).collect();
    let mut selects = selects(bytes, start).peekable();
    // What is selected in the part as it will be, and as it was, as far as that is known.
    // Where records come before the first gap, and no SELECT before them, they are of database 0.
    let is_begun = salvage.gaps.first().is_some_and(|gap| gap.edit.range.start > start as u64);
    let (mut kept, mut known) = (0, is_begun.then_some(0));
    let mut position = start as u64;
    for Gap { edit, causes, doubt: in_doubt, .. } in &mut salvage.gaps {
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
        let has_room = edit.removed() >= SHORTEST_SELECT;
        if has_room && assumed.is_none() {
            *in_doubt = doubt(bytes, edit.range.end, until, database)
                .map(|doubt| Doubt { databases: databases.len(), ..doubt });
        }
    }
}

/// The records from a gap to the next `SELECT`.
fn doubt(bytes: &[u8], from: u64, until: u64, database: u32) -> Option<Doubt> {
    let mut reader = Reader::new(bytes.get(..usize::try_from(until).ok()?)?, usize::try_from(from).ok()?);
    let mut doubt = Doubt { database, databases: 0, until, records: 0, at_least: false, keys: Vec::new() };
    while let Some(Ok(record)) = reader.next_record() {
        let Content::Command(arguments) = record.content else { continue };
        doubt.records += 1;
        let row = command::resolve(arguments).row();
        let key = row.and_then(|row| row.keys(arguments).next()).and_then(|index| arguments.get(index));
        if let Some(key) = key.filter(|key| doubt.keys.len() < NAMED && !doubt.keys.iter().any(|known| known == *key)) {
            doubt.keys.push(key.to_vec());
        }
        if doubt.records == COUNTED {
            doubt.at_least = true;
            break;
        }
    }
    (doubt.records > 0).then_some(doubt)
}
