//! What the checkers say about an RDB preamble: they run the code of `redis-check-rdb` and `valkey-check-rdb` on it.

use std::io::Write;

use super::rdb_reason::{ErrorClass, UNEXPECTED_END, class};
use super::{Line, c_string};
use crate::Server;
use crate::rdb::{
    Checksum, Damage, DamageKind, DataType, Doing, Entry, Family, HEADER_LENGTH, Header, Item, Opcode, TypeRow, Walker,
    knows_opcode, late_opcode, takes_type, type_row,
};
use crate::server::redis;

/// What `char msg[1024]` holds of a message at most; Valkey 9 has more room.
const MESSAGE_LIMIT: usize = 1023;
/// The opcode of functions in release candidates of Redis 7.0.
const FUNCTION_PRE_GA: u8 = 246;

/// What Valkey 9 does not take for its own types and opcodes in an RDB of a newer Redis.
const FOREIGN_UNKNOWN: std::ops::RangeInclusive<u8> = 22..=243;

/// How the check of a preamble ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreambleEnd {
    /// It is sane, and the RESP tail starts at this offset.
    Sound(usize),
    /// It is not, and the tool says so: `RDB preamble of AOF file is not sane, aborting.`
    NotSane,
    /// The tool exits from within the RDB code.
    Exits,
}

/// Prints to `emit` what the checker of `server` prints about the RDB that `bytes`, a whole file, begin with; `path` is
/// the file as it names it, `now` the time in milliseconds of Unix time (it counts expired keys).
///
/// Where the real tool reports a broken value it names a line of its source; that number is 0 here. A Valkey 9 base
/// (`VALKEY080`) is answered as `check-rdb` of the same server answers it, as if `check-aof` knew the magic.
pub fn check_preamble(bytes: &[u8], server: Server, path: &[u8], now: i64, emit: &mut dyn FnMut(Line)) -> PreambleEnd {
    let mut check = Check {
        server,
        now,
        emit,
        doing: Doing::Start,
        key: None,
        type_shown: if server == Server::Valkey9 { TypeShown::None } else { TypeShown::Initial },
        totals: Totals::default(),
        version: 0,
        foreign: false,
    };
    check.info(0, &[b"Checking RDB file ", path]);
    if server == Server::Valkey9 {
        (check.emit)(Line::Log {
            mark: '*',
            text: b"Cleaning slot migration log in anticipation of a load operation.".to_vec(),
        });
    }
    let end = check.walk(bytes);
    let (position, code) = match &end {
        Ok(position) => (*position, 0),
        Err(Failure { position, .. }) => (*position, 1),
    };
    if matches!(end, Err(Failure { exits: true, .. })) {
        (check.emit)(Line::Log { mark: '#', text: b"Terminating server after rdb file reading failure.".to_vec() });
        return PreambleEnd::Exits;
    }
    if server == Server::Valkey9 {
        check.info(position, &[format!("Check RDB returned error code {code} (0 means success)").as_bytes()]);
    }
    if end.is_err() {
        return PreambleEnd::NotSane;
    }
    if check.foreign {
        check.info(position, &[b"\\o/ RDB looks OK, but loading requires config 'rdb-version-check relaxed'"]);
    } else {
        check.info(position, &[b"\\o/ RDB looks OK! \\o/"]);
    }
    check.show_totals();
    PreambleEnd::Sound(usize::try_from(position).unwrap_or(usize::MAX))
}

/// A check that failed, its message printed.
struct Failure {
    position: u64,
    exits: bool,
}

#[derive(Default)]
struct Totals {
    keys: u64,
    expires: u64,
    expired: u64,
    field_expires: u64,
    functions: u64,
    scripts: u64,
}

/// The type that an error message names.
#[derive(Clone, Copy)]
enum TypeShown {
    None,
    /// Before the first key, all but Valkey 9 show the type 0: their variable is not initialised.
    Initial,
    Row(&'static TypeRow),
}

struct Check<'e> {
    server: Server,
    now: i64,
    emit: &'e mut dyn FnMut(Line),
    doing: Doing,
    key: Option<Vec<u8>>,
    type_shown: TypeShown,
    totals: Totals,
    version: u32,
    foreign: bool,
}

