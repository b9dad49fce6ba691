//! The committed completions, man pages and reference are those that the command line generates now.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use assert_cmd::Command;

const DIRECTORIES: [&str; 2] = ["completions", "man"];

#[test]
fn generated_files_are_up_to_date() {
    let fresh = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_aofkit")).arg("generate").arg(fresh.path()).assert().success();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = |folder: &Path| fs::read_to_string(folder.join("docs/reference.md")).unwrap();
    assert!(
        reference(fresh.path()) == reference(project),
        "docs/reference.md has drifted; make it anew with `cargo run generate .`"
    );
    for directory in DIRECTORIES {
        let generated = files(&fresh.path().join(directory)).unwrap();
        assert!(!generated.is_empty(), "nothing was generated into {directory}");
        let committed = files(&project.join(directory)).unwrap_or_default();
        let differing: Vec<_> = generated
            .keys()
            .chain(committed.keys().filter(|name| !generated.contains_key(*name)))
            .filter(|name| generated.get(*name) != committed.get(*name))
            .collect();
        assert!(
            differing.is_empty(),
            "{directory}/ has drifted: {differing:?}; make it anew with `cargo run generate .`"
        );
    }
}

/// The files in a directory: their names and their text.
fn files(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    fs::read_dir(directory)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?))
        })
        .collect()
}

/// What bash completes at the end of a line whose words are these.
fn completions(words: &[&str]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions/aofkit.bash");
    let run = r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _aofkit aofkit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash").args(["-c", run, "bash"]).arg(script).args(words).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_values_after_an_equals_sign_and_names_of_commands() {
    for words in [&["aofkit", "check", "--format", "js"][..], &["aofkit", "check", "--format", "=", "js"]] {
        assert_eq!(completions(words), ["json"], "{words:?}");
    }
    assert_eq!(completions(&["aofkit", "check", "--format", "="]), ["text", "json", "github", "junit"]);
    assert_eq!(completions(&["aofkit", "inspect", "--command", "xgr"]), ["xgroup"]);
    assert!(completions(&["aofkit", "inspect", "--command", ""]).len() > 200);
}
