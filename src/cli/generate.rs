//! `aofkit generate`: the shell completions and the man pages, from the clap tree.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
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
    Ok(files)
}

fn page(command: &clap::Command, name: &str, files: &mut Vec<(PathBuf, Vec<u8>)>) -> anyhow::Result<()> {
    let command =
        command.clone().name(name.to_owned()).bin_name(name.replacen('-', " ", 1)).display_name(name.to_owned());
    let mut bytes = Vec::new();
    // No date: the same source gives the same page.
    clap_mangen::Man::new(command).date("").render(&mut bytes)?;
    files.push((Path::new("man").join(format!("{name}.1")), bytes));
    Ok(())
}
