//! What a repair needs to know of a log: every part read once, nothing changed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::aof::log::{Log, Role};
use crate::aof::manifest::{self, Kind, Problem};
use crate::aof::scan::{self, Scan};
use crate::aof::transaction::Opening;
use crate::aof::{Damage, DamageKind};
use crate::check::server::{PartEnd, Resume, load_resp, starts_with_rdb};
use crate::input::{Container, Facts, Input};
use crate::rdb;
use crate::{Error, Result, Server};

/// A log as a repair sees it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The path as it was given; `-` for standard input.
    pub path: PathBuf,
    /// The manifest, for a log that has one.
    pub manifest: Option<ManifestSurvey>,
    /// For a single file that a manifest beside it names: its place in that log.
    pub listing: Option<Listing>,
    /// What a server loads, in its order. Nothing is read behind the first part that it would refuse.
    pub parts: Vec<PartSurvey>,
}

/// A manifest and the rules that it breaks.
#[derive(Debug, Clone)]
pub struct ManifestSurvey {
    /// Its path.
    pub path: PathBuf,
    /// What a server refuses it for.
    pub problem: Option<Problem>,
}

/// A manifest that names a file which was given by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The manifest's path.
    pub manifest: PathBuf,
    /// The file's place in the log.
    pub place: Place,
}

/// The place of a part in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The last part: what a server appends to.
    Last,
    /// Another part comes behind it; its name is given.
    Before(PathBuf),
    /// A rewrite replaced it, and no server loads it.
    History,
}

/// One part.
#[derive(Debug, Clone)]
pub struct PartSurvey {
    /// The file.
    pub path: PathBuf,
    /// What it is to its log.
    pub role: Role,
    /// What was found in it.
    pub condition: Condition,
    pub(super) input: Option<Input>,
}

/// What was found in a part.
#[derive(Debug, Clone)]
pub enum Condition {
    /// A server would have given up before it.
    NotReached,
    /// There is no such file, and why.
    Missing(String),
    /// The file is compressed: no server loads it, and a cut needs the bytes as they are.
    Compressed(Container),
    /// Nothing in the file reads as a log.
    NoLog,
    /// The RDB, or the RDB preamble, is damaged or unknown.
    Rdb {
        /// The offset of the offending byte.
        offset: u64,
        /// What is wrong.
        message: String,
    },
    /// The records were read, to the end or to the first damage.
    Records {
        /// What was found.
        scan: Box<Scan>,
        /// How far servers read over the damage, where they do.
        read_over: Option<ReadOver>,
    },
}

/// Damage to the official checkers, but not to a server, which loads the record it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOver {
    /// A server loads the part to its end.
    ToTheEnd,
    /// The part also ends early: a server with `aof-load-truncated yes` cuts it here, and loads what is before.
    UpTo(u64),
}

/// Why a part has to be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A record that is cut or wrong; perhaps inside a transaction, which then goes whole.
    Damage(Damage, Option<Opening>),
    /// The part ends in a transaction that no `EXEC` closes.
    OpenTransaction(Opening),
}

impl Finding {
    /// What the pass over a part found, if it found anything to cut.
    pub fn of(scan: &Scan) -> Option<Self> {
        match (scan.damage, scan.open()) {
            (Some(damage), open) => Some(Self::Damage(damage, open)),
            (None, Some(open)) => Some(Self::OpenTransaction(open)),
            (None, None) => None,
        }
    }

    /// Where to look: the first offending byte, or the `MULTI`.
    pub fn offset(&self) -> u64 {
        match self {
            Self::Damage(damage, _) => damage.offset,
            Self::OpenTransaction(open) => open.offset,
        }
    }

    /// The number of the record that it is in, from 1.
    pub fn record(&self) -> u64 {
        match self {
            Self::Damage(damage, _) => damage.record,
            Self::OpenTransaction(open) => open.record,
        }
    }
}

impl PartSurvey {
    /// The file as it was when it was read; `None` where there was none.
    pub fn facts(&self) -> Option<Facts> {
        self.input.as_ref().map(|input| *input.facts())
    }

    /// The bytes of the file; empty where there is none.
    pub fn bytes(&self) -> &[u8] {
        self.input.as_ref().map_or(&[], Input::bytes)
    }

    /// The pass over the records, if there was one.
    pub fn scan(&self) -> Option<&Scan> {
        match &self.condition {
            Condition::Records { scan, .. } => Some(scan),
            _ => None,
        }
    }

    /// Why the part has to be cut, if it has.
    pub fn finding(&self) -> Option<Finding> {
        self.scan().and_then(Finding::of)
    }
}

