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
    page.push_str(JSON);
    page
}

/// What the page says of the JSON of a subcommand, after what holds for all.
pub(super) fn json(subcommand: &str) -> Option<String> {
    let (common, _) = JSON.strip_prefix("## JSON\n\n")?.split_once("\n### ")?;
    let section =
        |name: &str| JSON.split("\n### ").find_map(|section| section.strip_prefix(name)?.strip_prefix("\n\n"));
    let own = section(subcommand)?;
    let copies = if own.contains("kept copies") { section("kept copies") } else { None };
    let copies = copies.map(|copies| format!("\n### Kept copies\n\n{copies}")).unwrap_or_default();
    Some(format!("{common}\n{own}{copies}"))
}

/// The fields of every object that is printed.
const JSON: &str = include_str!("json.md");

const FINDINGS: &str = "
## Findings

Codes of `aofkit check`, in the field `code` of its JSON. They are stable. An error means that the official checker
calls the log invalid, that the server does not load all of it, or that it could not be read whole. A warning means
that the log loads, but perhaps not as intended. A note means that nothing is wrong.

";
