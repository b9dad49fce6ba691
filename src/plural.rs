//! Pluralization helpers.

use std::borrow::Cow;

/// The form of a word for a number: `byte` for 1, `bytes` otherwise; `entry`, `entries`.
pub(crate) fn plural(number: u64, singular: &str) -> Cow<'_, str> {
    match singular.strip_suffix('y') {
        _ if number == 1 => Cow::Borrowed(singular),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => Cow::Owned(format!("{stem}ies")),
        _ => Cow::Owned(format!("{singular}s")),
    }
}

/// A number with its noun: `1 byte`, `1560 bytes`. Reports group the digits, see [`crate::report::number::counted`].
pub(crate) fn counted(number: u64, singular: &str) -> String {
    format!("{number} {}", plural(number, singular))
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 1560].map(|number| counted(number, "byte")), ["0 bytes", "1 byte", "1560 bytes"]);
        assert_eq!([1, 2].map(|number| counted(number, "entry")), ["1 entry", "2 entries"]);
        assert_eq!(counted(0, "key"), "0 keys");
    }
}
