//! What a rewritten log costs, key by key.

use std::collections::{BTreeMap, BTreeSet};

use super::library::{decode, encode};

/// A database and a key; what belongs to none has an empty key.
type Id = (String, Vec<u8>);

/// What is written for a key.
#[derive(Debug, Default)]
struct Cost {
    commands: usize,
    bytes: usize,
    entries: BTreeSet<Vec<u8>>,
    claimed: BTreeSet<Vec<u8>>,
    /// Idempotent ids; a server leaves out those whose entry was deleted.
    remembered: usize,
}

impl Cost {
    /// Whether entries are claimed that are not there, so that loading this makes fewer pending than there were.
    fn loses(&self) -> bool {
        !self.claimed.is_subset(&self.entries)
    }
}

fn costs(log: &[u8]) -> BTreeMap<Id, Cost> {
    let mut costs: BTreeMap<Id, Cost> = BTreeMap::new();
    let mut database = "0".to_owned();
    for command in decode(log) {
        let name = command[0].to_ascii_uppercase();
        let key = match name.as_slice() {
            b"SELECT" => {
                database = String::from_utf8_lossy(&command[1]).into_owned();
                Vec::new()
            }
            b"FUNCTION" => Vec::new(),
            b"XGROUP" => command[2].clone(),
            _ => command[1].clone(),
        };
        let cost = costs.entry((database.clone(), key)).or_default();
        cost.commands += 1;
        cost.bytes += encode(std::slice::from_ref(&command)).len();
        match name.as_slice() {
            b"XADD" => drop(cost.entries.insert(command[2].clone())),
            b"XIDMPRECORD" => cost.remembered += 1,
            b"XCLAIM" => drop(cost.claimed.insert(command[5].clone())),
            _ => {}
        }
    }
    costs
}

/// The keys for which `ours` takes more commands or bytes than `theirs`, a server's own rewrite, though that loses
/// nothing.
pub(crate) fn dearer(ours: &[u8], theirs: &[u8]) -> Vec<String> {
    let theirs = costs(theirs);
    let mut found = Vec::new();
    for (id, cost) in costs(ours) {
        let Some(their) = theirs.get(&id) else { continue };
        if !their.loses()
            && cost.remembered <= their.remembered
            && (cost.commands > their.commands || cost.bytes > their.bytes)
        {
            found.push(format!(
                "{:?}: {} commands and {} bytes, not {} and {}",
                (&id.0, id.1.escape_ascii().to_string()),
                cost.commands,
                cost.bytes,
                their.commands,
                their.bytes
            ));
        }
    }
    found
}
