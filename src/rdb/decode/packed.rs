//! Collections in one packed encoding, or several.

use std::borrow::Cow;

use super::super::fault::{Fault, LzfFault, Malformed, Packing};
use super::super::packed::{At, Element, Sequence, intset, listpack, ziplist, zipmap};
use super::super::primitive::{RawString, Reader};
use super::super::value::{CONTAINER_PACKED, CONTAINER_PLAIN, Expiries};
use super::{Scores, add_field, add_member, add_score, bytes};
use crate::server::FloatSyntax;
use crate::value::score::parse_score;
use crate::value::{Bytes, Hash, List, Set, SortedSet, Value};

/// An element of a blob.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'b, 'a> {
    element: Element<'b>,
    /// The same bytes, if they are in the file.
    in_file: Option<&'a [u8]>,
}

impl<'a> Piece<'a, 'a> {
    /// An element of a blob that is in the file.
    #[inline]
    pub(super) fn in_file(element: Element<'a>) -> Self {
        let in_file = match element {
            Element::Bytes(bytes) => Some(bytes),
            Element::Integer(_) => None,
        };
        Self { element, in_file }
    }
}

impl<'b, 'a> Piece<'b, 'a> {
    /// An element of a blob that was compressed.
    #[inline]
    pub(super) fn made(element: Element<'b>) -> Self {
        Self { element, in_file: None }
    }

    #[inline]
    pub(super) fn bytes(self) -> Bytes<'a> {
        match self.in_file {
            Some(bytes) => Bytes::borrowed(bytes),
            None => self.element.with_bytes(Bytes::copied),
        }
    }

    fn score(self) -> Result<f64, Malformed> {
        match self.element {
            Element::Bytes(bytes) => parse_score(bytes, FloatSyntax::Strtod).ok_or(Malformed::Score),
            #[expect(clippy::cast_precision_loss, reason = "what servers do")]
            Element::Integer(number) => Ok(number as f64),
        }
    }
}

/// The maximum length of a packed encoding.
const LONGEST: u64 = u32::MAX as u64;

/// Reads a packed encoding, decompressed if necessary.
pub(super) fn blob<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    let start = reader.position();
    match reader.raw_string()? {
        RawString::Plain(bytes) => Ok(Cow::Borrowed(bytes)),
        // No packed encoding can have 4 GiB, so such a string is not decompressed.
        RawString::Lzf { length, .. } if length > LONGEST => {
            Err(reader.fault(start, Malformed::Lzf(LzfFault::TooLong(LONGEST))))
        }
        raw => raw.bytes().map_err(|fault| reader.fault(start, Malformed::Lzf(fault))),
    }
}

/// The format of a blob.
#[derive(Debug, Clone, Copy)]
enum Format {
    Ziplist,
    Listpack,
}

impl Format {
    fn malformed(self) -> impl Fn(At) -> Malformed {
        let packing = match self {
            Self::Ziplist => Packing::Ziplist,
            Self::Listpack => Packing::Listpack,
        };
        move |at| Malformed::Packed { packing, fault: at.fault }
    }

    /// Passes the elements of a blob to `take`, `N` at a time, and returns the number of calls.
    fn each<'b, 'a, const N: usize>(
        self,
        blob: &'b [u8],
        piece: impl Fn(Element<'b>) -> Piece<'b, 'a>,
        take: impl FnMut([Piece<'b, 'a>; N]) -> Result<(), Malformed>,
    ) -> Result<u64, Malformed> {
        let malformed = self.malformed();
        match self {
            Self::Ziplist => {
                ziplist::frame(blob).map_err(&malformed)?;
                each(ziplist::Elements::new(blob), malformed, piece, take)
            }
            Self::Listpack => {
                listpack::frame(blob).map_err(&malformed)?;
                each(listpack::Elements::new(blob), malformed, piece, take)
            }
        }
    }

    /// Reads a blob and passes its elements to `take`, `N` at a time; returns the number of calls.
    fn read<'a, const N: usize>(
        self,
        reader: &mut Reader<'a>,
        take: impl FnMut([Piece<'_, 'a>; N]) -> Result<(), Malformed>,
    ) -> Result<u64, Fault> {
        let start = reader.position();
        match blob(reader)? {
            Cow::Borrowed(bytes) => self.each(bytes, Piece::in_file, take),
            Cow::Owned(bytes) => self.each(&bytes, Piece::made, take),
        }
        .map_err(|malformed| reader.fault(start, malformed))
    }

    /// As [`Format::read`], for a collection in a single blob, which must not be empty.
    fn read_all<'a, const N: usize>(
        self,
        reader: &mut Reader<'a>,
        take: impl FnMut([Piece<'_, 'a>; N]) -> Result<(), Malformed>,
    ) -> Result<(), Fault> {
        let start = reader.position();
        match self.read(reader, take)? {
            0 => Err(reader.fault(start, Malformed::EmptyKey)),
            _ => Ok(()),
        }
    }
}

fn each<'b, 'a, const N: usize>(
    mut elements: impl Sequence<'b>,
    malformed: impl Fn(At) -> Malformed,
    piece: impl Fn(Element<'b>) -> Piece<'b, 'a>,
    mut take: impl FnMut([Piece<'b, 'a>; N]) -> Result<(), Malformed>,
) -> Result<u64, Malformed> {
    let mut tuples = 0;
    while let Some((_, first)) = elements.next().map_err(&malformed)? {
        let mut tuple = [piece(first); N];
        for place in tuple.iter_mut().skip(1) {
            let next = elements.next().map_err(&malformed)?;
            let next = next.ok_or(Malformed::Tuples { elements: elements.count(), tuple: N as u64 })?;
            *place = piece(next.1);
        }
        take(tuple)?;
        tuples += 1;
    }
    elements.finish().map_err(malformed)?;
    Ok(tuples)
}

pub(in super::super) fn list_ziplist<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let mut list = List::default();
    Format::Ziplist.read_all(reader, |[element]| {
        list.push_back(element.bytes());
        Ok(())
    })?;
    Ok(Value::List(list))
}

