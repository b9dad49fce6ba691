//! Reading a value to its end and verifying it, type by type.

use super::context::{Around, Context, FoundBy, ModuleId, Place, Twice};
use super::fault::{Fault, Malformed, Packing};
use super::packed::{At, Element, Sequence, intset, listpack, ziplist, zipmap};
use super::primitive::{RawString, Reader, scans_as_double};
use super::skip::{AsciiScore, ascii_score, module_operand};
use crate::server::{FloatSyntax, ServerSet, redis};
use crate::value::score::parse_score;

/// Reads a value to its end. Damage after which the end cannot be found is a [`Fault`]; other damage is recorded as a
/// flaw.
pub(super) type Verifier = fn(&mut Context<'_>) -> Result<(), Fault>;

/// The latest time at which a field can expire (Redis `ebuckets.h`: 48 bits of milliseconds).
pub(super) const LATEST_FIELD_EXPIRY: u64 = 0x0000_ffff_ffff_ffff;
/// The maximum number of fields, and below it the maximum length of fields and values, with which a hash is loaded into
/// a listpack, where only a deep check detects duplicate fields (defaults of `hash-max-listpack-entries` and `-value`).
const LISTPACK_FIELDS: u64 = 512;
const LISTPACK_BYTES: usize = 64;

const BEFORE_7: ServerSet = ServerSet::ALL.without(redis(7, 0).servers());
/// Redis 6.2 does not check for NaN before it inserts a score.
const NAN: FoundBy = FoundBy::ALWAYS.crashing(BEFORE_7);
/// Redis 7.4 and later read the earliest expiry of a packed hash as soon as it is loaded, from the first field.
const EARLIEST: FoundBy = FoundBy::DEEP.crashing(redis(7, 4).servers());

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
    let read = |context: &mut Context<'_>| {
        for _ in 0..count {
            context.member()?;
        }
        Ok(FoundBy::ALWAYS)
    };
    context.unique(Twice::Member, |_, _| Ok(()), read)
}

pub(super) fn sorted_set(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let skip = |reader: &mut Reader<'_>, around| match around {
        Around::Before => Ok(()),
        Around::After => reader.take(8).map(|_| ()),
    };
    context.unique(Twice::Member, skip, |context| {
        for _ in 0..count {
            context.member()?;
            let offset = context.reader.position();
            if f64::from_le_bytes(context.reader.array()?).is_nan() {
                context.flaw(offset, Malformed::ScoreIsNan, NAN);
            }
        }
        Ok(FoundBy::ALWAYS)
    })
}

pub(super) fn sorted_set_ascii(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let skip = |reader: &mut Reader<'_>, around| match around {
        Around::Before => Ok(()),
        Around::After => ascii_score(reader).map(|_| ()),
    };
    context.unique(Twice::Member, skip, |context| {
        for _ in 0..count {
            context.member()?;
            let offset = context.reader.position();
            match ascii_score(&mut context.reader)? {
                AsciiScore::Nan => context.flaw(offset, Malformed::ScoreIsNan, NAN),
                AsciiScore::Digits(digits) if !scans_as_double(digits) => {
                    context.flaw(offset, Malformed::Score, FoundBy::ALWAYS);
                }
                // Servers read the number at its beginning. None writes such a score.
                AsciiScore::Digits(digits) if parse_score(digits, FloatSyntax::Strtod).is_none() => {
                    context.flaw(offset, Malformed::Score, FoundBy::NEVER);
                }
                AsciiScore::Digits(_) | AsciiScore::Infinity | AsciiScore::NegativeInfinity => {}
            }
        }
        Ok(FoundBy::ALWAYS)
    })
}

/// Who detects a duplicate field in a hash that is not packed in the file.
fn field_twice(fields: u64, longest: usize) -> FoundBy {
    if fields > LISTPACK_FIELDS || longest > LISTPACK_BYTES { FoundBy::ALWAYS } else { FoundBy::DEEP }
}

