//! RESP: bytes → command, and command → bytes.
