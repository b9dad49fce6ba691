//! `--server`: the version that a log is judged by or written for, as typed and as resolved.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::aof::producer::ServerChoice;
use crate::server::Release;

/// What takes the server from the log.
const AUTO: &str = "auto";

/// The flag, which check, fix, rewrite and digest share.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct ServerArgument {
    /// Server version to emulate, or to write for
    ///
    /// With auto, it is the server that wrote the log: the one that the RDB in the log names, unless the log has
    /// commands that only a newer one knows; without an RDB the newest that knows all commands, Redis before
    /// Valkey. A version that was not tried behaves like the next newer one; the report says so.
    #[arg(long, value_name = "VERSION", value_parser = choice(), default_value = AUTO, aliases = ["as", "target"])]
    pub(super) server: ServerChoice,
}

fn choice() -> impl TypedValueParser<Value = ServerChoice> {
    let names = [AUTO].into_iter().chain(Release::ALL.map(Release::name));
    PossibleValuesParser::new(names).map(|name| Release::named(&name).map_or(ServerChoice::Auto, ServerChoice::Given))
}
