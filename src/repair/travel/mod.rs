//! Takes a log back to an earlier time or place, or single commands out of it.
//!
//! [`truncate_to`] ends a log at a [`Point`]: the part with the point is cut, and later parts leave the manifest.
//! [`before`] finds the last command of a kind and ends the log just before it. [`remove`] takes out single records or
//! transactions, and keeps everything after them. Nothing is changed here: each returns a [`Plan`], and what goes with
//! it. [`effect`] and [`emptied`] replay the log to tell what the commands did that go.
//!
//! ```
//! # fn main() -> aofkit::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("appendonly.aof");
//! # std::fs::write(&path, b"*1\r\n$4\r\nPING\r\n*1\r\n$8\r\nFLUSHALL\r\n*1\r\n$4\r\nPING\r\n").unwrap();
//! use aofkit::repair::{self, travel};
//!
//! let log = aofkit::aof::log::Log::open(&path)?;
//! let survey = repair::survey(&log, aofkit::check::Settings::default())?;
//! match travel::before(&survey, &[b"flushall"]) {
//!     Ok((found, travel)) => {
//!         assert_eq!(found.record.start, 14);
//!         assert_eq!(travel.plan.parts[0].cut_at(), Some(14));
//!     }
//!     Err(error) => println!("{}", error.message()),
//! }
//! # Ok(())
//! # }
//! ```

mod before;
mod effect;
mod error;
mod read;
mod remove;
#[cfg(test)]
mod tests;

use std::ops::{ControlFlow, Range};

use super::manifest::begun;
use super::plan::{Obstacle, PartPlan, Plan, Refusal};
use super::removed::Removed;
use super::survey::{FileSurvey, Survey};
use crate::aof::transaction::Membership;
use crate::aof::{Content, timestamp};
use crate::rdb;
use crate::replay::Place;
use read::{Event, part_records, read};

pub use before::{Found, before};
pub use effect::{Effect, Untold, effect, emptied};
pub use error::{Holder, TravelError};
pub use remove::remove;

/// Where a log is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before the first `#TS:` annotation with a later Unix second, as `redis-check-aof --truncate-to-timestamp` cuts.
    Time(i64),
    /// At the boundary of a record.
    Place(Place),
}

/// A plan that takes records out of a log that are whole, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Travel {
    /// The changes.
    pub plan: Plan,
    /// The stretches that go, in the order of the log.
    pub removed: Vec<Stretch>,
    /// Where the log ends then, and the Unix second of the last `#TS:` annotation before that; `None` where only single
    /// records go.
    pub end: Option<(Place, Option<i64>)>,
}

/// Bytes of a part that go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The index of the part.
    pub part: usize,
    /// Which bytes.
    pub range: Range<u64>,
    /// The records in them.
    pub content: Removed,
    /// The database that a `SELECT` in their place selects, as later records depend on one that goes.
    pub selects: Option<u64>,
}

impl Stretch {
    fn of(part: usize, file: &FileSurvey, range: Range<u64>, start: u64) -> Self {
        let end = usize::try_from(range.end).unwrap_or(usize::MAX);
        let bytes = file.bytes();
        let content = Removed::of(bytes.get(..end).unwrap_or(bytes), range.start.max(start));
        Self { part, range, content, selects: None }
    }
}

/// Decides what goes, so that a log ends at a point.
///
/// Damage after the point does not matter; before it, every record must be whole.
///
/// # Errors
/// A [`TravelError`] where the point is no place at which the log can end.
pub fn truncate_to(survey: &Survey, point: Point) -> Result<Travel, TravelError> {
    super::plan::outer_obstacle(survey)?;
    let (end, time) = match point {
        Point::Time(second) => end_by_time(survey, second)?,
        Point::Place(place) => end_by_place(survey, place)?,
    };
    end_at(survey, end, time)
}

/// The plan of a log that ends at a place, which is the boundary of a record outside a transaction.
fn end_at(survey: &Survey, end: Place, time: Option<i64>) -> Result<Travel, TravelError> {
    if end.part == 0 && end.offset == 0 && survey.listing.is_none() {
        return Err(TravelError::NothingLeft);
    }
    let mut parts = Vec::with_capacity(survey.files.len());
    let mut removed = Vec::new();
    for (index, (part, file)) in survey.report.parts.iter().zip(&survey.files).enumerate() {
        let Some(identity) = file.file_identity() else {
            return Err(Refusal::new(Obstacle::MissingPart, &part.path).into());
        };
        let keeps = match index.cmp(&end.part) {
            std::cmp::Ordering::Less => identity.length,
            std::cmp::Ordering::Equal => end.offset.min(identity.length),
            std::cmp::Ordering::Greater => 0,
        };
        if keeps < identity.length || index > end.part {
            let start = part.scan.as_ref().map_or(0, |scan| scan.start);
            removed.push(Stretch::of(index, file, keeps..identity.length, start));
        }
        parts.push(if index > end.part {
            PartPlan::leaving(&part.path, identity)
        } else {
            PartPlan::keep_first(&part.path, identity, keeps)
        });
    }
    let plan = Plan::of_parts(parts, survey.manifest.as_ref());
    Ok(Travel { plan, removed, end: Some((end, time)) })
}

