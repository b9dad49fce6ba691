//! Intsets (Redis `intset.c`): the width of a member, the number of members, the members in ascending order.

use super::{At, signed, u32_at};
use crate::rdb::fault::PackedFault;

const HEADER: usize = 8;

/// Checks the frame, and returns the members.
///
/// # Errors
/// [`PackedFault::TooShort`], [`PackedFault::Width`], [`PackedFault::TotalBytes`] or [`PackedFault::Empty`].
pub fn frame(blob: &[u8]) -> Result<Members<'_>, At> {
    let (Some(width), Some(count)) = (u32_at(blob, 0), u32_at(blob, 4)) else {
        return Err(At::new(0, PackedFault::TooShort));
    };
    let size = match width {
        2 => 2,
        4 => 4,
        8 => 8,
        _ => return Err(At::new(0, PackedFault::Width(width))),
    };
    let claimed = HEADER as u64 + u64::from(count) * size as u64;
    if claimed != blob.len() as u64 {
        return Err(At::new(4, PackedFault::TotalBytes { claimed, actual: blob.len() as u64 }));
    }
    if count == 0 {
        return Err(At::new(4, PackedFault::Empty));
    }
    Ok(Members { members: blob.get(HEADER..).unwrap_or_default(), width: size })
}

/// The members of an intset, in their order in the blob.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    members: &'a [u8],
    width: usize,
}

impl<'a> Members<'a> {
    /// The number of members.
    pub fn count(&self) -> u64 {
        (self.members.len() / self.width) as u64
    }

    /// Iterates over the members.
    pub fn iter(self) -> impl Iterator<Item = i64> + use<'a> {
        self.members.chunks_exact(self.width).map(signed)
    }

    /// Checks that they ascend.
    ///
    /// # Errors
    /// [`PackedFault::Order`] at the first that is not greater than the one before.
    pub fn ascend(self) -> Result<(), At> {
        let mut previous = None;
        for (index, member) in self.iter().enumerate() {
            if previous.is_some_and(|previous| member <= previous) {
                return Err(At::new(HEADER + index * self.width, PackedFault::Order));
            }
            previous = Some(member);
        }
        Ok(())
    }
}
