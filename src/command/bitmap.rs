//! Commands on bitmaps, which are strings.

use super::apply::bitmap as apply;
use super::keys::{FIRST, from};
use super::row::{Command, Group};

const GROUP: Group = Group::Bitmap;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.read("bitcount", -2).keyed(FIRST),
    GROUP.write("bitfield", -2).keyed(FIRST).applies(apply::bitfield),
    GROUP.read("bitfield_ro", -2).keyed(FIRST),
    GROUP.write("bitop", -4).keyed(from(2)).applies(apply::bitop),
    GROUP.read("bitpos", -3).keyed(FIRST),
    GROUP.read("getbit", 3).keyed(FIRST),
    GROUP.write("setbit", 4).keyed(FIRST).applies(apply::setbit),
];
