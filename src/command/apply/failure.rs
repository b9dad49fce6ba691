//! Why a command changed nothing.

use std::borrow::Cow;

use crate::rdb::DamageKind;

/// What a server would have answered instead of doing what was asked. Whoever returns one has changed nothing.
///
/// The texts are the servers', of Redis 8.0 where they differ, without the `-ERR`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The key holds a value of another type.
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    WrongType,
    /// An argument, or a value, is no 64-bit integer.
    #[error("value is not an integer or out of range")]
    NotAnInteger,
    /// An argument, or a value, is no floating point number.
    #[error("value is not a valid float")]
    NotAFloat,
    /// The sum does not fit 64 bits.
    #[error("increment or decrement would overflow")]
    Overflow,
    /// The options make no sense.
    #[error("syntax error")]
    Syntax,
    /// The key is needed, and is not there.
    #[error("no such key")]
    NoSuchKey,
    /// An index is outside the list.
    #[error("index out of range")]
    IndexOutOfRange,
    /// A number is outside what the command takes.
    #[error("value is out of range")]
    OutOfRange,
    /// The string would be larger than 512 MB (`proto-max-bulk-len`).
    #[error("string exceeds maximum allowed size (proto-max-bulk-len)")]
    TooLarge,
    /// The time is outside what the command takes.
    #[error("invalid expire time")]
    InvalidExpiry,
    /// There are too few or too many arguments.
    #[error("wrong number of arguments")]
    Arity,
    /// The value is still as in an RDB, and cannot be decoded.
    #[error("the value in the RDB is damaged")]
    DamagedValue,
    /// The payload of a RESTORE holds a value that servers stop at, instead of answering with an error.
    #[error("the value in the payload is damaged: {0}")]
    DamagedPayload(Box<DamageKind>),
    /// The key is known by its commands only.
    #[error("the key's value is known to a module only")]
    UnknownValue,
    /// Anything else.
    #[error("{0}")]
    Other(Cow<'static, str>),
}

impl Failure {
    /// A failure that one command alone has.
    pub const fn other(text: &'static str) -> Self {
        Self::Other(Cow::Borrowed(text))
    }
}
