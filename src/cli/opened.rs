//! A log of which every part is open, for the subcommands that replay it.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::console::{Console, hinted};
use super::offset::{NamedPart, PartOffset};
use super::replay_arguments::{OnDamage, ReplaySettings};
use super::skip_damage::Skipped;
use super::source;
use crate::aof::is_no_log;
use crate::aof::log::{Layout, Log, Part};
use crate::escape::shell_word;
use crate::input::{Input, is_stdin};
use crate::repair::Edited;
use crate::replay::Place;
use crate::report::file_name::FileName;
use crate::report::salvage::SkippedGap;

/// A log, opened.
pub(super) struct Opened {
    pub(super) log: Log,
    pub(super) inputs: Vec<Input>,
    /// What is skipped of the parts; nothing unless that was asked for.
    pub(super) skipped: Skipped,
}

impl Opened {
    /// Opens every part of the log.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let log = source::open_held(path)?;
        if let Some(problem) = log.as_multi_part().and_then(|parts| parts.manifest.problems.first()) {
            let message =
                format!("{}: manifest line {}: {}", FileName(path), problem.line, problem.flaw.server_message());
            return Err(check_says_more(path, message));
        }
        let inputs = source::inputs(&log)?;
        if let Some(defect) = inputs.iter().find_map(Input::defect) {
            bail!("{defect}");
        }
        Ok(Self { log, inputs, skipped: Skipped::default() })
    }

    /// Opens every part of the log, and skips damage if that was asked for.
    pub(super) fn open_to_replay(path: &Path, settings: &ReplaySettings) -> anyhow::Result<Self> {
        let mut opened = Self::open(path)?;
        if settings.damage == OnDamage::Skip {
            opened.skip_damage();
        }
        Ok(opened)
    }

    /// The index of the part that an offset is in, and the offset there.
    pub(super) fn place_of(&self, offset: &PartOffset) -> anyhow::Result<(usize, u64)> {
        let parts = self.log.parts.iter().zip(&self.inputs);
        let parts: Vec<NamedPart<'_>> =
            parts.map(|(part, input)| NamedPart { name: &part.name, path: &part.path, bytes: input.bytes() }).collect();
        offset.resolve("--at-offset", &self.log.path, &parts)
    }

    /// Whether it is a file that was probably given by mistake.
    pub(super) fn is_no_log(&self) -> bool {
        matches!(self.log.layout, Layout::Single) && self.inputs.iter().any(|input| is_no_log(input.bytes()))
    }

    pub(super) fn bytes(&self) -> Vec<&[u8]> {
        let edited = |index| self.skipped.edited(index).map(Edited::bytes);
        self.inputs.iter().enumerate().map(|(index, input)| edited(index).unwrap_or(input.bytes())).collect()
    }

    /// Reads the parts without what is damaged in them.
    pub(super) fn skip_damage(&mut self) {
        for (part, input) in self.log.parts.iter().zip(&self.inputs) {
            self.skipped.add(part, input.bytes());
        }
    }

    /// What was skipped before a place in the files, which is printed.
    pub(super) fn report_skipped(&self, end: Place, console: &mut Console) -> Vec<SkippedGap> {
        let parts: Vec<&Part> = self.log.parts.iter().collect();
        self.skipped.report((end.part, end.offset), &parts, console)
    }

    /// A place in what was read, as one in the files.
    pub(super) fn in_file(&self, place: Place) -> Place {
        let edited = self.skipped.edited(place.part);
        Place { offset: edited.map_or(place.offset, |edited| edited.offset_in_file(place.offset)), ..place }
    }

    pub(super) fn name(&self, place: Place) -> PathBuf {
        self.log.parts.get(place.part).map_or_else(|| self.log.path.clone(), |part| part.path.clone())
    }

    /// The file that a place is in.
    pub(super) fn file(&self, place: Place) -> FileName<PathBuf> {
        FileName(self.name(place))
    }

    /// `byte N of FILE`.
    pub(super) fn place(&self, place: Place) -> String {
        format!("byte {} of {}", place.offset, self.file(place))
    }

    /// An error about a place in the log, whose text stands between the file and the offset.
    pub(super) fn damage(&self, place: Place, text: &dyn std::fmt::Display) -> anyhow::Error {
        let message = format!("{}: {text} (byte {})", self.file(place), place.offset);
        check_says_more(&self.log.path, message)
    }
}

/// An error about a log, with the command that prints all that is wrong with it. Standard input cannot be read again.
fn check_says_more(path: &Path, message: String) -> anyhow::Error {
    if is_stdin(path) {
        return anyhow!(message);
    }
    hinted(message, format!("for details, run: aofkit check {}", shell_word(path)))
}