impl Check<'_> {
    /// The whole RDB; its end.
    fn walk(&mut self, bytes: &[u8]) -> Result<u64, Failure> {
        if let Some(head) = bytes.first_chunk() {
            self.header(*head)?;
        }
        let mut walker = Walker::new(bytes, 0);
        while let Some(next) = walker.next() {
            let item = match next {
                Ok(item) => item,
                Err(damage) => return Err(self.damage(&damage, bytes, walker.item_offset())),
            };
            let position = walker.position();
            if let Some(number) = self.unknown_opcode(&item) {
                return Err(self.invalid_type(number, walker.item_offset() + 1));
            }
            if let Some(flaw) = item.flaws().iter().find(|flaw| flaw.checkers.contains(self.server)) {
                return Err(self.damage(&flaw.damage, bytes, walker.item_offset()));
            }
            self.item(&item, position)?;
        }
        Ok(walker.position())
    }

    fn header(&mut self, head: [u8; HEADER_LENGTH]) -> Result<(), Failure> {
        const READ: u64 = HEADER_LENGTH as u64;
        let header = Header::parse(head).filter(|header| match (self.server, header.family) {
            // Its signatures are `REDIS0` and `VALKEY`.
            (Server::Valkey9, Family::Redis) => head[5] == b'0',
            (Server::Valkey9, Family::Valkey) => true,
            (_, family) => family == Family::Redis,
        });
        let Some(header) = header else {
            return Err(self.error(READ, b"Wrong signature trying to load DB from file"));
        };
        let Header { family, version, .. } = header;
        let known = match (self.server, family) {
            (Server::Valkey9, Family::Redis) => 1..=79,
            (server, Family::Valkey) => server.valkey_rdb_version().map_or(0..=0, |version| version..=version),
            (server, Family::Redis) => 1..=server.rdb_version(),
        };
        // The rest is unknown to this build.
        if !known.contains(&version) || !header.is_known() {
            return Err(self.error(READ, format!("Can't handle RDB format version {version}").as_bytes()));
        }
        self.version = version;
        self.foreign = self.server == Server::Valkey9 && family == Family::Redis && version > self.server.rdb_version();
        if self.foreign {
            self.info(READ, &[format!("Foreign RDB version {version} detected").as_bytes()]);
        }
        Ok(())
    }

    /// The number of an opcode that the walker knows and the server does not.
    fn unknown_opcode(&self, item: &Item<'_>) -> Option<u8> {
        late_opcode(item).filter(|opcode| !knows_opcode(self.server, *opcode)).map(Opcode::number)
    }

    fn item(&mut self, item: &Item<'_>, position: u64) -> Result<(), Failure> {
        match item {
            Item::Aux { key, value } => {
                self.doing = Doing::ReadAux;
                if self.server == Server::Valkey9 && c_string(key) == b"lua" {
                    self.totals.scripts += 1;
                }
                self.info(position, &[b"AUX FIELD ", c_string(key), b" = '", c_string(value), b"'"]);
            }
            Item::SelectDatabase(database) => {
                self.doing = Doing::ReadLength;
                self.info(position, &[format!("Selecting DB ID {database}").as_bytes()]);
            }
            Item::ModuleAux { module, data, .. } => {
                self.doing = Doing::ReadModuleAux;
                let before = position.saturating_sub(data.len() as u64);
                self.info(before, &[b"MODULE AUX for: ", module.name().as_bytes()]);
            }
            Item::Function { .. } => self.totals.functions += 1,
            Item::Entry(entry) => self.entry(entry)?,
            Item::End { checksum } => {
                self.doing = Doing::CheckSum;
                match checksum {
                    Checksum::Absent => {}
                    Checksum::Disabled => {
                        self.info(position, &[b"RDB file was saved with checksum disabled: no check performed."]);
                    }
                    Checksum::Verified(_) => self.info(position, &[b"Checksum OK"]),
                }
            }
            Item::Header(_) | Item::ResizeDatabase { .. } | Item::SlotInfo { .. } | Item::SlotImport { .. } => {}
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        if !self.knows(entry.kind) {
            return Err(self.invalid_type(entry.kind.number, entry.key_offset));
        }
        self.totals.keys += 1;
        if let Some(expiry) = entry.expiry {
            self.totals.expires += u64::from(expiry != -1);
            self.totals.expired += u64::from(expiry != -1 && expiry < self.now);
        }
        // Servers write these types only for hashes that have a field with an expiry.
        self.totals.field_expires += u64::from(entry.kind.has_field_expiry);
        self.type_shown = TypeShown::None;
        Ok(())
    }

    fn knows(&self, row: &TypeRow) -> bool {
        if self.foreign && FOREIGN_UNKNOWN.contains(&row.number) {
            return false;
        }
        own_row(self.server, row.number).is_some()
    }

    fn invalid_type(&mut self, number: u8, position: u64) -> Failure {
        self.doing = Doing::ReadType;
        if self.foreign && FOREIGN_UNKNOWN.contains(&number) {
            let text = format!("Unknown object type {number} in RDB file with foreign version {}", self.version);
            return self.error(position, text.as_bytes());
        }
        self.error(position, format!("Invalid object type: {number}").as_bytes())
    }

    /// Damage that the walker found in the item at `item`, in the words of the tool.
    fn damage(&mut self, damage: &Damage, bytes: &[u8], item: u64) -> Failure {
        self.doing = damage.doing;
        if let Some(row) = damage.row {
            if !self.knows(row) {
                return self.invalid_type(row.number, after_type(bytes, item));
            }
            self.type_shown = TypeShown::Row(row);
        }
        self.key.clone_from(&damage.key);
        self.totals.keys += u64::from(damage.key.is_some());
        match &damage.kind {
            DamageKind::UnknownOpcode(FUNCTION_PRE_GA) if self.server > Server::Redis70 => {
                let text = format!("Pre-release function format not supported {}", self.version);
                self.error(damage.position, text.as_bytes())
            }
            DamageKind::UnknownOpcode(number) | DamageKind::UnknownType(number) => {
                self.invalid_type(*number, damage.offset + 1)
            }
            DamageKind::Checksum { .. } => self.error(damage.position, b"RDB CRC error"),
            DamageKind::Truncated { .. } => self.truncated(damage),
            DamageKind::UnsupportedVersion(header) => {
                self.error(damage.position, format!("Can't handle RDB format version {}", header.version).as_bytes())
            }
            DamageKind::Malformed(malformed) => match class(malformed, damage.row) {
                ErrorClass::Error(text) => self.error(damage.position, text.as_bytes()),
                ErrorClass::Corrupt(reason) => self.corrupt(damage.position, &reason),
            },
        }
    }

    fn truncated(&mut self, damage: &Damage) -> Failure {
        match (damage.doing, damage.row) {
            (Doing::ReadFunctions, _) => {
                self.error(damage.position, b"Failed loading library, Failed loading library payload")
            }
            // The loader names what it was reading, each piece of a stream in its own words.
            (Doing::ReadValue, Some(TypeRow { data_type: DataType::Stream, .. })) => {
                self.corrupt(damage.position, "Stream listpacks loading failed.")
            }
            _ => self.error(damage.position, UNEXPECTED_END.as_bytes()),
        }
    }

    /// `rdbReportError`: the tool exits on the spot.
    fn corrupt(&mut self, position: u64, reason: &str) -> Failure {
        let text = format!("Internal error in RDB reading offset 0, function at rdb.c:0 -> {reason}");
        Failure { exits: true, ..self.error(position, text.as_bytes()) }
    }

    /// `rdbCheckError`.
    fn error(&mut self, position: u64, text: &[u8]) -> Failure {
        self.print(b"--- RDB ERROR DETECTED ---".to_vec());
        self.info(position, &[text]);
        self.print(format!("[additional info] While doing: {}", self.doing.phrase()).into_bytes());
        if let Some(key) = self.key.take() {
            self.print([b"[additional info] Reading key '", c_string(&key), b"'"].concat());
        }
        let shown = match self.type_shown {
            TypeShown::None => None,
            TypeShown::Initial => Some((0, "string")),
            TypeShown::Row(row) => Some((row.number, own_row(self.server, row.number).unwrap_or(row).name)),
        };
        if let Some((number, name)) = shown {
            self.print(format!("[additional info] Reading type {number} ({name})").into_bytes());
        }
        self.show_totals();
        Failure { position, exits: false }
    }

    /// `rdbCheckInfo`.
    fn info(&mut self, position: u64, text: &[&[u8]]) {
        let mut message = text.concat();
        if self.server != Server::Valkey9 {
            message.truncate(MESSAGE_LIMIT);
        }
        let mut line = format!("[offset {position}] ").into_bytes();
        line.append(&mut message);
        self.print(line);
    }

    /// `rdbShowGenericInfo`.
    fn show_totals(&mut self) {
        let Totals { keys, expires, expired, field_expires, functions, scripts } = self.totals;
        let mut lines = Vec::new();
        // Writing to memory cannot fail.
        let _ = write!(lines, "[info] {keys} keys read\n[info] {expires} expires\n[info] {expired} already expired");
        let _ = match self.server {
            Server::Valkey9 => write!(lines, "\n[info] {functions} functions"),
            server if redis(7, 4).servers().contains(server) => write!(lines, "\n[info] {field_expires} subexpires"),
            _ => Ok(()),
        };
        if scripts > 0 {
            let _ = write!(lines, "\n[info] {scripts} lua scripts read");
        }
        self.print(lines);
    }

    fn print(&mut self, line: Vec<u8>) {
        (self.emit)(Line::Plain(line));
    }
}

/// The type that the server itself calls by this number, whatever it means in the file.
fn own_row(server: Server, number: u8) -> Option<&'static TypeRow> {
    type_row(server.rdb_family(), number).filter(|row| takes_type(server, row))
}

/// The offset after the type of the entry that starts at `item`: after what opcodes say about its key, and one byte
/// more.
fn after_type(bytes: &[u8], item: u64) -> u64 {
    // None of these opcodes depends on the version.
    let header = Header { family: Family::Redis, version: 12, padded: true };
    let mut at = usize::try_from(item).unwrap_or(usize::MAX);
    while let Some(&number) = bytes.get(at) {
        at += match Opcode::of(header, number) {
            Some(Opcode::ExpireMilliseconds) => 9,
            Some(Opcode::ExpireSeconds) => 5,
            Some(Opcode::Frequency) => 2,
            Some(Opcode::Idle) => match bytes.get(at + 1) {
                Some(0x00..=0x3f) => 2,
                Some(0x40..=0x7f) => 3,
                Some(0x80) => 6,
                _ => 10,
            },
            _ => break,
        };
    }
    at as u64 + 1
}
