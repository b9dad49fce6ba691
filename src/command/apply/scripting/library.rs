//! The first line of a function library: `#!lua name=mylib`.

use crate::escape::split_arguments;

/// The name of a library, from the first line of its code; `None` if servers refuse that line.
pub fn library_name(code: &[u8]) -> Option<Vec<u8>> {
    let end = code.iter().position(|byte| *byte == b'\n')?;
    let line = code.get(..end).filter(|line| line.starts_with(b"#!"))?;
    let mut words = split_arguments(line)?.into_iter();
    if !words.next()?.get(2..)?.eq_ignore_ascii_case(b"lua") {
        return None;
    }
    let mut name = None;
    for word in words {
        let (key, value) = word.split_at_checked(5)?;
        if !key.eq_ignore_ascii_case(b"name=") || name.replace(value.to_vec()).is_some() {
            return None;
        }
    }
    let is_name =
        |name: &Vec<u8>| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    name.filter(is_name)
}
