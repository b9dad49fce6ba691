//! Where the real servers are, and how their programs are started.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aofkit::Server;

/// Calls a macro with the releases to compare with, the oldest first: a name for a test, the corresponding server of
/// the library, and the release.
macro_rules! with_releases {
    ($macro:ident) => {
        $macro! {
            redis_6_2: Redis62, "redis-6.2";
            redis_7_0: Redis70, "redis-7.0";
            redis_8_0_2: Redis80, "redis-8.0";
            redis_8_0_6: Redis80, "redis-8.0.6";
            redis_8_2: Redis82, "redis-8.2";
            redis_8_6: Redis86, "redis-8.6";
            valkey_8_0: Valkey8, "valkey-8.0";
            valkey_8_1: Valkey8, "valkey-8.1";
            valkey_9_1: Valkey9, "valkey-9.1";
        }
    };
}
pub(crate) use with_releases;

macro_rules! list {
    ($($test:ident: $server:ident, $release:literal;)*) => {
        /// Every release to compare with, and the corresponding server of the library.
        pub(crate) const RELEASES: [(Server, &str); [$($release),*].len()] = [$((Server::$server, $release)),*];
    };
}
with_releases!(list);

/// The newest release that corresponds to a server of the library.
pub(crate) fn release(server: Server) -> &'static str {
    let found = RELEASES.iter().rfind(|(known, _)| *known == server);
    found.unwrap_or_else(|| panic!("add a release of {server} to tests/it/harness/servers.rs")).1
}

/// The server of the library that corresponds to a release.
pub(crate) fn server_of(release: &str) -> Server {
    RELEASES.iter().find(|(_, name)| *name == release).unwrap().0
}

/// A program of a release, such as `server`, `check-aof` or `check-rdb`.
///
/// If a release has no checkers, the server acts as one under its name.
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
        // SORT … ALPHA depends on the locale.
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

/// If servers are required, each of them is installed and no test is ignored.
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
