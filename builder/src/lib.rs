//! Realises derivations.
//!
//! | what | where |
//! |---|---|
//! | what the user decides | [`settings`] |
//! | one derivation from start to end | [`build`] |
//! | how that fails | [`failure`] |

pub mod build;
pub mod failure;
pub mod settings;

pub use build::{Built, Job, LogRead, Mode, Running, start};
pub use failure::{BuildFailure, FailureKind};
pub use settings::{BuildSettings, Sandbox, SandboxPath};
