//! Sentences within the columns of a terminal; paths and commands, which may be copied, are never broken.

use std::fmt::Display;
use std::io::{self, Write};
use std::ops::Range;

use super::style::Style;
use crate::escape::columns;

/// Text after `indent`, its further lines below it.
pub(crate) fn paragraph(out: &mut impl Write, style: Style, indent: &str, text: &str) -> io::Result<()> {
    write!(out, "{indent}")?;
    Fill::after(style, columns(indent)).write(out, text)
}

/// How text is filled into lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill<'w> {
    /// Columns of a line; everything is one line if there is no limit.
    pub(crate) columns: Option<usize>,
    /// The columns of the first line that are taken already.
    pub(crate) first: usize,
    /// The indent of every other line, in columns.
    pub(crate) rest: usize,
    /// Paths and commands that are not broken at their spaces. Quoted text never is.
    pub(crate) whole: &'w [String],
}

impl Fill<'_> {
    /// Text after something that takes this many columns.
    pub(crate) fn after(style: Style, indent: usize) -> Self {
        Self { columns: style.columns, first: indent, rest: indent, whole: &[] }
    }

    /// Writes the text, and a line end.
    pub(crate) fn write(self, out: &mut impl Write, text: &str) -> io::Result<()> {
        self.write_painted(out, text, str::to_owned)
    }

    /// The same, each line painted.
    pub(crate) fn write_painted<T: Display>(
        self,
        out: &mut impl Write,
        text: &str,
        paint: impl Fn(&str) -> T,
    ) -> io::Result<()> {
        let mut line = String::new();
        let mut used = self.first;
        for word in words(text, self.whole) {
            let width = columns(word);
            if !line.is_empty() && self.columns.is_some_and(|limit| used + 1 + width > limit) {
                writeln!(out, "{}", paint(&line))?;
                write!(out, "{:indent$}", "", indent = self.rest)?;
                line.clear();
                used = self.rest;
            } else if !line.is_empty() {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += width;
        }
        writeln!(out, "{}", paint(&line))
    }
}

/// The pieces after which a line may end.
fn words<'t>(text: &'t str, whole: &[String]) -> Vec<&'t str> {
    let together = kept_together(text, whole);
    let mut words = Vec::new();
    let mut start = 0;
    for (space, _) in text.match_indices(' ') {
        if !together.iter().any(|range| range.contains(&space)) {
            words.extend(text.get(start..space));
            start = space + 1;
        }
    }
    words.extend(text.get(start..));
    words
}

/// The ranges of a text that are not to be broken.
fn kept_together(text: &str, whole: &[String]) -> Vec<Range<usize>> {
    let named = whole.iter().filter(|part| part.contains(' '));
    let mut ranges: Vec<_> =
        named.flat_map(|part| text.match_indices(part.as_str()).map(|(at, found)| at..at + found.len())).collect();
    let bytes = text.as_bytes();
    let opens = |at: usize| at == 0 || matches!(bytes.get(at - 1), Some(b' ' | b'('));
    let closes = |at: usize| matches!(bytes.get(at + 1), None | Some(b' ' | b',' | b'.' | b';' | b':' | b')' | b'?'));
    let mut open: Option<(usize, char)> = None;
    for (at, mark) in text.match_indices(['\'', '"']) {
        let mark = if mark == "'" { '\'' } else { '"' };
        match open {
            None if opens(at) => open = Some((at, mark)),
            Some((start, of)) if of == mark && closes(at) && bytes.get(at - 1) != Some(&b'\\') => {
                ranges.push(start..at);
                open = None;
            }
            _ => {}
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words_and_within_the_columns() {
        let text = "word ".repeat(40);
        let filled = |columns, text: &str| {
            let mut out = Vec::new();
            paragraph(&mut out, Style { columns, ..Style::PLAIN }, "    → ", text).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(filled(None, text.trim_end()), format!("    → {}\n", text.trim_end()));
        let wide = filled(Some(20), &"日本 ".repeat(5));
        assert_eq!(wide, "    → 日本 日本 日本\n      日本 日本 \n");
        let out = filled(Some(80), text.trim_end());
        assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
        assert_eq!(out.lines().map(|line| line.chars().count()).max(), Some(80));
        assert!(out.starts_with("    → word") && out.lines().nth(1).unwrap().starts_with("      word"), "{out}");
        assert_eq!(out.split_whitespace().filter(|word| *word == "word").count(), 40);
    }

    #[test]
    fn paths_commands_and_quotations_stay_in_one_piece() {
        let whole = ["my logs/a.aof".to_owned()];
        let text = r#"the server's log, 'aofkit fix' and "a \" b", ('databases 17') in my logs/a.aof: don't"#;
        let expected = [
            "the",
            "server's",
            "log,",
            "'aofkit fix'",
            "and",
            r#""a \" b","#,
            "('databases 17')",
            "in",
            "my logs/a.aof:",
            "don't",
        ];
        assert_eq!(words(text, &whole), expected);
        assert_eq!(words("an 'open end", &[]), ["an", "'open", "end"]);
    }
}
