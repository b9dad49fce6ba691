//! The integration tests: black box, of the program and the public interface. See [`harness`] for the servers and the
//! settings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    clippy::match_same_arms,
    clippy::format_push_string,
    reason = "tests fail by panics, their numbers are small, and they may print"
)]

#[macro_use]
extern crate aofkit_test_macros;

mod harness;

mod accidents;
mod agreement;
mod append;
mod apply_sort;
mod apply_strings;
mod campaign;
mod changes;
mod check;
mod check_reports;
mod command_table;
mod corpus;
mod damaged_values;
mod data_directories;
mod drafts;
mod examples;
mod expired_fields;
mod fix;
mod fix_faults;
mod floors;
mod generated_files;
mod glob;
mod in_place_servers;
mod inspect;
mod inspect_follow;
mod json;
mod manifest_servers;
mod manifest_states;
mod messages;
mod number_servers;
mod official;
mod out_of_memory;
mod rdb_checkers;
mod rdb_salvage_servers;
mod rdb_servers;
mod readme;
mod replay_growth;
mod replay_servers;
mod restore_servers;
mod rewrite;
mod rewrite_in_place;
mod salvage;
mod selected_data;
mod server_choice;
mod server_verdict;
mod skip_damage;
mod sorted_set_servers;
mod streams_servers;
mod style;
mod travel;
mod vector_sets_servers;
