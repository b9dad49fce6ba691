//! `aofkit generate`: the shell completions, the man pages and the reference, from the tables of the program.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueEnum};
use clap_complete::Shell;

use super::console::Console;
use super::exit_codes::Outcome;
use super::official::DIFFERENCES;
use super::{exit_codes, reference};
use crate::command;
use crate::escape::visible;

/// Where to write.
#[derive(Debug, clap::Args)]
pub struct Generate {
    /// The directory in which completions/, man/ and docs/reference.md are made
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Writes every file and names each on standard output.
#[expect(clippy::disallowed_methods, reason = "these files are its own")]
pub fn run(typed: &Generate, command: &Command, console: &mut Console) -> anyhow::Result<Outcome> {
    for (path, bytes) in files(command)? {
        let path = typed.directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(console.out, "{}", visible(&path.to_string_lossy()))?;
    }
    Ok(Outcome::Sound)
}

/// Every generated file: its path below the project, and its bytes.
fn files(command: &Command) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut completed(command), "aofkit", &mut bytes);
        if shell == Shell::Bash {
            bytes = with_equals_signs(&bytes);
        }
        let name = match shell {
            Shell::Zsh => "_aofkit".to_owned(),
            Shell::PowerShell => "_aofkit.ps1".to_owned(),
            _ => format!("aofkit.{}", shell.to_possible_value().context("a shell without a name")?.get_name()),
        };
        files.push((Path::new("completions").join(name), bytes));
    }
    // The pages are themselves what `aofkit help` prints.
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let pages: Vec<_> = std::iter::once(&command)
        .chain(command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()))
        .map(|command| (page_name(command), command))
        .collect();
    let drop_ins = ["redis-check-aof", "valkey-check-aof"].map(|tool| (tool, format!("aofkit-{tool}")));
    let names: Vec<_> = pages.iter().map(|(name, _)| name).chain(drop_ins.iter().map(|(_, name)| name)).collect();
    let mut add = |name: &String, mut page: Vec<u8>| {
        let others = names.iter().filter(|other| **other != name);
        let others: Vec<_> = others.map(|other| format!("\\fB{}\\fR(1)", roff(other))).collect();
        page.extend_from_slice(format!(".SH SEE ALSO\n{}\n", others.join(",\n")).as_bytes());
        files.push((Path::new("man").join(format!("{name}.1")), page));
    };
    for (name, command) in &pages {
        add(name, page(command, name)?);
    }
    for (tool, name) in &drop_ins {
        add(name, drop_in_page(tool, name)?);
    }
    files.push((PathBuf::from("docs/reference.md"), reference::page(&command).into_bytes()));
    Ok(files)
}

/// The command line, with the names of commands as values to complete; other values are accepted too.
fn completed(command: &Command) -> Command {
    let is_top_level =
        |row: &&command::Command| command::lookup(row.name.as_bytes()).is_some_and(|found| std::ptr::eq(found, *row));
    let names: Vec<&str> = command::all().filter(is_top_level).map(|row| row.name).collect();
    command.clone().mut_subcommand("inspect", |inspect| {
        inspect.mut_arg("command", |arg| arg.value_parser(PossibleValuesParser::new(names)))
    })
}

/// The script for bash, adapted to `--option=value`, which bash splits into three words.
fn with_equals_signs(script: &[u8]) -> Vec<u8> {
    const PREVIOUS: &str = "    prev=\"$3\"\n";
    const WORDS: &str = r#"    if [[ "${cur}" == "=" ]]; then
        cur=""
        prev="${COMP_WORDS[COMP_CWORD-1]}"
    elif [[ "${prev}" == "=" ]]; then
        prev="${COMP_WORDS[COMP_CWORD-2]}"
    fi
"#;
    String::from_utf8_lossy(script).replacen(PREVIOUS, &format!("{PREVIOUS}{WORDS}"), 1).into_bytes()
}

/// `aofkit-check`, as the page of a subcommand is called.
fn page_name(command: &Command) -> String {
    match command.get_name() {
        "aofkit" => "aofkit".to_owned(),
        subcommand => format!("aofkit-{subcommand}"),
    }
}

