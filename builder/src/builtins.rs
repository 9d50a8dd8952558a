//! Builders that are part of this program: `builtin:fetchurl` and the like.
//!
//! They run in a process of the build, in its sandbox and as its user, like any other builder.

mod buildenv;
mod fetchurl;
mod unpack_channel;

use std::collections::BTreeMap;
use std::path::PathBuf;

use nivis_store::LocalStore;
use nivis_store::derivation::{Derivation, DerivationKind, Variables};
use nivis_store::path::StorePath;

use crate::child::{Action, say};
use crate::failure::BuildFailure;
use crate::settings::BuildSettings;

/// What a builder of ours is given.
#[derive(Debug)]
struct Context {
    env: Variables,
    outputs: BTreeMap<String, PathBuf>,
}

impl Context {
    fn attribute(&self, name: &str) -> Result<&[u8], String> {
        self.env
            .get(name.as_bytes())
            .ok_or_else(|| format!("attribute '{name}' missing"))
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        str::from_utf8(self.attribute(name)?).map_err(|_| format!("attribute '{name}' is not UTF-8"))
    }

    fn out(&self) -> Result<&PathBuf, String> {
        self.outputs
            .get("out")
            .ok_or_else(|| "output 'out' missing".to_owned())
    }
}

/// The builder of a derivation whose builder is one of ours.
pub(crate) fn action(
    store: &LocalStore,
    settings: &BuildSettings,
    drv: &Derivation,
    kind: DerivationKind,
    scratch: BTreeMap<String, StorePath>,
) -> Result<Action, BuildFailure> {
    let outputs = scratch
        .into_iter()
        .map(|(name, path)| (name, store.store_dir().print(&path).into()))
        .collect();
    let context = Context {
        env: drv.env.clone(),
        outputs,
    };
    let run: Box<dyn Fn() -> Result<(), String> + Send> = match drv.builder.as_slice() {
        b"builtin:buildenv" => Box::new(move || buildenv::build(&context)),
        b"builtin:unpack-channel" => Box::new(move || unpack_channel::build(&context)),
        b"builtin:fetchurl" => {
            // Read here: a builder may not.
            let fetch = fetchurl::Fetch::new(settings, drv, kind)?;
            Box::new(move || fetchurl::build(&context, &fetch))
        }
        other => {
            let name = String::from_utf8_lossy(other.strip_prefix(b"builtin:").unwrap_or(other)).into_owned();
            Box::new(move || Err(format!("unsupported builtin builder '{name}'")))
        }
    };
    Ok(Action::Builtin(Box::new(move || {
        run().map_err(|message| format!("error: {}", indent(&message)))
    })))
}

/// Puts further lines of a message below its first, behind `error: `.
fn indent(message: &str) -> String {
    message.replace('\n', "\n       ").replace("       \n", "\n")
}

/// Warn in the protocol that the reference's own builders use.
fn warn(message: &str) {
    let message = serde_json::Value::String(format!("warning: {message}"));
    say(&format!(
        "@nix {{\"action\":\"msg\",\"level\":1,\"msg\":{message}}}"
    ));
}

/// An error of the system on a path.
fn failed<'a>(what: &'a str, path: &'a std::path::Path) -> impl Fn(std::io::Error) -> String + 'a {
    move |error| nivis_store::io_error::IoError::at(what, path, error).to_string()
}
