//! The keys of one database, out of all shards.

use super::Entry;
use super::database::Entries;

/// The keys of a database, in the order in which they were first written.
#[derive(Debug, Clone)]
pub struct InOrder<'k, 'a> {
    /// The next key of each shard, and those after it.
    shards: Vec<(Option<Entry<'k, 'a>>, Entries<'k, 'a>)>,
}

impl<'k, 'a> InOrder<'k, 'a> {
    pub(super) fn new(shards: impl Iterator<Item = Entries<'k, 'a>>) -> Self {
        Self { shards: shards.map(|mut entries| (entries.next(), entries)).collect() }
    }
}

impl<'k, 'a> Iterator for InOrder<'k, 'a> {
    type Item = Entry<'k, 'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'k, 'a>> {
        let first = self.shards.iter_mut().filter_map(|shard| Some((shard.0.as_ref()?.created, shard)));
        let (next, entries) = first.min_by_key(|(created, _)| *created)?.1;
        std::mem::replace(next, entries.next())
    }
}
