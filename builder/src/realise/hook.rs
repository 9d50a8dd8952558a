//! The program that runs after each build: the setting `post-build-hook`.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use nivis_store::io_error::message;
use nivis_store::path::{StoreDir, StorePath};

use crate::events::{Event, Observer};
use crate::failure::describe_status;
use crate::settings::PostBuildHook;

/// Runs the hook, and passes on what it writes. Gives what to say if it fails.
pub(super) fn run(
    hook: &PostBuildHook,
    store_dir: &StoreDir,
    drv: &StorePath,
    outputs: &BTreeSet<StorePath>,
    observer: &mut dyn Observer,
) -> Result<(), String> {
    let program = hook.program.display();
    let paths: Vec<String> = outputs.iter().map(|path| store_dir.print(path)).collect();
    let failed = |error: io::Error| format!("executing \"{program}\": {}", message(&error));
    let (reader, writer) = io::pipe().map_err(failed)?;
    let child = Command::new(Path::new(&hook.program))
        .env("DRV_PATH", store_dir.print(drv))
        .env("OUT_PATHS", paths.join(" "))
        .env("NIX_CONFIG", &hook.config)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let line = format!("error: {}", failed(error));
            observer.event(Event::HookLine {
                line: line.as_bytes(),
            });
            return Err(format!("program \"{program}\" failed with exit code 1"));
        }
    };
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(failed)?;
        observer.event(Event::HookLine { line: &line });
    }
    let status = child.wait().map_err(failed)?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("program \"{program}\" {}", describe_status(status))),
    }
}
