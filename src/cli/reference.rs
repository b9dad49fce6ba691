//! `docs/reference.md`: exit codes, findings and JSON, from the tables that the program itself goes by.

use std::fmt::Write as _;

use super::exit_codes;
use crate::check::Code;

/// The whole page.
pub(super) fn page(command: &clap::Command) -> String {
    let mut page =
        "# Reference\n\nMade by `aofkit generate .` from the program's own tables.\n\n## Exit codes\n".to_owned();
    let subcommands = || command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    for subcommand in subcommands() {
        let codes = exit_codes::of(subcommand.get_name());
        if !codes.is_empty() {
            let _ = write!(page, "\n`aofkit {}`\n\n| code | meaning |\n|---|---|\n", subcommand.get_name());
        }
        for (code, meaning) in codes {
            let _ = writeln!(page, "| {code} | {meaning} |");
        }
    }
    page.push_str(FINDINGS);
    for code in Code::ALL {
        let severities: Vec<_> = code.severities().iter().map(|severity| severity.name()).collect();
        let (severities, cause) = (severities.join(" or "), code.cause().trim());
        let _ = write!(page, "### {code}\n\n**{severities}**: {cause}\n\n");
        let _ = write!(page, "- Example: {}\n- What to do: {}\n\n", code.example(), code.to_do());
    }
    page.push_str(include_str!("json.md"));
    page.push_str("\nThe objects of the other subcommands:\n\n");
    for subcommand in subcommands().filter(|subcommand| !matches!(subcommand.get_name(), "check" | "inspect")) {
        if let Some(fields) = fields(subcommand) {
            let _ = writeln!(page, "- **{}**: {fields}", subcommand.get_name());
        }
    }
    page
}

/// What the help of a subcommand says of its JSON: in a paragraph of its own, else beside the format.
fn fields(subcommand: &clap::Command) -> Option<String> {
    let help = subcommand.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let paragraph = help.split("\n\n").find(|paragraph| paragraph.contains("--format json"));
    paragraph.map(ToOwned::to_owned).or_else(|| {
        let format = subcommand.get_arguments().find(|argument| argument.get_id() == "format")?;
        let json = format.get_possible_values().into_iter().find(|value| value.get_name() == "json")?;
        json.get_help().map(ToString::to_string)
    })
}

const FINDINGS: &str = "
## Findings

Codes of `aofkit check`, in the field `code` of its JSON. They are stable. An error means that the official checker calls the log
invalid, or that the server does not load all of it; a warning, that it loads, but perhaps not as it was meant; a note, that
nothing is wrong.

";
