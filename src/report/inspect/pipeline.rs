//! JSON Lines, formatted by other threads while the next records are read.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Builder;

use super::{Heading, Json, Payloads, Printer};
use crate::aof::transaction::Membership;
use crate::aof::{Content, Record};
use crate::rdb;
use crate::resp;
use crate::select::{Place, Step};
use crate::threads;

/// How many bytes of records a batch has, about.
const BATCH: usize = 256 << 10;

/// How many batches are with each thread at most, one in hand and one waiting: what bounds the memory.
const AHEAD: usize = 2;

/// How many threads format at most: reading the records takes as long as two of them take to format those.
const MOST_THREADS: usize = 2;

/// Writes what [`Json`] writes. Records are copied into batches, which other threads format in turn.
///
/// A log of less than a batch needs no thread, and where the system gives none, batches are formatted by the caller's.
#[derive(Debug)]
pub struct Pipeline<W> {
    json: Json<W>,
    payloads: Payloads,
    /// The start of each line of the part, as the threads need it.
    part: Arc<Vec<u8>>,
    /// The batch that is being filled.
    batch: Batch,
    /// Those that format; `None` until they are needed.
    threads: Option<Vec<Formatter>>,
    /// How many batches were given to threads, each to the next one.
    given: usize,
    /// How many of them came back.
    taken: usize,
    /// Batches to be filled again.
    spare: Vec<Batch>,
}

/// A thread that formats batches, and returns them in the order in which it was given them.
#[derive(Debug)]
struct Formatter {
    batches: Sender<Batch>,
    formatted: Receiver<io::Result<Batch>>,
}

/// Records, and what becomes of them.
#[derive(Debug, Default)]
struct Batch {
    part: Arc<Vec<u8>>,
    /// The records as they are in the log, in a row.
    raw: Vec<u8>,
    records: Vec<Filed>,
    /// The lines, once they are formatted.
    text: Vec<u8>,
}

/// What a record's bytes do not say of it.
#[derive(Debug, Clone, Copy)]
struct Filed {
    /// How many bytes of the batch it takes.
    length: usize,
    /// The text of an annotation, without its line end, has so many.
    annotation: Option<usize>,
    offset: u64,
    number: u64,
    place: Place,
}

impl Batch {
    fn add(&mut self, step: &Step<'_, '_>) {
        self.raw.extend_from_slice(step.raw);
        let annotation = match step.record.content {
            Content::Annotation(line) => Some(line.len()),
            Content::Command(_) => None,
        };
        let Record { offset, number, .. } = step.record;
        self.records.push(Filed { length: step.raw.len(), annotation, offset, number, place: step.place });
    }

    /// Prints all records into the batch itself.
    fn make_text(&mut self, json: &mut Json<Vec<u8>>) -> io::Result<()> {
        json.part.clone_from(&self.part);
        // Memory of a batch before is used again.
        *json.line.writer()? = std::mem::take(&mut self.text);
        self.format(json)?;
        self.text = std::mem::take(json.line.writer()?);
        Ok(())
    }

    fn clear(&mut self) {
        self.raw.clear();
        self.records.clear();
        self.text.clear();
    }

    /// Prints all records.
    fn format(&self, json: &mut Json<impl Write>) -> io::Result<()> {
        let mut arguments = Vec::new();
        let mut rest = self.raw.as_slice();
        for &Filed { length, annotation, offset, number, place } in &self.records {
            let Some((raw, behind)) = rest.split_at_checked(length) else { break };
            rest = behind;
            arguments.clear();
            let content = match annotation {
                Some(length) => Content::Annotation(raw.get(..length).unwrap_or(raw)),
                // It was read before, so that it can be read again.
                None => resp::parse(raw, 0, &mut arguments).map(|_| Content::Command(&arguments)).map_err(|_| {
                    io::Error::new(io::ErrorKind::InvalidData, "a record changed while it was being formatted")
                })?,
            };
            let membership = Membership::Outside;
            let record = Record { offset, length: length as u64, number, content, membership, misplaced: None };
            json.record(&Step { record, raw, place })?;
        }
        Ok(())
    }
}

