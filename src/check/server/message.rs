//! What a server logs when it refuses, so that people find it in their log again.

use super::verdict::{Outcome, Reason, ShortRead, Verdict, Words};
use crate::server::Server;

/// The longest line that servers log, in bytes (`LOG_MAX_LEN`, and a NUL).
pub const LOG_LINE_LIMIT: usize = 1023;

impl Verdict {
    /// The lines that the server logs when it refuses or cuts, in order, without their prefix of process and time.
    ///
    /// `file_name` is the part's, as the manifest has it. Bytes of the log come as the server prints them, raw: escape
    /// them before they reach a terminal. Empty when it loads, and for crashes: what a crash leaves in the log is not
    /// reproduced.
    pub fn log_lines(&self, file_name: &str) -> Vec<Vec<u8>> {
        match &self.outcome {
            Outcome::Refuses { reason, .. } => reason.log_lines(self.server, file_name),
            Outcome::LoadsAndCuts { cut, .. } => cut_lines(self.server, file_name, cut.at, cut.cause),
            _ => Vec::new(),
        }
    }
}

impl Reason {
    /// What `server` logs when it refuses for this reason; see [`Verdict::log_lines`].
    pub fn log_lines(&self, server: Server, file_name: &str) -> Vec<Vec<u8>> {
        let mut lines = self.whole_lines(server, file_name);
        for line in &mut lines {
            line.truncate(LOG_LINE_LIMIT);
        }
        lines
    }

    fn whole_lines(&self, server: Server, file_name: &str) -> Vec<Vec<u8>> {
        let name = NameOf { server, file_name };
        match self {
            Self::UnknownCommand(words) if server.is_valkey() => vec![valkey_error(file_name, &unknown_command(words))],
            Self::UnknownSubcommand(words) => vec![valkey_error(file_name, &unknown_subcommand(words))],
            Self::UnknownCommand(words) => {
                let line = [b"Unknown command '".as_slice(), words.text(0), b"' reading the append only file"].concat();
                vec![[line, name.suffix().into_bytes()].concat()]
            }
            Self::WrongArity { command } => {
                let error = format!("wrong number of arguments for '{command}' command");
                vec![valkey_error(file_name, error.as_bytes())]
            }
            // The line goes on with the offset, the advice and the length of the rest.
            Self::BadFormat { .. } if server == Server::Redis86 => {
                vec![format!("Bad file format reading the append only file {} at offset ", name.path()).into_bytes()]
            }
            Self::BadFormat { .. } => vec![
                format!(
                    "Bad file format reading the append only file{}: make a backup of your AOF file, then use \
                     ./{}-check-aof --fix <{}>",
                    name.suffix(),
                    name.product(),
                    name.argument()
                )
                .into_bytes(),
            ],
            // The rest of the line is the C library's text for an error that did not happen.
            Self::UnreadableLine => {
                vec![format!("Unrecoverable error reading the append only file{}: ", name.suffix()).into_bytes()]
            }
            Self::UnexpectedEnd(cause) => {
                let mut lines = revert_lines(&name, *cause);
                lines.push(unexpected_end(&name));
                lines
            }
            Self::CutBeforeTheLast(cut) => {
                let mut lines = cut_lines(server, file_name, cut.at, cut.cause);
                lines.push(b"Fatal error: the truncated file is not the last file".to_vec());
                lines
            }
            Self::RdbUnsupported { version: Some(version) } => {
                vec![format!("Can't handle RDB format version {version}").into_bytes()]
            }
            // The server names a line of its own source.
            Self::RdbDamage { .. } | Self::RdbUnsupported { version: None } | Self::DamagedPayload(_) => Vec::new(),
            Self::MissingPart => vec![
                format!("Unable to obtain the AOF file {file_name} length. stat: No such file or directory")
                    .into_bytes(),
            ],
            Self::Manifest(message) => vec![message.clone().into_bytes()],
        }
    }
}

/// The ways in which a file is named in a message.
struct NameOf<'n> {
    server: Server,
    file_name: &'n str,
}

impl NameOf<'_> {
    /// Redis 6.2 does not name the file.
    fn suffix(&self) -> String {
        if self.server == Server::Redis62 { String::new() } else { format!(" {}", self.file_name) }
    }

    /// Where Redis 8.6 names the file with its directory, which is the default one here.
    fn path(&self) -> String {
        let directory = if self.server == Server::Redis86 { "appendonlydir/" } else { "" };
        format!("{directory}{}", self.file_name)
    }

    fn product(&self) -> &'static str {
        if self.server.is_valkey() { "valkey" } else { "redis" }
    }

    fn argument(&self) -> &'static str {
        if self.server == Server::Redis62 { "filename" } else { "filename.manifest" }
    }
}

