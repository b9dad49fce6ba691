//! The records of a log, part by part, up to where a visitor has seen enough.

use std::ops::ControlFlow;
use std::path::Path;

use crate::aof::transaction::Membership;
use crate::repair::plan::{Obstacle, Refusal, damage, records};
use crate::repair::survey::Survey;
use crate::select::{Step, StreamState, Walk};

/// What comes next in a part.
pub(super) enum Event<'r, 'a> {
    /// A record.
    Record(&'r Step<'r, 'a>),
    /// The end of the part, at this offset.
    End(u64),
    /// No whole record begins at this offset.
    Damage(u64),
}

/// A part whose records can be read.
pub(super) struct PartRecords<'s> {
    pub(super) path: &'s Path,
    pub(super) bytes: &'s [u8],
    /// Where the records begin.
    pub(super) start: u64,
}

/// The part with this index.
pub(super) fn part_records(survey: &Survey, index: usize) -> Result<PartRecords<'_>, Refusal> {
    let Some((part, file)) = survey.report.parts.get(index).zip(survey.files.get(index)) else {
        return Err(Refusal::new(Obstacle::NoParts, &survey.report.path));
    };
    let (scan, identity) = records(survey, part, file)?;
    let length = usize::try_from(identity.length).unwrap_or(usize::MAX);
    let bytes = file.bytes();
    Ok(PartRecords { path: &part.path, bytes: bytes.get(..length).unwrap_or(bytes), start: scan.start })
}

/// Reads the records of all parts. The visitor gets the index of the part, what comes next, and the offset of the
/// `MULTI` of the transaction that it is in.
///
/// # Errors
/// A [`Refusal`] for a part that cannot be read, and for damage at which the visitor does not stop.
pub(super) fn read<T>(
    survey: &Survey,
    mut visit: impl FnMut(usize, Event<'_, '_>, Option<u64>) -> ControlFlow<T>,
) -> Result<Option<T>, Refusal> {
    let mut state = StreamState::default();
    for index in 0..survey.report.parts.len() {
        let part = part_records(survey, index)?;
        let mut walk = Walk::part(part.bytes, usize::try_from(part.start).unwrap_or(usize::MAX), state);
        let mut transaction = None;
        let mut is_damaged = false;
        while let Some(step) = walk.next_step() {
            let event = match &step {
                Ok(step) => {
                    match step.place.membership {
                        Membership::Opens => transaction = Some(step.record.offset),
                        Membership::Outside => transaction = None,
                        Membership::Inside | Membership::Closes => {}
                    }
                    Event::Record(step)
                }
                Err(damage) => Event::Damage(damage.record_offset),
            };
            is_damaged = step.is_err();
            if let ControlFlow::Break(found) = visit(index, event, transaction) {
                return Ok(Some(found));
            }
            if is_damaged {
                break;
            }
            if matches!(&step, Ok(step) if step.place.membership == Membership::Closes) {
                transaction = None;
            }
        }
        if !is_damaged && let ControlFlow::Break(found) = visit(index, Event::End(walk.position()), transaction) {
            return Ok(Some(found));
        }
        if is_damaged || transaction.is_some() {
            return Err(damaged(survey, index));
        }
        state = *walk.state();
    }
    Ok(None)
}

/// The refusal of a part that is damaged.
fn damaged(survey: &Survey, index: usize) -> Refusal {
    let part = survey.report.parts.get(index);
    let refusal = Refusal::new(Obstacle::DamageStays, part.map_or(&survey.report.path, |part| &part.path));
    refusal.with(part.and_then(|part| damage(survey, part)))
}
