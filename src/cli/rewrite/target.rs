//! Which version a rewrite is for.

use crate::Server;
use crate::aof::producer::{ChosenServer, Evidence};
use crate::cli::console::hinted;
use crate::command::apply::EntriesRead;
use crate::keyspace::Keyspace;
use crate::rewrite::{self, Base, FIELD_EXPIRY};
use crate::server::{Product, Release};

/// The version that must load the new log, and the reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChosenTarget {
    pub(super) server: ChosenServer,
    /// `None` for the oldest that holds the data.
    pub(super) target: Option<Release>,
}

/// What ENTRIESREAD sets on the server that was typed or that the RDB in the log names. Where the commands alone tell
/// which servers the log may be from, the number is kept as given.
pub(super) fn entries_read(server: ChosenServer) -> EntriesRead {
    match server.evidence {
        Evidence::Option | Evidence::Rdb if server.server().limits_entries_read() => EntriesRead::AtMostAdded,
        _ => EntriesRead::AsGiven,
    }
}

/// Whether an RDB for this release is the one of two that fields that expire can be written into: Valkey has another.
fn is_of_redis_alone(oldest: Release) -> bool {
    let product = oldest.server().product();
    product == Product::Redis && FIELD_EXPIRY.version(product) == Some(oldest.version())
}

impl ChosenTarget {
    /// The version that was typed, else that of the server that the RDB in the log names: what it cannot hold is
    /// refused rather than written for a newer one.
    ///
    /// Commands tell which server is new enough, and the one that wrote them may be older than the newest of those: it
    /// must load the new log too, so the target is the oldest that holds the data then.
    ///
    /// # Errors
    /// For an RDB with fields that expire, which Redis and Valkey encode differently, where nothing says which of them
    /// the log is for.
    pub(super) fn of(server: ChosenServer, keyspace: &Keyspace<'_>, base: Base) -> anyhow::Result<Self> {
        let is_divided = || base == Base::Rdb && is_of_redis_alone(rewrite::oldest(keyspace));
        let target = match server.evidence {
            Evidence::Option | Evidence::Rdb => Some(server.release.target()),
            Evidence::Commands if server.server().is_valkey() => is_divided().then_some(server.release.target()),
            Evidence::Default if is_divided() => {
                let message = "the log does not say whether Redis or Valkey wrote it, and neither loads the other's \
                               RDB with fields that expire";
                return Err(hinted(message.to_owned(), "--server VERSION names the server".to_owned()));
            }
            Evidence::Commands | Evidence::Default => None,
        };
        Ok(Self { server, target })
    }

    /// The version that wrote the log, as far as that is known.
    pub(super) fn source(self) -> Option<Release> {
        (self.server.evidence == Evidence::Rdb).then(|| self.server.release.target())
    }

    /// The server that the new log is checked for before it takes the place of the old one.
    pub(super) fn checked_for(self) -> Server {
        self.server.server()
    }
}
