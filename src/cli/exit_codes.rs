//! The exit codes of every subcommand: one table, from which the help, the man pages and the reference are made.

use std::process::ExitCode;

use clap::Command;

/// How a subcommand ended, as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// 0: the log is sound, or was made so.
    Sound = 0,
    /// 1: the log is damaged or differs, or the user declined.
    Unsound = 1,
    /// 2: the command line is wrong, or a file cannot be read or written.
    CannotSay = 2,
    /// 3: the log was changed and is sound now, where that is to be told from 0.
    Changed = 3,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// The heading of the exit codes in a help.
pub(super) const HEADING: &str = "Exit codes:";

const CHECK: &[(u8, &str)] = &[
    (0, "every log is sound"),
    (1, "a log is damaged, or the server does not load all of it"),
    (2, "a log or a directory cannot be read, or the command line is wrong"),
];

const FIX: &[(u8, &str)] = &[
    (0, "the log is sound, was made sound, or there is no log to fix yet"),
    (1, "the log is damaged and was not or could not be fixed, or the server does not load it"),
    (2, "a file cannot be read or written, or the command line is wrong"),
    (3, "the log was changed and is sound now (only with --detailed-exit-code)"),
];

const INSPECT: &[(u8, &str)] = &[
    (0, "the log was read to its end"),
    (1, "the log is damaged, or ends inside a transaction"),
    (2, "the log cannot be read, or the command line is wrong"),
];

const REWRITE: &[(u8, &str)] = &[
    (0, "the new log was written, or shown with --dry-run; the old one may have a torn end"),
    (1, "the old log is otherwise damaged, the change was declined, data would be lost, or no key matches"),
    (2, "a file cannot be read or written, or the command line is wrong"),
];

const DIGEST: &[(u8, &str)] = &[
    (0, "the log is sound"),
    (1, "the log is damaged (the digest is that of the sound part), or there is no such key"),
    (2, "the log cannot be read or replayed, or the command line is wrong"),
];

/// The exit codes of a subcommand, and what each means.
pub(super) fn of(subcommand: &str) -> &'static [(u8, &'static str)] {
    match subcommand {
        "check" => CHECK,
        "fix" => FIX,
        "inspect" => INSPECT,
        "rewrite" => REWRITE,
        "digest" => DIGEST,
        _ => &[],
    }
}

/// Adds the exit codes of each subcommand to the end of its help.
pub(super) fn document(command: Command) -> Command {
    command.mut_subcommands(|subcommand| {
        let codes = of(subcommand.get_name());
        if codes.is_empty() {
            return subcommand;
        }
        let lines: Vec<String> = codes.iter().map(|(code, meaning)| format!("  {code}  {meaning}")).collect();
        let after = |text: Option<String>| format!("{}\n\n{HEADING}\n{}", text.unwrap_or_default(), lines.join("\n"));
        let short = subcommand.get_after_help().map(ToString::to_string);
        let long = subcommand.get_after_long_help().map(ToString::to_string).or_else(|| short.clone());
        subcommand.after_help(after(short)).after_long_help(after(long))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_documents_its_exit_codes() {
        let command = crate::cli::arguments::command();
        for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
            let codes: Vec<u8> = of(subcommand.get_name()).iter().map(|(code, _)| *code).collect();
            let expected: &[u8] = if subcommand.get_name() == "fix" { &[0, 1, 2, 3] } else { &[0, 1, 2] };
            assert_eq!(codes, expected, "{}", subcommand.get_name());
            for help in [subcommand.get_after_help(), subcommand.get_after_long_help()] {
                let help = help.unwrap().to_string();
                assert_eq!(help.matches(HEADING).count(), 1, "{help}");
            }
        }
    }
}
