//! An RDB as the verdicts need it: walked once, then asked about for any server.

use std::collections::BTreeSet;

use super::server::RdbOutcome;
use crate::rdb::{Checksum, Damage, DamageKind, Flaw, Header, Item, Magic, Walker};
use crate::server::Server;

/// So many flaws are kept; what comes on top is only counted.
const FLAWS_LIMIT: usize = 64;
/// Servers have 16 databases unless configured otherwise, and exit when an RDB has more.
const DATABASES: u64 = 16;

/// What a walk over an RDB found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RdbSummary {
    /// The header, if there is one.
    pub header: Option<Header>,
    /// How many keys it holds.
    pub keys: u64,
    /// How many of them have an expiry.
    pub expires: u64,
    /// How many function libraries it holds.
    pub functions: u64,
    /// The databases that keys are in.
    pub databases: BTreeSet<u32>,
    /// The server that wrote it, as it says itself: `redis 8.0.6`, `valkey 9.1.2`.
    pub producer: Option<String>,
    /// What its checksum said.
    pub checksum: Option<Checksum>,
    /// The offset behind its end, if it was walked to its end.
    pub end: Option<u64>,
    /// Why the walk stopped before the end.
    pub damage: Option<Damage>,
    /// What is wrong inside values although their end is known; the first ones.
    pub flaws: Vec<Flaw>,
    /// Where something first is that a server refuses, and which servers do.
    strangers: Vec<(u64, Stranger)>,
}

/// Something that not every server can load.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stranger {
    /// A type or an opcode that came with this RDB version.
    Since(Magic, u32),
    /// A value of a module, or data that a module keeps beside the keys.
    Module(String),
    /// A database that servers do not have by default.
    Database,
}

impl RdbSummary {
    /// Walks the RDB at the start of `bytes`; `progress` is told how many bytes each step took.
    pub fn walk(bytes: &[u8], progress: &dyn Fn(u64)) -> Self {
        let mut walker = Walker::new(bytes, 0);
        let mut summary = Self {
            header: None,
            keys: 0,
            expires: 0,
            functions: 0,
            databases: BTreeSet::new(),
            producer: None,
            checksum: None,
            end: None,
            damage: None,
            flaws: Vec::new(),
            strangers: Vec::new(),
        };
        let mut reported = 0;
        while let Some(item) = walker.next() {
            match item {
                Ok(item) => summary.add(&item, walker.item_offset(), walker.position()),
                Err(damage) => summary.damage = Some(damage),
            }
            // Not for each of millions of small entries.
            if walker.position() - reported > 1 << 22 {
                progress(walker.position() - reported);
                reported = walker.position();
            }
        }
        progress(walker.position() - reported);
        summary.header = walker.header();
        summary
    }

    fn add(&mut self, item: &Item<'_>, offset: u64, end: u64) {
        let room = FLAWS_LIMIT.saturating_sub(self.flaws.len());
        self.flaws.extend(item.flaws().iter().take(room).cloned());
        match item {
            Item::Header(header) => self.header = Some(*header),
            Item::Aux { key, value } => self.aux(key, value),
            Item::SelectDatabase(number) => {
                if *number >= DATABASES {
                    self.stranger(offset, Stranger::Database);
                }
            }
            Item::ResizeDatabase { .. } => {}
            Item::SlotInfo { .. } => self.stranger(offset, Stranger::Since(Magic::Redis, 12)),
            Item::SlotImport { .. } => self.stranger(offset, Stranger::Since(Magic::Valkey, 80)),
            Item::Function { .. } => {
                self.functions += 1;
                self.stranger(offset, Stranger::Since(Magic::Redis, 10));
            }
            Item::ModuleAux { module, .. } => self.stranger(offset, Stranger::Module(module.name())),
            Item::Entry(entry) => {
                self.keys += 1;
                self.expires += u64::from(entry.expiry.is_some());
                self.databases.insert(u32::try_from(entry.database).unwrap_or(u32::MAX));
                if let Some(module) = &entry.module {
                    self.stranger(entry.offset, Stranger::Module(module.name()));
                }
                let magic = entry.kind.magic.unwrap_or(Magic::Redis);
                if entry.metadata.is_some() {
                    self.stranger(entry.offset, Stranger::Since(Magic::Redis, 13));
                } else if entry.kind.since > 9 {
                    self.stranger(entry.offset, Stranger::Since(magic, entry.kind.since));
                }
            }
            Item::End { checksum } => {
                self.checksum = Some(*checksum);
                self.end = Some(end);
            }
        }
    }

