//! The names of files, for people and for programs.

use std::fmt;
use std::path::Path;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::escape::{Escaped, visible};

/// A file's name or path.
///
/// Displayed with nothing in it that a terminal obeys; serialized as a string if it is UTF-8, else as `{"base64":
/// "…"}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileName<P>(pub P);

impl<P: AsRef<Path>> fmt::Display for FileName<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.as_ref();
        match path.to_str() {
            Some(text) => f.write_str(&visible(text)),
            None => Escaped(path.as_os_str().as_encoded_bytes()).fmt(f),
        }
    }
}

impl<P: AsRef<Path>> Serialize for FileName<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let path = self.0.as_ref();
        if let Some(text) = path.to_str() {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("base64", &data_encoding::BASE64.encode(path.as_os_str().as_encoded_bytes()))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn every_name_can_be_shown_and_read_back() {
        let texts = |name: &[u8]| {
            let name = FileName(Path::new(OsStr::from_bytes(name)));
            (name.to_string(), serde_json::to_string(&name).unwrap())
        };
        assert_eq!(texts("né.aof".as_bytes()), ("né.aof".to_owned(), "\"né.aof\"".to_owned()));
        assert_eq!(texts(b"a\x1b.aof"), (r"a\u{1b}.aof".to_owned(), r#""a\u001b.aof""#.to_owned()));
        assert_eq!(texts(b"\xff"), (r"\xff".to_owned(), r#"{"base64":"/w=="}"#.to_owned()));
    }
}
