//! Colour, with restraint: a handful of tones, and a style that may leave them out.

use std::fmt;

use crate::check::Severity;

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without any escape sequence.
    Plain,
    /// With colour where it tells something.
    #[cfg(feature = "cli")]
    Colored,
}

/// What a colour tells.
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
    /// Less important than what stands around it.
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
    style: Style,
}

impl Style {
    /// The value in the tone, if this style has colour.
    pub const fn paint<T>(self, tone: Tone, value: T) -> Painted<T> {
        Painted { value, tone, style: self }
    }
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Style::Plain => self.value.fmt(f),
            #[cfg(feature = "cli")]
            Style::Colored => {
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
