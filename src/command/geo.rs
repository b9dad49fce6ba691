//! Commands on geospatial indices, which are sorted sets.

use super::apply::geo;
use super::keys::{FIRST, FIRST_TWO, KeyPositions};
use super::row::{Command, Group};

const GROUP: Group = Group::Geo;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("geoadd", -5).keyed(FIRST).applies(geo::geoadd),
    GROUP.read("geodist", -4).keyed(FIRST),
    GROUP.read("geohash", -2).keyed(FIRST),
    GROUP.read("geopos", -2).keyed(FIRST),
    GROUP.write("georadius", -6).keyed(KeyPositions::GeoRadius { options: 6 }).applies(geo::georadius),
    GROUP.read("georadius_ro", -6).keyed(FIRST),
    GROUP.write("georadiusbymember", -5).keyed(KeyPositions::GeoRadius { options: 5 }).applies(geo::georadiusbymember),
    GROUP.read("georadiusbymember_ro", -5).keyed(FIRST),
    GROUP.read("geosearch", -7).keyed(FIRST),
    GROUP.write("geosearchstore", -8).keyed(FIRST_TWO).applies(geo::geosearchstore),
];
