//! RDB files: walked and verified whole, their values decoded, and written.
//!
//! ```text
//! load  →  walker  →  value · stream · skip      →  context · packed  →  primitive  →  damage · opcode
//!            dump  →  decode · encode · value
//! ```

mod context;
mod damage;
mod decode;
pub mod dump;
mod encode;
mod function;
mod load;
mod members;
mod opcode;
mod packed;
mod primitive;
mod skip;
mod stream;
mod support;
mod value;
mod walker;

pub use crate::value::Family;
pub use context::ModuleId;
pub use damage::{Damage, DamageKind, Doing, Fault, Flaw, Judge, Malformed, PackedFault, Packing, StreamFault};
pub use decode::{DecodeFault, decode};
pub use encode::{Keys, Lost, Origin, RdbTarget, Writer};
pub use function::dumped_functions;
pub use load::{LoadItem, LoadedKey, Loader};
pub use opcode::{DataType, HEADER_LENGTH, Header, Opcode, TYPES, TypeRow, family_of, is_rdb, type_row};
#[cfg(test)]
pub(crate) use primitive::Crc64;
pub use support::{Refusal, checker_refusal, refusal, taken_for_rdb, takes_type, takes_version};
pub use walker::{Checksum, Entry, Item, Scrutiny, Walker};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
