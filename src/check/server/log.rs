//! All parts of a log, as a server loads them.

use super::part::{PartEnd, PartOutcome, note};
use super::verdict::{Note, NoteKind, Outcome, Place, Reason, Verdict};
use crate::server::Server;

/// How the parts belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One file, old style. Redis 7.0 and later, and Valkey, take it over as a base when they start.
    SingleFile,
    /// A manifest names the parts.
    Manifest,
}

/// What is known of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartFacts {
    /// The file is not there.
    Missing,
    /// It has no bytes.
    Empty,
    /// It has bytes.
    Read {
        /// What the server makes of the RDB that the file starts with, if it does (see
        /// [`taken_for_rdb`](crate::rdb::taken_for_rdb)).
        rdb: Option<RdbOutcome>,
        /// What it makes of the RESP; ignored unless `rdb` is `None` or whole.
        resp: Option<PartOutcome>,
    },
}

impl PartFacts {
    /// Whether the server loads the part to its end.
    pub(crate) fn are_loaded_whole(&self) -> bool {
        matches!(self, Self::Read { resp: Some(PartOutcome { end: PartEnd::Whole, .. }), .. })
    }
}

/// What a server makes of an RDB base or preamble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RdbOutcome {
    /// It loads; RESP may follow from here on.
    Whole {
        /// The offset after its end.
        end: u64,
    },
    /// It is damaged, or ends too early: no server cuts an RDB.
    Damaged {
        /// Where.
        offset: u64,
    },
    /// The server does not know its version.
    UnsupportedVersion(u32),
    /// The server does not know a type or an opcode in it, or lacks the module for a value.
    UnsupportedContent {
        /// Where.
        offset: u64,
    },
}

/// What `server` makes of a log, its parts given in the order in which they are loaded: the base, then every incr.
pub fn load(layout: Layout, parts: &[PartFacts], server: Server) -> Verdict {
    let mut notes = Vec::new();
    let outcome = if layout == Layout::Manifest && !server.loads_manifests() {
        Outcome::Ignores
    } else if let Some(part) = parts.iter().position(|part| *part == PartFacts::Missing) {
        // The sizes of all parts are asked for before any is loaded.
        Outcome::Refuses { part, place: None, reason: Reason::MissingPart }
    } else {
        load_parts(parts, &mut notes)
    };
    Verdict { server, outcome, notes }
}

fn load_parts(parts: &[PartFacts], notes: &mut Vec<Note>) -> Outcome {
    let mut outcome = Outcome::Loads;
    for (index, part) in parts.iter().enumerate() {
        let PartFacts::Read { rdb, resp } = part else { continue };
        let refuses = |reason| Outcome::Refuses { part: index, place: None, reason };
        let preamble = match *rdb {
            None => 0,
            Some(RdbOutcome::Whole { end }) => end,
            Some(RdbOutcome::Damaged { offset }) => return refuses(Reason::RdbDamage { offset }),
            Some(RdbOutcome::UnsupportedVersion(version)) => {
                return refuses(Reason::RdbUnsupported { version: Some(version) });
            }
            Some(RdbOutcome::UnsupportedContent { .. }) => return refuses(Reason::RdbUnsupported { version: None }),
        };
        let Some(resp) = resp else { continue };
        notes.extend(resp.notes.iter().map(|note| Note { part: index, ..*note }));
        outcome = match &resp.end {
            PartEnd::Whole => continue,
            PartEnd::Short(cut) => {
                let mut add = |kind, place: Place| note(notes, kind, index, place);
                if let Some(multi) = cut.leaves_open {
                    add(NoteKind::LeavesTransactionOpen, multi);
                }
                if cut.at < preamble {
                    add(NoteKind::CutsPreamble, cut.place);
                }
                if index + 1 == parts.len() {
                    Outcome::LoadsAndCuts { part: index, cut: *cut }
                } else {
                    add(NoteKind::CutsEarlierPart, cut.place);
                    let place = Some(cut.place);
                    Outcome::Refuses { part: index, place, reason: Reason::CutBeforeTheLast(*cut) }
                }
            }
            PartEnd::Refused(place, reason) => {
                Outcome::Refuses { part: index, place: Some(*place), reason: reason.clone() }
            }
            PartEnd::Crashed(place, cause) => Outcome::Crashes { part: index, place: *place, cause: *cause },
            PartEnd::Stopped(place, stop) => Outcome::Stops { part: index, place: *place, stop: *stop },
        };
        break;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::server::{Resume, load_resp};

    const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

    fn part(bytes: &[u8], server: Server) -> PartFacts {
        PartFacts::Read { rdb: None, resp: Some(load_resp(bytes, Resume::default(), server)) }
    }

    #[test]
    fn only_the_last_part_may_end_early() {
        let server = Server::Redis80;
        let cut = [PING, b"*1\r\n"].concat();
        let last = load(Layout::Manifest, &[part(PING, server), part(&cut, server)], server);
        assert!(matches!(last.outcome, Outcome::LoadsAndCuts { part: 1, cut } if cut.at == 14));
        let first = load(Layout::Manifest, &[part(&cut, server), PartFacts::Empty], server);
        assert!(matches!(first.outcome, Outcome::Refuses { part: 0, reason: Reason::CutBeforeTheLast(_), .. }));
        assert!(first.notes.iter().any(|note| note.kind == NoteKind::CutsEarlierPart));
        for verdict in [last, first] {
            let refused = verdict.outcome.without_cutting();
            assert!(matches!(refused, Outcome::Refuses { reason: Reason::UnexpectedEnd(_), .. }), "{refused:?}");
        }
    }

    #[test]
    fn a_missing_part_is_noticed_before_any_other_is_read() {
        let server = Server::Valkey9;
        let verdict = load(Layout::Manifest, &[part(b"garbage", server), PartFacts::Missing], server);
        assert_eq!(verdict.outcome, Outcome::Refuses { part: 1, place: None, reason: Reason::MissingPart });
    }

    #[test]
    fn a_server_without_manifests_never_looks() {
        let server = Server::Redis62;
        assert_eq!(load(Layout::Manifest, &[part(b"garbage", server)], server).outcome, Outcome::Ignores);
        assert!(matches!(load(Layout::SingleFile, &[part(b"x", server)], server).outcome, Outcome::Refuses { .. }));
    }

    #[test]
    fn an_emptied_preamble_is_noted() {
        let server = Server::Redis70;
        let rdb = Some(RdbOutcome::Whole { end: 9 });
        let resp = Some(load_resp(b"(the RDB)*1\r\n", Resume::after_preamble(9), server));
        let verdict = load(Layout::SingleFile, &[PartFacts::Read { rdb, resp }], server);
        assert!(matches!(verdict.outcome, Outcome::LoadsAndCuts { part: 0, cut } if cut.at == 0));
        assert!(verdict.notes.iter().any(|note| note.kind == NoteKind::CutsPreamble));
    }
}
