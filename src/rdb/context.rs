//! The state of a walk, and the flaws that it finds with the servers and checkers that detect them.

use super::fault::{DamageKind, Fault, Malformed, StreamFault};
use super::members::Members;
use super::primitive::{RawString, Reader};
use crate::server::{ServerSet, redis, valkey};

/// The checkers and servers that detect a flaw.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundBy {
    checkers: ServerSet,
    servers: ServerSet,
    /// The servers that do not report it, but crash on an assertion.
    crashes: ServerSet,
}

const SINCE_7: ServerSet = redis(7, 0).servers();
const VALKEY_9: ServerSet = valkey(9, 0).servers();

impl FoundBy {
    /// Every checker and every server.
    pub(super) const ALWAYS: Self = Self::by(ServerSet::ALL, ServerSet::ALL);
    /// Every checker, and Valkey 9.1; the other servers only with `sanitize-dump-payload yes`, which is not the
    /// default.
    pub(super) const DEEP: Self = Self::by(ServerSet::ALL, VALKEY_9);
    /// Every checker; every server skips it with a notice.
    pub(super) const SKIPPED: Self = Self::by(ServerSet::ALL, ServerSet::NONE);
    /// As [`FoundBy::DEEP`]. The other servers that know listpacks do not check it, but crash while they iterate over
    /// the entries.
    pub(super) const WALKED: Self = Self::DEEP.crashing(SINCE_7.without(VALKEY_9));
    /// Every checker, and every server except Redis 6.2: the others convert ziplists to listpacks while they load.
    pub(super) const DEEP_SINCE_7: Self = Self::by(ServerSet::ALL, SINCE_7);
    /// All except Redis 6.2.
    pub(super) const SINCE_7: Self = Self::by(SINCE_7, SINCE_7);
    /// Only Redis 8.0, Valkey 8.1 and Valkey 9.1; Redis 8.2 no longer.
    pub(super) const SHARED_OWNERS: Self = Self::only(redis(7, 2).servers().without(redis(8, 2).servers()));
    /// Only Valkey 9.1.
    pub(super) const VALKEY_9: Self = Self::only(VALKEY_9);
    /// No checker, but every server that loads it.
    pub(super) const ON_LOAD: Self = Self::by(ServerSet::NONE, ServerSet::ALL);
    /// No checker and no server.
    pub(super) const NEVER: Self = Self::only(ServerSet::NONE);

    const fn only(servers: ServerSet) -> Self {
        Self::by(servers, servers)
    }

    const fn by(checkers: ServerSet, servers: ServerSet) -> Self {
        Self { checkers, servers, crashes: ServerSet::NONE }
    }

    /// The same, and these servers crash on an assertion instead of reporting it.
    pub(super) const fn crashing(self, crashes: ServerSet) -> Self {
        Self { servers: self.servers.or(crashes), crashes, ..self }
    }
}

/// A flaw to which the walk has not added the key yet.
#[derive(Debug)]
pub(super) struct FoundFlaw {
    pub(super) fault: Fault,
    pub(super) checkers: ServerSet,
    pub(super) servers: ServerSet,
    pub(super) crashes: ServerSet,
}

/// The module type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModuleId(pub u64);

impl ModuleId {
    /// The nine characters of the module type's name.
    pub fn name(self) -> String {
        const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..9)
            .rev()
            .map(|index| (self.0 >> (10 + 6 * index)) & 0x3f)
            .filter_map(|bits| CHARACTERS.get(usize::try_from(bits).ok()?).copied().map(char::from))
            .collect()
    }

    /// The version of the module's encoding, 0 to 1023.
    pub const fn version(self) -> u16 {
        (self.0 & 0x3ff) as u16
    }
}

/// The state of a walk: the cursor, reused buffers, and the findings in the current value.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) reader: Reader<'a>,
    /// A packed encoding, decompressed.
    blob: Vec<u8>,
    /// A string, decompressed or formatted.
    pub(super) text: Vec<u8>,
    pub(super) members: Members,
    /// The number of elements of the collection; `None` for strings and modules.
    pub(super) elements: Option<u64>,
    pub(super) module: Option<ModuleId>,
    pub(super) flaws: Vec<FoundFlaw>,
}

