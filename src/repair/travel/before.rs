//! Finds the last command of a kind, and ends the log before it.

use std::ops::{ControlFlow, Range};

use super::read::{Event, read};
use super::{Travel, TravelError, end_at};
use crate::aof::transaction::Membership;
use crate::aof::{Content, timestamp};
use crate::command;
use crate::repair::plan::outer_obstacle;
use crate::repair::survey::Survey;
use crate::replay::Place;
use crate::select;

/// A command that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The index of its part.
    pub part: usize,
    /// Its bytes there.
    pub record: Range<u64>,
    /// The number of the record in the part, from 1.
    pub number: u64,
    /// Its database, time and transaction.
    pub place: select::Place,
    /// The bytes of its transaction, or its own outside of one: what takes effect with it.
    pub unit: Range<u64>,
    /// Whether the rest of the log was read; if not, it may have another such command after damage.
    pub read_whole: bool,
}

impl Found {
    /// Whether it is the last `FLUSHALL` or `FLUSHDB` of the log.
    pub fn is_last_flush(&self, survey: &Survey) -> bool {
        let parts = survey.report.parts.iter().enumerate();
        let mut flushes = parts.flat_map(|(part, report)| {
            report.scan.iter().flat_map(move |scan| scan.flushes.iter().map(move |flush| (part, flush.offset)))
        });
        flushes.next_back() == Some((self.part, self.record.start))
    }
}

/// Finds the last command of a log that begins with these words, and decides what goes, so that the log ends just
/// before it, or before its transaction.
///
/// Keys must be as they are in the log; the command's name and other arguments may differ in letter case.
///
/// # Errors
/// A [`TravelError`] where there is none, or the log cannot end there.
pub fn before(survey: &Survey, words: &[impl AsRef<[u8]>]) -> Result<(Found, Travel), TravelError> {
    outer_obstacle(survey)?;
    let mut found: Option<(Found, Option<i64>)> = None;
    // The last time before the transaction.
    let (mut time, mut time_before) = (None, None);
    let damaged = read(survey, |part, event, transaction| match event {
        Event::Record(step) => {
            let record = step.record.offset..step.record.end();
            if matches!(step.place.membership, Membership::Outside | Membership::Opens) {
                time_before = time;
            }
            match step.record.content {
                Content::Annotation(line) => time = timestamp(line).or(time),
                Content::Command(arguments) if begins_with(arguments, words) => {
                    let unit = transaction.unwrap_or(record.start)..record.end;
                    let (number, place) = (step.record.number, step.place);
                    let this = Found { part, record: record.clone(), number, place, unit, read_whole: true };
                    found = Some((this, time_before));
                }
                Content::Command(_) => {}
            }
            if let Some((found, _)) = &mut found
                && (found.part, Some(found.unit.start)) == (part, transaction)
            {
                found.unit.end = record.end;
            }
            ControlFlow::Continue(())
        }
        Event::Damage(_) => ControlFlow::Break(()),
        Event::End(_) if transaction.is_some() => ControlFlow::Break(()),
        Event::End(_) => ControlFlow::Continue(()),
    });
    let Some((mut found, time)) = found else {
        return Err(match damaged {
            Err(refusal) => refusal.into(),
            Ok(_) => TravelError::NotFound { words: words.iter().map(|word| word.as_ref().to_vec()).collect() },
        });
    };
    found.read_whole = matches!(damaged, Ok(None));
    let travel = end_at(survey, Place { part: found.part, offset: found.unit.start }, time)?;
    Ok((found, travel))
}

/// Whether the arguments of a command begin with words.
fn begins_with(arguments: &[&[u8]], words: &[impl AsRef<[u8]>]) -> bool {
    let alike = |index: usize, word: &[u8]| arguments.get(index).is_some_and(|found| found.eq_ignore_ascii_case(word));
    let all_alike = words.iter().enumerate().all(|(index, word)| alike(index, word.as_ref()));
    let is_key = |index: usize| command::key_indexes(arguments).any(|key| key == index);
    let is_same = |index: usize, word: &[u8]| arguments.get(index).is_some_and(|found| *found == word);
    !words.is_empty()
        && all_alike
        && words.iter().enumerate().skip(1).all(|(index, word)| is_same(index, word.as_ref()) || !is_key(index))
}