    fn aux(&mut self, key: &[u8], value: &[u8]) {
        let name = match key {
            b"redis-ver" => "redis",
            b"valkey-ver" => "valkey",
            _ => return,
        };
        self.producer = Some(format!("{name} {}", value.escape_ascii()));
    }

    fn stranger(&mut self, offset: u64, stranger: Stranger) {
        if self.strangers.len() < FLAWS_LIMIT && !self.strangers.iter().any(|(_, known)| *known == stranger) {
            self.strangers.push((offset, stranger));
        }
    }

    /// What `server` makes of it when it loads.
    pub fn outcome(&self, server: Server) -> RdbOutcome {
        if let Some(header) = self.header.filter(|header| !knows_version(server, *header)) {
            return RdbOutcome::UnsupportedVersion(header.version);
        }
        let refused = |flaw: &&Flaw| flaw.servers.contains(server);
        if let Some(flaw) = self.flaws.iter().find(refused) {
            return RdbOutcome::Damaged { offset: flaw.damage.offset };
        }
        if let Some((offset, _)) = self.strangers.iter().find(|(_, stranger)| !stranger.loads_in(server)) {
            return RdbOutcome::UnsupportedContent { offset: *offset };
        }
        match (&self.damage, self.end) {
            (None, Some(end)) => RdbOutcome::Whole { end },
            (Some(damage), _) if damage.kind.is_unknown() => RdbOutcome::UnsupportedContent { offset: damage.offset },
            (Some(damage), _) => RdbOutcome::Damaged { offset: damage.offset },
            (None, None) => RdbOutcome::Damaged { offset: 0 },
        }
    }

    /// Whether the checker of `server` calls it sane. It does not need modules to skip their values, and Valkey's 9 reads
    /// foreign versions (those of Redis from 12 on) as long as there is nothing new in them.
    pub fn sane_to_checker(&self, server: Server) -> bool {
        let foreign = |header: Header| {
            server == Server::Valkey9 && header.magic == Magic::Redis && (12..80).contains(&header.version)
        };
        self.damage.is_none()
            && self.header.is_some_and(|header| knows_version(server, header) || foreign(header))
            && !self.flaws.iter().any(|flaw| flaw.checkers.contains(server))
            && self.strangers.iter().all(|(_, stranger)| match stranger {
                Stranger::Since(..) => stranger.loads_in(server),
                Stranger::Module(_) | Stranger::Database => true,
            })
    }

    /// Whether the damage is only that the checksum does not fit.
    pub fn only_checksum(&self) -> bool {
        matches!(&self.damage, Some(Damage { kind: DamageKind::Checksum { .. }, .. }))
    }
}

impl Stranger {
    fn loads_in(&self, server: Server) -> bool {
        match self {
            Self::Since(magic, version) => knows_version(server, Header { magic: *magic, version: *version }),
            // Vector sets are a module that Redis 8 brings along.
            Self::Module(name) => name == "vectorset" && server == Server::Redis80,
            Self::Database => false,
        }
    }
}

/// Whether `server` loads RDBs of this magic and version.
///
/// Redis and Valkey up to 8 take any version up to their own. Valkey 9 takes its own, and those of Redis up to 11: later ones
/// it calls foreign.
pub const fn knows_version(server: Server, header: Header) -> bool {
    let newest = match server {
        Server::Redis62 => 9,
        Server::Redis70 => 10,
        Server::Redis80 => 12,
        Server::Valkey8 | Server::Valkey9 => 11,
    };
    match header.magic {
        Magic::Redis => header.version >= 1 && header.version <= newest,
        Magic::Valkey => matches!(server, Server::Valkey9) && header.version == 80,
    }
}