/// The page of a command, without references to others.
fn page(command: &Command, name: &str) -> anyhow::Result<Vec<u8>> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let command = command.clone().name(name.to_owned()).bin_name(name.replacen('-', " ", 1));
    let command = command.display_name(name.to_owned()).override_usage(usage);
    let mut bytes = head_of_page(&command, name)?;
    if command.get_subcommands().any(|subcommand| !subcommand.is_hide_set()) {
        clap_mangen::Man::new(command.clone()).render_subcommands_section(&mut bytes)?;
    }
    let help = command.get_after_long_help().or_else(|| command.get_after_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    bytes.extend_from_slice(sections(&help).as_bytes());
    let subcommand = name.trim_start_matches("aofkit-");
    if let Some(json) = reference::json(subcommand) {
        bytes.extend_from_slice(format!(".SH JSON\n{}", from_markdown(&json)).as_bytes());
    }
    bytes.extend_from_slice(exit_status(subcommand).as_bytes());
    Ok(bytes)
}

/// A page up to its options.
fn head_of_page(command: &Command, name: &str) -> anyhow::Result<Vec<u8>> {
    let page = clap_mangen::Man::new(command.clone()).title(name);
    // No date: the same source gives the same page.
    let page = page.date("").source(concat!("aofkit ", env!("CARGO_PKG_VERSION"))).manual("");
    let mut bytes = Vec::new();
    page.render_title(&mut bytes)?;
    // No name of a field or a page in two pieces.
    bytes.extend_from_slice(b".nh\n.ad l\n");
    page.render_name_section(&mut bytes)?;
    page.render_synopsis_section(&mut bytes)?;
    page.render_description_section(&mut bytes)?;
    page.render_options_section(&mut bytes)?;
    Ok(bytes)
}

/// The exit codes of a subcommand, as a list.
fn exit_status(subcommand: &str) -> String {
    let codes = exit_codes::of(subcommand);
    let mut section = if codes.is_empty() { String::new() } else { ".SH EXIT STATUS\n".to_owned() };
    for (code, meaning) in codes {
        // Writing to a string cannot fail.
        let _ = writeln!(section, ".TP\n\\fB{code}\\fR\n{}", roff(meaning));
    }
    section
}

/// The paragraphs and examples that follow the options in a help, without the exit codes.
fn sections(help: &str) -> String {
    let (mut notes, mut examples) = (String::new(), String::new());
    for paragraph in help.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        // Writing to a string cannot fail.
        let _ = if let Some(lines) = paragraph.strip_prefix("Examples:\n") {
            writeln!(examples, ".SH EXAMPLES\n{}", filled(lines))
        } else if paragraph.starts_with(exit_codes::HEADING) {
            Ok(())
        } else {
            let heading = if notes.is_empty() { ".SH NOTES\n" } else { ".PP\n" };
            writeln!(notes, "{heading}{}", filled(paragraph))
        };
    }
    notes + &examples
}

/// Headings, paragraphs and tables of two columns, in roff.
fn from_markdown(text: &str) -> String {
    let mut page = String::new();
    for block in text.replace('`', "").split("\n\n") {
        // Writing to a string cannot fail.
        let _ = if block.starts_with('|') {
            let mut rows = block.lines().skip(2).filter_map(|row| row.trim_matches(['|', ' ']).split_once(" | "));
            rows.try_for_each(|(term, meaning)| writeln!(page, ".TP\n\\fB{}\\fR\n{}", roff(term), roff(meaning)))
        } else if let Some(heading) = block.trim_start().strip_prefix("### ") {
            writeln!(page, ".SS {heading}")
        } else {
            writeln!(page, ".PP\n{}", roff(block.trim()))
        };
    }
    page
}

/// A paragraph in which lines that are indented by two columns stay as they are; a page is indented anyway.
fn filled(paragraph: &str) -> String {
    let mut out = Vec::new();
    let mut as_it_is = false;
    for line in paragraph.lines() {
        let indented = line.strip_prefix("  ");
        if indented.is_some() != as_it_is {
            as_it_is = !as_it_is;
            out.push(if as_it_is { ".nf" } else { ".fi" }.to_owned());
        }
        out.push(roff(indented.unwrap_or(line)));
    }
    if as_it_is {
        out.push(".fi".to_owned());
    }
    out.join("\n")
}

