//! `--server`: the version that a log is judged by or written for, as typed and as resolved.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::aof::log::{Log, Part};
use crate::aof::producer::ChosenServer;
use crate::input::Input;
use crate::server::Release;

/// What takes the server from the log.
const AUTO: &str = "auto";

/// The flag, which check, fix, rewrite and digest share.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct ServerArgument {
    /// Server version to emulate, or to write for
    ///
    /// With auto, it is the server that wrote the log: the one that the RDB in the log names, unless the log has
    /// commands that only a newer one knows; without an RDB the newest that knows the first 16 MiB of commands, Redis
    /// before Valkey. A version that was not tried behaves like the next newer one; the report says so.
    #[arg(long, value_name = "VERSION", value_parser = choice(), default_value = AUTO, aliases = ["as", "target"])]
    server: Choice,
}

/// The flag as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Auto,
    Given(Release),
}

fn choice() -> impl TypedValueParser<Value = Choice> {
    let names = [AUTO].into_iter().chain(Release::ALL.map(|release| release.name));
    PossibleValuesParser::new(names).map(|name| Release::named(&name).map_or(Choice::Auto, Choice::Given))
}

impl ServerArgument {
    /// The server that was typed, else that of the log.
    pub(super) fn resolve(self, log: &Log) -> ChosenServer {
        match self.server {
            Choice::Given(release) => ChosenServer::given(release),
            Choice::Auto => {
                // What cannot be read is reported by those who need it.
                let inputs: Vec<Input> = log.parts.iter().map_while(|part| Part::open(part).ok()).collect();
                self.resolve_inputs(&inputs)
            }
        }
    }

    /// The same, of parts that are open.
    pub(super) fn resolve_inputs(self, inputs: &[Input]) -> ChosenServer {
        match self.server {
            Choice::Given(release) => ChosenServer::given(release),
            Choice::Auto => ChosenServer::of_log(&inputs.iter().map(Input::bytes).collect::<Vec<_>>()),
        }
    }
}
