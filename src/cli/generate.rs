//! `aofkit generate`: the shell completions and the man pages, from the clap tree.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Arg, Command, ValueEnum};
use clap_complete::Shell;

use super::Outcome;
use super::console::Console;
use crate::escape::visible;

/// Where to write.
#[derive(Debug, clap::Args)]
pub struct Generate {
    /// The directory in which completions/ and man/ are made
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Writes every file and names each on standard output.
#[expect(clippy::disallowed_methods, reason = "these files are its own")]
pub fn run(typed: &Generate, console: &mut Console) -> anyhow::Result<Outcome> {
    for (path, bytes) in files()? {
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
fn files() -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut command = super::command();
    command.build();
    let mut files = Vec::new();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut command.clone(), "aofkit", &mut bytes);
        let name = match shell {
            Shell::Zsh => "_aofkit".to_owned(),
            Shell::PowerShell => "_aofkit.ps1".to_owned(),
            _ => format!("aofkit.{}", shell.to_possible_value().context("a shell without a name")?.get_name()),
        };
        files.push((Path::new("completions").join(name), bytes));
    }
    page(&command, "aofkit", &mut files)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        page(subcommand, &format!("aofkit-{}", subcommand.get_name()), &mut files)?;
    }
    for name in ["redis-check-aof", "valkey-check-aof"] {
        files.push((Path::new("man").join(format!("aofkit-{name}.1")), drop_in_page(name)?));
    }
    Ok(files)
}

/// The page about the drop-in, which takes no part in the clap tree: its command line is that of another program.
fn drop_in_page(name: &'static str) -> anyhow::Result<Vec<u8>> {
    let about = format!("stand in for {name}: the same arguments, lines and exit codes");
    let command = Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .long_about(format!(
            "Started under the name {name} (a link, a hard link or a copy), aofkit is that tool: it takes its arguments, prints its \
             lines and exits with its codes, so that scripts and the tests of the servers run unchanged."
        ))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("fix").long("fix").num_args(0).help("Cut the file where it stops being valid, after a question"))
        .arg(
            Arg::new("truncate-to-timestamp")
                .long("truncate-to-timestamp")
                .value_name("timestamp")
                .help("Cut the file before the first annotation that is later, in unix seconds"),
        )
        .arg(Arg::new("file").value_name("file.manifest|file.aof").required(true).help("A manifest, or a file of a log"));
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command).title(format!("aofkit-{name}")).date("").render(&mut bytes)?;
    bytes.extend_from_slice(b".SH DIFFERENCES\nWhere the real tool is wrong or dangerous, this one is neither:\n");
    for difference in super::DIFFERENCES {
        // What roff would take for a request or an escape; nothing here begins with a dot.
        let text = difference.replace('\\', "\\e").replace('-', "\\-");
        bytes.extend_from_slice(format!(".IP \\(bu 2\n{text}\n").as_bytes());
    }
    bytes.extend_from_slice(b".SH SEE ALSO\n\\fBaofkit\\fR(1), \\fBaofkit\\-check\\fR(1), \\fBaofkit\\-fix\\fR(1)\n");
    Ok(bytes)
}

fn page(command: &Command, name: &str, files: &mut Vec<(PathBuf, Vec<u8>)>) -> anyhow::Result<()> {
    let command =
        command.clone().name(name.to_owned()).bin_name(name.replacen('-', " ", 1)).display_name(name.to_owned());
    let mut bytes = Vec::new();
    // No date: the same source gives the same page.
    clap_mangen::Man::new(command).date("").render(&mut bytes)?;
    files.push((Path::new("man").join(format!("{name}.1")), bytes));
    Ok(())
}
