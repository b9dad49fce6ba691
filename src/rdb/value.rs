//! Reading a value to its end, and verifying it, type by type.

use super::damage::{Fault, Malformed, Packing};
use super::members::Members;
use super::packed::{At, Element, Sequence, intset, listpack, ziplist, zipmap};
use super::primitive::{LzfFault, RawString, Reader, scans_as_double};
use crate::server::{Server, ServerSet};

pub(super) use super::stream::{stream_1, stream_2, stream_3};

/// Reads a value to its end. What leaves the end unknown is a [`Fault`]; what does not is noted as a flaw.
pub(super) type Verifier = fn(&mut Context<'_>) -> Result<(), Fault>;

/// The latest time at which a field can expire (Redis `ebuckets.h`: 48 bits of milliseconds).
const LATEST_FIELD_EXPIRY: u64 = 0x0000_ffff_ffff_ffff;
/// Up to so many fields, and fields and values of so many bytes, a hash is loaded into a listpack, in which only a
/// deep check finds a field twice (`hash-max-listpack-entries` and `-value`, defaults).
const LISTPACK_FIELDS: u64 = 512;
const LISTPACK_BYTES: usize = 64;

/// Who finds a flaw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    checkers: ServerSet,
    servers: ServerSet,
}

/// Every server but Redis 6.2.
const SINCE_7: ServerSet =
    Server::Redis70.set().or(Server::Redis80.set()).or(Server::Valkey8.set()).or(Server::Valkey9.set());

impl Seen {
    /// Every checker and every server.
    pub(super) const ALWAYS: Self = Self { checkers: ServerSet::ALL, servers: ServerSet::ALL };
    /// Every checker, and Valkey 9.1; the other servers only with `sanitize-dump-payload yes`, which is not the
    /// default.
    pub(super) const DEEP: Self = Self { checkers: ServerSet::ALL, servers: Server::Valkey9.set() };
    /// Every checker; every server passes over it with a notice.
    const SKIPPED: Self = Self { checkers: ServerSet::ALL, servers: ServerSet::NONE };
    /// Every checker, and every server but Redis 6.2: the others rewrite ziplists as listpacks while they load.
    pub(super) const DEEP_SINCE_7: Self = Self { checkers: ServerSet::ALL, servers: SINCE_7 };
    /// Redis 6.2 does not look; all others do.
    pub(super) const SINCE_7: Self = Self { checkers: SINCE_7, servers: SINCE_7 };
    /// Redis 8.0 and Valkey 9.1 alone look.
    pub(super) const NEWEST: Self = Self::only(Server::Redis80.set().or(Server::Valkey9.set()));
    /// Valkey 9.1 alone looks.
    pub(super) const VALKEY_9: Self = Self::only(Server::Valkey9.set());
    /// No checker looks, but servers that load it do.
    pub(super) const ON_LOAD: Self = Self { checkers: ServerSet::NONE, servers: ServerSet::ALL };
    /// Neither checkers nor servers look.
    const NEVER: Self = Self::only(ServerSet::NONE);

    const fn only(servers: ServerSet) -> Self {
        Self { checkers: servers, servers }
    }
}

/// A flaw before the walk adds the key.
#[derive(Debug)]
pub(super) struct FoundFlaw {
    pub(super) fault: Fault,
    pub(super) checkers: ServerSet,
    pub(super) servers: ServerSet,
}

/// Which module a value belongs to.
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

