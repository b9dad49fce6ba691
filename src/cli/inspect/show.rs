//! What becomes of the records that are wanted: shown, or counted.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use super::settings::{Format, Settings};
use crate::aof::log::Part;
use crate::escape::Argument;
use crate::input::Input;
use crate::rdb;
use crate::report::inspect::Printer;
use crate::select::{Checkpoint, News, Step, TransactionOutcome, Visitor, Walk};

/// Counts matches against `--limit` and `--tail`.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    limit: Option<u64>,
    skip: u64,
    matched: u64,
}

impl Tally {
    /// Leaves `skip` matches out, and stops at the one with the number `limit`.
    pub fn new(limit: Option<u64>, skip: u64) -> Self {
        Self { limit, skip, matched: 0 }
    }

    /// How many of so many matches are left.
    pub fn shown_of(&self, matched: u64, tail: Option<u64>) -> u64 {
        let within = self.limit.map_or(matched, |limit| matched.min(limit));
        tail.map_or(within, |tail| within.min(tail))
    }

    /// Takes one more match, and says whether it is to be shown.
    fn take(&mut self) -> bool {
        if self.is_full() {
            return false;
        }
        self.matched += 1;
        self.matched > self.skip
    }

    fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.matched >= limit)
    }
}

/// Prints what is wanted.
pub struct Show<'p> {
    printer: &'p mut dyn Printer,
    tally: Tally,
    settings: &'p Settings,
    parts: &'p [&'p Part],
    path: &'p Path,
}

impl<'p> Show<'p> {
    pub fn new(
        printer: &'p mut dyn Printer,
        tally: Tally,
        settings: &'p Settings,
        parts: &'p [&'p Part],
        path: &'p Path,
    ) -> Self {
        Self { printer, tally, settings, parts, path }
    }

    /// Hands on what is formatted.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        Ok(self.printer.flush()?)
    }

    /// Whether `--limit` is reached.
    pub fn is_full(&self) -> bool {
        self.tally.is_full() && !self.printer.is_incomplete()
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Show<'_> {
    type Error = anyhow::Error;

    fn part(&mut self, index: usize, input: &Input) -> anyhow::Result<()> {
        let Some(part) = self.parts.get(index) else { return Ok(()) };
        let length = input.bytes().len() as u64;
        Ok(self.printer.part(&self.settings.heading(self.path, part, self.parts.len(), length))?)
    }

    fn record(&mut self, step: &Step<'_, '_>) -> anyhow::Result<ControlFlow<()>> {
        if !self.tally.take() {
            return self.pass(step);
        }
        self.printer.record(step)?;
        Ok(self.flow())
    }

    fn pass(&mut self, step: &Step<'_, '_>) -> anyhow::Result<ControlFlow<()>> {
        self.printer.pass(step)?;
        Ok(self.flow())
    }

    fn item(&mut self, offset: u64, length: u64, item: &rdb::Item<'_>) -> anyhow::Result<ControlFlow<()>> {
        if self.tally.take() {
            self.printer.item(offset, length, item)?;
        }
        Ok(self.flow())
    }

    fn asks_for_outcome(&self) -> bool {
        self.settings.format == Format::Resp
    }

    fn outcome(&mut self, outcome: TransactionOutcome) {
        self.printer.transaction(outcome);
    }

    fn is_incomplete(&self) -> bool {
        self.printer.is_incomplete()
    }

    fn news(&mut self, news: &News<'_>) -> anyhow::Result<()> {
        let name = |part: &Part| Argument(part.file_name()).to_string();
        let line = match news {
            News::Begins(part, length) => {
                let parts = if part.sequence.is_some() { 2 } else { 1 };
                return Ok(self.printer.part(&self.settings.heading(self.path, part, parts, *length))?);
            }
            News::Replaced(part) => format!("note: {}: the file was replaced; showing the new file", name(part)),
            News::Truncated(part) => {
                format!("note: {}: the file was truncated; showing it from its start", name(part))
            }
            News::Gone(part) => format!("note: {}: the file is gone; waiting for it to come back", name(part)),
            News::EndsInsideRecord { part, next, offset } => format!(
                "warning: {}: the file ends inside a record, and the log goes on in {} (byte {offset})",
                name(part),
                name(next)
            ),
            News::Missed { after, before } => format!(
                "warning: what was written between incr {after} and incr {before} was rewritten before it could be read"
            ),
        };
        self.flush()?;
        let _ = writeln!(io::stderr(), "{line}");
        Ok(())
    }
}

/// Counts what is wanted, for `--count`.
#[derive(Debug, Default)]
pub struct Count {
    pub matched: u64,
}

impl Visitor for Count {
    type Error = anyhow::Error;

    fn record(&mut self, _step: &Step<'_, '_>) -> anyhow::Result<ControlFlow<()>> {
        self.matched += 1;
        Ok(ControlFlow::Continue(()))
    }

    fn item(&mut self, _offset: u64, _length: u64, _item: &rdb::Item<'_>) -> anyhow::Result<ControlFlow<()>> {
        self.matched += 1;
        Ok(ControlFlow::Continue(()))
    }
}

/// Counts what is wanted, for `--tail`, and notes where to begin so that little is read twice: the last two places with
/// at least `tail` matches between them.
#[derive(Debug)]
pub struct Counted {
    tail: u64,
    tally: Tally,
    older: (Checkpoint, u64),
    newer: (Checkpoint, u64),
}

impl Counted {
    pub fn new(tail: u64, limit: Option<u64>) -> Self {
        let start = (Checkpoint::start(), 0);
        Self { tail, tally: Tally::new(limit, 0), older: start, newer: start }
    }

    /// Where to begin, and how many matches to leave out from there.
    pub fn into_start(self) -> (Checkpoint, Tally) {
        let first = self.tally.matched.saturating_sub(self.tail);
        let (checkpoint, matched) = if self.newer.1 <= first { self.newer } else { self.older };
        // After a limit of none there is nothing; a log that grows has no end to its tail.
        let limit = self.tally.limit.map(|limit| limit.saturating_sub(matched));
        (checkpoint, Tally::new(limit, first - matched))
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.tally.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Counted {
    type Error = anyhow::Error;

    fn record(&mut self, _step: &Step<'_, '_>) -> anyhow::Result<ControlFlow<()>> {
        self.tally.take();
        Ok(self.flow())
    }

    fn pass(&mut self, _step: &Step<'_, '_>) -> anyhow::Result<ControlFlow<()>> {
        Ok(self.flow())
    }

    fn item(&mut self, _offset: u64, _length: u64, _item: &rdb::Item<'_>) -> anyhow::Result<ControlFlow<()>> {
        self.tally.take();
        Ok(self.flow())
    }

    fn between(&mut self, part: usize, walk: &Walk<'_>) {
        if self.tally.matched - self.newer.1 >= self.tail.max(1) {
            self.older = self.newer;
            self.newer = (Checkpoint::after(part, walk), self.tally.matched);
        }
    }
}