pub(super) fn hash(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let skip = |reader: &mut Reader<'_>, around| match around {
        Around::Before => Ok(()),
        Around::After => reader.raw_string().map(|_| ()),
    };
    context.unique(Twice::Field, skip, |context| {
        let mut longest = 0;
        for _ in 0..count {
            longest = longest.max(context.member()?);
            longest = longest.max(length(&context.reader.string()?));
        }
        Ok(field_twice(count, longest))
    })
}

/// The length of a string, precise enough to decide whether it fits in a listpack.
fn length(string: &RawString<'_>) -> usize {
    match string {
        RawString::Plain(bytes) => bytes.len(),
        RawString::Integer(_) => 1,
        RawString::Lzf { length, .. } => usize::try_from(*length).unwrap_or(usize::MAX),
    }
}

/// Valkey 9: field, value, and the time at which the field expires, or -1.
pub(super) fn hash_2(context: &mut Context<'_>) -> Result<(), Fault> {
    let count = context.count()?;
    let skip = |reader: &mut Reader<'_>, around| match around {
        Around::Before => Ok(()),
        Around::After => reader.raw_string().and_then(|_| reader.take(8)).map(|_| ()),
    };
    context.unique(Twice::Field, skip, |context| {
        for _ in 0..count {
            context.member()?;
            context.reader.string()?;
            let offset = context.reader.position();
            if i64::from_le_bytes(context.reader.array()?) < -1 {
                context.flaw(offset, Malformed::FieldExpiry, FoundBy::ALWAYS);
            }
        }
        Ok(FoundBy::ALWAYS)
    })
}

/// Redis 7.4: the earliest expiry; then the time after it plus one, or 0, before each field and value.
pub(super) fn hash_expiring(context: &mut Context<'_>) -> Result<(), Fault> {
    let offset = context.reader.position();
    let earliest = u64::from_le_bytes(context.reader.array()?);
    if earliest > LATEST_FIELD_EXPIRY + 1 {
        context.flaw(offset, Malformed::FieldExpiry, FoundBy::ALWAYS);
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
    let skip = |reader: &mut Reader<'_>, around| match around {
        Around::Before => reader.number().map(|_| ()),
        Around::After => reader.raw_string().map(|_| ()),
    };
    context.unique(Twice::Field, skip, |context| {
        let mut longest = 0;
        for _ in 0..count {
            let offset = context.reader.position();
            if expiry(context.reader.number()?) > LATEST_FIELD_EXPIRY {
                context.flaw(offset, Malformed::FieldExpiry, FoundBy::ALWAYS);
            }
            longest = longest.max(context.member()?);
            longest = longest.max(length(&context.reader.string()?));
        }
        Ok(field_twice(count, longest))
    })
}

/// How the elements of a packed collection are grouped.
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

    /// The maximum number of members or fields that stay packed (defaults of `hash-max-listpack-entries` and the like);
    /// servers unpack larger collections while they load them.
    const fn most_packed(self) -> u64 {
        match self {
            Self::FieldValue | Self::FieldValueExpiry => LISTPACK_FIELDS,
            Self::Element | Self::Member | Self::MemberScore => 128,
        }
    }

    const fn duplicate(self) -> Malformed {
        match self {
            Self::Element | Self::Member | Self::MemberScore => Malformed::DuplicateMember,
            Self::FieldValue | Self::FieldValueExpiry => Malformed::DuplicateField,
        }
    }
}

/// The number of elements in the header of a listpack that is a whole collection.
#[derive(Debug, Clone, Copy)]
enum Stated {
    /// It is not such a listpack.
    Nowhere,
    /// It is not counted there, so servers iterate over the elements to count them.
    Unknown,
    /// The number of elements.
    Count(u64),
}

/// One of the two packed encodings that are sequences.
#[derive(Debug, Clone, Copy)]
struct Format {
    packing: Packing,
    /// Who detects a broken entry.
    entry: FoundBy,
    /// Who detects other damage within the frame.
    deep: FoundBy,
}

const LISTPACK: Format = Format { packing: Packing::Listpack, entry: FoundBy::DEEP, deep: FoundBy::DEEP };
const ZIPLIST: Format = Format { packing: Packing::Ziplist, entry: FoundBy::DEEP_SINCE_7, deep: FoundBy::DEEP_SINCE_7 };
/// A list in a single ziplist. Redis 6.2 reads its entries to convert it to a quicklist, and crashes at a broken one.
const ZIPLIST_OF_LIST: Format = Format { entry: FoundBy::DEEP_SINCE_7.crashing(BEFORE_7), ..ZIPLIST };

