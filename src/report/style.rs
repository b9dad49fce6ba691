//! How text is written for people: with a handful of tones or without, and wrapped where a terminal would break lines.

use std::fmt;

use crate::check::Severity;

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether it has colours.
    pub color: Color,
    /// The columns that a line may take; `None` if paragraphs are lines of any length, as for a pipe.
    pub columns: Option<usize>,
}

/// Whether text has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Without any escape sequence.
    None,
    /// With colours.
    #[cfg(feature = "cli")]
    Ansi,
}

/// The meaning of a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As the text around it.
    Usual,
    /// All is well.
    Good,
    /// Something is wrong.
    Bad,
    /// Something may be wrong.
    Doubtful,
    /// Worth knowing.
    Notable,
    /// Less important than the text around it.
    Faint,
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Bad,
            Severity::Warning => Self::Doubtful,
            Severity::Note => Self::Notable,
        }
    }
}

/// A value in a tone.
#[derive(Debug, Clone, Copy)]
pub struct Painted<T> {
    value: T,
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only colour asks for the tone"))]
    tone: Tone,
    color: Color,
}

impl Style {
    /// Without colours, and not wrapped.
    pub const PLAIN: Self = Self { color: Color::None, columns: None };

    /// The value in the tone, if this style has colour.
    pub const fn paint<T>(self, tone: Tone, value: T) -> Painted<T> {
        Painted { value, tone, color: self.color }
    }
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.color {
            Color::None => self.value.fmt(f),
            #[cfg(feature = "cli")]
            Color::Ansi => {
                let style = owo_colors::Style::new();
                let style = match self.tone {
                    Tone::Usual => style,
                    Tone::Good => style.green().bold(),
                    Tone::Bad => style.red().bold(),
                    Tone::Doubtful => style.yellow().bold(),
                    Tone::Notable => style.cyan(),
                    Tone::Faint => style.dimmed(),
                };
                style.style(&self.value).fmt(f)
            }
        }
    }
}
