//! RDB files: walked and verified whole.
//!
//! ```text
//! walker  →  value · stream  →  context · packed  →  primitive  →  damage · opcode
//! ```

mod context;
mod damage;
mod members;
mod opcode;
mod packed;
mod primitive;
mod stream;
mod support;
mod value;
mod walker;

pub use context::ModuleId;
pub use damage::{Damage, DamageKind, Doing, Fault, Flaw, Judge, Malformed, PackedFault, Packing, StreamFault};
pub use opcode::{DataType, HEADER_LENGTH, Header, Magic, Opcode, TYPES, TypeRow, is_rdb, type_row};
pub use support::{Refusal, checker_refusal, refusal, taken_for_rdb, takes_type, takes_version};
pub use walker::{Checksum, Entry, Item, Walker};

#[cfg(test)]
mod tests;
