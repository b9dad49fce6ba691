//! Which version a rewrite is for.

use crate::Server;
use crate::aof::producer::{ChosenServer, Evidence};
use crate::rewrite::Target;

/// The version that must load the new log, and the reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChosenTarget {
    pub(super) server: ChosenServer,
    /// `None` for the oldest that holds the data.
    pub(super) target: Option<Target>,
}

impl ChosenTarget {
    /// The version that was typed, else that of the server that the log names.
    ///
    /// Commands tell which server is new enough, and the one that wrote them may be older than the newest of those:
    /// it must load the new log too, so the target is the oldest that holds the data then. Only what Valkey alone
    /// knows is Valkey's.
    pub(super) fn of(server: ChosenServer) -> Self {
        let target = match server.evidence {
            Evidence::Option | Evidence::Rdb => Some(server.release.into()),
            Evidence::Commands if server.server().is_valkey() => Some(server.release.into()),
            Evidence::Commands | Evidence::Default => None,
        };
        Self { server, target }
    }

    /// The version that wrote the log, as far as that is known.
    pub(super) fn source(&self) -> Option<Target> {
        (self.server.evidence == Evidence::Rdb).then(|| self.server.release.into())
    }

    /// The server that the new log is checked for before it takes the place of the old one.
    pub(super) fn checked_for(&self) -> Server {
        self.server.server()
    }
}
