//! Takes single records and transactions out of a log.

use std::iter;
use std::ops::{ControlFlow, Range};

use super::read::{Event, part_records, read};
use super::{Stretch, Travel, TravelError};
use crate::aof::transaction::Membership;
use crate::aof::{Content, listing};
use crate::repair::edit::Edit;
use crate::repair::plan::{PartPlan, Plan, outer_obstacle};
use crate::repair::survey::Survey;
use crate::replay::Place;
use crate::resp;
use crate::select::{Step, selected_database};

/// Decides what goes, so that the records at these places are no longer in a log, and everything after them is.
///
/// The place of a `MULTI` or of its `EXEC` takes out the whole transaction; that of a command inside takes out the
/// command alone, and a transaction that has no other command then goes too. Where later records depend on a `SELECT`
/// in such a transaction, another one takes its place.
///
/// # Errors
/// A [`TravelError`] for a place at which no record begins, for a `SELECT` on which later records depend, and for a
/// log that is damaged: everything after the records stays.
pub fn remove(survey: &Survey, places: &[Place]) -> Result<Travel, TravelError> {
    match outer_obstacle(survey) {
        // Whichever part it is, the others are as they were.
        Err(_) if survey.listing.as_ref().is_some_and(|listing| matches!(listing.place, listing::Place::Before(_))) => {
        }
        obstacle => obstacle?,
    }
    let mut wanted: Vec<Place> = places.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    for place in &wanted {
        let part = part_records(survey, place.part)?;
        if place.offset < part.start {
            let (file, offset) = (part.path.to_owned(), place.offset);
            return Err(TravelError::InsideRdb { file, offset, end: part.start });
        }
    }
    let mut search = Search { wanted: &wanted, part: 0, database: 0, open: None, found: Vec::new() };
    let failed = read(survey, |part, event, _| match event {
        Event::Record(step) => match search.take(part, step) {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => ControlFlow::Break(fault),
        },
        Event::End(length) => match search.wanted.first() {
            Some(place) if place.part == part && search.open.is_none() => {
                ControlFlow::Break(Fault::NoRecord { place: *place, record: length..length, name: Vec::new() })
            }
            _ => ControlFlow::Continue(()),
        },
        Event::Damage(_) => ControlFlow::Continue(()),
    })?;
    if let Some(fault) = failed {
        return Err(fault.in_file(survey));
    }
    plan(survey, search.found)
}

fn plan(survey: &Survey, found: Vec<Taken>) -> Result<Travel, TravelError> {
    let mut parts = Vec::with_capacity(survey.files.len());
    let mut removed = Vec::new();
    let mut found = found.into_iter().peekable();
    for (index, (part, file)) in survey.report.parts.iter().zip(&survey.files).enumerate() {
        let identity = crate::repair::plan::records(survey, part, file)?.1;
        let mut edits: Vec<Edit> = Vec::new();
        while let Some(Taken { range, selects, .. }) = found.next_if(|taken| taken.part == index) {
            removed.push(Stretch { selects, ..Stretch::of(index, file, range.clone(), range.start) });
            let mut inserted = Vec::new();
            if let Some(database) = selects {
                resp::write_command(&mut inserted, &[b"SELECT", itoa::Buffer::new().format(database).as_bytes()]);
            }
            match edits.last_mut() {
                Some(last) if last.range.end == range.start => {
                    last.range.end = range.end;
                    last.inserted.extend(inserted);
                }
                _ => edits.push(Edit { range, inserted }),
            }
        }
        parts.push(PartPlan::edited(&part.path, identity, edits));
    }
    Ok(Travel { plan: Plan::of_parts(parts, survey.manifest.as_ref()), removed, end: None })
}

/// Bytes of a part that go.
struct Taken {
    part: usize,
    range: Range<u64>,
    /// The database that has to be selected in their place.
    selects: Option<u64>,
}

/// Why a place cannot be taken out.
enum Fault {
    NoRecord { place: Place, record: Range<u64>, name: Vec<u8> },
    Select { place: Place, selects: u64, instead: u64 },
}

