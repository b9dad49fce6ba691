//! Where the real servers are, and how their programs are started.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aofkit::Server;

/// Every release that there is to compare with, and the server of the library that stands for it.
pub(crate) const RELEASES: [(Server, &str); 9] = [
    (Server::Redis62, "redis-6.2"),
    (Server::Redis70, "redis-7.0"),
    (Server::Redis80, "redis-8.0"),
    (Server::Redis80, "redis-8.0.6"),
    (Server::Redis82, "redis-8.2"),
    (Server::Redis86, "redis-8.6"),
    (Server::Valkey8, "valkey-8.0"),
    (Server::Valkey8, "valkey-8.1"),
    (Server::Valkey9, "valkey-9.1"),
];

/// Each server of the library, and the release that it stands for.
pub(crate) const SERVERS: [(Server, &str); 7] = [
    (Server::Redis62, "redis-6.2"),
    (Server::Redis70, "redis-7.0"),
    (Server::Redis80, "redis-8.0.6"),
    (Server::Redis82, "redis-8.2"),
    (Server::Redis86, "redis-8.6"),
    (Server::Valkey8, "valkey-8.1"),
    (Server::Valkey9, "valkey-9.1"),
];

/// The release that stands for a server of the library.
pub(crate) fn release(server: Server) -> &'static str {
    let found = SERVERS.iter().find(|(known, _)| *known == server);
    found.unwrap_or_else(|| panic!("add {server} to SERVERS and RELEASES in tests/it/harness/servers.rs")).1
}

/// The server of the library that stands for a release.
pub(crate) fn server_of(release: &str) -> Server {
    RELEASES.iter().find(|(_, name)| *name == release).unwrap().0
}

/// A program of a release, such as `server`, `check-aof` or `check-rdb`.
///
/// Where a release comes as the server alone, that is its checkers as well: it acts as the one whose name it is given.
#[track_caller]
pub(crate) fn program(release: &str, name: &str) -> Command {
    let servers =
        std::env::var_os("AOFKIT_SERVERS").unwrap_or_else(|| panic!("{release} is missing: AOFKIT_SERVERS is not set"));
    let family = release.split('-').next().unwrap();
    let of = |name: &str| Path::new(&servers).join(release).join("bin").join(format!("{family}-{name}"));
    let mut path: PathBuf = of(name);
    if name != "server" && !path.exists() {
        path = of("server");
    }
    assert!(path.exists(), "{release} is missing: there is no {}", path.display());
    let mut command = Command::new(path);
    command.arg0(format!("{family}-{name}"));
    command
}

/// A process that is killed when it goes out of scope.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts a server on the unix socket `s` in its directory, without snapshots, logging to `server.log`.
    #[track_caller]
    pub(crate) fn server(release: &str, directory: &Path, options: &[&str]) -> Self {
        let mut command = program(release, "server");
        // A server opens its log before it changes to its directory.
        command.current_dir(directory).args(["--port", "0", "--save", "", "--logfile", "server.log", "--unixsocket"]);
        command.arg(directory.join("s")).arg("--dir").arg(directory).args(options);
        // SORT … ALPHA compares as the locale says.
        command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("a server that starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the tests must not pass without servers, each of them is there and none of the tests is ignored.
#[test]
fn servers_that_are_required_are_there() {
    if std::env::var_os("AOFKIT_REQUIRE_SERVERS").is_some() {
        assert!(option_env!("AOFKIT_SERVERS").is_some(), "AOFKIT_SERVERS is not set, but AOFKIT_REQUIRE_SERVERS is");
        for (_, release) in RELEASES {
            let version = program(release, "server").arg("--version").output().unwrap();
            assert!(version.status.success(), "{release} does not run: {version:?}");
        }
    }
}

#[test]
fn every_server_has_a_release_to_compare_with() {
    for server in Server::ALL {
        let name = release(server);
        assert_eq!(server_of(name), server, "{name}");
    }
}
