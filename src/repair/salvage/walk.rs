//! What the records of a run tell: those that have taken others for their own, as their own end is missing and by
//! chance they end where another argument does, and which databases are selected.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::windows::{self, Window};
use crate::aof::{database_number, resync};
use crate::check::scan;
use crate::resp;

/// What the records of a run tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    start: usize,
    /// Where the first record begins that was not read.
    end: usize,
    /// The first record that has taken others for its own, up to the first of them: the walk ends there.
    pub(super) merged: Option<Range<usize>>,
    /// Where databases are selected, and which.
    pub(super) selects: Vec<(usize, u32)>,
}

/// Whether records are looked for that have taken others for their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    Search,
    Ignore,
}

/// Reads a run of whole records.
pub(super) fn read(bytes: &[u8], run: Range<usize>, inside: Inside, options: scan::Options<'_>) -> Walk {
    let walks = windows::for_each(bytes, run.clone(), options, |window| {
        let start = if window.start == run.start { Some(run.start) } else { guess(window) };
        start.map(|start| walk(window, start, inside))
    });
    let mut all = Walk { start: run.start, end: run.start, ..Walk::default() };
    for (index, guessed) in walks.into_iter().enumerate() {
        let end = run.end.min(run.start + (index + 1) * windows::WINDOW);
        let mut next = match guessed {
            Some(guessed) if guessed.start == all.end => guessed,
            _ if all.end >= end => continue,
            // The guess was a record in a value.
            _ => walk(Window { whole: bytes, near: &[], start: all.end, end }, all.end, inside),
        };
        all.selects.append(&mut next.selects);
        all.end = next.end;
        if next.merged.is_some() {
            all.merged = next.merged;
            break;
        }
    }
    all
}

/// A place in a window where a record seems to begin.
fn guess(window: Window<'_>) -> Option<usize> {
    let places = memmem::find_iter(window.near, b"\r\n*").map(|line| line + 2);
    let mut places = places.take_while(|place| window.start + place < window.end);
    places.find(|place| resync::goes_on(window.near, *place)).map(|place| window.start + place)
}

fn walk(window: Window<'_>, start: usize, inside: Inside) -> Walk {
    let Window { whole, near, .. } = window;
    let mut walk = Walk { start, end: start, ..Walk::default() };
    while walk.end < window.end {
        let record = walk.end;
        let place = record - window.start;
        // What leaves the copy is read in place.
        let in_copy = resync::end_of(near, place).filter(|end| *end < near.len());
        let Some(end) = in_copy.map(|end| end + window.start).or_else(|| resync::end_of(whole, record)) else {
            // A guess that led nowhere.
            break;
        };
        let text = in_copy.map_or_else(|| whole.get(record..end), |end| near.get(place..end)).unwrap_or_default();
        if inside == Inside::Search
            && memchr(b'*', text.get(1..).unwrap_or_default()).is_some()
            && let Some(inside) = resync::record_inside(whole, record)
        {
            walk.merged = Some(record..inside);
            break;
        }
        if text.starts_with(SELECT) {
            walk.selects.extend(selected(text).map(|database| (record, database)));
        }
        walk.end = end;
    }
    walk
}

/// What a `SELECT` looks like in a log: servers write it themselves, always in this form.
const SELECT: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$";

/// The database that a `SELECT` selects.
fn selected(record: &[u8]) -> Option<u32> {
    let mut arguments: Vec<&[u8]> = Vec::new();
    resp::parse(record, 0, &mut arguments).ok()?;
    database_number(arguments.get(1)?)
}
