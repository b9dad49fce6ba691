//! Memory for the copies that a scan reads its windows from.

/// The granularity of the page cache, or a divisor of it.
const PAGE: usize = 4096;

/// A thread's buffer for one copy after the other.
///
/// A copy lies at the same offset within its page as in the file. On processors where the kernel copies with `rep
/// movsb`, a target that is a few bytes further into its page than the source costs time: a fifth of the speed on AMD
/// Zen 5, three quarters on Zen 3. An allocator places a large buffer 16 bytes into a page, which is that case.
#[derive(Debug, Default)]
pub(super) struct CopyBuffer {
    memory: Vec<u8>,
}

impl CopyBuffer {
    /// The place for `length` bytes of the file from `offset` on, filled with whatever was there before.
    pub(super) fn place(&mut self, offset: usize, length: usize) -> &mut [u8] {
        let needed = length.saturating_add(PAGE);
        if self.memory.len() < needed {
            self.memory = vec![0; needed];
        }
        let skipped = offset.wrapping_sub(self.memory.as_ptr().addr()) % PAGE;
        self.memory.get_mut(skipped..skipped.saturating_add(length)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_offset_of_its_source_within_the_page() {
        let mut buffer = CopyBuffer::default();
        for (offset, length) in [(0, 1), (0, 300_000), (64, 300_000), (4095, 10), (4096, 0), (123_456, 400_000)] {
            let place = buffer.place(offset, length);
            assert_eq!(place.len(), length);
            assert_eq!(place.as_ptr().addr() % PAGE, offset % PAGE, "{offset}");
        }
    }
}
