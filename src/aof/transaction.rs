//! Transactions as a server sees them while it loads a log.

/// The commands that open and close a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// `MULTI`.
    Multi,
    /// `EXEC`.
    Exec,
    /// `DISCARD`.
    Discard,
}

impl Control {
    /// The control command of this name, in any case.
    #[inline]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"exec") => Some(Self::Exec),
            5 if name.eq_ignore_ascii_case(b"multi") => Some(Self::Multi),
            7 if name.eq_ignore_ascii_case(b"discard") => Some(Self::Discard),
            _ => None,
        }
    }
}

/// Where a transaction was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The offset of its `MULTI`.
    pub offset: u64,
    /// The record number of its `MULTI`, from 1.
    pub record: u64,
    /// The end of the last command before it, if there is one: annotations in between do not count for servers.
    pub command_end_before: Option<u64>,
}

impl Opening {
    /// What is wrong with a part that ends before an `EXEC`, as a clause that goes with a file and the offset of the
    /// `MULTI`.
    pub const UNFINISHED: &str = "the file ends inside the transaction that MULTI opens here";
}

/// A control command where it does not belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misplaced {
    /// `MULTI` inside a transaction: the official checkers call it invalid, servers queue it and its failure is
    /// ignored.
    NestedMulti,
    /// `EXEC` outside a transaction: the official checkers call it invalid, servers ignore it.
    LoneExec,
    /// `DISCARD` inside a transaction: a loading server queues it, and crashes when `EXEC` runs it.
    QueuedDiscard,
    /// `DISCARD` outside a transaction: servers ignore it.
    LoneDiscard,
}

/// Follows the transactions of one part.
///
/// While a server loads a log, everything between `MULTI` and `EXEC` is queued, `MULTI` and `DISCARD` included
/// (`loadSingleAppendOnlyFile`, Redis 6.2 to 8.0 and Valkey 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tracker {
    open: Option<Opening>,
    complete: u64,
}

/// How a record stands to the transactions around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// Outside any transaction.
    Outside,
    /// The `MULTI` that opens one.
    Opens,
    /// Queued inside one.
    Inside,
    /// The `EXEC` that closes one.
    Closes,
}

impl Tracker {
    /// Takes note of a control command; `opening` is what it would open.
    pub fn control(&mut self, control: Control, opening: Opening) -> (Membership, Option<Misplaced>) {
        match (control, self.open) {
            (Control::Multi, None) => {
                self.open = Some(opening);
                (Membership::Opens, None)
            }
            (Control::Multi, Some(_)) => (Membership::Inside, Some(Misplaced::NestedMulti)),
            (Control::Exec, Some(_)) => {
                self.open = None;
                self.complete += 1;
                (Membership::Closes, None)
            }
            (Control::Exec, None) => (Membership::Outside, Some(Misplaced::LoneExec)),
            (Control::Discard, Some(_)) => (Membership::Inside, Some(Misplaced::QueuedDiscard)),
            (Control::Discard, None) => (Membership::Outside, Some(Misplaced::LoneDiscard)),
        }
    }

    /// Goes on with what was found behind a point where no transaction was open, `before` records from the start.
    pub(crate) fn resume(&mut self, rest: Self, before: u64) {
        self.complete += rest.complete;
        self.open = rest.open.map(|opening| Opening { record: opening.record + before, ..opening });
    }

    /// The transaction that is open now.
    pub fn open(&self) -> Option<Opening> {
        self.open
    }

    /// How many transactions were closed by an `EXEC`.
    pub fn complete(&self) -> u64 {
        self.complete
    }

    /// How a record that is no control command stands.
    pub fn membership(&self) -> Membership {
        if self.open.is_some() { Membership::Inside } else { Membership::Outside }
    }
}
