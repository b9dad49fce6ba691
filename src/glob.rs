//! Glob patterns for keys, as in Redis.

/// Whether `pattern` matches the whole of `text`, as in `KEYS pattern` and `SCAN … MATCH pattern`.
///
/// - `*` matches any bytes, `?` any one byte, `\x` the byte `x`, every other byte itself, case-sensitively.
/// - `[abc]`, `[a-c]`, `[^a]` match one byte of a class. A range may be reversed. Inside a class `\` escapes the next
///   byte, except around the `-` of a range: `[\a-c]` matches `a`, `-` or `c`. A class without `]` extends to the end
///   of the pattern. `[]` matches no byte, `[^]` any byte.
/// - Ranges compare bytes as signed numbers, so that 0x80 to 0xff come before 0x00 (servers on x86-64 do so, where C's
///   `char` is signed).
/// - Only the empty pattern and `*` match an empty text; `**` does not.
///
/// The rules are those of `stringmatchlen` in redis 6.2 to 8.0 and Valkey 8 and 9. Newer releases have a limit of 1000
/// asterisks. This function needs none: its time is bounded by the product of both lengths.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // KEYS and SCAN do not call the matcher for `*`, which would not match an empty key.
    if pattern == b"*" {
        return true;
    }
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut pattern, mut text) = (pattern, text);
    // The pattern after the last asterisk, and the position in the text where it was tried. Each part of the pattern
    // between two asterisks can stay at its first match, so no earlier asterisk needs to be tried again.
    let mut last_asterisk: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            if rest.is_empty() {
                return true;
            }
            pattern = rest;
            last_asterisk = Some((rest, text));
            continue;
        }
        let Some((byte, text_rest)) = text.split_first() else {
            // The rest of the pattern needs another byte, and trying further right would leave even fewer.
            return pattern.is_empty();
        };
        match one_byte(pattern, *byte) {
            Some(pattern_rest) => (pattern, text) = (pattern_rest, text_rest),
            None => match last_asterisk {
                Some((rest, [_, further_right @ ..])) => {
                    (pattern, text) = (rest, further_right);
                    last_asterisk = Some((rest, further_right));
                }
                _ => return false,
            },
        }
    }
}

/// The rest of the pattern if its first element, which is not an asterisk, matches `byte`.
fn one_byte(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (fits, rest) = match pattern {
        [] => return None,
        [b'?', rest @ ..] => (true, rest),
        [b'[', b'^', rest @ ..] => {
            let (contains, rest) = class(rest, byte);
            (!contains, rest)
        }
        [b'[', rest @ ..] => class(rest, byte),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => (*literal == byte, rest),
    };
    fits.then_some(rest)
}