/// What a walk carries from value to value: the cursor, buffers for their memory, and what was found in this value.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) reader: Reader<'a>,
    /// A packed encoding, decompressed.
    blob: Vec<u8>,
    /// A string, decompressed or formatted.
    text: Vec<u8>,
    members: Members,
    /// How many elements the collection has; none for strings and modules.
    pub(super) elements: Option<u64>,
    pub(super) module: Option<ModuleId>,
    pub(super) flaws: Vec<FoundFlaw>,
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

    /// Forgets what was found in the value before.
    #[inline]
    pub(super) fn begin_value(&mut self) {
        self.elements = None;
        self.module = None;
        self.flaws.clear();
    }

    /// Notes a flaw: the first, and each that more servers or checkers find than those noted before.
    #[cold]
    pub(super) fn flaw(&mut self, offset: usize, malformed: Malformed, seen: Seen) {
        let none = (ServerSet::NONE, ServerSet::NONE);
        let noted = self
            .flaws
            .iter()
            .fold(none, |(checkers, servers), flaw| (checkers.or(flaw.checkers), servers.or(flaw.servers)));
        let with = (noted.0.or(seen.checkers), noted.1.or(seen.servers));
        if self.flaws.is_empty() || with != noted {
            let fault = self.reader.fault(offset, malformed);
            self.flaws.push(FoundFlaw { fault, checkers: seen.checkers, servers: seen.servers });
        }
    }

    /// The number of elements of a collection, whose emptiness is a flaw: every server since 6.2 skips such a key with
    /// a notice, every checker stops at it.
    fn collection(&mut self, start: usize, elements: u64) {
        self.elements = Some(elements);
        if elements == 0 {
            self.flaw(start, Malformed::EmptyKey, Seen::SKIPPED);
        }
    }

    /// The count that begins a plain collection.
    fn count(&mut self) -> Result<u64, Fault> {
        let start = self.reader.position();
        let count = self.reader.length()?;
        self.members.clear();
        self.collection(start, count);
        Ok(count)
    }

    /// A string that must occur once in its collection; gives its length.
    #[inline]
    fn member(&mut self) -> Result<usize, Fault> {
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

    /// Looks for a member twice, `start` being where the members begin; `skip` passes over what follows a member.
    fn no_member_twice(
        &mut self,
        start: usize,
        malformed: Malformed,
        seen: Seen,
        skip: impl Fn(&mut Reader<'a>, Around) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if !self.members.suspicious() {
            return Ok(());
        }
        let mut reader = Reader::new(self.reader.since(0), start);
        let mut again = self.members.again();
        for _ in 0..self.elements.unwrap_or_default() {
            skip(&mut reader, Around::Before)?;
            let offset = reader.position();
            let repeats = match reader.raw_string()?.open(&mut self.text) {
                Ok(bytes) => again.repeats(bytes),
                Err(_) => false,
            };
            if repeats {
                self.flaw(offset, malformed, seen);
                return Ok(());
            }
            skip(&mut reader, Around::After)?;
        }
        Ok(())
    }

    /// Opens a packed encoding and has it checked.
    pub(super) fn blob(
        &mut self,
        check: impl FnOnce(&mut Self, &[u8], Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let string = self.reader.position();
        let raw = self.reader.raw_string()?;
        // No packed encoding can say that it has 4 GiB: such a one is only walked, not made.
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

/// Where a second look at members asks to pass over something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Before,
    After,
}

/// Where a packed encoding lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The offset of the string that it is.
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

pub(super) fn string(context: &mut Context<'_>) -> Result<(), Fault> {
    context.reader.string().map(|_| ())
}

pub(super) fn list(context: &mut Context<'_>) -> Result<(), Fault> {
    for _ in 0..context.count()? {
        context.reader.string()?;
    }
    Ok(())
}

pub(super) fn set(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let start = context.reader.position();
    for _ in 0..count {
        context.member()?;
    }
    context.no_member_twice(start, Malformed::DuplicateMember, Seen::ALWAYS, |_, _| Ok(()))
}

pub(super) fn sorted_set(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let start = context.reader.position();
    for _ in 0..count {
        context.member()?;
        let offset = context.reader.position();
        if f64::from_le_bytes(context.reader.array()?).is_nan() {
            context.flaw(offset, Malformed::ScoreIsNan, Seen::ALWAYS);
        }
    }
    context.no_member_twice(start, Malformed::DuplicateMember, Seen::ALWAYS, |reader, around| match around {
        Around::Before => Ok(()),
        Around::After => reader.take(8).map(|_| ()),
    })
}

pub(super) fn sorted_set_ascii(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let start = context.reader.position();
    for _ in 0..count {
        context.member()?;
        let offset = context.reader.position();
        match context.reader.byte()? {
            253 => context.flaw(offset, Malformed::ScoreIsNan, Seen::ALWAYS),
            254 | 255 => {}
            length => {
                let digits = context.reader.take(length.into())?;
                if !scans_as_double(digits) {
                    context.flaw(offset, Malformed::Score, Seen::ALWAYS);
                }
            }
        }
    }
    context.no_member_twice(start, Malformed::DuplicateMember, Seen::ALWAYS, |reader, around| match around {
        Around::Before => Ok(()),
        Around::After => match reader.byte()? {
            253.. => Ok(()),
            length => reader.take(length.into()).map(|_| ()),
        },
    })
}

/// Who finds a field twice in a hash that is not packed in the file.
fn field_twice(fields: u64, longest: usize) -> Seen {
    if fields > LISTPACK_FIELDS || longest > LISTPACK_BYTES { Seen::ALWAYS } else { Seen::DEEP }
}

pub(super) fn hash(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let start = context.reader.position();
    let mut longest = 0;
    for _ in 0..count {
        longest = longest.max(context.member()?);
        longest = longest.max(length(&context.reader.string()?));
    }
    let seen = field_twice(count, longest);
    context.no_member_twice(start, Malformed::DuplicateField, seen, |reader, around| match around {
        Around::Before => Ok(()),
        Around::After => reader.raw_string().map(|_| ()),
    })
}

/// The length of a string, near enough to know whether it fits a listpack.
fn length(string: &RawString<'_>) -> usize {
    match string {
        RawString::Plain(bytes) => bytes.len(),
        RawString::Integer(_) => 0,
        RawString::Lzf { length, .. } => usize::try_from(*length).unwrap_or(usize::MAX),
    }
}

/// Valkey 9: field, value, and the time at which the field expires, or -1.
pub(super) fn hash_2(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let start = context.reader.position();
    for _ in 0..count {
        context.member()?;
        context.reader.string()?;
        let offset = context.reader.position();
        if i64::from_le_bytes(context.reader.array()?) < -1 {
            context.flaw(offset, Malformed::FieldExpiry, Seen::ALWAYS);
        }
    }
    context.no_member_twice(start, Malformed::DuplicateField, Seen::ALWAYS, |reader, around| match around {
        Around::Before => Ok(()),
        Around::After => reader.raw_string().and_then(|_| reader.take(8)).map(|_| ()),
    })
}

/// Redis 7.4: the earliest expiry; then the time after it plus one, or 0, before each field and value.
pub(super) fn hash_expiring(context: &mut Context<'_>) -> Result<(), Fault> {
    let offset = context.reader.position();
    let earliest = u64::from_le_bytes(context.reader.array()?);
    if earliest > LATEST_FIELD_EXPIRY + 1 {
        context.flaw(offset, Malformed::FieldExpiry, Seen::ALWAYS);
    }
    // The servers' arithmetic wraps; the sum is then checked like any other.
    expiring_fields(context, |time| if time == 0 { 0 } else { time.wrapping_add(earliest).wrapping_sub(1) })
}

/// Release candidates of Redis 7.4: the time itself before each field and value.
pub(super) fn hash_expiring_pre_release(context: &mut Context<'_>) -> Result<(), Fault> {
    expiring_fields(context, |time| time)
}

fn expiring_fields(context: &mut Context<'_>, expiry: impl Fn(u64) -> u64) -> Result<(), Fault> {
    let count = context.count()?;
    let start = context.reader.position();
    let mut longest = 0;
    for _ in 0..count {
        let offset = context.reader.position();
        if expiry(context.reader.number()?) > LATEST_FIELD_EXPIRY {
            context.flaw(offset, Malformed::FieldExpiry, Seen::ALWAYS);
        }
        longest = longest.max(context.member()?);
        longest = longest.max(length(&context.reader.string()?));
    }
    let seen = field_twice(count, longest);
    context.no_member_twice(start, Malformed::DuplicateField, seen, |reader, around| match around {
        Around::Before => reader.number().map(|_| ()),
        Around::After => reader.raw_string().map(|_| ()),
    })
}

/// How the elements of a packed collection belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tuple {
    /// Elements of a list.
    Element,
    /// Members of a set.
    Member,
    /// Members and scores.
    MemberScore,
    /// Fields and values.
    FieldValue,
    /// Fields, values, and times of expiry or 0.
    FieldValueExpiry,
}

impl Tuple {
    const fn length(self) -> u64 {
        match self {
            Self::Element | Self::Member => 1,
            Self::MemberScore | Self::FieldValue => 2,
            Self::FieldValueExpiry => 3,
        }
    }

    const fn duplicate(self) -> Malformed {
        match self {
            Self::Element | Self::Member | Self::MemberScore => Malformed::DuplicateMember,
            Self::FieldValue | Self::FieldValueExpiry => Malformed::DuplicateField,
        }
    }
}

/// A packed encoding of one of the two that are sequences.
#[derive(Debug, Clone, Copy)]
struct Format {
    packing: Packing,
    /// Who finds a broken entry.
    entry: Seen,
    /// Who looks behind the frame for anything else.
    deep: Seen,
}

const LISTPACK: Format = Format { packing: Packing::Listpack, entry: Seen::DEEP, deep: Seen::DEEP };
const ZIPLIST: Format = Format { packing: Packing::Ziplist, entry: Seen::DEEP_SINCE_7, deep: Seen::DEEP_SINCE_7 };
/// A list that is one ziplist: Redis 6.2 reads its entries while it makes a quicklist of them, and dies of a broken one.
const ZIPLIST_OF_LIST: Format = Format { entry: Seen::ALWAYS, ..ZIPLIST };

impl Context<'_> {
    fn packed_flaw(&mut self, place: Place, packing: Packing, at: At, seen: Seen) {
        self.flaw(place.of(at.offset), Malformed::Packed { packing, fault: at.fault }, seen);
    }

    /// Checks a sequence to its end, and gives the number of its elements.
    fn sequence<'b>(&mut self, place: Place, format: Format, tuple: Tuple, start: impl Sequence<'b>) -> u64 {
        self.members.clear();
        let mut elements = start.clone();
        let mut expiries = Expiries::default();
        loop {
            let index = elements.count() % tuple.length();
            let (offset, element) = match elements.next() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(at) => {
                    self.packed_flaw(place, format.packing, at, format.entry);
                    return elements.count();
                }
            };
            match (tuple, index) {
                (Tuple::Element, _) | (Tuple::FieldValue | Tuple::FieldValueExpiry, 1) => {}
                (Tuple::MemberScore, 1) => {
                    if !is_score(&element) {
                        self.flaw(place.of(offset), Malformed::Score, Seen::NEVER);
                    }
                }
                (Tuple::FieldValueExpiry, 2) => {
                    if let Err(malformed) = expiries.next(&element) {
                        // What is no number at all kills Redis 8.0, which looks for the earliest.
                        let number = matches!(element, Element::Integer(_));
                        self.flaw(place.of(offset), malformed, if number { format.deep } else { Seen::ALWAYS });
                    }
                }
                _ => element.with_bytes(|bytes| self.members.add(bytes)),
            }
        }
        if let Err(at) = elements.finish() {
            self.packed_flaw(place, format.packing, at, format.deep);
        }
        let (count, length) = (elements.count(), tuple.length());
        if count % length != 0 {
            let seen = if tuple == Tuple::FieldValueExpiry { Seen::ALWAYS } else { format.deep };
            self.flaw(place.of(0), Malformed::Tuples { elements: count, tuple: length }, seen);
        }
        if self.members.suspicious() {
            self.sequence_twice(place, format, tuple, start);
        }
        count
    }

    #[cold]
    fn sequence_twice<'b>(&mut self, place: Place, format: Format, tuple: Tuple, mut elements: impl Sequence<'b>) {
        let mut again = self.members.again();
        let mut twice = None;
        while let Ok(Some((offset, element))) = elements.next() {
            if (elements.count() - 1) % tuple.length() == 0 && element.with_bytes(|bytes| again.repeats(bytes)) {
                twice = Some(offset);
                break;
            }
        }
        if let Some(offset) = twice {
            self.flaw(place.of(offset), tuple.duplicate(), format.deep);
        }
    }

    /// Checks a listpack, and gives the number of its elements.
    fn listpack(&mut self, place: Place, bytes: &[u8], tuple: Tuple) -> u64 {
        match listpack::frame(bytes) {
            Ok(()) => self.sequence(place, LISTPACK, tuple, listpack::Elements::new(bytes)),
            Err(at) => {
                self.packed_flaw(place, Packing::Listpack, at, Seen::ALWAYS);
                0
            }
        }
    }

    /// Checks a ziplist, and gives the number of its elements.
    fn ziplist(&mut self, place: Place, bytes: &[u8], format: Format, tuple: Tuple) -> u64 {
        match ziplist::frame(bytes) {
            Ok(()) => self.sequence(place, format, tuple, ziplist::Elements::new(bytes)),
            Err(at) => {
                self.packed_flaw(place, Packing::Ziplist, at, Seen::ALWAYS);
                0
            }
        }
    }

    fn listpack_value(&mut self, tuple: Tuple) -> Result<(), Fault> {
        self.blob(|context, bytes, place| {
            let elements = context.listpack(place, bytes, tuple) / tuple.length();
            context.collection(place.of(0), elements);
            Ok(())
        })
    }

    fn ziplist_value(&mut self, format: Format, tuple: Tuple) -> Result<(), Fault> {
        self.blob(|context, bytes, place| {
            let elements = context.ziplist(place, bytes, format, tuple) / tuple.length();
            context.collection(place.of(0), elements);
            Ok(())
        })
    }
}

