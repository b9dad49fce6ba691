//! Decodes arbitrary bytes as a value of any type: it ends, never panics, and the value can be written for every target
//! and decoded again.

#![no_main]

use aofkit::rdb::dump;
use aofkit::server::Release;
use aofkit::value::{Family, Raw};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&type_code, payload)) = data.split_first() else { return };
    for family in [Family::Redis, Family::Valkey] {
        let raw = Raw { type_code: type_code % 32, family, version: 12, payload };
        let Ok(value) = raw.decode() else { continue };
        for target in Release::ALL.into_iter().filter(|release| release.target() == *release) {
            let (payload, _) = dump::write(&value, target).unwrap();
            let again = dump::parse(&payload).unwrap().decode().unwrap();
            assert_eq!(again.type_name(), value.type_name());
            // Writing it again gives the same bytes.
            let (twice, _) = dump::write(&again, target).unwrap();
            assert_eq!(twice.len(), payload.len());
        }
    }
});
