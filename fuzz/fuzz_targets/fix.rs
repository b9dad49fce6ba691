//! A file of any bytes is repaired, and the repair is undone: the repair does what was planned, the result is sound if
//! the plan said so, and the original is restored byte for byte.

#![no_main]

use std::fs;

use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::repair;
use aofkit::storage::OpenElsewhere;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("appendonly.aof");
    fs::write(&path, data).unwrap();
    let Ok(log) = Log::open(&path) else { return };
    let survey = repair::survey(&log, Settings::default()).unwrap();
    let Ok(plan) = repair::plan::plan(&survey) else { return };
    let planned = plan.changes().next().and_then(repair::PartPlan::cut_at);
    assert_eq!(planned.is_none(), plan.is_nothing());
    let settings = repair::Settings { open_elsewhere: OpenElsewhere::Ignore, ..repair::Settings::default() };
    let applied = repair::apply(&plan, &settings).unwrap();
    let left = fs::read(&path).unwrap();
    match planned {
        None => assert_eq!((applied, &left[..]), (None, data)),
        Some(cut) => {
            assert_eq!((applied.unwrap().cut_at, left.len() as u64), (Some(cut), cut));
            assert_eq!(left, &data[..left.len()]);
            repair::undo(&path, None, OpenElsewhere::Ignore).unwrap();
            assert_eq!(fs::read(&path).unwrap(), data);
        }
    }
});
