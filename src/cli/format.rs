//! `--format` of the subcommands that print one object: `fix`, `rewrite` and `digest`.

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs: one JSON object; the man page lists its fields
    Json,
}