fn is_score(element: &Element<'_>) -> bool {
    match element {
        Element::Integer(_) => true,
        Element::Bytes(bytes) => scans_as_double(bytes),
    }
}

/// The times of expiry in a packed hash: ascending, and those without one last.
#[derive(Debug, Default)]
struct Expiries {
    last: Option<i64>,
}

impl Expiries {
    fn next(&mut self, element: &Element<'_>) -> Result<(), Malformed> {
        let Element::Integer(time) = *element else {
            return Err(Malformed::FieldExpiry);
        };
        if time < 0 || time.cast_unsigned() > LATEST_FIELD_EXPIRY {
            return Err(Malformed::FieldExpiry);
        }
        if time != 0 && self.last.is_some_and(|last| last == 0 || time < last) {
            return Err(Malformed::FieldExpiryOrder);
        }
        self.last = Some(time);
        Ok(())
    }
}

pub(super) fn set_listpack(context: &mut Context<'_>) -> Result<(), Fault> {
    context.listpack_value(Tuple::Member)
}

pub(super) fn sorted_set_listpack(context: &mut Context<'_>) -> Result<(), Fault> {
    context.listpack_value(Tuple::MemberScore)
}

pub(super) fn hash_listpack(context: &mut Context<'_>) -> Result<(), Fault> {
    context.listpack_value(Tuple::FieldValue)
}

