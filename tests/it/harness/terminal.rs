//! Programs on a pseudo-terminal of a given width.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};

/// Runs a program whose standard output is a terminal with `columns` columns, and returns its exit code and output.
pub(crate) fn run(mut program: Command, columns: u16) -> (i32, String) {
    program.stdin(Stdio::null());
    run_in(columns, b"", |slave| {
        program.stdout(slave);
        program
    })
}

/// Runs a program at a terminal at which `answer` is typed, and returns its exit code and the text on the terminal.
pub(crate) fn run_answering(mut program: Command, answer: &str) -> (i32, String) {
    run_in(80, answer.as_bytes(), |slave| {
        program.stdin(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap()).stdout(slave);
        program
    })
}

fn run_in(columns: u16, typed: &[u8], connect: impl FnOnce(File) -> Command) -> (i32, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ..tcgetwinsize(&slave).unwrap() };
    tcsetwinsize(&slave, size).unwrap();
    let mut program = connect(slave);
    let mut child = program.spawn().unwrap();
    // The command holds the terminal open until it is dropped, and only then does reading end.
    drop(program);
    let mut output = Vec::new();
    let mut master = File::from(master);
    master.write_all(typed).unwrap();
    let mut buffer = [0; 4096];
    // Linux reports the end of a terminal as an error.
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        output.extend_from_slice(&buffer[..count]);
    }
    let code = child.wait().unwrap().code().unwrap();
    (code, String::from_utf8(output).unwrap().replace("\r\n", "\n"))
}
