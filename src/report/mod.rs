//! Everything that a person or a program reads; generic over [`std::io::Write`].

pub mod escape;
pub mod inspect;
