//! What unit tests share. The integration tests include these files in their harness as well.

pub(crate) mod damage;
mod log;
#[allow(dead_code, reason = "the integration tests use the rest")]
pub(crate) mod random;

use proptest::prelude::ProptestConfig;

use crate::resp::write_command;

pub(crate) use log::{command, log};

/// The number of cases of a property whose cases take longer, or cover less, than most, unless `PROPTEST_CASES` is set.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    if asked { ProptestConfig::default() } else { ProptestConfig::with_cases(usual) }
}
