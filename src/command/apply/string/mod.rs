//! The commands on strings.

mod change;
mod options;
mod set;

pub(in crate::command) use change::{append, decr, decrby, incr, incrby, incrbyfloat, setrange};
pub(in crate::command) use set::{
    delex, delifeq, getdel, getex, getset, mset, msetex, msetnx, psetex, set, setex, setnx,
};

/// The maximum length of a string (the default of `proto-max-bulk-len`).
pub(super) const LONGEST: usize = 512 * 1024 * 1024;

#[cfg(test)]
mod tests;
