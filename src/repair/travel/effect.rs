//! What commands did that go: the log is replayed.

use super::{Found, Travel};
use crate::repair::survey::{FileSurvey, Survey};
use crate::replay::{self, End, Flush, Options, Place, Replayed, Unknown, Until};

/// How many keys all databases have before and after a command, or its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The keys before it.
    pub keys_before: Result<u64, Untold>,
    /// The keys after it.
    pub keys_after: Result<u64, Untold>,
}

/// Why the keys cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untold {
    /// The effect of a command is unknown.
    UnknownCommand(Vec<u8>),
    /// A value, or the log before the place, is damaged.
    Damaged,
    /// A replay may need more memory than there is; [`effect`] and [`emptied`] do not look at that.
    TooLarge,
}

/// Replays a log up to a command, and past it.
pub fn effect(survey: &Survey, found: &Found, options: Options<'_>) -> Effect {
    let count = |offset| {
        let replayed = replay_to(survey, Place { part: found.part, offset }, options)?;
        Ok(replayed.keyspace.iter().count() as u64)
    };
    Effect { keys_before: count(found.unit.start), keys_after: count(found.unit.end) }
}

/// The `FLUSHALL` and `FLUSHDB` commands that go and emptied something, with what they emptied.
///
/// The log is replayed only where it has such a command in what goes.
///
/// # Errors
/// An [`Untold`] where a replay does not give the data of a server.
pub fn emptied(survey: &Survey, travel: &Travel, options: Options<'_>) -> Result<Vec<Flush>, Untold> {
    let Some(last) = travel.last_flush(survey) else { return Ok(Vec::new()) };
    let replayed = replay_to(survey, Place { part: last.part, offset: u64::MAX }, options)?;
    Ok(replayed.summary.flushes.into_iter().filter(|flush| travel.takes_out(flush.place)).collect())
}

impl Travel {
    /// Whether a `FLUSHALL` or `FLUSHDB` goes.
    pub fn has_flush(&self, survey: &Survey) -> bool {
        self.last_flush(survey).is_some()
    }

    fn last_flush(&self, survey: &Survey) -> Option<Place> {
        let parts = survey.report.parts.iter().enumerate().rev();
        let flushes = parts.flat_map(|(part, report)| {
            let flushes = report.scan.iter().flat_map(|scan| scan.flushes.iter().rev());
            flushes.map(move |flush| Place { part, offset: flush.offset })
        });
        flushes.into_iter().find(|place| self.takes_out(*place))
    }

    /// Whether the record at a place goes.
    fn takes_out(&self, place: Place) -> bool {
        self.removed.iter().any(|stretch| stretch.part == place.part && stretch.range.contains(&place.offset))
    }
}

/// The data of a log that ends at a place.
fn replay_to<'s>(survey: &'s Survey, end: Place, options: Options<'_>) -> Result<Replayed<'s>, Untold> {
    let parts: Vec<&[u8]> = survey.files.iter().take(end.part + 1).map(FileSurvey::bytes).collect();
    let options = Options { unknown: Unknown::Skip, until: Until::Offset(end.offset), ..options };
    let replayed = replay::replay(&parts, options);
    let summary = &replayed.summary;
    if let Some(name) = summary.unknown.keys().next() {
        return Err(Untold::UnknownCommand(name.clone()));
    }
    // What is after the last part's records does not count here.
    let is_cut_short = summary.stopped.part < end.part || matches!(summary.end, End::DamagedRdb(_));
    if summary.damaged.is_some() || is_cut_short {
        return Err(Untold::Damaged);
    }
    Ok(replayed)
}
