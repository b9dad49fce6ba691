//! A question to a person at a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

/// The longest answer that is read.
const ANSWER_LIMIT: u64 = 1024;

/// What the person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `y` or `yes`, in any case.
    Yes,
    /// Anything else, and the end of the input.
    No,
}

/// Who decides whether a plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// No one: the plan is only shown.
    Never,
    /// It was given in advance.
    Given,
    /// The person at the terminal.
    Ask,
    /// There is no terminal to ask on.
    NobodyThere,
}

impl Consent {
    /// By the options `--dry-run` and `--yes`, and whether there is a terminal to ask at.
    pub fn of(dry_run: bool, yes: bool) -> Self {
        if dry_run {
            Self::Never
        } else if yes {
            Self::Given
        } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
            Self::Ask
        } else {
            Self::NobodyThere
        }
    }

    /// Returns the answer: that of the person, or the one that is known already.
    pub fn decide(self, question: &str, stderr: &mut impl Write) -> io::Result<Answer> {
        match self {
            Self::Given => Ok(Answer::Yes),
            Self::Never | Self::NobodyThere => Ok(Answer::No),
            Self::Ask => ask(question, io::stdin().lock(), stderr),
        }
    }
}

/// Asks `question` on `stderr` and reads one line of `input`.
pub fn ask(question: &str, input: impl BufRead, stderr: &mut impl Write) -> io::Result<Answer> {
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut line = Vec::new();
    input.take(ANSWER_LIMIT).read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        // The end of the input leaves the cursor after the question.
        writeln!(stderr)?;
    }
    let yes = matches!(line.trim_ascii().to_ascii_lowercase().as_slice(), b"y" | b"yes");
    Ok(if yes { Answer::Yes } else { Answer::No })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_one() {
        let answer = |input: &str| ask("Cut?", input.as_bytes(), &mut Vec::new()).unwrap();
        for yes in ["y\n", "Y\n", " yes \r\n", "YES"] {
            assert_eq!(answer(yes), Answer::Yes, "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yep\n", "no\ny\n"] {
            assert_eq!(answer(no), Answer::No, "{no:?}");
        }
        let mut stderr = Vec::new();
        ask("Cut?", &b"y\n"[..], &mut stderr).unwrap();
        assert_eq!(stderr, b"Cut? [y/N] ");
    }
}
