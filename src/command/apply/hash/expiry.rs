//! The commands on the expiry of fields. A time that has passed is set like any other: servers log an HDEL where they
//! delete a field.

use super::super::{Call, Failure};
use super::Visibility;
use super::options::{Condition, FieldArguments, NewExpiry, expiry_at, options};
use crate::value::{Hash, Value};

/// HEXPIRE key seconds [NX|XX|GT|LT] FIELDS count field …
pub(in crate::command) fn hexpire(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    expire(call, 1000, call.now)
}

/// HPEXPIRE key milliseconds [NX|XX|GT|LT] FIELDS count field …
pub(in crate::command) fn hpexpire(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    expire(call, 1, call.now)
}

/// HEXPIREAT key seconds [NX|XX|GT|LT] FIELDS count field …
pub(in crate::command) fn hexpireat(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    expire(call, 1000, 0)
}

/// HPEXPIREAT key milliseconds [NX|XX|GT|LT] FIELDS count field …
pub(in crate::command) fn hpexpireat(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    expire(call, 1, 0)
}

fn expire(call: &mut Call<'_, '_>, milliseconds: i64, base: i64) -> Result<(), Failure> {
    let time = expiry_at(call, call.argument(2)?, milliseconds, base)?;
    let options = options(call, 3, FieldArguments::Names, &["NX", "XX", "GT", "LT"])?;
    let Some(hash) = call.hash(call.argument(1)?)? else { return Ok(()) };
    for field in options.fields {
        let Some(old) = hash.get(field).map(|content| content.expiry) else { continue };
        // No expiry counts as the latest.
        let changes = match options.condition {
            Some(Condition::Nx) => old.is_none(),
            Some(Condition::Xx) => old.is_some(),
            Some(Condition::Gt) => old.is_some_and(|old| old < time),
            Some(Condition::Lt) => old.is_none_or(|old| old > time),
            _ => true,
        };
        if changes {
            hash.set_expiry(field, Some(time));
        }
    }
    Ok(())
}

/// HPERSIST key FIELDS count field …
pub(in crate::command) fn hpersist(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let options = options(call, 2, FieldArguments::Names, &[])?;
    change_expiry(call, options.fields, None)
}

/// HGETEX key [EX seconds|PX milliseconds|EXAT seconds|PXAT milliseconds|PERSIST] FIELDS count field …
pub(in crate::command) fn hgetex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let options = options(call, 2, FieldArguments::Names, &["EX", "PX", "EXAT", "PXAT", "PERSIST"])?;
    match options.expiry {
        Some(NewExpiry::At(time)) => change_expiry(call, options.fields, Some(time)),
        Some(NewExpiry::Clear) => change_expiry(call, options.fields, None),
        Some(NewExpiry::Keep) | None => call.hash(call.argument(1)?).map(drop),
    }
}

/// Changes the expiry of the fields that are visible to the command.
fn change_expiry(call: &mut Call<'_, '_>, fields: &[&[u8]], expiry: Option<i64>) -> Result<(), Failure> {
    let visibility = Visibility::of(call);
    if let Some(hash) = call.hash(call.argument(1)?)? {
        for field in fields {
            if visibility.has(hash, field) {
                hash.set_expiry(field, expiry);
            }
        }
    }
    Ok(())
}

/// HGETDEL key FIELDS count field …: fields that are not visible to the command stay.
pub(in crate::command) fn hgetdel(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let options = options(call, 2, FieldArguments::Names, &[])?;
    let (key, visibility) = (call.argument(1)?, Visibility::of(call));
    let Some(hash) = call.hash(key)? else { return Ok(()) };
    for field in options.fields {
        if visibility.has(hash, field) {
            hash.delete(field);
        }
    }
    if hash.is_empty() {
        call.remove(key);
    }
    Ok(())
}

/// HSETEX key [NX|XX] [FNX|FXX] [EX seconds|PX milliseconds|EXAT seconds|PXAT milliseconds|KEEPTTL] FIELDS count field
/// value …
///
/// NX and XX, which concern the key, are of Valkey.
pub(in crate::command) fn hsetex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let options =
        options(call, 2, FieldArguments::Pairs, &["NX", "XX", "FNX", "FXX", "EX", "PX", "EXAT", "PXAT", "KEEPTTL"])?;
    let key = call.argument(1)?;
    let visibility = Visibility::of(call);
    let hash = call.hash(key)?;
    let (pairs, _) = options.fields.as_chunks::<2>();
    let is_visible = |field: &[u8]| hash.as_ref().is_some_and(|hash| visibility.has(hash, field));
    let is_met = match options.field_condition {
        Some(Condition::Fnx) => pairs.iter().all(|[field, _]| !is_visible(field)),
        Some(Condition::Fxx) => pairs.iter().all(|[field, _]| is_visible(field)),
        _ => true,
    } && match options.condition {
        Some(Condition::Nx) => hash.is_none(),
        Some(Condition::Xx) => hash.is_some(),
        _ => true,
    };
    if !is_met {
        return Ok(());
    }
    if let Some(hash) = hash {
        set_all(hash, pairs, options.expiry);
    } else {
        let mut hash = Hash::default();
        set_all(&mut hash, pairs, options.expiry);
        call.put(key, Value::Hash(hash));
    }
    Ok(())
}

fn set_all<'a>(hash: &mut Hash<'a>, pairs: &[[&'a [u8]; 2]], expiry: Option<NewExpiry>) {
    for [field, value] in pairs {
        match expiry {
            Some(NewExpiry::Keep) => hash.set_keeping_expiry(*field, *value),
            Some(NewExpiry::At(time)) => hash.set_expiring(*field, *value, time),
            Some(NewExpiry::Clear) | None => hash.set(*field, *value),
        };
    }
}
