//! Which commands survive too few arguments on servers that do not count them.
//!
//! Redis up to 8.0 runs whatever a log holds. A command that checks its number of arguments itself fails
//! cleanly; one that does not reads the memory after its arguments, which crashes the server or changes an unrelated
//! value.

/// Commands that load with fewer arguments than they take, and the smallest number with which they do (the names of
/// command and subcommand included).
///
/// Found by giving every command every smaller number of arguments on redis 6.2.14, 7.0.15 and 8.0.6, with the key
/// missing and holding a value of each type, after other commands and as the first, alone and in a transaction: these
/// never crashed, on any of the three that has them, nor did they on 8.2.3 and 8.6.3 in `tests/it/server_verdict.rs`.
/// (`PUBLISH` alone does when somebody has subscribed; `CLIENT SETINFO name` crashes 8.2.3.)
const SURVIVORS: &[(usize, &str)] = &[
    (
        1,
        "blpop brpop bzpopmax bzpopmin del exists geoadd hmset hset mget mset msetnx psubscribe spublish \
         ssubscribe subscribe sunion touch unlink watch xadd xpending xread xreadgroup xtrim zadd zincrby",
    ),
    (
        2,
        "acl|deluser acl|dryrun acl|getuser acl|setuser bitop client|caching client|kill client|no-evict \
         client|pause client|reply client|setname client|tracking client|unblock cluster|addslots \
         cluster|addslotsrange cluster|count-failure-reports cluster|countkeysinslot cluster|delslots \
         cluster|delslotsrange cluster|forget cluster|getkeysinslot cluster|keyslot cluster|meet cluster|replicas \
         cluster|replicate cluster|set-config-epoch cluster|setslot cluster|slaves config|get config|set evalsha \
         evalsha_ro fcall fcall_ro function|load geosearch hdel hmget latency|graph latency|history lmpop lpush \
         lpushx memory|usage module|load module|loadex module|unload object|encoding object|freq object|idletime \
         object|refcount rpush rpushx script|debug script|exists script|load sintercard smismember srem \
         sunionstore swapdb wait waitaof xdel xgroup|create xgroup|createconsumer xgroup|delconsumer \
         xgroup|destroy xgroup|setid zdiff zinter zintercard zmpop zmscore zrem zunion",
    ),
    (
        3,
        "blmpop bzmpop command|getkeys command|getkeysandflags geosearchstore hexpiretime hgetdel \
         hgetex hpersist hpexpiretime hpttl hsetex httl linsert xack xclaim xinfo|consumers zdiffstore zinterstore \
         zunionstore",
    ),
    (4, "blmove hexpire hexpireat hpexpire hpexpireat lmove"),
];

/// Whether the command of this name loads with `count` arguments, which are fewer than it takes.
pub(super) fn survives(name: &str, count: usize) -> bool {
    SURVIVORS.iter().any(|(least, names)| count >= *least && names.split(' ').any(|survivor| survivor == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command;

    #[test]
    fn every_survivor_is_a_command_that_takes_more_arguments() {
        for (least, names) in SURVIVORS {
            for name in names.split(' ') {
                let row = command::all().find(|row| row.name == name).expect(name);
                let mut servers = row.servers.iter().filter(|server| !server.checks_arity());
                assert!(servers.any(|server| *least < usize::from(row.arity.on(server).unsigned_abs())), "{name}");
            }
        }
    }
}
