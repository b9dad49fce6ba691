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

/// The beginning of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The offset of its `MULTI`.
    pub offset: u64,
    /// The record number of its `MULTI`, from 1.
    pub record: u64,
    /// The end of the last command before it, if there is one. Servers ignore annotations in between.
    pub command_end_before: Option<u64>,
}

impl Opening {
    /// The damage of a part that ends before an `EXEC`, as a clause for a message with a file and the offset of the
    /// `MULTI`.
    pub const UNFINISHED: &str = "the file ends inside the transaction that MULTI opens here";
}

/// A misplaced control command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misplaced {
    /// `MULTI` inside a transaction: the official checkers report it as invalid; servers queue it and ignore its
    /// failure.
    NestedMulti,
    /// `EXEC` outside a transaction: the official checkers report it as invalid; servers ignore it.
    LoneExec,
    /// `DISCARD` inside a transaction: a loading server queues it, and crashes when `EXEC` runs it.
    QueuedDiscard,
    /// `DISCARD` outside a transaction: servers ignore it.
    LoneDiscard,
}

/// Tracks the transactions of one part.
///
/// While a server loads a log, everything between `MULTI` and `EXEC` is queued, including `MULTI` and `DISCARD`
/// (`loadSingleAppendOnlyFile`, Redis 6.2 to 8.0 and Valkey 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tracker {
    open: Option<Opening>,
    complete: u64,
}

/// The relation of a record to transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// Outside any transaction.
    Outside,
    /// The `MULTI` that opens a transaction.
    Opens,
    /// Queued inside a transaction.
    Inside,
    /// The `EXEC` that closes a transaction.
    Closes,
}

impl Tracker {
    /// Tracks a control command; `opening` is the transaction that it would open.
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

    /// Appends the result for the rest of the part, which begins `before` records from the start where no transaction
    /// is open.
    pub(crate) fn resume(&mut self, rest: Self, before: u64) {
        self.complete += rest.complete;
        self.open = rest.open.map(|opening| Opening { record: opening.record + before, ..opening });
    }

    /// The transaction that is open now.
    pub fn open(&self) -> Option<Opening> {
        self.open
    }

    /// The number of transactions that were closed by an `EXEC`.
    pub fn complete(&self) -> u64 {
        self.complete
    }

    /// The relation of a record that is not a control command.
    pub fn membership(&self) -> Membership {
        if self.open.is_some() { Membership::Inside } else { Membership::Outside }
    }
}
