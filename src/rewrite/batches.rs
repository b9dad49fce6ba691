//! Batches of keys, made into text by several threads and written in order.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use super::Options;
use super::ordered::{Ordered, Rest};
use super::source::{Batch, Source, Values};
use crate::keyspace::Keyspace;
use crate::threads;

/// The keys that are still to be written, and where their text goes.
pub(super) struct Batches<'k, 'a, 'p, W> {
    /// The keys, and the number of the next batch.
    source: Mutex<(Source<'k, 'a, 'p>, u64)>,
    output: Ordered<W>,
}

impl<'k, 'a, W: Write> Batches<'k, 'a, '_, W> {
    /// The next batch, and its number; none after the last, or when writing failed.
    pub(super) fn next(&self) -> Option<(Batch<'k, 'a>, u64)> {
        if self.output.has_failed() {
            return None;
        }
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = source.0.next_batch()?;
        source.1 += 1;
        Some((batch, source.1 - 1))
    }

    /// Writes text of the batch with this number, when its turn has come.
    pub(super) fn write(&self, number: u64, bytes: &[u8], rest: Rest) {
        self.output.write(number, bytes, rest);
    }
}

/// Lets threads make the text of all keys that are wanted; what each of them returned, and how many bytes were written.
///
/// # Errors
/// The first that `out` returned.
pub(super) fn write_all<'k, 'a, 'p, W: Write + Send, R: Send>(
    keyspace: &'k Keyspace<'a>,
    (options, values): (Options<'p>, Values),
    out: W,
    make: impl Fn(&Batches<'k, 'a, 'p, W>) -> R + Sync,
) -> io::Result<(Vec<R>, u64)> {
    let source = Mutex::new((Source::new(keyspace, options, values), 0));
    let batches = Batches { source, output: Ordered::new(out) };
    let made = threads::for_each(0..options.threads.get(), |_| make(&batches));
    Ok((made, batches.output.finish()?))
}