/// Where a log ends that has nothing later than a time, and its last time.
fn end_by_time(survey: &Survey, second: i64) -> Result<(Place, Option<i64>), TravelError> {
    let mut last_time = None;
    let mut end = Place::default();
    let found = read(survey, |part, event, transaction| {
        match event {
            Event::Record(step) => {
                if let Content::Annotation(line) = step.record.content
                    && let Some(time) = timestamp(line)
                {
                    if time > second {
                        let offset = transaction.map_or(step.record.offset, |start| start);
                        return ControlFlow::Break((Place { part, offset }, time));
                    }
                    last_time = Some(time);
                }
            }
            Event::End(length) => end = Place { part, offset: length },
            Event::Damage(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    let Some((place, next)) = found else {
        return if last_time.is_some() { Ok((end, last_time)) } else { Err(TravelError::NoTimes) };
    };
    if let Some(begins) = begins_later(survey, place, second, next) {
        return Err(TravelError::NotThatFarBack { second, begins });
    }
    Ok((place, last_time))
}

/// When the log begins, if nothing would be left of it but a base that is later than the time asked for.
fn begins_later(survey: &Survey, end: Place, second: i64, next: i64) -> Option<i64> {
    let starts = survey.report.parts.iter().map(|part| part.scan.as_ref().map_or(0, |scan| scan.start));
    let keeps_records = survey.report.parts.iter().zip(starts).enumerate().any(|(index, (part, start))| {
        let kept = match index.cmp(&end.part) {
            std::cmp::Ordering::Less => part.size,
            std::cmp::Ordering::Equal => end.offset,
            std::cmp::Ordering::Greater => 0,
        };
        kept > start
    });
    if keeps_records {
        return None;
    }
    let bytes = survey.files.first()?.bytes();
    if rdb::is_rdb(bytes) { begun(bytes).filter(|begun| *begun > second) } else { Some(next) }
}

/// Where a log ends that ends at a place, and its last time.
fn end_by_place(survey: &Survey, at: Place) -> Result<(Place, Option<i64>), TravelError> {
    let (path, start) = part_records(survey, at.part).map(|part| (part.path, part.start))?;
    if at.offset < start {
        return Err(TravelError::InsideRdb { file: path.to_owned(), offset: at.offset, end: start });
    }
    let mut last_time = None;
    // The place is inside this transaction.
    let mut inside: Option<u64> = None;
    let not_a_boundary =
        |holder, nearest| TravelError::NotABoundary { file: path.to_owned(), offset: at.offset, holder, nearest };
    let found = read(survey, |part, event, transaction| {
        let is_there = part == at.part;
        match event {
            Event::Record(step) => {
                let record = step.record.offset..step.record.end();
                if is_there && inside.is_some() && step.place.membership == Membership::Closes {
                    let nearest = transaction.unwrap_or(record.start)..record.end;
                    return ControlFlow::Break(Err(not_a_boundary(Holder::Transaction, nearest)));
                }
                let is_at = record.start == at.offset;
                if is_there && inside.is_none() && (is_at || record.contains(&at.offset)) {
                    match step.place.membership {
                        Membership::Opens | Membership::Outside if is_at => return ControlFlow::Break(Ok(())),
                        Membership::Outside => {
                            return ControlFlow::Break(Err(not_a_boundary(Holder::Record, record)));
                        }
                        Membership::Closes => {
                            let nearest = transaction.unwrap_or(record.start)..record.end;
                            return ControlFlow::Break(Err(not_a_boundary(Holder::Transaction, nearest)));
                        }
                        Membership::Opens | Membership::Inside => inside = transaction,
                    }
                }
                if let Content::Annotation(line) = step.record.content {
                    last_time = timestamp(line).or(last_time);
                }
                ControlFlow::Continue(())
            }
            Event::Damage(place) | Event::End(place) if is_there && transaction.is_none() && place == at.offset => {
                ControlFlow::Break(Ok(()))
            }
            Event::End(_) | Event::Damage(_) if let Some(start) = inside => {
                ControlFlow::Break(Err(not_a_boundary(Holder::Transaction, start..start)))
            }
            Event::End(length) if is_there && transaction.is_none() => {
                ControlFlow::Break(Err(not_a_boundary(Holder::Nothing, length..length)))
            }
            Event::End(_) | Event::Damage(_) => ControlFlow::Continue(()),
        }
    })?;
    found.unwrap_or(Ok(()))?;
    Ok((at, last_time))
}
