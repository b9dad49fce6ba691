//! Records as a log again, which a server loads.

use std::io::{self, Write};

use super::{FLUSH_AT, Heading, Printer};
use crate::aof::transaction::Membership;
use crate::aof::{Content, timestamp};
use crate::rdb;
use crate::resp::write_command;
use crate::select::{Step, TransactionOutcome, selected_database};

/// Writes RESP.
///
/// A wanted record is written as it stands. What it needs around it is put back: `SELECT` where the output is in
/// another database, the `#TS:` annotation where the time has changed, `MULTI` and `EXEC` around what is wanted of a
/// transaction. A transaction without an `EXEC` is left out, as a server does it.
#[derive(Debug)]
pub struct Resp<W> {
    out: W,
    ready: Vec<u8>,
    /// Where the output stands.
    database: u64,
    time: Option<i64>,
    /// Where the output stood before the transaction in `held`.
    before: (u64, Option<i64>),
    transaction: Transaction,
    /// Its `MULTI` as it stands.
    multi: Vec<u8>,
    /// What is wanted of a transaction whose end is not known yet.
    held: Vec<u8>,
    outcome: Option<TransactionOutcome>,
}

/// The transaction that the input is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// Nothing of it was wanted so far, or only its `MULTI`.
    Pending {
        time: Option<i64>,
        opening: Opening,
    },
    /// Its `MULTI` is written.
    Written,
    /// It has no `EXEC`.
    LeftOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    Wanted,
    Passed,
}

impl<W: Write> Resp<W> {
    /// A printer into `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            ready: Vec::with_capacity(FLUSH_AT),
            database: 0,
            time: None,
            before: (0, None),
            transaction: Transaction::None,
            multi: Vec::new(),
            held: Vec::new(),
            outcome: None,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_held() {
            self.held.extend_from_slice(bytes);
        } else if bytes.len() >= FLUSH_AT {
            self.hand_on()?;
            self.out.write_all(bytes)?;
        } else {
            self.ready.extend_from_slice(bytes);
            if self.ready.len() >= FLUSH_AT {
                self.hand_on()?;
            }
        }
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.transaction == Transaction::Written && self.outcome.is_none()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.ready)?;
        self.ready.clear();
        Ok(())
    }

    fn go_to_time(&mut self, time: Option<i64>) -> io::Result<()> {
        if let Some(seconds) = time.filter(|_| time != self.time) {
            self.time = time;
            self.write(format!("#TS:{seconds}\r\n").as_bytes())?;
        }
        Ok(())
    }

    fn go_to_database(&mut self, database: u64) -> io::Result<()> {
        if database != self.database {
            self.database = database;
            let mut select = Vec::new();
            write_command(&mut select, &[b"SELECT", itoa::Buffer::new().format(database).as_bytes()]);
            self.write(&select)?;
        }
        Ok(())
    }

    /// Writes `MULTI` if it is still to be written.
    fn enter(&mut self) -> io::Result<()> {
        if let Transaction::Pending { time, .. } = self.transaction {
            self.transaction = Transaction::Written;
            self.before = (self.database, self.time);
            self.go_to_time(time)?;
            let multi = std::mem::take(&mut self.multi);
            self.write(&multi)?;
        }
        Ok(())
    }

    /// The transaction is whole.
    fn leave(&mut self, exec: &[u8]) -> io::Result<()> {
        self.write(exec)?;
        self.outcome = Some(TransactionOutcome::Completes);
        let held = std::mem::take(&mut self.held);
        self.write(&held)?;
        self.begin_anew();
        Ok(())
    }

    fn begin_anew(&mut self) {
        self.transaction = Transaction::None;
        self.outcome = None;
    }

    /// Whatever is held of a transaction was never written.
    fn abandon(&mut self) {
        if self.is_held() {
            (self.database, self.time) = self.before;
            self.held.clear();
        }
        self.begin_anew();
    }

    fn open(&mut self, step: &Step<'_, '_>, opening: Opening) {
        self.multi.clear();
        self.multi.extend_from_slice(step.raw);
        self.transaction = Transaction::Pending { time: step.place.time, opening };
    }
}

impl<W: Write> Printer for Resp<W> {
    fn part(&mut self, _part: &Heading<'_>) -> io::Result<()> {
        self.abandon();
        Ok(())
    }

    fn record(&mut self, step: &Step<'_, '_>) -> io::Result<()> {
        match step.place.membership {
            Membership::Opens => {
                self.open(step, Opening::Wanted);
                return Ok(());
            }
            Membership::Closes => {
                // One with nothing in it is kept where all of it is wanted.
                if matches!(self.transaction, Transaction::Pending { opening: Opening::Wanted, .. }) {
                    self.enter()?;
                }
                return self.pass(step);
            }
            Membership::Inside if self.transaction == Transaction::LeftOut => return Ok(()),
            Membership::Inside | Membership::Outside => {}
        }
        self.enter()?;
        match step.record.content {
            Content::Annotation(line) => {
                self.time = timestamp(line).or(self.time);
                // What the end of a file cut is whole, but nothing can follow it.
                let ending: &[u8] = if step.raw.ends_with(b"\n") { b"" } else { b"\r\n" };
                self.write(step.raw)?;
                self.write(ending)
            }
            Content::Command(arguments) => {
                self.go_to_time(step.place.time)?;
                match selected_database(arguments) {
                    Some(database) => self.database = database,
                    None => self.go_to_database(step.place.database)?,
                }
                self.write(step.raw)
            }
        }
    }

    fn pass(&mut self, step: &Step<'_, '_>) -> io::Result<()> {
        match (step.place.membership, self.transaction) {
            (Membership::Opens, _) => self.open(step, Opening::Passed),
            (Membership::Closes, Transaction::Written) => self.leave(step.raw)?,
            (Membership::Closes, _) => self.begin_anew(),
            (Membership::Inside | Membership::Outside, _) => {}
        }
        Ok(())
    }

    fn item(&mut self, _offset: u64, _length: u64, _item: &rdb::Item<'_>) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the entries of an RDB cannot be written as commands"))
    }

    fn transaction(&mut self, outcome: TransactionOutcome) {
        self.outcome = Some(outcome);
        if outcome == TransactionOutcome::Unfinished {
            self.transaction = Transaction::LeftOut;
        }
    }

    fn is_incomplete(&self) -> bool {
        self.transaction == Transaction::Written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }
}