/// Escapes text so that roff shows every character as it is and commands can be copied from a page.
fn roff(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (index, line) in text.split('\n').enumerate() {
        out.push_str(if index > 0 { "\n" } else { "" });
        // What would be a request.
        out.push_str(if line.starts_with(['.', '\'']) { "\\&" } else { "" });
        for character in line.chars() {
            match character {
                '\\' => out.push_str("\\e"),
                '-' => out.push_str("\\-"),
                '\'' => out.push_str("\\(aq"),
                '`' => out.push_str("\\(ga"),
                '^' => out.push_str("\\(ha"),
                '~' => out.push_str("\\(ti"),
                ascii if ascii.is_ascii() => out.push(ascii),
                other => {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\[u{:04X}]", u32::from(other));
                }
            }
        }
    }
    out
}

/// The page about the drop-in, which is not in the clap tree: it takes the arguments of another program.
fn drop_in_page(tool: &'static str, name: &str) -> anyhow::Result<Vec<u8>> {
    let about = format!("stand in for {tool}: the same arguments, lines and exit codes");
    let command = Command::new(tool)
        .display_name(name.to_owned())
        .about(about)
        .long_about(format!(
            "Started under the name {tool} (a link, a hard link or a copy), aofkit is that tool: it takes its \
             arguments, prints its lines and exits with its codes, so that scripts and the tests of the servers run \
             unchanged."
        ))
        .override_usage(format!("{tool} [--fix|--truncate-to-timestamp TIMESTAMP] FILE"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("fix").long("fix").num_args(0).help("Cut the file where it stops being valid, after a question"))
        .arg(
            Arg::new("truncate-to-timestamp")
                .long("truncate-to-timestamp")
                .value_name("TIMESTAMP")
                .help("Cut the file before the first annotation that is later, in unix seconds"),
        )
        .arg(Arg::new("version").long("version").short('v').num_args(0).help("Print the version that is imitated"))
        .arg(Arg::new("file").value_name("FILE").required(true).help("A manifest, or a file of a log"));
    let mut bytes = head_of_page(&command, name)?;
    bytes.extend_from_slice(b".SH DIFFERENCES\nDifferences from the real tool, which is wrong or dangerous there:\n");
    for difference in DIFFERENCES {
        bytes.extend_from_slice(format!(".IP \\(bu 2\n{}\n", roff(difference)).as_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments;

    #[test]
    fn examples_are_not_filled_and_exit_codes_are_a_list() {
        let help = "Word.\n\nMore.\n\nExamples:\n  a 'b' |\n    c\n\nExit codes:\n  0  good\n  1  bad";
        let expected = ".SH NOTES\nWord.\n.PP\nMore.\n.SH EXAMPLES\n.nf\na \\(aqb\\(aq |\n  c\n.fi\n";
        assert_eq!(sections(help), expected);
        let expected = ".SH EXIT STATUS\n.TP\n\\fB0\\fR\nthe log was read to its end\n.TP\n\\fB1\\fR\n";
        assert!(exit_status("inspect").starts_with(expected));
        assert_eq!(exit_status("aofkit"), "");
    }

    #[test]
    fn no_line_of_text_is_a_request() {
        assert_eq!(roff(".x\n'y'\n-\\…"), "\\&.x\n\\&\\(aqy\\(aq\n\\-\\e\\[u2026]");
    }

    /// In a man page and a terminal alike.
    #[test]
    fn what_is_not_filled_fits_80_columns() {
        let command = arguments::command();
        for subcommand in command.get_subcommands().chain([&command]) {
            let help = subcommand.get_after_long_help().or_else(|| subcommand.get_after_help());
            let help = help.map(ToString::to_string).unwrap_or_default();
            let help = help.split(exit_codes::HEADING).next().unwrap();
            for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
                assert!(line.chars().count() + 7 <= 80, "wider than a page: {line}");
            }
        }
    }
}