/// Redis 7.4: the earliest expiry, then the listpack. No server looks at the former.
pub(super) fn hash_listpack_expiring(context: &mut Context<'_>) -> Result<(), Fault> {
    context.reader.take(8)?;
    context.listpack_value(Tuple::FieldValueExpiry)
}

pub(super) fn hash_listpack_expiring_pre_release(context: &mut Context<'_>) -> Result<(), Fault> {
    context.listpack_value(Tuple::FieldValueExpiry)
}

pub(super) fn list_ziplist(context: &mut Context<'_>) -> Result<(), Fault> {
    context.ziplist_value(ZIPLIST_OF_LIST, Tuple::Element)
}

pub(super) fn sorted_set_ziplist(context: &mut Context<'_>) -> Result<(), Fault> {
    context.ziplist_value(ZIPLIST, Tuple::MemberScore)
}

pub(super) fn hash_ziplist(context: &mut Context<'_>) -> Result<(), Fault> {
    context.ziplist_value(ZIPLIST, Tuple::FieldValue)
}

pub(super) fn set_intset(context: &mut Context<'_>) -> Result<(), Fault> {
    context.blob(|context, bytes, place| {
        match intset::frame(bytes) {
            Ok(members) => {
                context.elements = Some(members.count());
                if let Err(at) = members.ascend() {
                    context.packed_flaw(place, Packing::Intset, at, Seen::DEEP);
                }
            }
            Err(at) => context.packed_flaw(place, Packing::Intset, at, Seen::ALWAYS),
        }
        Ok(())
    })
}

