//! Registers in runs, each of one or two bytes:
//!
//! ```text
//! 00llllll            l + 1 registers (to 64) that are zero
//! 01llllll llllllll   l + 1 registers (to 16384) that are zero
//! 1vvvvvll            l + 1 registers (to 4) of the value v + 1 (to 32)
//! ```
//!
//! Which runs a register ends up in depends on what came before; the servers' steps are followed one by one.

use super::{Corrupted, HEADER, REGISTERS};

/// Servers make a longer string dense (`hll-sparse-max-bytes`, as it is by default).
const LONGEST: usize = 3000;
const LARGEST_VALUE: u8 = 32;
const LONGEST_VALUE_RUN: usize = 4;
const LONGEST_SHORT_ZERO_RUN: usize = 64;
/// So many runs are looked at for neighbours of one value that fit one run.
const MERGE_STEPS: usize = 5;

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Zero for the two that are runs of zeros.
    value: u8,
    /// How many registers.
    span: usize,
    /// How many bytes it takes: 2 for the long run of zeros alone.
    length: usize,
}

fn run_at(bytes: &[u8], position: usize) -> Option<Run> {
    let byte = *bytes.get(position)?;
    let low = usize::from(byte & 0x3f);
    Some(match byte >> 6 {
        0 => Run { value: 0, span: low + 1, length: 1 },
        1 => {
            // A run cut short ends in the zero byte that servers have after every string.
            let next = bytes.get(position + 1).copied().unwrap_or(0);
            Run { value: 0, span: (low << 8 | usize::from(next)) + 1, length: 2 }
        }
        _ => Run { value: (byte >> 2 & 0x1f) + 1, span: usize::from(byte & 3) + 1, length: 1 },
    })
}

/// A value is from 1 to 32, a span from 1 to 4.
fn value_run(value: u8, span: usize) -> u8 {
    0x80 | value.wrapping_sub(1) << 2 | u8::try_from(span.wrapping_sub(1) & 3).unwrap_or(0)
}

pub(super) fn push_zeros(bytes: &mut Vec<u8>, span: usize) {
    let [low, high, ..] = span.wrapping_sub(1).to_le_bytes();
    if span > LONGEST_SHORT_ZERO_RUN {
        bytes.push(high | 0x40);
    }
    bytes.push(low);
}

/// Calls back with every run's value and span.
///
/// # Errors
/// [`Corrupted`] if the runs do not cover the registers exactly.
pub(super) fn each_run(bytes: &[u8], mut visit: impl FnMut(u8, u32)) -> Result<(), Corrupted> {
    let (mut position, mut index) = (HEADER, 0);
    while let Some(run) = run_at(bytes, position) {
        visit(run.value, u32::try_from(run.span).unwrap_or(0));
        position += run.length;
        index += run.span;
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

/// Calls back with every register that is not zero, and its value.
///
/// # Errors
/// [`Corrupted`] if the runs do not cover the registers exactly; some may have been visited.
pub(super) fn each_value(bytes: &[u8], mut visit: impl FnMut(usize, u8)) -> Result<(), Corrupted> {
    let (mut position, mut index) = (HEADER, 0_usize);
    while let Some(run) = run_at(bytes, position) {
        if run.value > 0 {
            if index + run.span > REGISTERS {
                return Err(Corrupted);
            }
            for index in index..index + run.span {
                visit(index, run.value);
            }
        }
        position += run.length;
        index += run.span;
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

/// What came of raising a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was as high.
    AsItWas,
    /// It is now.
    Changed,
    /// It has to be done densely: the count is too high for a run, or the string would get too long.
    TooLong,
}

/// Where the run of a register is.
struct Found {
    run: Run,
    position: usize,
    /// Where the run before it is.
    previous: Option<usize>,
    /// The first register of the run.
    first: usize,
}

fn find(bytes: &[u8], index: usize) -> Option<Found> {
    let (mut position, mut first, mut previous) = (HEADER, 0, None);
    loop {
        let run = run_at(bytes, position)?;
        if index < first + run.span {
            return Some(Found { run, position, previous, first });
        }
        previous = Some(position);
        position += run.length;
        first += run.span;
    }
}

/// Raises a register to a count.
///
/// # Errors
/// [`Corrupted`] if no run covers the register; nothing was changed.
pub(super) fn raise(bytes: &mut Vec<u8>, index: usize, count: u8) -> Result<Raised, Corrupted> {
    if count > LARGEST_VALUE {
        return Ok(Raised::TooLong);
    }
    let Found { run, position, previous, first } = find(bytes, index).ok_or(Corrupted)?;
    if run.value >= count {
        return Ok(Raised::AsItWas);
    }
    if run.span == 1 && run.length == 1 {
        if let Some(byte) = bytes.get_mut(position) {
            *byte = value_run(count, 1);
        }
    } else {
        let mut runs = Vec::with_capacity(5);
        let push = |runs: &mut Vec<u8>, span| match (span, run.value) {
            (0, _) => {}
            (span, 0) => push_zeros(runs, span),
            (span, value) => runs.push(value_run(value, span)),
        };
        push(&mut runs, index - first);
        runs.push(value_run(count, 1));
        push(&mut runs, first + run.span - 1 - index);
        if runs.len() > run.length && bytes.len() + runs.len() - run.length > LONGEST {
            return Ok(Raised::TooLong);
        }
        let end = bytes.len().min(position + run.length);
        bytes.splice(position..end, runs);
    }
    join_neighbours(bytes, previous.unwrap_or(HEADER));
    Ok(Raised::Changed)
}

/// Makes one run of neighbours that have the same value, among the few from a position on.
fn join_neighbours(bytes: &mut Vec<u8>, mut position: usize) {
    for _ in 0..MERGE_STEPS {
        let Some(run) = run_at(bytes, position) else { return };
        let next = run_at(bytes, position + 1);
        match next.filter(|next| run.value > 0 && next.value == run.value) {
            Some(next) if run.span + next.span <= LONGEST_VALUE_RUN => {
                bytes.remove(position);
                if let Some(byte) = bytes.get_mut(position) {
                    *byte = value_run(run.value, run.span + next.span);
                }
            }
            _ => position += run.length,
        }
    }
}
