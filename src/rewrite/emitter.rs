//! The text of commands, and how much of it was made.

use super::{Options, Written};
use crate::resp;
use crate::server::Since;

/// Text beyond this is handed on.
const FLUSH: usize = 256 << 10;

/// Takes text, before there is too much of it.
pub(super) type Flush<'o> = Box<dyn FnMut(&[u8]) + 'o>;

/// Makes commands, and counts what it makes and leaves out.
pub(super) struct Emitter<'o> {
    /// The text that was not handed on yet.
    pub(super) out: Vec<u8>,
    /// Takes text when there is much of it.
    pub(super) flush: Option<Flush<'o>>,
    pub(super) written: Written,
    pub(super) options: Options<'o>,
}

impl<'o> Emitter<'o> {
    pub(super) fn new(options: Options<'o>) -> Self {
        Self { out: Vec::new(), flush: None, written: Written::default(), options }
    }

    /// Begins a command of so many arguments.
    #[inline]
    pub(super) fn command(&mut self, name: &str, arguments: usize) {
        if self.out.len() >= FLUSH
            && let Some(flush) = &mut self.flush
        {
            flush(&self.out);
            self.out.clear();
        }
        self.written.records += 1;
        resp::write_count(&mut self.out, arguments);
        self.bulk(name.as_bytes());
    }

    /// Begins a command of its name, a key, and so many arguments more.
    #[inline]
    pub(super) fn command_on(&mut self, name: &str, key: &[u8], arguments: usize) {
        self.command(name, 2 + arguments);
        self.bulk(key);
    }

    /// One more argument.
    #[inline]
    pub(super) fn bulk(&mut self, argument: &[u8]) {
        resp::write_bulk_string(&mut self.out, argument);
    }

    /// One more argument, a number.
    pub(super) fn number(&mut self, number: impl itoa::Integer) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Whether the target can hold something; without a target, it can.
    pub(super) fn target_has(&self, what: Since) -> bool {
        self.options.target.is_none_or(|target| what.includes(target))
    }

    /// Commands of up to a batch of items each.
    pub(super) fn batches<T>(
        &mut self,
        count: usize,
        items: impl Iterator<Item = T>,
        begin: impl Fn(&mut Self, usize),
        mut text: impl FnMut(&mut Self, T),
    ) {
        let batch = self.options.batch.get();
        let mut left = count;
        for (index, item) in items.enumerate() {
            if index % batch == 0 {
                begin(self, left.min(batch));
                left = left.saturating_sub(batch);
            }
            text(self, item);
        }
    }
}
