//! Realises derivations.
//!
//! | what | where |
//! |---|---|
//! | what the user decides | [`settings`] |
//! | one derivation from start to end | [`build`] |
//! | how that fails | [`failure`] |
//! | what is built when, as a state machine | [`schedule`] |
//! | doing what it says, with locks and many builds | [`realise`](mod@realise) |
//! | what goes on meanwhile | [`events`] |

pub mod build;
pub mod events;
pub mod failure;
pub mod realise;
pub mod schedule;
pub mod settings;

pub use build::{Built, Job, LogRead, Mode, Running, start};
pub use failure::{BuildFailure, FailureKind};
pub use realise::realise;
pub use settings::{BuildSettings, Sandbox, SandboxPath};
