//! A key-value server that survives `kill -9`. One command on a line: `SET key value`, `GET key`, `DEL key`, `INCR k`.
//!
//!     cargo run --example store -- appendonlydir 127.0.0.1:7000

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use aofkit::aof::log::Log;
use aofkit::aof::{Content, Reader};
use aofkit::append::{Appender, Fsync, Settings};
use aofkit::rewrite::Base;

type Data = HashMap<String, String>;

/// Executes a command; returns the reply, and whether anything changed.
fn execute(data: &mut Data, command: &[&str]) -> (String, bool) {
    let reply = match *command {
        ["SET", key, value] => data.insert(key.into(), value.into()).map_or("new", |_| "replaced").into(),
        ["DEL", key] => data.remove(key).map_or("none", |_| "removed").into(),
        ["INCR", key] => {
            let value = data.get(key).and_then(|value| value.parse::<i64>().ok()).map_or(1, |value| value + 1);
            data.insert(key.into(), value.to_string());
            value.to_string()
        }
        ["GET", key] => return (data.get(key).map_or("none", String::as_str).into(), false),
        _ => return ("unknown command".into(), false),
    };
    (reply, true)
}

/// Serves one connection after the other.
pub(crate) fn run(directory: &Path, listener: &TcpListener) -> Result<(), Box<dyn Error>> {
    let mut log =
        Appender::open(directory, Settings { fsync: Fsync::Always, base: Base::Resp, ..Settings::default() })?;
    let mut data = Data::new();
    for part in Log::open(directory)?.parts {
        let input = part.open()?;
        let mut reader = Reader::new(input.bytes(), 0);
        while let Some(Ok(record)) = reader.next_record() {
            if let Content::Command(words) = record.content {
                execute(&mut data, &words.iter().map(|word| std::str::from_utf8(word)).collect::<Result<Vec<_>, _>>()?);
            }
        }
    }
    for stream in listener.incoming() {
        serve(&stream?, &mut data, &mut log)?;
    }
    Ok(())
}

fn serve(stream: &TcpStream, data: &mut Data, log: &mut Appender) -> Result<(), Box<dyn Error>> {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let command: Vec<&str> = line.split(' ').collect();
        let (reply, is_change) = execute(data, &command);
        if is_change {
            log.append(0, &command.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        }
        // What is answered is on disk.
        log.tick()?;
        (&mut &*stream).write_all((reply + "\n").as_bytes())?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("usage: store DIR ADDRESS".into());
    };
    run(Path::new(&directory), &TcpListener::bind(address)?)
}