impl<W: Write> Pipeline<W> {
    /// A printer into `out`.
    pub fn new(out: W, payloads: Payloads) -> Self {
        Self {
            json: Json::new(out, payloads),
            payloads,
            part: Arc::default(),
            batch: Batch::default(),
            threads: None,
            given: 0,
            taken: 0,
            spare: Vec::new(),
        }
    }

    /// Has the batch formatted, and takes an empty one.
    fn hand_on_batch(&mut self) -> io::Result<()> {
        let payloads = self.payloads;
        let threads = self.threads.get_or_insert_with(|| (0..MOST_THREADS).map_while(|_| start(payloads)).collect());
        let count = threads.len();
        if count == 0 {
            return self.format_batch();
        }
        if self.given - self.taken >= AHEAD * count {
            self.take_formatted()?;
        }
        let empty = self.spare.pop().unwrap_or_default();
        let mut batch = std::mem::replace(&mut self.batch, empty);
        batch.part = Arc::clone(&self.part);
        let thread = self.thread(self.given).ok_or_else(ended)?;
        thread.batches.send(batch).map_err(|_| ended())?;
        self.given += 1;
        Ok(())
    }

    /// The thread that formats the batch with this number.
    fn thread(&self, number: usize) -> Option<&Formatter> {
        let threads = self.threads.as_deref()?;
        threads.get(number.checked_rem(threads.len())?)
    }

    /// Formats the batch on the caller's thread.
    fn format_batch(&mut self) -> io::Result<()> {
        self.batch.format(&mut self.json)?;
        self.batch.clear();
        Ok(())
    }

    /// Waits for the oldest batch that a thread has, and writes it.
    fn take_formatted(&mut self) -> io::Result<()> {
        let thread = self.thread(self.taken).ok_or_else(ended)?;
        let mut batch = thread.formatted.recv().map_err(|_| ended())??;
        self.taken += 1;
        self.json.line.writer()?.write_all(&batch.text)?;
        batch.clear();
        self.spare.push(batch);
        Ok(())
    }

    /// Writes all records that were given so far.
    fn drain(&mut self) -> io::Result<()> {
        while self.taken < self.given {
            self.take_formatted()?;
        }
        self.format_batch()
    }
}

impl<W: Write> Printer for Pipeline<W> {
    fn part(&mut self, part: &Heading<'_>) -> io::Result<()> {
        self.drain()?;
        self.json.part(part)?;
        self.part = Arc::new(self.json.part.clone());
        Ok(())
    }

    fn record(&mut self, step: &Step<'_, '_>) -> io::Result<()> {
        if step.raw.len() > BATCH {
            // Not worth a copy.
            self.drain()?;
            return self.json.record(step);
        }
        self.batch.add(step);
        if self.batch.raw.len() >= BATCH { self.hand_on_batch() } else { Ok(()) }
    }

    fn item(&mut self, offset: u64, length: u64, item: &rdb::Item<'_>) -> io::Result<()> {
        self.drain()?;
        self.json.item(offset, length, item)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain()?;
        self.json.flush()
    }
}

/// Starts a thread, if the system gives one; it ends when the printer is gone.
fn start(payloads: Payloads) -> Option<Formatter> {
    let (batches, to_format) = mpsc::channel::<Batch>();
    let (done, formatted) = mpsc::channel();
    let work = move || {
        let mut json = Json::new(Vec::new(), payloads);
        for mut batch in to_format {
            let made = batch.make_text(&mut json);
            if done.send(made.map(|()| batch)).is_err() {
                return;
            }
        }
    };
    threads::start(Builder::new().name("format".to_owned()), work)?;
    Some(Formatter { batches, formatted })
}

fn ended() -> io::Error {
    io::Error::other("a thread that formats ended early")
}
