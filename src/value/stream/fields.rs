//! The fields of an entry.

use std::fmt;

use crate::resp;
use crate::value::Bytes;
use crate::value::prefetch;

/// The fields and values of an entry, in order; a field may occur more than once.
///
/// They are kept as RESP bulk strings in a row, which is how a log has them: an entry of a log costs no more than a
/// reference to it.
#[derive(Clone)]
pub struct Fields<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    Log(&'a [u8]),
    // Boxed once more so that both take two words.
    Packed(Box<Box<[u8]>>),
}

impl<'a> Fields<'a> {
    /// The fields and values that a command gives, one after the other.
    ///
    /// `record` is the record that the arguments were read from, as [`resp::parse`] reads one: they are then borrowed.
    /// They are copied if it is empty or its lengths are written in an odd way.
    pub fn from_arguments(arguments: &[&'a [u8]], record: &'a [u8]) -> Self {
        slice_of(arguments, record).map_or_else(|| Self::packed(arguments.iter().copied()), |log| Self(Repr::Log(log)))
    }

    /// Fields and values, one after the other, from elsewhere; they are copied.
    #[expect(clippy::needless_pass_by_value, reason = "as the other values take theirs")]
    pub fn from_pairs(strings: Vec<Bytes<'a>>) -> Self {
        Self::packed(strings.iter().map(|string| &**string))
    }

    /// Fields and values, one after the other, copied.
    pub fn packed<'s>(strings: impl Iterator<Item = &'s [u8]> + Clone) -> Self {
        let mut packed =
            Vec::with_capacity(strings.clone().map(|string| header_length(string) + string.len() + 2).sum());
        for string in strings {
            resp::write_bulk_string(&mut packed, string);
        }
        Self(Repr::Packed(Box::new(packed.into_boxed_slice())))
    }

    /// All of it as RESP bulk strings, with lengths written as servers write them: what an `XADD` has after the id.
    pub fn as_resp(&self) -> &[u8] {
        match &self.0 {
            Repr::Log(bytes) => bytes,
            Repr::Packed(bytes) => bytes,
        }
    }

    /// Brings them into the cache, if they are short.
    #[inline]
    pub(crate) fn prefetch(&self) {
        let bytes = self.as_resp();
        prefetch((bytes.first().copied(), bytes.last().copied()));
    }

    /// How many pairs of field and value there are.
    pub fn len(&self) -> usize {
        self.strings().count() / 2
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.as_resp().is_empty()
    }

    /// The fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let mut strings = self.strings();
        std::iter::from_fn(move || Some((strings.next()?, strings.next()?)))
    }

    /// The fields and values, one after the other.
    pub fn strings(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let bytes = self.as_resp();
        let mut at = 0;
        std::iter::from_fn(move || {
            let (string, behind) = resp::bulk_string(bytes, at)?;
            at = behind;
            Some(string)
        })
    }
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self(Repr::Log(&[]))
    }
}

impl PartialEq for Fields<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_resp() == other.as_resp()
    }
}

impl Eq for Fields<'_> {}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs =
            self.iter().map(|(field, value)| (field.escape_ascii().to_string(), value.escape_ascii().to_string()));
        f.debug_list().entries(pairs).finish()
    }
}

/// The length of the line before a bulk string, as servers write it.
fn header_length(string: &[u8]) -> usize {
    let digits = string.len().checked_ilog10().unwrap_or_default() + 1;
    digits as usize + 3
}

/// The part of a record that is these arguments, from the first one's `$` to the line end after the last.
///
/// Every argument must lie where a server would have written it after the one before. What is between two of them is
/// then a line end and a length without a superfluous byte, since it was read as such.
fn slice_of<'a>(arguments: &[&'a [u8]], record: &'a [u8]) -> Option<&'a [u8]> {
    let first = arguments.first()?;
    let start = first.as_ptr().addr().checked_sub(record.as_ptr().addr())?.checked_sub(header_length(first))?;
    let mut end = start;
    for argument in arguments {
        end += header_length(argument);
        if argument.as_ptr().addr() != record.as_ptr().addr() + end {
            return None;
        }
        end += argument.len() + 2;
    }
    record.get(start..end).filter(|slice| slice.starts_with(b"$"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_take_two_words() {
        assert_eq!(size_of::<Fields<'_>>(), 16);
    }

    #[test]
    fn what_is_not_as_servers_write_it_is_copied() {
        let record = b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$3\r\n1-1\r\n$01\r\nf\r\n$1\r\nv\r\n";
        let mut arguments: Vec<&[u8]> = Vec::new();
        resp::parse(record, 0, &mut arguments).unwrap();
        let fields = Fields::from_arguments(&arguments[3..], record);
        assert!(matches!(fields.0, Repr::Packed(_)));
        assert_eq!(fields.as_resp(), b"$1\r\nf\r\n$1\r\nv\r\n");
        // Arguments of another record, and none.
        let other: Vec<&[u8]> = vec![b"f", b"v"];
        assert_eq!(Fields::from_arguments(&other, record), fields);
        assert_eq!(Fields::from_arguments(&other, b""), fields);
        assert!(Fields::from_arguments(&[], record).is_empty());
    }

    proptest! {
        #[test]
        fn fields_are_what_they_were_made_of(
            strings in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 2..20),
            long in 0..3000_usize,
        ) {
            let mut strings = strings;
            strings.push(vec![b'l'; long]);
            if strings.len() % 2 == 1 {
                strings.push(Vec::new());
            }
            let mut words: Vec<&[u8]> = vec![b"XADD", b"", b"1-1"];
            words.extend(strings.iter().map(Vec::as_slice));
            let mut log = b"before".to_vec();
            resp::write_command(&mut log, &words);
            let record = &log[6..];
            let mut arguments: Vec<&[u8]> = Vec::new();
            resp::parse(record, 0, &mut arguments).unwrap();
            let borrowed = Fields::from_arguments(&arguments[3..], record);
            prop_assert!(matches!(borrowed.0, Repr::Log(_)));
            let copied = Fields::from_pairs(strings.iter().map(|string| Bytes::borrowed(string)).collect());
            prop_assert_eq!(&borrowed, &copied);
            prop_assert_eq!(copied.len(), strings.len() / 2);
            let read = borrowed.iter().flat_map(|(field, value)| [field.to_vec(), value.to_vec()]);
            let read: Vec<Vec<u8>> = read.collect();
            prop_assert_eq!(read, strings);
        }
    }
}
