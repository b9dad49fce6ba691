//! The report on fields whose expiry has passed when a log is loaded.

use serde::Serialize;

use super::number::counted;
use crate::replay::LoadDifference;
use crate::server::Release;

/// How fields that have expired were treated, and what a server that loads the log makes of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ExpiredFieldsReport {
    /// `as-written` or `as-loaded`.
    pub expired_fields: &'static str,
    /// What the server loses that loads the log.
    pub on_load: OnLoad,
}

/// What a server that loads the log does not have as the server had it that wrote the log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OnLoad {
    /// Fields of hashes that it does not have.
    pub lost_fields: u64,
    /// Fields of hashes that it has with another value.
    pub changed_fields: u64,
    /// Lists and streams that it has with other contents.
    pub changed_keys: u64,
}

impl From<LoadDifference> for OnLoad {
    fn from(difference: LoadDifference) -> Self {
        let LoadDifference { lost_fields, changed_fields, changed_keys } = difference;
        Self { lost_fields, changed_fields, changed_keys }
    }
}

impl ExpiredFieldsReport {
    /// That of a log in which nothing differs.
    pub const fn new(expired_fields: &'static str) -> Self {
        Self { expired_fields, on_load: OnLoad { lost_fields: 0, changed_fields: 0, changed_keys: 0 } }
    }

    /// What there is to say where the data differs between the server that wrote the log and the one that loads it;
    /// `result` is what the data went into, and `verb` what that does with it.
    ///
    /// `a redis-8.0 that loads this log loses 3 fields; the rewrite keeps them`
    pub fn note(&self, server: Release, result: &str, verb: &str) -> Option<String> {
        let OnLoad { lost_fields, changed_fields, changed_keys } = self.on_load;
        let effects = [
            ("loses", lost_fields, "field"),
            ("gets another value for", changed_fields, "field"),
            ("gets other contents for", changed_keys, "key"),
        ];
        let effects: Vec<String> = effects
            .into_iter()
            .filter(|(_, count, _)| *count > 0)
            .map(|(verb, count, what)| format!("{verb} {}", counted(count, what)))
            .collect();
        let (last, others) = effects.split_last()?;
        let effects = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
        let them = if lost_fields + changed_fields + changed_keys == 1 { "it" } else { "them" };
        let which = match (self.expired_fields, changed_fields + changed_keys) {
            ("as-written", 0) => format!("the {result} {verb} {them}"),
            ("as-written", _) => format!("the {result} {verb} {them} as written"),
            _ => format!("the {result} has the data as loaded; --expired-fields as-written gives it as written"),
        };
        Some(format!("a {server} that loads this log {effects}; {which}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(expired_fields: &'static str, [lost_fields, changed_fields, changed_keys]: [u64; 3]) -> String {
        let on_load = OnLoad { lost_fields, changed_fields, changed_keys };
        let server = Release::named("redis-7.4").unwrap();
        ExpiredFieldsReport { expired_fields, on_load }.note(server, "rewrite", "keeps").unwrap_or_default()
    }

    #[test]
    fn a_note_says_what_a_loading_server_loses_and_what_becomes_of_it() {
        assert_eq!(note("as-written", [0, 0, 0]), "");
        assert_eq!(
            note("as-written", [1, 0, 0]),
            "a redis-7.4 that loads this log loses 1 field; the rewrite keeps it"
        );
        assert_eq!(
            note("as-written", [1234, 0, 0]),
            "a redis-7.4 that loads this log loses 1,234 fields; the rewrite keeps them"
        );
        assert_eq!(
            note("as-written", [3, 1, 2]),
            "a redis-7.4 that loads this log loses 3 fields, gets another value for 1 field and gets other contents \
             for 2 keys; the rewrite keeps them as written"
        );
        assert_eq!(
            note("as-loaded", [0, 1, 0]),
            "a redis-7.4 that loads this log gets another value for 1 field; the rewrite has the data as loaded; \
             --expired-fields as-written gives it as written"
        );
    }
}