pub(super) fn hash_zipmap(context: &mut Context<'_>) -> Result<(), Fault> {
    context.blob(|context, bytes, place| {
        if let Err(at) = zipmap(context, bytes, place) {
            context.packed_flaw(place, Packing::Zipmap, at, Seen::ALWAYS);
        }
        Ok(())
    })
}

fn zipmap(context: &mut Context<'_>, bytes: &[u8], place: Place) -> Result<(), At> {
    zipmap::frame(bytes)?;
    context.members.clear();
    let mut pairs = zipmap::Pairs::new(bytes);
    while let Some(pair) = pairs.next_pair()? {
        context.members.add(pair.field);
    }
    pairs.finish()?;
    context.elements = Some(pairs.count());
    if context.members.suspicious() {
        let mut again = context.members.again();
        let mut pairs = zipmap::Pairs::new(bytes);
        let mut twice = None;
        while let Some(pair) = pairs.next_pair()? {
            if again.repeats(pair.field) {
                twice = Some(pair.offset);
                break;
            }
        }
        if let Some(offset) = twice {
            context.flaw(place.of(offset), Malformed::DuplicateField, Seen::ALWAYS);
        }
    }
    Ok(())
}

pub(super) fn quicklist_ziplists(context: &mut Context<'_>) -> Result<(), Fault> {
    quicklist(context, |context| {
        let mut elements = 0;
        context.blob(|context, bytes, place| {
            elements = context.ziplist(place, bytes, ZIPLIST, Tuple::Element);
            Ok(())
        })?;
        Ok(elements)
    })
}