/// Whether the class whose contents start here contains `byte`, and the rest after the class.
fn class(inside: &[u8], byte: u8) -> (bool, &[u8]) {
    let mut inside = inside;
    let mut contains = false;
    loop {
        inside = match inside {
            [] => return (contains, inside),
            [b'\\', member, rest @ ..] => {
                contains |= *member == byte;
                rest
            }
            [b']', rest @ ..] => return (contains, rest),
            [one, b'-', other, rest @ ..] => {
                let (one, other) = (one.cast_signed(), other.cast_signed());
                contains |= (one.min(other)..=one.max(other)).contains(&byte.cast_signed());
                rest
            }
            [member, rest @ ..] => {
                contains |= *member == byte;
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn expect(pattern: &[u8], yes: &[&[u8]], no: &[&[u8]]) {
        for text in yes {
            assert!(matches(pattern, text), "{:?} should match {:?}", pattern.escape_ascii(), text.escape_ascii());
        }
        for text in no {
            assert!(!matches(pattern, text), "{:?} should not match {:?}", pattern.escape_ascii(), text.escape_ascii());
        }
    }

    #[test]
    fn asterisks_and_question_marks() {
        expect(b"", &[b""], &[b"a"]);
        expect(b"*", &[b"", b"a", b"\0"], &[]);
        expect(b"**", &[b"a", b"ab"], &[b""]);
        expect(b"a*", &[b"a", b"ab", b"a*"], &[b"", b"ba"]);
        expect(b"*a*b*", &[b"ab", b"xaxbx", b"aab"], &[b"ba", b"a"]);
        expect(b"h?llo", &[b"hello", b"h\0llo"], &[b"hllo", b"heello", b"Hello"]);
        expect(b"*?", &[b"a", b"ab"], &[b""]);
    }

    #[test]
    fn escapes() {
        expect(b"\\*", &[b"*"], &[b"a", b"\\*"]);
        expect(b"a\\", &[b"a\\"], &[b"a"]);
        expect(b"\\\\", &[b"\\"], &[b"\\\\"]);
        expect(b"[\\]]", &[b"]"], &[b"\\"]);
    }

    #[test]
    fn classes() {
        expect(b"[abc]", &[b"a", b"c"], &[b"d", b"ab", b""]);
        expect(b"[^a-c]", &[b"d", b"^"], &[b"a", b"b", b""]);
        expect(b"[c-a]", &[b"a", b"b", b"c"], &[b"-"]);
        expect(b"[a^]", &[b"a", b"^"], &[b"b"]);
        expect(b"[]", &[], &[b"", b"]", b"a"]);
        expect(b"[^]", &[b"a", b"]"], &[b"", b"ab"]);
        expect(b"[a-]", &[b"a", b"`", b"]"], &[b"-", b"b"]);
        expect(b"[\\a-c]", &[b"a", b"-", b"c"], &[b"b", b"\\"]);
    }

    #[test]
    fn classes_that_are_never_closed() {
        expect(b"[abc", &[b"a", b"c"], &[b"d", b"[abc"]);
        expect(b"[", &[], &[b"[", b"a"]);
        expect(b"[^", &[b"a", b"^"], &[b""]);
        expect(b"[a-", &[b"a", b"-"], &[b"b"]);
        expect(b"[a*", &[b"a", b"*"], &[b"ab"]);
        expect(b"[\\", &[b"\\"], &[b"a"]);
    }

    #[test]
    fn bytes_of_ranges_are_signed() {
        expect(b"[\x01-\xff]", &[b"\x00", b"\x01", b"\xff"], &[b"\x02", b"\x80"]);
        expect(b"[\x80-\xff]", &[b"\x80", b"\xc3", b"\xff"], &[b"\x7f", b"\x00"]);
    }

    #[test]
    fn many_asterisks_are_quick() {
        let pattern = b"*a".repeat(2_000);
        let text = b"a".repeat(4_000);
        assert!(matches(&pattern, &text));
        assert!(!matches(&[&pattern[..], b"b"].concat(), &text));
    }

    /// An element of a pattern, for a simple and slow matcher.
    enum Element {
        Any,
        One(Vec<bool>),
    }

    fn elements(mut pattern: &[u8]) -> Vec<Element> {
        let only = |wanted: u8| (0..=255).map(|byte: u8| byte == wanted).collect();
        let mut elements = Vec::new();
        while let Some((first, mut rest)) = pattern.split_first() {
            elements.push(match first {
                b'*' => Element::Any,
                b'?' => Element::One(vec![true; 256]),
                b'[' => {
                    let negated = rest.first() == Some(&b'^');
                    if negated {
                        rest = &rest[1..];
                    }
                    let mut members = vec![false; 256];
                    while !rest.is_empty() && rest[0] != b']' {
                        let used = if rest[0] == b'\\' && rest.len() >= 2 {
                            members[usize::from(rest[1])] = true;
                            2
                        } else if rest.len() >= 3 && rest[1] == b'-' {
                            let mut ends = [rest[0].cast_signed(), rest[2].cast_signed()];
                            ends.sort_unstable();
                            for byte in ends[0]..=ends[1] {
                                members[usize::from(byte.cast_unsigned())] = true;
                            }
                            3
                        } else {
                            members[usize::from(rest[0])] = true;
                            1
                        };
                        rest = &rest[used..];
                    }
                    rest = rest.get(1..).unwrap_or_default();
                    Element::One(members.into_iter().map(|member| member != negated).collect())
                }
                b'\\' if !rest.is_empty() => {
                    let literal = rest[0];
                    rest = &rest[1..];
                    Element::One(only(literal))
                }
                literal => Element::One(only(*literal)),
            });
            pattern = rest;
        }
        elements
    }

    fn model(elements: &[Element], text: &[u8]) -> bool {
        match elements {
            [] => text.is_empty(),
            [Element::Any, rest @ ..] => (0..=text.len()).any(|skipped| model(rest, &text[skipped..])),
            [Element::One(members), rest @ ..] => {
                text.first().is_some_and(|byte| members[usize::from(*byte)]) && model(rest, &text[1..])
            }
        }
    }

    fn bytes_of(alphabet: &'static [u8], length: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(alphabet), 0..length)
    }

    proptest! {
        #![proptest_config(crate::testing::cases(4096))]

        #[test]
        fn agrees_with_the_rules_written_out(
            pattern in bytes_of(b"***??[[]]^-\\abcd\x00\x80\xff", 12),
            text in bytes_of(b"aabbccd-]^\\*\x00\x80\xff", 8),
        ) {
            let expected = match (&pattern[..], text.is_empty()) {
                (b"*", _) => true,
                (_, true) => pattern.is_empty(),
                _ => model(&elements(&pattern), &text),
            };
            prop_assert_eq!(matches(&pattern, &text), expected);
        }

        #[test]
        fn anything_goes(pattern in any::<Vec<u8>>(), text in any::<Vec<u8>>()) {
            let _ = matches(&pattern, &text);
            let literal: Vec<u8> = text.iter().flat_map(|byte| [b'\\', *byte]).collect();
            prop_assert!(matches(&literal, &text));
        }
    }
}
