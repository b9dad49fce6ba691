//! Keyspace → an RDB, as the base of a log.

use std::io::{self, Write};

use super::batches::{self, Batches};
use super::ordered::Rest;
use super::source::Values;
use super::target::{FIELD_EXPIRY, FUNCTIONS_AND_COUNTERS, IDEMPOTENT_PRODUCERS, VECTOR_SETS};
use super::{Lost, Options, Written};
use crate::keyspace::Keyspace;
use crate::rdb::{self, ModuleId, Origin};
use crate::server::{Release, Server, Since};
use crate::value::Value;

/// Writes a keyspace as an RDB, and after it the commands of keys that only commands describe: servers load the file as
/// they do a log that begins with an RDB preamble.
///
/// Without a target, it is of the oldest version from Redis 7.0 on that holds the data.
///
/// # Errors
/// What `out` returned.
pub fn write_rdb(keyspace: &Keyspace<'_>, options: Options<'_>, out: &mut (impl Write + Send)) -> io::Result<Written> {
    let target = options.target.unwrap_or_else(|| oldest(keyspace));
    // What an RDB says of its making is not data: it is the same whenever it is made.
    // Without a target, no server is named: the data may be of a newer one than the version says.
    let origin = Origin { created: 0, used_memory: 0, named: options.target.is_some() };
    let mut writer = rdb::Writer::new(out, target, origin)?;
    let mut written = Written::default();
    for code in keyspace.functions().values() {
        let lost = writer.function(code)?;
        written.functions += u64::from(lost.is_none());
        written.lost.note(lost.as_ref(), target, options.source);
    }
    module_data(&mut writer, keyspace, 1)?;
    let encode = |batches: &Batches<'_, '_, '_, _>| encode_batches(batches, keyspace, options, target);
    let (parts, _) = batches::write_all(keyspace, (options, Values::Data), &mut writer, encode)?;
    for part in parts {
        written.add(&part?);
    }
    module_data(&mut writer, keyspace, 2)?;
    let length = writer.len();
    let out = writer.finish()?;
    // The end and its checksum.
    written.bytes = length + 9;
    if keyspace.iter().any(|(_, entry)| Values::Histories.include(&entry.value)) {
        let options = Options { target: Some(target), ..options };
        written.add(&super::write_values(keyspace, options, Values::Histories, out)?);
    }
    Ok(written)
}

/// Takes batch after batch, and writes each in its turn.
///
/// # Errors
/// None that the writer of all would not have as well.
fn encode_batches<W: Write>(
    batches: &Batches<'_, '_, '_, W>,
    keyspace: &Keyspace<'_>,
    options: Options<'_>,
    target: Release,
) -> io::Result<Written> {
    let mut written = Written::default();
    let mut keys = rdb::Keys::new(Piece { batches, number: 0 }, target);
    while let Some((batch, number)) = batches.next() {
        keys.out_mut().number = number;
        if let Some(number) = batch.select {
            let (all, expiring) = count(keyspace, options, number);
            keys.database(number, all, expiring)?;
        }
        batch.touch();
        for entry in &batch.entries {
            let lost = keys.key(&entry.key, &entry.value, entry.expiry())?;
            if !lost.as_ref().is_some_and(rdb::Lost::is_whole_key) {
                *written.keys.entry(entry.value.type_name()).or_default() += 1;
            }
            written.lost.note(lost.as_ref(), target, options.source);
        }
        keys.flush()?;
        batches.write(number, &[], Rest::None);
        options.progress.advance(batch.entries.len() as u64);
    }
    Ok(written)
}

/// Where the text of a batch goes.
struct Piece<'b, 'k, 'a, 'p, W> {
    batches: &'b Batches<'k, 'a, 'p, W>,
    number: u64,
}

impl<W: Write> Write for Piece<'_, '_, '_, '_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.batches.write(self.number, bytes, Rest::Follows);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What modules keep beside the keys, as it was in the RDB that it is from: before the keys (1) or after them (2).
fn module_data(writer: &mut rdb::Writer<impl Write>, keyspace: &Keyspace<'_>, when: u64) -> io::Result<()> {
    for kept in keyspace.module_data().iter().filter(|kept| kept.when == when) {
        writer.module_aux(ModuleId(kept.module), kept.when, kept.data)?;
    }
    Ok(())
}

/// How many keys of a database are written, and how many of them expire.
fn count(keyspace: &Keyspace<'_>, options: Options<'_>, number: u32) -> (usize, usize) {
    let wanted = keyspace
        .in_order(number)
        .filter(|entry| Values::Data.include(&entry.value) && (options.wanted)(number, &entry.key));
    wanted.fold((0, 0), |(keys, expiring), entry| (keys + 1, expiring + usize::from(entry.expiry().is_some())))
}

/// The oldest release from Redis 7.0 on that holds all of the data: the one that [`write_rdb`] writes for without a
/// target.
///
/// For fields that expire it is a Redis, though Valkey 9 has an encoding of its own for them: a caller that does not
/// know which server is to load the RDB cannot choose.
pub fn oldest(keyspace: &Keyspace<'_>) -> Release {
    let needed = keyspace.iter().fold(FUNCTIONS_AND_COUNTERS, |needed, (_, entry)| needed.and(needs(&entry.value)));
    let targets = Release::ALL.into_iter().filter(|release| release.target() == *release && needed.includes(*release));
    targets.min_by_key(|release| release.rdb_version()).unwrap_or(Server::NEWEST_REDIS.into())
}

/// The releases whose RDB holds a value.
fn needs(value: &Value<'_>) -> Since {
    match value {
        Value::VectorSet(_) => VECTOR_SETS,
        Value::Stream(stream) if stream.idempotence().is_some() => IDEMPOTENT_PRODUCERS,
        Value::Hash(hash) if hash.iter().any(|(_, field)| field.expiry.is_some()) => FIELD_EXPIRY,
        Value::Raw(raw) => rdb::type_row(raw.family, raw.type_code).map_or(Since::ALWAYS, |row| row.since),
        _ => Since::ALWAYS,
    }
}

impl Lost {
    /// Counts what a writer of an RDB left out.
    fn note(&mut self, lost: Option<&rdb::Lost>, target: Release, source: Option<Release>) {
        match lost {
            None => {}
            Some(rdb::Lost::FieldExpiry { fields }) => self.field_expiries += *fields as u64,
            // When a consumer was last active is no data: commands never say it.
            Some(rdb::Lost::StreamMetadata) => {
                let knew = source.is_none_or(|source| FUNCTIONS_AND_COUNTERS.includes(source));
                self.stream_counters += u64::from(knew && !FUNCTIONS_AND_COUNTERS.includes(target));
            }
            Some(rdb::Lost::StreamProducers) => self.stream_producers += 1,
            Some(rdb::Lost::Function) => self.functions += 1,
            Some(_) => self.values += 1,
        }
    }
}