/// Reads a log for a repair, with the commands that `server` knows.
///
/// # Errors
/// As [`Log::open`] and [`Input::open`]; damage is none, nor is a part that is missing.
pub fn survey(log: &Log, server: Server, options: scan::Options<'_>) -> Result<Survey> {
    let manifest = log.as_multi_part().map(|multi_part| ManifestSurvey {
        path: multi_part.manifest_path.clone(),
        problem: multi_part.manifest.problem_for(Server::default()).cloned(),
    });
    let is_stdin = log.path == Path::new("-");
    let listing = if manifest.is_none() && !is_stdin { listing(&log.path)? } else { None };
    let mut survey = Survey { path: log.path.clone(), manifest, listing, parts: Vec::new() };
    let refused = survey.manifest.as_ref().is_some_and(|manifest| manifest.problem.is_some());
    if is_stdin || refused || survey.listing.as_ref().is_some_and(|listing| listing.place != Place::Last) {
        return Ok(survey);
    }
    for part in &log.parts {
        let (input, condition) = match part.missing() {
            Some(error) => (None, Condition::Missing(error.to_string())),
            None => {
                let input = part.open()?;
                let condition = read(&input, part.role, server, options);
                (Some(input), condition)
            }
        };
        let part = PartSurvey { path: part.path.clone(), role: part.role, condition, input };
        let stop = part.scan().is_none_or(|scan| Finding::of(scan).is_some());
        survey.parts.push(part);
        if stop {
            break;
        }
    }
    // A part that was not reached is behind: the planner must know that the damage is not at the end.
    for part in log.parts.iter().skip(survey.parts.len()).take(1) {
        let (path, condition) = (part.path.clone(), Condition::NotReached);
        survey.parts.push(PartSurvey { path, role: part.role, condition, input: None });
    }
    Ok(survey)
}

fn read(input: &Input, role: Role, server: Server, options: scan::Options<'_>) -> Condition {
    let bytes = input.bytes();
    let container = if role == Role::Single { input.container() } else { Container::of(bytes) };
    if container != Container::Plain {
        return Condition::Compressed(container);
    }
    let start = match rdb_end(bytes, server) {
        Ok(start) => start,
        Err(damage) => return Condition::Rdb { offset: damage.offset, message: damage.to_string() },
    };
    let scan = scan::scan(bytes, start, server, options);
    if role == Role::Single && start == 0 && reads_as_nothing(bytes, &scan) {
        return Condition::NoLog;
    }
    Condition::Records { read_over: read_over(bytes, &scan, server), scan: Box::new(scan) }
}

/// The end of the RDB that a part begins with, 0 if there is none; or what no server, or not this one, loads of it.
fn rdb_end(bytes: &[u8], server: Server) -> std::result::Result<usize, rdb::Damage> {
    if !rdb::is_rdb(bytes) && !starts_with_rdb(bytes, server) {
        return Ok(0);
    }
    let mut walker = rdb::Walker::new(bytes, 0);
    for item in &mut walker {
        let item = item?;
        if let Some(flaw) = item.flaws().iter().find(|flaw| flaw.servers.contains(server)) {
            return Err(flaw.damage.clone());
        }
    }
    Ok(usize::try_from(walker.position()).unwrap_or(bytes.len()))
}

/// Whether a file has nothing of a log in it: cutting it would empty a file that was given by mistake.
fn reads_as_nothing(bytes: &[u8], scan: &Scan) -> bool {
    const HEAD: usize = 64 << 10;
    let stopped_at_once = scan.records == scan.annotations
        && matches!(scan.damage, Some(Damage { kind: DamageKind::NoRecord { found }, .. }) if found != 0);
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    stopped_at_once
        && !bytes.starts_with(b"#TS:")
        && !head.windows(4).any(|line| matches!(line, [b'\r', b'\n', b'$' | b'*', b'0'..=b'9']))
}

/// How far servers read over the damage, where its record is none that they give up at.
fn read_over(bytes: &[u8], scan: &Scan, server: Server) -> Option<ReadOver> {
    if matches!(scan.damage?.kind, DamageKind::Truncated { .. } | DamageKind::NoRecord { .. }) {
        return None;
    }
    let valid = scan.valid_up_to();
    // The transaction that the damage is in is read again from its start.
    match load_resp(bytes, Resume::behind_preamble(valid), server).end {
        PartEnd::Whole => Some(ReadOver::ToTheEnd),
        PartEnd::Short(cut) => {
            // Not where this server cuts, which may leave a transaction open, but where the cut leaves none.
            let at = cut.leaves_open.unwrap_or(cut.place).offset;
            (at > valid).then_some(ReadOver::UpTo(at))
        }
        PartEnd::Refused(..) | PartEnd::Crashed(..) | PartEnd::Stopped(..) => None,
    }
}

/// The place of a file in the log of a manifest in the same directory, if one names it.
fn listing(path: &Path) -> Result<Option<Listing>> {
    let path = fs::canonicalize(path).map_err(|source| Error::io(path, "find", source))?;
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    // A directory that may be entered but not listed hides its manifest; the file can still be read.
    let Ok(entries) = fs::read_dir(directory) else { return Ok(None) };
    let mut manifests: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension() == Some(OsStr::new("manifest")) && file.is_file())
        .collect();
    manifests.sort_unstable();
    Ok(manifests.into_iter().find_map(|manifest| {
        let place = place(&manifest, name)?;
        Some(Listing { manifest, place })
    }))
}

fn place(manifest: &Path, name: &OsStr) -> Option<Place> {
    let input = Input::open_as_is(manifest).ok()?;
    let manifest = manifest::parse(input.bytes());
    let is_it = |entry: &&manifest::Entry| entry.name == name.as_encoded_bytes();
    let kind = manifest.entries.iter().find(is_it)?.kind;
    if kind == Kind::History {
        return Some(Place::History);
    }
    let last = manifest.of_kind(Kind::Base).chain(manifest.of_kind(Kind::Incr)).last()?;
    Some(if is_it(&last) {
        Place::Last
    } else {
        Place::Before(String::from_utf8_lossy(&last.name).into_owned().into())
    })
}
