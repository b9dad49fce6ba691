//! Which incr files follow a base.

use super::files::{Directory, Found};
use super::{BACKUP, Base, Certain, Doubt, Evidence, Judged};
use crate::aof::manifest::Kind;

/// The incrs that follow `base`, by sequence number; every one that counts if that is lost.
pub(super) fn choose<'d>(
    found: &'d Directory,
    evidence: &Evidence,
    base: Option<&Base<'_>>,
    judged: &mut Vec<Judged>,
) -> Certain<Vec<&'d Found>> {
    let doubt = |file: &Found, reason: String| Doubt { file: file.path.clone(), reason, advice: BACKUP.to_owned() };
    let mut live: Vec<&Found> = Vec::new();
    for file in found.of_kind(Kind::Incr) {
        let (kind, reason) = match evidence.kind_of(&file.name) {
            Some(Kind::History) => (None, "the manifest says that a rewrite has replaced it"),
            Some(_) if base.is_some_and(|base| !base.is_named) && is_older(file, base) => {
                let reason = "the manifest names this incr but no base, and the base that is there was begun after \
                              it was last written";
                return Err(doubt(file, reason.to_owned()));
            }
            Some(_) => (Some(Kind::Incr), "the manifest names it"),
            None if !evidence.has_gaps => (None, "the manifest does not name it, and every line of it can be read"),
            None if is_older(file, base) => (None, "it was last written before the base was begun, which holds it"),
            None => (Some(Kind::Incr), "its name makes it a part after the base, and no line says otherwise"),
        };
        if kind.is_some() {
            live.push(file);
        } else if let Some(earlier) = live.first() {
            let reason = format!("{reason}; but {}, with a lower number, is not left out", earlier.path.display());
            return Err(doubt(file, reason));
        }
        judged.push(file.judged(kind, reason.to_owned()));
    }
    let Some(last) = live.last() else {
        if base.is_some() && !evidence.absent.is_empty() {
            return Ok(live);
        }
        let reason = "no incr file follows this base, though a server always keeps one".to_owned();
        return Err(base.map_or_else(|| nothing_left(found), |base| doubt(base.found, reason)));
    };
    for pair in live.windows(2) {
        let [one, next] = pair else { continue };
        if (one.sequence + 1..next.sequence).any(|between| !evidence.absent.contains(&between)) {
            let reason = format!(
                "the incr before it has the number {}, and this one {}: what lies between them is not there",
                one.sequence, next.sequence
            );
            return Err(doubt(next, reason));
        }
    }
    // The base before may still have its incrs here, with what the newer base holds already.
    let Some(base) = base else { return Ok(live) };
    let all_named = base.is_named && live.iter().all(|file| evidence.kind_of(&file.name) == Some(Kind::Incr));
    if base.has_earlier && !all_named {
        // Times that were lost when the directory was copied show nothing: one incr at least must be older.
        let times_tell = found.of_kind(Kind::Incr).any(|file| is_older(file, Some(base)));
        let is_newer = |file: &Found| base.begun.is_some_and(|begun| file.modified > begun);
        let mut before_last = live.iter().filter(|file| file.sequence != last.sequence);
        if let Some(file) = before_last.find(|file| !times_tell || !is_newer(file)) {
            let reason =
                "there is an earlier base too, and nothing says whether the newer base holds this incr already";
            return Err(doubt(file, reason.to_owned()));
        }
    }
    Ok(live)
}

/// Servers refuse an empty manifest.
fn nothing_left(found: &Directory) -> Doubt {
    let reason = "no file that the manifest names is there".to_owned();
    Doubt { file: found.path.clone(), reason, advice: BACKUP.to_owned() }
}

/// Whether the file was last written before the base was begun, in an earlier second. An empty one adds nothing, and
/// may have waited for long.
fn is_older(file: &Found, base: Option<&Base<'_>>) -> bool {
    let begun = base.and_then(|base| base.begun);
    file.length > 0 && begun.is_some_and(|begun| file.modified < begun)
}
