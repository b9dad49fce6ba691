//! Commands that manage a cluster.

use super::row::{Command, Group};
use crate::server::{redis, valkey};

const GROUP: Group = Group::Cluster;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.control("asking", 1),
    GROUP.control("cluster", -2).subcommands(CLUSTER),
    GROUP.read("clusterscan", -2).since(valkey(9, 1)),
    GROUP.control("readonly", 1),
    GROUP.control("readwrite", 1),
];

/// The subcommands of CLUSTER.
const CLUSTER: &[Command] = &[
    GROUP.control("cluster|addslots", -3).since(redis(7, 0)),
    GROUP.control("cluster|addslotsrange", -4).since(redis(7, 0)),
    GROUP.control("cluster|bumpepoch", 2).since(redis(7, 0)),
    GROUP.control("cluster|cancelslotmigrations", 2).since(valkey(9, 0)),
    GROUP.control("cluster|count-failure-reports", 3).since(redis(7, 0)),
    GROUP.control("cluster|countkeysinslot", 3).since(redis(7, 0)),
    GROUP.control("cluster|delslots", -3).since(redis(7, 0)),
    GROUP.control("cluster|delslotsrange", -4).since(redis(7, 0)),
    GROUP.control("cluster|failover", -2).since(redis(7, 0)),
    GROUP.write("cluster|flushslot", -3).since(valkey(9, 0)),
    GROUP.control("cluster|flushslots", 2).since(redis(7, 0)),
    GROUP.control("cluster|forget", 3).since(redis(7, 0)),
    GROUP.control("cluster|getkeysinslot", 4).since(redis(7, 0)),
    GROUP.control("cluster|getslotmigrations", 2).since(valkey(9, 0)),
    GROUP.control("cluster|help", 2).since(redis(7, 0)),
    GROUP.control("cluster|info", 2).since(redis(7, 0)),
    GROUP.control("cluster|keyslot", 3).since(redis(7, 0)),
    GROUP.control("cluster|links", 2).since(redis(7, 0)),
    GROUP.control("cluster|meet", -4).since(redis(7, 0)),
    GROUP.control("cluster|migrateslots", -4).since(valkey(9, 0)),
    GROUP.control("cluster|migration", -4).since(redis(8, 4)),
    GROUP.control("cluster|myid", 2).since(redis(7, 0)),
    GROUP.control("cluster|myshardid", 2).since(redis(7, 2)),
    GROUP.control("cluster|nodes", 2).since(redis(7, 0)),
    GROUP.control("cluster|replicas", 3).since(redis(7, 0)),
    GROUP.control("cluster|replicate", -3).before(valkey(9, 0), 3).since(redis(7, 0)),
    GROUP.control("cluster|reset", -2).since(redis(7, 0)),
    GROUP.control("cluster|saveconfig", 2).since(redis(7, 0)),
    GROUP.control("cluster|set-config-epoch", 3).since(redis(7, 0)),
    GROUP.control("cluster|setslot", -4).since(redis(7, 0)),
    GROUP.control("cluster|shards", 2).since(redis(7, 0)),
    GROUP.control("cluster|slaves", 3).since(redis(7, 0)),
    GROUP.control("cluster|slot-stats", -4).since(redis(8, 2).valkey(8, 0)),
    GROUP.control("cluster|slots", 2).since(redis(7, 0)),
    GROUP.control("cluster|syncslots", -3).since(redis(8, 4).valkey(9, 0)),
];
