//! Commands → the bytes that a log gets for them.

use super::written::{Written, written};
use crate::resp;
use crate::server::Server;

/// Bytes that wait to be written, and what decides how the next command is written.
#[derive(Debug)]
pub(super) struct Feed {
    buffer: Vec<u8>,
    /// The database of the last `SELECT` in the file; `None` at its head.
    database: Option<u32>,
    /// The Unix second of the last annotation.
    stamped: i64,
    stamps: bool,
    server: Server,
}

/// A buffer of so many bytes is used again; a larger one is given back (`flushAppendOnlyFile` of Redis 8.6).
const REUSED: usize = 4000;

impl Feed {
    /// `stamps` asks for `#TS:` annotations, which Redis 6.2 cannot read.
    pub(super) fn new(server: Server, stamps: bool) -> Self {
        Self { buffer: Vec::new(), database: None, stamped: 0, stamps: stamps && server.skips_annotations(), server }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The next command goes to the head of a file.
    pub(super) fn begin_file(&mut self) {
        self.database = None;
    }

    /// Removes bytes from the front that are written.
    pub(super) fn consume(&mut self, count: usize) {
        self.buffer.drain(..count.min(self.buffer.len()));
        if self.buffer.is_empty() && self.buffer.capacity() > REUSED {
            self.buffer = Vec::new();
        }
    }

    /// Adds a command that was executed at `now`, in milliseconds of Unix time.
    pub(super) fn command(&mut self, database: u32, command: &[&[u8]], now: i64) {
        let written = written(command, now, self.server);
        if written == Written::Nothing {
            return;
        }
        self.stamp(now);
        self.select(database);
        self.add(command, &written);
    }

    /// Adds a unit of commands, which counts whole or not at all. Where one command alone changes something, it stands
    /// by itself, as in the logs of servers from Redis 7.0 on.
    pub(super) fn transaction(&mut self, database: u32, commands: &[&[&[u8]]], now: i64) {
        let writing: Vec<(&[&[u8]], Written)> = commands
            .iter()
            .map(|command| (*command, written(command, now, self.server)))
            .filter(|(_, written)| *written != Written::Nothing)
            .collect();
        let Some((first, rest)) = writing.split_first() else { return };
        self.stamp(now);
        self.select(database);
        if rest.is_empty() {
            return self.add(first.0, &first.1);
        }
        resp::write_command(&mut self.buffer, &[b"MULTI"]);
        for (command, written) in &writing {
            self.add(command, written);
        }
        resp::write_command(&mut self.buffer, &[b"EXEC"]);
    }

    fn add(&mut self, command: &[&[u8]], written: &Written) {
        match written {
            Written::Nothing => {}
            Written::AsIs => resp::write_command(&mut self.buffer, command),
            Written::Instead(words) => {
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                resp::write_command(&mut self.buffer, &words);
            }
        }
    }

    /// Says the time where the second has advanced.
    fn stamp(&mut self, now: i64) {
        let second = now.div_euclid(1000);
        if self.stamps && second > self.stamped {
            self.stamped = second;
            self.buffer.extend_from_slice(format!("#TS:{second}\r\n").as_bytes());
        }
    }

    fn select(&mut self, database: u32) {
        if self.database != Some(database) {
            self.database = Some(database);
            resp::write_command(&mut self.buffer, &[b"SELECT", database.to_string().as_bytes()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(feed: &Feed) -> String {
        String::from_utf8(feed.bytes().to_vec()).unwrap().replace("\r\n", " ")
    }

    #[test]
    fn databases_and_seconds_are_said_where_they_change() {
        let mut feed = Feed::new(Server::default(), true);
        feed.command(0, &[b"SET", b"a", b"1"], 5_000);
        feed.command(0, &[b"GET", b"a"], 6_000);
        feed.command(0, &[b"DEL", b"a"], 6_999);
        feed.command(3, &[b"DEL", b"b"], 6_999);
        let expected =
            "#TS:5 *2 $6 SELECT $1 0 *3 $3 SET $1 a $1 1 #TS:6 *2 $3 DEL $1 a *2 $6 SELECT $1 3 *2 $3 DEL $1 b ";
        assert_eq!(text(&feed), expected);
        let length = feed.bytes().len();
        feed.consume(length);
        feed.begin_file();
        // The clock went back.
        feed.command(3, &[b"DEL", b"b"], 4_000);
        assert_eq!(text(&feed), "*2 $6 SELECT $1 3 *2 $3 DEL $1 b ");
    }

    #[test]
    fn a_unit_is_a_transaction_unless_one_command_alone_has_an_effect() {
        let mut feed = Feed::new(Server::Redis62, true);
        feed.transaction(1, &[&[b"GET", b"a"], &[b"PUBLISH", b"c", b"m"]], 1_000);
        assert_eq!(text(&feed), "");
        feed.transaction(1, &[&[b"GET", b"a"], &[b"DEL", b"a"]], 1_000);
        feed.transaction(1, &[&[b"DEL", b"a"], &[b"PEXPIRE", b"b", b"5"]], 1_000);
        let expected =
            "*2 $6 SELECT $1 1 *2 $3 DEL $1 a *1 $5 MULTI *2 $3 DEL $1 a *3 $9 PEXPIREAT $1 b $4 1005 *1 $4 EXEC ";
        assert_eq!(text(&feed), expected);
    }
}