impl Context<'_> {
    fn packed_flaw(&mut self, place: Place, packing: Packing, at: At, found_by: FoundBy) {
        self.flaw(place.of(at.offset), Malformed::Packed { packing, fault: at.fault }, found_by);
    }

    /// Checks a sequence to its end, and returns the number of its elements.
    fn sequence<'b>(&mut self, place: Place, format: Format, tuple: Tuple, start: impl Sequence<'b>) -> u64 {
        self.sequence_counted(place, format, tuple, start, Stated::Nowhere)
    }

    /// The same, for a sequence that may state its number of elements.
    fn sequence_counted<'b>(
        &mut self,
        place: Place,
        format: Format,
        tuple: Tuple,
        start: impl Sequence<'b>,
        stated: Stated,
    ) -> u64 {
        self.members.clear();
        let mut elements = start.clone();
        let mut expiries = Expiries::default();
        loop {
            let index = elements.count() % tuple.length();
            let (offset, element) = match elements.next() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(at) => {
                    let first = tuple == Tuple::FieldValueExpiry && elements.count() < tuple.length();
                    let found_by = match stated {
                        _ if first => EARLIEST,
                        Stated::Unknown => FoundBy::WALKED,
                        Stated::Count(count) if count / tuple.length() > tuple.most_packed() => FoundBy::WALKED,
                        Stated::Count(_) | Stated::Nowhere => format.entry,
                    };
                    self.packed_flaw(place, format.packing, at, found_by);
                    self.stated_empty(place, tuple, stated);
                    return elements.count();
                }
            };
            match (tuple, index) {
                (Tuple::Element, _) | (Tuple::FieldValue | Tuple::FieldValueExpiry, 1) => {}
                (Tuple::MemberScore, 1) => {
                    if !is_score(&element) {
                        self.flaw(place.of(offset), Malformed::Score, FoundBy::NEVER);
                    }
                }
                (Tuple::FieldValueExpiry, 2) => {
                    // Redis 8 crashes if it is not a number.
                    let fatal = elements.count() == tuple.length() && !matches!(element, Element::Integer(_));
                    if let Err(malformed) = expiries.next(element) {
                        self.flaw(place.of(offset), malformed, if fatal { EARLIEST } else { format.deep });
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
            // Redis 8 reads the expiry of the first field if an earliest one is given.
            let stated = if let Stated::Count(stated) = stated { stated } else { count };
            let fatal = tuple == Tuple::FieldValueExpiry && count < length && stated >= length;
            let found_by = if fatal { EARLIEST } else { format.deep };
            self.flaw(place.of(0), Malformed::Tuples { elements: count, tuple: length }, found_by);
        }
        if self.members.have_equal_hashes() {
            self.sequence_twice(place, format, tuple, start);
        }
        if count > 0 {
            self.stated_empty(place, tuple, stated);
        }
        count
    }

    /// A collection whose header states fewer elements than one member or field has counts as empty, whatever it
    /// contains.
    fn stated_empty(&mut self, place: Place, tuple: Tuple, stated: Stated) {
        if matches!(stated, Stated::Count(count) if count < tuple.length()) {
            self.counts_as_empty(place.of(0));
        }
    }

    #[cold]
    fn sequence_twice<'b>(&mut self, place: Place, format: Format, tuple: Tuple, mut elements: impl Sequence<'b>) {
        let mut second_pass = self.members.second_pass();
        let mut twice = None;
        while let Ok(Some((offset, element))) = elements.next() {
            if (elements.count() - 1) % tuple.length() == 0 && element.with_bytes(|bytes| second_pass.repeats(bytes)) {
                twice = Some(offset);
                break;
            }
        }
        if let Some(offset) = twice {
            self.flaw(place.of(offset), tuple.duplicate(), format.deep);
        }
    }

    /// Checks a listpack, and returns the number of its elements.
    fn listpack(&mut self, place: Place, bytes: &[u8], tuple: Tuple) -> u64 {
        match listpack::frame(bytes) {
            Ok(()) => {
                let stated = match listpack::stated_count(bytes) {
                    _ if tuple == Tuple::Element => Stated::Nowhere,
                    None => Stated::Unknown,
                    Some(count) => Stated::Count(count),
                };
                self.sequence_counted(place, LISTPACK, tuple, listpack::Elements::new(bytes), stated)
            }
            Err(at) => {
                self.packed_flaw(place, Packing::Listpack, at, FoundBy::ALWAYS);
                0
            }
        }
    }

    /// Checks a ziplist, and returns the number of its elements.
    fn ziplist(&mut self, place: Place, bytes: &[u8], format: Format, tuple: Tuple) -> u64 {
        match ziplist::frame(bytes) {
            Ok(()) => self.sequence(place, format, tuple, ziplist::Elements::new(bytes)),
            Err(at) => {
                self.packed_flaw(place, Packing::Ziplist, at, FoundBy::ALWAYS);
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
        Element::Bytes(bytes) => parse_score(bytes, FloatSyntax::Strtod).is_some(),
    }
}

/// The expiries in a packed hash, which ascend and are followed by fields without one.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    last: Option<i64>,
}

impl Expiries {
    /// Checks the next one; `None` for a field without expiry.
    pub(super) fn next(&mut self, element: Element<'_>) -> Result<Option<i64>, Malformed> {
        let Element::Integer(time) = element else {
            return Err(Malformed::FieldExpiry);
        };
        if time < 0 || time.cast_unsigned() > LATEST_FIELD_EXPIRY {
            return Err(Malformed::FieldExpiry);
        }
        if time != 0 && self.last.is_some_and(|last| last == 0 || time < last) {
            return Err(Malformed::FieldExpiryOrder);
        }
        self.last = Some(time);
        Ok((time != 0).then_some(time))
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

/// Redis 7.4: the earliest expiry, then the listpack. No server checks the former.
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
                    context.packed_flaw(place, Packing::Intset, at, FoundBy::DEEP);
                }
            }
            Err(at) => context.packed_flaw(place, Packing::Intset, at, FoundBy::ALWAYS),
        }
        Ok(())
    })
}