impl FoundFlaw {
    /// Whether the value must not be used: a server or a checker stops at it, or it cannot be decoded. Only the decoder
    /// checks the scores of a packed sorted set and the order of a stream's entries; every server skips the keys of
    /// empty collections.
    pub(super) fn is_damage(&self) -> bool {
        match &self.fault.kind {
            DamageKind::Malformed(Malformed::EmptyKey) => false,
            DamageKind::Malformed(Malformed::Score | Malformed::Stream(StreamFault::IdOrder)) => true,
            _ => self.checkers != ServerSet::NONE || self.servers != ServerSet::NONE,
        }
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Self {
        Self {
            reader,
            blob: Vec::new(),
            text: Vec::new(),
            members: Members::default(),
            elements: None,
            module: None,
            flaws: Vec::new(),
        }
    }

    /// Searches collections of any size for duplicate members.
    pub(super) fn with_unlimited_members(self) -> Self {
        Self { members: Members::unlimited(), ..self }
    }

    /// Discards the findings in the previous value.
    #[inline]
    pub(super) fn begin_value(&mut self) {
        self.elements = None;
        self.module = None;
        self.flaws.clear();
    }

    /// Records a flaw that is detected at the reader's position.
    pub(super) fn flaw(&mut self, offset: usize, malformed: Malformed, found_by: FoundBy) {
        self.flaw_at(offset, self.reader.position(), malformed, found_by);
    }

    /// Records a flaw that a server detects once it has read up to `position`. In the order of these positions, the
    /// first is kept, and each that is detected by more servers or checkers than those before it.
    #[cold]
    pub(super) fn flaw_at(&mut self, offset: usize, position: usize, malformed: Malformed, found_by: FoundBy) {
        let index = self.flaws.partition_point(|flaw| flaw.fault.position <= position);
        let none = (ServerSet::NONE, ServerSet::NONE);
        let before = self
            .flaws
            .iter()
            .take(index)
            .fold(none, |(checkers, servers), flaw| (checkers.or(flaw.checkers), servers.or(flaw.servers)));
        let with = (before.0.or(found_by.checkers), before.1.or(found_by.servers));
        if index == 0 || with != before {
            let fault = Fault { offset, position, kind: malformed.into() };
            let FoundBy { checkers, servers, crashes } = found_by;
            self.flaws.insert(index, FoundFlaw { fault, checkers, servers, crashes });
        }
    }

    /// Records that a collection counts as empty, whatever else was recorded, because it concerns those that do not
    /// detect the rest.
    #[cold]
    pub(super) fn counts_as_empty(&mut self, offset: usize) {
        let fault = self.reader.fault(offset, Malformed::EmptyKey);
        let FoundBy { checkers, servers, crashes } = FoundBy::SKIPPED;
        self.flaws.push(FoundFlaw { fault, checkers, servers, crashes });
    }

    /// Sets the number of elements of a collection. An empty one is a flaw: every server since 6.2 skips such a key
    /// with a notice, and every checker stops at it.
    pub(super) fn collection(&mut self, start: usize, elements: u64) {
        self.elements = Some(elements);
        if elements == 0 {
            self.flaw(start, Malformed::EmptyKey, FoundBy::SKIPPED);
        }
    }

    /// Reads the count at the beginning of a plain collection.
    pub(super) fn count(&mut self) -> Result<u64, Fault> {
        let start = self.reader.position();
        let count = self.reader.length()?;
        self.members.clear();
        self.collection(start, count);
        Ok(count)
    }

    /// Reads a string that must occur once in its collection, and returns its length.
    #[inline]
    pub(super) fn member(&mut self) -> Result<usize, Fault> {
        let start = self.reader.position();
        let string = self.reader.raw_string()?;
        match string.open(&mut self.text) {
            Ok(bytes) => {
                self.members.add(bytes);
                Ok(bytes.len())
            }
            Err(fault) => Err(self.reader.fault(start, Malformed::Lzf(fault))),
        }
    }

    /// Reads members with `read`, then searches them for a duplicate, even if reading failed, because a server detects
    /// that first. `skip` skips the data before or after a member; `read` returns who detects a duplicate.
    pub(super) fn unique(
        &mut self,
        twice: Twice,
        skip: impl Fn(&mut Reader<'a>, Around) -> Result<(), Fault>,
        read: impl FnOnce(&mut Self) -> Result<FoundBy, Fault>,
    ) -> Result<(), Fault> {
        let start = self.reader.position();
        let result = read(self);
        if self.members.have_equal_hashes() {
            let mut reader = Reader::new(self.reader.since(0), start);
            let mut second_pass = self.members.second_pass();
            let mut next = || -> Result<Option<usize>, Fault> {
                skip(&mut reader, Around::Before)?;
                let offset = reader.position();
                let member = reader.raw_string()?;
                let repeats = member.open(&mut self.text).is_ok_and(|bytes| second_pass.repeats(bytes));
                skip(&mut reader, Around::After)?;
                Ok(repeats.then_some(offset))
            };
            // A fault here is the end of the members, or the fault that ended the first pass.
            let found = loop {
                match next() {
                    Ok(None) => {}
                    Ok(Some(offset)) => break Some(offset),
                    Err(_) => break None,
                }
            };
            if let Some(offset) = found {
                let malformed = match twice {
                    Twice::Member => Malformed::DuplicateMember,
                    Twice::Field => Malformed::DuplicateField,
                };
                let position = reader.position();
                self.flaw_at(offset, position, malformed, *result.as_ref().unwrap_or(&FoundBy::ALWAYS));
            }
        }
        result.map(|_| ())
    }

    /// Opens a packed encoding and calls `check` on it.
    pub(super) fn blob(
        &mut self,
        check: impl FnOnce(&mut Self, &[u8], Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let string = self.reader.position();
        let raw = self.reader.raw_string()?;
        // No packed encoding can have 4 GiB, so such a string is verified but not decompressed.
        let unopened = matches!(raw, RawString::Lzf { length, .. } if length > u64::from(u32::MAX));
        let mut buffer = std::mem::take(&mut self.blob);
        let opened = if unopened { raw.verify().map(|()| [].as_slice()) } else { raw.open(&mut buffer) };
        let result = match opened {
            Ok(bytes) => {
                let first = match raw {
                    RawString::Plain(bytes) if !bytes.is_empty() => Some(self.reader.position() - bytes.len()),
                    _ => None,
                };
                check(self, bytes, Place { string, first })
            }
            Err(fault) => Err(self.reader.fault(string, Malformed::Lzf(fault))),
        };
        self.blob = buffer;
        result
    }
}

/// What must not occur twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    Member,
    Field,
}

/// Which data to skip in the second pass over members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    Before,
    After,
}

/// Where a packed encoding lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The offset of the string that contains it.
    string: usize,
    /// The offset of its first byte, unless it is compressed.
    first: Option<usize>,
}

impl Place {
    /// The offset in the file of an offset in the encoding.
    pub(super) fn of(self, offset: usize) -> usize {
        self.first.map_or(self.string, |first| first + offset)
    }
}
