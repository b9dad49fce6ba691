//! The order of the modules: each imports only modules on its own floor or on one below.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the library, the uppermost first; those in the same line may import each other.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["report"],
    &["append", "check", "repair", "rewrite", "select"],
    &["replay", "digest"],
    &["command"],
    &["keyspace"],
    &["aof"],
    &["rdb"],
    &["value"],
    &["resp", "input", "storage", "server", "error", "escape", "glob", "plural", "progress", "threads"],
];

/// The root of the library, and the program.
const ROOTS: [&str; 3] = ["lib", "main", "memory"];

/// Files that import from above, and the module that they import; remove each from here once it is fixed.
const EXCEPTIONS: &[(&str, &str)] = &[];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Every source file below `folder`, except those that contain only tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(if name == "testing" { Vec::new() } else { sources(&path) });
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !["tests.rs", "testing.rs"].contains(&name.as_str())
        {
            found.push(path);
        }
    }
    found
}

/// The code of a file, without its comments and its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The first names of a `use` tree: `a` and `b` of `{a::{c, d}, b}`, `a` of `a::c`.
fn first_names(tree: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|next| next.is_alphanumeric() || *next == '_').collect::<String>();
    let Some(list) = tree.strip_prefix('{') else { return vec![name(tree)] };
    let (mut names, mut depth, mut is_first) = (Vec::new(), 0, true);
    for (at, next) in list.char_indices() {
        match next {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            _ if depth == 0 && is_first && !next.is_whitespace() => {
                names.push(name(&list[at..]));
                is_first = false;
            }
            _ => {}
        }
    }
    names
}

/// The modules at the root of the crate that a file names anywhere.
fn imported(source: &Path, path: &Path) -> BTreeSet<String> {
    let code = code(path);
    let mut names: Vec<String> = code.split("crate::").skip(1).flat_map(first_names).collect();
    // `super::` as often as it takes to be at the root.
    let relative = path.strip_prefix(source).unwrap();
    let depth = relative.components().count() - usize::from(relative.ends_with("mod.rs"));
    names.extend(code.split(&"super::".repeat(depth)).skip(1).flat_map(first_names).filter(|name| name != "super"));
    let module = |name: String| match name.as_str() {
        "Error" | "ErrorKind" | "Result" => "error".to_owned(),
        "Server" | "ServerSet" => "server".to_owned(),
        _ => name,
    };
    names.into_iter().map(module).collect()
}

#[test]
fn no_module_imports_from_a_floor_above_its_own() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut upwards = BTreeSet::new();
    for path in sources(&source) {
        let relative = path.strip_prefix(&source).unwrap().to_str().unwrap();
        let module = relative.split(['/', '.']).next().unwrap();
        if ROOTS.contains(&module) {
            continue;
        }
        let own = floor(module).unwrap_or_else(|| panic!("{module} is on no floor: give it one"));
        for other in imported(&source, &path) {
            let floor = floor(&other).unwrap_or_else(|| panic!("{relative} imports {other}, which is on no floor"));
            if floor < own {
                upwards.insert((relative.to_owned(), other));
            }
        }
    }
    let known = EXCEPTIONS.iter().map(|(file, module)| ((*file).to_owned(), (*module).to_owned())).collect();
    let new: Vec<_> = upwards.difference(&known).collect();
    assert!(new.is_empty(), "imports from above: {new:?}");
    let mended: Vec<_> = known.difference(&upwards).collect();
    assert!(mended.is_empty(), "these are exceptions no more, remove them from the list: {mended:?}");
}

/// Folders whose modules do not import each other in circles.
const WITHOUT_CIRCLES: &[&str] = &[
    "aof",
    "check",
    "check/official",
    "check/scan",
    "check/server",
    "command",
    "command/apply",
    "command/apply/sorted_set",
    "command/apply/stream",
    "rdb",
    "rdb/decode",
    "rdb/encode",
    "rdb/packed",
    "report",
    "report/check",
    "report/inspect",
    "server",
    "storage",
    "storage/kept",
];

/// The modules of a folder that a file of it names: with `super::`, or with the whole path.
fn siblings(folder: &str, path: &Path) -> BTreeSet<String> {
    let code = code(path);
    let whole = format!("crate::{}::", folder.replace('/', "::"));
    [whole.as_str(), "super::"].iter().flat_map(|prefix| code.split(prefix).skip(1)).flat_map(first_names).collect()
}

#[test]
fn modules_do_not_import_each_other_in_circles() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in WITHOUT_CIRCLES {
        let files = fs::read_dir(source.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.is_file() && !path.ends_with("mod.rs") && !path.ends_with("tests.rs"));
        let mut left: BTreeMap<String, BTreeSet<String>> = files
            .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), siblings(folder, &path)))
            .collect();
        assert!(left.len() > 2, "{folder} has no modules");
        // A module that imports none of those that are left is not in a circle.
        let mut before = usize::MAX;
        while left.len() < before {
            before = left.len();
            let names: BTreeSet<String> = left.keys().cloned().collect();
            left.retain(|own, imports| imports.iter().any(|name| name != own && names.contains(name)));
        }
        assert!(left.is_empty(), "circles in {folder}: {left:?}");
    }
}

#[test]
fn paths_are_taken_apart() {
    assert_eq!(first_names("a::b;"), ["a"]);
    assert_eq!(first_names("{a::{c, d}, b, e_1::f};"), ["a", "b", "e_1"]);
}
