//! RDB files: iteration and verification, decoding of values, and writing.
//!
//! ```text
//! load · dump · encode  →  support · raw  →  walker  →  damage  →  types
//!   →  value · decode  →  skip · stream  →  context · packed  →  primitive · members  →  fault  →  format
//! ```

mod context;
mod damage;
mod decode;
pub mod dump;
mod encode;
mod fault;
mod format;
mod function;
mod load;
mod members;
mod packed;
mod primitive;
mod raw;
mod skip;
mod stream;
mod support;
mod types;
mod value;
mod walker;

pub use crate::value::{DataType, Family};
pub use context::ModuleId;
pub(crate) use damage::in_value;
pub use damage::{Consumer, Damage, Doing, Flaw};
pub use encode::{Keys, Lost, Origin, Writer};
pub use fault::{DamageKind, DecodeFault, Fault, LzfFault, Malformed, PackedFault, Packing, StreamFault};
pub use format::{HEADER_LENGTH, Header, Opcode, family_of, is_rdb};
pub use function::dumped_functions;
pub use load::{LoadItem, LoadedKey, Loader};
pub(crate) use primitive::Crc64;
pub use support::{
    Refusal, checker_refusal, knows_opcode, late_opcode, refusal, taken_for_rdb, takes_type, takes_version,
};
pub use types::{TYPES, TypeRow, type_row};
pub use walker::{Checksum, Entry, Item, Scrutiny, Walker};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