impl Fault {
    fn in_file(self, survey: &Survey) -> TravelError {
        let file = |part: usize| {
            let part = survey.report.parts.get(part);
            part.map_or(&survey.report.path, |part| &part.path).clone()
        };
        match self {
            Self::NoRecord { place, record, name } => {
                TravelError::NotARecord { file: file(place.part), offset: place.offset, record, name }
            }
            Self::Select { place, selects, instead } => {
                TravelError::Select { file: file(place.part), offset: place.offset, selects, instead }
            }
        }
    }
}

/// The transaction that is being read.
struct Transaction {
    start: u64,
    /// The database before it.
    database: u64,
    /// Whether its `MULTI` is to go, and so all of it.
    goes: bool,
    multi_end: u64,
    /// Commands that stay.
    stays: u64,
    taken: Vec<Range<u64>>,
}

/// Finds records by their places.
struct Search<'w> {
    /// The places that were not met yet.
    wanted: &'w [Place],
    part: usize,
    /// The database that is selected.
    database: u64,
    open: Option<Transaction>,
    found: Vec<Taken>,
}

impl Search<'_> {
    /// Whether the record is to go; the places that it holds are met then.
    fn is_wanted(&mut self, step: &Step<'_, '_>) -> Result<bool, Fault> {
        let (mut is_wanted, record) = (false, step.record.offset..step.record.end());
        while let Some((place, rest)) = self.wanted.split_first()
            && place.part == self.part
            && place.offset < record.end
        {
            if place.offset != record.start {
                let name = match step.record.content {
                    Content::Command(arguments) => arguments.first().copied().unwrap_or_default(),
                    Content::Annotation(line) => line,
                };
                return Err(Fault::NoRecord { place: *place, record, name: name.to_vec() });
            }
            is_wanted = true;
            self.wanted = rest;
        }
        Ok(is_wanted)
    }

    fn take(&mut self, part: usize, step: &Step<'_, '_>) -> Result<(), Fault> {
        if part != self.part {
            (self.part, self.database) = (part, 0);
        }
        let is_wanted = self.is_wanted(step)?;
        let record = step.record.offset..step.record.end();
        let before = std::mem::replace(&mut self.database, step.place.database);
        let is_select = matches!(step.record.content, Content::Command(words) if selected_database(words).is_some());
        if is_select && is_wanted && before != step.place.database && self.open.as_ref().is_none_or(|open| !open.goes) {
            let place = Place { part, offset: record.start };
            return Err(Fault::Select { place, selects: step.place.database, instead: before });
        }
        match step.place.membership {
            Membership::Outside if is_wanted => self.found.push(Taken { part, range: record, selects: None }),
            Membership::Outside => {}
            Membership::Opens => {
                self.open = Some(Transaction {
                    start: record.start,
                    database: before,
                    goes: is_wanted,
                    multi_end: record.end,
                    stays: 0,
                    taken: Vec::new(),
                });
            }
            Membership::Inside => {
                if let Some(open) = &mut self.open {
                    if is_wanted {
                        open.taken.push(record);
                    } else if matches!(step.record.content, Content::Command(_)) {
                        open.stays += 1;
                    }
                }
            }
            Membership::Closes => self.close(part, record, is_wanted),
        }
        Ok(())
    }

    /// Takes out what is to go of the transaction that ends with this `EXEC`.
    fn close(&mut self, part: usize, exec: Range<u64>, is_wanted: bool) {
        let Some(open) = self.open.take() else { return };
        let taken = |range| Taken { part, range, selects: None };
        if open.goes || is_wanted {
            let selects = Some(self.database).filter(|database| *database != open.database);
            self.found.push(Taken { selects, ..taken(open.start..exec.end) });
        } else if open.stays == 0 && !open.taken.is_empty() {
            let all = iter::once(open.start..open.multi_end).chain(open.taken).chain([exec]);
            self.found.extend(all.map(taken));
        } else {
            self.found.extend(open.taken.into_iter().map(taken));
        }
    }
}
