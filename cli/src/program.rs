//! From the program's name and arguments to a command, and from its outcome to an exit status.

use crate::args::{Arg, lossy};
use crate::commands;
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::output::complain;
use crate::report::{self, Style};
use crate::store_entry::{self, Entry};
use nivis_eval::heap::OutOfMemory;
use nivis_store::io_error::IoError;
use nix::sys::stat::{Mode, umask};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStringExt;
use std::panic::{self, AssertUnwindSafe};

/// Stack sizes to try for the thread that works, in bytes. Memory is used only as far as it is touched, but a limit
/// on address space may forbid the larger ones.
const STACK_SIZES: [usize; 4] = [1 << 30, 256 << 20, 64 << 20, 8 << 20];

/// One run of a command.
pub(crate) struct Invocation {
    /// How the program was called, for messages.
    pub(crate) called_as: String,
    /// The name of the command.
    pub(crate) name: String,
    /// Its arguments.
    pub(crate) args: Vec<Arg>,
    /// The environment.
    pub(crate) environment: Environment,
    /// Whether errors may be coloured.
    pub(crate) style: Style,
    /// Whether this is where the store is at its place.
    pub(crate) entry: Entry,
    /// How many bytes of stack there are.
    pub(crate) stack_size: usize,
}

/// Runs the command on a thread with a large stack; this one waits for signals.
pub(crate) fn main() -> ! {
    store_entry::run_if_asked();
    // What is in the store is for everybody to read.
    umask(Mode::from_bits_truncate(0o022));
    interrupt::block();
    for stack_size in STACK_SIZES {
        let thread = std::thread::Builder::new().stack_size(stack_size);
        let started = thread.spawn(move || {
            let status = panic::catch_unwind(AssertUnwindSafe(|| run(stack_size))).unwrap_or_else(|cause| {
                complain(if cause.is::<OutOfMemory>() {
                    "error: out of memory"
                } else {
                    "error: this is a bug in nivis; please report it"
                });
                1
            });
            // Nothing is torn down: the system frees memory faster.
            std::process::exit(status.into());
        });
        if started.is_ok() {
            interrupt::wait();
        }
    }
    complain("error: cannot start a thread: too little memory");
    std::process::exit(1);
}

fn run(stack_size: usize) -> u8 {
    let environment = Environment::read();
    let terminal = io::stderr().is_terminal();
    let style = Style {
        show_trace: false,
        colour: terminal && !environment.no_colour,
        rich: terminal,
    };
    let mut args = std::env::args_os().map(OsStringExt::into_vec);
    let called_as = args.next().unwrap_or_else(|| b"nivis".to_vec());
    let name = called_as.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let mut args = args.collect();
    let invocation = Invocation {
        entry: Entry::take(&mut args),
        name: lossy(name),
        called_as: lossy(&called_as),
        args,
        environment,
        style,
        stack_size,
    };
    finish(&invocation, commands::dispatch(&invocation))
}

/// The exit status of an outcome; tells of a failure that nobody told of yet.
fn finish(invocation: &Invocation, outcome: Result<()>) -> u8 {
    let style = invocation.style;
    match outcome {
        Ok(()) => return 0,
        Err(Failure::Usage(message)) => {
            complain(&report::plain(&message, style));
            let called_as = &invocation.called_as;
            let name = called_as.rsplit('/').next().unwrap_or(called_as);
            complain(&format!("Try '{name} --help' for more information."));
        }
        Err(Failure::Plain(message)) => complain(&report::plain(&message, style)),
        Err(Failure::Eval(error)) => complain(&report::plain(&error.to_string(), style)),
        // Whoever read the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(Failure::Output(error)) => {
            let error = IoError::during("writing to standard output", error);
            complain(&report::plain(&error.to_string(), style));
        }
        Err(Failure::Exit(status)) => return status,
    }
    1
}
