//! Realises derivations.
//!
//! | what | where |
//! |---|---|
//! | what the user decides | [`settings`] |
//! | one derivation from start to end | [`build`] |
//! | files from elsewhere | [`download`] |
//! | how that fails | [`failure`] |
//! | what a derivation says about how it is built | [`options`] |
//! | where logs are | [`log`] |
//! | what is built when, as a state machine | [`schedule`] |
//! | doing what it says, with locks and many builds | [`realise`](mod@realise) |
//! | what goes on meanwhile | [`events`] |

#![deny(unsafe_code)]

pub mod build;
pub mod download;
pub mod events;
pub mod failure;
pub mod log;
pub mod options;
pub mod realise;
pub mod schedule;
pub mod settings;

mod builtins;
mod cgroup;
mod checks;
mod child;
mod debug_shell;
mod environment;
mod outputs;
mod place;
mod prepare;
mod rewrite;
mod sandbox;
mod seccomp;
mod shell_attributes;
mod structured;
mod sys;
mod users;

pub use build::{Built, Job, LogRead, Mode, Running, start};
pub use debug_shell::Kept;
pub use failure::{BuildFailure, FailureKind};
pub use options::DrvOptions;
pub use realise::realise;
pub use settings::{BuildSettings, PostBuildHook, Sandbox, SandboxPath};
pub use shell_attributes::{StructuredFiles, structured_files};
