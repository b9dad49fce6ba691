//! Commands that manage a cluster.

use super::row::{Command, Group, SINCE_7_0, SINCE_7_2, SINCE_8_2, SINCE_8_4, VALKEY, VALKEY_9};

const GROUP: Group = Group::Cluster;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.control("asking", 1),
    GROUP.control("cluster", -2).subcommands(CLUSTER),
    GROUP.read("clusterscan", -2).servers(VALKEY_9),
    GROUP.control("readonly", 1),
    GROUP.control("readwrite", 1),
];

/// The subcommands of CLUSTER.
const CLUSTER: &[Command] = &[
    GROUP.control("cluster|addslots", -3).servers(SINCE_7_0),
    GROUP.control("cluster|addslotsrange", -4).servers(SINCE_7_0),
    GROUP.control("cluster|bumpepoch", 2).servers(SINCE_7_0),
    GROUP.control("cluster|cancelslotmigrations", 2).servers(VALKEY_9),
    GROUP.control("cluster|count-failure-reports", 3).servers(SINCE_7_0),
    GROUP.control("cluster|countkeysinslot", 3).servers(SINCE_7_0),
    GROUP.control("cluster|delslots", -3).servers(SINCE_7_0),
    GROUP.control("cluster|delslotsrange", -4).servers(SINCE_7_0),
    GROUP.control("cluster|failover", -2).servers(SINCE_7_0),
    GROUP.write("cluster|flushslot", -3).servers(VALKEY_9),
    GROUP.control("cluster|flushslots", 2).servers(SINCE_7_0),
    GROUP.control("cluster|forget", 3).servers(SINCE_7_0),
    GROUP.control("cluster|getkeysinslot", 4).servers(SINCE_7_0),
    GROUP.control("cluster|getslotmigrations", 2).servers(VALKEY_9),
    GROUP.control("cluster|help", 2).servers(SINCE_7_0),
    GROUP.control("cluster|info", 2).servers(SINCE_7_0),
    GROUP.control("cluster|keyslot", 3).servers(SINCE_7_0),
    GROUP.control("cluster|links", 2).servers(SINCE_7_0),
    GROUP.control("cluster|meet", -4).servers(SINCE_7_0),
    GROUP.control("cluster|migrateslots", -4).servers(VALKEY_9),
    GROUP.control("cluster|migration", -4).servers(SINCE_8_4),
    GROUP.control("cluster|myid", 2).servers(SINCE_7_0),
    GROUP.control("cluster|myshardid", 2).servers(SINCE_7_2),
    GROUP.control("cluster|nodes", 2).servers(SINCE_7_0),
    GROUP.control("cluster|replicas", 3).servers(SINCE_7_0),
    GROUP.control("cluster|replicate", 3).except(VALKEY_9, -3).servers(SINCE_7_0),
    GROUP.control("cluster|reset", -2).servers(SINCE_7_0),
    GROUP.control("cluster|saveconfig", 2).servers(SINCE_7_0),
    GROUP.control("cluster|set-config-epoch", 3).servers(SINCE_7_0),
    GROUP.control("cluster|setslot", -4).servers(SINCE_7_0),
    GROUP.control("cluster|shards", 2).servers(SINCE_7_0),
    GROUP.control("cluster|slaves", 3).servers(SINCE_7_0),
    GROUP.control("cluster|slot-stats", -4).servers(SINCE_8_2.or(VALKEY)),
    GROUP.control("cluster|slots", 2).servers(SINCE_7_0),
    GROUP.control("cluster|syncslots", -3).servers(SINCE_8_4.or(VALKEY_9)),
];
