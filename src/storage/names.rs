//! The names of the files that this program creates beside a log, so that they are not mistaken for logs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The part before the number in the name of a draft.
const DRAFT: &[u8] = b".aofkit-draft-";

/// The part before the number in the name of a directory of kept copies.
const KEPT: &[u8] = b".aofkit-kept-";

/// The part before the number in the name of a part that takes the place of another.
const FIXED: &[u8] = b".fixed-";

/// The maximum length of a target's name in the name of a draft, which must stay below the limit of 255 bytes of file
/// systems.
const NAME_LIMIT: usize = 200;

/// The name of a draft of a file: hidden, so that shell patterns do not match it.
pub(crate) fn draft_name(target: &OsStr, number: u32) -> OsString {
    let target = target.as_bytes();
    let target = target.get(..NAME_LIMIT).unwrap_or(target);
    numbered(&[b".", target, DRAFT].concat(), number)
}

/// The name of a directory of copies that were kept of a file.
pub(crate) fn kept_name(file: &OsStr, number: u32) -> OsString {
    numbered(&[file.as_bytes(), KEPT].concat(), number)
}

fn numbered(start: &[u8], number: u32) -> OsString {
    let mut name = OsStr::from_bytes(start).to_owned();
    name.push(number.to_string());
    name
}

/// The name of what takes the place of a part: `log.3.incr.aof` → `log.3.incr.fixed-1.aof`.
pub(crate) fn fixed_name(part: &OsStr, number: u32) -> OsString {
    let bytes = part.as_bytes();
    let (stem, extension) = bytes.split_at(memchr::memrchr(b'.', bytes).unwrap_or(bytes.len()));
    let stem = without_fix(stem);
    let mut name = numbered(&[stem.get(..NAME_LIMIT).unwrap_or(stem), FIXED].concat(), number);
    name.push(OsStr::from_bytes(extension));
    name
}

/// The name that a part had before [`fixed_name`], without its extension.
fn without_fix(stem: &[u8]) -> &[u8] {
    split(OsStr::from_bytes(stem), FIXED).map_or(stem, |(before, _)| before.as_bytes())
}

/// The name that a part had before [`fixed_name`].
pub(crate) fn unfixed_name(part: &[u8]) -> Vec<u8> {
    let (stem, extension) = part.split_at(memchr::memrchr(b'.', part).unwrap_or(part.len()));
    [without_fix(stem), extension].concat()
}

/// Whether this is the name of a draft.
pub(crate) fn is_draft(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".") && split(name, DRAFT).is_some()
}

/// The file of which a directory with this name holds copies, and the number of the directory.
pub(crate) fn kept_of(name: &OsStr) -> Option<(&OsStr, u32)> {
    split(name, KEPT)
}

/// Whether this is the name of something that this program creates beside a log.
pub(crate) fn is_ours(name: &OsStr) -> bool {
    is_draft(name) || kept_of(name).is_some()
}

fn split<'n>(name: &'n OsStr, infix: &[u8]) -> Option<(&'n OsStr, u32)> {
    let bytes = name.as_bytes();
    let at = memchr::memmem::rfind(bytes, infix)?;
    let (file, rest) = bytes.split_at_checked(at)?;
    let digits = std::str::from_utf8(rest.get(infix.len()..)?).ok()?;
    let number: u32 = digits.parse().ok()?;
    // `+1` and `01` parse too, but do not occur in names of this program.
    (number.to_string() == digits && !file.is_empty()).then_some((OsStr::from_bytes(file), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_the_file() {
        let file = OsStr::new("a.aof");
        assert_eq!(draft_name(file, 3), ".a.aof.aofkit-draft-3");
        assert!(is_draft(&draft_name(OsStr::new(&"x".repeat(255)), 7)));
        assert_eq!(kept_of(&kept_name(file, 12)), Some((file, 12)));
        for other in ["a.aof", "a.aof.aofkit-kept-", "a.aof.aofkit-kept-+1", "a.aof.aofkit-kept-01", ".aofkit-kept-1"] {
            assert!(!is_ours(OsStr::new(other)), "{other}");
        }
        assert!(!is_draft(OsStr::new("a.aofkit-draft-1")), "a draft is hidden");
    }
}