pub(super) fn hash_zipmap(context: &mut Context<'_>) -> Result<(), Fault> {
    context.blob(|context, bytes, place| {
        if let Err(at) = zipmap(context, bytes, place) {
            context.packed_flaw(place, Packing::Zipmap, at, FoundBy::ALWAYS);
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
    if context.members.have_equal_hashes() {
        let mut second_pass = context.members.second_pass();
        let mut pairs = zipmap::Pairs::new(bytes);
        let mut twice = None;
        while let Some(pair) = pairs.next_pair()? {
            if second_pass.repeats(pair.field) {
                twice = Some(pair.offset);
                break;
            }
        }
        if let Some(offset) = twice {
            context.flaw(place.of(offset), Malformed::DuplicateField, FoundBy::ALWAYS);
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
pub(super) const CONTAINER_PLAIN: u64 = 1;
/// The container of a list node that is a listpack.
pub(super) const CONTAINER_PACKED: u64 = 2;

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
            context.flaw(offset, Malformed::Container(container), FoundBy::ALWAYS);
        }
        let offset = context.reader.position();
        if length(&context.reader.string()?) == 0 {
            context.flaw(offset, Malformed::EmptyNode, FoundBy::ALWAYS);
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

/// A module's value: opcodes with an operand each, up to the opcode 0. The checkers skip opcodes above 5, which no
/// release writes.
pub(super) fn module_value(context: &mut Context<'_>) -> Result<(), Fault> {
    loop {
        let offset = context.reader.position();
        match context.reader.number()? {
            0 => return Ok(()),
            opcode => {
                if !module_operand(&mut context.reader, opcode, |reader| reader.string().map(|_| ()))? {
                    context.flaw(offset, Malformed::ModuleOpcode(opcode), FoundBy::NEVER);
                }
            }
        }
    }
}
