//! Makes a damaged log loadable again, and loses nothing by it.
//!
//! Three steps, so that what will happen can be shown before it does: [`survey()`] reads a log, [`plan::plan`] says
//! which bytes of each part stay (pure data), [`apply()`] keeps the others beside the log and does exactly that.
//! [`undo()`] puts them back, or the log that a rewrite replaced, and [`discard()`] removes the copies. Only those, and
//! [`cut()`], change files.
//! [`manifest`] works out a manifest that is missing or broken.
//! [`salvage`] finds what can be kept of a part that is damaged before its end.
//! [`travel`] takes a log back to an earlier time or place, or single commands out of it.
//!
//! ```
//! # fn main() -> aofkit::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("appendonly.aof");
//! # std::fs::write(&path, b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI").unwrap();
//! use aofkit::repair;
//! use aofkit::storage::OpenElsewhere;
//!
//! let log = aofkit::aof::log::Log::open(&path)?;
//! let survey = repair::survey(&log, aofkit::check::Settings::default())?;
//! match repair::plan::plan(&survey) {
//!     Ok(plan) => {
//!         let applied = repair::apply(&plan, &repair::Settings::default())?.unwrap();
//!         assert_eq!((applied.cut_at, applied.removed), (Some(14), 10));
//!     }
//!     Err(refusal) => println!("{}: {}", refusal.message(), refusal.advice()),
//! }
//! repair::undo(&path, None, OpenElsewhere::Refuse)?;
//! # assert_eq!(std::fs::metadata(&path).unwrap().len(), 24);
//! # Ok(())
//! # }
//! ```

mod apply;
mod edit;
pub mod manifest;
pub mod plan;
mod removed;
pub mod salvage;
pub mod survey;
pub mod travel;
mod undo;

pub use apply::{Applied, Settings, apply, apply_with, check_possible, cut, kept_directory, removed_name};
pub use edit::{Edit, Edited, write_edited};
pub use plan::{Before, ManifestPlan, Obstacle, PartChange, PartPlan, Plan, Refusal};
pub use removed::Removed;
pub use survey::{Survey, survey};
pub use undo::{Undone, UndoneCut, check, copies_of, discard, find, undo, undo_with};
