//! The table is complete, and no other module compares servers by name.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn every_line_is_a_release() {
    for server in Server::ALL {
        let release = Release::named(server.name());
        assert!(
            release.is_some_and(|release| release.server() == server && release == Release::from(server)),
            "add a release called {server} to the table of releases in src/server/table.rs"
        );
        let newest = Release::ALL.into_iter().filter(|release| release.server() == server).map(Release::version).max();
        assert!(newest <= Some(server.version()), "{server} stands for {newest:?}: its row has an older version");
        assert!(server.checker().ends_with(server.name().trim_start_matches(|byte: char| !byte.is_ascii_digit())));
        assert!(Version::parse(server.probed()) == Some(server.version()), "{server}: `probed` or `version` is wrong");
    }
}

#[test]
fn lines_and_releases_are_in_order() {
    let order = |release: Release| (release.server().product(), release.version());
    assert!(Release::ALL.is_sorted_by_key(|release| order(*release)));
    assert!(Server::ALL.is_sorted_by_key(|server| (server.product(), server.version())));
    assert_eq!(Server::default(), Server::newest(Product::Redis, |_| true).unwrap());
    assert_eq!(ServerSet::ALL.iter().count(), Server::ALL.len());
}

#[test]
fn a_version_is_that_of_the_newest_release_before_it() {
    let name = |product, version| Release::of_version(product, version).map(Release::name);
    for (product, version, expected) in [
        (Product::Redis, "8.6.3", "redis-8.6"),
        (Product::Redis, "8.4.0", "redis-8.4"),
        (Product::Redis, "7.2.4", "redis-7.2"),
        (Product::Redis, "255.255.255", Server::default().name()),
        (Product::Redis, "5.0.7", "redis-6.2"),
        (Product::Valkey, "7.2.5", "valkey-7.2"),
        (Product::Valkey, "8.1.1", "valkey-8.1"),
        (Product::Valkey, "9.1.2", "valkey-9.1"),
    ] {
        assert_eq!(name(product, version), Some(expected), "{product:?} {version}");
    }
    assert_eq!(name(Product::Redis, "x"), None);
}

#[test]
fn since_a_release_means_in_every_later_one() {
    let names = |since: Since| since.servers().iter().map(Server::name).collect::<Vec<_>>();
    assert_eq!(Since::ALWAYS.servers(), ServerSet::ALL);
    assert_eq!(Since::NEVER.servers(), ServerSet::NONE);
    assert_eq!(redis(7, 0).servers(), ServerSet::ALL.without(Server::Redis62.set()));
    assert!(redis(7, 2).servers().contains(Server::Redis80) && !redis(7, 2).servers().contains(Server::Redis70));
    assert!(redis(8, 2).servers().iter().all(|server| !server.is_valkey()));
    assert_eq!(names(valkey(8, 1)), ["valkey-8", "valkey-9"]);
    assert!(redis(8, 4).valkey(9, 0).servers().contains(Server::Valkey9));
    assert!(redis(7, 4).includes(Release::Redis74) && !redis(7, 4).includes(Release::Redis72));
    assert!(!redis(7, 4).includes(Release::Valkey91));
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Whether the line names a line of servers or a release, as `Server::Redis62` does.
fn names_a_server(line: &str) -> bool {
    ["Server::", "Release::"].into_iter().any(|path| {
        let names = line.split(path).skip(1);
        names.into_iter().any(|name| {
            let name = name.split(|byte: char| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
            name.starts_with(|byte: char| byte.is_ascii_uppercase())
                && name.ends_with(|byte: char| byte.is_ascii_digit())
        })
    })
}

/// A comparison with a server by name has to be found and edited for each new release; a fact in the table does not.
#[test]
fn no_server_is_named_outside_the_table_and_the_models() {
    assert!(names_a_server("if server == Server::Redis62 {"));
    assert!(!names_a_server("for server in Server::ALL.map(Server::name) { Server::default() }"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    assert!(files.len() > 100, "{}", files.len());
    // The findings have examples for some servers.
    let may_name = ["server", "check/server", "check/official", "check/finding.rs"].map(|path| source.join(path));
    let mut named = Vec::new();
    for file in files {
        let is_test = file.file_name().is_some_and(|name| name == "tests.rs" || name == "testing.rs");
        if is_test || may_name.iter().any(|path| file.starts_with(path)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (index, line) in code.lines().enumerate() {
            if names_a_server(line.split("//").next().unwrap_or_default()) {
                named.push(format!("{}:{}: {}", file.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(named.is_empty(), "make each a fact in src/server/table.rs, or a `Since`:\n{}", named.join("\n"));
}
