//! The first line of a function library: `#!lua name=mylib`.

/// The name of a library, from the first line of its code; `None` if servers refuse that line.
pub fn library_name(code: &[u8]) -> Option<Vec<u8>> {
    let end = code.iter().position(|byte| *byte == b'\n')?;
    let line = code.get(..end).filter(|line| line.starts_with(b"#!"))?;
    let mut words = words(line)?.into_iter();
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

/// Splits a line at blanks, except within quotes (`sdssplitargs`); `None` if a quote is not closed, or not followed by
/// a blank.
fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.iter().copied().peekable();
    while rest.peek().is_some() {
        if rest.next_if(|byte| is_blank(*byte)).is_some() {
            continue;
        }
        let mut word = Vec::new();
        while let Some(byte) = rest.next_if(|byte| !is_blank(*byte)) {
            if byte != b'"' && byte != b'\'' {
                word.push(byte);
                continue;
            }
            loop {
                match rest.next()? {
                    b'\\' if byte == b'"' => word.push(escaped(&mut rest)?),
                    b'\\' if rest.next_if_eq(&byte).is_some() => word.push(byte),
                    end if end == byte => break,
                    other => word.push(other),
                }
            }
            if rest.peek().is_some_and(|byte| !is_blank(*byte)) {
                return None;
            }
        }
        words.push(word);
    }
    Some(words)
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// The byte after a backslash in double quotes.
fn escaped(rest: &mut (impl Iterator<Item = u8> + Clone)) -> Option<u8> {
    let hexadecimal = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = rest.next()?;
    let mut ahead = rest.clone();
    if byte == b'x'
        && let (Some(high), Some(low)) = (ahead.next().and_then(hexadecimal), ahead.next().and_then(hexadecimal))
    {
        *rest = ahead;
        return Some(high << 4 | low);
    }
    Some(match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    })
}
