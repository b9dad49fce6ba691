//! What `aofkit inspect` is to do, once the arguments are understood, and what it cannot do.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;

use crate::aof::log::{Log, Part, Role};
use crate::cli::console::hinted;
use crate::cli::{offset, source, time};
use crate::escape::Argument;
use crate::input::Container;
use crate::rdb;
use crate::report::file_name::FileName;
use crate::report::inspect::{Announced, Heading, Json, Lengths, Payloads, Pipeline, Printer, Resp, Text};
use crate::report::number::counted;
use crate::report::style::Style;
use crate::select::{RdbItems, Selection, StreamState, Walk};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Text,
    /// JSON Lines: one object per line
    Json,
    /// A log again, for redis-cli --pipe
    Resp,
}

/// What is to be done.
pub struct Settings {
    /// The logs, in their order.
    pub paths: Vec<PathBuf>,
    /// How records are written.
    pub format: Format,
    /// How much of what is long is shown, in text.
    pub lengths: Lengths,
    /// Whether the payloads of RESTORE are decoded.
    pub payloads: Payloads,
    pub selection: Selection,
    /// The names of the parts to read; all if there are none.
    pub parts: Vec<Vec<u8>>,
    pub rdb: RdbItems,
    /// Whether what is damaged is left out.
    pub skip_damage: bool,
    pub limit: Option<u64>,
    pub tail: Option<u64>,
    pub purpose: Purpose,
}

/// What becomes of the records that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Show,
    Count,
    Follow,
}

impl Settings {
    /// How many bytes there are on the way.
    pub fn bytes_to_read(&self, parts: &[&Part]) -> u64 {
        let length = |part: &&Part| part.open().map_or(0, |input| input.bytes().len() as u64);
        let once: u64 = parts.iter().map(length).sum();
        if self.tail.is_some() && self.purpose == Purpose::Show { once.saturating_mul(2) } else { once }
    }

    pub fn printer<'w>(&self, out: &'w mut dyn Write, style: Style) -> Box<dyn Printer + 'w> {
        match self.format {
            Format::Text => Box::new(Text::new(out, style, self.lengths, self.payloads)),
            Format::Json if source::cores().get() > 1 => Box::new(Pipeline::new(out, self.payloads)),
            Format::Json => Box::new(Json::new(out, self.payloads)),
            Format::Resp => Box::new(Resp::new(out)),
        }
    }

    /// How a part is announced.
    pub fn heading<'p>(&self, path: &'p Path, part: &'p Part, parts: usize, length: u64) -> Heading<'p> {
        let several = self.paths.len() > 1;
        Heading {
            log: several.then(|| path.as_os_str().as_bytes()),
            name: part.file_name(),
            role: (part.role != Role::Single).then(|| part.role.name()),
            length,
            announced: if several || parts > 1 { Announced::Yes } else { Announced::No },
        }
    }

    /// Says no before anything is written.
    pub fn refuse_what_cannot_be(&self, path: &Path, parts: &[&Part]) -> anyhow::Result<()> {
        if parts.len() > 1 && (self.selection.from.is_some() || self.selection.to.is_some()) {
            let names: Vec<_> = parts.iter().map(|part| Argument(part.file_name()).to_string()).collect();
            return Err(hinted(
                format!(
                    "{}: --from and --to are offsets in one file, and this log has {} parts",
                    FileName(path),
                    parts.len()
                ),
                format!("choose one with --part: {}", names.join(", ")),
            ));
        }
        self.refuse_offsets_beyond_the_end(parts)?;
        self.refuse_log_without_times(path, parts)?;
        if let ([part], Purpose::Follow) = (parts, self.purpose)
            && part.open()?.container() != Container::Plain
        {
            bail!("{}: a compressed file cannot be followed", FileName(path));
        }
        if self.format != Format::Resp || self.rdb == RdbItems::Skipped || self.purpose == Purpose::Count {
            return Ok(());
        }
        for part in parts {
            let input = part.open()?;
            if rdb::is_rdb(input.bytes()) && !self.selection.excludes_rdb(source::rdb_end(input.bytes())) {
                return Err(hinted(
                    format!(
                        "{}: begins with an RDB, whose entries --format resp cannot write as commands",
                        FileName(&part.path)
                    ),
                    "--skip-rdb writes the commands after it alone, and --format json shows the entries".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// `--from` beyond the end would mean nothing, and `--to` everything.
    fn refuse_offsets_beyond_the_end(&self, parts: &[&Part]) -> anyhow::Result<()> {
        let ([part], true) = (parts, self.purpose != Purpose::Follow) else { return Ok(()) };
        for (option, offset) in [("--from", self.selection.from), ("--to", self.selection.to)] {
            let Some(at) = offset else { continue };
            let length = part.open()?.bytes().len() as u64;
            if at > length {
                let length = counted(length, "byte");
                let path = &part.path;
                return Err(hinted(
                    format!("{}: {option} {at} is beyond the end of the file, which has {length}", FileName(path)),
                    offset::how_to_find(path),
                ));
            }
        }
        Ok(())
    }

    /// `--since` would mean nothing of a log without times, and `--until` all of it. One that is followed may get some.
    fn refuse_log_without_times(&self, path: &Path, parts: &[&Part]) -> anyhow::Result<()> {
        let option = match (self.selection.since, self.selection.until) {
            (Some(_), _) => "--since",
            (None, Some(_)) => "--until",
            (None, None) => return Ok(()),
        };
        if self.purpose == Purpose::Follow {
            return Ok(());
        }
        let mut records = 0;
        for part in parts {
            let input = part.open()?;
            let bytes = input.bytes();
            let start =
                usize::try_from(if rdb::is_rdb(bytes) { source::rdb_end(bytes) } else { 0 }).unwrap_or(usize::MAX);
            let mut walk = Walk::part(bytes, start, StreamState::default());
            while let Some(step) = walk.next_step() {
                match step {
                    Ok(step) if step.place.time.is_some() => return Ok(()),
                    Ok(_) => records += 1,
                    // What follows the damage is not known; the damage is reported.
                    Err(_) => return Ok(()),
                }
            }
        }
        // Nothing can be misunderstood of a log without records.
        if records == 0 { Ok(()) } else { Err(time::log_without_times(path, option, "--from and --to")) }
    }

    /// The parts to read.
    pub fn parts_of<'l>(&self, log: &'l Log) -> anyhow::Result<Vec<&'l Part>> {
        if self.parts.is_empty() {
            return Ok(log.parts.iter().collect());
        }
        let all = || log.parts.iter().chain(&log.history);
        for name in &self.parts {
            if !all().any(|part| part.file_name() == name) {
                let names: Vec<_> = all().map(|part| Argument(part.file_name()).to_string()).collect();
                let message = format!("{}: no part is named {}", FileName(&log.path), Argument(name));
                return Err(hinted(message, format!("the parts are {}", names.join(", "))));
            }
        }
        Ok(all().filter(|part| self.parts.iter().any(|name| name == part.file_name())).collect())
    }
}
