//! From the program's name and arguments to a command, and from its outcome to an exit status.

use crate::args::{Arg, lossy};
use crate::commands;
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::log::{self, Format, Logger};
use crate::output::complain;
use crate::profile;
use crate::report::{Layout, Style};
use crate::store_entry::{self, Entry};
use nivis_eval::heap::OutOfMemory;
use nivis_store::io_error::IoError;
use nix::sys::stat::{Mode, umask};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStringExt;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

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
    /// How the evaluation is profiled, if it is.
    pub(crate) profile: Option<Rc<profile::Options>>,
    /// How many bytes of stack there are.
    pub(crate) stack_size: usize,
}

/// What tells this program from others, and from what it was before it was built anew.
pub(crate) fn identity() -> String {
    let Ok(program) = std::env::current_exe() else {
        return String::new();
    };
    match std::fs::metadata(&program) {
        Ok(metadata) => format!("{program:?} {} {:?}", metadata.len(), metadata.modified().ok()),
        Err(_) => String::new(),
    }
}

/// Runs the command on a thread with a large stack; this one waits for signals.
pub(crate) fn main() -> ! {
    store_entry::run_if_asked();
    profile::guard_terminal_if_asked();
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
    nivis_eval::allocator::keep_free_blocks();
    nivis_eval::allocator::give_back_large_blocks();
    let environment = Environment::read();
    let terminal = io::stderr().is_terminal();
    let style = Style {
        show_trace: false,
        layout: Layout::Auto,
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
        profile: None,
        style,
        stack_size,
    };
    finish(&invocation, commands::dispatch(&invocation))
}

/// How to tell of a command line that makes no sense, as far as it says how.
fn early_logger(invocation: &Invocation) -> Logger {
    let value = |flag: &str| {
        let at = invocation.args.iter().position(|arg| arg == flag.as_bytes())?;
        invocation.args.get(at + 1).map(|value| lossy(value))
    };
    let format = match value("--log-format").as_deref() {
        Some("internal-json") => Format::Json,
        _ => Format::Text,
    };
    let layout = value("--error-format").and_then(|name| Layout::parse(&name));
    Logger {
        verbosity: log::NORMAL,
        format,
        style: Style {
            layout: layout.unwrap_or_default(),
            ..invocation.style
        },
    }
}

/// The exit status of an outcome; tells of a failure that nobody told of yet.
fn finish(invocation: &Invocation, outcome: Result<()>) -> u8 {
    // The flags may say how failures are shown, once they are known.
    let logger = log::current().unwrap_or_else(|| early_logger(invocation));
    match outcome {
        Ok(()) => return 0,
        Err(Failure::Usage(message)) => {
            logger.failure("usage", &message);
            let called_as = &invocation.called_as;
            let name = called_as.rsplit('/').next().unwrap_or(called_as);
            complain(&format!("Try '{name} --help' for more information."));
        }
        Err(Failure::Plain(message)) => logger.failure("other", &message),
        Err(Failure::Eval(error)) => logger.failure("other", &error.to_string()),
        // Whoever read the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(Failure::Output(error)) => {
            let error = IoError::during("writing to standard output", error);
            logger.failure("output", &error.to_string());
        }
        Err(Failure::Exit(status)) => return status,
    }
    1
}
