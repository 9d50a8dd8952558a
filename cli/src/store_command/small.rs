//! Operations that take a few lines.

use super::{Operation, PLAIN};

pub(super) static INIT: Operation = Operation {
    names: &["--init"],
    help: "Make an empty store if there is none.",
    unknown_flag: |_| "unknown flag".to_owned(),
    run: |call| {
        call.no_arguments()?;
        Ok(call.session.store.open()?)
    },
    ..PLAIN
};
