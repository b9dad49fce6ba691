//! Bytes that stand in a part twice, the second time where they tear a record apart.

use std::ops::Range;

use memchr::memmem;

use super::Mended;
use crate::aof::resync;
use crate::resp::{self, Head};

/// A repeated stretch.
#[derive(Debug, Clone)]
pub(super) struct Repeated {
    /// The bytes that are there a second time.
    pub(super) range: Range<usize>,
    /// Where the same bytes begin that stay.
    pub(super) original: usize,
    /// The record that is whole without them.
    pub(super) mended: Mended,
}

/// How far back the same bytes are searched: more than a disk or a file system writes at once.
pub(super) const REACH: usize = 16 << 20;
/// How far back they are searched where there is much damage.
pub(super) const SHORT_REACH: usize = 128 << 10;
/// Places looked at where the text is the same.
const PLACES: usize = 64;
/// The shortest text that is searched.
const SHORTEST: usize = 24;
/// The smallest block that a disk or a file system writes.
const BLOCK: usize = 512;
/// The longest.
const LONGEST: usize = 4096;

/// The bytes after the start of the record at `at` without which it is whole, if the same are at most `reach` before
/// it; `next` is the first whole record after that start.
pub(super) fn find(bytes: &[u8], at: usize, next: usize, reach: usize) -> Option<Repeated> {
    let mut end = next;
    while end - next < SHORTEST {
        end = resp::parse(bytes, end, &mut Head::default()).ok()?;
    }
    let text = bytes.get(next..end.min(next + LONGEST))?;
    let floor = at.saturating_sub(reach);
    // All of them forwards, which is several times as fast as the nearest first.
    let places: Vec<usize> = memmem::find_iter(bytes.get(floor..next)?, text).map(|place| floor + place).collect();
    places.into_iter().rev().take(PLACES).find_map(|original| around(bytes, at, next, original))
}

/// The repeated bytes around `next`, whose text is also at `original`.
fn around(bytes: &[u8], at: usize, next: usize, original: usize) -> Option<Repeated> {
    let distance = next - original;
    let is_same = |index: usize| bytes.get(index) == bytes.get(index.wrapping_sub(distance)) && index < bytes.len();
    let mut start = next;
    while start > at && start > distance && is_same(start - 1) {
        start -= 1;
    }
    let mut end = next;
    while end < start + distance && is_same(end) {
        end += 1;
    }
    // Records are often like earlier ones: what was written twice comes right after the first time, or is long.
    if end - start != distance && end - start < BLOCK {
        return None;
    }
    // Where the copy begins is not sharp: what goes may be moved as long as the bytes are the same.
    let mended = spliced(bytes, at, start, end)?;
    resync::goes_on(bytes, mended.record.end).then_some(Repeated {
        range: start..end,
        original: start - distance,
        mended,
    })
}

/// The record at `at`, if it is whole without the bytes from `start` to `end`.
fn spliced(bytes: &[u8], at: usize, start: usize, end: usize) -> Option<Mended> {
    /// More than this is not put together to look at it.
    const MOST: usize = 1 << 20;
    let head = bytes.get(at..start)?;
    let rest = bytes.get(end..)?;
    let rest = rest.get(..MOST).unwrap_or(rest);
    let spliced = [head, rest].concat();
    let mut words = Head::default();
    let length = resp::parse(&spliced, 0, &mut words).ok()?;
    let (name, second) = (words.name.to_vec(), words.second.to_vec());
    // It has bytes of both, or it would have been whole.
    (length > head.len()).then(|| Mended { record: at..end + length - head.len(), name, second })
}
