//! Why a command failed.

use std::borrow::Cow;

use crate::rdb::DamageKind;

/// The error that a server would have answered with. A command that fails has no effect.
///
/// The texts are those of the servers without the `-ERR`; where they differ, of Redis 8.0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The key holds a value of another type.
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    WrongType,
    /// An argument or a value is not a 64-bit integer.
    #[error("value is not an integer or out of range")]
    NotAnInteger,
    /// An argument or a value is not a floating-point number.
    #[error("value is not a valid float")]
    NotAFloat,
    /// The sum does not fit in 64 bits.
    #[error("increment or decrement would overflow")]
    Overflow,
    /// The options make no sense.
    #[error("syntax error")]
    Syntax,
    /// The key does not exist, and the command needs it.
    #[error("no such key")]
    NoSuchKey,
    /// An index is outside the list.
    #[error("index out of range")]
    IndexOutOfRange,
    /// A number is outside the range that the command accepts.
    #[error("value is out of range")]
    OutOfRange,
    /// The string would be larger than 512 MB (`proto-max-bulk-len`).
    #[error("string exceeds maximum allowed size (proto-max-bulk-len)")]
    TooLarge,
    /// The time is outside the range that the command accepts.
    #[error("invalid expire time")]
    InvalidExpiry,
    /// There are too few or too many arguments.
    #[error("wrong number of arguments")]
    Arity,
    /// The value is still encoded as in an RDB, and cannot be decoded.
    #[error("the value in the RDB is damaged")]
    DamagedValue,
    /// The payload of a RESTORE holds a value at which servers exit, instead of answering with an error.
    #[error("the value in the payload is damaged: {0}")]
    DamagedPayload(Box<DamageKind>),
    /// Only the key's commands are known, not its value.
    #[error("the key's value is known to a module only")]
    UnknownValue,
    /// Anything else.
    #[error("{0}")]
    Other(Cow<'static, str>),
}

impl Failure {
    /// A failure that is specific to one command.
    pub const fn other(text: &'static str) -> Self {
        Self::Other(Cow::Borrowed(text))
    }
}
