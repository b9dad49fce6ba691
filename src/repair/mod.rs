//! Makes a damaged log loadable again, and loses nothing by it.
//!
//! Three steps, so that what will happen can be shown before it does: [`survey`](survey::survey) reads a log,
//! [`plan`](plan::plan) says which bytes of each part stay (pure data), [`apply`] keeps the others beside the file and cuts.
//! [`undo`] puts them back. Only [`apply`] and [`undo`] change files.

mod apply;
mod copies;
mod operations;
pub mod plan;
mod removed;
pub mod survey;
mod undo;
pub mod writers;

pub use apply::{Applied, OpenElsewhere, apply, apply_with, cut};
pub use copies::{Copy, Fit, copies_of, copy_name};
pub use operations::{FileSystem, Operations};
pub use plan::{Obstacle, PartPlan, Plan, Refusal};
pub use removed::Removed;
pub use survey::{Survey, survey};
pub use undo::{Undone, find, undo, undo_with};
