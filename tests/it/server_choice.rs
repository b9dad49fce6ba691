//! `--server`: by default every command takes the server that wrote the log, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use predicates::str::contains;
use tempfile::TempDir;

use crate::harness::RealServer;
use crate::harness::log::log as commands;

fn aofkit(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.arg(subcommand);
    command
}

fn json(subcommand: &str, options: &[&str], path: &Path) -> serde_json::Value {
    let run = aofkit(subcommand).args(["--format", "json"]).args(options).arg(path).assert().success();
    serde_json::from_slice(&run.get_output().stdout).unwrap()
}

/// An `appendonlydir` whose base is an RDB of the test data.
fn directory(base: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("appendonlydir");
    fs::create_dir(&folder).unwrap();
    fs::copy(Path::new("testdata/rdb").join(base), folder.join("a.aof.1.base.rdb")).unwrap();
    fs::write(folder.join("a.aof.1.incr.aof"), commands(&["SELECT 0", "SET new 1"])).unwrap();
    let manifest = "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n";
    fs::write(folder.join("a.aof.manifest"), manifest).unwrap();
    (directory, folder)
}

#[test]
fn every_command_takes_the_server_that_wrote_the_log() {
    for (base, release, header) in [
        ("redis-7.0.rdb", "redis-7.0", "REDIS0010"),
        ("redis-8.0.6.rdb", "redis-8.0", "REDIS0012"),
        ("redis-8.6.rdb", "redis-8.6", "REDIS0013"),
        ("valkey-8.1.rdb", "valkey-8.1", "REDIS0011"),
        ("valkey-9.1.rdb", "valkey-9.1", "VALKEY080"),
    ] {
        let (_directory, folder) = directory(base);
        let checked = json("check", &[], &folder);
        assert_eq!((&checked["server"]["release"], &checked["server"]["chosen_by"]), (&release.into(), &"rdb".into()));
        let line = format!("{release}, named by the RDB in");
        aofkit("check").arg(&folder).assert().success().stdout(contains(line));
        let fixed = json("fix", &["--yes"], &folder);
        assert_eq!((&fixed["server"], &fixed["chosen_by"]), (&release.into(), &"rdb".into()));
        // Of one key: the test data of Redis 8 has values of a module, too.
        let digest = json("digest", &["--key", "new"], &folder);
        assert_eq!((&digest["server"], &digest["chosen_by"]), (&release.into(), &"rdb".into()));
        assert_eq!(digest["digest"], json("digest", &["--key", "new", "--server", release], &folder)["digest"]);
        let said = format!("note: the digest of {release}, named by the RDB in the log\n");
        aofkit("digest").args(["--key", "new"]).arg(&folder).assert().success().stderr(said);

        let out = folder.join("../out.rdb");
        let rewritten = json("rewrite", &["--base", "rdb", "-o", out.to_str().unwrap()], &folder);
        assert_eq!(rewritten["chosen_by"], "rdb");
        assert!(release.starts_with(rewritten["target"].as_str().unwrap()), "{rewritten}");
        assert!(fs::read(&out).unwrap().starts_with(header.as_bytes()), "{base}");
    }
}

#[test]
fn a_server_that_is_named_is_taken_by_whatever_name() {
    let (_directory, folder) = directory("valkey-9.1.rdb");
    let refused = aofkit("check").args(["--server", "redis-8.6"]).arg(&folder).assert().code(1);
    refused.stdout(contains("not for this server")).stdout(contains("redis-8.6, as given"));
    let log = folder.join("a.aof.1.incr.aof");
    for (name, line) in [("redis-7.2", "redis-8.0"), ("redis-7.4", "redis-8.0"), ("redis-8.4", "redis-8.6")] {
        let words = format!("{name} (behaves like {line}), as given");
        aofkit("check").args(["--server", name]).arg(&log).assert().success().stdout(contains(words));
    }
    for name in ["valkey-7.2", "valkey-8.0", "valkey-9.0", "valkey-9"] {
        assert_eq!(json("check", &["--server", name], &log)["server"]["release"], name);
    }
    assert_eq!(json("digest", &["--as", "redis-7.0"], &log), json("digest", &["--server", "redis-7.0"], &log));
    let out = folder.join("../out.aof");
    let old = json("rewrite", &["--target", "redis-6.2", "-o", out.to_str().unwrap()], &log);
    assert_eq!((&old["target"], &old["chosen_by"]), (&"redis-6.2".into(), &"option".into()));
    aofkit("check").args(["--server", "redis-5"]).arg(&log).assert().code(2).stderr(contains("redis-6.2"));
}