fn revert_lines(name: &NameOf<'_>, cause: ShortRead) -> Vec<Vec<u8>> {
    match cause {
        ShortRead::Record => Vec::new(),
        ShortRead::Transaction => {
            vec![format!("Revert incomplete MULTI/EXEC transaction in AOF file{}", name.suffix()).into_bytes()]
        }
    }
}

fn unexpected_end(name: &NameOf<'_>) -> Vec<u8> {
    format!(
        "Unexpected end of file reading the append only file{}. You can: 1) Make a backup of your AOF file, then use \
         ./{}-check-aof --fix <{}>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes \
         and restart the server.",
        name.suffix(),
        name.product(),
        name.argument()
    )
    .into_bytes()
}

fn cut_lines(server: Server, file_name: &str, at: u64, cause: ShortRead) -> Vec<Vec<u8>> {
    let name = NameOf { server, file_name };
    let mut lines = revert_lines(&name, cause);
    let [short, cutting, loaded] = if server == Server::Redis62 {
        [
            "!!! Warning: short read while loading the AOF file !!!".to_owned(),
            format!("!!! Truncating the AOF at offset {at} !!!"),
            "AOF loaded anyway because aof-load-truncated is enabled".to_owned(),
        ]
    } else {
        [
            format!("!!! Warning: short read while loading the AOF file {file_name}!!!"),
            format!("!!! Truncating the AOF {file_name} at offset {at} !!!"),
            format!("AOF {} loaded anyway because aof-load-truncated is enabled", name.path()),
        ]
    };
    lines.extend([short, cutting, loaded].map(String::into_bytes));
    lines
}

fn valkey_error(file_name: &str, error: &[u8]) -> Vec<u8> {
    let mut line = format!("Error reading the append only file {file_name}, error: ").into_bytes();
    line.extend(error.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }));
    line
}

/// As much of a word as `%.128s` prints.
fn at_most_128(word: &[u8]) -> &[u8] {
    word.get(..128).unwrap_or(word)
}

fn unknown_command(words: &Words) -> Vec<u8> {
    let mut arguments: Vec<u8> = Vec::new();
    for index in 1..words.0.len() {
        let Some(room) = 128_usize.checked_sub(arguments.len()).filter(|room| *room > 0) else { break };
        let word = words.text(index);
        arguments.push(b'\'');
        arguments.extend_from_slice(word.get(..room).unwrap_or(word));
        arguments.extend_from_slice(b"' ");
    }
    let name = at_most_128(words.text(0));
    [b"unknown command '".as_slice(), name, b"', with args beginning with: ", &arguments].concat()
}

fn unknown_subcommand(words: &Words) -> Vec<u8> {
    let container = words.text(0).to_ascii_uppercase();
    let name = at_most_128(words.text(1));
    [b"unknown subcommand '".as_slice(), name, b"'. Try ", &container, b" HELP."].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(reason: &Reason, server: Server) -> Vec<String> {
        let lines = reason.log_lines(server, "a.aof.1.incr.aof");
        lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn an_unknown_command_is_named_as_each_server_names_it() {
        let words = |list: &[&str]| Words(list.iter().map(|word| word.as_bytes().to_vec()).collect());
        let reason = Reason::UnknownCommand(words(&["FOO\0x", "b\r\nc", "d"]));
        assert_eq!(lines(&reason, Server::Redis62), ["Unknown command 'FOO' reading the append only file"]);
        assert_eq!(
            lines(&reason, Server::Redis80),
            ["Unknown command 'FOO' reading the append only file a.aof.1.incr.aof"]
        );
        assert_eq!(
            lines(&reason, Server::Valkey9),
            ["Error reading the append only file a.aof.1.incr.aof, error: unknown command 'FOO', with args beginning \
              with: 'b  c' 'd' "]
        );
        let subcommand = Reason::UnknownSubcommand(words(&["xgroup", "foo"]));
        assert_eq!(
            lines(&subcommand, Server::Valkey8),
            ["Error reading the append only file a.aof.1.incr.aof, error: unknown subcommand 'foo'. Try XGROUP HELP."]
        );
    }

    #[test]
    fn redis_8_6_names_the_directory_where_the_format_is_bad() {
        let reason = Reason::BadFormat { at: 30 };
        assert_eq!(
            lines(&reason, Server::Redis86),
            ["Bad file format reading the append only file appendonlydir/a.aof.1.incr.aof at offset "]
        );
        assert_eq!(
            lines(&reason, Server::Redis82),
            ["Bad file format reading the append only file a.aof.1.incr.aof: make a backup of your AOF file, then \
                 use ./redis-check-aof --fix <filename.manifest>"]
        );
    }

    #[test]
    fn no_line_is_longer_than_servers_log() {
        let reason = Reason::UnknownCommand(Words(vec![vec![b'x'; 1024]; 45]));
        for server in Server::ALL {
            assert!(lines(&reason, server).iter().all(|line| line.len() <= 1023));
        }
        assert_eq!(lines(&reason, Server::Redis80)[0].len(), 1023);
    }
}
