//! Operations on the database as text: `--dump-db`, `--load-db` and `--register-validity`.

use super::{Call, Operation, OperationFlag, PLAIN, bare_unknown_flag};
use crate::failure::Result;
use nivis_store::local_store::Reregister;
use std::io::{self, Write};

pub(super) static DUMP_DB: Operation = Operation {
    names: &["--dump-db"],
    arguments: "[PATH…]",
    help: "Print what the database has of the paths, or of all.",
    unknown_flag: bare_unknown_flag,
    run: |call| {
        let session = call.session;
        let paths = match call.args.is_empty() {
            true => session.store.query_all_valid_paths()?.into_iter().collect(),
            false => session.objects(&call.args)?,
        };
        for path in paths {
            let info = session.store.query_path_info(&path)?;
            call.out
                .write_all(session.store.registration_text(&info).as_bytes())?;
        }
        Ok(())
    },
    ..PLAIN
};

pub(super) static LOAD_DB: Operation = Operation {
    names: &["--load-db"],
    help: "Register what --dump-db printed, from standard input.",
    unknown_flag: bare_unknown_flag,
    run: |call| {
        register(
            call,
            Reregister {
                hash_given: true,
                known_too: true,
                canonicalise: false,
            },
        )
    },
    ..PLAIN
};

pub(super) static REGISTER_VALIDITY: Operation = Operation {
    names: &["--register-validity"],
    help: "Register paths that are in the store, as standard input tells of them.",
    flags: &[
        OperationFlag {
            names: &["--reregister"],
            value: "",
            help: "Also paths that are valid already.",
        },
        OperationFlag {
            names: &["--hash-given"],
            value: "",
            help: "The input has hashes and sizes, which are believed.",
        },
    ],
    run: |call| {
        let how = Reregister {
            hash_given: call.has("--hash-given"),
            known_too: call.has("--reregister"),
            canonicalise: true,
        };
        register(call, how)
    },
    ..PLAIN
};

fn register(call: &mut Call, how: Reregister) -> Result<()> {
    call.no_arguments()?;
    Ok(call
        .session
        .store
        .load_registrations(&mut io::stdin().lock(), how)?)
}
