//! Sets: members packed one after another, with a table once they are many.

use std::fmt;

use super::records::{Expiry, Records};
use super::text::Text;

/// A set of strings, in the order in which they came.
///
/// Short members are packed, one byte beside their own, and four or so for the table once they are more than a few;
/// long ones borrow from the log.
#[derive(Clone, Default)]
pub struct Set<'a>(Records<'a, 1>);

impl<'a> Set<'a> {
    /// How many members there are.
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
    pub(super) const fn records(&self) -> &Records<'a, 1> {
        &self.0
    }

    /// Whether a string is a member.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.0.find(member).is_some()
    }

    /// Adds a member; whether it is new.
    #[inline]
    pub fn insert(&mut self, member: impl Into<Text<'a>>) -> bool {
        self.0.insert(member.into(), Text::Log(&[]), Expiry::Keep)
    }

    /// Removes a member; whether it was one.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let found = self.0.find(member);
        if let Some(record) = &found {
            self.0.remove(record);
        }
        found.is_some()
    }

    /// Removes the first members, up to so many.
    pub fn remove_first(&mut self, count: usize) {
        for _ in 0..count {
            let Some(record) = self.0.first() else { return };
            self.0.remove(&record);
        }
    }

    /// Removes those members for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        self.0.retain(|strings| keep(strings.key));
    }

    /// All members, in order, to put into another set.
    pub fn texts(&self) -> impl Iterator<Item = Text<'a>> {
        self.0.keys()
    }

    /// All members, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.0.iter().map(|strings| strings.key)
    }
}

impl fmt::Debug for Set<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|member| member.escape_ascii().to_string())).finish()
    }
}

impl<'a, T: Into<Text<'a>>> FromIterator<T> for Set<'a> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut set = Self::default();
        for member in members {
            set.insert(member);
        }
        set
    }
}
