//! The examples of the README, compared with the output of the program.

use std::path::Path;

use crate::harness::program::aofkit;

/// The standard output of a subcommand that runs in the root of the repository.
fn output(subcommand: &str, arguments: &[&str]) -> String {
    let output =
        aofkit(subcommand).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env("COLUMNS", "1000").output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn the_examples_of_the_readme_are_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let example = readme.split("```console\n$ aofkit check ").nth(1).unwrap().split("\n```").next().unwrap();
    let (check, fix) = example.split_once("\n\n$ aofkit fix --dry-run testdata/torn.aof | tail -5\n").unwrap();
    assert_eq!(format!("testdata/torn.aof\n{}", output("check", &["testdata/torn.aof"])).trim_end(), check);
    let plan = output("fix", &["--dry-run", "testdata/torn.aof"]).replace(root.to_str().unwrap(), "/data");
    let lines: Vec<&str> = plan.lines().collect();
    assert_eq!(lines[lines.len() - 5..].join("\n"), fix);
}
