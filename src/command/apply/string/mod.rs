//! What the commands on strings do.

mod change;
mod options;
mod set;

pub(in crate::command) use change::{append, decr, decrby, incr, incrby, incrbyfloat, setrange};
pub(in crate::command) use set::{
    delex, delifeq, getdel, getex, getset, mset, msetex, msetnx, psetex, set, setex, setnx,
};

/// Servers refuse longer strings (`proto-max-bulk-len`, as it is by default).
pub(super) const LONGEST: usize = 512 * 1024 * 1024;

#[cfg(test)]
mod tests;
