//! `--server`: the version that a log is judged by or written for, as typed and as resolved.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::aof::producer::ServerChoice;
use crate::server::Release;

/// What takes the server from the log.
const AUTO: &str = "auto";

/// The flag, which check, fix, rewrite and digest share.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct ServerArgument {
    /// Server version to emulate
    ///
    /// With auto, it is the server that the RDB in the log names, unless the log has commands that only a newer server
    /// knows. Otherwise it is the newest server that knows all commands of the log, Redis before Valkey. A version that
    /// was not tried behaves like the next newer one; the report says so.
    #[arg(long, value_name = "VERSION", value_parser = choice(), default_value = AUTO, aliases = ["as", "target"])]
    pub(super) server: ServerChoice,
}

fn choice() -> impl TypedValueParser<Value = ServerChoice> {
    let names = [AUTO].into_iter().chain(Release::ALL.map(Release::name));
    PossibleValuesParser::new(names).map(|name| Release::named(&name).map_or(ServerChoice::Auto, ServerChoice::Given))
}