/// The container of a list node that is one plain element.
const CONTAINER_PLAIN: u64 = 1;
/// The container of a list node that is a listpack.
const CONTAINER_PACKED: u64 = 2;

pub(super) fn quicklist_listpacks(context: &mut Context<'_>) -> Result<(), Fault> {
    quicklist(context, |context| {
        let offset = context.reader.position();
        let container = context.reader.length()?;
        if container == CONTAINER_PACKED {
            let mut elements = 0;
            context.blob(|context, bytes, place| {
                elements = context.listpack(place, bytes, Tuple::Element);
                Ok(())
            })?;
            return Ok(elements);
        }
        if container != CONTAINER_PLAIN {
            context.flaw(offset, Malformed::Container(container), Seen::ALWAYS);
        }
        let offset = context.reader.position();
        if length(&context.reader.string()?) == 0 {
            context.flaw(offset, Malformed::EmptyNode, Seen::ALWAYS);
        }
        Ok(1)
    })
}

fn quicklist<'a>(
    context: &mut Context<'a>,
    node: impl Fn(&mut Context<'a>) -> Result<u64, Fault>,
) -> Result<(), Fault> {
    let start = context.reader.position();
    let nodes = context.reader.length()?;
    let mut elements = 0;
    for _ in 0..nodes {
        elements += node(context)?;
    }
    context.collection(start, elements);
    Ok(())
}

pub(super) fn module(context: &mut Context<'_>) -> Result<(), Fault> {
    context.module = Some(ModuleId(context.reader.number()?));
    module_value(context)
}

/// A module's value: opcodes with an operand each, up to the opcode 0. Opcodes above 5, which no release writes, are
/// passed over by the checkers.
pub(super) fn module_value(context: &mut Context<'_>) -> Result<(), Fault> {
    loop {
        let offset = context.reader.position();
        match context.reader.number()? {
            0 => return Ok(()),
            1 | 2 => context.reader.number().map(|_| ())?,
            3 => context.reader.take(4).map(|_| ())?,
            4 => context.reader.take(8).map(|_| ())?,
            5 => context.reader.string().map(|_| ())?,
            other => context.flaw(offset, Malformed::ModuleOpcode(other), Seen::NEVER),
        }
    }
}

/// The fault of a string whose compression is broken.
pub(super) fn broken(reader: &Reader<'_>, start: usize, fault: LzfFault) -> Fault {
    reader.fault(start, Malformed::Lzf(fault))
}
