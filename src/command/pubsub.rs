//! Commands that publish and subscribe; channels are not keys.

use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::PubSub;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.control("psubscribe", -2),
    GROUP.control("publish", 3),
    GROUP.control("pubsub", -2).subcommands(PUBSUB),
    GROUP.control("punsubscribe", -1),
    GROUP.control("spublish", 3).since(redis(7, 0)),
    GROUP.control("ssubscribe", -2).since(redis(7, 0)),
    GROUP.control("subscribe", -2),
    GROUP.control("sunsubscribe", -1).since(redis(7, 0)),
    GROUP.control("unsubscribe", -1),
];

/// The subcommands of PUBSUB.
const PUBSUB: &[Command] = &[
    GROUP.control("pubsub|channels", -2).since(redis(7, 0)),
    GROUP.control("pubsub|help", 2).since(redis(7, 0)),
    GROUP.control("pubsub|numpat", 2).since(redis(7, 0)),
    GROUP.control("pubsub|numsub", -2).since(redis(7, 0)),
    GROUP.control("pubsub|shardchannels", -2).since(redis(7, 0)),
    GROUP.control("pubsub|shardnumsub", -2).since(redis(7, 0)),
];
