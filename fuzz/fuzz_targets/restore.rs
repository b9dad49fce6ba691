//! Restores arbitrary bytes with a valid version and checksum, and decodes the value: it ends, never panics, and a
//! refused payload changes nothing.

#![no_main]

use aofkit::Server;
use aofkit::command::apply::{Call, Failure};
use aofkit::keyspace::{Entry, Keyspace};
use aofkit::rdb::dump::{self, DumpFault, Restoration};
use aofkit::value::{Family, Raw, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = dump::parse(data);
    let Some((&type_code, payload)) = data.split_first() else { return };
    for (family, version) in [(Family::Redis, 12), (Family::Valkey, 80)] {
        let dumped = dump::write_raw(&Raw { type_code: type_code % 32, family, version, payload });
        let arguments: [&[u8]; 4] = [b"RESTORE", b"key", b"0", &dumped];
        let apply = aofkit::command::resolve(&arguments).row().unwrap().apply.unwrap();
        let mut keyspace = Keyspace::default();
        let restored = apply.run(&mut Call::new(&arguments, &mut keyspace));
        let entry = keyspace.get(0, b"key");
        assert_eq!(restored.is_ok(), entry.is_some());
        let parsed = dump::parse(&dumped);
        assert_eq!(restored.is_ok(), parsed.is_ok());
        let ends_servers = matches!(restored, Err(Failure::DamagedPayload(_)));
        for server in Server::ALL {
            let restoration = dump::restoration(&dumped, server);
            // A payload that every server and checker finds sound is restored; one that a replay refuses is not sound
            // for all of them.
            if restoration == Restoration::Works && takes(server, family) {
                assert!(!matches!(parsed, Err(DumpFault::Damaged { .. })), "{server}: {parsed:?}");
            }
            assert!(!(ends_servers && parsed.is_ok()));
        }
        if let Some(Value::Raw(raw)) = entry.as_ref().map(Entry::value) {
            let _ = raw.decode();
        }
    }
});

/// Whether a server uses this family's numbers of types.
fn takes(server: Server, family: Family) -> bool {
    (server == Server::Valkey9) == (family == Family::Valkey)
}