/// A list in nodes.
fn quicklist<'a>(
    reader: &mut Reader<'a>,
    node: impl Fn(&mut Reader<'a>, &mut List<'a>) -> Result<(), Fault>,
) -> Result<Value<'a>, Fault> {
    let start = reader.position();
    let mut list = List::default();
    for _ in 0..reader.length()? {
        node(reader, &mut list)?;
    }
    if list.is_empty() { Err(reader.fault(start, Malformed::EmptyKey)) } else { Ok(Value::List(list)) }
}

fn packed_node<'a>(format: Format, reader: &mut Reader<'a>, list: &mut List<'a>) -> Result<(), Fault> {
    let read = format.read(reader, |[element]| {
        list.push_back(element.bytes());
        Ok(())
    });
    read.map(|_| ())
}

pub(in super::super) fn quicklist_ziplists<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    quicklist(reader, |reader, list| packed_node(Format::Ziplist, reader, list))
}

pub(in super::super) fn quicklist_listpacks<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    quicklist(reader, |reader, list| {
        let start = reader.position();
        match reader.length()? {
            CONTAINER_PACKED => packed_node(Format::Listpack, reader, list),
            CONTAINER_PLAIN => {
                let start = reader.position();
                let element = bytes(reader)?;
                if element.is_empty() {
                    return Err(reader.fault(start, Malformed::EmptyNode));
                }
                list.push_back(element);
                Ok(())
            }
            other => Err(reader.fault(start, Malformed::Container(other))),
        }
    })
}

pub(in super::super) fn set_listpack<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let mut set = Set::default();
    Format::Listpack.read_all(reader, |[member]| add_member(&mut set, member.bytes()))?;
    Ok(Value::Set(set))
}

pub(in super::super) fn set_intset<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let start = reader.position();
    let blob = blob(reader)?;
    let members = intset::frame(&blob).and_then(|members| members.ascend().map(|()| members));
    let members =
        members.map_err(|at| reader.fault(start, Malformed::Packed { packing: Packing::Intset, fault: at.fault }))?;
    let mut set = Set::default();
    for member in members.iter() {
        set.insert(Bytes::from_integer(member));
    }
    Ok(Value::Set(set))
}

fn scored<'a>(reader: &mut Reader<'a>, format: Format) -> Result<Value<'a>, Fault> {
    let mut scores = Scores::default();
    format.read_all(reader, |[member, score]| add_score(&mut scores, member.bytes(), score.score()?))?;
    // Servers do not convert a sorted set that they load in this form.
    Ok(Value::SortedSet(SortedSet::from_signed_members(scores)))
}

pub(in super::super) fn sorted_set_ziplist<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    scored(reader, Format::Ziplist)
}

pub(in super::super) fn sorted_set_listpack<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    scored(reader, Format::Listpack)
}

fn fields<'a>(reader: &mut Reader<'a>, format: Format) -> Result<Value<'a>, Fault> {
    let mut hash = Hash::default();
    format.read_all(reader, |[field, value]| add_field(&mut hash, field.bytes(), value.bytes(), None))?;
    Ok(Value::Hash(hash))
}

pub(in super::super) fn hash_ziplist<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    fields(reader, Format::Ziplist)
}

pub(in super::super) fn hash_listpack<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    fields(reader, Format::Listpack)
}

/// The earliest expiry, which no server checks, then the listpack.
pub(in super::super) fn hash_listpack_expiring<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    reader.take(8)?;
    hash_listpack_expiring_pre_release(reader)
}

pub(in super::super) fn hash_listpack_expiring_pre_release<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let mut hash = Hash::default();
    let mut expiries = Expiries::default();
    Format::Listpack.read_all(reader, |[field, value, expiry]| {
        add_field(&mut hash, field.bytes(), value.bytes(), expiries.next(expiry.element)?)
    })?;
    Ok(Value::Hash(hash))
}

pub(in super::super) fn hash_zipmap<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let start = reader.position();
    let mut hash = Hash::default();
    match blob(reader)? {
        Cow::Borrowed(blob) => zipmap_fields(blob, &mut hash, |bytes| Piece::in_file(Element::Bytes(bytes))),
        Cow::Owned(blob) => zipmap_fields(&blob, &mut hash, |bytes| Piece::made(Element::Bytes(bytes))),
    }
    .map_err(|malformed| reader.fault(start, malformed))?;
    Ok(Value::Hash(hash))
}

fn zipmap_fields<'b, 'a>(
    blob: &'b [u8],
    hash: &mut Hash<'a>,
    piece: impl Fn(&'b [u8]) -> Piece<'b, 'a>,
) -> Result<(), Malformed> {
    let malformed = |at: At| Malformed::Packed { packing: Packing::Zipmap, fault: at.fault };
    zipmap::frame(blob).map_err(malformed)?;
    let mut pairs = zipmap::Pairs::new(blob);
    while let Some(pair) = pairs.next_pair().map_err(malformed)? {
        add_field(hash, piece(pair.field).bytes(), piece(pair.value).bytes(), None)?;
    }
    pairs.finish().map_err(malformed)
}