#[test]
fn a_log_without_a_name_is_of_whoever_knows_its_commands() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("a.aof");
    fs::write(&log, commands(&["SET a 1", "DELIFEQ a 1"])).unwrap();
    assert_eq!(json("check", &[], &log)["server"]["version"], "valkey-9");
    // However late it comes, and in every subcommand.
    let long = format!("SET a {}", "x".repeat(20 << 20));
    fs::write(&log, commands(&[&long, "SET a 1", "DELIFEQ a 1", "SET b 1"])).unwrap();
    for subcommand in ["check", "digest", "fix"] {
        let report = json(subcommand, &[], &log);
        let server = if subcommand == "check" { &report["server"]["release"] } else { &report["server"] };
        assert_eq!(server, "valkey-9", "{subcommand}");
    }
    fs::write(&log, commands(&["SET a 1"])).unwrap();
    assert_eq!(json("check", &[], &log)["server"]["chosen_by"], "default");
    // Redis and Valkey know the commands, and neither loads the other's RDB with fields that expire.
    fs::write(&log, commands(&["XADD s 1-1 a 1", "HSET h f v", "HPEXPIREAT h 9999999999999 FIELDS 1 f"])).unwrap();
    let out = directory.path().join("out.rdb");
    let rewrite = |options: &[&str]| aofkit("rewrite").args(options).arg("-o").arg(&out).arg(&log).assert();
    rewrite(&["--base", "rdb"]).code(2).stderr(contains("names the server"));
    rewrite(&["--base", "rdb", "--server", "valkey-9"]).success();
    let rewritten = json("rewrite", &["--base", "aof", "--force", "-o", out.to_str().unwrap()], &log);
    assert_eq!((&rewritten["target"], &rewritten["lost"]), (&serde_json::Value::Null, &serde_json::json!([])));
}

/// The directory of a real server, with fields that expire: sound, the same digest, and still its own after a rewrite.
#[server_test]
fn a_directory_of_valkey_9_needs_no_flags() {
    let options = ["--appendonly", "yes", "--enable-debug-command", "yes"];
    let mut server = RealServer::start_with("valkey-9.1", &options);
    for line in ["HSET h f 1 g 2", "HPEXPIREAT h 99999999999999 FIELDS 1 f", "ZADD z 0.1 a 3.5 b", "SET k v"] {
        server.call(&line.split(' ').collect::<Vec<_>>());
    }
    let base = |folder: &Path| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "rdb")).max().unwrap()
    };
    let folder = server.directory().join("appendonlydir");
    let first = base(&folder);
    server.call(&["BGREWRITEAOF"]);
    let begin = Instant::now();
    while base(&folder) == first || server.call(&["INFO", "persistence"]).text().contains("rewrite_in_progress:1") {
        assert!(begin.elapsed() < Duration::from_mins(1), "the server does not rewrite its log");
        std::thread::yield_now();
    }
    server.call(&["HSET", "h", "new", "3"]);
    let digest = server.call(&["DEBUG", "DIGEST"]).text();
    let copy = TempDir::new().unwrap();
    let copied = copy.path().join("appendonlydir");
    fs::create_dir(&copied).unwrap();
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copied.join(file.file_name())).unwrap();
    }
    drop(server);
    aofkit("check").arg(&copied).assert().success().stdout(contains(": sound"));
    aofkit("digest").arg(&copied).assert().success().stdout(format!("{digest}\n"));
    aofkit("rewrite").args(["--in-place", "--yes", "--base", "rdb"]).arg(&copied).assert().success();
    assert!(fs::read(base(&copied)).unwrap().starts_with(b"VALKEY080"));
    aofkit("check").arg(&copied).assert().success().stdout(contains(": sound"));
    let arguments = ["--appendonly", "yes", "--enable-debug-command", "yes", "--dir", copy.path().to_str().unwrap()];
    let mut again = RealServer::start_with("valkey-9.1", &arguments);
    assert_eq!(again.call(&["DEBUG", "DIGEST"]).text(), digest);
}
