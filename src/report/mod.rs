//! Everything that a person or a program reads; generic over [`std::io::Write`].

pub mod check;
pub mod copies;
pub mod expired;
pub mod file_name;
pub mod fix;
pub mod inspect;
pub mod json;
pub(crate) mod manifest;
pub mod number;
pub(crate) mod paragraph;
pub(crate) mod plan;
pub(crate) mod removed;
pub mod rewrite;
pub mod salvage;
pub mod style;
pub mod travel;
