//! Sets of servers.

use super::table::Server;

impl Server {
    /// The set of only this server.
    pub const fn set(self) -> ServerSet {
        ServerSet(1 << self as u16)
    }
}

/// A set of [`Server`]s, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ServerSet(u16);

impl ServerSet {
    /// No server.
    pub const NONE: Self = Self(0);
    /// Every server of [`Server::ALL`].
    pub const ALL: Self = Self((1 << Server::ALL.len()) - 1);
    /// The servers that write annotations and multi-part logs.
    pub const WITH_ANNOTATIONS: Self = {
        let mut servers = Self::NONE;
        let mut rest = Server::ALL.as_slice();
        while let [server, others @ ..] = rest {
            if server.skips_annotations() {
                servers = servers.or(server.set());
            }
            rest = others;
        }
        servers
    };

    /// The servers in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The servers in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The servers of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `server` is in the set.
    pub const fn contains(self, server: Server) -> bool {
        self.0 & server.set().0 != 0
    }

    /// The servers in the set, in the order of [`Server::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Server> {
        Server::ALL.into_iter().filter(move |server| self.contains(*server))
    }
}
