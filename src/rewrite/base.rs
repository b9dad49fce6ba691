//! Keyspace → an RDB, as the base of a log.

use std::io::{self, Write};

use super::batches::{self, Batches};
use super::merge::Values;
use super::ordered::Rest;
use super::{Lost, Options, Target, Written, type_name};
use crate::keyspace::{Database, Keyspace};
use crate::rdb::{self, DataType, ModuleId, Origin};
use crate::value::{Family, Value};

/// Writes a keyspace as an RDB, and after it the commands of keys that only commands describe: servers load the file as they
/// do a log that begins with an RDB preamble.
///
/// Without a target, it is of the oldest version from Redis 7.0 on that holds the data.
///
/// # Errors
/// What `out` returned.
pub fn write_rdb(shares: &[Keyspace<'_>], options: Options<'_>, out: &mut (impl Write + Send)) -> io::Result<Written> {
    let target = options.target.unwrap_or_else(|| oldest(shares));
    // What an RDB says of its making is not data: it is the same whenever it is made.
    // Without a target, no server is named: the data may be of a newer one than the version says.
    let origin = Origin { created: 0, used_memory: 0, named: options.target.is_some() };
    let mut writer = rdb::Writer::new(out, target, origin)?;
    let mut written = Written::default();
    if let Some(share) = shares.first() {
        for code in share.functions.values() {
            let lost = writer.function(code)?;
            written.functions += u64::from(lost.is_none());
            written.lost.note(lost.as_ref(), target, options.source);
        }
    }
    module_data(&mut writer, shares, 1)?;
    let encode = |batches: &Batches<'_, '_, '_, _>| encode_batches(batches, shares, options, target);
    let (parts, _) = batches::write_all(shares, (options, Values::Data), &mut writer, encode)?;
    for part in parts {
        written.add(&part?);
    }
    module_data(&mut writer, shares, 2)?;
    let length = writer.len();
    let out = writer.finish()?;
    // The end and its checksum.
    written.bytes = length + 9;
    let mut values = shares.iter().flat_map(Keyspace::databases).flat_map(|(_, database)| database.iter());
    if values.any(|entry| Values::Histories.include(&entry.value)) {
        let options = Options { target: Some(target), ..options };
        written.add(&super::write_values(shares, options, Values::Histories, out)?);
    }
    Ok(written)
}

/// Takes batch after batch, and writes each in its turn.
///
/// # Errors
/// None that the writer of all would not have as well.
fn encode_batches<W: Write>(
    batches: &Batches<'_, '_, '_, W>,
    shares: &[Keyspace<'_>],
    options: Options<'_>,
    target: Target,
) -> io::Result<Written> {
    let mut written = Written::default();
    let mut keys = rdb::Keys::new(Piece { batches, number: 0 }, target);
    while let Some((batch, number)) = batches.next() {
        keys.out_mut().number = number;
        if let Some(number) = batch.select {
            let (all, expiring) = count(shares, options, number);
            keys.database(number, all, expiring)?;
        }
        batch.touch();
        for entry in &batch.entries {
            let lost = keys.key(&entry.key, &entry.value, entry.expiry())?;
            if !lost.as_ref().is_some_and(rdb::Lost::is_whole_key) {
                *written.keys.entry(type_name(&entry.value)).or_default() += 1;
            }
            written.lost.note(lost.as_ref(), target, options.source);
        }
        keys.flush()?;
        batches.write(number, &[], Rest::None);
        (options.progress)(batch.entries.len() as u64);
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

/// What modules keep beside the keys, as it was in the RDB that it is from: before the keys (1) or behind them (2).
fn module_data(writer: &mut rdb::Writer<impl Write>, shares: &[Keyspace<'_>], when: u64) -> io::Result<()> {
    let kept = shares.iter().flat_map(|share| &share.module_data).filter(|kept| kept.when == when);
    for kept in kept {
        writer.module_aux(ModuleId(kept.module), kept.when, kept.data)?;
    }
    Ok(())
}

/// How many keys of a database are written, and how many of them expire.
fn count(shares: &[Keyspace<'_>], options: Options<'_>, number: u32) -> (usize, usize) {
    let databases = shares.iter().filter_map(|share| share.database(number));
    let wanted = databases
        .flat_map(Database::iter)
        .filter(|entry| Values::Data.include(&entry.value) && (options.wanted)(number, &entry.key));
    wanted.fold((0, 0), |(keys, expiring), entry| (keys + 1, expiring + usize::from(entry.expiry().is_some())))
}

/// The oldest target from Redis 7.0 on that holds all of the data: what [`write_rdb`] writes for without a target.
///
/// [`Target::Redis74`] stands for fields that expire, of which Valkey 9 has an encoding of its own: whoever does not know which
/// server is to load the RDB cannot choose.
pub fn oldest(shares: &[Keyspace<'_>]) -> Target {
    let values = shares.iter().flat_map(Keyspace::databases).flat_map(|(_, database)| database.iter());
    values.map(|entry| needs(&entry.value)).max_by_key(|target| holds(*target)).unwrap_or(Target::Redis70)
}

/// How much a target holds, among those that [`needs`] gives: each holds what those before it do.
const fn holds(target: Target) -> u8 {
    match target {
        Target::Valkey8 => 1,
        Target::Redis74 => 2,
        Target::Valkey9 => 3,
        Target::Redis80 => 4,
        Target::Redis86 => 5,
        _ => 0,
    }
}

fn needs(value: &Value<'_>) -> Target {
    match value {
        Value::VectorSet(_) => Target::Redis80,
        Value::Stream(stream) if stream.idempotence().is_some() => Target::Redis86,
        Value::Hash(hash) if hash.iter().any(|(_, field)| field.expiry.is_some()) => Target::Redis74,
        Value::Raw(raw) if raw.family == Family::Valkey => match rdb::type_row(raw.family, raw.type_code) {
            Some(row) if row.data_type == DataType::Hash && row.family.is_some() => Target::Valkey9,
            _ => Target::Redis70,
        },
        Value::Raw(raw) => match rdb::type_row(raw.family, raw.type_code).map_or(0, |row| row.rdb_version) {
            ..=10 => Target::Redis70,
            11 => Target::Valkey8,
            12 => Target::Redis74,
            _ => Target::Redis86,
        },
        _ => Target::Redis70,
    }
}

impl Lost {
    /// Counts what a writer of an RDB left out.
    fn note(&mut self, lost: Option<&rdb::Lost>, target: Target, source: Option<Target>) {
        match lost {
            None => {}
            Some(rdb::Lost::FieldExpiry { fields }) => self.field_expiries += *fields as u64,
            // When a consumer was last active is no data: commands never say it.
            Some(rdb::Lost::StreamMetadata) => {
                let knew = source.is_none_or(Target::is_redis_7_or_later);
                self.stream_counters += u64::from(knew && !target.is_redis_7_or_later());
            }
            Some(rdb::Lost::StreamProducers) => self.stream_producers += 1,
            Some(rdb::Lost::Function) => self.functions += 1,
            Some(_) => self.values += 1,
        }
    }
}
