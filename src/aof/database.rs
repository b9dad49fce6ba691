//! The number in a `SELECT`.

use crate::resp::parse_integer;

/// The database that the argument of a `SELECT` names, as servers read it (`string2ll`, in every version): only
/// digits, without a sign, a space or a leading zero, up to 2147483647.
///
/// If this is `None`, or there is no such database, a server stays in the current one. The log does not tell the number
/// of databases; [`Server::databases`](crate::Server::databases) is the default.
pub fn database_number(argument: &[u8]) -> Option<u32> {
    let number = i32::try_from(parse_integer(argument)?).ok()?;
    number.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_digits_as_servers_write_them() {
        for number in [0, 9, 10, 15, 16, 2_147_483_647] {
            assert_eq!(database_number(number.to_string().as_bytes()), Some(number));
        }
        for text in
            ["", "-1", "-0", "+1", "01", "00", " 1", "1 ", "1x", "x", "2147483648", "99999999999999999999", "\u{661}"]
        {
            assert_eq!(database_number(text.as_bytes()), None, "{text:?}");
        }
    }
}
