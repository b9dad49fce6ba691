//! Hashes: fields and values packed one after another, with a table once they are many.

use std::fmt;

use super::bytes::Bytes;
use super::records::{Expiry, Record, Records, Strings};
use super::text::Text;

/// A hash: fields, each with a value and perhaps an expiry, in the order in which they came.
///
/// Short fields and values are packed, one byte each beside their own, eight more where a field ever expired, and five
/// or so for the table once they are more than a few; long ones borrow from the log. A field whose value or expiry
/// needs more room than it had may become the last one.
#[derive(Clone, Default)]
pub struct Hash<'a>(Records<'a, 2>);

/// A field's value, and when the field expires, on their way into a hash or out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The value.
    pub value: Bytes<'a>,
    /// When the field expires, in milliseconds of Unix time; not negative.
    pub expiry: Option<i64>,
}

/// A field's value, and when the field expires, as they lie in a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRef<'h> {
    /// The value.
    pub value: &'h [u8],
    /// When the field expires, in milliseconds of Unix time.
    pub expiry: Option<i64>,
}

impl<'h> From<Strings<'h>> for FieldRef<'h> {
    #[inline]
    fn from(strings: Strings<'h>) -> Self {
        Self { value: strings.value, expiry: strings.expiry }
    }
}

impl<'a> Hash<'a> {
    /// How many fields there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it is made of.
    #[inline]
    pub(super) const fn records(&self) -> &Records<'a, 2> {
        &self.0
    }

    /// Whether there is such a field.
    #[inline]
    pub fn contains(&self, field: &[u8]) -> bool {
        self.0.find(field).is_some()
    }

    /// A field's value and expiry.
    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<FieldRef<'_>> {
        let record: Record = self.0.find(field)?;
        Some(self.0.strings(&record).into())
    }

    /// Gives a field a value and an expiry, or none; whether it is new.
    pub fn insert(&mut self, field: impl Into<Text<'a>>, content: Field<'a>) -> bool {
        self.0.insert(field.into(), content.value.into(), Expiry::Set(content.expiry))
    }

    /// Gives a field a value, and no expiry; whether it is new.
    #[inline]
    pub fn set(&mut self, field: impl Into<Text<'a>>, value: impl Into<Text<'a>>) -> bool {
        self.0.insert(field.into(), value.into(), Expiry::Set(None))
    }

    /// Gives a field a value, and lets it keep its expiry; whether it is new.
    pub fn set_keeping_expiry(&mut self, field: impl Into<Text<'a>>, value: impl Into<Text<'a>>) -> bool {
        self.0.insert(field.into(), value.into(), Expiry::Keep)
    }

    /// Gives a field a value and an expiry, not negative; whether it is new.
    pub fn set_expiring(&mut self, field: impl Into<Text<'a>>, value: impl Into<Text<'a>>, expiry: i64) -> bool {
        self.0.insert(field.into(), value.into(), Expiry::Set(Some(expiry)))
    }

    /// Sets when a field expires, not negative; whether there is such a field.
    pub fn set_expiry(&mut self, field: &[u8], expiry: Option<i64>) -> bool {
        let found = self.0.find(field);
        if let Some(record) = &found {
            self.0.set_expiry(record, expiry);
        }
        found.is_some()
    }

    /// Removes a field.
    pub fn remove(&mut self, field: &[u8]) -> Option<Field<'a>> {
        let record = self.0.find(field)?;
        let expiry = self.0.strings(&record).expiry;
        Some(Field { value: self.0.take(&record), expiry })
    }

    /// Removes a field; whether there was one.
    #[inline]
    pub fn delete(&mut self, field: &[u8]) -> bool {
        let found = self.0.find(field);
        if let Some(record) = &found {
            self.0.remove(record);
        }
        found.is_some()
    }

    /// Removes those fields for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(FieldRef<'_>) -> bool) {
        self.0.retain(|strings| keep(strings.into()));
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], FieldRef<'_>)> + Clone {
        self.0.iter().map(|strings| (strings.key, strings.into()))
    }
}

impl fmt::Debug for Hash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        f.debug_map()
            .entries(self.iter().map(|(field, content)| (shown(field), (shown(content.value), content.expiry))))
            .finish()
    }
}
