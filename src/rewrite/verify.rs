//! Whether a log that was written holds the data that it is to hold.

use super::Lost;
use crate::aof::log::{Log, Part};
use crate::digest::{Total, digest, fingerprint};
use crate::input::Input;
use crate::keyspace::Keyspace;
use crate::plural::counted;
use crate::replay::{self, Unknown, replay};
use crate::server::{Product, Server};
use crate::{Error, ErrorKind, Result};

/// Replays a log that was written and compares it with the keyspace, of which certain keys were `wanted`; returns the
/// digest of its data. `lost` is what it could not hold, and is not compared.
///
/// # Errors
/// Those of opening the log, and [`ErrorKind::Refused`] if the data differs.
pub fn verify(
    log: &Log,
    keyspace: &Keyspace<'_>,
    wanted: &(dyn Fn(u32, &[u8]) -> bool + Sync),
    lost: Lost,
    options: replay::Options<'_>,
) -> Result<Total> {
    let inputs = log.parts.iter().map(Part::open).collect::<Result<Vec<_>>>()?;
    let bytes: Vec<&[u8]> = inputs.iter().map(Input::bytes).collect();
    let again = replay(&bytes, replay::Options { unknown: Unknown::Keep, ..options });
    let total = digest(keyspace, judge(lost), 0, wanted);
    let (found, expected) = if lost.is_nothing() {
        // All that a log can say, which is more than a server's digest covers.
        (fingerprint(&again.keyspace, &|_, _| true), fingerprint(keyspace, wanted))
    } else {
        (digest(&again.keyspace, judge(lost), 0, &|_, _| true), total.clone())
    };
    let functions =
        |keyspace: &Keyspace<'_>| keyspace.functions().values().map(|code| code.to_vec()).collect::<Vec<_>>();
    let is_same = found == expected
        && again.summary.failed == 0
        && again.summary.damaged.is_none()
        && (lost.functions > 0 || functions(&again.keyspace) == functions(keyspace));
    if is_same {
        return Ok(total);
    }
    let text = format!(
        "read back, the new log does not hold the same data ({} of {}, digest {} and not {}); please report this",
        found.keys,
        counted(expected.keys, "key"),
        found.digest,
        expected.digest
    );
    Err(Error::new(&log.path, ErrorKind::Refused(text)))
}

/// Whose digest tells apart all that the log can hold.
fn judge(lost: Lost) -> Server {
    let ignores_field_expiry =
        |server: Server| !server.digest_marks_expiring_fields() && !server.digest_skips_expired_fields();
    let without = Server::newest(Product::Redis, ignores_field_expiry).filter(|_| lost.field_expiries > 0);
    without.unwrap_or_default()
}
